import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { ids, job, leftIn, openRecovery, recovery } from '../support/recovery-folders.js';
import { folder } from '../support/folders.js';

const logged = consoleErrors();

/** Every promise of this file holds in memory, before `init()`, and with files behind it. */
const KINDS = [
  ['without init()', async (options) => recovery({ autoRecover: false, ...options })],
  ['behind init()', (options) => openRecovery({ autoRecover: false, ...options })],
];

describe.each(KINDS)('%s', (_, made) => {
  test('a tracked job is `{id,type,payload,priority,state,progress,createdAt,startedAt?,retries}`', async () => {
    const one = await made();
    const before = Date.now();
    one.trackJob({ id: 'a', type: 'ocr', payload: { deep: [1, null, { x: 'é' }] }, priority: 'high' });
    const [found] = one.getRecoverableJobs();
    expect(found.createdAt).toBeGreaterThanOrEqual(before);
    expect(found.createdAt).toBeLessThanOrEqual(Date.now());
    expect(found).toStrictEqual({
      id: 'a',
      type: 'ocr',
      payload: { deep: [1, null, { x: 'é' }] },
      priority: 'high',
      state: 'pending',
      progress: 0,
      createdAt: found.createdAt,
      retries: 0,
    });
  });

  test('extra fields are kept', async () => {
    const one = await made();
    const more = { owner: { name: 'Zoë', tags: [] }, 'a key': null, zero: -1.5e-7, flag: false, constructor: 'c' };
    one.trackJob(job('a', more));
    expect(one.getRecoverableJobs()[0]).toMatchObject({ ...job('a'), ...more });
  });

  test('what a job says of itself is kept: a callback tracks the very job that it was handed', async () => {
    const one = await made();
    one.trackJob(job('a', { createdAt: 5, retries: 2, state: 'pending', progress: 30 }));
    one.trackJob(job('b', { createdAt: 6, retries: 1, state: 'running', progress: 40, startedAt: 7 }));
    expect(one.getStats()).toMatchObject({ pendingJobs: 1, runningJobs: 1 });
    expect(one.getRecoverableJobs()).toEqual([
      job('a', { createdAt: 5, retries: 2, state: 'pending', progress: 30 }),
      expect.objectContaining({ id: 'b', createdAt: 6, retries: 2, state: 'pending' }),
    ]);
  });

  test('the same id again replaces', async () => {
    const one = await made();
    one.trackJob(job('a', { extra: 1 }));
    one.updateJobState('a', 'running', 50);
    one.trackJob({ id: 'a', type: 'other', payload: 2, priority: 'low' });
    expect(one.getStats()).toMatchObject({ pendingJobs: 1, runningJobs: 0 });
    const found = one.getRecoverableJobs();
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ id: 'a', type: 'other', payload: 2, priority: 'low', retries: 0, progress: 0 });
    expect(found[0]).not.toHaveProperty('extra');
    expect(found[0]).not.toHaveProperty('startedAt');
  });

  test('`updateJobState` moves a job, sets its progress, and leaves it alone where none is given', async () => {
    const one = await made();
    one.trackJob(job('a'));
    const before = Date.now();
    one.updateJobState('a', 'running', 10);
    expect(one.getStats()).toMatchObject({ pendingJobs: 0, runningJobs: 1 });
    const [running] = one.getRecoverableJobs();
    expect(running).toMatchObject({ progress: 10, state: 'pending', retries: 1 });
    expect(running.startedAt).toBeGreaterThanOrEqual(before);
    expect(running.startedAt).toBeLessThanOrEqual(Date.now());
    one.updateJobState('a', 'running');
    expect(one.getRecoverableJobs()[0].progress).toBe(10);
    one.updateJobState('a', 'running', 0);
    expect(one.getRecoverableJobs()[0].progress).toBe(0);
    one.updateJobState('a', 'pending', 5);
    expect(one.getStats()).toMatchObject({ pendingJobs: 1, runningJobs: 0 });
    expect(one.getRecoverableJobs()[0]).toMatchObject({ progress: 5, retries: 0 });
  });

  test.each(['done', 'failed', 'cancelled'])('%s ends a job, pending or running', async (state) => {
    const one = await made();
    for (const id of ['a', 'b', 'c']) one.trackJob(job(id));
    one.updateJobState('a', 'running');
    one.updateJobState('a', state, 100);
    one.updateJobState('b', state);
    expect(ids(one.getRecoverableJobs())).toEqual(['c']);
    expect(one.getStats()).toMatchObject({ pendingJobs: 1, runningJobs: 0 });
  });

  test('`removeJob` takes a job out; of unknown jobs nothing is heard', async () => {
    const one = await made();
    one.trackJob(job('a'));
    one.trackJob(job('b'));
    one.updateJobState('b', 'running');
    for (const id of ['b', 'b', 'none', '', '__proto__', 'constructor', 'toString']) one.removeJob(id);
    for (const id of ['none', '', '__proto__', 'constructor']) one.updateJobState(id, 'running', 1);
    expect(ids(one.getRecoverableJobs())).toEqual(['a']);
    expect(logged).toEqual([]);
  });

  test('`getRecoverableJobs()`: pending, then running reset to `pending` with `retries + 1`', async () => {
    const one = await made();
    for (const id of ['a', 'b', 'c', 'd']) one.trackJob(job(id));
    one.updateJobState('a', 'running', 70);
    one.updateJobState('c', 'running');
    const found = one.getRecoverableJobs();
    expect(found.map(({ id, state, retries }) => [id, state, retries])).toEqual([
      ['b', 'pending', 0],
      ['d', 'pending', 0],
      ['a', 'pending', 1],
      ['c', 'pending', 1],
    ]);
    expect(one.getStats()).toMatchObject({ pendingJobs: 2, runningJobs: 2 });
    expect(one.getRecoverableJobs()).toEqual(found);
  });

  test.each([0, 1, 2, 3, 4, Infinity])('at most `maxRecoveredJobs`: %s', async (maxRecoveredJobs) => {
    const one = await made({ maxRecoveredJobs });
    for (const id of ['a', 'b', 'c']) one.trackJob(job(id));
    one.updateJobState('a', 'running');
    expect(ids(one.getRecoverableJobs())).toEqual(['b', 'c', 'a'].slice(0, maxRecoveredJobs));
    expect(one.getStats()).toMatchObject({ pendingJobs: 2, runningJobs: 1 });
  });

  test('what is handed out and what was handed in are nobody else’s: changes to them change no job', async () => {
    const one = await made();
    const given = job('a', { payload: { list: [1] } });
    one.trackJob(given);
    given.id = 'x';
    given.payload.list.push(2);
    const [found] = one.getRecoverableJobs();
    expect(found).toMatchObject({ id: 'a', payload: { list: [1] } });
    found.payload.list.push(3);
    found.state = 'done';
    one.getParkedJobs().push(found);
    expect(one.getRecoverableJobs()[0]).toMatchObject({ state: 'pending', payload: { list: [1] } });
    expect(one.getParkedJobs()).toEqual([]);
  });

  test('`getStats()` is `{pendingJobs, runningJobs, lastHealthCheck}`', async () => {
    const one = await made();
    one.trackJob(job('a'));
    expect(one.getStats()).toStrictEqual({ pendingJobs: 1, runningJobs: 0, lastHealthCheck: 0 });
  });
});

