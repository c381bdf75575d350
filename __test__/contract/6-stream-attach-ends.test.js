import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine as clientOf } from '../support/engines.js';
import { collect } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { ENGINES, HEARD_ENGINES, failureOf, managed, quietly } from '../support/job-engines.js';

const { createJobStream, ErrorCodes, JobManager, StreamHandler } = runtime;
consoleErrors();

// Those in between go the same ways.
const EVERY_PATH = [ENGINES[0], ENGINES[1], ENGINES[4]];
const HEARD_PATHS = [HEARD_ENGINES[0], HEARD_ENGINES[1], HEARD_ENGINES[3]];
const TYPES = ['data', 'progress', 'log', 'partial', 'complete', 'error'];
const ENDS = ['result', 'error'];

/** A manager, a stream attached to it, and for each job what was heard, and its `for await` loop run to its end. */
async function attached(kind, config) {
  const given = await managed(kind, config);
  const stream = new StreamHandler();
  stream.attach(given.jobs);
  const hear = (jobId) => {
    const heard = [];
    stream.subscribe(jobId, (each) => heard.push(each), TYPES);
    return heard;
  };
  const looped = async (jobId) => {
    const types = [];
    for await (const { type } of createJobStream(stream, jobId)) types.push(type);
    return types;
  };
  return { ...given, stream, hear, looped };
}

const failure = (jobId, code, message) => ({
  type: 'error',
  jobId,
  timestamp: expect.any(Number),
  data: { code, message },
});

/** Whatever else happens, one last event comes, and nothing behind it. */
function expectOneEnd(heard) {
  expect(heard.filter(({ type }) => ENDS.includes(type))).toHaveLength(1);
  expect(ENDS).toContain(heard[heard.length - 1].type);
}

