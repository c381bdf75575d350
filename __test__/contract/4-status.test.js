import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { ENGINES, failureOf, managed } from '../support/job-engines.js';

consoleErrors();

const DONE = { behind: [['result', 'done']] };

describe.each(ENGINES)('getStatus(id) over %s', (kind) => {
  test('queued pending', async () => {
    const { jobs, submit } = await managed(kind, { concurrency: 1 });
    submit('t', {});
    expect(jobs.getStatus(submit('t', {}).jobId)).toStrictEqual({ state: 'pending' });
  });

  test('running with progress, message, startedAt; new engineJobId', async () => {
    const { jobs, submit, say, inState } = await managed(kind);
    const before = Date.now();
    const { jobId } = submit('t', { id: 'e' });
    const status = await inState(jobId, 'running');
    expect(status).toStrictEqual({ state: 'running', startedAt: expect.any(Number), engineJobId: 'e' });
    expect(status.startedAt).toBeGreaterThanOrEqual(before);
    expect(status.startedAt).toBeLessThanOrEqual(Date.now());
    await say(['progress', 'e', { percent: 45.5, message: 'Page "1"' }]);
    expect(jobs.getStatus(jobId)).toStrictEqual({ ...status, progress: 45.5, message: 'Page "1"' });
    expect(jobs.getJobs()).toStrictEqual([{ id: jobId, type: 't', state: 'running', progress: 45.5 }]);
    await say(['progress', 'e', { percent: 60 }]);
    expect(jobs.getStatus(jobId).progress).toBe(60);
  });

  test('ended done, failed, cancelled with startedAt, completedAt, the true times', async () => {
    const { jobs, submit, say, inState } = await managed(kind, { concurrency: 3 });
    const promises = ['a', 'b', 'c'].map((id) => submit('t', { id }));
    const started = await Promise.all(promises.map(({ jobId }) => inState(jobId, 'running')));
    const ending = Date.now();
    await say(['result', 'a', 1], ['error', 'b', 1]);
    await promises[2].cancel();
    await Promise.allSettled(promises);
    const ended = promises.map(({ jobId }) => jobs.getStatus(jobId));
    expect(ended.map(({ state }) => state)).toEqual(['done', 'failed', 'cancelled']);
    for (const [n, status] of ended.entries()) {
      expect(status.startedAt).toBe(started[n].startedAt);
      expect(status.completedAt).toBeGreaterThanOrEqual(ending);
      expect(status.completedAt).toBeLessThanOrEqual(Date.now());
      expect(status.engineJobId).toBe('abc'[n]);
    }
  });

  test('unknown → null', async () => {
    const { jobs } = await managed(kind);
    expect(jobs.getStatus('nobody')).toBe(null);
    expect(jobs.getStatus('')).toBe(null);
  });

  test('the state is the ended one when the promise settles and in job:completed', async () => {
    const { jobs } = await managed(kind);
    let seen;
    jobs.on('job:completed', ({ jobId }) => (seen = [jobs.getStatus(jobId).state, jobs.getJobs()]));
    const promise = jobs.submit('t', DONE);
    await promise;
    expect(seen).toEqual(['done', []]);
    expect(jobs.getStatus(promise.jobId).state).toBe('done');
  });
});

