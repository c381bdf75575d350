import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import { failureOf } from '../support/job-engines.js';
import { idsOf, job, jobsLeftIn, openRecovery, readSnapshot, recoveryOf } from '../support/crash-recovery.js';

const { CrashRecovery } = runtime;
const lines = consoleErrors();

describe('construction', () => {
  const engine = new EventEmitter();

  test.each([
    ['stateDir', undefined, 'the path of a folder; got undefined (undefined)'],
    ['stateDir', '', "the path of a folder; got '' (string)"],
    ['persistInterval', '5s', "milliseconds, a number from 0 up, or Infinity for no limit; got '5s' (string)"],
    ['persistInterval', -1, 'milliseconds, a number from 0 up, or Infinity for no limit; got -1 (number)'],
    ['maxRecoveredJobs', 1.5, 'a whole number from 0 up, or Infinity; got 1.5 (number)'],
    ['autoRecover', 1, 'true or false; got 1 (number)'],
    ['onJobRecovery', {}, 'a function; got an object (object)'],
    ['manager', { submit() {} }, 'a JobManager; got an object (object)'],
    ['maxAttempts', 0, 'a whole number from 1 up, or Infinity; got 0 (number)'],
  ])('%s: %o throws TypeError, naming class and option', (name, value, takes) => {
    const make = () => new CrashRecovery(engine, { stateDir: 's', [name]: value });
    expect(make).toThrow(new TypeError(`CrashRecovery: ${name} takes ${takes}`));
  });

  test('of the engine only `on` is needed', async () => {
    const recovery = recoveryOf({ engine: { on() {} } });
    await recovery.init();
    await recovery.shutdown();
    expect(() => new CrashRecovery({}, { stateDir: 's' })).toThrow('CrashRecovery: engine takes an object');
  });

  test('undefined means the default, unknown options are ignored', () => {
    recoveryOf({ persistInterval: undefined, maxAttempts: undefined, unknown: 1 });
  });

  test('is an EventEmitter', () => {
    expect(recoveryOf()).toBeInstanceOf(EventEmitter);
  });
});

describe('jobs', () => {
  test('are `{id,type,payload,priority,state,progress,createdAt,startedAt?,retries}`, extra fields kept', async () => {
    const stateDir = folder();
    const recovery = await openRecovery({ stateDir });
    const before = Date.now();
    recovery.trackJob(job('a', { mine: [1, { deep: null }], 'ключ "': 'Zoë 🦜\u2028\n\ud800' }));
    const [tracked] = recovery.getRecoverableJobs();
    expect(tracked).toStrictEqual({
      ...job('a', { mine: [1, { deep: null }], 'ключ "': 'Zoë 🦜\u2028\n\ud800' }),
      state: 'pending',
      progress: 0,
      createdAt: expect.any(Number),
      retries: 0,
    });
    expect(tracked.createdAt).toBeGreaterThanOrEqual(before);
    expect(tracked.createdAt).toBeLessThanOrEqual(Date.now());
    expect(await jobsLeftIn(stateDir)).toStrictEqual([tracked]);
  });

  test('the same id again replaces', () => {
    const recovery = recoveryOf();
    recovery.trackJob(job('a', { payload: 1, extra: 1 }));
    recovery.trackJob(job('b'));
    recovery.trackJob(job('a', { payload: 2 }));
    expect(recovery.getRecoverableJobs().map(({ id, payload, extra }) => [id, payload, extra])).toEqual([
      ['a', 2, undefined],
      ['b', { page: 'b' }, undefined],
    ]);
  });

  test('updateJobState moves, sets progress and startedAt; done, failed, cancelled end; unknown ids are ignored', () => {
    const recovery = recoveryOf();
    for (const id of ['a', 'b', 'c', 'd']) recovery.trackJob(job(id));
    const before = Date.now();
    recovery.updateJobState('b', 'running', 10);
    recovery.updateJobState('a', 'running');
    recovery.updateJobState('nobody', 'running');
    expect(recovery.getStats()).toMatchObject({ pendingJobs: 2, runningJobs: 2 });
    const [, , b] = recovery.getRecoverableJobs();
    expect(b).toMatchObject({ id: 'b', progress: 10, startedAt: expect.any(Number) });
    expect(b.startedAt).toBeGreaterThanOrEqual(before);
    recovery.updateJobState('b', 'running', 20.5);
    recovery.updateJobState('b', 'running');
    expect(recovery.getRecoverableJobs()[2]).toMatchObject({ progress: 20.5, startedAt: b.startedAt });
    recovery.updateJobState('b', 'pending');
    expect(idsOf(recovery.getRecoverableJobs())).toEqual(['c', 'd', 'b', 'a']);
    recovery.updateJobState('a', 'done');
    recovery.updateJobState('b', 'failed');
    recovery.updateJobState('c', 'cancelled');
    expect(idsOf(recovery.getRecoverableJobs())).toEqual(['d']);
    recovery.removeJob('d');
    recovery.removeJob('d');
    expect(recovery.getRecoverableJobs()).toEqual([]);
  });

  test('what the app passes wrongly throws TypeError', () => {
    const recovery = recoveryOf();
    for (const wrong of [undefined, null, 'a', {}, { id: 1, type: 't' }, { id: 'a' }]) {
      expect(() => recovery.trackJob(wrong)).toThrow(TypeError);
    }
    expect(() => recovery.updateJobState('a', 'paused')).toThrow(
      "CrashRecovery.updateJobState: state takes 'pending' or 'running'",
    );
    expect(() => recovery.removeJob(1)).toThrow('CrashRecovery.removeJob: jobId takes a string; got 1 (number)');
  });

  test('getRecoverableJobs(): pending, then running reset to pending with retries + 1, at most maxRecoveredJobs', () => {
    const recovery = recoveryOf({ maxRecoveredJobs: 3 });
    for (const id of ['a', 'b', 'c', 'd']) recovery.trackJob(job(id));
    recovery.updateJobState('a', 'running', 40);
    recovery.updateJobState('b', 'running');
    for (let n = 0; n < 2; n += 1) {
      expect(recovery.getRecoverableJobs()).toMatchObject([
        { id: 'c', state: 'pending', retries: 0 },
        { id: 'd', state: 'pending', retries: 0 },
        { id: 'a', state: 'pending', retries: 1, progress: 40 },
      ]);
    }
    expect(recovery.getStats()).toMatchObject({ pendingJobs: 2, runningJobs: 2 });
  });

  test('what it gives are copies', () => {
    const recovery = recoveryOf();
    recovery.trackJob(job('a'));
    recovery.getRecoverableJobs()[0].payload.page = 'changed';
    expect(recovery.getRecoverableJobs()[0].payload).toEqual({ page: 'a' });
  });

  test('ids are told apart, whatever is in them', () => {
    const recovery = recoveryOf();
    const ids = ['', 'a', 'A', '"', '\\', '\n', 'é', '\ud800', '\udc00', '__proto__', 'constructor', '🦜'];
    for (const id of ids) recovery.trackJob(job(id));
    expect(idsOf(recovery.getRecoverableJobs())).toEqual(ids);
    for (const id of ids.slice(1)) recovery.removeJob(id);
    expect(idsOf(recovery.getRecoverableJobs())).toEqual(['']);
  });
});

