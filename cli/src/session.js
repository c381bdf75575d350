'use strict';

const path = require('path');
const { EngineClient } = require('@niche-knack/desktop-runtime');
const { duration, engineCommand, environment, once } = require('./arguments');
const { showStderr } = require('./engine-stderr');
const { ExitCode, Failure, SIGNAL_CODES } = require('./failure');
const { remark } = require('./terminal');

/** Options of every command that starts an engine. */
const ENGINE_OPTIONS = {
  cwd: { type: 'string', requiresArg: true, describe: "The engine's working directory" },
  env: { type: 'array', string: true, requiresArg: true, describe: 'NAME=VALUE for the engine; NAME alone removes it' },
  'startup-timeout': { type: 'string', requiresArg: true, describe: 'Until the engine answers (default 10s)' },
  quiet: { alias: 'q', type: 'boolean', describe: "No remarks, nothing of the engine's standard error" },
};

const ENGINE_HELP = 'A program in PATH, a path, or a script: .js, .cjs, .mjs run by node, .py by python3';

/** What {@link EngineClient} and a raw start of the engine have in common. */
function engineOptions(argv) {
  return {
    ...engineCommand(argv.engine, argv['--']),
    cwd: argv.cwd === undefined ? undefined : path.resolve(once('cwd', argv.cwd)),
    env: environment(argv.env),
    startupTimeout: duration('startup-timeout', once('startup-timeout', argv.startupTimeout)) ?? 10_000,
  };
}

/** What is wrong, in one line: the error's message and the engine's code. */
function told(error) {
  return typeof error.code === 'number' ? `${error.message} (code ${error.code})` : error.message;
}

function startFailure(engine, { enginePath, cwd }, error) {
  const why = {
    ENOENT: `there is no program ${enginePath}${cwd ? `, or no folder ${cwd}` : ''}`,
    EACCES: `${enginePath} may not be executed`,
    STARTUP_TIMEOUT: 'it did not answer the health request in time; --startup-timeout gives it longer',
    ENGINE_EXITED: 'it ended before it answered the health request',
  }[error.code];
  const isBare = error.code === 'ENOENT' && engine === path.basename(engine);
  const hint = isBare ? `; a name without a slash is searched in PATH (a file here is ./${engine})` : '';
  return new Failure(ExitCode.ENGINE, `cannot start ${engine}: ${why || told(error)}${hint}`, { cause: error });
}

/** npm and npx hand on a Ctrl-C that the terminal has sent to all of them: within this time it is the same one. */
const SAME_SIGNAL_MS = 300;

/**
 * The first signal asks to end, by `onSignal`; the second ends this process, and the engine with it.
 * @returns {{signal: string | null, onSignal: (signal: string) => void, done(): void}}
 */
function interruptions(onSignal) {
  const state = { signal: null, onSignal, done };
  let since = 0;
  const heard = (signal) => {
    if (state.signal) {
      if (Date.now() - since < SAME_SIGNAL_MS) return;
      process.exit(SIGNAL_CODES[signal]);
    }
    since = Date.now();
    state.signal = signal;
    state.onSignal(signal);
  };
  for (const signal of Object.keys(SIGNAL_CODES)) process.on(signal, heard);
  function done() {
    for (const signal of Object.keys(SIGNAL_CODES)) process.off(signal, heard);
  }
  return state;
}

function interrupted(signal) {
  return new Failure(SIGNAL_CODES[signal], `ended by ${signal}`);
}

/**
 * Starts the engine, lets `use` work with it, and stops it, whatever happens.
 * @param {Record<string, any>} argv
 * @param {(client: EngineClient, interrupts: ReturnType<typeof interruptions>) => Promise<any>} use
 * @param {import('@niche-knack/desktop-runtime').EngineClientConfig} [more]
 */
async function withEngine(argv, use, more = {}) {
  const options = engineOptions(argv);
  let stopping = false;
  let endWhileStarting = null;
  let isUp = false;
  const client = new EngineClient({ autoRestart: false, ...options, ...more });
  showStderr(client, (line) => remark(`engine | ${line}`));
  // A start error is told by the rejection.
  client.on('error', () => {});
  client.on('exit', ({ data: { code, signal } }) => {
    const end = `the engine ended by itself: ${signal ? `signal ${signal}` : `exit code ${code}`}`;
    if (!isUp) endWhileStarting = end;
    else if (!stopping) remark(end);
  });
  const stop = () => {
    stopping = true;
    return client.stop();
  };
  const interrupts = interruptions(stop);
  try {
    try {
      await client.start();
      isUp = true;
    } catch (error) {
      // One that does not answer in time is ended by the runtime.
      if (endWhileStarting && !stopping && error.code !== 'STARTUP_TIMEOUT') remark(endWhileStarting);
      throw startFailure(argv.engine, options, error);
    }
    return await use(client, interrupts);
  } catch (error) {
    if (interrupts.signal) throw interrupted(interrupts.signal);
    throw error;
  } finally {
    await stop();
    interrupts.done();
  }
}

module.exports = { ENGINE_HELP, ENGINE_OPTIONS, engineOptions, interrupted, interruptions, told, withEngine };
