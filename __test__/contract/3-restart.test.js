import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, fixture, startedEngine, stopAfterTest } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { executable, folder } from '../support/folders.js';

const lines = consoleErrors();
const attempts = () => lines.filter((line) => line.includes('Attempting restart'));

const limitOf = (client) => next(client, 'error', ({ data }) => data.code === 'RESTART_LIMIT');

async function crash(client) {
  const restarted = next(client, 'restart');
  client.call('exit', {}).catch(() => {});
  return (await restarted).data;
}

/** The names of the events of a client's life, in order; `error` with its code, `restart` with its attempt. */
function story(client) {
  const told = [];
  for (const name of ['ready', 'exit', 'restart', 'error']) {
    client.on(name, ({ data }) => {
      if (name === 'restart') told.push(`restart ${data.attempt}`);
      else told.push(name === 'error' ? `error ${data.code}` : name);
    });
  }
  return told;
}

test('an exit not asked for, with `autoRestart` (the default), spawns again; `restart` comes after `ready`', async () => {
  const client = engine('does-as-told.js', { restartDelay: 0 });
  const told = story(client);
  await client.start();
  const { pid } = client.getStats();
  expect(await crash(client)).toEqual({ attempt: 1 });
  expect(told).toEqual(['ready', 'exit', 'ready', 'restart 1']);
  expect((await client.call('self')).pid).not.toBe(pid);
});

test('… whatever the exit: code 0, a signal', async () => {
  const client = await startedEngine('does-as-told.js', { restartDelay: 0 });
  await crash(client);
  const restarted = next(client, 'restart');
  process.kill(client.getStats().pid, 'SIGKILL');
  await restarted;
});

test('*fixed:* `attempt` is 1, 2, 3; v1’s lines stay', async () => {
  const client = await startedEngine('does-as-told.js', { restartDelay: 0 });
  for (const attempt of [1, 2, 3]) expect(await crash(client)).toEqual({ attempt });
  expect(attempts()).toEqual([1, 2, 3].map((attempt) => `[Engine] Attempting restart ${attempt}/3`));
  expect(lines.filter((line) => line.startsWith('[Engine] Process exited with code 0'))).toHaveLength(3);
});

test('waits `restartDelay` × `restartBackoff`^(n−1)', async () => {
  const file = path.join(folder(), 'starts');
  const options = { args: [file], restartDelay: 150, restartBackoff: 2, maxRestarts: 2 };
  const client = engine('exits-after-health.js', options);
  const limit = limitOf(client);
  await client.start();
  await limit;
  const runs = fs
    .readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  expect(runs).toHaveLength(3);
  expect(runs[1][0] - runs[0][1]).toBeGreaterThanOrEqual(149);
  expect(runs[2][0] - runs[1][1]).toBeGreaterThanOrEqual(299);
});

test('`maxRestartDelay` is never shorter than `restartDelay`', async () => {
  const file = path.join(folder(), 'starts');
  const client = engine('exits-after-health.js', {
    args: [file],
    restartDelay: 300,
    maxRestartDelay: 0,
    maxRestarts: 1,
  });
  const limit = limitOf(client);
  await client.start();
  await limit;
  const runs = fs
    .readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  expect(runs[1][0] - runs[0][1]).toBeGreaterThanOrEqual(299);
});

