import { beforeAll, describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { stopAfterTest } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { gone } from '../support/processes.js';
import { KITS, buildEngines } from './engines.js';

const { EngineClient, ErrorCodes, JobManager } = runtime;

consoleErrors();
beforeAll(buildEngines, 300_000);

async function started(options, more) {
  const client = stopAfterTest(new EngineClient({ stderr: 'ignore', ...options, ...more }));
  await client.start();
  return client;
}

/** The error of a promise that must reject. */
const failureOf = (promise) =>
  promise.then(
    (value) => Promise.reject(new Error(`resolved with ${JSON.stringify(value)}`)),
    ({ code, message, data }) => ({ code, message, data }),
  );

describe.each(Object.keys(KITS))('an engine of the kit for %s', { timeout: 60_000 }, (name) => {
  const { trial, count } = KITS[name];

  test('engine.health: status, version, uptime, memory; the engine says how it is', async () => {
    const engine = await started(trial);
    const health = await engine.call('engine.health');
    expect(health).toEqual({
      status: 'ok',
      version: '1.2.3',
      uptime: expect.any(Number),
      memory: { used: expect.any(Number), total: expect.any(Number) },
    });
    expect(health.memory.used).toBeGreaterThan(100_000);
    expect(health.memory.total).toBeGreaterThan(health.memory.used);
    await engine.call('health.set', { status: 'degraded' });
    await expect(engine.call('engine.health')).resolves.toMatchObject({ status: 'degraded' });
  });

  test('the example: words are counted with progress, in ten lines', async () => {
    const manager = new JobManager(await started(count));
    const progress = collect(manager, 'job:progress');
    await expect(manager.submit('count', { text: 'eins zwei  drei vier' })).resolves.toEqual({
      success: true,
      data: { words: 4 },
    });
    expect(progress.map((event) => [event.progress, event.message])).toEqual([
      [25, 'eins'],
      [50, 'zwei'],
      [75, 'drei'],
      [100, 'vier'],
    ]);
    await expect(manager.submit('count', { text: '' })).resolves.toEqual({ success: true, data: { words: 0 } });
    const long = manager.submit('count', { text: 'a b', secondsPerWord: 60 });
    await next(manager, 'job:started', ({ jobId }) => jobId === long.jobId);
    const rejected = failureOf(long);
    await expect(long.cancel()).resolves.toBe(true);
    expect(await rejected).toMatchObject({ code: ErrorCodes.JOB_CANCELLED });
  });

  test('payloads and results are JSON values of every kind, and no result is null', async () => {
    const manager = new JobManager(await started(trial));
    const values = [null, true, 0, -1.5, 1e300, 2 ** 53, '', 'ü🎉\u0000', [], [[1, null]], {}, { a: { b: ['c'] } }];
    for (const value of values) {
      await expect(manager.submit('echo', value)).resolves.toEqual({ success: true, data: value });
    }
    await expect(manager.submit('nothing', {})).resolves.toEqual({ success: true, data: null });
  });

  test('progress is brought into 0–100 and not repeated; log and partial have their shapes', async () => {
    const engine = await started(trial);
    const heard = collect(engine, 'job:progress');
    const done = next(engine, 'job:complete');
    await engine.call('jobs.start', { type: 'reports', payload: {}, priority: 'high' });
    expect((await done).data).toMatchObject({ type: 'result', data: 'done', timestamp: expect.any(Number) });
    expect(heard.map(({ data: { type, data } }) => [type, data])).toEqual([
      ['progress', { percent: 10, message: 'begun' }],
      ['progress', { percent: 100 }],
      ['log', { level: 'warn', message: 'a log line', context: { answer: 42 } }],
      ['partial', [1, 'zwei']],
    ]);
  });

  test('errors of jobs: code, message and data of their own, else −32603 and what was thrown', async () => {
    const manager = new JobManager(await started(trial));
    expect(await failureOf(manager.submit('fails', {}))).toEqual({
      code: ErrorCodes.INSUFFICIENT_MEMORY,
      message: 'no memory left',
      data: { needed: 5 },
    });
    const surprise = await failureOf(manager.submit('throws', {}));
    expect(surprise.code).toBe(ErrorCodes.INTERNAL_ERROR);
    expect(surprise.message).toContain('a surprise');
    await expect(manager.submit('echo', 1)).resolves.toMatchObject({ data: 1 });
  });

  test('whatever is thrown, the job fails and the engine goes on', async () => {
    const manager = new JobManager(await started(trial));
    const submit = (index) => manager.submit('throwsOdd', index, { timeout: 10_000 });
    const failures = [];
    let last = null;
    while (last === null) {
      const ended = await submit(failures.length).catch((error) => error);
      if (ended instanceof Error) failures.push(ended);
      else last = ended.data;
    }
    expect(last).toBe('no more');
    expect(failures.length).toBeGreaterThan(1);
    for (const { code, message } of failures) {
      expect([ErrorCodes.INTERNAL_ERROR, -1], message).toContain(code);
    }
  });

  test('a health check that fails is the status error, and the engine goes on', async () => {
    const engine = await started(trial);
    await engine.call('health.set', { status: 'breaks' });
    await expect(engine.call('engine.health')).resolves.toMatchObject({ status: 'error' });
    await engine.call('health.set', { status: 'ok' });
    await expect(engine.call('engine.health')).resolves.toMatchObject({ status: 'ok' });
  });

  test('a child process that reads stdin takes no request away', async () => {
    const manager = new JobManager(await started(trial));
    const reading = manager.submit('childReads', null, { timeout: 20_000 });
    await expect(manager.submit('echo', 'behind it')).resolves.toMatchObject({ data: 'behind it' });
    await expect(reading).resolves.toMatchObject({ data: '' });
  });

  test('half a character and a deep payload: an answer at once', async () => {
    const engine = await started(trial, { requestTimeout: 20_000 });
    const manager = new JobManager(engine);
    const deep = JSON.parse('['.repeat(300) + ']'.repeat(300));
    for (const payload of ['half \ud83d of it', deep]) {
      const end = await manager.submit('echo', payload).catch((error) => error);
      if (name === 'rust') expect(end).toMatchObject({ code: ErrorCodes.PARSE_ERROR });
      else expect(end).toEqual({ success: true, data: payload });
    }
  });

  test('what JSON cannot hold fails the job, and says so', async () => {
    const manager = new JobManager(await started(trial));
    const result = await failureOf(manager.submit('nan', {}));
    expect(result.code).toBe(ErrorCodes.INTERNAL_ERROR);
    expect(result.message).toMatch(/^The result of the job \(nan\) cannot be written as JSON: /);
    const partial = await failureOf(manager.submit('nanPartial', {}));
    expect(partial.message).toMatch(/partial: what it is given cannot be written as JSON: /);
  });

  test('an unknown job type names the known ones; wrong params are −32602', async () => {
    const engine = await started(trial);
    const unknown = await failureOf(engine.call('jobs.start', { type: 'ocr', payload: {} }));
    expect(unknown.code).toBe(ErrorCodes.INVALID_PARAMS);
    expect(unknown.message).toMatch(/^Unknown job type: ocr; this engine runs: .*\becho\b/);
    const wrong = [
      ['jobs.start', {}],
      ['jobs.start', { type: 'echo', priority: 'urgent' }],
      ['jobs.status', {}],
      ['jobs.result', { jobId: 5 }],
      ['jobs.cancel', {}],
      ['cache.get', {}],
      ['cache.set', { key: 1, value: 1 }],
      ['cache.set', { key: 'a', value: 1, ttl: '5' }],
      ['cache.delete', {}],
      ['cache.clear', { prefix: 1 }],
      ['models.load', {}],
      ['models.status', { modelId: 1 }],
    ];
    for (const [method, params] of wrong) {
      expect(await failureOf(engine.call(method, params)), method).toMatchObject({ code: ErrorCodes.INVALID_PARAMS });
    }
    for (const method of ['jobs.status', 'jobs.result', 'jobs.cancel']) {
      expect(await failureOf(engine.call(method, { jobId: 'none' })), method).toEqual({
        code: ErrorCodes.JOB_NOT_FOUND,
        message: 'Job not found: none',
        data: undefined,
      });
    }
  });

  test('jobs.status, jobs.result, jobs.list: running, ended, and forgotten after a hundred', async () => {
    const engine = await started(trial);
    const running = await engine.call('jobs.start', { type: 'waits', payload: {} });
    await next(engine, 'job:progress');
    await expect(engine.call('jobs.status', running)).resolves.toEqual({
      state: 'running',
      progress: 1,
      message: 'waiting',
      startedAt: expect.any(Number),
    });
    expect(await failureOf(engine.call('jobs.result', running))).toMatchObject({
      code: ErrorCodes.JOB_ALREADY_RUNNING,
    });
    await expect(engine.call('jobs.list')).resolves.toEqual([
      { jobId: running.jobId, type: 'waits', state: 'running', progress: 1 },
    ]);

    const ended = async (type) => {
      const end = Promise.race([next(engine, 'job:complete'), next(engine, 'job:error')]);
      const job = await engine.call('jobs.start', { type, payload: { a: 1 } });
      await end;
      return job;
    };
    const done = await ended('echo');
    await expect(engine.call('jobs.result', done)).resolves.toEqual({ success: true, data: { a: 1 } });
    await expect(engine.call('jobs.status', done)).resolves.toEqual({
      state: 'done',
      startedAt: expect.any(Number),
      completedAt: expect.any(Number),
    });
    const failed = await ended('fails');
    await expect(engine.call('jobs.result', failed)).resolves.toEqual({
      success: false,
      error: { code: -30003, message: 'no memory left', data: { needed: 5 } },
    });
    await expect(engine.call('jobs.status', failed)).resolves.toMatchObject({ state: 'failed' });

    for (let more = 0; more < 99; more += 1) await ended('echo');
    expect(await failureOf(engine.call('jobs.status', done))).toMatchObject({ code: ErrorCodes.JOB_NOT_FOUND });
    await expect(engine.call('jobs.status', failed)).resolves.toMatchObject({ state: 'failed' });
    await expect(engine.call('jobs.list')).resolves.toHaveLength(101);
  });

  test('jobs.cancel of a job that listens: success, no event follows, and it is cancelled', async () => {
    const engine = await started(trial);
    const ends = [...['job:complete', 'job:error'].map((event) => collect(engine, event))];
    const progress = collect(engine, 'job:progress');
    const job = await engine.call('jobs.start', { type: 'waits', payload: {} });
    await eventually(() => progress.length === 1, 'the first progress');
    await expect(engine.call('jobs.cancel', job)).resolves.toEqual({ success: true });
    await expect(engine.call('jobs.status', job)).resolves.toMatchObject({ state: 'cancelled' });
    await expect(engine.call('jobs.result', job)).resolves.toEqual({
      success: false,
      error: { code: -31003, message: 'Job cancelled' },
    });
    await expect(engine.call('jobs.cancel', job)).resolves.toEqual({
      success: false,
      reason: 'The job has ended: cancelled',
    });
    expect(ends.flat()).toEqual([]);
    expect(progress).toHaveLength(1);
  });

  test('jobs.cancel of a job that does not listen: it keeps its slot until it has stopped; others run on', async () => {
    // In Node this is a job that awaits without its signal: one that never yields stops the whole process. A kit waits a
    // second for the job before it answers; the rest is for a machine that keeps this process waiting.
    const payload = { seconds: 4 };
    const engine = stopAfterTest(await started(trial));
    const own = stopAfterTest(await started(trial));
    const manager = new JobManager(own, { concurrency: 1, cancelGrace: 60_000 });
    const order = [];
    own.on('job:error', () => order.push('the first has stopped'));
    manager.on('job:started', () => order.push('one starts'));

    const begun = Promise.all([next(engine, 'job:progress'), next(manager, 'job:progress')]);
    const stubborn = await engine.call('jobs.start', { type: 'ignoresCancel', payload });
    const busy = manager.submit('ignoresCancel', payload);
    const rejected = failureOf(busy);
    await begun;
    const failed = next(engine, 'job:error');
    const answer = engine.call('jobs.cancel', stubborn);
    const cancelled = busy.cancel();
    const waiting = manager.submit('echo', 'next');
    const other = next(engine, 'job:complete');
    await engine.call('jobs.start', { type: 'echo', payload: 'meanwhile' });
    expect((await other).data.data).toBe('meanwhile');
    await expect(answer).resolves.toEqual({
      success: false,
      reason: 'The job was told to stop and runs on; an error event follows when it has stopped',
    });
    expect((await failed).data).toMatchObject({
      jobId: stubborn.jobId,
      data: { code: ErrorCodes.JOB_CANCELLED, message: 'Job cancelled' },
    });

    await expect(cancelled).resolves.toBe(true);
    expect(await rejected).toMatchObject({ code: ErrorCodes.JOB_CANCELLED });
    await expect(waiting).resolves.toMatchObject({ data: 'next' });
    expect(order).toEqual(['one starts', 'the first has stopped', 'one starts']);
  });

  test('methods of the engine, and their errors', async () => {
    const engine = await started(trial);
    await expect(engine.call('double', { number: 21 })).resolves.toBe(42);
    expect(await failureOf(engine.call('double', { number: -1 }))).toEqual({
      code: -31999,
      message: 'too small',
      data: { number: -1 },
    });
    const surprise = await failureOf(engine.call('fails', {}));
    expect(surprise).toMatchObject({ code: ErrorCodes.INTERNAL_ERROR, message: expect.stringContaining('a surprise') });
    const told = next(engine, 'notification');
    await expect(engine.call('tell', { method: 'news', params: { a: ['ü'] } })).resolves.toBeNull();
    expect((await told).data).toMatchObject({ method: 'news', params: { a: ['ü'] } });
  });

  test('cache.*: found, missing, expiry in seconds, a prefix', async () => {
    const engine = await started(trial);
    const set = (key, value, ttl) => engine.call('cache.set', { key, value, ttl });
    const get = (key) => engine.call('cache.get', { key });
    await expect(get('a')).resolves.toEqual({ found: false });
    await expect(set('a', { b: [1, null] })).resolves.toEqual({ success: true });
    await expect(get('a')).resolves.toEqual({ found: true, value: { b: [1, null] } });
    const before = Date.now();
    await set('', 'empty key', 60);
    const { expiresAt, ...rest } = await get('');
    expect(rest).toEqual({ found: true, value: 'empty key' });
    expect(expiresAt).toBeGreaterThanOrEqual(before + 59_000);
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 61_000);
    await set('past', 1, -1);
    await expect(get('past')).resolves.toEqual({ found: false });
    await set('zero', 1, 0);
    await expect(get('zero')).resolves.toEqual({ found: true, value: 1 });
    await set('brief', 1, 0.05);
    await eventually(async () => !(await get('brief')).found, 'the expiry');
    await expect(engine.call('cache.delete', { key: 'zero' })).resolves.toEqual({ success: true });
    await expect(engine.call('cache.delete', { key: 'zero' })).resolves.toEqual({ success: true });
    await set('ab', 1);
    await set('b', 1);
    await expect(engine.call('cache.clear', { prefix: 'a' })).resolves.toEqual({ success: true, cleared: 2 });
    await expect(engine.call('cache.clear', {})).resolves.toEqual({ success: true, cleared: 2 });
  });

  test('the cache is bounded: the least recently used leaves, and what is too large never comes', async () => {
    const engine = await started(trial);
    const set = (key, length) => engine.call('cache.set', { key, value: 'x'.repeat(length) });
    const has = async (key) => (await engine.call('cache.get', { key })).found;
    for (const key of ['a', 'b', 'c']) await expect(set(key, 10_000_000)).resolves.toEqual({ success: true });
    expect(await has('a')).toBe(true);
    await set('d', 10_000_000);
    expect([await has('a'), await has('b'), await has('c'), await has('d')]).toEqual([true, false, true, true]);
    await expect(set('a', 40_000_000)).resolves.toEqual({ success: false });
    expect(await has('a')).toBe(false);
  });

  test('models.*: loaded once, by the app or by the job that needs it; unloaded; errors', async () => {
    const engine = await started(trial);
    const manager = new JobManager(engine);
    const model = { modelId: 'eng' };
    const info = { id: 'eng', name: 'English', type: 'ocr', loaded: false, size: 7 };
    await expect(engine.call('models.list')).resolves.toEqual([info]);
    await expect(engine.call('models.status', model)).resolves.toEqual({ loaded: false });
    const failed = await failureOf(engine.call('models.load', { ...model, options: { fail: true } }));
    expect(failed.code).toBe(ErrorCodes.MODEL_LOAD_FAILED);
    expect(failed.message).toMatch(/^The model eng did not load: .*no such data/);

    const loads = Array.from({ length: 5 }, () => engine.call('models.load', model));
    for (const load of loads) await expect(load).resolves.toEqual({ success: true, loadTime: expect.any(Number) });
    await expect(manager.submit('model', {})).resolves.toMatchObject({ data: 1 });
    await expect(engine.call('models.list')).resolves.toEqual([{ ...info, loaded: true }]);
    const status = await engine.call('models.status', model);
    expect(status).toEqual({ loaded: true, lastUsed: expect.any(Number) });
    expect(Math.abs(status.lastUsed - Date.now())).toBeLessThan(60_000);
    for (let time = 0; time < 2; time += 1) {
      await expect(engine.call('models.unload', model)).resolves.toEqual({ success: true });
    }
    await expect(manager.submit('model', {})).resolves.toMatchObject({ data: 2 });
    expect(await failureOf(engine.call('models.load', { modelId: 'none' }))).toEqual({
      code: ErrorCodes.MODEL_NOT_FOUND,
      message: 'Model not found: none; this engine has: eng',
      data: undefined,
    });
  });

  test('stop() ends it with code 0 while jobs run; a kill is an exit like any, and the next run works', async () => {
    const engine = await started(trial, { restartDelay: 0 });
    const manager = new JobManager(engine);
    const { pid } = engine.getStats();
    const lost = failureOf(manager.submit('waits', {}));
    await next(manager, 'job:progress');
    const restarted = next(engine, 'restart');
    process.kill(pid, 'SIGKILL');
    expect(await lost).toMatchObject({ code: 'ENGINE_EXITED' });
    await restarted;
    await expect(manager.submit('echo', 'again')).resolves.toMatchObject({ data: 'again' });

    const stopped = failureOf(manager.submit('waits', {}));
    await next(manager, 'job:progress');
    const exit = next(engine, 'exit');
    const second = engine.getStats().pid;
    await engine.stop();
    expect((await exit).data).toMatchObject({ code: 0, signal: null });
    expect(await stopped).toMatchObject({ code: 'SHUTTING_DOWN' });
    await gone(second, 1000);
  });
});
