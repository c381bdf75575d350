import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import {
  SNAPSHOT,
  eventsOf,
  filesOf,
  folderWith,
  ids,
  job,
  journalsOf,
  openRecovery,
  recovery,
} from '../support/recovery-folders.js';
import { rounds } from '../support/rounds.js';

const ROUNDS = rounds(300);
const SEED = Number(process.env.SEED || 7_001);
const logged = consoleErrors();

function randomOf(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What a payload must not be taken for: jobs, records, quotes that a flipped quote would open. */
const tricky = (index) => ({
  index,
  text: `"},{"id":"not a job","type":"t"}\n{"id":"${index}"}`,
  inner: [{ id: `inner of ${index}`, type: 't', payload: 1, priority: 'low', state: 'pending', retries: 0 }],
});

/** Every state that a job ever had, as JSON, by its id. */
function historian() {
  const had = new Map();
  return {
    note(jobs) {
      for (const each of jobs) had.set(each.id, (had.get(each.id) || new Set()).add(JSON.stringify(each)));
    },
    /** Whether a job is one that there was, as it was at one of its times. */
    knows: (each) => had.has(each.id) && had.get(each.id).has(JSON.stringify(each)),
  };
}

/** A folder in use: a snapshot of twelve jobs, and a journal with news of them and twelve more. Nothing is removed. */
async function inUse() {
  const stateDir = folder();
  const history = historian();
  const one = await openRecovery({ stateDir, autoRecover: false });
  const changed = () => history.note(one.getRecoverableJobs());
  for (let index = 0; index < 12; index += 1) {
    one.trackJob(job(`old ${index}`, { payload: tricky(index) }));
    changed();
    if (index % 3 === 0) one.updateJobState(`old ${index}`, 'running', index);
    changed();
  }
  await one.shutdown();
  await one.init();
  for (let index = 0; index < 12; index += 1) {
    one.trackJob(job(`new ${index}`, { payload: tricky(100 + index) }));
    changed();
    one.updateJobState(`${index % 2 ? 'old' : 'new'} ${index}`, 'running', 50 + index);
    changed();
  }
  const jobs = one.getRecoverableJobs();
  return { files: filesOf(stateDir), journal: journalsOf(stateDir)[0], jobs, history };
}

/** Opens a damaged folder; what it finds, and what it said of it. */
async function found(files) {
  logged.length = 0;
  const stateDir = folderWith(files);
  const one = recovery({ stateDir, autoRecover: false, maxRecoveredJobs: Infinity });
  const events = eventsOf(one);
  await one.init();
  const jobs = one.getRecoverableJobs();
  const lines = logged.slice();
  one.trackJob(job('next'));
  await one.shutdown();
  // What was found once is found again, and of the damage nothing more is said.
  logged.length = 0;
  const again = await openRecovery({ stateDir, autoRecover: false, maxRecoveredJobs: Infinity });
  expect(ids(again.getRecoverableJobs()).sort()).toEqual([...ids(jobs), 'next'].sort());
  await again.shutdown();
  expect(logged).toEqual([]);
  expect(events).toEqual([]);
  const aside = fs.readdirSync(stateDir).filter((name) => /corrupt/.test(name));
  return { jobs, lines, aside };
}

function flipped(bytes, at, bit) {
  const copy = Buffer.from(bytes);
  copy[at] ^= 1 << bit;
  return copy;
}

const DAMAGES = {
  'one bit flipped': (bytes, random) => flipped(bytes, random(bytes.length), random(8)),
  'one byte another': (bytes, random) => {
    const copy = Buffer.from(bytes);
    copy[random(bytes.length)] = [0, 10, 34, 44, 91, 92, 93, 123, 125, 255][random(10)];
    return copy;
  },
  'cut short': (bytes, random) => bytes.subarray(0, random(bytes.length)),
  'a piece taken out': (bytes, random) => {
    const at = random(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(300))]);
  },
  'a piece doubled': (bytes, random) => {
    const at = random(bytes.length);
    return Buffer.concat([bytes.subarray(0, at + 1 + random(300)), bytes.subarray(at)]);
  },
  'a page of zeros': (bytes, random) => {
    const copy = Buffer.from(bytes);
    const at = random(bytes.length);
    return copy.fill(0, at, Math.min(at + 512, bytes.length));
  },
};

