import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { isAlive } from '../support/processes.js';

const lines = consoleErrors();

const HEARD = ['job:progress', 'job:complete', 'job:error', 'stdout', 'stderr', 'notification', 'request'];
const SHUTTING_DOWN = { message: 'Engine shutting down', code: 'SHUTTING_DOWN' };

test('`stop()` resolves with `undefined` once the process is reaped, and `exit` comes before', async () => {
  const client = await startedEngine('does-as-told.js');
  const { pid } = client.getStats();
  const order = [];
  client.on('exit', ({ data }) => order.push(data));
  await expect(client.stop()).resolves.toBeUndefined();
  expect(isAlive(pid)).toBe(false);
  expect(order).toEqual([{ code: null, signal: 'SIGTERM', stderrTail: '' }]);
  expect(client.getStats()).toMatchObject({ pid: null, state: 'idle', uptime: 0 });
});

test.skipIf(process.platform === 'win32')(
  'an engine that ends at the end of its stdin as well as at SIGTERM always ends by the signal, as in version 1',
  async () => {
    const ends = new Set();
    for (let round = 0; round < 500; round += 1) {
      const client = new runtime.EngineClient({ enginePath: 'cat', healthMethod: false });
      client.on('exit', ({ data }) => ends.add(`${data.code} ${data.signal}`));
      await client.start();
      await client.stop();
    }
    expect([...ends]).toEqual(['null SIGTERM']);
  },
);

test.skipIf(process.platform === 'win32')(
  'however soon the engine ends: `exit` does not come inside `stop()`, and pending calls reject before it',
  async () => {
    for (let round = 0; round < 200; round += 1) {
      const client = new runtime.EngineClient({ enginePath: 'cat', healthMethod: false });
      const order = [];
      client.on('exit', () => order.push('exit'));
      await client.start();
      client.call('pending').catch(({ code }) => order.push(code));
      const stopped = client.stop();
      order.push('stopping');
      await stopped;
      expect(order).toEqual(['stopping', 'SHUTTING_DOWN', 'exit']);
    }
  },
);

describe('is idempotent', () => {
  test('twice at once: one `exit`, both resolve after it', async () => {
    const client = await startedEngine('does-as-told.js');
    const exits = collect(client, 'exit');
    const counts = await Promise.all([0, 1].map(() => client.stop().then(() => exits.length)));
    expect(counts).toEqual([1, 1]);
    await client.stop();
    expect(exits).toHaveLength(1);
  });

  test('from two places: a second while the first waits for an engine that ignores SIGTERM', async () => {
    const client = await startedEngine('ignores-sigterm.js', { killTimeout: 400 });
    const exits = collect(client, 'exit');
    const { pid } = client.getStats();
    const first = client.stop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await client.stop();
    expect(isAlive(pid)).toBe(false);
    await first;
    expect(exits).toHaveLength(1);
  });

  test('from an `exit` handler', async () => {
    const client = await startedEngine('does-as-told.js', { restartDelay: 0 });
    const stopped = new Promise((resolve, reject) => client.once('exit', () => client.stop().then(resolve, reject)));
    client.call('exit', {}).catch(() => {});
    await stopped;
    expect(client.getStats()).toMatchObject({ state: 'idle', restarts: 0 });
  });
});

describe('with nothing running resolves at once', () => {
  const atOnce = async (client) => {
    let resolved = false;
    client.stop().then(() => (resolved = true));
    for (let turn = 0; turn < 5; turn += 1) await null;
    expect(resolved).toBe(true);
    expect(client.getStats().state).toBe('idle');
  };

  test('before the first start', () => atOnce(engine('does-as-told.js')));

  test('without an `enginePath`', () => atOnce(new runtime.EngineClient({})));

  test('*fixed:* after a crash', async () => {
    const client = await startedEngine('does-as-told.js', { autoRestart: false });
    const exited = next(client, 'exit');
    client.call('exit', {}).catch(() => {});
    await exited;
    await atOnce(client);
  });

  test('after a stop', async () => {
    const client = await startedEngine('does-as-told.js');
    await client.stop();
    await atOnce(client);
    await client.start();
    await expect(client.call('echo')).resolves.toBeNull();
  });
});

describe('during `start()`', () => {
  test('`start()` rejects with `Engine shutting down`, and no process is left', async () => {
    const client = engine('ignores-sigterm.js', { args: ['mute'], killTimeout: 100, restartDelay: 0 });
    const pid = next(client, 'stderr').then((event) => Number(event.data));
    const exits = collect(client, 'exit');
    const started = client.start().catch((reason) => reason);
    expect(isAlive(await pid)).toBe(true);
    const stopped = client.stop();
    await expect(started).resolves.toMatchObject(SHUTTING_DOWN);
    await stopped;
    expect(isAlive(await pid)).toBe(false);
    expect(exits).toHaveLength(1);
    expect(client.getStats().state).toBe('idle');
  });

  test('in the same turn', async () => {
    for (let round = 0; round < 20; round += 1) {
      const client = engine('does-as-told.js', { killTimeout: 100 });
      const readies = collect(client, 'ready');
      const exits = collect(client, 'exit');
      const started = client.start().catch((reason) => reason);
      await client.stop();
      await expect(started).resolves.toMatchObject(SHUTTING_DOWN);
      expect(readies).toEqual([]);
      expect(exits.length).toBeLessThanOrEqual(1);
      expect(client.getStats()).toMatchObject({ state: 'idle', pid: null });
    }
  });
});

