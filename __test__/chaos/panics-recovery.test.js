import { describe, expect, test } from 'vitest';
import { fault, outcome } from '../support/faults.js';
import { idsOf, job, openRecovery, recoveryOf } from '../support/crash-recovery.js';
import { recoveryFolder, tracksAndDies } from '../support/recovery-panics.js';
import { eventually } from '../support/eventually.js';

const PANICKED = expect.objectContaining({ code: 'INTERNAL_PANIC' });
const jobsOf = (recovery) => idsOf(recovery.getRecoverableJobs()).sort();

describe('a panic in trackJob(): it throws INTERNAL_PANIC, the jobs before are still there, the next one is durable', () => {
  test.each(['export', 'lock', 'append'])('%s', async (place) => {
    const stateDir = recoveryFolder();
    const recovery = await openRecovery({ stateDir, autoRecover: false });
    recovery.trackJob(job('a'));
    fault(recovery, place);
    expect(() => recovery.trackJob(job('b'))).toThrow(PANICKED);
    expect(jobsOf(recovery)).toContain('a');
    recovery.trackJob(job('c'));
    recovery.updateJobState('a', 'running', 50);
    expect(jobsOf(recovery)).toEqual(expect.arrayContaining(['a', 'c']));
    await recovery.shutdown();
    const again = await openRecovery({ stateDir, autoRecover: false });
    expect(jobsOf(again)).toEqual(expect.arrayContaining(['a', 'c']));
    expect(again.getStats()).toMatchObject({ runningJobs: 1 });
  });

  test('a SIGKILL right behind the next trackJob() loses neither what was before the panic nor what came behind it', async () => {
    const stateDir = recoveryFolder();
    for (const place of ['lock', 'append', 'keeper', 'compact']) await tracksAndDies(stateDir, place);
    const again = await openRecovery({ stateDir, autoRecover: false });
    const expected = ['lock', 'append', 'keeper', 'compact'].flatMap((place) => [`${place} before`, `${place} behind`]);
    expect(jobsOf(again)).toEqual(expect.arrayContaining(expected));
  });
});

test('a panic as the folder is opened: init() rejects, and the next init() has the jobs', async () => {
  const stateDir = recoveryFolder();
  const first = await openRecovery({ stateDir, autoRecover: false });
  first.trackJob(job('a'));
  await first.shutdown();
  for (const place of ['opening', 'compact']) {
    const recovery = recoveryOf({ stateDir, autoRecover: false });
    recovery.trackJob(job(`tracked before ${place}`));
    fault(recovery, place);
    await expect(recovery.init()).rejects.toEqual(PANICKED);
    await recovery.init();
    expect(jobsOf(recovery)).toEqual(expect.arrayContaining(['a', `tracked before ${place}`]));
    recovery.trackJob(job('c'));
    await recovery.shutdown();
  }
});

describe("a panic on the keeper's thread: what it was at rejects, and it goes on", () => {
  test.each(['keeper', 'compact'])('clearState() at %s', async (place) => {
    const stateDir = recoveryFolder();
    const recovery = await openRecovery({ stateDir, autoRecover: false, persistInterval: 50 });
    recovery.trackJob(job('a'));
    fault(recovery, place);
    expect(['INTERNAL_PANIC', undefined]).toContain(await outcome(recovery.clearState()));
    expect(jobsOf(recovery)).toEqual([]);
    recovery.trackJob(job('b'));
    await recovery.clearState();
    recovery.trackJob(job('c'));
    await recovery.shutdown();
    const again = await openRecovery({ stateDir, autoRecover: false });
    expect(jobsOf(again)).toEqual(['c']);
  });

  test('shutdown() rejects, nothing is lost, and init() opens the folder again', async () => {
    const stateDir = recoveryFolder();
    const recovery = await openRecovery({ stateDir, autoRecover: false });
    recovery.trackJob(job('a'));
    fault(recovery, 'compact');
    await expect(recovery.shutdown()).rejects.toEqual(PANICKED);
    await recovery.init();
    expect(jobsOf(recovery)).toEqual(['a']);
    await recovery.shutdown();
    const again = await openRecovery({ stateDir, autoRecover: false });
    expect(jobsOf(again)).toEqual(['a']);
  });
});

test('a panic during the recovery from a panic, and a hundred in a row', async () => {
  const stateDir = recoveryFolder();
  const recovery = await openRecovery({ stateDir, autoRecover: false, persistInterval: 20 });
  recovery.trackJob(job('a'));
  fault(recovery, 'lock');
  fault(recovery, 'rebuild', 2);
  expect(() => recovery.trackJob(job('b'))).toThrow(PANICKED);
  fault(recovery, 'append', 100);
  for (let n = 0; n < 100; n += 1) expect(() => recovery.trackJob(job('b'))).toThrow(PANICKED);
  fault(recovery, 'keeper', 100);
  recovery.trackJob(job('c'));
  await eventually(
    async () => (await outcome(recovery.clearState().then(() => 'cleared'))) === 'cleared',
    'a keeper that keeps',
    20_000,
  );
  recovery.trackJob(job('d'));
  await recovery.shutdown();
  const again = await openRecovery({ stateDir, autoRecover: false });
  expect(jobsOf(again)).toEqual(['d']);
});
