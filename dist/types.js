'use strict';

/** The numbers of JSON-RPC 2.0 (section 5.1) and of the engines' own range. */
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

module.exports = { ErrorCodes };
