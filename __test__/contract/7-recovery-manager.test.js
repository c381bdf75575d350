import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { HEARD_ENGINES, OUR_ENGINES, failureOf, managed, quietly } from '../support/job-engines.js';
import {
  eventsOf,
  filesOf,
  folderWith,
  ids,
  leftIn,
  openRecovery,
  readIn,
  recovery,
} from '../support/recovery-folders.js';

const { JobManager } = runtime;
const logged = consoleErrors();
const RESTARTS = { restartDelay: 10, stderr: 'ignore' };

/** A manager over a kind of engine, and a recovery with it, opened. */
async function tracked(kind, { config, stateDir = folder(), Manager, ...options } = {}) {
  const all = await managed(kind, config, { ...RESTARTS, Manager });
  const one = await openRecovery({ engine: all.client, manager: all.jobs, stateDir, ...options });
  return { ...all, one, stateDir };
}
const left = async (stateDir) => {
  const { jobs, parked } = await leftIn(stateDir);
  return { jobs: jobs.map(({ id, retries }) => [id, retries]), parked: ids(parked) };
};

describe.each(HEARD_ENGINES)('its jobs are tracked, without further code: %s', (kind) => {
  test('when `submit` returns the job survives SIGKILL, with what it was submitted with', async () => {
    const { submit, stateDir, jobs, one } = await tracked(kind, { config: { concurrency: 1 } });
    const payload = { pages: [1, '\ud800'], deep: { x: null } };
    submit('ocr', payload, { id: 'a', priority: 'high', timeout: 60_000, retries: 2 });
    const files = filesOf(stateDir);
    submit('ocr', null, { id: 'b' });
    const promise = submit('ocr', 'generated');
    const found = (await leftIn(folderWith(files))).jobs;
    expect(found).toMatchObject([{ id: 'a', type: 'ocr', payload, priority: 'high', state: 'pending' }]);
    expect(ids((await leftIn(stateDir)).jobs).sort()).toEqual(['a', 'b', promise.jobId].sort());
    expect(one.getStats().pendingJobs + one.getStats().runningJobs).toBe(3);
    expect(jobs.getJobs()).toHaveLength(3);
  });

  test('running while the engine runs it; gone when it is done, failed or cancelled', async () => {
    const { submit, say, inState, jobs, one, stateDir } = await tracked(kind, { config: { concurrency: 5 } });
    const all = ['done', 'failed', 'cancelled', 'stays'].map((id) => submit('ocr', { id: `e-${id}` }, { id }));
    for (const id of ['done', 'failed', 'cancelled', 'stays']) await inState(id, 'running');
    await eventually(() => one.getStats().runningJobs === 4, 'four running jobs');
    expect((await left(stateDir)).jobs.every(([, retries]) => retries === 1)).toBe(true);
    await say(['result', 'e-done', 1], ['error', 'e-failed', 'no']);
    await jobs.cancel('cancelled');
    await Promise.allSettled(all.slice(0, 3));
    await eventually(() => one.getStats().runningJobs === 1, 'one running job');
    expect((await left(stateDir)).jobs).toEqual([['stays', 1]]);
  });

  test('a running job whose engine exits is put back instead of rejecting, and runs again by itself', async () => {
    const { submit, say, inState, exit, askedTimes, one, stateDir } = await tracked(kind);
    const promise = submit('ocr', { id: 'e' }, { id: 'a' });
    await inState('a', 'running');
    await exit();
    // In one place alone: the restart resubmits nothing that the manager still holds.
    await askedTimes('jobs.start', 1);
    await inState('a', 'running');
    await eventually(() => one.getStats().runningJobs === 1, 'the running job');
    expect((await left(stateDir)).jobs).toEqual([['a', 2]]);
    await say(['result', 'e', 'late but right']);
    expect(await promise).toEqual({ success: true, data: 'late but right' });
    await eventually(() => one.getStats().runningJobs === 0, 'its end');
    expect(await left(stateDir)).toEqual({ jobs: [], parked: [] });
  });

  test('that counts towards `maxAttempts`: then it rejects and is parked', async () => {
    const { submit, inState, exit, one, stateDir, jobs } = await tracked(kind, { maxAttempts: 2 });
    const events = eventsOf(one);
    const promise = submit('ocr', { id: 'e' }, { id: 'a' });
    const failure = failureOf(promise);
    const waits = submit('ocr', { id: 'f' }, { id: 'b' });
    for (const id of ['a', 'b']) await inState(id, 'running');
    await jobs.cancel('b');
    await failureOf(waits);
    await exit();
    await inState('a', 'running');
    await exit();
    const error = await failure;
    expect(error.message).toBe('Engine process exited');
    await eventually(() => one.getParkedJobs().length === 1, 'the parked job');
    expect(events.filter(([name]) => name === 'parked')).toMatchObject([['parked', { job: { id: 'a', retries: 2 } }]]);
    expect(await left(stateDir)).toEqual({ jobs: [], parked: ['a'] });
  });
});

