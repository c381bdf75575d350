import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { idsOf, job, jobsLeftIn, openRecovery, recoveryOf, told } from '../support/crash-recovery.js';

const lines = consoleErrors();

const deferred = () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};

/** A recovery with these jobs, whose callback is `onJobRecovery`. */
function withJobs(ids, onJobRecovery, options) {
  const recovery = recoveryOf({ onJobRecovery, ...options });
  for (const id of ids) recovery.trackJob(job(id));
  return recovery;
}

describe('recover()', () => {
  test('nothing to do → 0 and no event', async () => {
    const recovery = withJobs([], async () => {});
    const events = told(recovery);
    expect(await recovery.recover()).toBe(0);
    expect(events).toEqual([]);
  });

  test('one callback at a time, awaited, in order, with the events of the contract', async () => {
    let running = 0;
    const seen = [];
    const recovery = withJobs(['a', 'b', 'c'], async (given) => {
      expect((running += 1)).toBe(1);
      seen.push(given);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
    });
    recovery.updateJobState('a', 'running', 30);
    const events = told(recovery);
    expect(await recovery.recover()).toBe(3);
    expect(seen).toMatchObject([
      { id: 'b', state: 'pending', retries: 0 },
      { id: 'c', state: 'pending', retries: 0 },
      { id: 'a', state: 'pending', retries: 1, progress: 30 },
    ]);
    expect(events).toEqual([
      ['start', { jobCount: 3 }],
      ...seen.map((given) => ['job', { job: given, success: true }]),
      ['complete', { recovered: 3, total: 3 }],
    ]);
    expect(recovery.getStats()).toMatchObject({ pendingJobs: 0, runningJobs: 0 });
  });

  test('those whose callback failed stay, thrown or rejected, and the rest goes on', async () => {
    const recovery = withJobs(['a', 'b', 'c'], (given) => {
      if (given.id === 'a') throw new Error('thrown');
      return given.id === 'b' ? Promise.reject(new Error('rejected')) : Promise.resolve();
    });
    const events = told(recovery);
    expect(await recovery.recover()).toBe(1);
    expect(events.filter(([name]) => name === 'job').map(([, { success, error }]) => [success, error])).toEqual([
      [false, new Error('thrown')],
      [false, new Error('rejected')],
      [true, undefined],
    ]);
    expect(events[events.length - 1]).toEqual(['complete', { recovered: 1, total: 3 }]);
    expect(idsOf(recovery.getRecoverableJobs())).toEqual(['a', 'b']);
    expect(lines).toHaveLength(2);
  });

  test('those beyond maxRecoveredJobs stay', async () => {
    const recovery = withJobs(['a', 'b', 'c'], async () => {}, { maxRecoveredJobs: 2 });
    expect(await recovery.recover()).toBe(2);
    expect(idsOf(recovery.getRecoverableJobs())).toEqual(['c']);
    expect(await recovery.recover()).toBe(1);
  });

  test('with neither callback, manager nor listener all stay', async () => {
    const recovery = withJobs(['a']);
    const starts = [];
    recovery.on('recovery:start', () => starts.push(1));
    expect(await recovery.recover()).toBe(0);
    expect(starts).toEqual([]);
    expect(recovery.getRecoverableJobs()).toMatchObject([{ id: 'a', retries: 0 }]);
  });

  test('with a recovery:job listener they are handed over; `recovered` does not count listeners', async () => {
    const recovery = withJobs(['a', 'b']);
    const events = told(recovery);
    expect(await recovery.recover()).toBe(0);
    expect(events).toMatchObject([
      ['start', { jobCount: 2 }],
      ['job', { job: { id: 'a' }, success: true }],
      ['job', { job: { id: 'b' }, success: true }],
      ['complete', { recovered: 0, total: 2 }],
    ]);
    expect(recovery.getRecoverableJobs()).toEqual([]);
  });

  test('a call during another joins it', async () => {
    const gate = deferred();
    let calls = 0;
    const recovery = withJobs(['a', 'b'], () => {
      calls += 1;
      return gate.promise;
    });
    const events = told(recovery);
    const both = Promise.all([recovery.recover(), recovery.recover()]);
    gate.resolve();
    expect(await both).toEqual([2, 2]);
    expect(calls).toBe(2);
    expect(events.filter(([name]) => name === 'start')).toHaveLength(1);
  });

  test('jobs tracked while it runs are kept, also under their own id by the callback', async () => {
    const recovery = withJobs(['a', 'b'], async (given) => {
      recovery.trackJob(job(`new ${given.id}`));
      if (given.id === 'a') recovery.trackJob(job('a', { payload: 'again' }));
    });
    expect(await recovery.recover()).toBe(2);
    expect(recovery.getRecoverableJobs().map(({ id, payload, retries }) => [id, payload, retries])).toEqual([
      ['a', 'again', 0],
      ['new a', { page: 'new a' }, 0],
      ['new b', { page: 'new b' }, 0],
    ]);
  });

  test('a job that ended while the ones before it were handed over is not', async () => {
    const seen = [];
    const recovery = withJobs(['a', 'b', 'c'], async ({ id }) => {
      seen.push(id);
      recovery.removeJob('b');
    });
    await recovery.recover();
    expect(seen).toEqual(['a', 'c']);
  });

  test('clearState() while it runs: what comes behind is not handed over', async () => {
    const seen = [];
    const recovery = withJobs(['a', 'b'], async ({ id }) => {
      seen.push(id);
      await recovery.clearState();
    });
    await recovery.recover();
    expect(seen).toEqual(['a']);
    expect(recovery.getRecoverableJobs()).toEqual([]);
  });

  test('shutdown() while it runs: what comes behind stays, and nothing waits for the callback', async () => {
    const stateDir = folder();
    const gate = deferred();
    const seen = [];
    const recovery = withJobs(
      ['a', 'b'],
      ({ id }) => {
        seen.push(id);
        return gate.promise;
      },
      { stateDir, autoRecover: false },
    );
    await recovery.init();
    const recovering = recovery.recover();
    await recovery.shutdown();
    gate.resolve();
    await recovering;
    expect(seen).toEqual(['a']);
    expect((await jobsLeftIn(stateDir)).map(({ id, retries }) => [id, retries])).toEqual([
      ['a', 1],
      ['b', 0],
    ]);
  });

  test('a listener that throws is logged and changes nothing else', async () => {
    const recovery = withJobs(['a', 'b'], async () => {});
    for (const name of ['start', 'job', 'complete']) {
      recovery.on(`recovery:${name}`, () => {
        throw new Error(name);
      });
    }
    expect(await recovery.recover()).toBe(2);
    expect(lines.map(String)).toEqual(['Error: start', 'Error: job', 'Error: job', 'Error: complete']);
    const alone = withJobs(['a', 'b']);
    alone.on('recovery:job', () => {
      throw new Error('heard all the same');
    });
    await alone.recover();
    expect(alone.getRecoverableJobs()).toEqual([]);
  });

  test('a job of the app that JSON cannot hold is handed over as it is', async () => {
    const payload = { self: null };
    payload.self = payload;
    const seen = [];
    const recovery = recoveryOf({ onJobRecovery: async (given) => seen.push(given.payload) });
    recovery.trackJob(job('a', { payload }));
    expect(await recovery.recover()).toBe(1);
    expect(seen[0]).toBe(payload);
    expect(recovery.getRecoverableJobs()).toEqual([]);
  });
});

