import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { fault, outcome } from '../support/faults.js';
import { ENGINES, OUR_ENGINES, managed, quietly } from '../support/job-engines.js';

const { JobManager, StreamHandler } = runtime;
const PANICKED = 'INTERNAL_PANIC';
const RESTARTS = { maxRestarts: Infinity, restartDelay: 0 };
const DONE = { behind: [['result', 'fine']] };
const done = { success: true, data: 'fine' };
const KEPT = {};

describe('a panic in the queue: every job that it had rejects with INTERNAL_PANIC, and the next one runs', () => {
  test.each(ENGINES)('%s', async (kind) => {
    const { client, jobs, submit } = await managed(kind, { concurrency: 2 }, RESTARTS);
    // `job:completed` is for what ended on the engine.
    const completed = collect(jobs, 'job:completed');
    const lost = Array.from({ length: 4 }, () => submit('work', KEPT));
    await eventually(() => jobs.getActiveCount() === 2, 'two running jobs');
    const ids = lost.map(({ jobId }) => jobId);
    const restarted = OUR_ENGINES.includes(kind) ? next(client, 'restart') : null;
    fault(jobs, 'queue');
    jobs.getQueueLength();
    for (const job of lost) expect(await outcome(job)).toBe(PANICKED);
    expect(ids.map((id) => jobs.getStatus(id))).toEqual([null, null, null, null]);
    await jobs.onIdle();
    await restarted;
    expect(await jobs.submit('work', DONE)).toEqual(done);
    expect(completed).toHaveLength(1);
    expect(jobs.getStats()).toMatchObject({ queued: 0, active: 0, completed: 1 });
  });
});

test('a job submitted between the panic and the word of it is one of the new queue: it runs, and settles once', async () => {
  const { jobs, submit } = await managed('the native path', { concurrency: 1 }, RESTARTS);
  const lost = submit('work', KEPT);
  await next(jobs, 'job:started');
  fault(jobs, 'queue');
  jobs.getQueueLength();
  const kept = [submit('work', DONE), submit('work', DONE)];
  expect(await outcome(lost)).toBe(PANICKED);
  expect(await Promise.all(kept)).toEqual([done, done]);
});

test('submit() itself panics: its promise rejects, with the jobs before it, and a job of that id is taken again', async () => {
  const { client, jobs, submit } = await managed('the native path', {}, RESTARTS);
  for (const place of ['export', 'queue']) {
    const restarted = next(client, 'restart');
    const before = submit('work', KEPT);
    await next(jobs, 'job:started');
    fault(jobs, place);
    expect(await outcome(jobs.submit('work', DONE, { id: 'same' }))).toBe(PANICKED);
    expect(await outcome(before)).toBe(PANICKED);
    await restarted;
    expect(await jobs.submit('work', DONE, { id: 'same' })).toEqual(done);
  }
});

test("a panic in one manager's queue leaves another's queued jobs queued, and its running ones to its retries", async () => {
  const client = await startedEngine('runs-jobs-on-command.js', RESTARTS);
  const struck = new JobManager(client);
  const other = new JobManager(client, { concurrency: 1, retryOnFailure: true, retryDelay: 0 });
  const running = quietly(other.submit('work', KEPT));
  const queued = quietly(other.submit('work', DONE));
  await next(other, 'job:started');
  const lost = outcome(struck.submit('work', KEPT));
  await next(struck, 'job:started');
  const restarted = next(client, 'restart');
  fault(struck, 'queue');
  struck.getQueueLength();
  expect(await lost).toBe(PANICKED);
  await restarted;
  expect(await queued.cancel()).toBe(true);
  expect(await outcome(queued)).toBe(runtime.ErrorCodes.JOB_CANCELLED);
  await eventually(() => other.getActiveCount() === 1, 'the second attempt');
  expect(await running.cancel()).toBe(true);
});

test('pause() and drain() outlive a panic', async () => {
  const { client, jobs, submit } = await managed('the native path', {}, RESTARTS);
  jobs.pause();
  const restarted = next(client, 'restart');
  fault(jobs, 'queue');
  jobs.getQueueLength();
  await restarted;
  const waiting = submit('work', DONE);
  await client.call('asked');
  expect(jobs.getQueueLength()).toBe(1);
  jobs.resume();
  expect(await waiting).toEqual(done);
});

test('the timer of an engine in JavaScript panics: its jobs reject, and the next one has its timeout', async () => {
  const { jobs, submit } = await managed('an object with on and off', {});
  fault(jobs, 'timer');
  expect(await outcome(submit('work', KEPT, { timeout: 50 }))).toBe(PANICKED);
  expect(await outcome(submit('work', KEPT, { timeout: 50 }))).toBe(runtime.ErrorCodes.JOB_TIMEOUT);
});

test('a hundred panics in a row in a queue: each job before settles once, the one behind them runs', async () => {
  const { jobs, submit } = await managed('an object with on and off', {});
  const settled = [];
  const all = [];
  for (let n = 0; n < 100; n += 1) {
    all.push(outcome(submit('work', KEPT)).then((code) => settled.push(code)));
    fault(jobs, 'queue');
    jobs.getQueueLength();
  }
  await Promise.all(all);
  expect(settled).toEqual(Array.from({ length: 100 }, () => PANICKED));
  expect(await jobs.submit('work', DONE)).toEqual(done);
});

describe('streams: a panic in what is kept for replay ends neither a subscription nor the engine', () => {
  const event = (type, data) => [type, 'j', data];
  const say = (client, ...events) => client.call('say', { events });

  test('the event that met it is delivered, and so are the next', async () => {
    const client = await startedEngine('runs-jobs-on-command.js', RESTARTS);
    const stream = new StreamHandler();
    stream.attach(client);
    const seen = [];
    stream.subscribe('j', ({ data }) => seen.push(data));
    await say(client, event('partial', 0));
    fault(stream, 'replay');
    await say(client, event('partial', 1));
    await say(client, event('partial', 2));
    await eventually(() => seen.length === 3, 'all events');
    const replayed = [];
    stream.subscribe('j', ({ data }) => replayed.push(data), undefined, { replay: true });
    await eventually(() => replayed.length > 0, 'the replay');
    // What was kept before is lost; what comes is kept.
    expect([seen, replayed]).toEqual([[0, 1, 2], [2]]);
    expect(client.getStats().restarts).toBe(0);
  });

  test('subscribe() that panics throws INTERNAL_PANIC and leaves no subscription; the next one works', async () => {
    const client = await startedEngine('runs-jobs-on-command.js');
    const stream = new StreamHandler();
    stream.attach(client);
    fault(stream, 'export');
    const subscribe = () => stream.subscribe('j', () => {}, undefined, { replay: true });
    expect(subscribe).toThrow(expect.objectContaining({ code: PANICKED }));
    expect(stream.getStats()).toMatchObject({ subscriptions: 0, jobs: 0 });
    expect(subscribe()).toMatch(/^sub_/);
  });
});
