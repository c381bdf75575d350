import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import {
  SNAPSHOT,
  filesOf,
  folderWith,
  ids,
  job,
  journalsOf,
  leftIn,
  openRecovery,
  readIn,
  recovery,
  snapshotOf,
} from '../support/recovery-folders.js';

const logged = consoleErrors();
const NEW_KEYS = ['engineVersion', 'journal', 'lastHealthCheck', 'parkedJobs', 'pendingJobs', 'runningJobs'];

const closed = async (fill, options) => {
  const stateDir = folder();
  const one = await openRecovery({ stateDir, autoRecover: false, ...options });
  fill(one);
  await one.shutdown();
  return stateDir;
};

describe('`recovery-state.json` after `shutdown()`', () => {
  test('is version 1’s file and the two new keys', async () => {
    const engine = new EventEmitter();
    const before = Date.now();
    const stateDir = await closed(
      (one) => {
        engine.emit('ready', { type: 'ready', timestamp: Date.now(), data: null });
        one.trackJob(job('waits', { owner: 'me' }));
        one.trackJob(job('runs'));
        one.updateJobState('runs', 'running', 40);
      },
      { engine },
    );
    const snapshot = snapshotOf(stateDir);
    expect(Object.keys(snapshot).sort()).toEqual(NEW_KEYS);
    expect(snapshot.engineVersion).toBe('');
    expect(snapshot.lastHealthCheck).toBeGreaterThanOrEqual(before);
    const createdAt = expect.any(Number);
    expect(snapshot.pendingJobs).toStrictEqual([
      { ...job('waits'), owner: 'me', state: 'pending', progress: 0, createdAt, retries: 0 },
    ]);
    expect(snapshot.runningJobs).toStrictEqual([
      { ...job('runs'), state: 'running', progress: 40, createdAt, startedAt: createdAt, retries: 0 },
    ]);
    expect(snapshot.parkedJobs).toStrictEqual([]);
    expect(Object.keys(snapshot.journal).sort()).toEqual(['generation', 'sha256']);
    expect(Number.isSafeInteger(snapshot.journal.generation)).toBe(true);
    expect(snapshot.journal.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('of an empty state: lists that are empty, a time that is 0', async () => {
    const snapshot = snapshotOf(await closed(() => {}));
    expect(snapshot).toMatchObject({ engineVersion: '', lastHealthCheck: 0, pendingJobs: [], runningJobs: [] });
    expect(Object.keys(snapshot).sort()).toEqual(NEW_KEYS);
  });

  test('leaves nothing written aside', async () => {
    const stateDir = await closed((one) => one.trackJob(job('a')));
    const names = fs
      .readdirSync(stateDir)
      .filter((name) => !/^recovery(-state\.json|\.lock|-journal-\d+\.log)$/.test(name));
    expect(names).toEqual([]);
  });

  test('is replaced by a rename: whoever had the old one open reads the old one, whole', async () => {
    const stateDir = await closed((one) => one.trackJob(job('old')));
    const old = fs.openSync(path.join(stateDir, SNAPSHOT), 'r');
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('new', { payload: 'n'.repeat(100_000) }));
    await one.shutdown();
    const text = fs.readFileSync(old, 'utf8');
    fs.closeSync(old);
    expect(ids(JSON.parse(text).pendingJobs)).toEqual(['old']);
    expect(ids(snapshotOf(stateDir).pendingJobs)).toEqual(['old', 'new']);
  });

  test('the generation never goes back', async () => {
    const stateDir = folder();
    let last = -1;
    for (let round = 0; round < 4; round += 1) {
      const one = await openRecovery({ stateDir, autoRecover: false });
      one.trackJob(job(`${round}`));
      if (round === 2) await one.clearState();
      await one.shutdown();
      const { generation } = snapshotOf(stateDir).journal;
      expect(generation).toBeGreaterThanOrEqual(last);
      last = generation;
    }
  });
});

describe('a snapshot without `journal` or with a wrong sum was written by version 1: every journal is ignored', () => {
  /** A snapshot of one job, and a journal behind it with another. */
  const inUse = async () => {
    const stateDir = await closed((one) => one.trackJob(job('ours')));
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('journaled'));
    const files = filesOf(stateDir);
    expect(journalsOf(stateDir)).toHaveLength(1);
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['ours', 'journaled']);
    return { files, snapshot: snapshotOf(stateDir) };
  };
  const written = (files, value, spacing) => folderWith({ ...files, [SNAPSHOT]: JSON.stringify(value, null, spacing) });
  const v1 = (id) => ({ ...job(id), state: 'pending', progress: 0, createdAt: 1, retries: 0 });

  test('without it', async () => {
    const { files } = await inUse();
    const state = { engineVersion: '', lastHealthCheck: 9, pendingJobs: [v1('theirs')], runningJobs: [] };
    const stateDir = written(files, state, 2);
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['theirs']);
    // And from then on it is ours again.
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('next'));
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['theirs', 'next']);
    await one.shutdown();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['theirs', 'next']);
  });

  test.each([
    ['a job more', (state) => state.pendingJobs.push(v1('theirs')), ['ours', 'theirs']],
    ['a job fewer', (state) => state.pendingJobs.pop(), []],
    ['another payload', (state) => (state.pendingJobs[0].payload = 'theirs'), ['ours']],
    ['another time', (state) => (state.lastHealthCheck += 1), ['ours']],
    ['another sum', (state) => (state.journal.sha256 = '0'.repeat(64)), ['ours']],
    ['a sum that is none', (state) => (state.journal.sha256 = null), ['ours']],
    ['no sum', (state) => delete state.journal.sha256, ['ours']],
    ['a journal that is none', (state) => (state.journal = 'theirs'), ['ours']],
  ])('with %s', async (_, change, expected) => {
    const { files, snapshot } = await inUse();
    const state = JSON.parse(JSON.stringify(snapshot));
    change(state);
    const stateDir = folderWith({ ...files, [SNAPSHOT]: JSON.stringify(state) });
    const one = await openRecovery({ stateDir, autoRecover: false });
    expect(ids(one.getRecoverableJobs())).toEqual(expected);
  });
});

