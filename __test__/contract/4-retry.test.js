import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { collect } from '../support/events.js';
import { ENGINES, failureOf, managed } from '../support/job-engines.js';

const logged = consoleErrors();

const FAILS = { behind: [['error', { message: 'once more', code: 5 }]] };
const REFUSED = { start: { code: -32603, message: 'not now' } };
const DONE = { behind: [['result', 'done']] };

describe.each(ENGINES)('retry over %s', (kind) => {
  test('retryOnFailure is false unless given', async () => {
    const { jobs, asked } = await managed(kind, { maxRetries: 5, retryDelay: 0 });
    await failureOf(jobs.submit('t', { attempts: [FAILS, DONE] }));
    expect(await asked('jobs.start')).toHaveLength(1);
  });

  test.each([
    ['error events', FAILS],
    ['start errors', REFUSED],
    ['answers without jobId', { answer: {} }],
  ])('covers %s', async (_, failing) => {
    const { jobs, asked } = await managed(kind, { retryOnFailure: true, retryDelay: 0 });
    const promise = jobs.submit('t', { attempts: [failing, failing, DONE] }, { priority: 'high' });
    await expect(promise).resolves.toEqual({ success: true, data: 'done' });
    const attempts = await asked('jobs.start');
    expect(attempts).toHaveLength(3);
    expect(attempts.every((params) => JSON.stringify(params) === JSON.stringify(attempts[0]))).toBe(true);
  });

  test('maxRetries: 3 unless given; the last attempt’s error is the job’s', async () => {
    const { jobs, asked } = await managed(kind, { retryOnFailure: true, retryDelay: 0 });
    const attempts = [1, 2, 3, 4, 5].map((n) => ({ behind: [['error', `failure ${n}`]] }));
    expect((await failureOf(jobs.submit('t', { attempts }))).message).toBe('failure 4');
    expect(await asked('jobs.start')).toHaveLength(4);
  });

  test.each([
    [{ retryOnFailure: false }, 2, 3],
    [{ retryOnFailure: true, maxRetries: 1 }, 3, 4],
    [{ retryOnFailure: true }, 0, 1],
    [{ retryOnFailure: true, maxRetries: 0 }, undefined, 1],
    [{ retryOnFailure: true, maxRetries: 2 }, undefined, 3],
  ])('retries overrides both retry options: %o, retries %s', async (config, retries, attempts) => {
    const { jobs, asked } = await managed(kind, { retryDelay: 0, ...config });
    await failureOf(jobs.submit('t', FAILS, { retries }));
    expect(await asked('jobs.start')).toHaveLength(attempts);
  });

  test('job:retry {jobId, attempt, delay, error}; retryBackoff is the factor from one delay to the next', async () => {
    const { jobs } = await managed(kind, { retryOnFailure: true, maxRetries: 3, retryDelay: 20, retryBackoff: 2 });
    const retries = [];
    const starts = [];
    jobs.on('job:retry', (event) => retries.push(event));
    jobs.on('job:started', () => starts.push(performance.now()));
    const begun = performance.now();
    const promise = jobs.submit('t', { attempts: [FAILS, FAILS, FAILS, DONE] });
    await promise;
    expect(retries).toEqual(
      [20, 40, 80].map((delay, n) => ({ jobId: promise.jobId, attempt: n + 1, delay, error: expect.any(Error) })),
    );
    for (const { error } of retries) expect([error.message, error.code]).toEqual(['once more', 5]);
    // From the beginning: of a failure this process may hear long after the wait for the next attempt has begun.
    const waited = [20, 20 + 40, 20 + 40 + 80];
    waited.forEach((least, n) => expect(starts[n + 1] - begun).toBeGreaterThan(least - 1));
  });

  test('while waiting for a retry a job is pending, listed, and counted as queued', async () => {
    const { jobs, submit } = await managed(kind, { retryDelay: 60_000, concurrency: 1 });
    const promise = submit('ocr', FAILS, { retries: 1 });
    await eventually(() => jobs.getStats().retrying === 1, 'the wait for a retry');
    expect(jobs.getJobs()).toEqual([expect.objectContaining({ id: promise.jobId, type: 'ocr', state: 'pending' })]);
    expect(jobs.getStatus(promise.jobId)).toMatchObject({ state: 'pending' });
    expect(jobs.getStatus(promise.jobId)).not.toHaveProperty('completedAt');
    expect([jobs.getQueueLength(), jobs.getActiveCount()]).toEqual([1, 0]);
    await expect(jobs.submit('t', DONE)).resolves.toMatchObject({ success: true });
    await promise.cancel();
  });

  test('it re-enters at the tail of its priority without a second job:queued', async () => {
    const { jobs, submit, say, asked } = await managed(kind, { concurrency: 1, retryDelay: 0, retryOnFailure: true });
    const queued = collect(jobs, 'job:queued');
    const first = submit('first', { attempts: [{ id: 'e' }, DONE] });
    const others = ['second', 'third'].map((type) => submit(type, { type, ...DONE }));
    const low = submit('low', { type: 'low', ...DONE }, { priority: 'low' });
    jobs.pause();
    await say(['error', 'e', 'once more']);
    // Its delay over, it is in its lane again.
    await eventually(() => jobs.getStats().retrying === 0 && jobs.getQueueLength() === 4, 'the way back');
    jobs.resume();
    await Promise.all([first, ...others, low]);
    expect((await asked('jobs.start')).map(({ type }) => type)).toEqual(['first', 'second', 'third', 'first', 'low']);
    expect(queued).toHaveLength(4);
  });

  test('not cancellation', async () => {
    const { jobs, submit, asked, inState } = await managed(kind, { retryOnFailure: true, retryDelay: 0 });
    const promise = submit('t', {});
    await inState(promise.jobId, 'running');
    await jobs.cancel(promise.jobId);
    await failureOf(promise);
    expect(await asked('jobs.start')).toHaveLength(1);
  });
});

