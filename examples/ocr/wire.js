'use strict';

// The engine's side of the wire: one JSON text per line, requests in, answers and job events out.
// Knows nothing of jobs or images.

const CODES = {
  PARSE_ERROR: -32700,
  INVALID_REQUEST: -32600,
  METHOD_NOT_FOUND: -32601,
  INVALID_PARAMS: -32602,
  INTERNAL_ERROR: -32603,
  JOB_NOT_FOUND: -31001,
};

/** An error whose code and message go to the app as they are. */
class RpcError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * Answers every request of `input` on `output` until `input` ends.
 *
 * @param {import('stream').Readable} input
 * @param {import('stream').Writable} output
 * @param {Record<string, (params: object) => unknown>} methods answered in order, so none may wait
 * @param {() => void} onEnd
 */
function serve(input, output, methods, onEnd) {
  const answer = (line) => {
    if (line.trim() === '') return;
    const response = respond(line, methods);
    if (response) send(output, response);
  };

  // Split by hand: `readline` would also split at U+2028 and U+2029, which JSON strings may hold.
  let rest = '';
  input.setEncoding('utf8');
  input.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    lines.forEach(answer);
  });
  input.on('end', () => {
    answer(rest);
    onEnd();
  });
}

function send(output, message) {
  output.write(`${JSON.stringify(message)}\n`);
}

function respond(line, methods) {
  let request;
  try {
    request = JSON.parse(line);
  } catch (error) {
    return failure(null, new RpcError(CODES.PARSE_ERROR, `Not a JSON text: ${error.message}`));
  }
  const id = readId(request);
  try {
    const result = call(request, methods);
    // Without an id it is a notification, which gets no answer.
    return id === undefined ? null : { jsonrpc: '2.0', id, result };
  } catch (error) {
    // A notification is never answered, but what is no request at all is, with `id: null`.
    if (id === undefined && error.code !== CODES.INVALID_REQUEST) return null;
    return failure(id === undefined ? null : id, error);
  }
}

function readId(request) {
  const id = request === null ? undefined : request.id;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

function call(request, methods) {
  if (request === null || request.jsonrpc !== '2.0' || typeof request.method !== 'string') {
    throw new RpcError(CODES.INVALID_REQUEST, 'Not a JSON-RPC 2.0 request');
  }
  const { method, params = {} } = request;
  if (!Object.hasOwn(methods, method)) throw new RpcError(CODES.METHOD_NOT_FOUND, `Method not found: ${method}`);
  if (typeof params !== 'object' || params === null || Array.isArray(params)) {
    throw new RpcError(CODES.INVALID_PARAMS, `${method}: params must be an object`);
  }
  return methods[method](params);
}

function failure(id, error) {
  return { jsonrpc: '2.0', id, error: describe(error) };
}

/** What the app is told of an error: a number it can branch on and a sentence for its user. */
function describe(error) {
  if (error instanceof RpcError) return { code: error.code, message: error.message };
  console.error(error);
  return { code: CODES.INTERNAL_ERROR, message: error.message };
}

module.exports = { CODES, RpcError, describe, send, serve };