describe('getStats()', () => {
  test('lastHealthCheck is null without any state, then 0, then the time of the last `ready`', async () => {
    const engine = new EventEmitter();
    const recovery = recoveryOf({ engine });
    expect(recovery.getStats()).toStrictEqual({ pendingJobs: 0, runningJobs: 0, lastHealthCheck: null });
    await recovery.init();
    expect(recovery.getStats().lastHealthCheck).toBe(0);
    const before = Date.now();
    engine.emit('ready', { type: 'ready' });
    const { lastHealthCheck } = recovery.getStats();
    expect(lastHealthCheck).toBeGreaterThanOrEqual(before);
    expect(lastHealthCheck).toBeLessThanOrEqual(Date.now());
  });

  test('without init() it is 0 from the first tracked job on', () => {
    const recovery = recoveryOf();
    recovery.trackJob(job('a'));
    expect(recovery.getStats()).toStrictEqual({ pendingJobs: 1, runningJobs: 0, lastHealthCheck: 0 });
  });

  test('survives in the folder', async () => {
    const stateDir = folder();
    const engine = new EventEmitter();
    const first = await openRecovery({ engine, stateDir });
    engine.emit('ready', { type: 'ready' });
    const { lastHealthCheck } = first.getStats();
    const second = await openRecovery({ stateDir });
    expect(second.getStats().lastHealthCheck).toBe(lastHealthCheck);
  });
});

