import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import {
  asideIn,
  idsOf,
  job,
  jobsLeftIn,
  journalsIn,
  killedCopy,
  openRecovery,
  readSnapshot,
  recoveryOf,
  snapshotIn,
} from '../support/crash-recovery.js';
import { rounds, timeFor } from '../support/rounds.js';

const lines = consoleErrors();

const UNIX = process.platform !== 'win32';

/** A folder as a process leaves it that was killed: jobs in the snapshot, and behind it in the journal. */
async function killedFolder() {
  const stateDir = folder();
  const first = await openRecovery({ stateDir, autoRecover: false });
  // Payloads that look like jobs must never come out as some.
  const payload = (id) => ({ id: 'no job', type: 't', state: 'pending', retries: 0, text: `${id} "{}" é` });
  for (const id of ['a', 'b', 'c', 'd']) first.trackJob(job(id, { payload: payload(id) }));
  first.updateJobState('b', 'running', 33);
  await first.shutdown();
  const second = await openRecovery({ stateDir, autoRecover: false });
  second.trackJob(job('e', { payload: payload('e') }));
  second.updateJobState('c', 'running', 44);
  second.removeJob('d');
  second.trackJob(job('f', { payload: payload('f') }));
  const left = killedCopy(stateDir);
  return { stateDir: left, jobs: await jobsLeftIn(left) };
}

/** What the next process finds in a copy of a folder with one file changed. */
async function foundIn(stateDir, file, bytes) {
  const copy = killedCopy(stateDir);
  fs.writeFileSync(path.join(copy, file), bytes);
  const recovery = recoveryOf({ stateDir: copy, autoRecover: false });
  await recovery.init();
  const jobs = recovery.getRecoverableJobs();
  await recovery.shutdown();
  return { jobs, aside: asideIn(copy), copy };
}