// Only of an engine of ours the manager hears whether its exit was asked for.
describe.each(OUR_ENGINES)('an engine that is stopped: %s', (kind) => {
  test('an orderly quit leaves it for the next process: `shutdown()`, then `stop()`', async () => {
    const { submit, inState, client, one, stateDir } = await tracked(kind, { config: { concurrency: 1 } });
    const running = submit('ocr', { id: 'e' }, { id: 'runs' });
    submit('ocr', { id: 'f' }, { id: 'waits' });
    await inState('runs', 'running');
    await one.shutdown();
    await client.stop();
    expect((await failureOf(running)).message).toBe('Engine shutting down');
    expect(ids((await readIn(stateDir)).jobs).sort()).toEqual(['runs', 'waits']);
  });

  test('and `stop()`, then `shutdown()`', async () => {
    const { submit, inState, client, one, stateDir } = await tracked(kind, { config: { concurrency: 1 } });
    const running = submit('ocr', { id: 'e' }, { id: 'runs' });
    await inState('runs', 'running');
    await client.stop();
    await failureOf(running);
    await one.shutdown();
    const { jobs } = await readIn(stateDir);
    expect(ids(jobs)).toEqual(['runs']);
  });
});

describe('`init()` resubmits an earlier process’s jobs', () => {
  /** A folder as a killed process leaves it: `runs` ran, `waits` waited. */
  const killed = async () => {
    const { submit, inState, stateDir, one } = await tracked(HEARD_ENGINES[0], { config: { concurrency: 1 } });
    submit('ocr', { id: 'e' }, { id: 'runs', timeout: 60_000, retries: 3, priority: 'low' });
    await inState('runs', 'running');
    await eventually(() => one.getStats().runningJobs === 1, 'the running job');
    submit('scan', ['w'], { id: 'waits', priority: 'high' });
    return folderWith(filesOf(stateDir));
  };

  test('under their old id, with their type, payload and priority, not awaiting their results', async () => {
    const stateDir = await killed();
    const all = await managed(HEARD_ENGINES[0], { concurrency: 2 }, RESTARTS);
    const one = recovery({ engine: all.client, manager: all.jobs, stateDir });
    const events = eventsOf(one);
    await one.init();
    expect(events.map(([name]) => name)).toEqual(['start', 'job', 'job', 'complete']);
    expect(events.slice(1, 3).map(([, { job, success }]) => [job.id, success])).toEqual([
      ['waits', true],
      ['runs', true],
    ]);
    expect(events[3][1]).toStrictEqual({ recovered: 2, total: 2 });
    for (const id of ['runs', 'waits']) expect(['pending', 'running']).toContain(all.jobs.getStatus(id).state);
    expect(await all.askedTimes('jobs.start', 2)).toEqual([
      { type: 'scan', payload: ['w'], priority: 'high' },
      { type: 'ocr', payload: { id: 'e' }, priority: 'low' },
    ]);
    for (const id of ['runs', 'waits']) await all.inState(id, 'running');
    // They are tracked on: killed again, they are there again, with one hand-over more.
    await eventually(() => one.getStats().runningJobs === 2, 'two running jobs');
    const again = (await leftIn(stateDir)).jobs;
    expect(ids(again).sort()).toEqual(['runs', 'waits']);
    expect(again.find(({ id }) => id === 'waits').retries).toBe(2);
    await all.say(['result', 'e', 1]);
    await eventually(() => one.getStats().runningJobs === 1, 'the end of one');
  });

  test('`timeout` and `retries` are given again', async () => {
    const stateDir = await killed();
    const submitted = [];
    class Watching extends JobManager {
      submit(...args) {
        submitted.push(args);
        return super.submit(...args);
      }
    }
    const all = await managed(HEARD_ENGINES[0], {}, { ...RESTARTS, Manager: Watching });
    await openRecovery({ engine: all.client, manager: all.jobs, stateDir });
    expect(submitted.map(([type, , { id, timeout, retries }]) => [type, id, timeout, retries])).toEqual([
      ['scan', 'waits', undefined, undefined],
      ['ocr', 'runs', 60_000, 3],
    ]);
  });

  test('one that fails later is no unhandled rejection, and is gone', async () => {
    const stateDir = await killed();
    const all = await managed(HEARD_ENGINES[0], {}, RESTARTS);
    const one = await openRecovery({ engine: all.client, manager: all.jobs, stateDir });
    const { engineJobId } = await all.inState('waits', 'running');
    await all.say(['error', engineJobId, 'no']);
    await eventually(() => !ids(one.getRecoverableJobs()).includes('waits'), 'its end');
    await new Promise((resolve) => setTimeout(resolve, 20));
  });

  test('those that the manager refuses stay', async () => {
    const stateDir = await killed();
    const all = await managed(HEARD_ENGINES[0], { maxQueueSize: 0 }, RESTARTS);
    all.jobs.pause();
    const one = recovery({ engine: all.client, manager: all.jobs, stateDir });
    const events = eventsOf(one);
    await one.init();
    const refused = events.filter(([name, payload]) => name === 'job' && !payload.success);
    expect(refused).toHaveLength(2);
    expect(refused[0][1].error).toMatchObject({ code: 'QUEUE_FULL' });
    expect(events.at(-1)[1]).toStrictEqual({ recovered: 0, total: 2 });
    expect(ids(one.getRecoverableJobs()).sort()).toEqual(['runs', 'waits']);
    all.jobs.resume();
  });

  test('an id that the app has submitted again by then is the app’s', async () => {
    const stateDir = await killed();
    const all = await managed(HEARD_ENGINES[0], {}, RESTARTS);
    const one = recovery({ engine: all.client, manager: all.jobs, stateDir });
    all.submit('ocr', { id: 'new' }, { id: 'runs' });
    await one.init();
    const started = await all.askedTimes('jobs.start', 2);
    expect(started.map(({ payload }) => payload)).toEqual([{ id: 'new' }, ['w']]);
    expect(ids(one.getRecoverableJobs()).sort()).toEqual(['runs', 'waits']);
    expect(one.getRecoverableJobs().find(({ id }) => id === 'runs').payload).toEqual({ id: 'new' });
  });

  test('before the engine runs: they wait in the queue', async () => {
    const stateDir = await killed();
    const client = new runtime.EngineClient({ enginePath: process.execPath });
    const jobs = new JobManager(client);
    const one = await openRecovery({ engine: client, manager: jobs, stateDir });
    expect(jobs.getQueueLength()).toBe(2);
    expect(await one.recover()).toBe(0);
    expect(jobs.getQueueLength()).toBe(2);
  });

  test('a callback decides, where there is one: the manager gets what the callback gives it', async () => {
    const stateDir = await killed();
    const all = await managed(HEARD_ENGINES[0], {}, RESTARTS);
    const handed = [];
    const one = await openRecovery({
      engine: all.client,
      manager: all.jobs,
      stateDir,
      onJobRecovery: ({ id, type, payload }) => {
        handed.push(id);
        if (id === 'runs') quietly(all.jobs.submit(type, payload, { id }));
      },
    });
    expect(handed).toEqual(['waits', 'runs']);
    expect(ids(one.getRecoverableJobs())).toEqual(['runs']);
    await all.askedTimes('jobs.start', 1);
  });
});

