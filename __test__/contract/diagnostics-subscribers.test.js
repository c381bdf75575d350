import { channel } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { appIn } from '../support/app.js';
import { cacheIn } from '../support/cache-folders.js';
import { hear } from '../support/channels.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect } from '../support/events.js';
import { folder } from '../support/folders.js';
import { nodes, skipUnlessHere } from '../support/hosts.js';

const { EngineClient, JobManager } = runtime;
const printed = consoleErrors();

/** What subscribers do while they are told must leave the runtime as it is. */
describe('a subscriber that unsubscribes while it is told', () => {
  // In Node 18 `publish` throws then.
  const node = nodes.find(({ version }) => version.startsWith('18.'));

  test('and is the last of its channel, in Node 18', async (context) => {
    skipUnlessHere(context, node, 'no Node 18: "node scripts/hosts.js" fetches it on linux-x64');
    const { code, stdout, stderr } = await appIn(
      (script) => ({ command: node.path, args: [script] }),
      'unsubscribes-from-channels.js',
    ).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '[Engine] Process exited with code null, signal SIGTERM\n' });
    expect(JSON.parse(stdout)).toEqual({ told: ['ok', 'done', true], heard: 17 });
  });
});

test('a channel whose `publish` throws, for somebody has replaced it: that is logged', async () => {
  const patched = [];
  const failing = (name) => {
    hear(name, () => {});
    channel(name).publish = () => {
      throw new Error(`patched: ${name}`);
    };
    patched.push(name);
  };
  for (const name of ['call', 'job', 'cache']) {
    for (const phase of ['start', 'end', 'asyncStart', 'asyncEnd']) failing(`tracing:desktop-runtime:${name}:${phase}`);
  }
  for (const name of ['start', 'ready', 'exit']) failing(`desktop-runtime:engine:${name}`);
  try {
    const client = await startedEngine('runs-jobs.js');
    expect(await client.call('echo', { a: 1 })).toEqual({ a: 1 });
    expect(await new JobManager(client).submit('echo', 'done')).toEqual({ success: true, data: 'done' });
    expect(await cacheIn(folder()).set('a', 1)).toEqual({ success: true });
    await client.stop();
    for (const name of patched) expect(printed).toContain(`Error: patched: ${name}`);
  } finally {
    for (const name of patched) delete channel(name).publish;
  }
});

describe('a subscriber that stops the engine', () => {
  test('when it is about to start: none is started', async () => {
    const client = engine('does-as-told.js');
    let stopped;
    hear('desktop-runtime:engine:start', (message) => (stopped = message.engine.stop()));
    await expect(client.start()).rejects.toThrow('Engine shutting down');
    await stopped;
    expect(client.getStats()).toMatchObject({ state: 'idle', pid: null });
  });

  test('and starts it anew at once: that start is the one that counts', async () => {
    const client = engine('does-as-told.js');
    let again;
    const stop = hear('desktop-runtime:engine:start', () => {
      stop();
      again = client.stop().then(() => client.start());
    });
    await expect(client.start()).rejects.toThrow('Engine shutting down');
    await again;
    expect(await client.call('echo', { a: 1 })).toEqual({ a: 1 });
  });

  test('when it is ready: no listener is told of that any more', async () => {
    const client = engine('does-as-told.js');
    const ready = collect(client, 'ready');
    let stopped;
    hear('desktop-runtime:engine:ready', (message) => (stopped = message.engine.stop()));
    await expect(client.start()).rejects.toThrow('Engine shutting down');
    await stopped;
    expect(ready).toEqual([]);
  });
});

test('`ready` names the process, whatever the class makes of getStats()', async () => {
  class Own extends EngineClient {
    getStats() {
      throw new Error('not now');
    }
  }
  const told = [];
  hear('desktop-runtime:engine:ready', ({ pid }) => told.push(pid));
  const client = engine('does-as-told.js', { Client: Own });
  const ready = collect(client, 'ready');
  await client.start();
  expect(told).toEqual([expect.any(Number)]);
  expect(ready).toMatchObject([{ type: 'ready' }]);
});

test('a subscriber that sets an entry anew which had to go finds it in memory and in its figures', async () => {
  const cache = cacheIn(folder(), { maxMemorySize: 2500, persistToDisk: false });
  for (const key of ['a', 'b', 'c']) await cache.set(key, 'x'.repeat(200));
  const stop = hear('desktop-runtime:cache:evict', () => {
    stop();
    cache.set('b', 'anew');
  });
  await cache.set('d', 'x'.repeat(900));
  const keys = await cache.keys();
  expect(keys).toContain('b');
  expect(cache.getStats().memoryCount).toBe(keys.length);
  await cache.clear();
  expect(cache.getStats()).toMatchObject({ memoryCount: 0, memorySize: 0 });
});