describe('before or without `init()` tracking works in memory; `init()` merges it', () => {
  test('memory wins over the folder, removals and clearState() too', async () => {
    const stateDir = folder();
    const first = await openRecovery({ stateDir });
    for (const id of ['a', 'b', 'c']) first.trackJob(job(id));
    await first.shutdown();
    const second = recoveryOf({ stateDir });
    second.trackJob(job('b', { payload: 'mine' }));
    second.trackJob(job('d'));
    second.removeJob('c');
    await second.init();
    expect(second.getRecoverableJobs().map(({ id, payload }) => [id, payload])).toEqual([
      ['a', { page: 'a' }],
      ['b', 'mine'],
      ['d', { page: 'd' }],
    ]);
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(['a', 'b', 'd']);
    await second.shutdown();
    const third = recoveryOf({ stateDir });
    await third.clearState();
    await third.init();
    expect(third.getRecoverableJobs()).toEqual([]);
    expect(await jobsLeftIn(stateDir)).toEqual([]);
  });

  test('init() is idempotent: the same promise', () => {
    const recovery = recoveryOf();
    expect(recovery.init()).toBe(recovery.init());
  });

  test('init() rejects when the folder cannot be made, with Node’s error, and can be called again', async () => {
    const stateDir = path.join(folder(), 'file');
    fs.writeFileSync(stateDir, '');
    const recovery = recoveryOf({ stateDir });
    recovery.trackJob(job('a'));
    expect(await failureOf(recovery.init())).toMatchObject({ code: 'EEXIST', syscall: 'mkdir' });
    expect(recovery.getStats().pendingJobs).toBe(1);
    fs.unlinkSync(stateDir);
    await recovery.init();
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(['a']);
  });
});

describe('shutdown()', () => {
  test('is idempotent; afterwards tracking is in memory, and init() works again', async () => {
    const stateDir = folder();
    const engine = new EventEmitter();
    const recovery = await openRecovery({ stateDir, engine });
    recovery.trackJob(job('a'));
    recovery.trackJob(job('b'));
    await Promise.all([recovery.shutdown(), recovery.shutdown()]);
    await recovery.shutdown();
    expect(engine.eventNames()).toEqual([]);
    recovery.trackJob(job('c'));
    recovery.removeJob('a');
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(['a', 'b']);
    await recovery.init();
    expect(idsOf(recovery.getRecoverableJobs())).toEqual(['b', 'c']);
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(['b', 'c']);
    expect(engine.eventNames()).toEqual(['ready', 'restart']);
  });

  test('what somebody else has ended meanwhile does not come back', async () => {
    const stateDir = folder();
    const recovery = await openRecovery({ stateDir });
    recovery.trackJob(job('a'));
    await recovery.shutdown();
    const other = await openRecovery({ stateDir });
    other.removeJob('a');
    await other.shutdown();
    await recovery.init();
    expect(recovery.getRecoverableJobs()).toEqual([]);
  });

  test('while init() is under way, and before it', async () => {
    const recovery = recoveryOf();
    await recovery.shutdown();
    const opening = recovery.init();
    const closing = recovery.shutdown();
    const again = recovery.init();
    await Promise.all([opening, closing, again]);
    recovery.trackJob(job('a'));
    await recovery.shutdown();
  });
});

test('clearState(): everything is gone, durable when it resolves', async () => {
  const stateDir = folder();
  const recovery = await openRecovery({
    stateDir,
    onJobRecovery: () => Promise.reject(new Error('no')),
    maxAttempts: 1,
  });
  recovery.trackJob(job('parked'));
  await recovery.recover();
  recovery.trackJob(job('a'));
  recovery.updateJobState('a', 'running');
  recovery.trackJob(job('b'));
  expect(recovery.getParkedJobs()).toHaveLength(1);
  await recovery.clearState();
  expect(recovery.getStats()).toMatchObject({ pendingJobs: 0, runningJobs: 0 });
  expect(recovery.getParkedJobs()).toEqual([]);
  expect(readSnapshot(stateDir)).toMatchObject({ pendingJobs: [], runningJobs: [], parkedJobs: [] });
  recovery.trackJob(job('c'));
  expect(idsOf(await jobsLeftIn(stateDir))).toEqual(['c']);
});

describe('a payload that JSON cannot hold stays in memory and is logged', () => {
  const cycle = {};
  cycle.self = cycle;

  test.each([
    ['a cycle', cycle],
    ['a BigInt', 10n],
    ['a function', () => 1],
  ])('%s', async (_, payload) => {
    const stateDir = folder();
    const recovery = await openRecovery({ stateDir });
    recovery.trackJob(job('a', { payload, extra: 1 }));
    recovery.trackJob(job('b'));
    expect(lines).toEqual([expect.stringMatching(/^\[Recovery\] Job 'a' has what JSON cannot hold/)]);
    recovery.updateJobState('a', 'running', 5);
    const found = recovery.getRecoverableJobs().find(({ id }) => id === 'a');
    expect(found.payload).toBe(payload);
    expect(found).toMatchObject({ type: 'ocr', priority: 'normal', extra: 1, progress: 5, retries: 1 });
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(['b']);
    recovery.trackJob(job('a'));
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(['b', 'a']);
    recovery.trackJob(job('a', { payload }));
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(['b']);
    recovery.removeJob('a');
    expect(idsOf(recovery.getRecoverableJobs())).toEqual(['b']);
  });
});