describe('`clearState()`', () => {
  test('everything is gone when it resolves, also for the next process', async () => {
    const stateDir = await closed((one) => one.trackJob(job('disk')));
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('a'));
    one.updateJobState('a', 'running');
    await one.clearState();
    expect(one.getRecoverableJobs()).toEqual([]);
    expect(one.getStats()).toMatchObject({ pendingJobs: 0, runningJobs: 0 });
    expect((await leftIn(stateDir)).jobs).toEqual([]);
    const bytes = Buffer.concat(Object.values(filesOf(stateDir))).toString('latin1');
    expect(bytes).not.toContain('disk');
    one.trackJob(job('b'));
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['b']);
  });

  test('takes what was there at the call: what is tracked while it runs stays', async () => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('a'));
    const cleared = one.clearState();
    one.trackJob(job('b'));
    await cleared;
    expect(ids(one.getRecoverableJobs())).toEqual(['b']);
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['b']);
  });

  test.each([
    ['several at once', (one) => Promise.all([one.clearState(), one.clearState(), one.clearState()])],
    ['with shutdown() right behind it', (one) => Promise.all([one.clearState(), one.shutdown()])],
    ['with shutdown() right before it', (one) => Promise.all([one.shutdown(), one.clearState()])],
  ])('%s', async (_, calls) => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('a'));
    await calls(one);
    expect(one.getRecoverableJobs()).toEqual([]);
    await one.shutdown();
    expect(logged).toEqual([]);
  });

  test('before `init()`, and while it runs', async () => {
    const one = recovery({ autoRecover: false });
    one.trackJob(job('a'));
    await one.clearState();
    expect(one.getRecoverableJobs()).toEqual([]);
    const opened = one.init();
    one.trackJob(job('b'));
    await Promise.all([one.clearState(), opened]);
    expect(one.getRecoverableJobs()).toEqual([]);
  });
});

describe('`shutdown()`', () => {
  test('is idempotent, at once and again; what was tracked last is in the file', async () => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('a'));
    const first = one.shutdown();
    await Promise.all([first, one.shutdown()]);
    const bytes = fs.readFileSync(path.join(stateDir, SNAPSHOT));
    await one.shutdown();
    expect(fs.readFileSync(path.join(stateDir, SNAPSHOT))).toEqual(bytes);
    expect(ids(snapshotOf(stateDir).pendingJobs)).toEqual(['a']);
  });

  test('during `init()`: both settle, the folder is free and whole', async () => {
    const stateDir = await closed((one) => one.trackJob(job('disk')));
    const one = recovery({ stateDir, autoRecover: false });
    one.trackJob(job('memory'));
    await Promise.all([one.init().catch(() => {}), one.shutdown()]);
    const names = ids((await readIn(stateDir)).jobs);
    expect(names).toContain('disk');
  });

  test('`init()` during it, and again behind it, works', async () => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('a'));
    await Promise.all([one.shutdown(), one.init()]);
    one.trackJob(job('b'));
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['a', 'b']);
    await one.shutdown();
    await one.init();
    one.trackJob(job('c'));
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['a', 'b', 'c']);
  });

  test('behind it tracking is in memory', async () => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false, persistInterval: 1 });
    await one.shutdown();
    const before = filesOf(stateDir);
    one.trackJob(job('late'));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(filesOf(stateDir)).toEqual(before);
    expect(ids(one.getRecoverableJobs())).toEqual(['late']);
  });

  test('the engine’s listeners are taken off', async () => {
    const engine = new EventEmitter();
    const one = await openRecovery({ engine });
    expect(engine.eventNames().length).toBeGreaterThan(0);
    await one.shutdown();
    expect(engine.eventNames()).toEqual([]);
  });
});
