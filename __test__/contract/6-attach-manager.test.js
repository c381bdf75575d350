import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { busyUntil } from '../support/busy.js';
import { consoleErrors } from '../support/console-errors.js';
import { double, settled } from '../support/engine-doubles.js';
import { engine } from '../support/engines.js';
import { collect } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { ENGINES, HEARD_ENGINES, OUR_ENGINES, failureOf, managed, quietly } from '../support/job-engines.js';
import { jobEvent, listTo } from '../support/streams.js';

// The very module that the package has loaded.
const { Op, kItem } = createRequire(import.meta.url)('../../lib/delivery.js');
const { ErrorCodes, JobManager, StreamHandler, createJobStream } = runtime;
consoleErrors();

/** A manager over a kind of engine, a stream that is attached to it, and each job with what the stream told of it. */
async function streamed(kind, config, options) {
  const it = await managed(kind, config, options);
  const stream = new StreamHandler();
  const detach = stream.attach(it.jobs);
  const submit = (payload, given) => {
    const job = it.submit('t', payload, given);
    return { job, heard: listTo(stream, job.jobId) };
  };
  return { ...it, stream, detach, submit };
}

const brief = (events) => events.map(({ type, data }) => [type, data]);
const ended = (code, message) => ['error', { code, message }];
const EVENTS = [
  ['progress', { percent: 10 }],
  ['log', { level: 'info', message: 'ü' }],
  ['partial', [1]],
  ['made-up', null],
];

