import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { eventsOf, gate, ids, job, openRecovery, recovery } from '../support/recovery-folders.js';

const logged = consoleErrors();

const withJobs = (names, options) => {
  const one = recovery(options);
  for (const name of names) one.trackJob(job(name));
  return one;
};
const restart = (engine) => engine.emit('restart', { type: 'restart', timestamp: Date.now(), data: { attempt: 1 } });

describe('payloads and order', () => {
  test('start, then callback and job in turn, then complete; exactly these keys', async () => {
    const trace = [];
    const failure = new Error('no room');
    const one = withJobs(['a', 'b'], {
      onJobRecovery: async (each) => {
        trace.push(['callback', each]);
        if (each.id === 'b') throw failure;
      },
    });
    for (const name of ['start', 'job', 'complete', 'parked', 'locked']) {
      one.on(`recovery:${name}`, (...payload) => trace.push([name, ...payload]));
    }
    const [a, b] = one.getRecoverableJobs();
    expect(await one.recover()).toBe(1);
    expect(trace.map(([name]) => name)).toEqual(['start', 'callback', 'job', 'callback', 'job', 'complete']);
    expect(trace[0]).toStrictEqual(['start', { jobCount: 2 }]);
    expect(trace[1][1]).toMatchObject(job('a'));
    expect(trace[1][1]).toEqual(a);
    expect(trace[3][1]).toEqual(b);
    expect(trace[2]).toHaveLength(2);
    expect(Object.keys(trace[2][1]).sort()).toEqual(['job', 'success']);
    expect(trace[2][1]).toMatchObject({ job: job('a'), success: true });
    expect(Object.keys(trace[4][1]).sort()).toEqual(['error', 'job', 'success']);
    expect(trace[4][1]).toMatchObject({ job: job('b'), success: false });
    expect(String(trace[4][1].error)).toContain('no room');
    expect(trace[5]).toStrictEqual(['complete', { recovered: 1, total: 2 }]);
  });

  test('a callback that rejects with nothing has failed all the same', async () => {
    const one = withJobs(['a'], { onJobRecovery: () => Promise.reject() });
    const events = eventsOf(one);
    await one.recover();
    expect(events[1][1].success).toBe(false);
    expect(events.at(-1)).toStrictEqual(['complete', { recovered: 0, total: 1 }]);
    expect(one.getStats().pendingJobs).toBe(1);
  });

  test('all of them fail: recovered 0 of total', async () => {
    const one = withJobs(['a', 'b'], { onJobRecovery: () => Promise.reject(new Error('no')) });
    const events = eventsOf(one);
    expect(await one.recover()).toBe(0);
    expect(events.at(-1)).toStrictEqual(['complete', { recovered: 0, total: 2 }]);
  });

  test('`jobCount` and `total` are at most `maxRecoveredJobs`', async () => {
    const one = withJobs(['a', 'b', 'c'], { maxRecoveredJobs: 2, onJobRecovery: () => {} });
    const events = eventsOf(one);
    await one.recover();
    expect(events[0]).toStrictEqual(['start', { jobCount: 2 }]);
    expect(events.at(-1)).toStrictEqual(['complete', { recovered: 2, total: 2 }]);
  });

  test('in a handler of recovery:complete the state is what is left, and the promise settles behind it', async () => {
    const one = withJobs(['a'], { onJobRecovery: () => {} });
    const trace = [];
    one.on('recovery:job', () => trace.push('job'));
    one.on('recovery:complete', () => trace.push(['complete', one.getStats().pendingJobs]));
    await one.recover().then(() => trace.push('settled'));
    expect(trace).toEqual(['job', ['complete', 0], 'settled']);
  });
});

