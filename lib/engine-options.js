'use strict';

const options = require('./options.js');
const { traceparent, tracestate } = require('./trace-context.js');

/** @type {Record<string, [options.Rule, any]>} */
const OPTIONS = {
  args: [options.texts, []],
  cwd: [options.text, undefined],
  env: [options.record, undefined],
  envAllowlist: [options.texts, undefined],
  requestTimeout: [options.milliseconds, 30000],
  startupTimeout: [options.milliseconds, 10000],
  autoRestart: [options.flag, true],
  maxRestarts: [options.countFrom0, 3],
  restartDelay: [options.milliseconds, 1000],
  restartBackoff: [options.factor, 1],
  maxRestartDelay: [options.milliseconds, 30000],
  restartWindow: [options.milliseconds, 60000],
  killTimeout: [options.milliseconds, 5000],
  killTree: [options.flag, true],
  healthMethod: [options.either(false, options.text), 'engine.health'],
  healthInterval: [options.milliseconds, 0],
  maxMessageBytes: [options.bytes, 256 * 1024 * 1024],
  maxPendingBytes: [options.bytes, 64 * 1024 * 1024],
  stderr: [options.oneOf('log', 'ignore'), 'log'],
};

/** @type {Record<string, [options.Rule, any]>} */
const CALL_OPTIONS = {
  timeout: [options.milliseconds, undefined],
  signal: [options.signal, undefined],
  traceparent: [traceparent, undefined],
  tracestate: [tracestate, undefined],
};

const NO_CALL_OPTIONS = { timeout: undefined, signal: undefined, traceparent: undefined, tracestate: undefined };

const enginePath = options.rule(
  (value) => value === undefined || value === null || typeof value === 'string',
  'the path of the engine, a string',
);

/**
 * @param {any} config
 */
function engineOptions(config) {
  const checked = options.checked('EngineClient', OPTIONS, config);
  const path = config === undefined ? undefined : config.enginePath;
  if (!enginePath.fits(path)) throw options.wrong('EngineClient', 'enginePath', enginePath, path);
  checked.enginePath = path;
  return checked;
}

/**
 * @param {any} given
 * @returns {{ timeout: number | undefined, signal: any, traceparent: string | undefined, tracestate: string | undefined }}
 */
function callOptions(given) {
  return given === undefined ? NO_CALL_OPTIONS : options.checked('EngineClient.call', CALL_OPTIONS, given);
}

/**
 * The error of `start()` without a path.
 * @param {any} path
 */
function missingPath(path) {
  return options.wrong('EngineClient', 'enginePath', enginePath, path);
}

module.exports = { callOptions, engineOptions, missingPath };