describe('`maxRestarts` counts attempts since the engine was last ready for `restartWindow`', () => {
  test('*fixed:* a crash loop, ready each time, comes to an end: `RESTART_LIMIT`, and `start()` begins anew', async () => {
    const file = path.join(folder(), 'starts');
    const client = engine('exits-after-health.js', { args: [file], restartDelay: 0 });
    const told = story(client);
    const loop = [
      'ready',
      'exit',
      'ready',
      'restart 1',
      'exit',
      'ready',
      'restart 2',
      'exit',
      'ready',
      'restart 3',
      'exit',
    ];
    for (const round of [1, 2]) {
      told.length = 0;
      const limit = limitOf(client);
      await client.start();
      const { data } = await limit;
      expect(data).toBeInstanceOf(runtime.EngineError);
      expect(told).toEqual([...loop, 'error RESTART_LIMIT']);
      expect(client.getStats()).toMatchObject({ state: 'idle', pid: null, restarts: 3 * round });
      expect(fs.readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(4 * round);
    }
  });

  test('an engine that was ready for that long has its attempts back', async () => {
    const client = await startedEngine('does-as-told.js', { restartDelay: 0, restartWindow: 100, maxRestarts: 1 });
    for (let round = 0; round < 3; round += 1) {
      await eventually(() => client.getStats().uptime >= 110, 'the window');
      expect(await crash(client)).toEqual({ attempt: 1 });
    }
  });

  test('`maxRestarts: Infinity` goes on', async () => {
    const client = await startedEngine('does-as-told.js', { restartDelay: 0, maxRestarts: Infinity });
    for (let attempt = 1; attempt <= 5; attempt += 1) expect(await crash(client)).toEqual({ attempt });
    expect(attempts()[4]).toBe('[Engine] Attempting restart 5/Infinity');
  });
});

describe('`autoRestart: false` and `maxRestarts: 0`', () => {
  test.each([
    ['autoRestart: false', { autoRestart: false }],
    ['maxRestarts: 0', { maxRestarts: 0 }],
  ])('%s: no restart, no `RESTART_LIMIT`', async (_, options) => {
    const client = await startedEngine('does-as-told.js', { restartDelay: 0, ...options });
    const told = story(client);
    const exited = next(client, 'exit');
    client.call('exit', {}).catch(() => {});
    await exited;
    expect(client.getStats()).toMatchObject({ state: 'idle', restarts: 0 });
    // Both would have come before this start is done.
    await client.start();
    expect(told).toEqual(['exit', 'ready']);
    expect(attempts()).toEqual([]);
  });
});

describe('*fixed:* a restart that fails counts and is tried again; each emits its `error`; after the last, one more with `RESTART_LIMIT`', () => {
  test('the file of the engine is gone, and then back', async () => {
    const file = path.join(folder(), 'engine');
    const text = `#!${process.execPath}\n${fs.readFileSync(fixture('does-as-told.js'), 'utf8')}`;
    executable(file, text);
    const client = stopAfterTest(new runtime.EngineClient({ enginePath: file, restartDelay: 0, maxRestarts: 3 }));
    const told = story(client);
    const limit = limitOf(client);
    await client.start();
    fs.rmSync(file);
    client.call('exit', {}).catch(() => {});
    await limit;
    expect(told).toEqual(['ready', 'exit', ...Array(3).fill('error ENOENT'), 'error RESTART_LIMIT']);
    expect(attempts()).toHaveLength(3);
    expect(client.getStats()).toMatchObject({ state: 'idle', restarts: 3 });
    executable(file, text);
    await client.start();
    await expect(client.call('echo', { a: 1 })).resolves.toEqual({ a: 1 });
  });

  test('the file is back in time', async () => {
    const file = path.join(folder(), 'engine');
    const text = `#!${process.execPath}\n${fs.readFileSync(fixture('does-as-told.js'), 'utf8')}`;
    executable(file, text);
    const client = stopAfterTest(
      new runtime.EngineClient({ enginePath: file, restartDelay: 0, maxRestarts: Infinity }),
    );
    client.on('error', ({ data }) => {
      if (data.code === 'ENOENT' && !fs.existsSync(file)) executable(file, text);
    });
    await client.start();
    fs.rmSync(file);
    expect((await crash(client)).attempt).toBeGreaterThanOrEqual(2);
  });

  test('it exits before it answers', async () => {
    const client = engine('healthy-the-first-time.js', {
      args: [path.join(folder(), 'mark')],
      restartDelay: 0,
      maxRestarts: 2,
    });
    const told = story(client);
    const limit = limitOf(client);
    await client.start();
    client.call('exit').catch(() => {});
    await limit;
    const failed = ['exit', 'error ENGINE_EXITED'];
    expect(told).toEqual(['ready', 'exit', ...failed, ...failed, 'error RESTART_LIMIT']);
  });

  test('it does not answer within `startupTimeout`', async () => {
    const options = {
      args: [path.join(folder(), 'mark'), 'mute'],
      restartDelay: 0,
      maxRestarts: 1,
      // The first start is to be within it.
      startupTimeout: 2500,
    };
    const client = engine('healthy-the-first-time.js', options);
    const told = story(client);
    const limit = limitOf(client);
    await client.start();
    client.call('exit').catch(() => {});
    await limit;
    expect(told).toEqual(['ready', 'exit', 'exit', 'error STARTUP_TIMEOUT', 'error RESTART_LIMIT']);
    expect(client.getStats()).toMatchObject({ state: 'idle', pid: null });
  });
});

test('calls and job events work after a restart', async () => {
  const client = await startedEngine('does-as-told.js', { restartDelay: 0 });
  const lost = client.call('unanswered').catch((error) => error.message);
  await crash(client);
  await expect(lost).resolves.toBe('Engine process exited');
  const completed = collect(client, 'job:complete');
  await client.call('print', { stdout: '{"type":"result","jobId":"j","timestamp":1,"data":1}\n' });
  expect(completed).toHaveLength(1);
});

test('an app that stops in the `ready`, `restart` or `error` handler of a restart gets peace', async () => {
  for (const name of ['ready', 'restart']) {
    const client = await startedEngine('does-as-told.js', { restartDelay: 0 });
    const stopped = new Promise((resolve, reject) => client.once(name, () => client.stop().then(resolve, reject)));
    client.call('exit', {}).catch(() => {});
    await stopped;
    expect(client.getStats()).toMatchObject({ state: 'idle', pid: null, restarts: 1 });
    expect(client.isReady()).toBe(false);
  }
});
