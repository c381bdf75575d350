import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { failureOf, managed, quietly } from '../support/job-engines.js';
import { idsOf, job, jobsLeftIn, openRecovery, recoveryOf, told } from '../support/crash-recovery.js';

const { CrashRecovery, JobManager } = runtime;
const lines = consoleErrors();

/** A manager on an engine of its own, and a recovery of its jobs. */
async function followed({ kind = 'the native path', config, engineOptions, ...options } = {}) {
  const all = await managed(kind, config, { restartDelay: 0, ...engineOptions });
  const recovery = recoveryOf({ engine: all.client, manager: all.jobs, ...options });
  return { ...all, recovery };
}

const KINDS = ['the native path', 'a subclass that overrides call'];
const DONE = { behind: [['result', 'done']] };

describe.each(KINDS)('the manager’s jobs are tracked, without further code, over %s', (kind) => {
  test('queued, running, and gone when they end', async () => {
    const stateDir = folder();
    const { recovery, submit, say, inState } = await followed({ kind, config: { concurrency: 1 }, stateDir });
    await recovery.init();
    const first = submit('ocr', { id: 'e1', n: [1] }, { priority: 'high', timeout: 60_000, retries: 1 });
    const second = submit('ocr', { id: 'e2' });
    await inState(first.jobId, 'running');
    await eventually(() => recovery.getStats().runningJobs === 1, 'the start on record');
    expect(await jobsLeftIn(stateDir)).toMatchObject([
      { id: second.jobId, type: 'ocr', payload: { id: 'e2' }, priority: 'normal', retries: 0 },
      { id: first.jobId, payload: { id: 'e1', n: [1] }, priority: 'high', timeout: 60_000, maxRetries: 1, retries: 1 },
    ]);
    await say(['result', 'e1', 1]);
    await first;
    await inState(second.jobId, 'running');
    await say(['error', 'e2', 'no']);
    await failureOf(second);
    await eventually(async () => (await jobsLeftIn(stateDir)).length === 0, 'no job left');
  });

  test('cancelled ones, too', async () => {
    const { jobs, recovery, submit } = await followed({ kind });
    jobs.pause();
    const promise = submit('ocr', {});
    expect(recovery.getStats().pendingJobs).toBe(1);
    await promise.cancel();
    await eventually(() => recovery.getStats().pendingJobs === 0, 'no job left');
  });

  test('those that are queued or active when it is constructed', async () => {
    const { client, jobs, submit, inState } = await managed(kind, { concurrency: 1 });
    const running = submit('ocr', { id: 'e1' });
    const queued = submit('ocr', { id: 'e2' });
    await inState(running.jobId, 'running');
    const recovery = recoveryOf({ engine: client, manager: jobs });
    expect(recovery.getStats()).toMatchObject({ pendingJobs: 1, runningJobs: 1 });
    expect(idsOf(recovery.getRecoverableJobs())).toEqual([queued.jobId, running.jobId]);
  });
});

describe('a running job whose engine exits is put back by the manager instead of rejecting', () => {
  test('and counts towards maxAttempts; `restart` resubmits nothing that the manager still holds', async () => {
    const { client, recovery, submit, say, inState, exit, asked } = await followed({ onJobRecovery: undefined });
    const events = told(recovery);
    await recovery.init();
    const promise = submit('ocr', { id: 'e1' });
    await inState(promise.jobId, 'running');
    const restarted = next(client, 'restart');
    await exit();
    await restarted;
    await inState(promise.jobId, 'running');
    await eventually(() => recovery.getStats().runningJobs === 1, 'the second start on record');
    expect(recovery.getRecoverableJobs()).toMatchObject([{ id: promise.jobId, retries: 2 }]);
    expect(await asked('jobs.start')).toHaveLength(1);
    await say(['result', 'e1', 'at last']);
    await expect(promise).resolves.toEqual({ success: true, data: 'at last' });
    expect(events).toEqual([]);
  });

  test('after maxAttempts it rejects with `Engine process exited` and is parked', async () => {
    const { client, recovery, submit, inState, exit } = await followed({ maxAttempts: 2 });
    const events = told(recovery);
    await recovery.init();
    const promise = submit('ocr', { id: 'e1' });
    await inState(promise.jobId, 'running');
    const restarted = next(client, 'restart');
    await exit();
    await restarted;
    await inState(promise.jobId, 'running');
    await exit();
    expect((await failureOf(promise)).message).toBe('Engine process exited');
    await eventually(() => recovery.getParkedJobs().length === 1, 'the parked job');
    const [parked] = recovery.getParkedJobs();
    expect(parked).toMatchObject({ id: promise.jobId, type: 'ocr', payload: { id: 'e1' }, retries: 2 });
    expect(events).toEqual([['parked', { job: parked }]]);
  });

  test('after shutdown() nothing is followed: it rejects, and stays in the folder', async () => {
    const stateDir = folder();
    const { client, recovery, submit, inState } = await followed({ stateDir });
    await recovery.init();
    const promise = submit('ocr', { id: 'e1' });
    await inState(promise.jobId, 'running');
    await eventually(() => recovery.getStats().runningJobs === 1, 'the start on record');
    await recovery.shutdown();
    await client.stop();
    expect((await failureOf(promise)).message).toBe('Engine shutting down');
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual([promise.jobId]);
  });

  test('a job that the app’s stop() ended is not done: it stays, pending and uncounted', async () => {
    const { client, recovery, submit, inState } = await followed();
    await recovery.init();
    const promise = submit('ocr', { id: 'e1' });
    await inState(promise.jobId, 'running');
    await client.stop();
    await failureOf(promise);
    await eventually(() => recovery.getStats().pendingJobs === 1, 'pending again');
    expect(recovery.getRecoverableJobs()).toMatchObject([{ id: promise.jobId, retries: 0 }]);
  });
});

