import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { busyUntil } from '../support/busy.js';
import { consoleErrors } from '../support/console-errors.js';
import { double, settled } from '../support/engine-doubles.js';
import { eventually } from '../support/eventually.js';
import { fault } from '../support/faults.js';
import { collect } from '../support/events.js';
import { ENGINES, HEARD_ENGINES, OUR_ENGINES, failureOf, managed, quietly } from '../support/job-engines.js';

const { JobManager } = runtime;
// The modules that the runtime itself has loaded; an import would make others of them.
const require = createRequire(import.meta.url);
const { kFollow, kTellEnds } = require('../../lib/job-manager.js');
const delivery = require('../../lib/delivery.js');
const errors = consoleErrors();

const RESTARTS = { restartDelay: 10 };
const DONE = { behind: [['result', 'done']] };

/** A follower that notes what it hears, in one list; `exits` is what it grants to each job. */
function noting(exits = 1) {
  const notes = [];
  return {
    notes,
    jobs: [],
    queued(job) {
      this.jobs.push(job);
      notes.push(['queued', job.id]);
    },
    exitsLeft(id) {
      notes.push(['exitsLeft', id]);
      return exits;
    },
    started: (id) => notes.push(['started', id]),
    putBack: (id) => notes.push(['putBack', id]),
    ended: (id, how) => notes.push(['ended', id, how]),
    /** What it heard of one job, behind `exitsLeft`. */
    of: (id) =>
      notes
        .filter((note) => note[1] === id && !['queued', 'exitsLeft', 'job:queued'].includes(note[0]))
        .map(([name, , how]) => how || name),
    ends: (id) => notes.filter(([name, of]) => name === 'ended' && of === id).length,
  };
}

/** What was asked goes out, and the engine answers it while this turn lasts: its news is on the way when it ends. */
async function answeredUnheard() {
  // Microtasks alone: a turn of the event loop could bring the answer.
  for (let count = 0; count < 20; count += 1) await null;
  const end = Date.now() + 300;
  while (Date.now() < end);
}

/** A followed manager over a kind of engine. */
async function followed(kind, config, { exits, ...options } = {}) {
  const all = await managed(kind, config, options);
  const follower = noting(exits);
  all.jobs[kFollow](follower);
  const ended = (id, how) => eventually(() => follower.of(id).includes(how), `${how} of ${id}`);
  return { ...all, follower, ended };
}

describe.each(ENGINES)('a follower hears of every job: %s', (kind) => {
  test('queued inside submit, before job:queued; then how many exits it grants', async () => {
    const { jobs, follower, ended } = await followed(kind);
    jobs.on('job:queued', ({ jobId }) => follower.notes.push(['job:queued', jobId]));
    const payload = { ...DONE, pages: [1] };
    const promise = jobs.submit('ocr', payload, { id: 'a', priority: 'high', timeout: 5000, retries: 2 });
    expect(follower.notes.slice(0, 3)).toEqual([
      ['queued', 'a'],
      ['exitsLeft', 'a'],
      ['job:queued', 'a'],
    ]);
    const [{ payloadText, ...job }] = follower.jobs;
    expect(job).toEqual({ id: 'a', type: 'ocr', payload, priority: 'high', timeout: 5000, retries: 2 });
    expect(job.payload).toBe(payload);
    if (kind === 'the native path') expect(payloadText).toBe(JSON.stringify(payload));
    else expect(payloadText).toBeUndefined();
    await promise;
    await ended('a', 'done');
    expect(follower.of('a')).toEqual(['started', 'done']);
  });

  test('a job that submit refuses is none', async () => {
    const { jobs, submit, follower } = await followed(kind, { concurrency: 1, maxQueueSize: 0 });
    submit('t', {}, { id: 'a' });
    expect((await failureOf(jobs.submit('t', {}, { id: 'a' }))).code).toBe('DUPLICATE_ID');
    expect((await failureOf(jobs.submit('t', {}))).code).toBe('QUEUE_FULL');
    expect(follower.jobs).toHaveLength(1);
  });

  test('failed, cancelled while queued, cancelled while running', async () => {
    const { submit, follower, ended, inState } = await followed(kind, { concurrency: 1 });
    await failureOf(submit('t', { behind: [['error', { message: 'no', code: -31003 }]] }, { id: 'failed' }));
    const running = submit('t', {}, { id: 'running' });
    const queued = submit('t', {}, { id: 'queued' });
    await inState('running', 'running');
    await Promise.all([queued.cancel(), running.cancel()]);
    await ended('running', 'cancelled');
    await ended('queued', 'cancelled');
    expect(follower.of('failed')).toEqual(['started', 'failed']);
    expect(follower.of('queued')).toEqual(['cancelled']);
  });

  test('a start error and a timeout are failures', async () => {
    const { submit, follower, ended } = await followed(kind);
    await failureOf(submit('t', { start: { code: 1, message: 'ENGINE_EXITED' } }, { id: 'refused' }));
    await failureOf(submit('t', {}, { id: 'late', timeout: 20 }));
    await ended('late', 'failed');
    expect(follower.of('refused')).toEqual(['failed']);
  });
});