describe.each(ENGINES)('shouldRetry(error, attempt) over %s', (kind) => {
  test('is asked before each retry, with the error and the attempt that failed', async () => {
    const asks = [];
    const shouldRetry = (error, attempt) => asks.push([error, attempt]) > 0;
    const { jobs } = await managed(kind, { retryOnFailure: true, retryDelay: 0, shouldRetry });
    const promise = jobs.submit('t', { attempts: [FAILS, REFUSED, DONE] });
    await promise;
    expect(asks.map(([error, attempt]) => [error.message, error.code, attempt])).toEqual([
      ['once more', 5, 1],
      ['not now', -32603, 2],
    ]);
    for (const [error] of asks) expect(error).toBeInstanceOf(Error);
    expect(asks[0][0].jobId).toBe(promise.jobId);
  });

  test('false: the job fails at once, with that error', async () => {
    const retries = [];
    const shouldRetry = (error) => error.code !== 5;
    const { jobs, asked } = await managed(kind, { retryOnFailure: true, retryDelay: 0, shouldRetry });
    jobs.on('job:retry', (event) => retries.push(event));
    const error = await failureOf(jobs.submit('t', FAILS));
    expect([error.message, error.code]).toEqual(['once more', 5]);
    expect(retries).toEqual([]);
    expect(await asked('jobs.start')).toHaveLength(1);
    await expect(jobs.submit('t', { attempts: [REFUSED, DONE] })).resolves.toMatchObject({ success: true });
  });

  test('one that throws is logged and changes nothing else: the job is retried', async () => {
    const shouldRetry = () => {
      throw new Error('a defect of the app');
    };
    const { jobs } = await managed(kind, { retryOnFailure: true, retryDelay: 0, shouldRetry });
    await expect(jobs.submit('t', { attempts: [FAILS, DONE] })).resolves.toMatchObject({ success: true });
    expect(logged.filter((line) => line.includes('a defect of the app'))).toHaveLength(1);
  });

  test('one that cancels the job ends it', async () => {
    const { jobs, asked, submit } = await managed(kind, {
      retryOnFailure: true,
      retryDelay: 0,
      shouldRetry: () => Boolean(jobs.cancel(jobs.getJobs()[0].id)),
    });
    expect((await failureOf(submit('t', FAILS))).message).toBe('Job cancelled');
    expect(await asked('jobs.start')).toHaveLength(1);
  });

  test('without a retry left it is not asked', async () => {
    const asks = [];
    const { jobs } = await managed(kind, { retryDelay: 0, shouldRetry: () => asks.push(1) });
    await failureOf(jobs.submit('t', FAILS));
    await failureOf(jobs.submit('t', { ...FAILS, n: 2 }, { retries: 1 }));
    expect(asks).toHaveLength(1);
  });
});

describe.each([ENGINES[0], ENGINES[4]])('retry over %s', (kind) => {
  test('retryDelay is 1000 and retryBackoff 1 unless given', async () => {
    const { jobs, submit } = await managed(kind, { retryOnFailure: true });
    const retries = collect(jobs, 'job:retry');
    const promise = submit('t', FAILS);
    await eventually(() => retries.length === 1, 'the first retry');
    expect(retries[0].delay).toBe(1000);
    await eventually(() => retries.length === 2, 'the second');
    expect(retries[1].delay).toBe(1000);
    await promise.cancel();
  });
});
