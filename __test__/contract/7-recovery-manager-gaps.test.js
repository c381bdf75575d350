import { expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { ids, leftIn, openRecovery } from '../support/recovery-folders.js';

consoleErrors();

async function managed(options) {
  const engine = await startedEngine('runs-jobs.js');
  const manager = new runtime.JobManager(engine, options);
  const stateDir = folder();
  const one = await openRecovery({ engine, manager, stateDir });
  return { engine, manager, stateDir, one };
}

test('a `submit` that is refused leaves nothing behind, and what it met as it was', async () => {
  const { manager, one, stateDir } = await managed({ maxQueueSize: 1 });
  manager.pause();
  const first = manager.submit('echo', 1, { id: 'first' });
  await expect(manager.submit('echo', 2, { id: 'second' })).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  await expect(manager.submit('echo', 3, { id: 'first' })).rejects.toMatchObject({ code: 'DUPLICATE_ID' });
  const cycle = {};
  cycle.self = cycle;
  await expect(manager.submit('echo', cycle, { id: 'third' })).rejects.toThrow();
  expect(one.getRecoverableJobs()).toMatchObject([{ id: 'first', payload: 1 }]);
  expect((await leftIn(stateDir)).jobs).toMatchObject([{ id: 'first', payload: 1 }]);
  manager.resume();
  await first;
  await eventually(() => one.getRecoverableJobs().length === 0, 'its end');
});

test('a job that ended between `shutdown()` and `init()` is not run again', async () => {
  const { engine, manager, one } = await managed();
  const started = [];
  manager.on('job:started', ({ jobId }) => started.push(jobId));
  const ends = manager.submit('stay', 1, { id: 'ends' });
  const stays = manager.submit('stay', 2, { id: 'stays' });
  stays.catch(() => {});
  await eventually(() => started.length === 2, 'both to start');
  await one.shutdown();
  const { engineJobId } = manager.getStatus('ends');
  engine.emit('job:complete', { type: 'result', jobId: engineJobId, timestamp: Date.now(), data: 'done' });
  expect(await ends).toEqual({ success: true, data: 'done' });
  await one.init();
  expect(ids(one.getRecoverableJobs())).toEqual(['stays']);
  expect(await one.recover()).toBe(0);
  expect(started).toEqual(['ends', 'stays']);
});
