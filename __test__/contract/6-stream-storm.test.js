import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { HEARD_ENGINES, failureOf, managed, quietly } from '../support/job-engines.js';

const { createJobStream, StreamHandler } = runtime;
consoleErrors();

// The one left out goes the same way.
const HEARD_PATHS = [HEARD_ENGINES[0], HEARD_ENGINES[1], HEARD_ENGINES[3]];
const ALL = ['data', 'progress', 'log', 'partial', 'complete', 'error'];
const ENDS = ['result', 'error'];
const JOBS = 120;

/** A generator of numbers below `limit`, the same in every run. */
function numbers(seed) {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % limit;
  };
}

/** The first jobs: each ends in another way on any machine. Of the rest a slow engine lets nearly all time out. */
const CERTAIN = [
  [{ behind: [['result', 'done']] }, {}],
  [{ behind: [['error', { message: 'certain', code: 1000 }]] }, {}],
  [{ start: { code: -9, message: 'refused' } }, {}],
  [{ answer: {} }, {}],
  [{}, { timeout: 50 }],
];

/** How a job goes: its payload, its options, and when the app cancels it, if it does. */
function plan(n, below) {
  const flow = [
    ['progress', { percent: 1 }],
    ['log', n],
    ['partial', n],
  ];
  const cancel = [{ success: true }, { success: false }, { code: 1, message: 'no' }][below(3)];
  const ways = [
    { behind: [...flow, ['result', n]] },
    { before: flow, behind: [['result', n]] },
    { before: [...flow, ['result', n]] },
    { behind: [...flow, ['error', { message: `of ${n}`, code: n }]] },
    { behind: flow },
    { start: { code: -9, message: `refused ${n}` } },
    { start: 'later', id: `later-${n}` },
    { answer: {} },
    { attempts: [{ behind: [...flow, ['error', 'again']] }, { behind: [...flow, ['result', n]] }] },
    {
      behind: [
        ['result', n],
        ['error', n],
        ['partial', n],
      ],
    },
  ];
  const payload = { n, cancel, ...ways[below(ways.length)] };
  if (n < CERTAIN.length) {
    const [certain, options] = CERTAIN[n];
    // The engine exits once.
    return { payload: { n, ...certain }, options: { ...options, retries: 3 }, cancelAfter: -1 };
  }
  return {
    payload,
    options: { timeout: 30 + below(150), retries: below(3) },
    cancelAfter: below(3) === 0 ? below(40) : -1,
  };
}

describe.each(HEARD_PATHS)(
  'whatever happens to the jobs of a manager, their streams tell the same as their promises: %s',
  (kind) => {
    test.each([1, 2])('storm %i', async (seed) => {
      const below = numbers(seed);
      const config = { concurrency: 8, retryDelay: 1, cancelGrace: 20 };
      const { client, jobs } = await managed(kind, config, { restartDelay: 0, maxRestarts: Infinity });
      const stream = new StreamHandler();
      stream.attach(jobs);
      const all = new Map();
      stream.on('event', (each) => all.set(each.jobId, [...(all.get(each.jobId) || []), each]));
      const loops = [];
      const heard = new Map();
      const run = Array.from({ length: JOBS }, async (_, n) => {
        const { payload, options, cancelAfter } = plan(n, below);
        await delay(below(120));
        const id = `job-${n}`;
        const events = [];
        heard.set(id, events);
        stream.subscribe(id, (each) => events.push(each), ALL);
        const jobStream = createJobStream(stream, id);
        const job = quietly(jobs.submit('t', payload, { id, ...options }));
        loops.push(
          (async () => {
            let last;
            for await (const each of jobStream) last = each;
            return [id, last];
          })(),
        );
        if (cancelAfter >= 0) delay(cancelAfter).then(() => jobs.cancel(id));
        return job.then(
          (value) => [id, { value }],
          (error) => [id, { error }],
        );
      });
      delay(90).then(() => client.call('exit').catch(() => {}));
      const outcomes = new Map(await Promise.all(run));
      const lasts = new Map(await Promise.all(loops));

      for (const [id, { value, error }] of outcomes) {
        const events = heard.get(id);
        const ends = events.filter(({ type }) => ENDS.includes(type));
        const last = events[events.length - 1];
        expect([id, ends.length, ENDS.includes(last.type)]).toEqual([id, 1, true]);
        expect([id, last.type, last.jobId]).toEqual([id, error ? 'error' : 'result', id]);
        if (value) expect(last.data).toEqual(value.data);
        // An `error` event is handed on as the engine wrote it: here a string may be it.
        else if (typeof last.data === 'string') expect(error.message).toBe(last.data);
        else expect([id, last.data.message, last.data.code]).toEqual([id, error.message, error.code]);
        expect(all.get(id)).toEqual(events);
        expect(lasts.get(id)).toEqual(last);
      }
      expect(stream.getStats().subscriptions).toBe(JOBS);
      // It was a storm: jobs ended in many ways.
      const ways = new Set([...outcomes.values()].map(({ error }) => (error ? String(error.code) : 'done')));
      expect(ways.size).toBeGreaterThan(4);
    });
  },
);

