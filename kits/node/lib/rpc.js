'use strict';

// JSON-RPC 2.0, the answering side: one line in, at most one line out. Knows nothing of jobs.

const { ErrorCodes, JobError, describe, invalid } = require('./errors');
const { encode } = require('./json');

const isId = (id) => typeof id === 'string' || typeof id === 'number' || id === null;
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * @param {string} line
 * @param {Map<string, (params: object) => unknown>} methods
 * @param {(text: string) => void} send at once where the method does not return a promise
 */
function answer(line, methods, send) {
  let request;
  try {
    request = JSON.parse(line.replace(/^\uFEFF/, ''));
  } catch (error) {
    sendError(send, null, new JobError(ErrorCodes.PARSE_ERROR, `Parse error: ${error.message}`));
    return;
  }
  const fault = faultOf(request);
  if (fault) {
    const id = isObject(request) && isId(request.id) ? request.id : null;
    sendError(send, id, new JobError(ErrorCodes.INVALID_REQUEST, fault));
    return;
  }
  // An answer to something that this engine never asked.
  if (request.method === undefined) return;

  const { id } = request;
  // Without an id it is a notification, which gets no answer.
  const asked = id !== undefined;
  const succeed = (result) => asked && sendResult(send, id, request.method, result);
  const fail = (error) => {
    if (asked) sendError(send, id, error);
    else describe(error);
  };
  let result;
  try {
    result = call(request, methods);
  } catch (error) {
    fail(error);
    return;
  }
  if (result && typeof result.then === 'function') result.then(succeed, fail);
  else succeed(result);
}

function faultOf(request) {
  if (Array.isArray(request)) return 'Batches are not answered: send one request a line';
  if (!isObject(request) || request.jsonrpc !== '2.0') return 'Not a JSON-RPC 2.0 request: jsonrpc must be "2.0"';
  if (request.id !== undefined && !isId(request.id))
    return 'Not a JSON-RPC 2.0 request: id must be a string or a number';
  if (request.method === undefined && ('result' in request || 'error' in request)) return null;
  return typeof request.method === 'string' ? null : 'Not a JSON-RPC 2.0 request: method must be a string';
}

function call({ method, params }, methods) {
  const fn = methods.get(method);
  if (!fn) throw new JobError(ErrorCodes.METHOD_NOT_FOUND, `Method not found: ${method}`);
  if (params === undefined || params === null) return fn({});
  if (!isObject(params)) throw invalid(`${method}: params must be an object`);
  return fn(params);
}

function sendResult(send, id, method, result) {
  let text;
  try {
    text = encode(result, `The result of ${method}`);
  } catch (error) {
    sendError(send, id, error);
    return;
  }
  send(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${text}}`);
}

function sendError(send, id, error) {
  let described = describe(error);
  try {
    described = encode(described, "The error's data");
  } catch (fault) {
    described = encode({ ...described, data: fault.message });
  }
  send(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":${described}}`);
}

module.exports = { answer };
