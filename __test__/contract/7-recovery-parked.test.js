import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import {
  eventsOf,
  filesOf,
  folderWith,
  ids,
  job,
  leftIn,
  openRecovery,
  readIn,
  recovery,
  snapshotOf,
} from '../support/recovery-folders.js';

consoleErrors();

const failing = (options) => {
  const handed = [];
  const one = recovery({
    onJobRecovery: async (each) => {
      handed.push([each.id, each.retries]);
      throw new Error('no room');
    },
    ...options,
  });
  return { one, handed };
};
const times = async (count, call) => {
  for (let round = 0; round < count; round += 1) await call();
};

describe('`maxAttempts`: then the job is parked', () => {
  test.each([
    ['the default', undefined, 3],
    ['1', 1, 1],
    ['5', 5, 5],
  ])('%s: handed over so many times, not once more', async (_, maxAttempts, expected) => {
    const { one, handed } = failing({ maxAttempts });
    const events = eventsOf(one);
    one.trackJob(job('a', { extra: 'kept' }));
    await times(expected + 3, () => one.recover());
    expect(handed).toEqual(Array.from({ length: expected }, (__, index) => ['a', index]));
    const parked = events.filter(([name]) => name === 'parked');
    expect(parked).toHaveLength(1);
    expect(Object.keys(parked[0][1])).toEqual(['job']);
    expect(parked[0][1].job).toMatchObject({ ...job('a'), extra: 'kept', retries: expected });
    expect(one.getParkedJobs()).toEqual([parked[0][1].job]);
    expect(one.getRecoverableJobs()).toEqual([]);
    expect(one.getStats()).toMatchObject({ pendingJobs: 0, runningJobs: 0 });
  });

  test('Infinity: never', async () => {
    const { one, handed } = failing({ maxAttempts: Infinity });
    one.trackJob(job('a'));
    await times(20, () => one.recover());
    expect(handed).toHaveLength(20);
    expect(one.getParkedJobs()).toEqual([]);
  });

  test('`retries` rises by one per hand-over, whether the job was running before or failed now', async () => {
    const { one, handed } = failing();
    one.trackJob(job('ran'));
    one.updateJobState('ran', 'running');
    one.trackJob(job('waited'));
    await times(2, () => one.recover());
    expect(handed).toEqual(
      expect.arrayContaining([
        ['waited', 0],
        ['ran', 1],
        ['ran', 1],
        ['waited', 1],
      ]),
    );
    expect(handed).toHaveLength(4);
    const retries = Object.fromEntries(one.getRecoverableJobs().map((each) => [each.id, each.retries]));
    expect(retries).toEqual({ waited: 2, ran: 2 });
  });

  test('others are handed over in the same call', async () => {
    const { one, handed } = failing({ maxAttempts: 1 });
    one.trackJob(job('a'));
    await one.recover();
    one.trackJob(job('b'));
    await times(2, () => one.recover());
    expect(ids(one.getParkedJobs())).toEqual(['a', 'b']);
    expect(handed).toEqual([
      ['a', 0],
      ['b', 0],
    ]);
  });

  test('a listener that throws at recovery:parked changes nothing', async () => {
    const { one } = failing({ maxAttempts: 1 });
    one.on('recovery:parked', () => {
      throw new Error('a defect');
    });
    for (const id of ['a', 'b']) one.trackJob(job(id));
    await times(3, () => one.recover());
    expect(ids(one.getParkedJobs())).toEqual(['a', 'b']);
  });
});