describe('`init()` resubmits an earlier process’s jobs under their old `id`', () => {
  /** A folder with jobs of a manager that is gone: the first was running. */
  async function left() {
    const stateDir = folder();
    const recovery = await openRecovery({ stateDir, autoRecover: false });
    recovery.trackJob(
      job('a', { payload: { id: 'e1' }, priority: 'high', timeout: 60_000, maxRetries: null, createdAt: 5 }),
    );
    recovery.trackJob(job('b', { payload: DONE, extra: 'kept' }));
    recovery.updateJobState('a', 'running', 10);
    await recovery.shutdown();
    return stateDir;
  }

  test('without awaiting their results, with what submit was given', async () => {
    const stateDir = await left();
    const submitted = [];
    class Manager extends JobManager {
      submit(...args) {
        submitted.push(args);
        return super.submit(...args);
      }
    }
    const client = await startedEngine('runs-jobs-on-command.js');
    const jobs = new Manager(client, { concurrency: 1 });
    const recovery = recoveryOf({ engine: client, manager: jobs, stateDir });
    const events = told(recovery);
    await recovery.init();
    expect(submitted).toEqual([
      ['ocr', DONE, { priority: 'normal', id: 'b', timeout: undefined, retries: undefined }],
      ['ocr', { id: 'e1' }, { priority: 'high', id: 'a', timeout: 60_000, retries: Infinity }],
    ]);
    expect(events).toMatchObject([
      ['start', { jobCount: 2 }],
      ['job', { job: { id: 'b' }, success: true }],
      ['job', { job: { id: 'a' }, success: true }],
      ['complete', { recovered: 2, total: 2 }],
    ]);
    await eventually(() => recovery.getStats().runningJobs === 1 && recovery.getStats().pendingJobs === 0, 'b is done');
    expect(recovery.getRecoverableJobs()).toMatchObject([{ id: 'a', createdAt: 5, retries: 2, maxRetries: null }]);
    expect(await recovery.recover()).toBe(0);
    await client.call('say', { events: [['result', 'e1', 1]] });
    await eventually(() => recovery.getStats().runningJobs === 0, 'a is done');
    expect(lines).toEqual([]);
  });

  test('a job that the manager does not take stays, and it does not count', async () => {
    const stateDir = await left();
    const { client, jobs } = await managed('the native path', { maxQueueSize: 0 });
    jobs.pause();
    const recovery = recoveryOf({ engine: client, manager: jobs, stateDir });
    const events = told(recovery);
    await recovery.init();
    expect(events[1]).toMatchObject(['job', { success: false, error: { code: 'QUEUE_FULL' } }]);
    expect(events[events.length - 1]).toEqual(['complete', { recovered: 0, total: 2 }]);
    expect(
      recovery
        .getRecoverableJobs()
        .map(({ id, retries }) => [id, retries])
        .sort(),
    ).toEqual([
      ['a', 1],
      ['b', 0],
    ]);
  });

  test('with a callback that decides: it may submit itself, under the same id', async () => {
    const stateDir = await left();
    const { client, jobs } = await managed('the native path');
    const seen = [];
    const recovery = recoveryOf({
      engine: client,
      manager: jobs,
      stateDir,
      onJobRecovery: async ({ id, type, payload }) => {
        seen.push(id);
        if (id === 'a') quietly(jobs.submit(type, payload, { id }));
      },
    });
    await recovery.init();
    expect(seen).toEqual(['b', 'a']);
    expect(idsOf(recovery.getRecoverableJobs())).toEqual(['a']);
  });

  test('jobs that the manager holds take no place of maxRecoveredJobs', async () => {
    const stateDir = await left();
    const { client, jobs, submit } = await managed('the native path');
    jobs.pause();
    const recovery = recoveryOf({ engine: client, manager: jobs, stateDir, maxRecoveredJobs: 2 });
    submit('ocr', {});
    submit('ocr', {});
    await recovery.init();
    expect(jobs.getStatus('a')).toMatchObject({ state: 'pending' });
    expect(jobs.getStatus('b')).toMatchObject({ state: 'pending' });
  });
});

test('an override of trackJob and updateJobState is honoured', async () => {
  const calls = [];
  class Mine extends CrashRecovery {
    trackJob(given) {
      calls.push(['track', given.id]);
      super.trackJob(given);
    }

    updateJobState(...args) {
      calls.push(['update', ...args]);
      super.updateJobState(...args);
    }
  }
  const { submit } = await followed({ Recovery: Mine });
  const promise = submit('t', DONE);
  await promise;
  await eventually(() => calls.length === 3, 'the end on record');
  expect(calls).toEqual([
    ['track', promise.jobId],
    ['update', promise.jobId, 'running'],
    ['update', promise.jobId, 'done'],
  ]);
});
