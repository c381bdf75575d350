import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { collect } from '../support/events.js';
import { ENGINES, OUR_ENGINES, failureOf, managed } from '../support/job-engines.js';

const { ErrorCodes } = runtime;
const logged = consoleErrors();

const expectTimeout = async (promise) => {
  const error = await failureOf(promise);
  expect([error.message, error.code, error.jobId]).toEqual(['Job timeout', ErrorCodes.JOB_TIMEOUT, promise.jobId]);
};

describe.each(ENGINES)('timeouts over %s', (kind) => {
  test('a timed-out job rejects at its timeout and is sent jobs.cancel', async () => {
    const { jobs, submit, askedTimes } = await managed(kind);
    const begun = performance.now();
    const promise = submit('t', { id: 'e' }, { timeout: 80 });
    await expectTimeout(promise);
    expect(performance.now() - begun).toBeGreaterThan(70);
    expect(await askedTimes('jobs.cancel', 1)).toEqual([{ jobId: 'e' }]);
    expect(jobs.getStatus(promise.jobId)).toMatchObject({ state: 'failed', completedAt: expect.any(Number) });
  });

  test('defaultTimeout, and submit’s timeout in its place', async () => {
    const { submit, inState } = await managed(kind, { defaultTimeout: 40 });
    const lasting = submit('t', {}, { timeout: Infinity });
    const other = submit('t', {}, { timeout: 60_000 });
    await other.cancel();
    await expectTimeout(submit('t', {}));
    await inState(lasting.jobId, 'running');
  });

  test.each([[Infinity], [2 ** 40], [1e300]])('a timeout of %s never fires early', async (timeout) => {
    const { submit, say, inState } = await managed(kind);
    const promise = submit('t', { id: 'e' }, { timeout });
    await inState(promise.jobId, 'running');
    await failureOf(submit('t', { n: 2 }, { timeout: 50 }));
    await say(['result', 'e', 'done']);
    await expect(promise).resolves.toEqual({ success: true, data: 'done' });
  });

  test('not retried', async () => {
    const { jobs, submit, asked } = await managed(kind, { retryOnFailure: true, retryDelay: 0 });
    const retries = collect(jobs, 'job:retry');
    await expectTimeout(submit('t', {}, { timeout: 20, retries: 5 }));
    expect(retries).toEqual([]);
    expect(await asked('jobs.start')).toHaveLength(1);
  });

  test('a queued job’s timeout does not run: it runs from the sending of its jobs.start', async () => {
    const { submit, say } = await managed(kind, { concurrency: 2 });
    const holding = submit('t', { id: 'e' });
    const timed = submit('t', { cancel: { success: false } }, { timeout: 350 });
    const queued = submit('t', { behind: [['result', 'in time']] }, { timeout: 300 });
    // By then the queued job has waited for longer than its timeout, and both slots are taken.
    await expectTimeout(timed);
    await say(['result', 'e', 1]);
    await holding;
    await expect(queued).resolves.toEqual({ success: true, data: 'in time' });
  });

  test('each attempt has its own', async () => {
    const { submit } = await managed(kind, { retryDelay: 320 });
    const payload = { attempts: [{ behind: [['error', 'once']] }, { behind: [['result', 'second']] }] };
    const promise = submit('t', payload, { timeout: 300, retries: 1 });
    await expect(promise).resolves.toEqual({ success: true, data: 'second' });
  });

  test('its slot stays taken until the job ends on the engine', async () => {
    const config = { concurrency: 1, cancelGrace: 60_000 };
    const { jobs, submit, say, asked, askedTimes } = await managed(kind, config);
    const completed = collect(jobs, 'job:completed');
    // Time for the engine to take it, also on a busy machine: a job that has not started is not completed.
    const promise = submit('t', { id: 'e', cancel: { success: false } }, { timeout: 1000 });
    const next = submit('t', { behind: [['result', 'next']] });
    await expectTimeout(promise);
    await askedTimes('jobs.cancel', 1);
    expect(await asked('jobs.start')).toHaveLength(1);
    expect(jobs.getStats()).toMatchObject({ queued: 1, active: 0, lingering: 1 });
    await say(['progress', 'e', { percent: 99 }]);
    expect(await asked('jobs.start')).toHaveLength(1);
    await say(['result', 'e', 'late']);
    await expect(next).resolves.toEqual({ success: true, data: 'next' });
    expect(completed.filter(({ jobId }) => jobId === promise.jobId)).toHaveLength(1);
  });

  test('… the engine answers success: true', async () => {
    const { submit } = await managed(kind, { concurrency: 1, cancelGrace: 60_000 });
    const promise = submit('t', {}, { timeout: 20 });
    const next = submit('t', { behind: [['result', 'next']] });
    await expectTimeout(promise);
    await expect(next).resolves.toEqual({ success: true, data: 'next' });
  });

  test.each([
    ['refuses', { success: false }],
    ['answers with an error', { code: 1, message: 'cannot' }],
    ['does not answer', 'later'],
  ])('… or cancelGrace passed, when the engine %s', async (_, cancel) => {
    const { jobs, submit } = await managed(kind, { concurrency: 1, cancelGrace: 100 });
    const promise = submit('t', { cancel }, { timeout: 20 });
    const next = submit('t', { behind: [['result', 'next']] });
    await expectTimeout(promise);
    await next;
    // Their true times: what is measured here begins when this process hears of it.
    const [timedOut, began] = [jobs.getStatus(promise.jobId).completedAt, jobs.getStatus(next.jobId).startedAt];
    expect(began - timedOut).toBeGreaterThan(90);
  });

  test('while jobs.start is unanswered: rejects then, and the answer is sent jobs.cancel when it comes', async () => {
    const { jobs, submit, answer, asked, askedTimes } = await managed(kind, { concurrency: 1, cancelGrace: 60_000 });
    const started = collect(jobs, 'job:started');
    const promise = submit('t', { id: 'e', start: 'later' }, { timeout: 30 });
    const next = submit('t', { behind: [['result', 'next']] });
    await expectTimeout(promise);
    expect(await asked('jobs.cancel')).toEqual([]);
    expect(await asked('jobs.start')).toHaveLength(1);
    await answer('e', { jobId: 'e' });
    expect(await askedTimes('jobs.cancel', 1)).toEqual([{ jobId: 'e' }]);
    await expect(next).resolves.toEqual({ success: true, data: 'next' });
    expect(started.map(({ jobId }) => jobId)).toEqual([next.jobId]);
    expect(logged.filter((line) => line.includes('unknown request'))).toEqual([]);
  });

  test('… also when cancelGrace is over', async () => {
    const { submit, answer, askedTimes } = await managed(kind, { concurrency: 1, cancelGrace: 20 });
    const promise = submit('t', { id: 'e', start: 'later' }, { timeout: 30 });
    const next = submit('t', { behind: [['result', 'next']] });
    await expectTimeout(promise);
    await expect(next).resolves.toMatchObject({ success: true });
    await answer('e', { jobId: 'e' });
    expect(await askedTimes('jobs.cancel', 1)).toEqual([{ jobId: 'e' }]);
  });

  test('while cancel waits for an answer', async () => {
    const { submit, inState, askedTimes } = await managed(kind, { cancelGrace: 0 });
    const promise = submit('t', { cancel: 'later' }, { timeout: 400 });
    await inState(promise.jobId, 'running');
    const cancelled = promise.cancel();
    await expectTimeout(promise);
    await expect(cancelled).resolves.toBe(false);
    expect((await askedTimes('jobs.cancel', 1)).length).toBeLessThanOrEqual(2);
  });
});

describe.each(OUR_ENGINES)('where the client is ours: %s', (kind) => {
  test('an answer later than requestTimeout is sent jobs.cancel, without a log', async () => {
    const { submit, answer, askedTimes } = await managed(kind, {}, { requestTimeout: 40 });
    const promise = submit('t', { id: 'e', start: 'later' });
    expect((await failureOf(promise)).message).toBe('Request timeout: jobs.start');
    await answer('e', { jobId: 'e' });
    expect(await askedTimes('jobs.cancel', 1)).toEqual([{ jobId: 'e' }]);
    expect(logged.filter((line) => line.includes('unknown request'))).toEqual([]);
  });

  test('an app’s own call("jobs.start") is not: its late answer is dropped and logged', async () => {
    const { client, answer, asked } = await managed(kind, {}, { requestTimeout: 40 });
    const error = await failureOf(client.call('jobs.start', { type: 't', payload: { id: 'e', start: 'later' } }));
    expect(error.message).toBe('Request timeout: jobs.start');
    await answer('e', { jobId: 'e' });
    expect(await asked('jobs.cancel')).toEqual([]);
    expect(logged.filter((line) => line.includes('unknown request'))).toHaveLength(1);
  });
});
