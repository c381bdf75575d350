import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { collect } from '../support/events.js';
import { ENGINES, HEARD_ENGINES, OUR_ENGINES, failureOf, managed } from '../support/job-engines.js';

const { ErrorCodes } = runtime;
consoleErrors();

const expectCancelled = async (promise) => {
  const error = await failureOf(promise);
  expect([error.message, error.code, error.jobId]).toEqual(['Job cancelled', ErrorCodes.JOB_CANCELLED, promise.jobId]);
};

describe.each(ENGINES)('cancel(id) over %s', (kind) => {
  test('queued → removed, true', async () => {
    const { jobs, submit, asked } = await managed(kind, { concurrency: 1 });
    submit('t', {});
    const promise = submit('t', {});
    await expect(jobs.cancel(promise.jobId)).resolves.toBe(true);
    await expectCancelled(promise);
    expect(jobs.getQueueLength()).toBe(0);
    expect(jobs.getStatus(promise.jobId)).toEqual({ state: 'cancelled', completedAt: expect.any(Number) });
    expect(await asked('jobs.cancel')).toEqual([]);
  });

  test('running → jobs.cancel with exactly {jobId}; true, the promise rejects', async () => {
    const { jobs, submit, asked, inState } = await managed(kind);
    const promise = submit('t', { id: 'e' });
    await inState(promise.jobId, 'running');
    await expect(jobs.cancel(promise.jobId)).resolves.toBe(true);
    await expectCancelled(promise);
    expect(await asked('jobs.cancel')).toEqual([{ jobId: 'e' }]);
    expect(jobs.getStatus(promise.jobId)).toMatchObject({ state: 'cancelled', engineJobId: 'e' });
  });

  test.each([
    ['success: true', { success: true }],
    ['success: false', { success: false, reason: 'runs' }],
    ['nothing of that', {}],
    ['a word', 'ok'],
  ])('any answer → true: %s', async (_, answer) => {
    const { submit, inState } = await managed(kind);
    const promise = submit('t', { cancel: answer });
    await inState(promise.jobId, 'running');
    await expect(promise.cancel()).resolves.toBe(true);
    await expectCancelled(promise);
  });

  test('later events of the job are dropped', async () => {
    const { jobs, submit, say, inState } = await managed(kind);
    const progress = collect(jobs, 'job:progress');
    const completed = collect(jobs, 'job:completed');
    const promise = submit('t', { id: 'e', cancel: { success: false } });
    await inState(promise.jobId, 'running');
    await promise.cancel();
    await say(['progress', 'e', { percent: 50 }], ['result', 'e', 'too late']);
    await expectCancelled(promise);
    expect(progress).toEqual([]);
    expect(completed).toEqual([{ jobId: promise.jobId, success: false, duration: expect.any(Number) }]);
    expect(jobs.getStatus(promise.jobId).state).toBe('cancelled');
  });

  test('after success: false the slot stays taken until the job ends on the engine', async () => {
    const { jobs, submit, say, asked, inState } = await managed(kind, { concurrency: 1, cancelGrace: 60_000 });
    const promise = submit('t', { id: 'e', cancel: { success: false } });
    const next = submit('t', { behind: [['result', 'next']] });
    await inState(promise.jobId, 'running');
    await promise.cancel();
    expect(await asked('jobs.start')).toHaveLength(1);
    expect(jobs.getStats()).toMatchObject({ queued: 1, active: 0, lingering: 1, cancelled: 1 });
    await say(['error', 'e', 'cancelled']);
    await expect(next).resolves.toEqual({ success: true, data: 'next' });
    expect(jobs.getStats().lingering).toBe(0);
  });

  test('… or cancelGrace passed', async () => {
    const { jobs, submit, inState } = await managed(kind, { concurrency: 1, cancelGrace: 150 });
    const promise = submit('t', { cancel: { success: false } });
    const next = submit('t', { behind: [['result', 'next']] });
    await inState(promise.jobId, 'running');
    await promise.cancel();
    await next;
    // Their true times: what is measured here begins when this process hears of it.
    const [cancelled, began] = [jobs.getStatus(promise.jobId).completedAt, jobs.getStatus(next.jobId).startedAt];
    expect(began - cancelled).toBeGreaterThan(140);
  });

  test('after success: true the slot is free at once', async () => {
    const { jobs, submit, inState } = await managed(kind, { concurrency: 1, cancelGrace: 60_000 });
    const promise = submit('t', {});
    const next = submit('t', { behind: [['result', 'next']] });
    await inState(promise.jobId, 'running');
    await promise.cancel();
    await expect(next).resolves.toMatchObject({ success: true });
    expect(jobs.getStats().lingering).toBe(0);
  });

  test('a jobs.cancel that fails → false, and the job goes on', async () => {
    const { jobs, submit, say, inState } = await managed(kind);
    const promise = submit('t', { id: 'e', cancel: { code: -32603, message: 'cannot' } });
    await inState(promise.jobId, 'running');
    await expect(promise.cancel()).resolves.toBe(false);
    expect(jobs.getStatus(promise.jobId).state).toBe('running');
    await say(['result', 'e', 'done']);
    await expect(promise).resolves.toEqual({ success: true, data: 'done' });
  });

  test('a job that ended meanwhile → false', async () => {
    const { submit, say, answer, inState, askedTimes } = await managed(kind);
    const promise = submit('t', { id: 'e', cancel: 'later' });
    await inState(promise.jobId, 'running');
    const cancelled = promise.cancel();
    await askedTimes('jobs.cancel', 1);
    await say(['result', 'e', 'done']);
    await expect(promise).resolves.toEqual({ success: true, data: 'done' });
    await answer('cancel of e', { success: true });
    await expect(cancelled).resolves.toBe(false);
  });

  test('unknown or ended → false', async () => {
    const { jobs, asked } = await managed(kind);
    await expect(jobs.cancel('nobody')).resolves.toBe(false);
    await expect(jobs.cancel('')).resolves.toBe(false);
    const done = jobs.submit('t', { behind: [['result', 1]] });
    await done;
    await expect(jobs.cancel(done.jobId)).resolves.toBe(false);
    const failed = jobs.submit('t', { behind: [['error', 1]] });
    await failureOf(failed);
    await expect(failed.cancel()).resolves.toBe(false);
    expect(await asked('jobs.cancel')).toEqual([]);
  });

  test('while jobs.start is unanswered cancel waits for the answer, then cancels', async () => {
    const { jobs, submit, answer, asked, askedTimes } = await managed(kind);
    const started = collect(jobs, 'job:started');
    const promise = submit('t', { id: 'e', start: 'later' });
    await askedTimes('jobs.start', 1);
    const cancelled = promise.cancel();
    const again = promise.cancel();
    expect(await asked('jobs.cancel')).toEqual([]);
    expect(jobs.getStatus(promise.jobId).state).toBe('pending');
    await answer('e', { jobId: 'e' });
    await expect(cancelled).resolves.toBe(true);
    await expect(again).resolves.toBe(true);
    await expectCancelled(promise);
    expect(await asked('jobs.cancel')).toEqual([{ jobId: 'e' }]);
    expect(started.length).toBeLessThanOrEqual(1);
  });

  test('… and when that answer is none, the job is never tried again', async () => {
    const { submit, answer, asked, askedTimes } = await managed(kind, { retryOnFailure: true, retryDelay: 0 });
    const promise = submit('t', { id: 'e', start: 'later' });
    await askedTimes('jobs.start', 1);
    const cancelled = promise.cancel();
    await answer('e', null);
    // Cancelled, or failed by the start error: the two agree.
    const error = await failureOf(promise);
    expect(await cancelled).toBe(error.code === ErrorCodes.JOB_CANCELLED);
    expect(await asked('jobs.start')).toHaveLength(1);
    expect(await asked('jobs.cancel')).toEqual([]);
  });

  test('… and a job that ended with its answer → false', async () => {
    const { client, submit, say, answer, askedTimes } = await managed(kind);
    const promise = submit('t', { id: 'e', start: 'later', cancel: 'later' });
    await askedTimes('jobs.start', 1);
    const cancelled = promise.cancel();
    await answer('e', { jobId: 'e' });
    await askedTimes('jobs.cancel', 1);
    await say(['result', 'e', 'done']);
    await expect(promise).resolves.toEqual({ success: true, data: 'done' });
    await client.call('answer', { held: 'cancel of e', value: { success: true } });
    await expect(cancelled).resolves.toBe(false);
  });

  test('twice at once: one jobs.cancel, both true', async () => {
    const { jobs, submit, asked, inState } = await managed(kind);
    const promise = submit('t', {});
    await inState(promise.jobId, 'running');
    expect(await Promise.all([promise.cancel(), jobs.cancel(promise.jobId)])).toEqual([true, true]);
    expect(await asked('jobs.cancel')).toHaveLength(1);
  });

  test('while waiting for a retry a job is cancellable', async () => {
    const { jobs, submit, asked } = await managed(kind, { retryDelay: 60_000 });
    const completed = collect(jobs, 'job:completed');
    const promise = submit('t', { behind: [['error', 'once']] }, { retries: 3 });
    await eventually(() => jobs.getStats().retrying === 1, 'the wait for a retry');
    await expect(promise.cancel()).resolves.toBe(true);
    await expectCancelled(promise);
    expect(completed).toEqual([{ jobId: promise.jobId, success: false, duration: expect.any(Number) }]);
    expect(await asked('jobs.cancel')).toEqual([]);
    expect(jobs.getStats()).toMatchObject({ queued: 0, retrying: 0, active: 0 });
  });
});