describe('`lastHealthCheck`: null without any state, then 0, then the time of the last `ready`', () => {
  const ready = (engine) => engine.emit('ready', { type: 'ready', timestamp: Date.now(), data: null });

  test('null, and 0 behind `init()`', async () => {
    const one = recovery();
    expect(one.getStats()).toStrictEqual({ pendingJobs: 0, runningJobs: 0, lastHealthCheck: null });
    await one.init();
    expect(one.getStats()).toStrictEqual({ pendingJobs: 0, runningJobs: 0, lastHealthCheck: 0 });
  });

  test('the time, which the next process finds again', async () => {
    const stateDir = folder();
    const engine = new EventEmitter();
    const one = await openRecovery({ engine, stateDir });
    const before = Date.now();
    ready(engine);
    const { lastHealthCheck } = one.getStats();
    expect(lastHealthCheck).toBeGreaterThanOrEqual(before);
    expect(lastHealthCheck).toBeLessThanOrEqual(Date.now());
    await one.shutdown();
    expect((await leftIn(stateDir)).stats.lastHealthCheck).toBe(lastHealthCheck);
  });

  test('of a `ready` that says nothing, as a stub of an engine emits it', async () => {
    const engine = new EventEmitter();
    const one = await openRecovery({ engine });
    const before = Date.now();
    engine.emit('ready');
    expect(one.getStats().lastHealthCheck).toBeGreaterThanOrEqual(before);
    expect(logged).toEqual([]);
  });
});