describe.each(HEARD_ENGINES)('a job whose engine exits is put back while it has exits left: %s', (kind) => {
  test('at the head of its priority, without a rejection; then it runs again', async () => {
    const { jobs, submit, exit, follower, ended, inState, askedTimes, say } = await followed(
      kind,
      { concurrency: 1 },
      RESTARTS,
    );
    const retried = collect(jobs, 'job:retry');
    const queued = collect(jobs, 'job:queued');
    const running = submit('running', { id: 'e' }, { id: 'running' });
    submit('second', DONE, { id: 'second' });
    submit('high', DONE, { id: 'high', priority: 'high' });
    await inState('running', 'running');
    await exit();
    await askedTimes('jobs.start', 2);
    await inState('running', 'running');
    await say(['result', 'e', 'at last']);
    await expect(running).resolves.toEqual({ success: true, data: 'at last' });
    await ended('second', 'done');
    expect((await askedTimes('jobs.start', 3)).map(({ type }) => type)).toEqual(['high', 'running', 'second']);
    expect(follower.of('running')).toEqual(['started', 'putBack', 'started', 'done']);
    expect(retried.map(({ jobId, attempt, delay, error }) => [jobId, attempt, delay, error.message])).toEqual([
      ['running', 1, 0, 'Engine process exited'],
    ]);
    expect(queued).toHaveLength(3);
  });

  test('also one whose jobs.start is unanswered', async () => {
    const { submit, exit, follower, askedTimes, inState, client } = await followed(kind, {}, RESTARTS);
    const promise = submit('t', { attempts: [{ id: 'e', start: 'later' }] }, { id: 'a' });
    await askedTimes('jobs.start', 1);
    await exit();
    await eventually(() => follower.of('a').includes('putBack'), 'putBack');
    await askedTimes('jobs.start', 1);
    await client.call('answer', { held: 'e', value: { jobId: 'e' } });
    await inState('a', 'running');
    expect(follower.of('a')).toEqual(['putBack', 'started']);
    promise.cancel();
  });

  test.each([
    ['nothing', {}, {}],
    ['retryOnFailure', { retryOnFailure: true }, {}],
    ['retries', {}, { retries: 9 }],
    ['shouldRetry that says no', { retryOnFailure: true, shouldRetry: () => false }, {}],
  ])('with none left it rejects `Engine process exited`, whatever %s says', async (_, config, given) => {
    const asked = [];
    const shouldRetry = config.shouldRetry && ((error) => asked.push(error) && false);
    const options = { ...RESTARTS, exits: 2, maxRestarts: 10 };
    const { jobs, submit, exit, follower, ended, inState } = await followed(kind, { ...config, shouldRetry }, options);
    const completed = collect(jobs, 'job:completed');
    const promise = submit('t', {}, { id: 'a', ...given });
    for (let run = 1; run <= 3; run += 1) {
      await eventually(() => follower.notes.filter(([name]) => name === 'started').length === run, `run ${run}`);
      await inState('a', 'running');
      await exit();
    }
    const error = await failureOf(promise);
    expect([error.message, error.code, error.jobId]).toEqual(['Engine process exited', 'ENGINE_EXITED', 'a']);
    await ended('a', 'exited');
    expect(follower.of('a')).toEqual(['started', 'putBack', 'started', 'putBack', 'started', 'exited']);
    expect(asked).toEqual([]);
    expect(completed).toMatchObject([{ jobId: 'a', success: false }]);
  });

  test('exits take none of its retries', async () => {
    const { jobs, submit, exit, follower, ended, inState, say } = await followed(kind, { retryDelay: 0 }, RESTARTS);
    const promise = submit('t', { id: 'e' }, { id: 'a', retries: 1 });
    await inState('a', 'running');
    await exit();
    await eventually(() => follower.of('a').length === 3, 'the second start');
    await say(['error', 'e', 'first']);
    await eventually(() => follower.of('a').length === 4, 'the third start');
    await say(['error', 'e', 'second']);
    expect((await failureOf(promise)).message).toBe('second');
    await ended('a', 'failed');
    expect(follower.of('a')).toEqual(['started', 'putBack', 'started', 'started', 'failed']);
    expect(jobs.getStats().failed).toBe(1);
  });

  test('queued jobs and those that wait for a retry stay, and use none up', async () => {
    const config = { concurrency: 1, retryOnFailure: true, retryDelay: 60_000 };
    const { jobs, submit, exit, follower, inState } = await followed(kind, config, RESTARTS);
    submit('t', { behind: [['error', 'once']] }, { id: 'waits' });
    await eventually(() => jobs.getStats().retrying === 1, 'the wait for a retry');
    submit('t', {}, { id: 'running' });
    submit('t', {}, { id: 'queued' });
    await inState('running', 'running');
    await exit();
    await eventually(() => follower.of('running').includes('putBack'), 'putBack');
    expect(follower.of('waits')).toEqual(['started']);
    expect(follower.of('queued')).toEqual([]);
    jobs.getJobs().forEach(({ id }) => jobs.cancel(id));
  });

  test('an exit that finds a cancel waiting cancels', async () => {
    const { submit, exit, ended, follower, inState, jobs } = await followed(kind, {}, RESTARTS);
    const promise = submit('t', { cancel: 'later' }, { id: 'a' });
    await inState('a', 'running');
    const cancelled = jobs.cancel('a');
    await exit();
    await expect(cancelled).resolves.toBe(true);
    expect((await failureOf(promise)).message).toBe('Job cancelled');
    await ended('a', 'cancelled');
    expect(follower.of('a')).toEqual(['started', 'cancelled']);
  });
});