describe.each(HEARD_ENGINES)('cancel(id) over %s', (kind) => {
  test.each(['its jobs.cancel', 'its jobs.start'])('the engine exits while %s is unanswered → false', async (which) => {
    const { submit, exit, inState, askedTimes } = await managed(kind, {}, { autoRestart: false });
    const starting = which === 'its jobs.start';
    const promise = submit('t', starting ? { start: 'later' } : { cancel: 'later' });
    if (starting) await askedTimes('jobs.start', 1);
    else await inState(promise.jobId, 'running');
    const cancelled = promise.cancel();
    if (!starting) await askedTimes('jobs.cancel', 1);
    await exit();
    const error = await failureOf(promise);
    expect(await cancelled).toBe(error.code === ErrorCodes.JOB_CANCELLED);
    if (!starting) expect(error.code).toBe('ENGINE_EXITED');
  });
});

describe.each(OUR_ENGINES)('cancel(id) over %s', (kind) => {
  test('a jobs.cancel that meets requestTimeout fails → false, and the job goes on', async () => {
    const { submit, say, inState } = await managed(kind, {}, { requestTimeout: 500 });
    const promise = submit('t', { id: 'e', cancel: 'later' });
    await inState(promise.jobId, 'running');
    await expect(promise.cancel()).resolves.toBe(false);
    await say(['result', 'e', 'done']);
    await expect(promise).resolves.toEqual({ success: true, data: 'done' });
  });
});
