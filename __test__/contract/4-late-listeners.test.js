import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { next } from '../support/events.js';

const ROUNDS = 20;

consoleErrors();

/** The rest of a turn of the event loop that takes its time: the engine answers meanwhile. */
function busyTurn() {
  const end = Date.now() + 5;
  while (Date.now() < end);
}

/** Jobs whose listener comes late, one after the other; gives their ids and those that were heard. */
async function lateListeners(jobs, name) {
  const heard = [];
  const ids = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const job = jobs.submit('echo', round);
    ids.push(job.jobId);
    busyTurn();
    const listener = ({ jobId }) => jobId === job.jobId && heard.push(jobId);
    jobs.on(name, listener);
    await job;
    jobs.off(name, listener);
  }
  return { ids, heard };
}

describe.each(['job:started', 'job:progress'])(
  '%s: a listener that is added in the turn of submit() hears it, however long the turn takes',
  (name) => {
    test('of an engine at rest', async () => {
      const jobs = new runtime.JobManager(await startedEngine('runs-jobs.js'));
      const { ids, heard } = await lateListeners(jobs, name);
      expect(heard).toEqual(ids);
    });

    test('of an engine that says something about another job every millisecond', async () => {
      const jobs = new runtime.JobManager(await startedEngine('runs-jobs.js'));
      const started = next(jobs, 'job:started');
      const other = jobs.submit('chatter', null);
      other.catch(() => {});
      await started;
      const { ids, heard } = await lateListeners(jobs, name);
      await other.cancel();
      expect(heard).toEqual(ids);
    });
  },
);

test.each(['job:progress', 'job:complete'])(
  "the engine's %s: a listener that is added in the turn of call('jobs.start') hears it",
  async (name) => {
    const engine = await startedEngine('runs-jobs.js');
    const heard = [];
    const ids = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const answer = engine.call('jobs.start', { type: 'echo', payload: round });
      busyTurn();
      const event = next(engine, name);
      ids.push((await answer).jobId);
      heard.push((await event).data.jobId);
    }
    expect(heard).toEqual(ids);
  },
);

test('onJobEvent called in the microtask of the jobs.start answer gets every event of the job', async () => {
  const engine = await startedEngine('runs-jobs.js');
  for (let round = 0; round < ROUNDS; round += 1) {
    const { jobId } = await engine.call('jobs.start', { type: 'echo', payload: round });
    const types = [];
    await new Promise((resolve) => {
      const off = engine.onJobEvent(jobId, ({ type }) => {
        types.push(type);
        if (type !== 'result') return;
        off();
        resolve();
      });
    });
    expect(types).toEqual(['progress', 'result']);
  }
});