describe('parked jobs', () => {
  const parkedIn = async (stateDir) => {
    const { one } = failing({ maxAttempts: 1, stateDir });
    await one.init();
    for (const id of ['a', 'b']) one.trackJob(job(id, { payload: { lone: '\ud800', page: id } }));
    await times(2, () => one.recover());
    expect(ids(one.getParkedJobs())).toEqual(['a', 'b']);
    return one;
  };

  test('are there for the next process, after a crash and after `shutdown()`, in the snapshot’s `parkedJobs`', async () => {
    const stateDir = folder();
    const one = await parkedIn(stateDir);
    const expected = one.getParkedJobs();
    const left = await leftIn(stateDir);
    expect(left.parked).toEqual(expected);
    expect(left.jobs).toEqual([]);
    await one.shutdown();
    expect(snapshotOf(stateDir).parkedJobs).toEqual(expected);
    expect((await readIn(stateDir)).parked).toEqual(expected);
  });

  test('are handed over by no `recover()`, `init()` or process', async () => {
    const stateDir = folder();
    await (await parkedIn(stateDir)).shutdown();
    const handed = [];
    const one = await openRecovery({ stateDir, onJobRecovery: (each) => handed.push(each.id) });
    expect(await one.recover()).toBe(0);
    expect(handed).toEqual([]);
    expect(one.getParkedJobs()).toHaveLength(2);
  });

  test('`unpark(id)`: pending again, with all its attempts; durable', async () => {
    const stateDir = folder();
    const one = await parkedIn(stateDir);
    expect(one.unpark('a')).toBe(true);
    expect(ids(one.getParkedJobs())).toEqual(['b']);
    expect(one.getRecoverableJobs()).toMatchObject([{ id: 'a', state: 'pending', retries: 0, payload: { page: 'a' } }]);
    const left = await leftIn(stateDir);
    expect([ids(left.jobs), ids(left.parked)]).toEqual([['a'], ['b']]);
    expect(left.jobs[0].retries).toBe(0);
    await one.shutdown();
    const handed = [];
    await openRecovery({ stateDir, onJobRecovery: (each) => handed.push([each.id, each.retries]) });
    expect(handed).toEqual([['a', 0]]);
  });

  test('`unpark` of what is not parked: false, and nothing changes', async () => {
    const one = await parkedIn(folder());
    one.trackJob(job('c', { retries: 2 }));
    for (const id of ['c', 'none', '', '__proto__', 'constructor']) expect(one.unpark(id)).toBe(false);
    expect(one.unpark('a')).toBe(true);
    expect(one.unpark('a')).toBe(false);
    expect(one.getRecoverableJobs().find(({ id }) => id === 'c').retries).toBe(2);
  });

  test('`removeJob` takes one out, `clearState` all, for good', async () => {
    const stateDir = folder();
    const one = await parkedIn(stateDir);
    one.removeJob('a');
    expect(ids(one.getParkedJobs())).toEqual(['b']);
    expect(ids((await leftIn(stateDir)).parked)).toEqual(['b']);
    await one.clearState();
    expect(one.getParkedJobs()).toEqual([]);
    expect((await leftIn(stateDir)).parked).toEqual([]);
  });

  test('the same id tracked again replaces the parked one', async () => {
    const stateDir = folder();
    const one = await parkedIn(stateDir);
    one.trackJob(job('a', { payload: 'new' }));
    expect(ids(one.getParkedJobs())).toEqual(['b']);
    expect(one.getRecoverableJobs()).toMatchObject([{ id: 'a', payload: 'new', retries: 0 }]);
    const left = await leftIn(stateDir);
    expect([ids(left.jobs), ids(left.parked)]).toEqual([['a'], ['b']]);
  });

  test('a later state of a parked job does not make it two', async () => {
    const one = await parkedIn(folder());
    one.updateJobState('a', 'done');
    one.updateJobState('b', 'running');
    const all = [...ids(one.getParkedJobs()), ...ids(one.getRecoverableJobs())];
    expect(new Set(all).size).toBe(all.length);
  });
});

test('a job that ends its process in the callback is parked after `maxAttempts` processes', async () => {
  let files = folder();
  const first = await openRecovery({ stateDir: files, autoRecover: false });
  first.trackJob(job('killer'));
  await first.shutdown();
  const seen = [];
  for (let process = 0; process < 5; process += 1) {
    const one = recovery({
      stateDir: files,
      // The process would be gone inside the call: nothing behind it counts.
      onJobRecovery: (each) => {
        seen.push(each.retries);
        return new Promise(() => {});
      },
    });
    const events = eventsOf(one);
    one.init().catch(() => {});
    await new Promise((resolve) => {
      const timer = setInterval(() => {
        if (seen.length <= process && !events.some(([name]) => name === 'parked')) return;
        clearInterval(timer);
        resolve();
      }, 2);
    });
    if (events.some(([name]) => name === 'parked')) break;
    files = folderWith(filesOf(files));
    await one.shutdown();
  }
  expect(seen).toEqual([0, 1, 2]);
});
