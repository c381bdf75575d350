import { expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { readLine } from '../support/naive-wire.js';
import { numbersOf } from '../support/random.js';
import { rounds, timeFor } from '../support/rounds.js';
import { response, saySlowly } from '../support/wire.js';

const logged = consoleErrors();
const ROUNDS = rounds(2);
const LINES = 1500;
const NAMES = ['job:progress', 'job:complete', 'job:error', 'notification', 'stdout', 'error'];

// No requests and responses: those are the calls' matter.
const MESSAGES = [
  '{"type":"progress","jobId":"a","timestamp":1700000000000,"data":{"percent":12.5,"message":"zwölf €"}}',
  '{"type":"result","jobId":"b-7","timestamp":1,"data":{"pages":[{"text":"a } \\" {","n":-0.0}]}}',
  '{"type":"error","jobId":3,"timestamp":1e3,"data":{"code":-1,"message":"\\u0000\\ud83d\\ude00"}}',
  '{"jsonrpc":"2.0","method":"log","params":{"level":"info","message":"[ok]"}}',
  '{"jobId":"é","data":[[[]],{},null,true,false],"type":"partial"}',
];
const INSERTED = ['{', '}', '[', ']', '"', '\\', ',', ':', '0', 'NaN', '\r', ' ', '\ufeff', 'e', '\u0000', '😀', '{}'];

/** One to four valid messages, then up to three mutations of their text: a piece deleted, doubled, moved, or put in. */
function mutated(next) {
  const below = (end) => Math.floor(next() * end);
  let units = Array.from({ length: 1 + below(4) }, () => MESSAGES[below(MESSAGES.length)]).join('');
  for (let mutations = below(4); mutations > 0; mutations -= 1) {
    const text = Array.from(units);
    const at = below(text.length + 1);
    const piece = text.splice(at, below(2) === 0 ? 0 : below(12));
    const kind = below(4);
    if (kind === 0) text.splice(at, 0, INSERTED[below(INSERTED.length)]);
    if (kind === 1) text.splice(at, 0, ...piece, ...piece);
    if (kind === 2) text.splice(below(text.length + 1), 0, ...piece);
    units = text.join('');
  }
  return units;
}

test.each(Array.from({ length: ROUNDS }, (_, round) => round))(
  `${LINES} mutated lines, in pieces cut anywhere, are read as the contract’s words say (seed %i)`,
  async (seed) => {
    const next = numbersOf(seed);
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = [];
    for (const name of NAMES) {
      client.on(name, ({ data }) => heard.push([name, name === 'error' ? [data.code, data.jobId] : data]));
    }
    const lines = Array.from({ length: LINES }, () => mutated(next));
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    const pieces = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + Math.floor(next() ** 4 * 20_000);
      pieces.push(bytes.subarray(at, end));
      at = end;
    }
    await saySlowly(client, 0, ...pieces, `${response('"result":null')}\n`);
    let at = 0;
    for (const line of lines) {
      const expected = readLine(line);
      expect(heard.slice(at, at + expected.length), JSON.stringify(line)).toStrictEqual(expected);
      at += expected.length;
    }
    expect(heard).toHaveLength(at);
    // A mutation may make a response of a message; it can be nobody’s.
    expect(logged.filter((entry) => !entry.startsWith('[Engine] Received response for unknown request'))).toEqual([]);
  },
  timeFor(1, 30_000),
);