describe('a pending restart is cancelled', () => {
  test('while it waits', async () => {
    const client = await startedEngine('does-as-told.js', { restartDelay: 300 });
    const readies = collect(client, 'ready');
    // In the listener: behind an `await` a process that had to wait may find the restart under way.
    const stopped = new Promise((resolve, reject) => client.once('exit', () => client.stop().then(resolve, reject)));
    client.call('exit', {}).catch(() => {});
    await stopped;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(client.getStats()).toMatchObject({ state: 'idle', pid: null, restarts: 0 });
    expect(readies).toEqual([]);
  });

  test('while it spawns and starts', async () => {
    const client = await startedEngine('does-as-told.js', { restartDelay: 0 });
    const restarts = collect(client, 'restart');
    client.call('exit', {}).catch(() => {});
    while (client.getStats().restarts === 0) await new Promise((resolve) => setImmediate(resolve));
    await client.stop();
    expect(client.getStats()).toMatchObject({ state: 'idle', pid: null, restarts: 1 });
    expect(restarts).toEqual([]);
    await client.start();
    await expect(client.call('echo')).resolves.toBeNull();
  });
});

test('a stopped engine is not restarted', async () => {
  const client = await startedEngine('does-as-told.js', { restartDelay: 0 });
  await client.stop();
  expect(client.getStats()).toMatchObject({ state: 'idle', restarts: 0 });
  expect(lines.join('\n')).not.toContain('Attempting restart');
});

test('pending calls reject with `Engine shutting down`, at once; calls after it with `Engine not ready`', async () => {
  const client = await startedEngine('ignores-sigterm.js', { killTimeout: 300 });
  const mute = await startedEngine('never-answers.js', { healthMethod: false });
  const order = [];
  mute.on('exit', () => order.push('exit'));
  const calls = [1, 2, 3].map((number) =>
    mute.call('unanswered', { number }).catch((error) => {
      order.push(number);
      return error;
    }),
  );
  const stopped = mute.stop();
  expect(mute.isReady()).toBe(false);
  await expect(mute.call('echo')).rejects.toMatchObject({ message: 'Engine not ready', code: 'NOT_READY' });
  for (const error of await Promise.all(calls)) {
    expect(error).toBeInstanceOf(runtime.EngineError);
    expect(error).toMatchObject({ ...SHUTTING_DOWN, method: 'unanswered' });
  }
  await stopped;
  expect(order).toEqual([1, 2, 3, 'exit']);
  await client.stop();
});

test('from its call on no message is delivered, only `exit`', async () => {
  const client = await startedEngine('does-as-told.js');
  const heard = [];
  for (const name of HEARD) client.on(name, () => heard.push(name));
  client.onJobEvent('j', () => heard.push('handler'));
  client.on('exit', () => heard.push('exit'));
  const texts = [
    ...['progress', 'result', 'error'].map((type) => ({ type, jobId: 'j', timestamp: 1, data: {} })),
    { jsonrpc: '2.0', method: 'told' },
    { jsonrpc: '2.0', method: 'asked', id: 1 },
    'noise',
  ];
  const stdout = texts.map((text) => `${typeof text === 'string' ? text : JSON.stringify(text)}\n`).join('');
  await client.call('print', { stdout, stderr: 'noise\n' });
  // Three job events, which the handler gets too, and four others.
  await eventually(() => heard.length === 10, 'all that the engine said');
  heard.length = 0;
  // Blocked until all of it is read and waits for JavaScript.
  const before = client.getStats().received;
  client.call('print', { stdout, stderr: 'noise\n' }).catch(() => {});
  await null;
  const end = Date.now() + 10_000;
  while (client.getStats().received < before + texts.length + 1) expect(Date.now()).toBeLessThan(end);
  await client.stop();
  expect(heard).toEqual(['exit']);
});

describe('closes stdin and sends SIGTERM, `killTimeout` later SIGKILL', () => {
  test('an engine that ignores both is ended by SIGKILL, not before `killTimeout`', async () => {
    // Time for the engine to say what it ignored, also where it has to wait for a processor.
    const client = await startedEngine('ignores-sigterm.js', { killTimeout: 1500 });
    const { pid } = client.getStats();
    const exited = next(client, 'exit');
    const before = performance.now();
    await client.stop();
    expect(performance.now() - before).toBeGreaterThanOrEqual(1500);
    expect(isAlive(pid)).toBe(false);
    const { data } = await exited;
    expect(data).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(data.stderrTail.split('\n').slice(1).sort()).toEqual(['', 'SIGTERM', 'end of stdin']);
  });

  test('an engine that is halted (SIGSTOP) is ended too', async () => {
    const client = await startedEngine('does-as-told.js', { killTimeout: 200 });
    const { pid } = client.getStats();
    process.kill(pid, 'SIGSTOP');
    await client.stop();
    expect(isAlive(pid)).toBe(false);
  });

  test('`killTimeout: 0` ends it at once', async () => {
    const client = await startedEngine('ignores-sigterm.js', { killTimeout: 0 });
    const exited = next(client, 'exit');
    await client.stop();
    expect((await exited).data.signal).toBe('SIGKILL');
  });

  test('an engine that ends in time is not killed', async () => {
    const client = await startedEngine('does-as-told.js', { killTimeout: Infinity });
    const exited = next(client, 'exit');
    await client.stop();
    expect((await exited).data.signal).toBe('SIGTERM');
  });
});
