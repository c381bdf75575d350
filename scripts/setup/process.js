'use strict';

const { spawn, spawnSync } = require('child_process');
const path = require('path');

const ROOT = path.resolve(__dirname, '..', '..');
const IN_CI = Boolean(process.env.CI) && process.env.CI !== 'false';

const ENDINGS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
// A terminal's Ctrl-C reaches the whole group by itself; every other signal is passed on.
const FORWARDED = process.stdin.isTTY ? ['SIGTERM', 'SIGHUP'] : ENDINGS;

/** An end that the user can act on: its message is all that is printed. */
class Stop extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Runs a program on this terminal and waits for it.
 * `onOutput(text)` gets what the program prints to stdout, which is still shown.
 * @returns {Promise<number>} its exit code; when it died of a signal, so does this process
 */
function run(command, args, { cwd = ROOT, env = process.env, onOutput = null, shell = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env,
      shell,
      stdio: ['inherit', onOutput ? 'pipe' : 'inherit', 'inherit'],
    });
    const forward = (signal) => child.kill(signal);
    const ignore = () => {};
    FORWARDED.forEach((signal) => process.on(signal, forward));
    process.on('SIGINT', ignore);
    if (onOutput) {
      child.stdout.setEncoding('utf8');
      child.stdout.on('data', (text) => {
        process.stdout.write(text);
        onOutput(text);
      });
    }
    const done = () => {
      FORWARDED.forEach((signal) => process.removeListener(signal, forward));
      process.removeListener('SIGINT', ignore);
    };
    child.once('error', (error) => {
      done();
      reject(new Stop(`${command} could not be started: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      done();
      if (ENDINGS.includes(signal)) process.kill(process.pid, signal);
      else if (signal) reject(new Stop(`${command} died of ${signal}`));
      else resolve(code);
    });
  });
}

/** Like `run`, but anything but success ends the script with `failure`. */
async function mustRun(failure, command, args, options) {
  const code = await run(command, args, options);
  if (code !== 0) throw new Stop(failure, code);
}

/** What a short program prints, or why it could not: `{ ok, text, missing }`. */
function capture(command, args, { cwd = ROOT, shell = false } = {}) {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    shell,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (error) return { ok: false, text: error.message, missing: error.code === 'ENOENT' };
  return status === 0
    ? { ok: true, text: stdout, missing: false }
    : { ok: false, text: stdout + stderr, missing: false };
}

/** Runs a script's main function; a `Stop` prints its message alone. */
function main(body) {
  body().catch((error) => {
    console.error(error instanceof Stop ? error.message : error.stack);
    process.exitCode = error instanceof Stop ? error.exitCode : 1;
  });
}

module.exports = { IN_CI, ROOT, Stop, capture, main, mustRun, run };
