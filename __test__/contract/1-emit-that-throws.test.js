import { expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { commandOf, startedEngine, stopAfterTest } from '../support/engines.js';
import { folder } from '../support/folders.js';
import { failureOf } from '../support/job-engines.js';

const { CrashRecovery, EngineClient, JobManager } = runtime;
const lines = consoleErrors();

const FIXTURE = 'runs-jobs-on-command.js';
const DONE = {
  behind: [
    ['progress', { percent: 1 }],
    ['result', 'done'],
  ],
};

/** A subclass whose `emit` calls the listeners and throws then, as one may that hands events on to something broken. */
function throwing(Base) {
  return class extends Base {
    emit(name, ...args) {
      super.emit(name, ...args);
      throw new Error(`cannot hand on ${name}`);
    }
  };
}

test('a job of a manager whose `emit` throws runs, settles, and is the last of its jobs', async () => {
  const Manager = throwing(JobManager);
  const manager = new Manager(await startedEngine(FIXTURE));
  expect(await manager.submit('t', DONE)).toEqual({ success: true, data: 'done' });
  const error = await failureOf(manager.submit('t', { behind: [['error', 'no']] }));
  expect(error.message).toBe('no');
  await manager.onIdle();
  for (const name of ['job:queued', 'job:started', 'job:progress', 'job:completed']) {
    expect(lines).toContain(`Error: cannot hand on ${name}`);
  }
});

test('a start that fails rejects, with a client whose `emit` throws', async () => {
  const Client = throwing(EngineClient);
  const client = stopAfterTest(new Client({ enginePath: `${folder()}/no-engine` }));
  expect(await failureOf(client.start())).toMatchObject({ code: 'ENOENT' });
});

test('an exit ends the jobs and brings the restart, with a client whose `emit` throws', async () => {
  const Client = throwing(EngineClient);
  const client = stopAfterTest(new Client({ ...commandOf(FIXTURE), restartDelay: 10 }));
  await client.start();
  const manager = new JobManager(client);
  const restarted = new Promise((resolve) => client.once('restart', resolve));
  const job = manager.submit('t', {});
  const exit = failureOf(client.call('exit'));
  const error = await failureOf(job);
  expect((await exit).message).toBe('Engine process exited');
  expect(error.message).toBe('Engine process exited');
  await restarted;
  expect(await manager.submit('t', DONE)).toEqual({ success: true, data: 'done' });
});

test('all jobs are recovered, with a recovery whose `emit` throws', async () => {
  const recovered = [];
  const Recovery = throwing(CrashRecovery);
  const recovery = new Recovery(await startedEngine(FIXTURE), {
    stateDir: `${folder()}/state`,
    onJobRecovery: async ({ id }) => {
      recovered.push(id);
    },
  });
  recovery.trackJob({ id: 'a', type: 't', payload: 1, priority: 'normal' });
  recovery.trackJob({ id: 'b', type: 't', payload: 1, priority: 'normal' });
  await recovery.init();
  await recovery.shutdown();
  expect(recovered).toEqual(['a', 'b']);
});
