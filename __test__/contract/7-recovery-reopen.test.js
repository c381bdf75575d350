import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import runtime from '../../index.js';
import { job, openRecovery, readSnapshot, recoveryOf } from '../support/crash-recovery.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { managed } from '../support/job-engines.js';

test('an `init()` during a `shutdown()` that takes its time: both settle, and the folder has every job', async () => {
  const stateDir = folder();
  const recovery = await openRecovery({ stateDir, autoRecover: false, maxRecoveredJobs: Infinity });
  // A snapshot of 10 MiB takes longer to write than a folder to make.
  const payload = 'x'.repeat(32 * 1024);
  const ids = Array.from({ length: 320 }, (_, n) => `j${n}`);
  ids.forEach((id) => recovery.trackJob(job(id, { payload })));
  await Promise.all([recovery.shutdown(), recovery.init()]);
  recovery.trackJob(job('behind'));
  await recovery.shutdown();
  const next = recoveryOf({ stateDir, autoRecover: false, maxRecoveredJobs: Infinity });
  await next.init();
  expect(next.getRecoverableJobs().map(({ id }) => id)).toEqual([...ids, 'behind']);
});

/** An engine whose jobs are done when somebody listens. */
class AtOnce extends EventEmitter {
  call(method) {
    return method === 'jobs.start' ? { jobId: 'e' } : {};
  }

  isReady() {
    return true;
  }

  onJobEvent(jobId, handler) {
    handler({ type: 'result', jobId, timestamp: 1, data: 'done' });
    return () => {};
  }
}

test('`init()` resubmits an earlier process’s job: one that ends at once was taken, and is gone', async () => {
  const stateDir = folder();
  const earlier = await openRecovery({ stateDir, autoRecover: false });
  earlier.trackJob(job('a'));
  await earlier.shutdown();

  const engine = new AtOnce();
  const manager = new runtime.JobManager(engine);
  const recovery = recoveryOf({ engine, manager, stateDir });
  const handed = [];
  const completed = [];
  recovery.on('recovery:job', ({ success, error }) => handed.push([success, error]));
  recovery.on('recovery:complete', (event) => completed.push(event));
  await recovery.init();
  expect(handed).toEqual([[true, undefined]]);
  expect(completed).toEqual([{ recovered: 1, total: 1 }]);
  await eventually(() => recovery.getStats().runningJobs === 0, 'no job left');
  expect(recovery.getStats().pendingJobs).toBe(0);
});

test('jobs tracked while it runs are kept, also under their own id by the callback: its failure parks none', async () => {
  const recovery = await openRecovery({
    autoRecover: false,
    maxAttempts: 1,
    onJobRecovery: async (handed) => {
      recovery.trackJob(handed);
      throw new Error('later');
    },
  });
  const parked = [];
  recovery.on('recovery:parked', (event) => parked.push(event));
  recovery.trackJob(job('a'));
  // Of a running job the attempt that was cut short counts.
  recovery.updateJobState('a', 'running');
  await recovery.recover();
  expect(parked).toEqual([]);
  expect(recovery.getStats()).toMatchObject({ pendingJobs: 1 });
  expect(recovery.getParkedJobs()).toEqual([]);
});

test('`init()` behind a `shutdown()` that cut a recovery short: recover() runs inside it, for those that are left', async () => {
  let finish;
  const handed = [];
  const stateDir = folder();
  const recovery = recoveryOf({
    stateDir,
    onJobRecovery: ({ id }) => {
      handed.push(id);
      return handed.length === 1 ? new Promise((resolve) => (finish = resolve)) : undefined;
    },
  });
  for (const id of ['a', 'b', 'c']) recovery.trackJob(job(id));
  const first = recovery.init();
  await eventually(() => finish, 'the first callback');
  await recovery.shutdown();
  const { generation } = readSnapshot(stateDir).journal;
  const second = recovery.init();
  await eventually(() => readSnapshot(stateDir).journal.generation > generation, 'the reopening');
  // The recovery that was cut short goes on for as long as it likes.
  await new Promise((resolve) => setTimeout(resolve, 50));
  finish();
  await Promise.all([first, second]);
  expect(handed).toEqual(['a', 'b', 'c']);
  expect(recovery.getStats()).toMatchObject({ pendingJobs: 0, runningJobs: 0 });
});

test('the same id again replaces: nothing is left of a job that JSON could not hold', () => {
  const recovery = recoveryOf();
  const cycle = {};
  cycle.cycle = cycle;
  const log = vi.spyOn(console, 'error').mockImplementation(() => {});
  recovery.trackJob(job('a', { payload: cycle, note: 'of the first' }));
  log.mockRestore();
  recovery.trackJob(job('a', { payload: 1 }));
  const [kept] = recovery.getRecoverableJobs();
  expect(kept).toMatchObject({ id: 'a', payload: 1 });
  expect(kept).not.toHaveProperty('note');
});

test('a job of the manager’s that ended while nobody followed is not resubmitted', async () => {
  const { client, jobs, submit, say, inState, asked } = await managed('the native path');
  const recovery = recoveryOf({ engine: client, manager: jobs });
  await recovery.init();
  const done = submit('t', { id: 'e1' });
  await inState(done.jobId, 'running');
  await eventually(() => recovery.getStats().runningJobs === 1, 'the start on record');
  await recovery.shutdown();
  await say(['result', 'e1', 'done']);
  await done;
  await recovery.init();
  expect(recovery.getStats()).toMatchObject({ pendingJobs: 0, runningJobs: 0 });
  expect(await asked('jobs.start')).toHaveLength(1);
});
