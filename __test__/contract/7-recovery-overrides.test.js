import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { ids, job, leftIn, openRecovery, recovery } from '../support/recovery-folders.js';

const { CrashRecovery } = runtime;
const logged = consoleErrors();

describe('an override of a public method is honoured', () => {
  test('`recover()` takes what `getRecoverableJobs()` gives: fewer, in its order; the others stay', async () => {
    class Choosing extends CrashRecovery {
      getRecoverableJobs() {
        return super
          .getRecoverableJobs()
          .filter(({ id }) => id !== 'b')
          .reverse();
      }
    }
    const handed = [];
    const one = recovery({ Class: Choosing, onJobRecovery: (each) => handed.push(each.id) });
    for (const id of ['a', 'b', 'c']) one.trackJob(job(id));
    expect(await one.recover()).toBe(2);
    expect(handed).toEqual(['c', 'a']);
    expect(one.getStats().pendingJobs).toBe(1);
  });

  test('and as it changed them', async () => {
    class Upgrading extends CrashRecovery {
      getRecoverableJobs() {
        return super.getRecoverableJobs().map((each) => ({ ...each, payload: { upgraded: each.payload } }));
      }
    }
    const handed = [];
    const one = recovery({ Class: Upgrading, onJobRecovery: (each) => handed.push(each.payload) });
    const told = [];
    one.on('recovery:job', ({ job: each }) => told.push(each.payload));
    one.trackJob(job('a'));
    await one.recover();
    expect(handed).toEqual([{ upgraded: { page: 'a' } }]);
    expect(told).toEqual(handed);
    expect(one.getStats().pendingJobs).toBe(0);
  });

  test.each([
    ['throws', () => JSON.parse('no JSON')],
    ['gives nothing', () => undefined],
    ['gives what are no jobs', () => [null, 7, {}, { id: 'unknown' }]],
  ])('a `getRecoverableJobs()` that %s ends no app, and takes no job', async (_, get) => {
    const engine = new EventEmitter();
    const one = recovery({ engine, onJobRecovery: () => Promise.reject(new Error('no')) });
    one.trackJob(job('a'));
    one.getRecoverableJobs = get;
    await one.recover().catch((error) => expect(error).toBeInstanceOf(Error));
    await one.init().catch((error) => expect(error).toBeInstanceOf(Error));
    engine.emit('restart', { type: 'restart', timestamp: 1, data: { attempt: 1 } });
    await new Promise((resolve) => setTimeout(resolve, 10));
    delete one.getRecoverableJobs;
    expect(ids(one.getRecoverableJobs())).toEqual(['a']);
  });

  test('`init()` and `restart` call `recover()`, once each', async () => {
    let calls = 0;
    class Counting extends CrashRecovery {
      recover() {
        calls += 1;
        return super.recover();
      }
    }
    const engine = new EventEmitter();
    const one = await openRecovery({ Class: Counting, engine });
    expect(calls).toBe(1);
    engine.emit('restart', { type: 'restart', timestamp: Date.now(), data: { attempt: 1 } });
    await eventually(() => calls === 2, 'the recovery');
    await one.shutdown();
  });

  test('`init()` does not call it without `autoRecover`', async () => {
    let calls = 0;
    class Counting extends CrashRecovery {
      recover() {
        calls += 1;
        return super.recover();
      }
    }
    await openRecovery({ Class: Counting, autoRecover: false });
    expect(calls).toBe(0);
  });

  test('a replaced `emit` sees every event', async () => {
    const one = recovery({ onJobRecovery: () => {} });
    const seen = [];
    const { emit } = one;
    one.emit = (name, ...rest) => {
      seen.push(name);
      return Reflect.apply(emit, one, [name, ...rest]);
    };
    one.trackJob(job('a'));
    await one.recover();
    expect(seen).toEqual(['recovery:start', 'recovery:job', 'recovery:complete']);
  });

  test('a subclass that wraps every method, and keeps fields of its own', async () => {
    const calls = [];
    class Wrapping extends CrashRecovery {
      log = calls;
    }
    const names = ['init', 'shutdown', 'trackJob', 'updateJobState', 'removeJob', 'getRecoverableJobs', 'recover'];
    for (const name of [...names, 'clearState', 'getStats', 'getParkedJobs', 'unpark']) {
      expect(typeof CrashRecovery.prototype[name], name).toBe('function');
      Wrapping.prototype[name] = function wrapped(...args) {
        this.log.push(name);
        return CrashRecovery.prototype[name].apply(this, args);
      };
    }
    const stateDir = folder();
    const one = await openRecovery({ Class: Wrapping, stateDir, onJobRecovery: () => {} });
    one.trackJob(job('a'));
    one.updateJobState('a', 'running', 1);
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['a']);
    expect(await one.recover()).toBe(1);
    await one.clearState();
    expect(calls.slice(0, 2)).toEqual(['init', 'recover']);
  });

  test('behind a Proxy the methods work', async () => {
    const stateDir = folder();
    const one = new Proxy(recovery({ stateDir, autoRecover: false }), {});
    await one.init();
    one.trackJob(job('a'));
    expect(one.getStats().pendingJobs).toBe(1);
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['a']);
    await one.shutdown();
  });

  test('`instanceof`, the name, and nothing of its own to see', () => {
    const one = recovery();
    expect(one).toBeInstanceOf(CrashRecovery);
    expect(CrashRecovery.name).toBe('CrashRecovery');
    const plain = Object.keys(new EventEmitter());
    expect(Object.keys(one).filter((key) => !plain.includes(key))).toEqual([]);
    expect(logged).toEqual([]);
  });
});
