import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { collect, next } from '../support/events.js';
import { folder } from '../support/folders.js';
import { ENGINES, HEARD_ENGINES, OUR_ENGINES, failureOf, managed, quietly } from '../support/job-engines.js';

const { JobManager } = runtime;
consoleErrors();

const RESTARTS = { restartDelay: 10 };

describe.each(HEARD_ENGINES)('a job whose engine exits: %s', (kind) => {
  test('rejects at once without a retry left, and the queue goes on after the restart', async () => {
    const { jobs, submit, exit, inState } = await managed(kind, { concurrency: 1 }, RESTARTS);
    const completed = collect(jobs, 'job:completed');
    const promise = submit('t', { id: 'e' });
    const queued = submit('t', { behind: [['result', 'after']] });
    await inState(promise.jobId, 'running');
    await exit();
    expect((await failureOf(promise)).message).toBe('Engine process exited');
    await expect(queued).resolves.toEqual({ success: true, data: 'after' });
    expect(completed.map(({ jobId, success }) => [jobId, success])).toEqual([
      [promise.jobId, false],
      [queued.jobId, true],
    ]);
  });

  test('with retry left it goes back to the head of its priority', async () => {
    const { jobs, submit, exit, inState, askedTimes, say } = await managed(kind, { concurrency: 1 }, RESTARTS);
    const retried = collect(jobs, 'job:retry');
    const queuedEvents = collect(jobs, 'job:queued');
    const promise = submit('first', {}, { retries: 1 });
    const second = submit('second', {});
    const high = submit('high', { behind: [['result', 'high']] }, { priority: 'high' });
    await inState(promise.jobId, 'running');
    await exit();
    await high;
    const started = await askedTimes('jobs.start', 2);
    expect(started.map(({ type }) => type)).toEqual(['high', 'first']);
    await say(['result', 'e2', 'second attempt']);
    await expect(promise).resolves.toEqual({ success: true, data: 'second attempt' });
    expect((await askedTimes('jobs.start', 3)).map(({ type }) => type)).toEqual(['high', 'first', 'second']);
    expect(queuedEvents).toHaveLength(3);
    expect(retried.map(({ jobId, attempt }) => [jobId, attempt])).toEqual([[promise.jobId, 1]]);
    second.cancel();
  });

  test('a job whose jobs.start was unanswered is tried again as well', async () => {
    const { submit, exit, askedTimes } = await managed(kind, { retryDelay: 0 }, RESTARTS);
    const promise = submit('t', { id: 'e', start: 'later' }, { retries: 1 });
    await askedTimes('jobs.start', 1);
    await exit();
    // What was asked before went with the engine: this is the second attempt.
    expect((await askedTimes('jobs.start', 1))[0].payload.id).toBe('e');
    promise.cancel();
  });

  test('a result in the pipe completes its job', async () => {
    const { client, submit } = await managed(kind, {}, { autoRestart: false });
    const promise = submit('t', { id: 'e' });
    const said = client.call('say', { events: [['result', 'e', 'last words']] });
    client.call('exit').catch(() => {});
    await said.catch(() => {});
    await expect(promise).resolves.toEqual({ success: true, data: 'last words' });
  });

  test('engine ids of the run before mean nothing to the next', async () => {
    const { client, submit, exit, say, inState } = await managed(kind, { concurrency: 2 }, RESTARTS);
    const before = submit('t', { id: 'e' });
    await inState(before.jobId, 'running');
    const restarted = next(client, 'restart');
    await exit();
    await failureOf(before);
    await restarted;
    const after = submit('t', { id: 'f' });
    await inState(after.jobId, 'running');
    await say(['result', 'e', 'of the run before'], ['result', 'f', 'mine']);
    await expect(after).resolves.toEqual({ success: true, data: 'mine' });
  });

  test('a lingering slot is free', async () => {
    const { jobs, submit, exit } = await managed(kind, { concurrency: 1, cancelGrace: 60_000 }, RESTARTS);
    const promise = submit('t', { cancel: { success: false } }, { timeout: 20 });
    const queued = submit('t', { behind: [['result', 'after']] });
    await failureOf(promise);
    expect(jobs.getStats().lingering).toBe(1);
    await exit();
    await expect(queued).resolves.toMatchObject({ success: true });
  });
});

