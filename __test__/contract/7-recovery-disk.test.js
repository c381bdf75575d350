import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { SNAPSHOT, elsewhere, ids, job, journalsOf, leftIn, readIn, recovery } from '../support/recovery-folders.js';

const logged = consoleErrors();
const has = (command, ...args) => {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** A folder on a disk of its own, of that size; null where this process may not mount one. */
const mounted = [];
function disk(size) {
  const at = folder();
  if (!has('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', at)) return null;
  mounted.push(at);
  return at;
}
afterEach(() => mounted.splice(0).forEach((at) => has('umount', '-l', at)));
const probe = disk('64k');
const canMount = probe !== null;
if (canMount) has('umount', '-l', probe);

const INTERVAL_MS = 40;
const made = (stateDir, options) =>
  recovery({ stateDir, autoRecover: false, persistInterval: INTERVAL_MS, maxRecoveredJobs: Infinity, ...options });
async function opened(stateDir, options) {
  const one = made(stateDir, options);
  await one.init();
  return one;
}
const big = (id) => job(id, { payload: id.padEnd(8000, '.') });
const range = (count) => Array.from({ length: count }, (_, index) => `job ${index}`);

describe.runIf(canMount)('when the append fails (a full disk)', () => {
  const full = (at) => {
    const filler = path.join(at, 'filler');
    const file = fs.openSync(filler, 'a');
    try {
      for (;;) fs.writeSync(file, Buffer.alloc(512));
    } catch (error) {
      expect(error.code).toBe('ENOSPC');
    }
    fs.closeSync(file);
    return () => fs.rmSync(filler);
  };

  test.each([
    ['more than 16 MiB of changes: a whole snapshot takes their place', 20],
    ['what waited makes the journal long: it is compacted', 12],
  ])('%s, and nothing is lost', async (_, count) => {
    const at = disk('48m');
    const stateDir = path.join(at, 'state');
    const one = await opened(stateDir);
    const free = full(at);
    const names = range(count);
    for (const name of names) one.trackJob(job(name, { payload: 'x'.repeat(1024 * 1024) }));
    free();
    const snapshot = path.join(stateDir, SNAPSHOT);
    await eventually(() => fs.statSync(snapshot).size > names.length * 1024 * 1024, 'the snapshot');
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(names);
  });

  test('the change stays in memory, is logged once, and is appended again every `persistInterval`', async () => {
    const at = disk('1m');
    const stateDir = path.join(at, 'state');
    const one = await opened(stateDir);
    one.trackJob(big('early'));
    const free = full(at);
    const names = range(20);
    for (const name of names) one.trackJob(big(name));
    one.updateJobState('job 0', 'running', 5);
    one.removeJob('job 1');
    one.removeJob('early');
    expect(one.getStats()).toMatchObject({ pendingJobs: 18, runningJobs: 1 });
    await new Promise((resolve) => setTimeout(resolve, 4 * INTERVAL_MS));
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain('[Recovery] ');
    expect(logged[0]).toContain(stateDir);
    free();
    const expected = [...names.slice(2), 'job 0'];
    await eventually(async () => (await leftIn(stateDir)).jobs.length === expected.length, 'the append', 3000);
    expect((await leftIn(stateDir)).jobs).toStrictEqual(one.getRecoverableJobs());
    expect(ids(one.getRecoverableJobs())).toEqual(expected);
    expect(logged).toHaveLength(1);
  });

  test('each episode is logged', async () => {
    const at = disk('1m');
    const one = await opened(path.join(at, 'state'));
    const [journal] = journalsOf(path.join(at, 'state'));
    const size = () => fs.statSync(path.join(at, 'state', journal)).size;
    for (const round of [1, 2]) {
      const free = full(at);
      for (const name of range(5)) one.trackJob(big(`${round} ${name}`));
      await eventually(() => logged.length === round, 'the log line', 3000);
      free();
      await eventually(
        async () => (await leftIn(path.join(at, 'state'))).jobs.length === 5 * round,
        'the append',
        3000,
      );
      // The episode is over when a change is in the journal as its call returns.
      await eventually(() => {
        const before = size();
        one.updateJobState(`${round} job 0`, 'pending', 1);
        return size() > before;
      }, 'its end');
    }
  });

  test('what was durable before stays: a crash meanwhile leaves whole jobs, the first of them', async () => {
    const at = disk('256k');
    const one = await opened(path.join(at, 'state'), { persistInterval: 1e9 });
    const names = range(60);
    for (const name of names) one.trackJob(big(name));
    await eventually(() => logged.length === 1, 'the log line', 3000);
    const { jobs } = await leftIn(path.join(at, 'state'));
    expect(jobs.length).toBeGreaterThan(10);
    expect(jobs.length).toBeLessThan(60);
    expect(ids(jobs)).toEqual(names.slice(0, jobs.length));
    for (const each of jobs) expect(each.payload).toBe(each.id.padEnd(8000, '.'));
  });

  test('`shutdown()` on it settles, keeps what is there, and frees the folder', async () => {
    const at = disk('1m');
    const stateDir = path.join(at, 'state');
    const one = await opened(stateDir);
    for (const name of range(10)) one.trackJob(big(name));
    const free = full(at);
    one.trackJob(big('late'));
    await one.shutdown().catch((error) => expect(error).toBeInstanceOf(Error));
    free();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(expect.arrayContaining(range(10)));
    expect((await elsewhere(stateDir).said).locked).toEqual([]);
  });

  test('`init()` on it: rejects or works in memory, with every job of the folder still there behind it', async () => {
    const at = disk('1m');
    const stateDir = path.join(at, 'state');
    const one = await opened(stateDir);
    for (const name of range(10)) one.trackJob(big(name));
    await one.shutdown();
    const free = full(at);
    const other = recovery({ stateDir, autoRecover: false, persistInterval: INTERVAL_MS });
    await other.init().catch((error) => expect(error).toBeInstanceOf(Error));
    other.trackJob(big('late'));
    expect(ids(other.getRecoverableJobs())).toContain('late');
    await other.shutdown().catch((error) => expect(error).toBeInstanceOf(Error));
    free();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(expect.arrayContaining(range(10)));
  });

  test('a disk that is read-only by now', async () => {
    const at = disk('1m');
    const stateDir = path.join(at, 'state');
    const one = await opened(stateDir);
    one.trackJob(job('a'));
    await one.shutdown();
    execFileSync('mount', ['-o', 'remount,ro', at]);
    const other = recovery({ stateDir, autoRecover: false, persistInterval: INTERVAL_MS });
    await other.init().catch((error) => expect(error.code).toBe('EROFS'));
    other.trackJob(job('b'));
    expect(ids(other.getRecoverableJobs())).toContain('b');
    await other.shutdown().catch(() => {});
    execFileSync('mount', ['-o', 'remount,rw', at]);
    expect(ids((await readIn(stateDir)).jobs)).toContain('a');
  });
});

describe.runIf(has('prlimit', '--version'))('when a file may not grow further', () => {
  const limit = (pid, bytes) => execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]);

  test('a record that fits in part is not left in part: those behind it are read', async () => {
    const stateDir = folder();
    const app = elsewhere(stateDir, { persistInterval: INTERVAL_MS });
    await app.said;
    limit(app.child.pid, 30_000);
    for (const name of range(10)) await app.ask('trackJob', big(name));
    expect(await app.ask('getStats')).toMatchObject({ pendingJobs: 10 });
    const { jobs } = await leftIn(stateDir);
    expect(ids(jobs)).toEqual(range(jobs.length));
    expect(jobs.length).toBeLessThan(10);
    limit(app.child.pid, 'unlimited');
    await eventually(async () => (await leftIn(stateDir)).jobs.length === 10, 'the append', 3000);
    await app.ask('trackJob', job('behind'));
    expect(await app.ask('logged')).toHaveLength(1);
    await app.kill();
    expect(ids((await readIn(stateDir)).jobs)).toEqual([...range(10), 'behind']);
  });
});