describe('retries rises by one per hand-over', () => {
  test.each([false, true])('whether the job was running before (%s) or failed now', async (running) => {
    const seen = [];
    const recovery = withJobs(
      ['a'],
      async ({ retries }) => {
        seen.push(retries);
        throw new Error('no');
      },
      { maxAttempts: Infinity },
    );
    if (running) recovery.updateJobState('a', 'running');
    for (let n = 1; n <= 4; n += 1) {
      await recovery.recover();
      expect(recovery.getRecoverableJobs()).toMatchObject([{ id: 'a', retries: n }]);
    }
    expect(seen).toEqual(running ? [1, 1, 2, 3] : [0, 1, 2, 3]);
  });

  test('it is on record before the callback: a job that ends the process in it was tried', async () => {
    const stateDir = folder();
    const left = [];
    const recovery = withJobs(['a'], async () => left.push(...(await jobsLeftIn(stateDir))), {
      stateDir,
      autoRecover: false,
    });
    await recovery.init();
    recovery.updateJobState('a', 'running');
    await recovery.recover();
    expect(left).toMatchObject([{ id: 'a', state: 'pending', retries: 1 }]);
  });
});

describe('maxAttempts, then the job is parked', () => {
  test('by default after the third failed hand-over: `recovery:parked`, getParkedJobs(), unpark(id)', async () => {
    const recovery = withJobs(['a', 'b'], async ({ id }) => {
      if (id === 'a') throw new Error('no');
    });
    const events = told(recovery);
    await recovery.recover();
    await recovery.recover();
    expect(recovery.getParkedJobs()).toEqual([]);
    await recovery.recover();
    const [parked] = recovery.getParkedJobs();
    expect(parked).toMatchObject({ ...job('a'), retries: 3 });
    expect(events.filter(([name]) => name === 'parked')).toEqual([['parked', { job: parked }]]);
    expect(recovery.getStats()).toMatchObject({ pendingJobs: 0, runningJobs: 0 });
    expect(recovery.getRecoverableJobs()).toEqual([]);
    events.length = 0;
    expect(await recovery.recover()).toBe(0);
    expect(events).toEqual([]);

    expect(recovery.unpark('b')).toBe(false);
    expect(recovery.unpark('a')).toBe(true);
    expect(recovery.unpark('a')).toBe(false);
    expect(recovery.getRecoverableJobs()).toMatchObject([{ id: 'a', state: 'pending', retries: 0 }]);
    expect(recovery.getParkedJobs()).toEqual([]);
  });

  test('a job that had its attempts in processes that died is parked instead of handed over; others take its place', async () => {
    const stateDir = folder();
    const before = await openRecovery({ stateDir, autoRecover: false });
    before.trackJob(job('poison', { retries: 3 }));
    before.trackJob(job('last chance', { retries: 2 }));
    before.trackJob(job('good'));
    const seen = [];
    const recovery = recoveryOf({ stateDir, maxRecoveredJobs: 2, onJobRecovery: async ({ id }) => seen.push(id) });
    const events = told(recovery);
    await recovery.init();
    expect(seen).toEqual(['last chance', 'good']);
    expect(events.map(([name, { job: about, jobCount }]) => [name, about ? about.id : jobCount])).toEqual([
      ['parked', 'poison'],
      ['start', 2],
      ['job', 'last chance'],
      ['job', 'good'],
      ['complete', undefined],
    ]);
    expect(idsOf(recovery.getParkedJobs())).toEqual(['poison']);
    const after = await openRecovery({ stateDir, autoRecover: false });
    expect(idsOf(after.getParkedJobs())).toEqual(['poison']);
  });

  test('a parked job that is tracked again is pending', async () => {
    const recovery = withJobs(['a'], () => Promise.reject(new Error('no')), { maxAttempts: 1 });
    await recovery.recover();
    const [parked] = recovery.getParkedJobs();
    recovery.trackJob({ ...parked, retries: 0 });
    expect(recovery.getParkedJobs()).toEqual([]);
    expect(idsOf(recovery.getRecoverableJobs())).toEqual(['a']);
  });
});

