import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { gone, isAlive } from '../support/processes.js';

const lines = consoleErrors();

test('`start()` sends the health request at once, resolves with `undefined` when it is answered', async () => {
  const client = engine('does-as-told.js');
  const order = [];
  client.on('ready', (event) => order.push(event));
  await expect(client.start()).resolves.toBeUndefined();
  order.push('resolved');
  expect(order).toEqual([{ type: 'ready', timestamp: expect.any(Number), data: null }, 'resolved']);
  expect(Math.abs(Date.now() - order[0].timestamp)).toBeLessThan(10_000);
  expect(client.isReady()).toBe(true);
  await expect(client.call('heard')).resolves.toEqual(['engine.health', 'heard']);
});

describe('rejects with `Engine already running`', () => {
  const refused = { message: 'Engine already running', code: 'ALREADY_RUNNING' };

  test('while running, which it does not disturb', async () => {
    const client = await startedEngine('does-as-told.js');
    const { pid } = client.getStats();
    const error = await client.start().catch((reason) => reason);
    expect(error).toBeInstanceOf(runtime.EngineError);
    expect(error).toMatchObject(refused);
    expect((await client.call('self')).pid).toBe(pid);
  });

  test('while starting', async () => {
    const client = engine('does-as-told.js');
    const [first, second, third] = await Promise.allSettled([client.start(), client.start(), client.start()]);
    expect(first.status).toBe('fulfilled');
    expect([second.reason, third.reason]).toEqual([expect.objectContaining(refused), expect.objectContaining(refused)]);
  });

  test('while stopping', async () => {
    const client = await startedEngine('does-as-told.js');
    const stopped = client.stop();
    await expect(client.start()).rejects.toMatchObject(refused);
    await stopped;
    await client.start();
  });

  test('while waiting to restart', async () => {
    const client = await startedEngine('does-as-told.js', { restartDelay: 60_000 });
    const exited = next(client, 'exit');
    client.call('exit', {}).catch(() => {});
    await exited;
    await expect(client.start()).rejects.toMatchObject(refused);
    expect(client.getStats().state).toBe('restarting');
  });
});

describe('`Engine startup timeout`', () => {
  test('after `startupTimeout`, and nothing is left running, not even an engine that ignores SIGTERM', async () => {
    const client = engine('ignores-sigterm.js', { args: ['mute'], startupTimeout: 400, restartDelay: 0 });
    const exited = next(client, 'exit');
    const before = performance.now();
    const order = [];
    client.on('exit', () => order.push('exit'));
    const failed = client.start().catch((reason) => reason);
    // Not from the engine itself: on a busy machine it may not come to say it.
    const pid = await eventually(() => client.getStats().pid, 'the spawn');
    const error = await failed;
    order.push('rejected');
    expect(error).toMatchObject({ message: 'Engine startup timeout', code: 'STARTUP_TIMEOUT' });
    expect(error).toBeInstanceOf(runtime.EngineError);
    expect(performance.now() - before).toBeGreaterThanOrEqual(400);
    expect(order).toEqual(['exit', 'rejected']);
    expect((await exited).data).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(isAlive(pid)).toBe(false);
    expect(client.getStats()).toMatchObject({ state: 'idle', pid: null, restarts: 0 });
  });

  test('… nor a grandchild that ignores SIGTERM', async () => {
    const client = engine('grandchild-holds-stdout.js', { healthMethod: 'unanswered', startupTimeout: 6000 });
    const grandchild = next(client, 'stderr').then((event) => Number(event.data));
    await expect(client.start()).rejects.toThrow(/^Engine startup timeout$/);
    await gone(await grandchild, 1000);
  });

  test('`startupTimeout` is the whole budget: there is no inner limit of 5 s', async () => {
    const client = engine('never-answers.js', { startupTimeout: 5500 });
    const before = performance.now();
    await expect(client.start()).rejects.toThrow(/^Engine startup timeout$/);
    expect(performance.now() - before).toBeGreaterThanOrEqual(5500);
  });

  test('a `startupTimeout` longer than `requestTimeout` counts', async () => {
    const client = engine('never-answers.js', { startupTimeout: 500, requestTimeout: 50 });
    await expect(client.start()).rejects.toThrow(/^Engine startup timeout$/);
  });
});

test('rejects with `Engine process exited` when it dies before answering, and emits `exit`', async () => {
  const client = engine('exits-at-once.js', { restartDelay: 0 });
  const order = [];
  client.on('exit', (event) => order.push(event));
  client.on('error', (event) => order.push(event));
  const error = await client.start().catch((reason) => reason);
  expect(error).toMatchObject({ message: 'Engine process exited', code: 'ENGINE_EXITED' });
  expect(order).toEqual([
    { type: 'exit', timestamp: expect.any(Number), data: { code: 3, signal: null, stderrTail: 'no licence\n' } },
  ]);
  expect(lines.filter((line) => line.startsWith('[Engine] Process exited with code 3'))).toHaveLength(1);
});