describe.each(OUR_ENGINES)('over %s', (kind) => {
  test('stop() ends running jobs as `stopped`; queued ones stay', async () => {
    const { client, submit, ended, inState, follower, jobs } = await followed(kind, { concurrency: 2 });
    const running = submit('t', {}, { id: 'running' });
    const starting = submit('t', { start: 'later' }, { id: 'starting' });
    submit('t', {}, { id: 'queued' });
    await inState('running', 'running');
    await client.stop();
    expect((await failureOf(running)).message).toBe('Engine shutting down');
    expect((await failureOf(starting)).message).toBe('Engine shutting down');
    await ended('running', 'stopped');
    await ended('starting', 'stopped');
    expect(follower.of('queued')).toEqual([]);
    jobs.cancel('queued');
  });

  test('crash after crash: every job settles once, and its end is told once', async () => {
    const { submit, client, follower, jobs, inState } = await followed(
      kind,
      { concurrency: 3 },
      { restartDelay: 0, maxRestarts: 100, exits: Infinity },
    );
    const promises = Array.from({ length: 12 }, (_, n) => submit('t', { id: `e${n}` }, { id: `${n}` }));
    const settledOnes = promises.map((promise) => promise.then(({ data }) => data));
    const putBacks = (n) => follower.of(`${n}`).filter((note) => note === 'putBack').length;
    for (let n = 0; n < 12; n += 1) {
      await inState(`${n}`, 'running');
      if (n % 2 === 0) {
        const before = putBacks(n);
        client.call('exit').catch(() => {});
        await eventually(() => putBacks(n) > before, `putBack of ${n}`);
        await inState(`${n}`, 'running');
      }
      await client.call('say', { events: [['result', `e${n}`, n]] });
    }
    await expect(Promise.all(settledOnes)).resolves.toEqual([...Array(12).keys()]);
    await eventually(() => promises.every((_, n) => follower.ends(`${n}`) === 1), 'all ends');
    expect(jobs.getStats()).toMatchObject({ completed: 12, failed: 0, queued: 0, active: 0 });
  });
});