describe('autoRecover', () => {
  test('recover() runs inside init(), awaited', async () => {
    const stateDir = folder();
    const before = await openRecovery({ stateDir });
    before.trackJob(job('a'));
    const seen = [];
    await openRecovery({
      stateDir,
      onJobRecovery: async ({ id }) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        seen.push(id);
      },
    });
    expect(seen).toEqual(['a']);
  });

  test('and on every engine `restart`', async () => {
    const client = await startedEngine('does-as-told.js', { restartDelay: 0 });
    const seen = [];
    const recovery = recoveryOf({ engine: client, onJobRecovery: async ({ id }) => seen.push(id) });
    await recovery.init();
    recovery.trackJob(job('a'));
    recovery.updateJobState('a', 'running');
    const complete = next(recovery, 'recovery:complete');
    client.call('exit', {}).catch(() => {});
    expect(await complete).toEqual({ recovered: 1, total: 1 });
    expect(seen).toEqual(['a']);
    expect(recovery.getStats().lastHealthCheck).toBeGreaterThan(0);
  });

  test('false: neither', async () => {
    const stateDir = folder();
    const engine = new EventEmitter();
    (await openRecovery({ stateDir })).trackJob(job('a'));
    const recovery = recoveryOf({ engine, stateDir, autoRecover: false, onJobRecovery: async () => {} });
    const events = told(recovery);
    await recovery.init();
    engine.emit('restart', {});
    await recovery.shutdown();
    expect(events).toEqual([]);
    await recovery.init();
    expect(await recovery.recover()).toBe(1);
  });

  test('errors of it are logged, never unhandled', async () => {
    class Failing extends runtime.CrashRecovery {
      getRecoverableJobs() {
        throw new Error('overridden');
      }
    }
    const engine = new EventEmitter();
    const recovery = recoveryOf({ engine, Recovery: Failing, onJobRecovery: async () => {} });
    await recovery.init();
    engine.emit('restart', {});
    await eventually(() => lines.length === 2, 'both logged');
    expect(lines.map(String)).toEqual(['Error: overridden', 'Error: overridden']);
    await expect(recovery.recover()).rejects.toThrow('overridden');
  });
});

describe('an override of any public method is honoured', () => {
  test('recover() by init() and restart, getRecoverableJobs() by recover()', async () => {
    let recovers = 0;
    class Mine extends runtime.CrashRecovery {
      recover() {
        recovers += 1;
        return super.recover();
      }

      getRecoverableJobs() {
        return super.getRecoverableJobs().concat({ id: 'elsewhere', type: 't' });
      }
    }
    const engine = new EventEmitter();
    const seen = [];
    const recovery = recoveryOf({ engine, Recovery: Mine, onJobRecovery: async ({ id }) => seen.push(id) });
    recovery.trackJob(job('a'));
    await recovery.init();
    expect(seen).toEqual(['a', 'elsewhere']);
    engine.emit('restart', {});
    await eventually(() => recovers === 2, 'the second recovery');
    await recovery.recover();
  });
});
