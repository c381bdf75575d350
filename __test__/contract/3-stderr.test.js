import { expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';

const lines = consoleErrors();
const fromEngine = () => lines.filter((line) => line.startsWith('[Engine stderr]'));

async function exitOf(client, params) {
  const exited = next(client, 'exit');
  client.call('exit', params).catch(() => {});
  return (await exited).data;
}

test('stderr lines go to `console.error` as `[Engine stderr] …`', async () => {
  const client = await startedEngine('does-as-told.js', { autoRestart: false });
  await exitOf(client, { stderr: 'one\r\ntwo ü🙂\n\nwithout newline' });
  expect(fromEngine()).toEqual([
    '[Engine stderr] one',
    '[Engine stderr] two ü🙂',
    '[Engine stderr] ',
    '[Engine stderr] without newline',
  ]);
});

test('… unless `stderr: "ignore"`', async () => {
  const client = await startedEngine('does-as-told.js', { autoRestart: false, stderr: 'ignore' });
  const { stderrTail } = await exitOf(client, { stderr: 'one\n' });
  expect(fromEngine()).toEqual([]);
  expect(stderrTail).toBe('one\n');
});

test('… or somebody listens to `stderr`, for as long as they do', async () => {
  const client = await startedEngine('does-as-told.js', { autoRestart: false });
  const heard = [];
  const listener = ({ type, data }) => heard.push([type, data]);
  client.on('stderr', listener);
  await client.call('print', { stderr: 'heard\n' });
  await eventually(() => heard.length > 0, 'the event');
  client.off('stderr', listener);
  await exitOf(client, { stderr: 'logged\n' });
  expect(heard).toEqual([['stderr', 'heard']]);
  expect(fromEngine()).toEqual(['[Engine stderr] logged']);
});

test('a listener hears with `stderr: "ignore"` too', async () => {
  const client = await startedEngine('does-as-told.js', { autoRestart: false, stderr: 'ignore' });
  const heard = collect(client, 'stderr');
  await exitOf(client, { stderr: 'heard\n' });
  expect(heard.map(({ data }) => data)).toEqual(['heard']);
  expect(fromEngine()).toEqual([]);
});

test('`removeAllListeners()` brings the log back', async () => {
  const client = await startedEngine('does-as-told.js', { autoRestart: false });
  const heard = collect(client, 'stderr');
  client.removeAllListeners();
  await exitOf(client, { stderr: 'logged\n' });
  expect(heard).toEqual([]);
  expect(fromEngine()).toEqual(['[Engine stderr] logged']);
});

test('`stderrTail`: the last 32 KiB, of this run alone', async () => {
  const client = await startedEngine('does-as-told.js', { autoRestart: false, stderr: 'ignore' });
  const text = Array.from({ length: 20_000 }, (_, number) => `${number}\n`).join('');
  expect((await exitOf(client, { stderr: text })).stderrTail).toBe(text.slice(-32 * 1024));
  await client.start();
  expect((await exitOf(client, {})).stderrTail).toBe('');
});

test('bytes that are no UTF-8 do no harm', async () => {
  const script = 'process.stderr.write(Buffer.from([0x63, 0xe9, 0xff, 0x66, 0x0a, 0xc3]))';
  const client = new runtime.EngineClient({ enginePath: process.execPath, args: ['-e', script] });
  const heard = collect(client, 'stderr');
  const exits = collect(client, 'exit');
  await client.start().catch(() => {});
  expect(heard.map(({ data }) => data)).toEqual(['c\ufffd\ufffdf', '\ufffd']);
  expect(exits[0].data.stderrTail).toBe('c\ufffd\ufffdf\n\ufffd');
});

test('what the engine wrote last on stderr comes before `exit`', async () => {
  const client = await startedEngine('does-as-told.js', { autoRestart: false });
  const order = [];
  client.on('stderr', ({ data }) => order.push(data));
  client.on('exit', () => order.push('exit'));
  await exitOf(client, { stderr: Array.from({ length: 1000 }, (_, number) => `${number}\n`).join('') });
  expect(order).toHaveLength(1001);
  expect(order.at(-1)).toBe('exit');
});
