'use strict';

const fs = require('fs');
const path = require('path');
const { usage } = require('./failure');

/** Durations are milliseconds, as everywhere in the runtime, or have a unit. */
function duration(name, text) {
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (text === 'none') return Infinity;
  if (!match) throw usage(`--${name} takes a duration (500, 500ms, 30s, 5m, 1h or none); got ${JSON.stringify(text)}`);
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] || 'ms'];
}

function count(name, text) {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw usage(`--${name} takes a whole number from 0 up; got ${JSON.stringify(text)}`);
  return Number(text);
}

/** `--env NAME=VALUE`, any number of times; `NAME` alone removes it. */
function environment(list = []) {
  const env = {};
  for (const entry of list.map(String)) {
    const at = entry.indexOf('=');
    if (at === 0 || entry === '') throw usage(`--env takes NAME=VALUE; got ${JSON.stringify(entry)}`);
    env[at < 0 ? entry : entry.slice(0, at)] = at < 0 ? undefined : entry.slice(at + 1);
  }
  return env;
}

let stdinIsTaken = null;

async function stdinText(name) {
  if (stdinIsTaken) throw usage(`${stdinIsTaken} and ${name} both take standard input (-): only one can`);
  stdinIsTaken = name;
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function fileText(name, file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    const why = { ENOENT: 'there is no such file', EISDIR: 'it is a folder', EACCES: 'no permission' }[error.code];
    throw usage(`${name}: cannot read ${file}: ${why || error.message}`);
  }
}

/**
 * A value given as JSON, as `@file` or as `-` for standard input.
 * @param {string} name of the option or argument, for the error
 * @param {string | undefined} given
 */
async function jsonValue(name, given) {
  if (given === undefined) return undefined;
  let text = given;
  let from = '';
  if (given === '-' || given === '@-') {
    text = await stdinText(name);
    from = ' from standard input';
  } else if (given.startsWith('@')) {
    text = fileText(name, given.slice(1));
    from = ` in ${given.slice(1)}`;
  }
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    const quotes = /^[{[]/.test(text.trim()) ? '; in a shell, put it in single quotes' : '';
    const hint = from ? '' : `; it takes JSON, @file, or - for standard input${quotes}`;
    throw usage(`${name}: the text${from} is not JSON: ${error.message.split('\n')[0]}${hint}`);
  }
}

const SCRIPTS = {
  '.js': () => process.execPath,
  '.cjs': () => process.execPath,
  '.mjs': () => process.execPath,
  '.py': () => (process.platform === 'win32' ? 'python' : 'python3'),
};

/**
 * How ENGINE is started: a script by its interpreter, a path as it is, a bare name by PATH.
 * @returns {{enginePath: string, args: string[]}}
 */
function engineCommand(engine, args = []) {
  const interpreter = SCRIPTS[path.extname(engine).toLowerCase()];
  const isPath = engine !== path.basename(engine);
  if (interpreter) {
    const script = path.resolve(engine);
    if (!fs.existsSync(script)) throw usage(`ENGINE: there is no script ${engine}`);
    return { enginePath: interpreter(), args: [script, ...args] };
  }
  // The shell's folder counts, not the one that --cwd gives to the engine.
  return { enginePath: isPath ? path.resolve(engine) : engine, args };
}

/** An option that was given once. */
function once(name, value) {
  if (Array.isArray(value)) throw usage(`--${name} is given ${value.length} times; it takes one value`);
  return value;
}

module.exports = { count, duration, engineCommand, environment, jsonValue, once };
