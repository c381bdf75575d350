import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import { ids, job, leftIn, openRecovery, readIn, recovery } from '../support/recovery-folders.js';

const logged = consoleErrors();

const IDS = {
  empty: '',
  __proto__name: '__proto__',
  constructor: 'constructor',
  'line breaks': 'a\nb\r\nc\u2028d\u2029',
  NUL: 'a\0b',
  quotes: '"\\"{}[]',
  emoji: '🦜',
  'a lone high surrogate': 'x\ud800',
  'another lone surrogate': 'x\udbff',
  'a lone low surrogate': 'x\udc00',
  'the replacement character': 'x\ufffd',
  'a path': '../../etc/passwd',
  long: 'l'.repeat(100_000),
};

describe('an id is any string', () => {
  test('each its own job, in memory and for the next process', async () => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    const all = Object.values(IDS);
    for (const [index, id] of all.entries()) one.trackJob(job(id, { payload: index }));
    const told = (jobs) => jobs.map(({ id, payload }) => [id, payload]);
    const expected = all.map((id, index) => [id, index]);
    expect(told(one.getRecoverableJobs())).toEqual(expected);
    expect(told((await leftIn(stateDir)).jobs)).toEqual(expected);
    await one.shutdown();
    expect(told((await readIn(stateDir)).jobs)).toEqual(expected);
  });

  test.each(Object.entries(IDS))('%s: updated and removed alone', async (_, id) => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    const all = Object.values(IDS);
    for (const each of all) one.trackJob(job(each, { payload: 1 }));
    one.updateJobState(id, 'running', 33);
    const running = (jobs) => jobs.filter(({ retries }) => retries === 1).map((each) => [each.id, each.progress]);
    expect(running(one.getRecoverableJobs())).toEqual([[id, 33]]);
    expect(running((await leftIn(stateDir)).jobs)).toEqual([[id, 33]]);
    one.removeJob(id);
    const others = all.filter((each) => each !== id);
    expect(ids(one.getRecoverableJobs())).toEqual(others);
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(others);
  });
});

describe('a payload that JSON can hold comes back as JSON gives it', () => {
  const PAYLOADS = {
    null: null,
    'a lone surrogate': 'a\ud800b\udc00',
    'line breaks': '\n\r\u2028\u2029\0\x7f\u0085',
    numbers: [0.1, 1e21, 1e-7, 2 ** 53, -1, 5e-324, 1.7976931348623157e308],
    'what looks like jobs': { pendingJobs: [job('inner', { state: 'running' })], id: 'inner', type: 't' },
    'what looks like a journal': '\n{"id":"inner"}\n0123456789abcdef {"op":"remove","id":"a"}\n',
    'the key __proto__': JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'),
    deep: JSON.parse('['.repeat(2000) + ']'.repeat(2000)),
    'a megabyte': 'm'.repeat(1 << 20),
    'a date, by its toJSON': new Date(0),
    'holes and undefined in arrays': [undefined, , NaN, Infinity],
  };
  test.each(Object.entries(PAYLOADS))('%s', async (_, payload) => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('a', { payload, behind: 1 }));
    const expected = JSON.parse(JSON.stringify(payload));
    expect(one.getRecoverableJobs()[0].payload).toStrictEqual(expected);
    for (const found of [await leftIn(stateDir), await readIn(stateDir)]) {
      expect(found.jobs).toHaveLength(1);
      expect(found.jobs[0]).toMatchObject({ id: 'a', behind: 1 });
      expect(found.jobs[0].payload).toStrictEqual(expected);
    }
    expect({}.polluted).toBeUndefined();
    expect(logged).toEqual([]);
  });

  test('none at all', async () => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob({ id: 'a', type: 't', payload: undefined, priority: 'low' });
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['a']);
    expect(one.getRecoverableJobs()[0].payload).toBeUndefined();
  });
});