describe('the manager and the recovery', () => {
  test('jobs that were submitted before the recovery was made, or opened, are tracked', async () => {
    const all = await managed(HEARD_ENGINES[0], { concurrency: 1 }, RESTARTS);
    all.submit('ocr', { id: 'e' }, { id: 'early' });
    all.submit('ocr', { id: 'f' }, { id: 'queued' });
    await all.inState('early', 'running');
    const stateDir = folder();
    const one = recovery({ engine: all.client, manager: all.jobs, stateDir });
    all.submit('ocr', { id: 'g' }, { id: 'late' });
    await one.init();
    expect(one.getStats()).toMatchObject({ pendingJobs: 2, runningJobs: 1 });
    expect(ids((await leftIn(stateDir)).jobs).sort()).toEqual(['early', 'late', 'queued']);
    expect(await all.asked('jobs.start')).toHaveLength(1);
  });

  test('behind `shutdown()` nothing is followed', async () => {
    const { one, submit, stateDir } = await tracked(HEARD_ENGINES[0]);
    await one.shutdown();
    submit('ocr', {}, { id: 'late' });
    expect(one.getStats().pendingJobs).toBe(0);
    expect((await readIn(stateDir)).jobs).toEqual([]);
  });

  test('without `manager` a running job whose engine exits rejects, as ever', async () => {
    const all = await managed(HEARD_ENGINES[0], {}, RESTARTS);
    await openRecovery({ engine: all.client });
    const failure = failureOf(all.submit('ocr', { id: 'e' }, { id: 'a' }));
    await all.inState('a', 'running');
    await all.exit();
    expect((await failure).message).toBe('Engine process exited');
  });

  test('overrides of `trackJob`, `updateJobState`, `submit` and `getStatus` are honoured', async () => {
    const calls = [];
    class Manager extends JobManager {
      getStatus(id) {
        calls.push(`getStatus ${id}`);
        return super.getStatus(id);
      }
    }
    class Recovery extends runtime.CrashRecovery {
      trackJob(job) {
        calls.push(`trackJob ${job.id}`);
        super.trackJob({ ...job, owner: 'me' });
      }

      updateJobState(id, state, ...rest) {
        calls.push(`updateJobState ${id} ${state}`);
        super.updateJobState(id, state, ...rest);
      }
    }
    const { submit, inState, say, one } = await tracked(HEARD_ENGINES[0], { Manager, Class: Recovery });
    const promise = submit('ocr', { id: 'e' }, { id: 'a' });
    expect(one.getRecoverableJobs()).toMatchObject([{ id: 'a', owner: 'me' }]);
    await inState('a', 'running');
    await eventually(() => calls.includes('updateJobState a running'), 'the update');
    await one.recover();
    expect(calls).toContain('getStatus a');
    await say(['result', 'e', 1]);
    await promise;
    await eventually(() => one.getStats().runningJobs === 0, 'its end');
    expect(calls.filter((call) => call === 'trackJob a')).toHaveLength(1);
  });

  test('a payload that JSON cannot hold: the job runs, or is refused, and the others are safe', async () => {
    const { submit, one, stateDir } = await tracked(HEARD_ENGINES[1]);
    submit('ocr', { big: 7n }, { id: 'big' });
    submit('ocr', { id: 'e' }, { id: 'a' });
    await eventually(() => one.getStats().runningJobs === 1, 'the running job');
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['a']);
  });

  test('a thousand jobs go through, and nothing is left', async () => {
    const client = await startedEngine('runs-jobs.js');
    const jobs = new JobManager(client, { concurrency: 20 });
    const stateDir = folder();
    const one = await openRecovery({ engine: client, manager: jobs, stateDir });
    const all = Array.from({ length: 1000 }, (_, index) => jobs.submit('echo', index));
    expect((await leftIn(stateDir)).jobs).toHaveLength(1000);
    const results = await Promise.all(all);
    expect(results.map(({ data }) => data)).toEqual(results.map((_, index) => index));
    await eventually(() => one.getStats().pendingJobs + one.getStats().runningJobs === 0, 'the end of all');
    expect((await leftIn(stateDir)).jobs).toEqual([]);
    expect(logged).toEqual([]);
  });
});
