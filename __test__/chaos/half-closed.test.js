import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { failureOf } from '../support/job-engines.js';
import { isAlive } from '../support/processes.js';

const { JobManager } = runtime;
const logged = consoleErrors();

const closing = (options) => startedEngine('closes-its-pipes.js', { autoRestart: false, killTimeout: 500, ...options });

describe('an engine that closes its stdout, but lives on', () => {
  test('is not taken for ended: calls wait for their timeout, notifications arrive, stop() ends it', async () => {
    const client = await closing();
    const heard = collect(client, 'stderr');
    const exits = collect(client, 'exit');
    const { pid } = client.getStats();
    await expect(client.call('close', { fd: 1 }, { timeout: 300 })).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' });
    await client.notify('still there');
    await eventually(() => heard.some(({ data }) => data === 'heard still there'), 'the notification');
    expect([client.isReady(), exits.length, isAlive(pid)]).toEqual([true, 0, true]);
    await client.stop();
    expect([exits.length, isAlive(pid)]).toEqual([1, false]);
  });

  test('its exit settles what waits', async () => {
    const client = await closing({ requestTimeout: Infinity });
    await client.notify('close', { fd: 1 });
    const waiting = Promise.all([failureOf(client.call('a')), failureOf(client.call('exit', { stdout: '' }))]);
    for (const error of await waiting) expect(error).toMatchObject({ code: 'ENGINE_EXITED' });
  });
});

describe('an engine that closes its stdin, but lives on', () => {
  // What it had not read is lost with the pipe, and nobody can tell how much that was.
  test('nothing breaks: calls wait for their timeout, stop() ends it', async () => {
    const client = await closing();
    const { pid } = client.getStats();
    await expect(client.call('close', { fd: 0 })).resolves.toBe('close');
    const lost = [1, 2, 3].map((n) =>
      failureOf(client.call(`lost ${n}`, { x: 'x'.repeat(100_000) }, { timeout: 300 })),
    );
    for (const error of await Promise.all(lost)) expect(error).toMatchObject({ code: 'REQUEST_TIMEOUT' });
    expect([client.isReady(), isAlive(pid), client.getStats().pendingBytes]).toEqual([true, true, 0]);
    await client.stop();
    expect(isAlive(pid)).toBe(false);
  });

  test('a job fails by its timeout, and the queue goes on', async () => {
    const client = await closing();
    const jobs = new JobManager(client, { concurrency: 1, defaultTimeout: 200, cancelGrace: 50 });
    await client.call('close', { fd: 0 });
    const errors = await Promise.all(['a', 'b'].map((type) => failureOf(jobs.submit(type, {}))));
    expect(errors.map(({ message }) => message)).toEqual(['Job timeout', 'Job timeout']);
    await jobs.onIdle();
  });
});

test('an engine that closes its stderr lives on as before', async () => {
  const client = await closing();
  await expect(client.call('close', { fd: 2 })).resolves.toBe('close');
  await expect(client.call('work')).resolves.toBe('work');
  const exit = next(client, 'exit');
  await expect(client.call('exit', { stdout: '' })).rejects.toMatchObject({ code: 'ENGINE_EXITED' });
  expect((await exit).data).toMatchObject({ code: 0, stderrTail: expect.stringContaining('heard close') });
});

test('one that closes all three lives on, and ends with stop()', async () => {
  const client = await closing();
  const { pid } = client.getStats();
  for (const fd of [2, 0, 1]) await client.notify('close', { fd });
  await expect(client.call('work', {}, { timeout: 300 })).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' });
  expect([client.isReady(), isAlive(pid)]).toEqual([true, true]);
  await client.stop();
  expect(isAlive(pid)).toBe(false);
});

describe('an engine that exits leaving half a line', () => {
  const whole = '{"type":"result","jobId":"j","timestamp":1,"data":1}';

  test('a whole message without its newline counts', async () => {
    const client = await closing();
    const ends = collect(client, 'job:complete');
    const order = [];
    for (const name of ['job:complete', 'exit']) client.on(name, () => order.push(name));
    await failureOf(client.call('exit', { stdout: whole }));
    expect(ends.map(({ data }) => data.data)).toEqual([1]);
    expect(order).toEqual(['job:complete', 'exit']);
  });

  test.each(Array.from(whole, (_, n) => n).filter((n) => n % 6 === 0 && n < whole.length - 1))(
    'cut behind %i bytes it is no result: an error when the job id is readable, else noise, and `exit` comes behind it',
    async (n) => {
      const client = await closing();
      const told = [];
      for (const name of ['job:complete', 'error', 'stdout', 'exit']) client.on(name, () => told.push(name));
      await failureOf(client.call('exit', { stdout: whole.slice(0, n + 1) }));
      const readable = n + 1 >= whole.indexOf(',"timestamp"');
      expect(told).toEqual([readable ? 'error' : 'stdout', 'exit']);
    },
  );
});

test('what a grandchild writes after the engine’s exit is not delivered, and keeps nothing open', async () => {
  const client = await closing();
  const events = ['job:complete', 'stdout', 'notification'].map((name) => collect(client, name));
  const exit = next(client, 'exit');
  const lines =
    '{"type":"result","jobId":"late","timestamp":1,"data":1}\nlate noise\n{"jsonrpc":"2.0","method":"late"}\n';
  const gate = path.join(folder(), 'gate');
  await expect(client.call('orphan', { lines, gate })).rejects.toMatchObject({ code: 'ENGINE_EXITED' });
  await exit;
  // Until the exit is told, nobody can say of what is in the pipe whether it was written before.
  fs.writeFileSync(gate, '');
  await eventually(() => !fs.existsSync(gate), 'the grandchild to have written');
  await client.start();
  await expect(client.call('work')).resolves.toBe('work');
  expect(events).toEqual([[], [], []]);
  expect(logged.filter((line) => line.includes('late'))).toEqual([]);
});