describe.each(HEARD_ENGINES)('live jobs when it begins to follow: %s', (kind) => {
  test('are reported at once: queued, and started where the engine runs them', async () => {
    const { jobs, submit, exit, inState, say, askedTimes } = await managed(kind, { concurrency: 2 }, RESTARTS);
    const payload = { id: 'e', deep: [{ a: 'ü' }] };
    const running = submit('running', payload, { id: 'running', timeout: 9000, retries: 0, priority: 'low' });
    submit('starting', { start: 'later' }, { id: 'starting' });
    submit('queued', null, { id: 'queued' });
    await inState('running', 'running');
    await askedTimes('jobs.start', 2);
    const follower = noting();
    jobs[kFollow](follower);
    expect(follower.notes).toEqual([
      ['queued', 'running'],
      ['exitsLeft', 'running'],
      ['started', 'running'],
      ['queued', 'starting'],
      ['exitsLeft', 'starting'],
      ['queued', 'queued'],
      ['exitsLeft', 'queued'],
    ]);
    expect(follower.jobs[0]).toMatchObject({ id: 'running', type: 'running', payload, priority: 'low', timeout: 9000 });
    expect(follower.jobs[0].retries).toBe(0);
    expect(follower.jobs[2].payload).toBe(null);
    if (kind === 'the native path') expect(JSON.parse(follower.jobs[0].payloadText)).toEqual(payload);
    else expect(follower.jobs[0].payload).toBe(payload);
    await jobs.cancel('queued');
    await exit();
    await eventually(() => follower.of('running').join() === 'started,putBack,started', 'the second start');
    await say(['result', 'e', 'done']);
    await expect(running).resolves.toMatchObject({ data: 'done' });
    jobs.cancel('starting');
  });

  test('news of what was reported is not told twice', async () => {
    const { jobs, submit } = await managed(kind);
    const started = collect(jobs, 'job:started');
    submit('t', {}, { id: 'a' });
    if (kind === 'the native path') await busyUntil(() => jobs.getStatus('a').state === 'running', 'the start');
    else await answeredUnheard();
    const follower = noting();
    jobs[kFollow](follower);
    await eventually(() => started.length === 1, 'job:started');
    expect(follower.of('a')).toEqual(['started']);
    jobs.cancel('a');
  });

  test('a payload that was left out is left out', async () => {
    const { jobs, submit } = await managed(kind, { concurrency: 1 });
    jobs.pause();
    submit('t', undefined, { id: 'a' });
    const follower = noting();
    jobs[kFollow](follower);
    expect(follower.jobs).toMatchObject([{ id: 'a', payload: undefined, payloadText: undefined }]);
    jobs.cancel('a');
  });
});