describe.each(HEARD_PATHS)('calls from within the handlers of a manager’s stream: %s', (kind) => {
  test('cancelled at its first event, with the result right behind: one end, the promise’s own', async () => {
    const { jobs } = await managed(kind, { concurrency: 4 });
    const stream = new StreamHandler();
    stream.attach(jobs);
    for (let n = 0; n < 20; n += 1) {
      const events = [];
      const job = quietly(
        jobs.submit('t', {
          n,
          behind: [
            ['partial', 1],
            ['partial', 2],
            ['result', 3],
          ],
        }),
      );
      stream.subscribe(job.jobId, ({ type }) => {
        events.push(type);
        if (events.length === 1) job.cancel();
      });
      const error = await job.then(
        () => null,
        (reason) => reason,
      );
      await delay(1);
      expect(events.filter((type) => ENDS.includes(type))).toEqual([error ? 'error' : 'result']);
    }
  });

  test('submitted, and the engine stopped, from within', async () => {
    const { client, jobs } = await managed(kind, { concurrency: 1 });
    const stream = new StreamHandler();
    stream.attach(jobs);
    let second;
    let stopped;
    const types = [];
    const first = quietly(jobs.submit('t', { behind: [['partial', 1]] }));
    stream.subscribe(first.jobId, ({ type }) => {
      types.push(type);
      if (type === 'partial') {
        second = quietly(jobs.submit('t', { n: 2, behind: [['result', 2]] }));
        stopped = client.stop();
      } else {
        stream.unsubscribeAll(first.jobId);
      }
    });
    // An object with `on` does not tell why its engine went.
    expect((await failureOf(first)).message).toMatch(/^Engine (shutting down|process exited)$/);
    await stopped;
    expect(types).toEqual(['partial', 'error']);
    const loop = (async () => {
      const heard = [];
      for await (const { type } of createJobStream(stream, second.jobId)) heard.push(type);
      return heard;
    })();
    await client.start();
    await second;
    expect(await loop).toEqual(['result']);
  });

  test('an id that is used again is another job: what is replayed is the second one’s', async () => {
    const { jobs } = await managed(kind);
    const stream = new StreamHandler();
    stream.attach(jobs);
    await jobs.submit(
      't',
      {
        n: 1,
        behind: [
          ['partial', 1],
          ['result', 1],
        ],
      },
      { id: 'again' },
    );
    await jobs.submit(
      't',
      {
        n: 2,
        behind: [
          ['partial', 2],
          ['result', 2],
        ],
      },
      { id: 'again' },
    );
    const heard = [];
    stream.subscribe('again', ({ type, data }) => heard.push([type, data]), undefined, { replay: true });
    await delay(1);
    expect(heard).toEqual([
      ['partial', 2],
      ['result', 2],
    ]);
  });

  test('attached while it runs, the end comes; and once the retry of a job whose first attempt is over', async () => {
    const { jobs, submit, say } = await managed(kind, { retryOnFailure: true, retryDelay: 50 });
    const started = collect(jobs, 'job:started');
    const retried = next(jobs, 'job:retry');
    const job = submit('t', { attempts: [{ id: 'a', behind: [['error', 'first']] }, { id: 'b' }] });
    await retried;
    const stream = new StreamHandler();
    stream.attach(jobs);
    const heard = [];
    stream.subscribe(job.jobId, ({ type, data }) => heard.push([type, data]));
    await eventually(() => started.length === 2, 'the second attempt');
    await say(['partial', 'a', 'of the old attempt'], ['partial', 'b', 1], ['result', 'b', 2]);
    await job;
    expect(heard).toEqual([
      ['partial', 1],
      ['result', 2],
    ]);
  });
});