describe('a payload that JSON cannot hold stays in memory and is logged', () => {
  const circular = { name: 'me' };
  circular.self = circular;
  const PAYLOADS = {
    'a BigInt': 7n,
    'a BigInt inside': { deep: [7n] },
    circular,
    'a toJSON that throws': {
      toJSON() {
        throw new Error('a defect of the app');
      },
    },
    'a function': () => 'me',
    'a symbol': Symbol('me'),
  };
  test.each(Object.entries(PAYLOADS))('%s', async (name, payload) => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('before'));
    one.trackJob(job('a', { payload, extra: 1 }));
    one.trackJob(job('behind'));
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain('a');
    one.updateJobState('a', 'running', 20);
    const found = one.getRecoverableJobs()[2];
    expect(found).toMatchObject({ id: 'a', type: 'render', extra: 1, state: 'pending', retries: 1, progress: 20 });
    expect(found.payload).toBe(payload);
    expect(one.getStats()).toMatchObject({ pendingJobs: 2, runningJobs: 1 });
    expect(logged).toHaveLength(1);
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['before', 'behind']);
    await one.shutdown();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['before', 'behind']);
    expect(name).toBeTruthy();
  });

  test('it is handed over with its own object, also one that was tracked before `init()`', async () => {
    const handed = [];
    const one = recovery({ onJobRecovery: (each) => handed.push(each.payload) });
    one.trackJob(job('a', { payload: circular }));
    await one.init();
    expect(handed).toEqual([circular]);
    expect(handed[0]).toBe(circular);
    expect(one.getRecoverableJobs()).toEqual([]);
  });

  test('a job on disk that is tracked again with such a payload is nobody’s old job after a crash', async () => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('a', { payload: 'old' }));
    one.trackJob(job('a', { payload: 7n }));
    expect(one.getRecoverableJobs()[0].payload).toBe(7n);
    expect((await leftIn(stateDir)).jobs).toEqual([]);
    one.trackJob(job('a', { payload: 'new' }));
    expect((await leftIn(stateDir)).jobs).toMatchObject([{ id: 'a', payload: 'new' }]);
  });
});

// What a call with a wrong argument does the contract leaves open: a TypeError, or nothing. It must not harm the others.
describe('calls with wrong arguments harm no other job', () => {
  const WRONG = {
    'trackJob of nothing': (one) => one.trackJob(),
    'trackJob of null': (one) => one.trackJob(null),
    'trackJob of a string': (one) => one.trackJob('job'),
    'trackJob of an array': (one) => one.trackJob([]),
    'trackJob without an id': (one) => one.trackJob({ type: 't', payload: 1, priority: 'low' }),
    'trackJob with a number for an id': (one) => one.trackJob(job(7)),
    'trackJob without a type': (one) => one.trackJob({ id: 'x', payload: 1 }),
    'trackJob with an id that throws': (one) =>
      one.trackJob({
        get id() {
          throw new Error('a defect of the app');
        },
      }),
    'an unknown state': (one) => one.updateJobState('a', 'paused'),
    'no state': (one) => one.updateJobState('a'),
    'a number for a state': (one) => one.updateJobState('a', 1),
    'progress that is no number': (one) => one.updateJobState('a', 'pending', 'half'),
    'NaN for progress': (one) => one.updateJobState('a', 'pending', NaN),
    'endless progress': (one) => one.updateJobState('a', 'pending', Infinity),
    'updateJobState of no id': (one) => one.updateJobState(undefined, 'running'),
    'removeJob of no id': (one) => one.removeJob(),
    'removeJob of an object': (one) => one.removeJob({}),
    'unpark of no id': (one) => one.unpark(),
    'trackJob with a wrong state': (one) => one.trackJob(job('x', { state: 7 })),
    'trackJob with wrong retries': (one) => one.trackJob(job('x', { retries: 'many' })),
    'trackJob with negative retries': (one) => one.trackJob(job('x', { retries: -5 })),
    'trackJob with a wrong createdAt': (one) => one.trackJob(job('x', { createdAt: 'now', startedAt: {} })),
  };
  test.each(Object.entries(WRONG))('%s', async (_, call) => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('a'));
    try {
      call(one);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
    }
    one.trackJob(job('b'));
    const others = (jobs) => ids(jobs).filter((id) => id === 'a' || id === 'b');
    const inMemory = one.getRecoverableJobs();
    expect(others(inMemory)).toEqual(['a', 'b']);
    expect(inMemory.every(({ id, type }) => typeof id === 'string' && typeof type === 'string')).toBe(true);
    expect(inMemory.every(({ retries, progress }) => Number.isFinite(retries) && Number.isFinite(progress))).toBe(true);
    expect(one.getStats()).toMatchObject({ pendingJobs: inMemory.length, runningJobs: 0 });
    expect(others((await leftIn(stateDir)).jobs)).toEqual(['a', 'b']);
    await one.shutdown();
    expect(others((await readIn(stateDir)).jobs)).toEqual(['a', 'b']);
  });
});
