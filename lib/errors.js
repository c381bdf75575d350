'use strict';

const util = require('util');
const { ErrorCodes } = require('../dist/types.js');

// Apps match on these texts, letter by letter.
/** @type {Record<string, string>} */
const MESSAGES = {
  NOT_READY: 'Engine not ready',
  ALREADY_RUNNING: 'Engine already running',
  STARTUP_TIMEOUT: 'Engine startup timeout',
  ENGINE_EXITED: 'Engine process exited',
  SHUTTING_DOWN: 'Engine shutting down',
  JOB_TIMEOUT: 'Job timeout',
  JOB_CANCELLED: 'Job cancelled',
  PARSE_ERROR: 'The engine sent a text that is not JSON',
  MESSAGE_TOO_LARGE: 'The engine sent a message larger than maxMessageBytes',
  INTERNAL_PANIC: 'A defect in desktop-runtime was caught; what was pending is lost, the next call works',
  NO_JOB_ID: 'The engine answered jobs.start without a jobId',
};

// Its `name` stays 'Error': Electron prints a rejected handler's error with its name, and renderers cut `Error: `.
class EngineError extends Error {
  /**
   * @param {string} message
   * @param {number | string} code
   * @param {{ data?: unknown, method?: string, jobId?: string }} [details]
   */
  constructor(message, code, details = {}) {
    super(message);
    this.code = code;
    if (details.data !== undefined) this.data = details.data;
    if (details.method !== undefined) this.method = details.method;
    if (details.jobId !== undefined) this.jobId = details.jobId;
  }
}

/**
 * An error of ours: its message, and the number of the `ErrorCodes` name where there is one.
 * @param {string} name
 * @param {{ data?: unknown, method?: string, jobId?: string }} [details]
 * @param {string} [message]
 */
function errorOf(name, details, message) {
  const numbers = /** @type {Record<string, number>} */ (ErrorCodes);
  const code = Object.prototype.hasOwnProperty.call(numbers, name) ? numbers[name] : name;
  return new EngineError(
    message || MESSAGES[name] || name,
    name === 'NO_JOB_ID' ? ErrorCodes.INTERNAL_ERROR : code,
    details,
  );
}

/**
 * The JSON text of a value; `undefined` for what JSON cannot hold.
 * @param {unknown} value
 * @returns {string | undefined}
 */
function jsonOf(value) {
  try {
    return JSON.stringify(value);
  } catch (error) {
    return undefined;
  }
}

/**
 * What an engine gave as an error: a JSON-RPC error, a string, or anything else.
 * @param {any} error
 * @param {{ method?: string, jobId?: string }} details
 */
function engineErrorOf(error, details) {
  if (typeof error === 'string') return new EngineError(error, ErrorCodes.INTERNAL_ERROR, details);
  const known = error !== null && typeof error === 'object';
  const message = known && typeof error.message === 'string' ? error.message : jsonOf(error) || util.inspect(error);
  const hasCode = known && (typeof error.code === 'number' || typeof error.code === 'string');
  const code = hasCode ? error.code : ErrorCodes.INTERNAL_ERROR;
  return new EngineError(message, code, {
    data: known ? error.data : undefined,
    method: details.method,
    jobId: details.jobId,
  });
}

module.exports = { ErrorCodes, EngineError, engineErrorOf, errorOf, jsonOf };
