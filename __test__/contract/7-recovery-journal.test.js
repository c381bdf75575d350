import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import {
  SNAPSHOT,
  elsewhere,
  filesOf,
  folderWith,
  ids,
  job,
  journalsOf,
  leftIn,
  openRecovery,
  readIn,
  recovery,
} from '../support/recovery-folders.js';

const logged = consoleErrors();
const opened = (stateDir, options) => openRecovery({ stateDir, autoRecover: false, ...options });
const told = (jobs) => jobs.map(({ id, progress, retries }) => [id, progress, retries]);

describe('when a call returns, its change survives SIGKILL', () => {
  test('every call, one after the other', async () => {
    const stateDir = folder();
    const one = await opened(stateDir, { persistInterval: 1e9 });
    const CALLS = [
      [() => one.trackJob(job('a')), [['a', 0, 0]]],
      [() => one.trackJob(job('b', { progress: 3 })), [['a', 0, 0], ['b', 3, 0]]], // prettier-ignore
      [() => one.updateJobState('a', 'running', 7), [['b', 3, 0], ['a', 7, 1]]], // prettier-ignore
      [() => one.updateJobState('a', 'running', 7.25), [['b', 3, 0], ['a', 7.25, 1]]], // prettier-ignore
      [() => one.updateJobState('a', 'pending'), [['a', 7.25, 0], ['b', 3, 0]]], // prettier-ignore
      [() => one.updateJobState('b', 'failed'), [['a', 7.25, 0]]],
      [() => one.removeJob('a'), []],
      [() => one.trackJob(job('a', { retries: 1 })), [['a', 0, 1]]],
    ];
    for (const [call, expected] of CALLS) {
      call();
      expect(told((await leftIn(stateDir)).jobs).sort()).toEqual(expected.sort());
    }
    expect((await leftIn(stateDir)).jobs).toStrictEqual(one.getRecoverableJobs());
    expect(logged).toEqual([]);
  });

  test('what `recover()` did: handed over, failed (its retries), parked', async () => {
    const stateDir = folder();
    let seen;
    const one = recovery({
      stateDir,
      maxAttempts: 2,
      onJobRecovery: async (each) => {
        if (each.id === 'killer') seen = await leftIn(stateDir);
        if (each.id !== 'good') throw new Error('no');
      },
    });
    for (const id of ['good', 'bad', 'killer']) one.trackJob(job(id));
    await one.init();
    // Inside the callback its own hand-over counts already: a job that ends the process in it must not do so for ever.
    expect(told(seen.jobs)).toEqual([
      ['bad', 0, 1],
      ['killer', 0, 1],
    ]);
    expect(told((await leftIn(stateDir)).jobs)).toEqual([
      ['bad', 0, 1],
      ['killer', 0, 1],
    ]);
    await one.recover();
    await one.recover();
    const left = await leftIn(stateDir);
    expect([ids(left.jobs), ids(left.parked)]).toEqual([[], ['bad', 'killer']]);
  });

  test('the order, the extra fields, the payloads are those of memory', async () => {
    const stateDir = folder();
    const one = await opened(stateDir);
    for (let index = 0; index < 300; index += 1) {
      one.trackJob(job(`job ${index % 100}`, { payload: { index, text: 'é'.repeat(index) }, round: index }));
      if (index % 3 === 0) one.updateJobState(`job ${(index * 7) % 100}`, 'running', index);
      if (index % 5 === 0) one.removeJob(`job ${(index * 11) % 100}`);
    }
    const inMemory = one.getRecoverableJobs();
    expect((await leftIn(stateDir)).jobs).toStrictEqual(inMemory);
    await one.shutdown();
    expect((await readIn(stateDir)).jobs).toStrictEqual(inMemory);
  });

  test('of a real process', async () => {
    const stateDir = folder();
    const first = elsewhere(stateDir, { persistInterval: 1e9 });
    await first.said;
    await first.ask('many', 2000, 100);
    await first.ask('updateJobState', 'many 7', 'running', 50);
    await first.ask('removeJob', 'many 8');
    await first.kill();
    const { jobs } = await readIn(stateDir);
    expect(jobs).toHaveLength(1999);
    expect(told([jobs.at(-1)])).toEqual([['many 7', 50, 1]]);
  });

  test.runIf(process.platform === 'linux')('a journal is appended with one `write`', async () => {
    const first = elsewhere(folder(), { persistInterval: 1e9 });
    await first.said;
    await first.ask('many', 10, 10);
    const before = await first.ask('writes');
    await first.ask('many', 500, 10);
    const behind = await first.ask('writes');
    // The app's own lines, and Node's threads that wake each other, are the rest.
    expect(behind - before).toBeGreaterThanOrEqual(500);
    expect(behind - before).toBeLessThan(520);
  });
});