describe.each(HEARD_ENGINES)('jobs wait in the queue while the engine is down: %s', (kind) => {
  test('and go when it becomes ready', async () => {
    const { client, submit, jobs } = await managed(kind, { defaultTimeout: 5000 }, { autoRestart: false });
    await client.stop();
    const promises = [1, 2, 3].map((n) => submit('t', { n, behind: [['result', n]] }));
    expect([jobs.getQueueLength(), jobs.getActiveCount()]).toEqual([3, 0]);
    await client.start();
    expect((await Promise.all(promises)).map(({ data }) => data)).toEqual([1, 2, 3]);
  });

  test('queued jobs outlive stop()', async () => {
    const { client, submit, jobs, inState } = await managed(kind, { concurrency: 1 });
    const running = submit('t', {});
    const queued = submit('t', { behind: [['result', 'after stop']] }, { timeout: 2000 });
    await inState(running.jobId, 'running');
    await client.stop();
    await failureOf(running);
    expect(jobs.getStatus(queued.jobId)).toEqual({ state: 'pending' });
    await client.start();
    await expect(queued).resolves.toEqual({ success: true, data: 'after stop' });
  });

  test('or are cancelled', async () => {
    const { client, submit, jobs } = await managed(kind);
    await client.stop();
    const promise = submit('t', {});
    await expect(jobs.cancel(promise.jobId)).resolves.toBe(true);
    expect((await failureOf(promise)).message).toBe('Job cancelled');
  });
});

describe.each(ENGINES)('jobs that an app submits before it can have heard of the exit: %s', (kind) => {
  test('wait for the next engine', async () => {
    const { client, submit } = await managed(kind, { concurrency: 2 }, RESTARTS);
    process.kill(client.getStats().pid, 'SIGKILL');
    while (client.getStats().state === 'ready');
    expect(client.isReady()).toBe(true);
    const promises = [1, 2, 3].map((n) => submit('t', { n, behind: [['result', n]] }));
    expect((await Promise.all(promises)).map(({ data }) => data)).toEqual([1, 2, 3]);
  });
});

describe.each(ENGINES.slice(4))('%s', (kind) => {
  test('jobs that waited go when it is ready, without a further submit', async () => {
    const { client, submit } = await managed(kind, {}, { autoRestart: false });
    await client.stop();
    const waited = submit('t', { behind: [['result', 1]] });
    await client.start();
    await expect(waited).resolves.toEqual({ success: true, data: 1 });
  });
});

describe.each(OUR_ENGINES)('over %s', (kind) => {
  test('a job waiting for a retry outlives stop()', async () => {
    const { client, submit, jobs } = await managed(kind, { retryDelay: 30 });
    const payload = { attempts: [{ behind: [['error', 'once']] }] };
    const waits = next(jobs, 'job:retry');
    const promise = submit('t', payload, { retries: 1 });
    // Its wait is over before `stop()` where this process has to wait: it does not begin anew at the old engine.
    jobs.pause();
    await waits;
    await client.stop();
    expect(jobs.getStatus(promise.jobId).state).toBe('pending');
    await client.start();
    jobs.resume();
    // The engine is a new one: for it this is the first attempt.
    expect((await failureOf(promise)).message).toBe('once');
  });
});

test('queued jobs outlive RESTART_LIMIT: they wait for the next start()', async () => {
  const mark = `${folder()}/started`;
  const options = { args: [mark], restartDelay: 0, maxRestarts: 2, restartWindow: 60_000 };
  const client = engine('healthy-the-first-time.js', options);
  const jobs = new JobManager(client, { concurrency: 1 });
  await client.start();
  jobs.pause();
  const promise = quietly(jobs.submit('t', {}));
  const limit = next(client, 'error', ({ data }) => data.code === 'RESTART_LIMIT');
  client.call('exit').catch(() => {});
  await limit;
  jobs.resume();
  expect(jobs.getJobs()).toEqual([{ id: promise.jobId, type: 't', state: 'pending' }]);
  fs.rmSync(mark);
  await client.start();
  // It answers jobs.start with {}: the job did start at last.
  expect((await failureOf(promise)).message).toContain('jobId');
  expect(jobs.getStatus(promise.jobId).state).toBe('failed');
});

describe('an `exit` listener that starts anew', () => {
  test.each([['native path'], ['JavaScript path']])('finds a queue that goes on, on the %s', async (path) => {
    class Overriding extends runtime.EngineClient {
      call(...args) {
        return super.call(...args);
      }
    }
    const Client = path === 'native path' ? runtime.EngineClient : Overriding;
    const client = engine('exits-when-told.js', { Client, autoRestart: false, healthMethod: false });
    await client.start();
    const jobs = new JobManager(client, { concurrency: 1 });
    const lost = jobs.submit('t', 'exit');
    const next = jobs.submit('t', 'result');
    lost.catch(() => {});
    client.once('exit', () => client.start().catch(() => {}));
    await expect(lost).rejects.toThrow('Engine process exited');
    await expect(next).resolves.toEqual({ success: true, data: 'result' });
  });
});