describe('recovery-state.json', () => {
  test('after shutdown() it is what version 1 reads, plus parkedJobs and journal', async () => {
    const stateDir = folder();
    const recovery = await openRecovery({
      stateDir,
      autoRecover: false,
      maxAttempts: 1,
      onJobRecovery: () => Promise.reject(new Error('no')),
    });
    recovery.trackJob(job('p'));
    await recovery.recover();
    recovery.trackJob(job('a'));
    recovery.trackJob(job('b'));
    recovery.updateJobState('b', 'running', 5);
    await recovery.shutdown();
    const plain = { state: 'pending', progress: 0, createdAt: expect.any(Number), retries: 0 };
    expect(readSnapshot(stateDir)).toStrictEqual({
      engineVersion: '',
      lastHealthCheck: 0,
      pendingJobs: [{ ...job('a'), ...plain }],
      runningJobs: [{ ...job('b'), ...plain, state: 'running', progress: 5, startedAt: expect.any(Number) }],
      parkedJobs: [{ ...job('p'), ...plain, retries: 1 }],
      journal: { generation: expect.any(Number), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const { generation } = readSnapshot(stateDir).journal;
    expect(journalsIn(stateDir)).toEqual([path.join(stateDir, `recovery-journal-${generation}.log`)]);
  });

  test.runIf(UNIX)('folder and files are their owner’s alone', async () => {
    const stateDir = path.join(folder(), 'deep', 'state');
    const recovery = await openRecovery({ stateDir });
    recovery.trackJob(job('a'));
    await recovery.shutdown();
    const modeOf = (file) => fs.statSync(file).mode & 0o777;
    expect(modeOf(stateDir)).toBe(0o700);
    for (const name of fs.readdirSync(stateDir))
      expect([name, modeOf(path.join(stateDir, name))]).toEqual([name, 0o600]);
  });

  test.runIf(UNIX)('no link is followed', async () => {
    const stateDir = folder();
    const elsewhere = path.join(folder(), 'elsewhere');
    fs.writeFileSync(elsewhere, 'kept');
    fs.symlinkSync(elsewhere, path.join(stateDir, 'recovery-state.json.tmp'));
    fs.symlinkSync(elsewhere, snapshotIn(stateDir));
    const recovery = await openRecovery({ stateDir });
    recovery.trackJob(job('a'));
    fs.rmSync(path.join(stateDir, 'recovery-state.json.tmp'), { force: true });
    await recovery.shutdown();
    expect(fs.readFileSync(elsewhere, 'utf8')).toBe('kept');
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(['a']);
  });
});

describe('version 1’s file is read', () => {
  const v1 = (more) => ({
    engineVersion: '1.2.3',
    lastHealthCheck: 1700000000000,
    pendingJobs: [
      { ...job('a', { extra: { kept: true } }), state: 'pending', progress: 0, createdAt: 1, retries: 0 },
      { ...job('b'), state: 'pending', progress: 0, createdAt: 2, retries: 7 },
    ],
    runningJobs: [{ ...job('c'), state: 'running', progress: 55.5, createdAt: 3, startedAt: 4, retries: 1 }],
    ...more,
  });

  test.each([
    ['indented', (state) => JSON.stringify(state, null, 2)],
    ['with tabs', (state) => JSON.stringify(state, null, '\t')],
    ['compact', (state) => JSON.stringify(state)],
  ])('%s', async (_, written) => {
    const stateDir = folder();
    fs.writeFileSync(snapshotIn(stateDir), written(v1({ unknown: 1 })));
    const recovery = await openRecovery({ stateDir, autoRecover: false });
    const { pendingJobs, runningJobs } = v1();
    expect(recovery.getRecoverableJobs()).toStrictEqual([
      ...pendingJobs,
      { ...runningJobs[0], state: 'pending', retries: 2 },
    ]);
    expect(recovery.getStats()).toStrictEqual({ pendingJobs: 2, runningJobs: 1, lastHealthCheck: 1700000000000 });
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(['a', 'b', 'c']);
    expect([lines, asideIn(stateDir)]).toEqual([[], []]);
  });

  test('a file of ours that it has written anew: every journal is ignored', async () => {
    const { stateDir } = await killedFolder();
    for (const spacing of [0, 2]) {
      const copy = killedCopy(stateDir);
      const state = readSnapshot(copy);
      state.pendingJobs = [{ ...job('theirs'), state: 'pending', progress: 0, createdAt: 1, retries: 0 }];
      state.runningJobs = [];
      fs.writeFileSync(snapshotIn(copy), JSON.stringify(state, null, spacing));
      expect(idsOf(await jobsLeftIn(copy))).toEqual(['theirs']);
    }
    expect(lines).toEqual([]);
  });

  test('torn, as its rewriting in place leaves it: the whole jobs before the end', async () => {
    for (const spacing of [0, 2]) {
      const text = JSON.stringify(v1(), null, spacing);
      const end = text.indexOf('"id"', text.indexOf('"id"', text.indexOf('"id"') + 1) + 1);
      const stateDir = folder();
      fs.writeFileSync(snapshotIn(stateDir), text.slice(0, end + 20));
      const recovery = await openRecovery({ stateDir, autoRecover: false });
      expect(recovery.getRecoverableJobs()).toStrictEqual(v1().pendingJobs);
      expect(asideIn(stateDir)).toHaveLength(1);
      await recovery.shutdown();
    }
  });

  test('what is no job in it is skipped, with a line in the log', async () => {
    const stateDir = folder();
    const state = v1({ runningJobs: [null, { type: 'no id' }, { id: 5, type: 't' }, 'text'] });
    fs.writeFileSync(snapshotIn(stateDir), JSON.stringify(state, null, 2));
    const recovery = await openRecovery({ stateDir, autoRecover: false });
    expect(idsOf(recovery.getRecoverableJobs())).toEqual(['a', 'b']);
    expect(lines).toEqual([expect.stringMatching(/^\[Recovery\] 4 entries of .* are no jobs/)]);
  });

  test.each(['', '{}', '[]', 'null', '{"pendingJobs":7}', '\0'.repeat(100), 'not JSON'])('%j', async (text) => {
    const stateDir = folder();
    fs.writeFileSync(snapshotIn(stateDir), text);
    const recovery = await openRecovery({ stateDir });
    expect(recovery.getStats()).toStrictEqual({ pendingJobs: 0, runningJobs: 0, lastHealthCheck: 0 });
    recovery.trackJob(job('a'));
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(['a']);
  });
});

const ROUNDS = rounds(60);
// Each round opens and closes folders, and waits for the disk to sync them.
const DAMAGE = { timeout: timeFor(ROUNDS, 1000) };

describe('a damaged file is set aside, reported once, and what can be read is recovered', DAMAGE, () => {
  /** Every recovered job is one that was there, as it was at some time. */
  function expectRight(found, jobs, what) {
    for (const { id, type, payload, priority, createdAt } of found) {
      const right = jobs.get(id);
      expect([what, right && right.payload], what).toEqual([what, payload]);
      expect({ type, priority, createdAt }).toEqual({ type: 'ocr', priority: 'normal', createdAt: right.createdAt });
    }
    expect(new Set(idsOf(found)).size).toBe(found.length);
  }

  const random = (() => {
    let seed = Number(process.env.SEED || 20);
    return (below) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
  })();

  async function knownJobs(stateDir) {
    const before = killedCopy(stateDir);
    // The snapshot alone has the job that the journal removes.
    for (const journal of journalsIn(before)) fs.rmSync(journal);
    const all = [...(await jobsLeftIn(stateDir)), ...(await jobsLeftIn(before))];
    return new Map(all.map((known) => [known.id, known]));
  }

  test.each(['snapshot', 'journal'])('%s, flipped at random places: the right jobs or fewer', async (which) => {
    const { stateDir, jobs } = await killedFolder();
    const known = await knownJobs(stateDir);
    const file = which === 'snapshot' ? 'recovery-state.json' : path.basename(journalsIn(stateDir)[0]);
    const whole = fs.readFileSync(path.join(stateDir, file));
    for (let round = 0; round < ROUNDS; round += 1) {
      const bytes = Buffer.from(whole);
      const at = random(bytes.length);
      bytes[at] ^= 1 + random(255);
      lines.length = 0;
      const { jobs: found, aside, copy } = await foundIn(stateDir, file, bytes);
      const what = `${which}[${at}] = ${bytes[at]}`;
      expectRight(found, known, what);
      // One fault costs one job, or one change of one, at most.
      expect(found.length, what).toBeGreaterThanOrEqual(jobs.length - 1);
      // A journal's last byte alone is not missed: what lacks it was being written.
      if (at < bytes.length - 1 || which === 'snapshot') {
        expect([what, aside.length, lines.length]).toEqual([what, 1, 1]);
        expect(fs.readFileSync(path.join(copy, aside[0]))).toEqual(bytes);
      }
      // The next start finds nothing to report.
      lines.length = 0;
      expect(await jobsLeftIn(copy)).toEqual(found);
      expect(lines).toEqual([]);
    }
  });

  test.each(['snapshot', 'journal'])('%s, cut at random places', async (which) => {
    const { stateDir } = await killedFolder();
    const known = await knownJobs(stateDir);
    const file = which === 'snapshot' ? 'recovery-state.json' : path.basename(journalsIn(stateDir)[0]);
    const whole = fs.readFileSync(path.join(stateDir, file));
    for (let round = 0; round < ROUNDS; round += 1) {
      const at = random(whole.length);
      lines.length = 0;
      const { jobs: found, aside } = await foundIn(stateDir, file, whole.subarray(0, at));
      expectRight(found, known, `${which} cut at ${at}`);
      // A torn tail of the journal is normal.
      expect([at, aside.length, lines.length]).toEqual([at, ...(which === 'snapshot' ? [1, 1] : [0, 0])]);
    }
  });
});

describe('the folder in use', () => {
  test('removed, it is made anew with the whole state, and that is told once', async () => {
    const stateDir = path.join(folder(), 'state');
    const recovery = recoveryOf({ stateDir, persistInterval: 20 });
    recovery.trackJob(job('a'));
    await recovery.init();
    // Nothing is to be synced: the files are not made anew while they are being removed.
    fs.rmSync(stateDir, { recursive: true });
    recovery.trackJob(job('b'));
    await eventually(async () => fs.existsSync(snapshotIn(stateDir)), 'the snapshot');
    await eventually(async () => journalsIn(stateDir).length === 1, 'the journal');
    recovery.trackJob(job('c'));
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(['a', 'b', 'c']);
    expect(lines).toEqual([expect.stringContaining('was removed while in use')]);
  });

  test.each(['recovery-state.json', 'the journal', 'recovery.lock'])('%s removed', async (which) => {
    const stateDir = folder();
    const recovery = await openRecovery({ stateDir, persistInterval: 20 });
    recovery.trackJob(job('a'));
    const file = which === 'the journal' ? journalsIn(stateDir)[0] : path.join(stateDir, which);
    fs.rmSync(file);
    recovery.trackJob(job('b'));
    await eventually(() => lines.length === 1, 'the report');
    await eventually(async () => idsOf(await jobsLeftIn(stateDir)).join() === 'a,b', 'the state anew');
    expect(fs.existsSync(path.join(stateDir, 'recovery.lock'))).toBe(true);
    await recovery.shutdown();
  });

  test('the journal is compacted once it has grown, without losing a change', async () => {
    const stateDir = folder();
    const recovery = await openRecovery({ stateDir });
    const [first] = journalsIn(stateDir);
    const payload = 'x'.repeat(10_000);
    for (let n = 0; n < 300; n += 1) {
      recovery.trackJob(job(`job ${n % 10}`, { payload: `${n} ${payload}` }));
      if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => !fs.existsSync(first), 'the first journal removed');
    const left = await jobsLeftIn(stateDir);
    expect(left.map(({ payload: given }) => Number(given.split(' ')[0])).sort((a, b) => a - b)).toEqual([
      290, 291, 292, 293, 294, 295, 296, 297, 298, 299,
    ]);
    // The one that is open stays while nothing is tracked, once the compacting has ended.
    const sizes = await eventually(() => {
      const stats = journalsIn(stateDir).map((file) => fs.statSync(file, { throwIfNoEntry: false }));
      return stats.every(Boolean) && stats.map(({ size }) => size);
    }, 'every journal');
    expect(Math.max(...sizes)).toBeLessThan(3_000_000);
  });

  test('a change is appended before the call returns', async () => {
    const stateDir = folder();
    const recovery = await openRecovery({ stateDir, persistInterval: Infinity });
    const [journal] = journalsIn(stateDir);
    const sizes = [fs.statSync(journal).size];
    const changes = [
      () => recovery.trackJob(job('a')),
      () => recovery.updateJobState('a', 'running', 1),
      () => recovery.removeJob('a'),
    ];
    for (const change of changes) {
      change();
      sizes.push(fs.statSync(journal).size);
    }
    expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => a - b));
    expect(sizes).toHaveLength(4);
  });
});

describe('within one process', () => {
  test('a later init() on the same stateDir takes it over; the earlier object goes on in memory', async () => {
    const stateDir = folder();
    const first = await openRecovery({ stateDir, autoRecover: false });
    first.trackJob(job('a'));
    const second = await openRecovery({ stateDir: path.join(stateDir, '.'), autoRecover: false });
    expect(idsOf(second.getRecoverableJobs())).toEqual(['a']);
    first.trackJob(job('b'));
    second.trackJob(job('c'));
    expect(idsOf(first.getRecoverableJobs())).toEqual(['a', 'b']);
    await first.clearState();
    await first.shutdown();
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(['a', 'c']);
    expect(lines).toEqual([]);
  });

  test('many at once: one has it, none hangs', async () => {
    const stateDir = folder();
    const all = Array.from({ length: 8 }, () => recoveryOf({ stateDir, autoRecover: false }));
    await Promise.all(all.map((recovery) => recovery.init()));
    for (const [n, recovery] of all.entries()) recovery.trackJob(job(`job ${n}`));
    expect(await jobsLeftIn(stateDir)).toHaveLength(1);
    await Promise.all(all.map((recovery) => recovery.shutdown()));
    expect(lines).toEqual([]);
  });
});
