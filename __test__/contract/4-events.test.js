import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { collect } from '../support/events.js';
import { ENGINES, HEARD_ENGINES, failureOf, managed } from '../support/job-engines.js';

const logged = consoleErrors();

const EVENTS = ['job:queued', 'job:started', 'job:progress', 'job:retry', 'job:completed'];

/** Every event from now on: `[name, payload]`. */
function log(jobs) {
  const events = [];
  for (const name of EVENTS) jobs.on(name, (payload) => events.push([name, payload]));
  return events;
}

describe.each(ENGINES)('events over %s', (kind) => {
  test('their order and their exact payloads', async () => {
    const { jobs, submit, say, inState } = await managed(kind);
    const events = log(jobs);
    const promise = submit('ocr', { id: 'e' }, { priority: 'high' });
    const { jobId } = promise;
    await inState(jobId, 'running');
    await say(['progress', 'e', { percent: 45, message: 'Page 1' }], ['progress', 'e', { percent: 46 }]);
    await say(['result', 'e', 1]);
    await promise;
    expect(events).toStrictEqual([
      ['job:queued', { jobId, type: 'ocr', priority: 'high' }],
      ['job:started', { jobId, type: 'ocr', engineJobId: 'e' }],
      ['job:progress', { jobId, progress: 45, message: 'Page 1' }],
      ['job:progress', { jobId, progress: 46, message: undefined }],
      ['job:completed', { jobId, success: true, duration: expect.any(Number) }],
    ]);
  });

  test('job:queued: synchronously inside submit, once', async () => {
    const { jobs, submit } = await managed(kind);
    const events = log(jobs);
    const promise = submit('t', {});
    expect(events[0]).toEqual(['job:queued', { jobId: promise.jobId, type: 't', priority: 'normal' }]);
    expect(events).toHaveLength(1);
  });

  test('job:started: one per attempt, with the engine’s id', async () => {
    const { jobs } = await managed(kind, { retryDelay: 0 });
    const events = log(jobs);
    const attempts = [
      { id: 'a', behind: [['error', 1]] },
      { id: 'b', behind: [['result', 1]] },
    ];
    await jobs.submit('t', { attempts }, { retries: 1 });
    expect(events.map(([name, { engineJobId }]) => engineJobId || name)).toEqual([
      ...['job:queued', 'a', 'job:retry', 'b', 'job:completed'],
    ]);
  });

  test('job:progress: for progress events, not log or partial', async () => {
    const { jobs } = await managed(kind);
    const progress = collect(jobs, 'job:progress');
    const behind = [
      ['log', { level: 'info', message: 'm', percent: 1 }],
      ['partial', { percent: 2 }],
      ['heartbeat', { percent: 3 }],
      ['progress', { percent: 4 }],
      ['result', 1],
    ];
    await jobs.submit('t', { behind });
    expect(progress.map((event) => event.progress)).toEqual([4]);
  });

  test.each([
    ['null', null],
    ['a number', 7],
    ['a text', 'half'],
    ['no percent', { message: 'm' }],
    ['nothing', undefined],
  ])('a progress event whose data is %s harms nobody', async (_, data) => {
    const { jobs } = await managed(kind);
    const progress = collect(jobs, 'job:progress');
    await expect(
      jobs.submit('t', {
        behind: [
          ['progress', data],
          ['result', 1],
        ],
      }),
    ).resolves.toMatchObject({ data: 1 });
    expect(progress).toHaveLength(1);
    expect(progress[0].progress).toBe(undefined);
  });

  test('job:completed: exactly once per started job, before the promise settles', async () => {
    const { jobs, submit, inState } = await managed(kind, { retryDelay: 0, cancelGrace: 0, concurrency: Infinity });
    const order = [];
    jobs.on('job:completed', ({ jobId, success }) => order.push([jobId, success]));
    const settling = (promise) => {
      const settled = () => order.push([promise.jobId, 'settled']);
      return promise.then(settled, settled);
    };
    const promises = [
      submit('result', { behind: [['result', 1]] }),
      submit('error', { behind: [['error', 1]] }),
      submit('twice', {
        n: 1,
        behind: [
          ['result', 1],
          ['error', 2],
          ['result', 3],
        ],
      }),
      submit('retried', { n: 2, behind: [['error', 1]] }, { retries: 2 }),
      submit('timeout', { n: 3 }, { timeout: 400 }),
      submit('cancel', { n: 4 }),
    ];
    const all = promises.map(settling);
    await inState(promises[5].jobId, 'running');
    promises[5].cancel();
    await Promise.all(all);
    for (const [n, { jobId }] of promises.entries()) {
      const success = n === 0 || n === 2;
      expect(order.filter(([id]) => id === jobId)).toEqual([
        [jobId, success],
        [jobId, 'settled'],
      ]);
    }
  });

  test('job:completed: none for a job that never started', async () => {
    const { jobs, submit } = await managed(kind, { concurrency: 1, maxQueueSize: 1 });
    const events = log(jobs);
    submit('t', {});
    const queued = submit('t', {});
    await failureOf(jobs.submit('t', {}));
    await queued.cancel();
    await failureOf(queued);
    expect(events.filter(([name]) => name === 'job:completed')).toEqual([]);
  });

  test('duration: milliseconds from the start to the end', async () => {
    const { jobs, submit, say, inState } = await managed(kind);
    const completed = collect(jobs, 'job:completed');
    const submitted = performance.now();
    const promise = submit('t', { id: 'e' });
    await inState(promise.jobId, 'running');
    const running = performance.now();
    await eventually(() => performance.now() - running > 60, 'a while');
    await say(['result', 'e', 1]);
    await promise;
    expect(completed[0].duration).toBeGreaterThanOrEqual(50);
    expect(completed[0].duration).toBeLessThanOrEqual(performance.now() - submitted + 2);
  });

  test.each(EVENTS)('a throwing %s listener is logged and changes nothing else', async (name) => {
    const { jobs } = await managed(kind, { retryDelay: 0 });
    jobs.on(name, () => {
      throw new Error('a defect of the app');
    });
    const later = collect(jobs, name);
    const attempts = [
      { behind: [['error', 1]] },
      {
        behind: [
          ['progress', { percent: 1 }],
          ['result', 'done'],
        ],
      },
    ];
    const promise = jobs.submit('t', { attempts }, { retries: 1 });
    await expect(promise).resolves.toEqual({ success: true, data: 'done' });
    expect(later.length).toBeGreaterThan(0);
    expect(logged.filter((line) => line.includes('a defect of the app'))).toHaveLength(later.length);
    await expect(jobs.submit('t', { behind: [['result', 'next']] })).resolves.toMatchObject({ data: 'next' });
  });

  test('a listener that comes while the job runs hears it; one that has gone does not', async () => {
    const { jobs, submit, say, inState } = await managed(kind);
    const promise = submit('t', { id: 'e' });
    await inState(promise.jobId, 'running');
    await say(['progress', 'e', { percent: 1 }]);
    const heard = [];
    const listener = ({ progress }) => heard.push(progress);
    jobs.on('job:progress', listener);
    await say(['progress', 'e', { percent: 2 }]);
    jobs.off('job:progress', listener);
    await say(['progress', 'e', { percent: 3 }]);
    jobs.once('job:progress', listener);
    await say(['progress', 'e', { percent: 4 }], ['progress', 'e', { percent: 5 }]);
    expect(heard).toEqual([2, 4]);
    expect(jobs.getStatus(promise.jobId).progress).toBe(5);
  });

  test('a manager whose emit is replaced tells it everything', async () => {
    const { jobs } = await managed(kind);
    const names = [];
    const { emit } = jobs;
    jobs.emit = function record(name, ...args) {
      names.push(name);
      return emit.call(this, name, ...args);
    };
    await jobs.submit('t', {
      behind: [
        ['progress', { percent: 1 }],
        ['result', 1],
      ],
    });
    expect(names).toEqual(['job:queued', 'job:started', 'job:progress', 'job:completed']);
  });
});

describe.each(HEARD_ENGINES)('what an app emits on the engine itself, over %s', (kind) => {
  test.each(['an envelope', 'a bare JobEvent'])('%s reaches the manager like the engine’s own, once', async (form) => {
    const { client, jobs, submit, inState } = await managed(kind);
    const events = log(jobs);
    const promise = submit('t', { id: 'e' });
    await inState(promise.jobId, 'running');
    const emit = (name, type, data) => {
      const event = { type, jobId: 'e', timestamp: 1, data };
      client.emit(name, form === 'an envelope' ? { type: name, timestamp: 1, data: event } : event);
    };
    emit('job:progress', 'progress', { percent: 7 });
    emit('job:complete', 'result', { text: 'from the app' });
    await expect(promise).resolves.toEqual({ success: true, data: { text: 'from the app' } });
    expect(events.map(([name]) => name)).toEqual(['job:queued', 'job:started', 'job:progress', 'job:completed']);
  });
});
