'use strict';

const { randomUUID } = require('crypto');
const { METHOD_NOT_FOUND } = require('../lab');
const { isObject } = require('../lines');
const { expect, shown } = require('../verdicts');
const { asciiLine } = require('../wire-engine');

const UNKNOWN = 'conformance.no-such-method';
// Each is a string that a careless engine makes a number, a name or a different text of.
const ODD_IDS = ['007', '1e3', 'null', 'a "quoted" id \\ with\ttab', 'x'.repeat(300)];

function expectForm(response) {
  const { jsonrpc, error, ...rest } = response;
  const text = shown({ jsonrpc, ...rest, error });
  expect(jsonrpc === '2.0', `"jsonrpc" takes "2.0"; got ${text}`);
  const hasError = error !== undefined && error !== null;
  expect(hasError !== 'result' in rest, `an answer has either "result" or "error"; got ${text}`);
  if (!hasError || typeof error === 'string') return;
  const isWhole = isObject(error) && Number.isInteger(error.code) && typeof error.message === 'string';
  expect(isWhole, `"error" takes {"code":<whole number>,"message":"…"}; got ${text}`);
}

module.exports = {
  title: 'Requests and answers',
  checks: [
    {
      id: 'ids.echo',
      section: '2',
      says: 'each answer has the id of its request',
      hint: 'Copy "id" from the request into the answer as it is.',
      async run(lab) {
        const engine = await lab.engine();
        const ids = Array.from({ length: 5 }, () => randomUUID());
        for (const id of ids) await engine.request(UNKNOWN, {}, { id });
      },
    },
    {
      id: 'ids.strings',
      section: '2',
      says: 'an id stays the string that it is, whatever is in it',
      hint: 'Treat the id as an opaque text: no conversion to a number, no trimming, no limit in length.',
      async run(lab) {
        const engine = await lab.engine();
        for (const id of ODD_IDS) await engine.request(UNKNOWN, {}, { id });
      },
    },
    {
      id: 'answers.once',
      section: '2',
      says: 'each request is answered once',
      hint: 'Look for two places that write the answer: often an error handler behind a handler that has answered already.',
      async run(lab) {
        const engine = await lab.engine();
        const ids = Array.from({ length: 5 }, () => randomUUID());
        for (const id of ids) await engine.request('engine.health', undefined, { id });
        await engine.quiet();
        for (const id of ids) {
          const { length } = engine.responses.filter((response) => response.id === id);
          expect(length === 1, `one request of engine.health was answered ${length} times`);
        }
      },
    },
    {
      id: 'methods.unknown',
      section: '2',
      says: 'an unknown method is answered with an error, and the engine goes on',
      hint: 'Answer {"jsonrpc":"2.0","id":…,"error":{"code":-32601,"message":"Method not found: …"}} and read on.',
      async run(lab) {
        const engine = await lab.engine();
        const { error, result } = await engine.request(UNKNOWN, {});
        expect(error, `${UNKNOWN} was answered with the result ${shown(result)}`);
        await engine.request('engine.health');
      },
    },
    {
      id: 'methods.code',
      section: '2',
      says: 'the error of an unknown method has the code −32601',
      hint: 'Use -32601 for methods that the engine does not have: apps tell by it what is offered.',
      async run(lab) {
        const engine = await lab.engine();
        const { error } = await engine.request(UNKNOWN, {});
        if (!error) return;
        expect(error.code === METHOD_NOT_FOUND, `its code is ${shown(error.code)}, in ${shown(error)}`);
      },
    },
    {
      id: 'params.null',
      section: '2',
      says: 'a request whose params are null is answered',
      hint: 'An app may send "params":null; take it as no parameters.',
      run: async (lab) => (await lab.engine()).request(UNKNOWN, null),
    },
    {
      id: 'notifications.silent',
      section: '2',
      says: 'a request without an id is not answered',
      hint: 'Without "id" it is a notification: do what it says, and write nothing.',
      async run(lab) {
        const engine = await lab.engine();
        const before = engine.responses.length;
        engine.write(asciiLine({ jsonrpc: '2.0', method: UNKNOWN, params: {} }));
        await engine.request('engine.health');
        await engine.quiet();
        const { length } = engine.responses;
        expect(length === before + 1, `it was answered: ${shown(engine.responses[before])}`);
      },
    },
    {
      id: 'answers.form',
      section: '2',
      says: 'answers are {jsonrpc, id, result} or {jsonrpc, id, error: {code, message}}',
      hint: 'Exactly one of "result" and "error"; a result of nothing is null. A code is a whole number.',
      async run(lab) {
        await (await lab.engine()).request('engine.health');
        lab.record.responses.forEach(expectForm);
      },
    },
  ],
};