describe.each(ENGINES)('`attach(manager)`: the events of its jobs, under its own ids: %s', (kind) => {
  test('every type, in wire order, and the last one ends it', async () => {
    const { submit } = await streamed(kind);
    const { job, heard } = submit({ behind: [...EVENTS, ['result', { a: 1 }], ['progress', 'late']] });
    await job;
    expect(heard).toEqual(
      [...EVENTS, ['result', { a: 1 }]].map(([type, data]) => ({
        type,
        jobId: job.jobId,
        timestamp: 1,
        data,
      })),
    );
  });

  test('a loop over a job gets its last event before the promise settles', async () => {
    const { jobs, stream } = await streamed(kind);
    const order = [];
    const job = jobs.submit('t', { behind: [...EVENTS, ['error', { code: 5, message: 'bad' }]] });
    const looping = (async () => {
      for await (const { type } of createJobStream(stream, job.jobId)) order.push(type);
      order.push('ended');
    })();
    stream.subscribe(job.jobId, () => order.push('told'), ['error']);
    jobs.on('job:completed', () => order.push('completed'));
    await job.catch(({ code }) => order.push(code));
    await looping;
    expect(order.filter((step) => ['told', 'completed', 5].includes(step))).toEqual(['told', 'completed', 5]);
    expect(order.filter((step) => !['told', 'completed', 5].includes(step))).toEqual([
      'progress',
      'partial',
      'made-up',
      'error',
      'ended',
    ]);
  });

  test('with a retry: both attempts’ events, and one last event', async () => {
    const { submit } = await streamed(kind, { retryOnFailure: true, retryDelay: 0 });
    const attempts = [
      {
        behind: [
          ['partial', 'first'],
          ['error', 'passing'],
        ],
      },
      {
        behind: [
          ['partial', 'second'],
          ['result', 'done'],
        ],
      },
    ];
    const { job, heard } = submit({ attempts });
    await job;
    expect(brief(heard)).toEqual([
      ['partial', 'first'],
      ['partial', 'second'],
      ['result', 'done'],
    ]);
  });

  test('without a retry left: the last error', async () => {
    const { submit } = await streamed(kind, { retryOnFailure: true, maxRetries: 1, retryDelay: 0 });
    const { job, heard } = submit({ attempts: [{ behind: [['error', 1]] }, { behind: [['error', 2]] }] });
    await failureOf(job);
    expect(brief(heard)).toEqual([['error', 2]]);
    expect(heard[0]).toMatchObject({ jobId: job.jobId, timestamp: 1 });
  });

  test('when `shouldRetry` says no: the error', async () => {
    const { submit } = await streamed(kind, { retryOnFailure: true, shouldRetry: () => false });
    const { job, heard } = submit({ behind: [['error', { code: 5, message: 'bad' }]] });
    await failureOf(job);
    expect(brief(heard)).toEqual([['error', { code: 5, message: 'bad' }]]);
    expect(heard[0].jobId).toBe(job.jobId);
  });

  test('a failure that is no event is one all the same', async () => {
    const { submit, jobs, asked, askedTimes, inState, exit } = await streamed(kind, { concurrency: 10 });
    const timed = submit({ n: 1 }, { timeout: 20 });
    await failureOf(timed.job);
    const cancelled = submit({ n: 2 });
    await inState(cancelled.job.jobId, 'running');
    await cancelled.job.cancel();
    const refused = submit({ start: { code: -7, message: 'no' } });
    await failureOf(refused.job);
    const nameless = submit({ answer: {} });
    await failureOf(nameless.job);
    const exited = submit({ n: 3 });
    await askedTimes('jobs.start', 5);
    jobs.pause();
    const queued = submit({ n: 4 });
    await queued.job.cancel();
    expect((await asked('jobs.start')).length).toBe(5);
    if (HEARD_ENGINES.includes(kind)) {
      await exit();
      await failureOf(exited.job);
      expect(brief(exited.heard)).toEqual([ended('ENGINE_EXITED', 'Engine process exited')]);
    }
    expect(brief(timed.heard)).toEqual([ended(ErrorCodes.JOB_TIMEOUT, 'Job timeout')]);
    expect(brief(cancelled.heard)).toEqual([ended(ErrorCodes.JOB_CANCELLED, 'Job cancelled')]);
    expect(brief(refused.heard)).toEqual([ended(-7, 'no')]);
    expect(brief(nameless.heard)).toEqual([
      ended(ErrorCodes.INTERNAL_ERROR, 'The engine answered jobs.start without a jobId'),
    ]);
    expect(brief(queued.heard)).toEqual([ended(ErrorCodes.JOB_CANCELLED, 'Job cancelled')]);
    expect(timed.heard[0]).toMatchObject({ jobId: timed.job.jobId, timestamp: expect.any(Number) });
  });

  test('what a settled job still says does not come', async () => {
    const { submit, say } = await streamed(kind, { cancelGrace: 60_000 });
    const { job, heard } = submit({ id: 'x' }, { timeout: 20 });
    await failureOf(job);
    await say(['progress', 'x', 1], ['result', 'x', 1]);
    expect(heard).toHaveLength(1);
  });

  test('each of many jobs, however they end: one last event, and it is the last', async () => {
    const { submit, jobs } = await streamed(kind, {
      concurrency: 8,
      retryOnFailure: true,
      maxRetries: 1,
      retryDelay: 0,
    });
    const plans = [
      (n) => ({
        n,
        behind: [
          ['partial', n],
          ['result', n],
        ],
      }),
      (n) => ({
        n,
        attempts: [
          {
            behind: [
              ['partial', n],
              ['error', n],
            ],
          },
          { behind: [['result', n]] },
        ],
      }),
      (n) => ({
        n,
        behind: [
          ['partial', n],
          ['error', n],
        ],
      }),
      (n) => ({ n, start: { code: 1, message: 'no' } }),
      (n) => ({ n, behind: [['partial', n]] }),
    ];
    const all = Array.from({ length: 200 }, (_, n) => submit(plans[n % 5](n), n % 5 === 4 ? { timeout: 50 } : {}));
    all.filter((_, n) => n % 7 === 0).forEach(({ job }) => job.cancel());
    const outcomes = await Promise.all(
      all.map(({ job }) =>
        job.then(
          () => 'result',
          () => 'error',
        ),
      ),
    );
    await jobs.onIdle();
    all.forEach(({ heard, job }, n) => {
      const ends = heard.filter(({ type }) => type === 'result' || type === 'error');
      expect(ends.map(({ type }) => type)).toEqual([outcomes[n]]);
      expect(heard[heard.length - 1]).toBe(ends[0]);
      expect(heard.every(({ jobId }) => jobId === job.jobId)).toBe(true);
    });
  });

  test('several jobs at a time are told apart, also where the engine gives an id anew', async () => {
    const { submit } = await streamed(kind, { concurrency: 1 });
    for (const n of [1, 2, 3]) {
      const { job, heard } = submit({
        id: 'same',
        n,
        behind: [
          ['partial', n],
          ['result', n],
        ],
      });
      await job;
      expect(brief(heard)).toEqual([
        ['partial', n],
        ['result', n],
      ]);
    }
  });

  test('a subscription under an id of the app’s own, made before the job', async () => {
    const { jobs, stream } = await streamed(kind);
    const heard = listTo(stream, 'mine "é"');
    await jobs.submit('t', { behind: [['result', 1]] }, { id: 'mine "é"' });
    expect(heard).toEqual([jobEvent('result', 'mine "é"', 1)].map((event) => ({ ...event, timestamp: 1 })));
  });

  test('global listeners hear all jobs; detached, nobody hears anything', async () => {
    const { jobs, stream, detach } = await streamed(kind);
    const all = collect(stream, 'event');
    const job = jobs.submit('t', { behind: [...EVENTS, ['result', 1]] });
    await job;
    expect(all.map(({ type }) => type)).toEqual(['progress', 'log', 'partial', 'made-up', 'result']);
    const heard = listTo(stream, 'mine');
    detach();
    await jobs.submit('t', { behind: [...EVENTS, ['result', 1]] }, { id: 'mine' });
    expect([heard, all.length]).toEqual([[], 5]);
    stream.attach(jobs);
    await jobs.submit('t', { behind: [['result', 1]] }, { id: 'mine' });
    expect(heard).toHaveLength(1);
  });

  test('attached twice, and to two streams: once each', async () => {
    const { jobs, stream, detach } = await streamed(kind);
    const other = new StreamHandler();
    other.attach(jobs);
    stream.attach(jobs);
    detach();
    const lists = [listTo(stream, 'mine'), listTo(other, 'mine', ['complete'])];
    await jobs.submit('t', { behind: [...EVENTS, ['result', 1]] }, { id: 'mine' });
    expect(lists.map((list) => list.length)).toEqual([5, 1]);
  });
});

