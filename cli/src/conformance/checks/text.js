'use strict';

const { randomUUID } = require('crypto');
const { expect } = require('../verdicts');
const { asciiLine } = require('../wire-engine');

const METHOD = 'conformance.text';
const MEBIBYTE = 1024 * 1024;

/** Requests with these params are answered, whatever the answer is. */
async function answersAll(lab, values) {
  const engine = await lab.engine();
  for (const text of values) await engine.request(METHOD, { text });
}

module.exports = {
  title: 'Texts and lines',
  checks: [
    {
      id: 'text.escaped',
      section: '2',
      says: 'reads texts that come as ASCII with \\uXXXX',
      hint: 'Use a JSON parser; take care that no log line of the engine fails on the text in its code page.',
      run: (lab) =>
        answersAll(lab, ['Gr\u00fc\u00dfe, \u017c\u00f3\u0142w, \u65e5\u672c\u8a9e', 'line\nbreak\ttab \u0001 \u2028']),
    },
    {
      id: 'text.astral',
      section: '2',
      says: 'reads characters that come as two \\uXXXX',
      hint: 'Two escapes \\ud83d\\ude00 are one character beyond U+FFFF: the JSON parser must join them.',
      run: (lab) => answersAll(lab, ['\u{1f600}\u{1f468}\u200d\u{1f469}', '\u{2070e}\u{10ffff}']),
    },
    {
      id: 'text.lone-surrogate',
      section: '2',
      says: 'survives half a character, which JavaScript texts may hold',
      hint: 'A single \\ud800 is no character. Answer with an error or replace it, but go on reading; name no encoding that fails on it when it is logged.',
      async run(lab) {
        const engine = await lab.engine();
        engine.write(
          asciiLine({ jsonrpc: '2.0', id: randomUUID(), method: METHOD, params: { text: '\ud800 and \udc00' } }),
        );
        await engine.request('engine.health');
      },
    },
    {
      id: 'text.large',
      section: '2',
      says: 'answers a request of one MiB',
      hint: 'Read lines without a limit in length. A buffer of fixed size, or a read that gives up, cuts them.',
      run: (lab) => answersAll(lab, ['x'.repeat(MEBIBYTE)]),
    },
    {
      id: 'lines.several',
      section: '2',
      says: 'answers all of several requests that come in one write',
      hint: 'One read may hold many lines: handle each of them, and keep what is behind the last line break.',
      async run(lab) {
        const engine = await lab.engine();
        const ids = Array.from({ length: 20 }, () => randomUUID());
        engine.write(ids.map((id) => asciiLine({ jsonrpc: '2.0', id, method: METHOD, params: {} })).join(''));
        for (const id of ids) await engine.answerTo(id, 'one of 20 requests in one write');
      },
    },
    {
      id: 'lines.split',
      section: '2',
      says: 'answers a request that comes in several pieces',
      hint: 'A read may end anywhere, also inside of a line: wait for the line break before you parse.',
      async run(lab) {
        const engine = await lab.engine();
        const id = randomUUID();
        const line = asciiLine({ jsonrpc: '2.0', id, method: METHOD, params: { text: 'caf\u00e8' } });
        const middle = line.indexOf('\\u') + 3;
        const pieces = [line.slice(0, 5), line.slice(5, middle), line.slice(middle, -1), '\n'];
        for (const piece of pieces) {
          engine.write(piece);
          await engine.quiet(50);
        }
        await engine.answerTo(id, 'a request in four pieces');
        const again = engine.responses.filter((response) => response.id === id);
        expect(again.length === 1, 'a request in pieces was answered more than once');
      },
    },
  ],
};
