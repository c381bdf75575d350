'use strict';

/** The numbers of JSON-RPC 2.0, and those that engines use. The same as the runtime's `ErrorCodes`. */
const ErrorCodes = Object.freeze({
  PARSE_ERROR: -32700,
  INVALID_REQUEST: -32600,
  METHOD_NOT_FOUND: -32601,
  INVALID_PARAMS: -32602,
  INTERNAL_ERROR: -32603,
  JOB_NOT_FOUND: -31001,
  JOB_ALREADY_RUNNING: -31002,
  JOB_CANCELLED: -31003,
  JOB_TIMEOUT: -31004,
  MODEL_NOT_FOUND: -30001,
  MODEL_LOAD_FAILED: -30002,
  INSUFFICIENT_MEMORY: -30003,
  CACHE_MISS: -29001,
  CACHE_FULL: -29002,
});

/** An error whose code, message and data reach the app as they are, from a job as from a method. */
class JobError extends Error {
  constructor(code, message, data) {
    super(message);
    this.name = 'JobError';
    this.code = code;
    this.data = data;
  }
}

/**
 * What the app is told of an error. One that is no `JobError` is a surprise: stderr gets its stack. Anything can be thrown,
 * and nothing that is may keep the app from hearing of the end.
 */
function describe(error) {
  try {
    if (error instanceof JobError) {
      const { code, message, data } = error;
      const isCode = Number.isFinite(code) || typeof code === 'string';
      const described = { code: isCode ? code : ErrorCodes.INTERNAL_ERROR, message: String(message) };
      return data === undefined ? described : { ...described, data };
    }
    console.error(error);
    const message = error instanceof Error ? error.message || error.name : error;
    return { code: ErrorCodes.INTERNAL_ERROR, message: String(message) };
  } catch {
    return { code: ErrorCodes.INTERNAL_ERROR, message: 'What was thrown cannot be shown as a text' };
  }
}

const cancelled = () => new JobError(ErrorCodes.JOB_CANCELLED, 'Job cancelled');
const invalid = (message) => new JobError(ErrorCodes.INVALID_PARAMS, message);

module.exports = { ErrorCodes, JobError, cancelled, describe, invalid };