describe.each(HEARD_ENGINES)('events that come before the answer that names their job: %s', (kind) => {
  test('none is lost, and they keep their order', async () => {
    const { submit } = await streamed(kind);
    const { job, heard } = submit({
      before: [...EVENTS, ['partial', 2]],
      behind: [
        ['partial', 3],
        ['result', 4],
      ],
    });
    await job;
    expect(brief(heard)).toEqual([...EVENTS, ['partial', 2], ['partial', 3], ['result', 4]]);
    expect(heard.every(({ jobId }) => jobId === job.jobId)).toBe(true);
  });

  test.each(['result', 'error'])('an early `%s` ends it', async (type) => {
    const { submit } = await streamed(kind);
    const { job, heard } = submit({
      before: [
        ['log', 1],
        [type, 2],
        ['partial', 3],
      ],
    });
    await job.catch(() => {});
    expect(brief(heard)).toEqual([
      ['log', 1],
      [type, 2],
    ]);
    expect(heard[1]).toMatchObject({ timestamp: 1 });
  });

  test('of several jobs whose answers are out; a stranger’s go nowhere', async () => {
    const { submit, say, answer, askedTimes, stream } = await streamed(kind, { concurrency: 3 });
    const all = collect(stream, 'event');
    const [a, b] = ['a', 'b'].map((id) => submit({ id, start: 'later' }));
    await askedTimes('jobs.start', 2);
    await say(['log', 'b', 'of b'], ['partial', 'a', 'of a'], ['partial', 'stranger', 0], ['result', 'a', 'end of a']);
    await answer('b', { jobId: 'b' });
    await answer('a', { jobId: 'a' });
    await a.job;
    await say(['result', 'b', 'end of b']);
    await b.job;
    expect(a.heard.map(({ data }) => data)).toEqual(['of a', 'end of a']);
    expect(b.heard.map(({ data }) => data)).toEqual(['of b', 'end of b']);
    expect(all).toHaveLength(4);
  });
});

