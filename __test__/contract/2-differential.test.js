import { expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { readLine } from '../support/naive-wire.js';
import { sayAndAnswer } from '../support/wire.js';

const logged = consoleErrors();

/** A repeatable source of numbers from 0 to below `below`. */
function dice(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x100000000) * below);
  };
}

const PIECES = [
  '{"type":"progress","jobId":"a","data":1}',
  '{"type":"result","jobId":2,"data":{"b":[{}]}}',
  '{"jobId":"é€😀","data":"}{","type":"error"}',
  '{"jsonrpc":"2.0","method":"n"}',
  '{"jsonrpc":"2.0","method":"n","params":{"a":{"b":"\\"{"}}}',
  '{"type":"log","jobId":"\\ud800","jobId":"last"}',
  '{"type":"result","jobId":"broken","data":NaN}',
  '{"jobId":7,"type":"error","data":',
  '{"type":"progress","jobId":"broken","data":nan}',
  '{"a":1}',
  '{}',
  '{',
  '{"',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ',',
  '1e999',
  'null',
  'noise',
  ' ',
  '\t',
  '\r',
  '\ufeff',
  '\u00a0',
  'ü😀',
];

/** One line of some pieces, now and then cut anywhere. */
function lineOf(roll) {
  let line = '';
  for (let pieces = roll(7); pieces >= 0; pieces -= 1) line += PIECES[roll(PIECES.length)];
  if (roll(4) === 0) line = line.slice(0, roll(line.length + 1));
  return line.toWellFormed === undefined ? line.replace(/[\ud800-\udbff]$/, '') : line.toWellFormed();
}

test.each([1, 2, 3, 4])('three thousand random lines are read as a slow twin reads them (seed %i)', async (seed) => {
  const client = await startedEngine('says-what-it-is-told.js');
  const roll = dice(seed);
  const lines = Array.from({ length: 3000 }, () => lineOf(roll));
  const heard = [];
  const tell = ({ type, data }) => heard.push([type, type === 'error' ? [data.code, data.jobId] : data]);
  for (const name of ['job:progress', 'job:complete', 'job:error', 'notification', 'stdout', 'error']) {
    client.on(name, tell);
  }
  for (const line of lines) {
    heard.push([line]);
    await sayAndAnswer(client, `${line}\n`);
  }
  const expected = lines.flatMap((line) => [[line], ...readLine(line)]);
  for (let n = 0; n < expected.length; n += 1) expect(heard[n]).toStrictEqual(expected[n]);
  expect(heard).toHaveLength(expected.length);
  expect(logged).toEqual([]);
});