describe('the journals that count are those of the snapshot’s generation and later', () => {
  test('an older one that was not deleted in time brings nothing back', async () => {
    const stateDir = folder();
    const one = await opened(stateDir);
    one.trackJob(job('ended'));
    one.trackJob(job('a'));
    const [older] = journalsOf(stateDir);
    const bytes = filesOf(stateDir)[older];
    one.removeJob('ended');
    await one.shutdown();
    await one.init();
    one.trackJob(job('b'));
    expect(journalsOf(stateDir)).not.toContain(older);
    const left = await leftIn(folderWith({ ...filesOf(stateDir), [older]: bytes }));
    expect(ids(left.jobs)).toEqual(['a', 'b']);
  });

  test('killed between the new journal and the new snapshot: both journals, in order', async () => {
    const stateDir = folder();
    const one = await opened(stateDir);
    one.trackJob(job('a'));
    one.trackJob(job('ended'));
    const before = filesOf(stateDir);
    await one.shutdown();
    await one.init();
    const began = filesOf(stateDir);
    one.removeJob('ended');
    one.trackJob(job('b'));
    const [later] = journalsOf(stateDir);
    for (const journal of [began[later], filesOf(stateDir)[later]]) {
      const left = await leftIn(folderWith({ ...before, [later]: journal }));
      expect(ids(left.jobs)).toEqual(journal === began[later] ? ['a', 'ended'] : ['a', 'b']);
    }
    expect(logged).toEqual([]);
  });

  test('killed while the snapshot was written aside: what is aside does not count, and does not stay', async () => {
    const stateDir = folder();
    const one = await opened(stateDir);
    one.trackJob(job('a'));
    const files = filesOf(stateDir);
    const torn = folderWith({ ...files, [`${SNAPSHOT}.tmp`]: '{"engineVersion":"","pendingJobs":[{"id":"x",' });
    expect(ids((await leftIn(torn)).jobs)).toEqual(['a']);
    expect(ids((await readIn(torn)).jobs)).toEqual(['a']);
    expect(Object.keys(filesOf(torn)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('journals without any snapshot', async () => {
    const stateDir = folder();
    const one = await opened(stateDir);
    one.trackJob(job('a'));
    const files = filesOf(stateDir);
    delete files[SNAPSHOT];
    const left = await leftIn(folderWith(files));
    // No snapshot was written by nobody: of the two readings (all journals, none) only the first loses nothing.
    expect(ids(left.jobs)).toEqual(['a']);
  });

  test('names that only look like journals: huge, signed, leading zeros, a folder', async () => {
    const stateDir = folder();
    const one = await opened(stateDir);
    one.trackJob(job('a'));
    const made = folderWith(filesOf(stateDir));
    const names = ['99999999999999999999999', '-1', '007', '18446744073709551615', '9007199254740993', ''];
    for (const name of names) fs.writeFileSync(path.join(made, `recovery-journal-${name}.log`), 'none\n');
    fs.mkdirSync(path.join(made, 'recovery-journal-77.log'));
    const again = await opened(made);
    expect(ids(again.getRecoverableJobs())).toEqual(['a']);
    again.trackJob(job('b'));
    await again.shutdown();
    expect(ids((await readIn(made)).jobs)).toEqual(['a', 'b']);
  });
});

describe('compacting', () => {
  test('bounds the journal however long the app runs, and loses nothing', async () => {
    const stateDir = folder();
    const one = await opened(stateDir, { persistInterval: 10 });
    // One that is removed meanwhile has no size.
    const stats = () =>
      journalsOf(stateDir).map((name) => fs.statSync(path.join(stateDir, name), { throwIfNoEntry: false }));
    const size = () => stats().reduce((sum, each) => sum + (each ? each.size : Infinity), 0);
    const payload = 'x'.repeat(10_000);
    one.trackJob(job('stays'));
    for (let round = 0; round < 20; round += 1) {
      for (let index = 0; index < 100; index += 1) one.trackJob(job('changes', { payload, round, index }));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    one.trackJob(job('last'));
    await eventually(() => size() < 4 << 20, 'the compacting of 20 MB to below 4');
    const { jobs } = await leftIn(stateDir);
    expect(ids(jobs)).toEqual(ids(one.getRecoverableJobs()));
    expect(jobs.find(({ id }) => id === 'changes')).toMatchObject({ round: 19, index: 99 });
  });

  test('what is tracked while the snapshot is written is in the journal behind it', async () => {
    const stateDir = folder();
    const one = await opened(stateDir, { persistInterval: 1 });
    for (let round = 0; round < 30; round += 1) {
      const end = one.shutdown();
      const again = one.init();
      one.trackJob(job(`during ${round}`));
      await end;
      await again;
      one.trackJob(job(`behind ${round}`));
      expect((await leftIn(stateDir)).jobs).toHaveLength(2 * (round + 1));
    }
  });
});