describe.each(OUR_ENGINES)('the engine ends: %s', (kind) => {
  test('`stop()`: running jobs’ streams end, and nothing else is delivered', async () => {
    const { submit, client, inState } = await streamed(kind, { concurrency: 1 });
    const running = submit({ id: 'x' });
    await inState(running.job.jobId, 'running');
    const queued = submit({ n: 1 });
    const { received } = client.getStats();
    const said = client.call('say', { events: [['partial', 'x', 1]] }).catch(() => {});
    await busyUntil(() => client.getStats().received > received, 'the event');
    await Promise.all([client.stop(), said]);
    await failureOf(running.job);
    expect(brief(running.heard)).toEqual([ended('SHUTTING_DOWN', 'Engine shutting down')]);
    expect(queued.heard).toEqual([]);
    await queued.job.cancel();
    await failureOf(queued.job);
    expect(brief(queued.heard)).toEqual([ended(ErrorCodes.JOB_CANCELLED, 'Job cancelled')]);
  });

  test('`stop()` while a `result` is on its way: the stream ends as the job does', async () => {
    const { submit, client, inState } = await streamed(kind);
    const { job, heard } = submit({ id: 'x' });
    await inState(job.jobId, 'running');
    const { received } = client.getStats();
    const said = client.call('say', { events: [['result', 'x', 1]] }).catch(() => {});
    await busyUntil(() => client.getStats().received > received, 'the event');
    await Promise.all([client.stop(), said]);
    const outcome = await job.then(
      ({ data }) => ['result', data],
      ({ code, message }) => ended(code, message),
    );
    expect(brief(heard)).toEqual([outcome]);
  });

  test('a crash that is followed by another attempt is no end', async () => {
    const { jobs, submit, exit, say } = await streamed(
      kind,
      { retryOnFailure: true, retryDelay: 0 },
      { restartDelay: 0 },
    );
    const started = collect(jobs, 'job:started');
    const { job, heard } = submit({ id: 'x' });
    await eventually(() => started.length === 1, 'the first attempt');
    await say(['partial', 'x', 1]);
    await exit();
    await eventually(() => started.length === 2, 'the second attempt');
    await say(['partial', 'x', 2], ['result', 'x', 3]);
    await job;
    expect(heard.map(({ data }) => data)).toEqual([1, 2, 3]);
  });

  test('an end that cannot be read', async () => {
    const { submit, inState, client } = await streamed(kind, {}, { maxMessageBytes: 2000 });
    const { job, heard } = submit({ id: 'x' });
    await inState(job.jobId, 'running');
    await client.call('say', { events: [['result', 'x', 'y'.repeat(3000)]] });
    const { code, message } = await failureOf(job);
    expect(code).toBe('MESSAGE_TOO_LARGE');
    expect(brief(heard)).toEqual([ended(code, message)]);
  });

  test('what the app itself emits on the engine', async () => {
    const { submit, inState, client } = await streamed(kind);
    const { job, heard } = submit({ id: 'x' });
    await inState(job.jobId, 'running');
    client.emit('job:progress', jobEvent('partial', 'x', { a: 1 }));
    client.emit('job:progress', { type: 'job:progress', timestamp: 1, data: jobEvent('log', 'x', 2) });
    client.emit('job:complete', { jobId: 'x', type: 'result', timestamp: 9, data: 3, more: true });
    await job;
    const of = (event) => ({ ...event, jobId: job.jobId });
    expect(heard).toEqual([
      of(jobEvent('partial', 'x', { a: 1 })),
      of(jobEvent('log', 'x', 2)),
      { jobId: job.jobId, type: 'result', timestamp: 9, data: 3, more: true },
    ]);
  });
});

describe('a job that is not taken ends the stream of its id', () => {
  test('queue full, draining, an aborted signal, a payload that JSON cannot hold', async () => {
    const { jobs, stream } = await streamed('the native path', { concurrency: 1, maxQueueSize: 0 });
    const heard = ['full', 'aborted', 'cycle', 'draining'].map((id) => listTo(stream, id));
    quietly(jobs.submit('t', { n: 1 }));
    const failures = [await failureOf(jobs.submit('t', 1, { id: 'full' }))];
    failures.push(await failureOf(jobs.submit('t', 1, { id: 'aborted', signal: AbortSignal.abort() })));
    const cycle = {};
    cycle.self = cycle;
    failures.push(await failureOf(jobs.submit('t', cycle, { id: 'cycle' })));
    quietly(jobs.drain());
    failures.push(await failureOf(jobs.submit('t', 1, { id: 'draining' })));
    expect(failures.map(({ code }) => code)).toEqual([
      'QUEUE_FULL',
      ErrorCodes.JOB_CANCELLED,
      undefined,
      'SHUTTING_DOWN',
    ]);
    expect(heard.map(brief)).toEqual(failures.map(({ code, message }) => [['error', { code, message }]]));
  });

  test('but never that of a live job of the same id', async () => {
    const { jobs, stream, submit, inState, say } = await streamed('the native path');
    const heard = listTo(stream, 'mine');
    const job = submit({ id: 'x' }, { id: 'mine' }).job;
    await inState('mine', 'running');
    expect((await failureOf(jobs.submit('t', 1, { id: 'mine' }))).code).toBe('DUPLICATE_ID');
    await failureOf(jobs.submit('t', 1, { id: 'mine', signal: AbortSignal.abort() }));
    expect(heard).toEqual([]);
    await say(['result', 'x', 1]);
    await job;
    expect(heard).toHaveLength(1);
    expect((await failureOf(jobs.submit('t', 1, { id: 'mine', signal: AbortSignal.abort() }))).code).toBe(
      ErrorCodes.JOB_CANCELLED,
    );
    expect(heard).toHaveLength(2);
  });
});

