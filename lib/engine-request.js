'use strict';

const { ErrorCodes, jsonOf } = require('./errors.js');

/**
 * How a request of the engine's is answered: once, with a result or with an error.
 * @param {import('../binding.js').NativeEngine} native
 * @param {number} run the engine's that asked; the next one is not answered
 * @param {string} idText the JSON text of its id
 * @param {() => void} sendCalls what the app called before goes first
 */
function answerOf(native, run, idText, sendCalls) {
  let answered = false;
  /** @type {(send: () => number) => boolean} */
  const once = (send) => {
    if (answered) return false;
    answered = true;
    sendCalls();
    const sent = send() === 0;
    native.endTurn();
    return sent;
  };
  /** @type {(code: number, message: string, data?: unknown) => boolean} */
  const fail = (code, message, data) => {
    const dataText = jsonOf(data);
    return once(() =>
      native.fail(run, idText, JSON.stringify(Number(code)), JSON.stringify(String(message)), dataText),
    );
  };
  /** @type {(result?: unknown) => boolean} */
  const respond = (result) => {
    let text;
    try {
      text = JSON.stringify(result);
    } catch (error) {
      fail(ErrorCodes.INTERNAL_ERROR, 'The answer of the app cannot be written as JSON');
      throw error;
    }
    return once(() => native.respond(run, idText, text === undefined ? 'null' : text));
  };
  return { respond, fail };
}

module.exports = { answerOf };