describe.each(EVERY_PATH)('a manager’s job ends its stream, once, however it ends: %s', (kind) => {
  test('the engine’s `error` event, as the engine gave it', async () => {
    const { submit, hear, looped } = await attached(kind);
    for (const data of ['it broke', { code: -30002, message: 'no model', data: [1] }, null]) {
      const job = submit('t', { data, behind: [['error', data]] });
      const [heard, loop] = [hear(job.jobId), looped(job.jobId)];
      await failureOf(job);
      expect(heard).toStrictEqual([{ type: 'error', jobId: job.jobId, timestamp: 1, data }]);
      expect(await loop).toEqual(['error']);
    }
  });

  test('a timeout; what the engine says of the job afterwards does not come', async () => {
    const { submit, say, hear, looped } = await attached(kind);
    const began = Date.now();
    const job = submit('t', { id: 'e', cancel: { success: false } }, { timeout: 50 });
    const [heard, loop] = [hear(job.jobId), looped(job.jobId)];
    await failureOf(job);
    await loop;
    await say(['progress', 'e', {}], ['result', 'e', 1], ['error', 'e', 1]);
    expect(heard).toStrictEqual([failure(job.jobId, ErrorCodes.JOB_TIMEOUT, 'Job timeout')]);
    expect(heard[0].timestamp).toBeGreaterThanOrEqual(began);
    expect(heard[0].timestamp).toBeLessThanOrEqual(Date.now());
  });

  test('cancelled while it runs; later events are dropped', async () => {
    const { submit, say, inState, hear, looped } = await attached(kind);
    const job = submit('t', { id: 'e', cancel: { success: false } });
    const [heard, loop] = [hear(job.jobId), looped(job.jobId)];
    await inState(job.jobId, 'running');
    await say(['partial', 'e', 1]);
    expect(await job.cancel()).toBe(true);
    expect(await loop).toEqual(['partial', 'error']);
    await say(['partial', 'e', 2], ['result', 'e', 3]);
    expect(heard.slice(1)).toStrictEqual([failure(job.jobId, ErrorCodes.JOB_CANCELLED, 'Job cancelled')]);
  });

  test('a cancellation that the engine refuses ends nothing', async () => {
    const { submit, say, inState, hear } = await attached(kind);
    const job = submit('t', { id: 'e', cancel: { code: 1, message: 'no' } });
    const heard = hear(job.jobId);
    await inState(job.jobId, 'running');
    expect(await job.cancel()).toBe(false);
    await say(['partial', 'e', 1], ['result', 'e', 2]);
    await job;
    expect(heard.map(({ type }) => type)).toEqual(['partial', 'result']);
  });

  test('cancelled in the queue, and aborted by a signal', async () => {
    const { submit, jobs, hear, looped } = await attached(kind);
    jobs.pause();
    const controller = new AbortController();
    const [queued, aborted] = [submit('t', {}), submit('t', {}, { signal: controller.signal })];
    const heard = [hear(queued.jobId), hear(aborted.jobId)];
    const loops = [looped(queued.jobId), looped(aborted.jobId)];
    await queued.cancel();
    controller.abort();
    const error = await failureOf(aborted);
    expect(await Promise.all(loops)).toEqual([['error'], ['error']]);
    expect(heard[0]).toStrictEqual([failure(queued.jobId, ErrorCodes.JOB_CANCELLED, 'Job cancelled')]);
    expect(heard[1]).toStrictEqual([failure(aborted.jobId, error.code, error.message)]);
  });

  test('a start that the engine refuses, and an answer without `jobId`', async () => {
    const { submit, hear, looped } = await attached(kind);
    const [refused, odd] = [submit('t', { start: { code: -5, message: 'no room' } }), submit('t', { answer: {} })];
    const heard = [hear(refused.jobId), hear(odd.jobId)];
    const loops = [looped(refused.jobId), looped(odd.jobId)];
    const error = await failureOf(odd);
    await failureOf(refused);
    expect(await Promise.all(loops)).toEqual([['error'], ['error']]);
    expect(heard[0]).toStrictEqual([failure(refused.jobId, -5, 'no room')]);
    expect(heard[1]).toStrictEqual([failure(odd.jobId, error.code, error.message)]);
  });

  test('an `error` of an attempt that is tried again is not passed on; its other events are', async () => {
    const { submit, hear, looped } = await attached(kind, { retryOnFailure: true, maxRetries: 3, retryDelay: 0 });
    const job = submit('t', {
      attempts: [
        {
          behind: [
            ['progress', 1],
            ['error', 'first'],
          ],
        },
        { start: { code: 1, message: 'second' } },
        {
          behind: [
            ['progress', 3],
            ['result', 'third'],
          ],
        },
      ],
    });
    const [heard, loop] = [hear(job.jobId), looped(job.jobId)];
    await expect(job).resolves.toEqual({ success: true, data: 'third' });
    expect(heard.map(({ type, data }) => [type, data])).toEqual([
      ['progress', 1],
      ['progress', 3],
      ['result', 'third'],
    ]);
    expect(await loop).toEqual(['progress', 'progress', 'result']);
  });

  test('the `error` of the last attempt is', async () => {
    const { submit, hear } = await attached(kind, { retryOnFailure: true, maxRetries: 1, retryDelay: 0 });
    const job = submit('t', { attempts: [{ behind: [['error', 1]] }, { behind: [['error', 2]] }] });
    const heard = hear(job.jobId);
    await failureOf(job);
    expect(heard).toStrictEqual([{ type: 'error', jobId: job.jobId, timestamp: 1, data: 2 }]);
  });

  test('cancelled while it waits for a retry', async () => {
    const { submit, jobs, hear, looped } = await attached(kind, { retryOnFailure: true, retryDelay: 60_000 });
    const retried = collect(jobs, 'job:retry');
    const job = submit('t', { behind: [['error', 'again']] });
    const [heard, loop] = [hear(job.jobId), looped(job.jobId)];
    await eventually(() => retried.length === 1, 'the retry');
    expect(heard).toEqual([]);
    await job.cancel();
    expect(await loop).toEqual(['error']);
    expect(heard).toStrictEqual([failure(job.jobId, ErrorCodes.JOB_CANCELLED, 'Job cancelled')]);
  });

  test('a submit that is refused: QUEUE_FULL ends it, DUPLICATE_ID does not end the job that has the id', async () => {
    const { submit, say, inState, hear } = await attached(kind, { concurrency: 1, maxQueueSize: 1 });
    const running = submit('t', { id: 'e' }, { id: 'running' });
    const heard = [hear('running'), hear('full')];
    submit('t', {}, { id: 'queued' });
    await inState('running', 'running');
    expect((await failureOf(submit('t', {}, { id: 'full' }))).code).toBe('QUEUE_FULL');
    expect((await failureOf(submit('t', {}, { id: 'running' }))).code).toBe('DUPLICATE_ID');
    expect(heard).toStrictEqual([[], [failure('full', 'QUEUE_FULL', expect.any(String))]]);
    await say(['result', 'e', 1]);
    await running;
    expect(heard[0].map(({ type }) => type)).toEqual(['result']);
  });

  test('the global listeners hear each end once, too', async () => {
    const { stream, submit } = await attached(kind);
    const [all, complete, errors] = ['event', 'complete', 'error'].map((name) => collect(stream, name));
    const done = submit('t', { n: 1, behind: [['result', 1]] });
    const failed = submit('t', { n: 2, behind: [['error', 1]] });
    await Promise.all([done, failureOf(failed)]);
    const slow = submit('t', { n: 3 }, { timeout: 50 });
    await failureOf(slow);
    await eventually(() => all.length === 3, 'three ends');
    expect([complete, errors].map((list) => list.map(({ jobId }) => jobId))).toEqual([
      [done.jobId],
      [failed.jobId, slow.jobId],
    ]);
  });

  test('an id that is used again, after its end: each job its own end', async () => {
    const { jobs, hear } = await attached(kind);
    const heard = hear('again');
    for (const n of [1, 2])
      await jobs.submit(
        't',
        {
          n,
          behind: [
            ['progress', n],
            ['result', n],
          ],
        },
        { id: 'again' },
      );
    expect(heard.map(({ type, data }) => [type, data])).toEqual(
      [1, 2].flatMap((n) => [
        ['progress', n],
        ['result', n],
      ]),
    );
  });
});