/** How many stream events have come to a manager since. */
function countItems(jobs) {
  let count = 0;
  const item = jobs[kItem];
  jobs[kItem] = function counting(op, ...rest) {
    if (op === Op.StreamEvent) count += 1;
    return item.call(this, op, ...rest);
  };
  return () => count;
}

describe('what nobody subscribed to never reaches JavaScript', () => {
  test('by job and by type', async () => {
    const { jobs, stream, say, inState, client, submit } = await streamed('the native path', { concurrency: 3 });
    const items = countItems(jobs);
    const [one, two] = ['x', 'y'].map((id) => submit({ id }));
    stream.unsubscribeAll(two.job.jobId);
    await inState(one.job.jobId, 'running');
    await inState(two.job.jobId, 'running');
    stream.unsubscribeAll(one.job.jobId);
    const partial = listTo(stream, one.job.jobId, ['partial']);
    // Behind an answer events are let through, for the code that awaits it may begin to listen: not behind an event.
    await client.notify('say', { events: [['partial', 'x', 'first']] });
    await eventually(() => partial.length === 1, 'the first event');
    const before = items();
    const flood = Array.from({ length: 500 }, (_, n) => [
      ['log', 'x', n],
      ['progress', 'x', n],
      ['partial', 'y', n],
    ]).flat();
    await client.notify('say', { events: [...flood, ['partial', 'x', 'last']] });
    await eventually(() => partial.length === 2, 'the last event');
    expect(items() - before).toBe(1);
    await say(['result', 'x', 1], ['result', 'y', 1]);
    await Promise.all([one.job, two.job]);
  });
});

test('an engine that is none of ours: a double', async () => {
  const engineDouble = double();
  const jobs = new JobManager(engineDouble);
  const stream = new StreamHandler();
  stream.attach(jobs);
  const job = jobs.submit('t', 1);
  const heard = listTo(stream, job.jobId);
  await settled();
  engineDouble.emit('log', 'e', 1);
  engineDouble.emit('result', 'e', { live: true });
  await job;
  expect(brief(heard)).toEqual([
    ['log', 1],
    ['result', { live: true }],
  ]);
});

test('attached before the engine is started, and to a manager with jobs in its queue', async () => {
  const client = engine('runs-jobs.js');
  const jobs = new JobManager(client);
  const job = jobs.submit('echo', 7);
  const stream = new StreamHandler();
  stream.attach(jobs);
  const heard = listTo(stream, job.jobId);
  await client.start();
  await job;
  expect(heard.map(({ type }) => type)).toEqual(['progress', 'result']);
});

test('a subclass of JobManager whose `cancel` and `emit` are overridden', async () => {
  class Mine extends JobManager {
    names = [];
    emit(name, ...args) {
      if (this.names) this.names.push(name);
      return super.emit(name, ...args);
    }
    cancel(...args) {
      return super.cancel(...args);
    }
  }
  const { submit, jobs } = await streamed('the native path', {}, { Manager: Mine });
  const { job, heard } = submit({
    behind: [
      ['progress', { percent: 1 }],
      ['result', 1],
    ],
  });
  await job;
  expect(heard).toHaveLength(2);
  expect(jobs.names).toEqual(['job:queued', 'job:started', 'job:progress', 'job:completed']);
});