describe('a listener that throws is logged and changes nothing else', () => {
  test.each(['start', 'job', 'complete'])('recovery:%s', async (name) => {
    const handed = [];
    const one = withJobs(['a', 'b'], { onJobRecovery: (each) => handed.push(each.id) });
    one.on(`recovery:${name}`, () => {
      throw new Error(`a defect in ${name}`);
    });
    const events = eventsOf(one);
    expect(await one.recover()).toBe(2);
    expect(handed).toEqual(['a', 'b']);
    expect(events.map(([each]) => each)).toEqual(['start', 'job', 'job', 'complete']);
    expect(logged.filter((line) => line.includes(`a defect in ${name}`))).toHaveLength(name === 'job' ? 2 : 1);
    expect(one.getRecoverableJobs()).toEqual([]);
  });

  test('recovery:job, as the only one that takes the jobs', async () => {
    const one = withJobs(['a', 'b']);
    one.on('recovery:job', () => {
      throw new Error('a defect');
    });
    await one.recover();
    expect(logged).toHaveLength(2);
  });
});

describe('`restart` of the engine', () => {
  test('recovers, when `autoRecover`', async () => {
    const engine = new EventEmitter();
    const one = await openRecovery({ engine, onJobRecovery: () => {} });
    one.trackJob(job('a'));
    restart(engine);
    await eventually(() => one.getStats().pendingJobs === 0, 'the hand-over');
  });

  test('does not, without `autoRecover`, nor behind `shutdown()`', async () => {
    const engine = new EventEmitter();
    const handed = [];
    const options = { engine, onJobRecovery: (each) => handed.push(each.id) };
    const one = await openRecovery({ ...options, autoRecover: false });
    const other = await openRecovery(options);
    await other.shutdown();
    for (const each of [one, other]) each.trackJob(job('a'));
    restart(engine);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(handed).toEqual([]);
    expect(await one.recover()).toBe(1);
  });

  test('twice at once: one recovery, joined', async () => {
    const engine = new EventEmitter();
    const handed = [];
    const held = gate();
    const one = await openRecovery({
      engine,
      onJobRecovery: async (each) => {
        handed.push(each.id);
        await held.opened;
      },
    });
    one.trackJob(job('a'));
    restart(engine);
    restart(engine);
    const joined = one.recover();
    held.open();
    expect(await joined).toBe(1);
    expect(handed).toEqual(['a']);
  });

  test('the app that also calls `recover()` in its own listener of `restart` gets each job once', async () => {
    const engine = new EventEmitter();
    const handed = [];
    const one = await openRecovery({ engine, onJobRecovery: async (each) => handed.push(each.id) });
    engine.on('restart', () => one.recover());
    engine.prependListener('restart', () => one.recover());
    one.trackJob(job('a'));
    one.trackJob(job('b'));
    restart(engine);
    await eventually(() => one.getStats().pendingJobs === 0, 'the hand-over');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(handed).toEqual(['a', 'b']);
  });

  test('an override of `recover` that fails there is logged, and no unhandled rejection', async () => {
    const engine = new EventEmitter();
    const one = await openRecovery({ engine });
    one.recover = () => Promise.reject(new Error('a defect of the app'));
    restart(engine);
    await eventually(() => logged.some((line) => line.includes('a defect of the app')), 'the log line');
    one.recover = () => {
      throw new Error('another defect');
    };
    restart(engine);
    await eventually(() => logged.some((line) => line.includes('another defect')), 'the log line');
  });
});

describe('`shutdown()` during a recovery', () => {
  // A callback may wait for something that never comes: the app must be able to quit all the same.
  test('does not wait for a callback that never settles; its job is there for the next process', async () => {
    const one = withJobs(['a', 'b'], { onJobRecovery: () => new Promise(() => {}) });
    const started = new Promise((resolve) => one.once('recovery:start', resolve));
    const init = one.init();
    init.catch(() => {});
    await started;
    await one.shutdown();
    expect(ids(one.getRecoverableJobs())).toEqual(['a', 'b']);
  });

  test('hands over no further job', async () => {
    const held = gate();
    const handed = [];
    const engine = new EventEmitter();
    const one = await openRecovery({
      engine,
      onJobRecovery: (each) => {
        handed.push(each.id);
        return held.opened;
      },
    });
    for (const name of ['a', 'b', 'c']) one.trackJob(job(name));
    const recovered = one.recover();
    await eventually(() => handed.length === 1, 'the first callback');
    await one.shutdown();
    held.open();
    await recovered;
    expect(handed).toEqual(['a']);
  });
});
