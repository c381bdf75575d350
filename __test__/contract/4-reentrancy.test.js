import { describe, expect, test, vi } from 'vitest';
import runtime from '../../index.js';
import { busyUntil } from '../support/busy.js';
import { consoleErrors } from '../support/console-errors.js';
import { double, settled } from '../support/engine-doubles.js';
import { startedEngine } from '../support/engines.js';
import { collect } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { ENGINES, failureOf, managed, quietly } from '../support/job-engines.js';

const { JobManager } = runtime;
// A promise that never settles is what these tests look for.
vi.setConfig({ testTimeout: 10_000 });
consoleErrors();

/** Keeps JavaScript from hearing anything until the runtime knows that the job has ended. */
const ended = (jobs, jobId) => busyUntil(() => jobs.getStatus(jobId).state === 'done', `the end of ${jobId}`);

/** The events of a manager as they come: `[name, jobId]`. */
function events(jobs) {
  const told = [];
  for (const name of ['queued', 'started', 'progress', 'completed']) {
    jobs.on(`job:${name}`, ({ jobId }) => told.push([name, jobId]));
  }
  return told;
}

/** What was told of one job. */
const toldOf = (told, jobId) => told.filter(([, of]) => of === jobId).map(([name]) => name);

describe('every job that started settles exactly once, however long JavaScript was busy', () => {
  test('jobs that end one after the other, the queue empty between them', async () => {
    const jobs = new JobManager(await startedEngine('runs-jobs.js'));
    const completed = collect(jobs, 'job:completed');
    const promises = [];
    for (let n = 0; n < 5; n += 1) {
      const promise = jobs.submit('echo', n);
      promises.push(promise);
      await ended(jobs, promise.jobId);
    }
    expect((await Promise.all(promises)).map(({ data }) => data)).toEqual([0, 1, 2, 3, 4]);
    expect(completed.map(({ jobId }) => jobId)).toEqual(promises.map(({ jobId }) => jobId));
  });

  test.each([
    ['drain() refuses', 'SHUTTING_DOWN', {}, (jobs) => jobs.drain()],
    ['maxQueueSize refuses', 'QUEUE_FULL', { maxQueueSize: 0 }, (jobs) => jobs.pause()],
  ])('a job that %s does not take along one whose end is on its way', async (_, code, config, refuse) => {
    const jobs = new JobManager(await startedEngine('runs-jobs.js'), config);
    const completed = collect(jobs, 'job:completed');
    const first = jobs.submit('echo', 'first');
    await ended(jobs, first.jobId);
    refuse(jobs);
    expect((await failureOf(jobs.submit('echo', 'refused'))).code).toBe(code);
    await expect(first).resolves.toEqual({ success: true, data: 'first' });
    expect(completed).toMatchObject([{ jobId: first.jobId, success: true }]);
  });
});

test.each(['onIdle', 'drain'])(
  '%s() (nothing queued or active) resolves behind the last job’s promise',
  async (name) => {
    const jobs = new JobManager(await startedEngine('runs-jobs.js'));
    const order = [];
    jobs.on('job:completed', () => order.push('job:completed'));
    const job = jobs.submit('echo', 1).then(() => order.push('the promise'));
    await ended(jobs, jobs.getJobs()[0].id);
    await jobs[name]();
    expect(order).toEqual(['job:completed', 'the promise']);
    await job;
  },
);

describe('a listener that calls back: items never overtake each other', () => {
  const steps = { behind: [1, 2, 3].map((percent) => ['progress', { percent }]) };

  test('stop() inside job:progress: what waits of the old job is not told of a new one', async () => {
    const client = await startedEngine('runs-jobs-on-command.js');
    const jobs = new JobManager(client);
    const told = events(jobs);
    jobs.once('job:progress', () => {
      client.stop();
      quietly(jobs.submit('next', {}, { id: 'new' }));
    });
    const old = jobs.submit('t', steps, { id: 'old' });
    await busyUntil(() => jobs.getStatus('old').progress === 3, 'all progress');
    expect((await failureOf(old)).code).toBe('SHUTTING_DOWN');
    await client.stop();
    expect(toldOf(told, 'old')).toEqual(['queued', 'started', 'progress', 'completed']);
    expect(toldOf(told, 'new')).toEqual(['queued']);
    expect(jobs.getStatus('new')).toEqual({ state: 'pending' });
  });

  test('stop() inside job:started: no other job is told of the starts that wait', async () => {
    const client = await startedEngine('runs-jobs-on-command.js');
    const jobs = new JobManager(client);
    const told = events(jobs);
    jobs.once('job:started', () => {
      client.stop();
      for (const id of ['new 1', 'new 2']) quietly(jobs.submit('next', {}, { id }));
    });
    const old = ['old 1', 'old 2'].map((id) => quietly(jobs.submit('t', {}, { id })));
    await busyUntil(() => jobs.getJobs().every(({ state }) => state === 'running'), 'both starts');
    for (const promise of old) expect((await failureOf(promise)).code).toBe('SHUTTING_DOWN');
    await client.stop();
    for (const id of ['old 1', 'old 2']) expect(toldOf(told, id)).toEqual(['queued', 'started', 'completed']);
    for (const id of ['new 1', 'new 2']) expect(toldOf(told, id)).toEqual(['queued']);
  });

  test('stop() inside job:completed: the next job’s end, known already, is not lost and not another’s', async () => {
    const client = await startedEngine('runs-jobs.js');
    const jobs = new JobManager(client);
    const told = events(jobs);
    jobs.once('job:completed', () => {
      client.stop();
      quietly(jobs.submit('next', {}, { id: 'new' }));
    });
    const old = ['old 1', 'old 2'].map((id) => jobs.submit('echo', id, { id }));
    await busyUntil(() => jobs.getJobs().length === 0, 'both ends');
    expect((await Promise.all(old)).map(({ data }) => data)).toEqual(['old 1', 'old 2']);
    expect(toldOf(told, 'old 2').filter((name) => name === 'completed')).toHaveLength(1);
    expect(toldOf(told, 'new')).toEqual(['queued']);
  });
});

