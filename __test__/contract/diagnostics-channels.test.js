import { createRequire } from 'node:module';
import { describe, expect, test, vi } from 'vitest';
import runtime from '../../index.js';
import { cacheIn } from '../support/cache-folders.js';
import { hear, published, traced } from '../support/channels.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { ENGINES, managed, quietly } from '../support/job-engines.js';

const require = createRequire(import.meta.url);
const { NativeJobs, NativeEngine } = require('../../lib/native.js');
const { Op, kItem } = require('../../lib/delivery.js');
const { JobManager } = runtime;
const DURATION = expect.any(Number);

consoleErrors();

const phases = (told) => told.map(([phase]) => phase);

describe('tracing:desktop-runtime:call', () => {
  test('a call: one object from `start` to `asyncEnd`, without its parameters and its result', async () => {
    const client = await startedEngine('does-as-told.js');
    const told = traced('call');
    const answer = client.call('echo', { text: 'payload' });
    expect(phases(told)).toEqual(['start', 'end']);
    expect(told[0][1]).toEqual({ engine: client, method: 'echo' });
    expect(await answer).toEqual({ text: 'payload' });
    expect(phases(told)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(told[3][1]).toEqual({ engine: client, method: 'echo', duration: DURATION });
    expect(new Set(told.map(([, , message]) => message)).size).toBe(1);
  });

  test.each([
    ['the engine’s error', (client) => client.call('fail', { error: { code: 5, message: 'no' } }), { code: 5 }],
    ['a timeout', (client) => client.call('never', {}, { timeout: 1 }), { code: 'REQUEST_TIMEOUT' }],
    ['a wrong option', (client) => client.call('echo', {}, { timeout: 'x' }), { message: /timeout takes/ }],
    ['parameters that JSON cannot hold', (client) => client.call('echo', { n: 1n }), { message: /BigInt/ }],
  ])('one that fails, by %s, tells what it rejects with', async (_, call, error) => {
    const client = await startedEngine('does-as-told.js');
    const told = traced('call');
    const rejected = await call(client).catch((it) => it);
    expect(rejected).toMatchObject(error.message ? { message: expect.stringMatching(error.message) } : error);
    expect(phases(told)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(told[2][1].error).toBe(rejected);
  });

  test('a call that nobody awaits and that fails is an unhandled rejection as ever', async () => {
    const client = engine('does-as-told.js');
    traced('call');
    const reason = new Promise((resolve) => process.once('unhandledRejection', resolve));
    const others = process.listeners('unhandledRejection').slice(0, -1);
    for (const other of others) process.removeListener('unhandledRejection', other);
    client.call('ping');
    expect((await reason).code).toBe('NOT_READY');
    for (const other of others) process.on('unhandledRejection', other);
  });

  test('one that began unheard ends unheard', async () => {
    const client = await startedEngine('does-as-told.js');
    const answer = client.call('echo', {});
    const told = traced('call');
    await answer;
    expect(told).toEqual([]);
  });

  test('a TracingChannel of Node’s is heard by the same names', async () => {
    const { tracingChannel } = await import('node:diagnostics_channel');
    const client = await startedEngine('does-as-told.js');
    const told = [];
    const subscribers = Object.fromEntries(
      ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((phase) => [phase, () => told.push(phase)]),
    );
    const channel = tracingChannel('desktop-runtime:call');
    channel.subscribe(subscribers);
    await client.call('ping');
    channel.unsubscribe(subscribers);
    expect(told).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
  });
});

describe('tracing:desktop-runtime:job and desktop-runtime:job:*', () => {
  test.each(ENGINES)('a job, without a listener on the manager: %s', async (kind) => {
    const { jobs: manager } = await managed(kind, {}, { fixture: 'runs-jobs.js' });
    const told = traced('job');
    const between = published('job:started', 'job:progress', 'job:retry');
    const job = manager.submit('echo', { text: 'payload' }, { priority: 'high' });
    expect(phases(told)).toEqual(['start', 'end']);
    const context = { manager, jobId: job.jobId, type: 'echo', priority: 'high' };
    expect(told[0][1]).toEqual(context);
    await job;
    expect(phases(told)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(told[3][1]).toEqual({ ...context, outcome: 'done', duration: DURATION });
    const [, , message] = told[0];
    expect(between).toEqual([
      ['started', { job: message, engineJobId: 'job-1', attempt: 1 }],
      ['progress', { job: message, progress: 50 }],
    ]);
    for (const [, { job: same }] of between) expect(same).toBe(message);
  });

  test('a job that is tried again, and fails', async () => {
    const client = await startedEngine('runs-jobs.js');
    const manager = new JobManager(client, { retryDelay: 1 });
    const told = traced('job');
    const between = published('job:started', 'job:retry');
    const error = await manager.submit('nothing', {}, { retries: 1 }).catch((it) => it);
    expect(phases(told)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(told[2][1]).toMatchObject({ outcome: 'failed' });
    expect(told[2][1].error).toBe(error);
    expect(between).toMatchObject([
      ['started', { attempt: 1 }],
      ['retry', { attempt: 1, delay: 1, error: { message: 'no nothing' } }],
      ['started', { attempt: 2 }],
    ]);
  });

  test('how it ended: cancelled in the queue and while it ran, stopped, exited, refused', async () => {
    const client = await startedEngine('runs-jobs.js', { autoRestart: false });
    const manager = new JobManager(client, { concurrency: 1, maxQueueSize: 1 });
    const told = traced('job');
    const outcomes = () => told.filter(([phase]) => phase === 'asyncEnd').map(([, { outcome }]) => outcome);
    const running = quietly(manager.submit('stay', {}));
    await next(client, 'job:progress');
    const queued = quietly(manager.submit('stay', {}));
    await expect(manager.submit('stay', {})).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    await expect(manager.submit('stay', {}, { id: '' })).rejects.toThrow(TypeError);
    expect(outcomes()).toEqual(['refused', 'refused']);
    await queued.cancel();
    await running.cancel();
    await Promise.allSettled([queued, running]);
    const exiting = manager.submit('stay', {});
    await next(client, 'job:progress');
    process.kill(client.getStats().pid, 'SIGKILL');
    await expect(exiting).rejects.toThrow('Engine process exited');
    await client.start();
    const stopping = manager.submit('stay', {});
    await next(client, 'job:progress');
    client.stop();
    await expect(stopping).rejects.toThrow('Engine shutting down');
    expect(outcomes().slice(2)).toEqual(['cancelled', 'cancelled', 'exited', 'stopped']);
    const starts = told.filter(([phase]) => phase === 'start');
    expect(starts).toHaveLength(outcomes().length);
  });

  test('whoever subscribes to `started` alone has the job’s name, and the event of listeners comes all the same', async () => {
    const client = await startedEngine('runs-jobs.js');
    const manager = new JobManager(client);
    const between = published('job:started');
    const started = collect(manager, 'job:started');
    const job = manager.submit('echo', {});
    await job;
    expect(between).toEqual([
      ['started', { job: { manager, jobId: job.jobId, type: 'echo' }, engineJobId: 'job-1', attempt: 1 }],
    ]);
    expect(started).toEqual([{ jobId: job.jobId, type: 'echo', engineJobId: 'job-1' }]);
  });
});

describe('desktop-runtime:engine:*', () => {
  const ALL = ['start', 'ready', 'restart', 'unhealthy', 'error', 'exit'].map((name) => `engine:${name}`);

  test('a life: start, ready, a crash, the restart, stop', async () => {
    const told = published(...ALL);
    const client = engine('does-as-told.js', { restartDelay: 0 });
    await client.start();
    const { pid } = client.getStats();
    const restarted = next(client, 'restart');
    client.call('exit', { code: 3, stderr: 'why' }).catch(() => {});
    await restarted;
    const again = client.getStats().pid;
    await client.stop();
    expect(told).toEqual([
      ['start', { engine: client, attempt: 0 }],
      ['ready', { engine: client, pid }],
      ['exit', { engine: client, code: 3, signal: null, expected: false }],
      ['start', { engine: client, attempt: 1 }],
      ['ready', { engine: client, pid: again }],
      ['restart', { engine: client, attempt: 1 }],
      ['exit', { engine: client, code: null, signal: 'SIGTERM', expected: true }],
    ]);
  });

  test.each([
    ['that does not exist', { enginePath: './nothing here' }, { code: 'ENOENT' }, ['start', 'error']],
    ['that never answers', { startupTimeout: 50 }, { code: 'STARTUP_TIMEOUT' }, ['start', 'exit', 'error']],
  ])('a start of an engine %s', async (_, options, error, names) => {
    const told = published(...ALL);
    const client = engine('never-answers.js', options);
    const rejected = await client.start().catch((it) => it);
    expect(rejected).toMatchObject(error);
    await eventually(() => told.length === names.length);
    expect(told.map(([name]) => name).sort()).toEqual([...names].sort());
    expect(told.find(([name]) => name === 'error')[1]).toEqual({ engine: client, error: rejected });
  });

  test('what the app itself emits is no event of the engine’s', async () => {
    const told = published(...ALL);
    engine('does-as-told.js').emit('ready', null);
    expect(told).toEqual([]);
  });
});

describe('tracing:desktop-runtime:cache and desktop-runtime:cache:evict', () => {
  test('every operation, with what came of it, and without a value', async () => {
    const cache = cacheIn(folder());
    const told = traced('cache');
    await cache.set('a', { text: 'payload' });
    await cache.get('a');
    await cache.get('b');
    await cache.has('a');
    await cache.keys();
    await cache.delete('a');
    await cache.getOrSet('c', () => 1);
    await cache.set('expired', 1, -1);
    await cache.prune();
    await cache.clear('c');
    const common = { cache, duration: DURATION };
    expect(told.filter(([phase]) => phase === 'asyncEnd').map(([, message]) => message)).toEqual([
      { ...common, operation: 'set', key: 'a', success: true },
      { ...common, operation: 'get', key: 'a', hit: true },
      { ...common, operation: 'get', key: 'b', hit: false },
      { ...common, operation: 'has', key: 'a', hit: true },
      { ...common, operation: 'keys', prefix: '', count: 1 },
      { ...common, operation: 'delete', key: 'a', success: true },
      { ...common, operation: 'get', key: 'c', hit: false },
      { ...common, operation: 'set', key: 'c', success: true },
      { ...common, operation: 'set', key: 'expired', success: true },
      { ...common, operation: 'prune', count: 1 },
      { ...common, operation: 'clear', prefix: 'c', success: true, count: 1 },
    ]);
    expect(phases(told).slice(0, 4)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
  });

  test('a hit while somebody hears is the very object, and is counted as ever', async () => {
    const cache = cacheIn(folder());
    const value = {};
    await cache.set('a', value);
    await cache.get('a');
    const told = traced('cache');
    for (let n = 0; n < 3; n += 1) expect((await cache.get('a')).value).toBe(value);
    expect(told.filter(([phase, { hit }]) => phase === 'asyncEnd' && hit)).toHaveLength(3);
    expect(cache.getStats().hits).toBe(4);
  });

  test('who has to leave memory', async () => {
    const cache = cacheIn(folder(), { maxMemorySize: 2500, persistToDisk: false });
    const told = published('cache:evict');
    for (const key of ['a', 'b', 'c']) await cache.set(key, 'x'.repeat(400));
    expect(cache.getStats().evictions).toBe(told.length);
    expect(told).toEqual([['evict', { cache, key: 'a' }]]);
  });
});

describe('unheard, they cost nothing', () => {
  test('of a job’s events none crosses for a channel without subscribers', async () => {
    const setHeard = vi.spyOn(NativeJobs.prototype, 'setHeard');
    const items = vi.spyOn(JobManager.prototype, kItem);
    const { jobs, submit, say } = await managed('the native path', { concurrency: 9 });
    const crossed = async (...events) => {
      // Behind an answer events are let through, for the code that awaits it may begin to listen.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      items.mockClear();
      await say(...events);
      return items.mock.calls.filter(([op]) => op === Op.JobProgress).length;
    };
    const progress = ['progress', 'e1', { percent: 1 }];
    submit('t', 1);
    await eventually(() => jobs.getJobs()[0].state === 'running');
    setHeard.mockClear();
    expect(await crossed(progress, progress)).toBe(0);
    expect(setHeard).not.toHaveBeenCalled();
    const told = [];
    const stop = hear('desktop-runtime:job:progress', (message) => told.push(message));
    submit('t', 2);
    expect(setHeard.mock.calls).toEqual([[2]]);
    expect(await crossed(progress, progress)).toBe(2);
    expect(told).toHaveLength(2);
    stop();
    submit('t', 3);
    expect(setHeard.mock.calls).toEqual([[2], [0]]);
    expect(await crossed(progress)).toBe(0);
    vi.restoreAllMocks();
  });

  test('no message is made for a channel without subscribers, and nothing is asked of the core', async () => {
    const stats = vi.spyOn(NativeEngine.prototype, 'stats');
    const client = await startedEngine('runs-jobs.js');
    const manager = new JobManager(client);
    const now = vi.spyOn(performance, 'now');
    await client.call('echo', {});
    await manager.submit('echo', {});
    const cache = cacheIn(folder());
    await cache.set('a', 1);
    await cache.get('a');
    expect(stats).not.toHaveBeenCalled();
    expect(now).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});

test('a subscriber that throws changes nothing: Node tells it as an uncaught exception', async () => {
  const client = await startedEngine('runs-jobs.js');
  const manager = new JobManager(client);
  const cache = cacheIn(folder());
  const thrown = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const listener = (error) => thrown.push(error.message);
  process.on('uncaughtException', listener);
  try {
    for (const name of ['call', 'job', 'cache']) {
      for (const phase of ['start', 'end', 'asyncStart', 'asyncEnd']) {
        hear(`tracing:desktop-runtime:${name}:${phase}`, () => {
          throw new Error(`${name} ${phase}`);
        });
      }
    }
    expect(await client.call('echo', { a: 1 })).toEqual({ a: 1 });
    expect(await manager.submit('echo', 'done')).toEqual({ success: true, data: 'done' });
    expect(await cache.set('a', 1)).toEqual({ success: true });
    await eventually(() => thrown.length === 12);
  } finally {
    process.removeListener('uncaughtException', listener);
    for (const other of others) process.on('uncaughtException', other);
  }
});