// A cleaner, or the user, may take the folder away under a running app.
describe('when files vanish', () => {
  test.each([
    ['the folder', (stateDir) => fs.rmSync(stateDir, { recursive: true })],
    [
      'everything in it',
      (stateDir) => fs.readdirSync(stateDir).forEach((name) => fs.rmSync(path.join(stateDir, name))),
    ],
    ['the folder, renamed', (stateDir) => fs.renameSync(stateDir, `${stateDir} moved`)],
  ])('%s: the whole state is written anew, and that is logged at most once', async (_, vanish) => {
    const root = folder();
    const stateDir = path.join(root, 'state');
    const one = made(stateDir);
    one.trackJob(job('a'));
    await one.init();
    // Nothing is to be synced: the files are not made anew while they are being removed.
    vanish(stateDir);
    one.trackJob(job('b'));
    const back = async () => fs.existsSync(stateDir) && (await leftIn(stateDir)).jobs.length === 2;
    await eventually(back, 'the state', 3000);
    one.trackJob(job('c'));
    await eventually(async () => (await leftIn(stateDir)).jobs.length === 3, 'the third job', 3000);
    expect(logged.length).toBeLessThanOrEqual(1);
    await one.shutdown();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['a', 'b', 'c']);
  });

  test('`shutdown()` and `clearState()` without a folder settle', async () => {
    const stateDir = path.join(folder(), 'state');
    const one = await opened(stateDir, { persistInterval: 1e9 });
    one.trackJob(job('a'));
    fs.rmSync(stateDir, { recursive: true });
    await one.clearState().catch((error) => expect(error).toBeInstanceOf(Error));
    fs.rmSync(stateDir, { recursive: true, force: true });
    one.trackJob(job('b'));
    await one.shutdown().catch((error) => expect(error).toBeInstanceOf(Error));
  });

  test('a snapshot that cannot be replaced (a folder in its place): the journal still takes everything', async () => {
    const stateDir = folder();
    const one = await opened(stateDir);
    fs.rmSync(path.join(stateDir, SNAPSHOT), { force: true });
    fs.mkdirSync(path.join(stateDir, SNAPSHOT, 'in the way'), { recursive: true });
    one.trackJob(job('a'));
    await one.shutdown().catch((error) => expect(error).toBeInstanceOf(Error));
    fs.rmSync(path.join(stateDir, SNAPSHOT), { recursive: true });
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['a']);
  });
});