describe.each(ENGINES)('lists and counts over %s', (kind) => {
  test('getJobs(): queued then active', async () => {
    const { jobs, submit, inState } = await managed(kind, { concurrency: 1 });
    const active = submit('a', {});
    const low = submit('b', {}, { priority: 'low' });
    const high = submit('c', {}, { priority: 'high' });
    await inState(active.jobId, 'running');
    const listed = jobs.getJobs();
    expect(listed.slice(0, 2)).toEqual(
      expect.arrayContaining([
        { id: low.jobId, type: 'b', state: 'pending' },
        { id: high.jobId, type: 'c', state: 'pending' },
      ]),
    );
    expect(listed[2]).toEqual({ id: active.jobId, type: 'a', state: 'running' });
    expect(listed).toHaveLength(3);
    expect([jobs.getQueueLength(), jobs.getActiveCount()]).toEqual([2, 1]);
  });

  test('types and ids of any characters', async () => {
    const { jobs, submit } = await managed(kind);
    const id = 'scan "1"\n\u2028 é🎉';
    // Started, it may run before it is asked for.
    jobs.pause();
    submit('ocr\\"\u0000', {}, { id });
    expect(jobs.getJobs()).toEqual([{ id, type: 'ocr\\"\u0000', state: 'pending' }]);
    expect(jobs.getStatus(id).state).toBe('pending');
    await jobs.cancel(id);
  });

  test('ended jobs are remembered up to maxCompleted', async () => {
    const { jobs } = await managed(kind, { maxCompleted: 2 });
    const ids = [];
    for (let n = 0; n < 4; n += 1) {
      const promise = jobs.submit('t', { n, ...DONE });
      ids.push(promise.jobId);
      await promise;
    }
    expect(ids.map((id) => jobs.getStatus(id) && jobs.getStatus(id).state)).toEqual([null, null, 'done', 'done']);
  });

  test('maxCompleted 0 remembers none, 1000 unless given', async () => {
    const none = await managed(kind, { maxCompleted: 0 });
    const job = none.jobs.submit('t', DONE);
    await job;
    expect(none.jobs.getStatus(job.jobId)).toBe(null);
    const { jobs } = await managed(kind, { concurrency: 50 });
    const promises = Array.from({ length: 1003 }, (_, n) => jobs.submit('t', { n, ...DONE }));
    await Promise.all(promises);
    expect(promises.filter(({ jobId }) => jobs.getStatus(jobId) !== null)).toHaveLength(1000);
  });

  test('clearCompleted() forgets the ended jobs, and only those', async () => {
    const { jobs, submit, inState } = await managed(kind);
    const done = jobs.submit('t', DONE);
    await done;
    const running = submit('t', { n: 1 });
    await inState(running.jobId, 'running');
    expect(jobs.clearCompleted()).toBe(undefined);
    expect(jobs.getStatus(done.jobId)).toBe(null);
    expect(jobs.getStatus(running.jobId).state).toBe('running');
  });

  test('getStats()', async () => {
    const { jobs, submit, inState } = await managed(kind, { concurrency: 1 });
    const none = { queued: 0, active: 0, retrying: 0, lingering: 0, completed: 0, failed: 0, cancelled: 0 };
    expect(jobs.getStats()).toEqual({ ...none, paused: false });
    await jobs.submit('t', DONE);
    await failureOf(jobs.submit('t', { behind: [['error', 1]] }));
    const running = submit('t', { n: 1 });
    const queued = [submit('t', {}), submit('t', {})];
    await inState(running.jobId, 'running');
    await queued[0].cancel();
    const expected = { ...none, queued: 1, active: 1, completed: 1, failed: 1, cancelled: 1 };
    expect(jobs.getStats()).toEqual({ ...expected, paused: false });
  });
});

describe.each(ENGINES)('over %s', (kind) => {
  test('pause(): no starts, running ones go on; resume()', async () => {
    const { jobs, submit, say, asked, inState } = await managed(kind);
    const running = submit('t', { id: 'e' });
    await inState(running.jobId, 'running');
    jobs.pause();
    expect(jobs.getStats().paused).toBe(true);
    const waiting = submit('t', DONE);
    await say(['result', 'e', 1]);
    await running;
    expect(await asked('jobs.start')).toHaveLength(1);
    expect(jobs.getStatus(waiting.jobId)).toEqual({ state: 'pending' });
    jobs.resume();
    await expect(waiting).resolves.toEqual({ success: true, data: 'done' });
    expect(jobs.getStats().paused).toBe(false);
  });

  test('onIdle(): nothing queued or active', async () => {
    const { jobs, submit, say, inState } = await managed(kind, { concurrency: 1 });
    await expect(jobs.onIdle()).resolves.toBe(undefined);
    const first = submit('t', { id: 'a' });
    const second = submit('t', { id: 'b' });
    const order = [];
    const idle = [jobs.onIdle(), jobs.onIdle()].map((promise) => promise.then(() => order.push('idle')));
    second.then(() => order.push('second'));
    await inState(first.jobId, 'running');
    await say(['result', 'a', 1]);
    await inState(second.jobId, 'running');
    expect(order).toEqual([]);
    await say(['result', 'b', 1]);
    await Promise.all(idle);
    expect(order).toEqual(['second', 'idle', 'idle']);
  });

  test('onIdle() waits for a job that waits for its retry', async () => {
    const { jobs } = await managed(kind, { retryDelay: 30 });
    const order = [];
    const promise = jobs.submit('t', { attempts: [{ behind: [['error', 1]] }, DONE] }, { retries: 1 });
    promise.then(() => order.push('job'));
    await jobs.onIdle().then(() => order.push('idle'));
    expect(order).toEqual(['job', 'idle']);
  });

  test('drain(): refuses new jobs, then as onIdle', async () => {
    const { jobs, submit, say, inState } = await managed(kind, { concurrency: 1 });
    const running = submit('t', { id: 'e' });
    const queued = submit('t', DONE);
    await inState(running.jobId, 'running');
    let drained = false;
    const draining = jobs.drain().then(() => (drained = true));
    const error = await failureOf(jobs.submit('t', {}));
    expect(error).toBeInstanceOf(Error);
    expect(error.code).toBe('SHUTTING_DOWN');
    expect(drained).toBe(false);
    await say(['result', 'e', 1]);
    await expect(queued).resolves.toMatchObject({ success: true });
    await draining;
    expect(jobs.getJobs()).toEqual([]);
    await expect(jobs.drain()).resolves.toBe(undefined);
  });
});