describe('an onJobEvent that calls its handler at once', () => {
  /** Tells of the first job's end inside `onJobEvent`. */
  function replaying() {
    let count = 0;
    const engine = double((method) => (method === 'jobs.start' ? { jobId: `e${(count += 1)}` } : { success: true }));
    const { onJobEvent } = engine;
    engine.onJobEvent = (jobId, handler) => {
      const unsubscribe = onJobEvent(jobId, handler);
      if (jobId === 'e1') handler({ type: 'result', jobId, timestamp: 1, data: 'of e1' });
      return unsubscribe;
    };
    return engine;
  }

  test('job:started comes before job:completed, both of that job; its handler is taken away', async () => {
    const engine = replaying();
    const jobs = new JobManager(engine);
    const told = events(jobs);
    const started = collect(jobs, 'job:started');
    jobs.once('job:completed', () => {
      jobs.pause();
      quietly(jobs.submit('t', 2, { id: 'B' }));
    });
    await expect(jobs.submit('t', 1, { id: 'A' })).resolves.toEqual({ success: true, data: 'of e1' });
    await settled();
    expect(told).toEqual([
      ['queued', 'A'],
      ['started', 'A'],
      ['completed', 'A'],
      ['queued', 'B'],
    ]);
    expect(started).toMatchObject([{ jobId: 'A', engineJobId: 'e1' }]);
    expect(engine.watched()).toEqual([]);
  });

  test('the job behind it is watched under its own id', async () => {
    const engine = replaying();
    const jobs = new JobManager(engine, { concurrency: 1 });
    const promises = [1, 2].map((n) => jobs.submit('t', n));
    await promises[0];
    await eventually(() => engine.watched().join() === 'e2', 'the watch of e2 alone');
    engine.emit('result', 'e2', 'of e2');
    await expect(promises[1]).resolves.toEqual({ success: true, data: 'of e2' });
  });
});

describe.each(ENGINES)('an id may be used again once its job ended: the old promise’s cancel(), over %s', (kind) => {
  const done = { behind: [['result', 1]] };

  test.each([
    ['is done', done],
    ['failed', { behind: [['error', 'no']] }],
    ['was cancelled', {}],
  ])('of a job that %s → false, and the next job goes on', async (end, payload) => {
    const { jobs, submit, say, inState } = await managed(kind);
    const old = submit('t', payload, { id: 'same' });
    if (end === 'was cancelled') {
      await inState('same', 'running');
      await old.cancel();
    }
    await old.catch(() => {});
    const next = submit('t', {}, { id: 'same' });
    const { engineJobId } = await inState('same', 'running');
    await expect(old.cancel()).resolves.toBe(false);
    expect(jobs.getStatus('same').state).toBe('running');
    await say(['result', engineJobId, 'of the next']);
    await expect(next).resolves.toEqual({ success: true, data: 'of the next' });
  });

  test('inside job:completed, the id being used again there → false', async () => {
    const { jobs, submit, inState } = await managed(kind);
    let answer;
    jobs.once('job:completed', () => {
      submit('t', { n: 2 }, { id: 'same' });
      answer = old.cancel();
    });
    const old = submit('t', done, { id: 'same' });
    await expect(old).resolves.toMatchObject({ success: true });
    await expect(answer).resolves.toBe(false);
    await inState('same', 'running');
  });

  test('of a job refused with DUPLICATE_ID → false, and the live one goes on', async () => {
    const { jobs, submit, inState } = await managed(kind);
    submit('t', {}, { id: 'same' });
    await inState('same', 'running');
    const refused = submit('t', {}, { id: 'same' });
    expect((await failureOf(refused)).code).toBe('DUPLICATE_ID');
    await expect(refused.cancel()).resolves.toBe(false);
    expect(jobs.getStatus('same').state).toBe('running');
  });
});