describe.each(HEARD_ENGINES)('the end of following: %s', (kind) => {
  test('without a follower an exit rejects as ever, also jobs that were followed', async () => {
    const { jobs, submit, exit, follower, inState } = await followed(kind, {}, { ...RESTARTS, exits: 9 });
    const promise = submit('t', {}, { id: 'a' });
    await inState('a', 'running');
    jobs[kFollow](null);
    await exit();
    expect((await failureOf(promise)).message).toBe('Engine process exited');
    expect(follower.of('a')).toEqual(['started']);
  });

  test('a new follower takes the place of the one before', async () => {
    const { jobs, submit, follower, exit, inState } = await followed(kind, {}, RESTARTS);
    submit('t', {}, { id: 'a' });
    await inState('a', 'running');
    const other = noting(0);
    jobs[kFollow](other);
    await exit();
    await eventually(() => other.of('a').includes('exited'), 'exited');
    expect(other.of('a')).toEqual(['started', 'exited']);
    expect(follower.of('a')).toEqual(['started']);
  });
});

describe.each(ENGINES)('`ended` comes behind the app’s own reaction: %s', (kind) => {
  test('behind the code that awaits, through wrappers of its own', async () => {
    const { jobs, follower, ended } = await followed(kind);
    const wrapped = async (...args) => await jobs.submit(...args);
    const app = async () => {
      const { data } = await wrapped('t', DONE, { id: 'a' }).then((result) => result);
      follower.notes.push(['reacted', data]);
    };
    await app();
    await ended('a', 'done');
    expect(follower.notes.slice(-2)).toEqual([
      ['reacted', 'done'],
      ['ended', 'a', 'done'],
    ]);
  });

  test('a follower that leaves in that reaction hears of it before', async () => {
    const { jobs, follower } = await followed(kind);
    await jobs.submit('t', DONE, { id: 'a' });
    jobs[kFollow](null);
    expect(follower.of('a')).toEqual(['started', 'done']);
    await settled();
    expect(follower.ends('a')).toBe(1);
  });

  test('or before, when it asks', async () => {
    const { jobs, follower } = await followed(kind);
    await jobs.submit('t', DONE, { id: 'a' });
    expect(follower.ends('a')).toBe(0);
    jobs[kTellEnds]();
    expect(follower.ends('a')).toBe(1);
    await settled();
    expect(follower.ends('a')).toBe(1);
  });

  test('a job submitted there under the same id is another one', async () => {
    const { jobs, follower, ended } = await followed(kind);
    await jobs.submit('t', DONE, { id: 'a' });
    const again = quietly(jobs.submit('t', {}, { id: 'a' }));
    expect(follower.notes.slice(-3).map(([name]) => name)).toEqual(['ended', 'queued', 'exitsLeft']);
    await settled();
    await again.cancel();
    await ended('a', 'cancelled');
    expect(follower.ends('a')).toBe(2);
  });

  test('and so is one that a job:completed listener submits', async () => {
    const { jobs, follower, inState } = await followed(kind);
    let again;
    jobs.once('job:completed', () => {
      again = quietly(jobs.submit('t', {}, { id: 'a' }));
    });
    await jobs.submit('t', DONE, { id: 'a' });
    await inState('a', 'running');
    // The queue knows it before it is told here.
    await eventually(() => follower.of('a').filter((what) => what === 'started').length === 2, 'the second start');
    await settled();
    expect(follower.notes.map(([name]) => name)).toEqual([
      ...['queued', 'exitsLeft', 'started', 'ended'],
      ...['queued', 'exitsLeft', 'started'],
    ]);
    again.cancel();
  });
});

describe('a follower that throws is logged and changes nothing else', () => {
  test.each(['queued', 'exitsLeft', 'started', 'putBack', 'ended'])('in %s', async (name) => {
    const { jobs, submit, exit, follower, inState, say } = await followed('the native path', {}, RESTARTS);
    follower[name] = () => {
      throw new Error(`in ${name}`);
    };
    const promise = submit('t', { id: 'e' }, { id: 'a' });
    await inState('a', 'running');
    if (name === 'putBack') {
      await exit();
      await eventually(() => follower.of('a').join() === 'started,started', 'the second start');
    }
    await say(['result', 'e', 'done']);
    await expect(promise).resolves.toMatchObject({ data: 'done' });
    await eventually(() => errors.some((line) => line.includes(`in ${name}`)), 'the log');
    expect(jobs.getStats().completed).toBe(1);
  });

  test.each([['-1'], [-1], [NaN], [undefined], [null], [{}]])('an answer to exitsLeft of %s is none', async (exits) => {
    const { submit, exit, follower, inState } = await followed('the native path', {}, RESTARTS);
    follower.exitsLeft = () => exits;
    const promise = submit('t', {}, { id: 'a' });
    await inState('a', 'running');
    await exit();
    expect((await failureOf(promise)).message).toBe('Engine process exited');
  });
});