describe.each([
  ['the journal', ({ journal }) => journal],
  ['the snapshot', () => SNAPSHOT],
])('%s damaged at random places: the right jobs or fewer, never a wrong job, never a throw', (_, nameOf) => {
  test.each(Object.entries(DAMAGES))('%s', async (name, damage) => {
    const random = randomOf(SEED);
    const use = await inUse();
    const file = nameOf(use);
    let fewer = 0;
    for (let round = 0; round < Math.ceil(ROUNDS / 6); round += 1) {
      const bytes = damage(use.files[file], random);
      const { jobs, lines, aside } = await found({ ...use.files, [file]: bytes });
      const where = `round ${round}, SEED=${SEED}`;
      expect(
        jobs.filter((each) => !use.history.knows(each)),
        where,
      ).toEqual([]);
      expect(new Set(ids(jobs)).size, where).toBe(jobs.length);
      if (jobs.length < use.jobs.length) fewer += 1;
      // The damage is in one file: what the other one has of jobs is all there.
      const other = file === SNAPSHOT ? 'new' : 'old';
      expect(ids(jobs).filter((id) => id.startsWith(other)).length, where).toBe(12);
      expect(lines.length, `${where}: ${lines}`).toBeLessThanOrEqual(1);
      expect(aside.length, where).toBeLessThanOrEqual(1);
      if (file === SNAPSHOT && !bytes.equals(use.files[file]))
        expect([lines.length, aside.length], where).toEqual([1, 1]);
    }
    expect(fewer).toBeGreaterThan(0);
    expect(name).toBeTruthy();
  });
});

describe('the journal’s tail, cut anywhere', () => {
  test('what is whole before the cut counts, exactly; nothing is set aside or said', async () => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    const [journal] = journalsOf(stateDir);
    const before = filesOf(stateDir);
    const states = [[before[journal].length, JSON.stringify([])]];
    const size = () => filesOf(stateDir)[journal].length;
    const note = () => states.push([size(), JSON.stringify(one.getRecoverableJobs())]);
    for (let index = 0; index < 10; index += 1) {
      one.trackJob(job(`job ${index % 4}`, { payload: { index, text: 'é🦜'.repeat(index) } }));
      note();
      if (index % 3 === 1) one.updateJobState(`job ${index % 4}`, 'running', index);
      note();
      if (index % 4 === 3) one.removeJob(`job ${(index - 1) % 4}`);
      note();
    }
    const bytes = filesOf(stateDir)[journal];
    for (let at = states[0][0]; at <= bytes.length; at += at % 5 === 0 ? 3 : 1) {
      const made = folderWith({ ...before, [journal]: bytes.subarray(0, at) });
      const reader = await openRecovery({ stateDir: made, autoRecover: false });
      const expected = (end) => states.filter(([length]) => length <= end).at(-1)[1];
      // A record that lacks its newline alone is whole.
      expect([expected(at), expected(at + 1)], `cut at ${at}`).toContain(JSON.stringify(reader.getRecoverableJobs()));
      await reader.shutdown();
      expect(fs.readdirSync(made).filter((name) => name.includes('corrupt'))).toEqual([]);
    }
    expect(logged).toEqual([]);
  }, 120_000);

  test('a record in the middle that is gone costs that one; those behind it count', async () => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    const [journal] = journalsOf(stateDir);
    for (const id of ['a', 'b', 'c']) one.trackJob(job(id, { payload: `payload of ${id}` }));
    const files = filesOf(stateDir);
    const at = files[journal].indexOf('payload of b');
    const { jobs, lines, aside } = await found({ ...files, [journal]: flipped(files[journal], at, 0) });
    expect(ids(jobs)).toEqual(['a', 'c']);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('[Recovery] ');
    expect(aside).toHaveLength(1);
  });

  test('two copies of a journal, and foreign bytes in front, are no second jobs', async () => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    const [journal] = journalsOf(stateDir);
    for (const id of ['a', 'b']) one.trackJob(job(id));
    const files = filesOf(stateDir);
    for (const bytes of [
      Buffer.concat([files[journal], files[journal]]),
      Buffer.concat([Buffer.from('\n\n{"id":"x","type":"t"}\n'), files[journal]]),
    ]) {
      const { jobs } = await found({ ...files, [journal]: bytes });
      expect(jobs.every(({ id }) => id === 'a' || id === 'b')).toBe(true);
      expect(new Set(ids(jobs)).size).toBe(jobs.length);
    }
  });
});