describe.each(HEARD_PATHS)('the engine’s exit: %s', (kind) => {
  test('ends the streams of the jobs it ends, with the last events before', async () => {
    const { submit, say, exit, inState, hear, looped } = await attached(kind);
    const job = submit('t', { id: 'e' });
    const [heard, loop] = [hear(job.jobId), looped(job.jobId)];
    await inState(job.jobId, 'running');
    await say(['partial', 'e', 'last words']);
    exit();
    const error = await failureOf(job);
    expect(await loop).toEqual(['partial', 'error']);
    expect(heard[1]).toStrictEqual(failure(job.jobId, error.code, 'Engine process exited'));
    expectOneEnd(heard);
  });

  test('with a retry left the stream goes on', async () => {
    const config = { retryOnFailure: true, retryDelay: 0 };
    const given = await managed(kind, config, { restartDelay: 0 });
    const stream = new StreamHandler();
    stream.attach(given.jobs);
    const heard = [];
    const started = collect(given.jobs, 'job:started');
    const job = given.submit('t', { id: 'e' });
    stream.subscribe(job.jobId, ({ type, data }) => heard.push([type, data]));
    await eventually(() => started.length === 1, 'the first attempt');
    await given.say(['partial', 'e', 1]);
    given.exit();
    await eventually(() => started.length === 2, 'the second attempt');
    await given.say(['partial', 'e', 2], ['result', 'e', 3]);
    await job;
    expect(heard).toEqual([
      ['partial', 1],
      ['partial', 2],
      ['result', 3],
    ]);
  });

  test('`stop()` ends the running ones, not the queued', async () => {
    const { client, submit, inState, hear, looped } = await attached(kind, { concurrency: 1 });
    const [running, queued] = [submit('t', { id: 'e' }), submit('t', {})];
    const heard = [hear(running.jobId), hear(queued.jobId)];
    const loop = looped(running.jobId);
    await inState(running.jobId, 'running');
    await client.stop();
    const error = await failureOf(running);
    await loop;
    expect(heard).toStrictEqual([[failure(running.jobId, error.code, error.message)], []]);
    expect(await queued.cancel()).toBe(true);
    await eventually(() => heard[1].length === 1, 'the end of the queued one');
  });
});

test('a payload that JSON cannot hold: the start error ends the stream', async () => {
  const jobs = new JobManager(clientOf('does-as-told.js'));
  const stream = new StreamHandler();
  stream.attach(jobs);
  const heard = [];
  stream.subscribe('mine', (each) => heard.push(each));
  const error = await failureOf(quietly(jobs.submit('t', { n: 5n }, { id: 'mine' })));
  expect(heard).toMatchObject([{ type: 'error', jobId: 'mine', data: { message: error.message } }]);
});
