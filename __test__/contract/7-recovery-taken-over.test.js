import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { gate, ids, job, openRecovery, readIn, recovery } from '../support/recovery-folders.js';

const logged = consoleErrors();

describe('a later `init()` on the same folder takes it over, and its jobs with it', () => {
  /** A recovery that has jobs in the folder, and another one that has taken it over. */
  async function takenOver(options = {}) {
    const stateDir = folder();
    const handed = [];
    const engine = new EventEmitter();
    const onJobRecovery = ({ id }) => void handed.push(id);
    const earlier = await openRecovery({ stateDir, engine, onJobRecovery, ...options });
    for (const id of ['a', 'b']) earlier.trackJob(job(id));
    const later = await openRecovery({ stateDir, autoRecover: false });
    return { stateDir, earlier, later, engine, handed };
  }

  test('`recover()` of the earlier one hands over nothing that the folder has', async () => {
    const { earlier, later, handed } = await takenOver();
    expect(await earlier.recover()).toBe(0);
    expect(handed).toEqual([]);
    expect(ids(later.getRecoverableJobs())).toEqual(['a', 'b']);
  });

  test('neither does a `restart` of its engine', async () => {
    const { earlier, engine, handed } = await takenOver();
    earlier.trackJob(job('later'));
    engine.emit('restart', { type: 'restart', timestamp: Date.now(), data: { attempt: 1 } });
    await eventually(() => handed.length > 0, 'the recovery');
    await earlier.recover();
    expect(handed).toEqual(['later']);
  });

  test('what was tracked after it, also under the same id, and what JSON cannot hold is its own', async () => {
    const cycle = {};
    cycle.self = cycle;
    const stateDir = folder();
    const handed = [];
    const earlier = await openRecovery({ stateDir, onJobRecovery: ({ id }) => void handed.push(id) });
    earlier.trackJob(job('a'));
    earlier.trackJob(job('b'));
    earlier.trackJob(job('cycle', { payload: cycle }));
    await openRecovery({ stateDir, autoRecover: false });
    earlier.updateJobState('a', 'running', 50);
    earlier.trackJob(job('b'));
    earlier.trackJob(job('c'));
    expect(await earlier.recover()).toBe(3);
    expect(handed.sort()).toEqual(['b', 'c', 'cycle']);
    logged.length = 0;
  });

  test('an override of `getRecoverableJobs()` does not bring them back', async () => {
    class Subclass extends runtime.CrashRecovery {
      getRecoverableJobs() {
        return super.getRecoverableJobs().reverse();
      }
    }
    const { earlier, handed } = await takenOver({ Class: Subclass });
    earlier.trackJob(job('c'));
    expect(await earlier.recover()).toBe(1);
    expect(handed).toEqual(['c']);
  });

  test('in the midst of a recovery: the callback that runs ends, and nothing more is handed over', async () => {
    const stateDir = folder();
    const held = gate();
    const handed = [];
    const earlier = await openRecovery({
      stateDir,
      onJobRecovery: ({ id }) => {
        handed.push(id);
        return held.opened;
      },
    });
    for (const id of ['a', 'b', 'c']) earlier.trackJob(job(id));
    const recovering = earlier.recover();
    await openRecovery({ stateDir, autoRecover: false });
    held.open();
    expect(await recovering).toBe(1);
    expect(handed).toEqual(['a']);
  });

  test('jobs that are not the folder’s any more are not parked either', async () => {
    const { earlier } = await takenOver({ maxAttempts: 1 });
    const parked = [];
    earlier.on('recovery:parked', (told) => parked.push(told));
    await earlier.recover();
    expect(parked).toEqual([]);
    expect(earlier.getParkedJobs()).toEqual([]);
  });

  test('taken back, what the other one has ended does not return', async () => {
    const { earlier, later, handed } = await takenOver();
    earlier.updateJobState('a', 'running');
    later.removeJob('a');
    await earlier.shutdown();
    await earlier.init();
    expect(handed).toEqual(['b']);
  });

  test('one of two at once hands each job over', async () => {
    const stateDir = folder();
    const before = await openRecovery({ stateDir, autoRecover: false });
    for (let n = 0; n < 20; n += 1) before.trackJob(job(`${n}`));
    await before.shutdown();
    const handed = [];
    const onJobRecovery = ({ id }) => void handed.push(id);
    const all = await Promise.all(
      Array.from({ length: 6 }, () => openRecovery({ stateDir, autoRecover: false, onJobRecovery })),
    );
    await Promise.all(all.map((one) => one.recover()));
    expect([...handed].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`));
  });

  test('of two that open at once the later one finds what was tracked with the earlier one', async () => {
    for (let round = 0; round < 40; round += 1) {
      const stateDir = folder();
      const handed = [];
      const onJobRecovery = ({ id }) => {
        handed.push(id);
        throw new Error('it stays');
      };
      const both = ['a', 'b'].map((id) => {
        const one = recovery({ stateDir, autoRecover: false, onJobRecovery });
        one.trackJob(job(id));
        return one;
      });
      const opening = Promise.all(both.map((one) => one.init()));
      // Before, while and after its folder is read.
      for (let turn = 0; turn < round % 8; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      both[0].trackJob(job('c'));
      await opening;
      for (const one of both) await one.recover();
      expect([...handed].sort(), `round ${round}`).toEqual(['a', 'b', 'c']);
      await Promise.all(both.map((one) => one.shutdown()));
      const left = await readIn(stateDir);
      expect(ids(left.jobs), `round ${round}`).toEqual(expect.arrayContaining(['a', 'b']));
    }
    expect(logged.filter((line) => !line.includes('it stays'))).toEqual([]);
  });

  test('a `shutdown()` that meets it has nothing to complain about, and loses nothing', async () => {
    for (let round = 0; round < 40; round += 1) {
      const stateDir = folder();
      const earlier = await openRecovery({ stateDir, autoRecover: false });
      earlier.trackJob(job('a'));
      const later = recovery({ stateDir, autoRecover: false });
      const opening = later.init();
      if (round % 2 === 1) await new Promise((resolve) => setImmediate(resolve));
      await Promise.all([earlier.shutdown(), opening]);
      expect(ids(later.getRecoverableJobs())).toEqual(['a']);
    }
    expect(logged).toEqual([]);
  });
});

// Before Node 12.17 nobody can tell whose code runs.
describe('`recover()` awaited by the callback that it awaits', () => {
  test.each([
    ['awaited', async (one) => void (await one.recover())],
    [
      'behind other awaits',
      async (one) => {
        await new Promise((resolve) => setImmediate(resolve));
        await Promise.all([1, one.recover()]);
      },
    ],
    ['returned', (one) => one.recover()],
    ['returned by an async function', async (one) => one.recover()],
    ['chained', (one) => one.recover().then(() => {})],
    ['`init()`', async (one) => void (await one.init())],
  ])('%s: it is answered at once, and the recovery goes on', async (_, callback) => {
    const one = await openRecovery({ autoRecover: false, onJobRecovery: () => callback(one) });
    for (const id of ['a', 'b', 'c']) one.trackJob(job(id));
    expect(await one.recover()).toBe(3);
    expect(one.getRecoverableJobs()).toEqual([]);
    expect(await one.recover()).toBe(0);
  });

  test('the answer is how many were recovered so far; who awaits it elsewhere gets the sum', async () => {
    const inside = [];
    const outside = [];
    const one = await openRecovery({
      autoRecover: false,
      onJobRecovery: async () => {
        const joined = one.recover();
        outside.push(joined);
        inside.push(await joined);
      },
    });
    for (const id of ['a', 'b', 'c']) one.trackJob(job(id));
    expect(await one.recover()).toBe(3);
    expect(inside).toEqual([0, 1, 2]);
    expect(await Promise.all(outside)).toEqual([3, 3, 3]);
  });

  test('in the recovery of `init()`', async () => {
    const stateDir = folder();
    const before = await openRecovery({ stateDir, autoRecover: false });
    before.trackJob(job('a'));
    await before.shutdown();
    const handed = [];
    const one = await openRecovery({
      stateDir,
      onJobRecovery: async ({ id }) => {
        await one0.recover();
        handed.push(id);
      },
      Class: class extends runtime.CrashRecovery {
        constructor(...args) {
          super(...args);
          one0 = this;
        }
      },
    });
    expect(handed).toEqual(['a']);
    expect(one.getRecoverableJobs()).toEqual([]);
  });
});

let one0;