test('*fixed:* after any failed start nothing is restarted: `autoRestart` begins with the first `ready`', async () => {
  const client = engine('exits-at-once.js', { restartDelay: 0, autoRestart: true, maxRestarts: 5 });
  const exits = collect(client, 'exit');
  await client.start().catch(() => {});
  expect(client.getStats()).toMatchObject({ state: 'idle', restarts: 0, pid: null });
  // A restart would be under way by now: a second start would be refused.
  await expect(client.start()).rejects.toThrow(/^Engine process exited$/);
  expect(exits).toHaveLength(2);
  expect(lines.join('\n')).not.toContain('Attempting restart');
});

test('*fixed:* … and `start()` can be called again: an engine that answers the second time', async () => {
  const mark = path.join(folder(), 'mark');
  fs.writeFileSync(mark, '');
  const client = engine('healthy-the-first-time.js', { args: [mark] });
  await expect(client.start()).rejects.toThrow(/^Engine process exited$/);
  fs.rmSync(mark);
  await client.start();
  expect(client.isReady()).toBe(true);
});

test('*fixed:* after a crash `start()` works again', async () => {
  const client = await startedEngine('does-as-told.js', { autoRestart: false });
  for (const code of [1, 2]) {
    const exited = next(client, 'exit');
    client.call('exit', { code }).catch(() => {});
    expect((await exited).data.code).toBe(code);
    expect(client.isReady()).toBe(false);
    await client.start();
    await expect(client.call('echo', { code })).resolves.toEqual({ code });
  }
});

test('after a crash `start()` works from the `exit` handler', async () => {
  const client = await startedEngine('does-as-told.js', { autoRestart: false });
  const again = new Promise((resolve, reject) => {
    client.once('exit', () => client.start().then(resolve, reject));
  });
  const lost = client.call('unanswered').catch((error) => error.message);
  client.call('exit', {}).catch(() => {});
  await again;
  await expect(lost).resolves.toBe('Engine process exited');
  await expect(client.call('echo', { a: 1 })).resolves.toEqual({ a: 1 });
});

test('in a `ready` handler calls are taken already, during `start()` and during a restart', async () => {
  const client = engine('does-as-told.js', { restartDelay: 0 });
  const answers = [];
  client.on('ready', () => answers.push(client.call('echo', { round: answers.length })));
  await client.start();
  const restarted = next(client, 'restart');
  client.call('exit', {}).catch(() => {});
  await restarted;
  await expect(Promise.all(answers)).resolves.toEqual([{ round: 0 }, { round: 1 }]);
});

test('`Engine shutting down` when `stop()` comes first, from the `ready` handler at the latest', async () => {
  const client = engine('does-as-told.js');
  const stopped = new Promise((resolve, reject) => client.on('ready', () => client.stop().then(resolve, reject)));
  await expect(client.start()).rejects.toMatchObject({ message: 'Engine shutting down', code: 'SHUTTING_DOWN' });
  await stopped;
  expect(client.getStats()).toMatchObject({ state: 'idle', pid: null });
});

describe('the health request', () => {
  test('*fixed:* answered with a JSON-RPC error it also means alive; that is logged once', async () => {
    const client = await startedEngine('health-error.js');
    await expect(client.call('anything')).resolves.toBe(true);
    expect(lines.filter((line) => line.includes('psutil is missing'))).toHaveLength(1);
  });

  test("the result's `status` is not looked at", async () => {
    const client = await startedEngine('does-as-told.js', { healthMethod: 'echo' });
    expect(client.isReady()).toBe(true);
  });

  test('`healthMethod` names another method', async () => {
    const client = await startedEngine('does-as-told.js', { healthMethod: 'ping' });
    await expect(client.call('heard')).resolves.toEqual(['ping', 'heard']);
  });

  test('`healthMethod: false` sends none and is ready when the process exists', async () => {
    const client = await startedEngine('does-as-told.js', { healthMethod: false });
    await expect(client.call('heard')).resolves.toEqual(['heard']);
    const mute = await startedEngine('never-answers.js', { healthMethod: false, startupTimeout: 300 });
    const { pid } = mute.getStats();
    expect(isAlive(pid)).toBe(true);
    await mute.stop();
    await gone(pid, 0);
  });

  test('`healthInterval` sends one an interval to the engine that runs, and none by default', async () => {
    const watched = await startedEngine('does-as-told.js', { healthInterval: 20 });
    const other = await startedEngine('does-as-told.js');
    await expect(other.call('after', { ms: 500 })).resolves.toBe('late');
    const count = (heard) => heard.filter((method) => method === 'engine.health').length;
    await eventually(async () => count(await watched.call('heard')) >= 3, 'two more health requests');
    expect(count(await other.call('heard'))).toBe(1);
  });
});