test('of two jobs under one id, the first ended and not heard of yet, the end of the second is told', async () => {
  const { jobs, submit, follower, ended } = await followed('the native path');
  const first = submit('t', DONE, { id: 'a' });
  await busyUntil(() => jobs.getStatus('a').state === 'done', 'the end of the first');
  const second = submit('t', {}, { id: 'a' });
  await expect(first).resolves.toMatchObject({ data: 'done' });
  await settled();
  expect(follower.notes.map(([name]) => name)).not.toContain('ended');
  await eventually(() => follower.of('a').includes('started'), 'the second start');
  await second.cancel();
  await ended('a', 'cancelled');
  expect(follower.of('a')).toEqual(['started', 'cancelled']);
});

test('a defect that was caught ends all jobs once', async () => {
  const { jobs, submit, follower, ended } = await followed('the native path', { concurrency: 1 });
  const promises = ['a', 'b'].map((id) => submit('t', {}, { id }));
  fault(jobs, 'queue');
  jobs.getQueueLength();
  for (const promise of promises) expect((await failureOf(promise)).code).toBe('INTERNAL_PANIC');
  await ended('a', 'failed');
  await ended('b', 'failed');
  expect([follower.ends('a'), follower.ends('b')]).toEqual([1, 1]);
});

describe('an engine that is not ours', () => {
  const lost = () => Promise.reject(Object.assign(new Error('Engine process exited'), { code: 'ENGINE_EXITED' }));

  test('whose call knows of the exit first: the job is put back, and waits until it is ready', async () => {
    const engine = double(() => lost());
    engine.call = (method, params) => {
      engine.calls.push([method, params]);
      engine.ready = false;
      return lost();
    };
    const jobs = new JobManager(engine, { concurrency: 1 });
    const follower = noting(1);
    jobs[kFollow](follower);
    const promise = quietly(jobs.submit('t', {}, { id: 'a' }));
    await settled();
    expect(follower.of('a')).toEqual(['putBack']);
    expect([engine.calls.length, jobs.getStatus('a').state]).toEqual([1, 'pending']);
    engine.ready = true;
    expect((await failureOf(promise)).code).toBe('ENGINE_EXITED');
    await settled();
    expect(follower.of('a')).toEqual(['putBack', 'exited']);
    expect(engine.calls).toHaveLength(2);
  });

  test('and does so once, although it still says that it is ready', async () => {
    const engine = double(lost);
    const jobs = new JobManager(engine);
    const follower = noting(9);
    jobs[kFollow](follower);
    const promise = quietly(jobs.submit('t', {}, { id: 'a' }));
    await settled();
    expect([engine.calls.length, follower.of('a')]).toEqual([1, ['putBack']]);
    await promise.cancel();
  });

  test('without a follower that is a start error, with the engine’s own error', async () => {
    const error = Object.assign(new Error('mine'), { code: 'ENGINE_EXITED' });
    const jobs = new JobManager(double(() => Promise.reject(error)));
    expect(await failureOf(jobs.submit('t', {}))).toBe(error);
  });

  test('whose stop() rejects the start: stopped', async () => {
    const error = Object.assign(new Error('Engine shutting down'), { code: 'SHUTTING_DOWN' });
    const jobs = new JobManager(double(() => Promise.reject(error)));
    const follower = noting();
    jobs[kFollow](follower);
    expect(await failureOf(jobs.submit('t', {}, { id: 'a', retries: 5 }))).toBe(error);
    await settled();
    expect(follower.of('a')).toEqual(['stopped']);
  });
});
