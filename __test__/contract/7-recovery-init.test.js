import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import {
  SNAPSHOT,
  eventsOf,
  filesOf,
  ids,
  job,
  journalsOf,
  leftIn,
  openRecovery,
  readIn,
  recovery,
} from '../support/recovery-folders.js';

const logged = consoleErrors();
const here = process.cwd();
afterEach(() => process.chdir(here));

describe('`init()` rejects when the folder cannot be made, with Node’s own error', () => {
  const PLACES = {
    'below a file': (root) => path.join(root, 'file', 'state'),
    'a file': (root) => path.join(root, 'file'),
    'a broken link': (root) => path.join(root, 'broken'),
    'where no folder can be': () => '/dev/null/state',
    'a name with NUL': (root) => path.join(root, 'a\0b'),
    'a name that is too long': (root) => path.join(root, 'n'.repeat(300)),
  };
  test.each(Object.entries(PLACES))('%s', async (_, place) => {
    const root = folder();
    fs.writeFileSync(path.join(root, 'file'), 'mine');
    fs.symlinkSync(path.join(root, 'no', 'where'), path.join(root, 'broken'));
    const handed = [];
    const one = recovery({ stateDir: place(root), onJobRecovery: (each) => handed.push(each.id) });
    one.trackJob(job('a'));
    const error = await one.init().then(
      () => null,
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(Error);
    expect(error.code).toMatch(/^(E[A-Z]+|ERR_INVALID_ARG_VALUE)$/);
    expect(fs.readFileSync(path.join(root, 'file'), 'utf8')).toBe('mine');
    one.trackJob(job('b'));
    expect(ids(one.getRecoverableJobs())).toEqual(['a', 'b']);
    expect(handed).toEqual([]);
  });

  test('behind the failure it can be called again, and merges what was tracked meanwhile', async () => {
    const root = folder();
    const stateDir = path.join(root, 'file');
    fs.writeFileSync(stateDir, 'mine');
    const one = recovery({ stateDir, autoRecover: false });
    one.trackJob(job('a'));
    await expect(one.init()).rejects.toMatchObject({ code: 'EEXIST' });
    one.trackJob(job('b'));
    fs.rmSync(stateDir);
    await one.init();
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['a', 'b']);
  });
});

describe('the folder', () => {
  test('is made with those above it, private; so are its files', async () => {
    const umask = process.umask(0);
    try {
      const stateDir = path.join(folder(), 'deep', 'deeper', 'ünïcode 🦜');
      const one = await openRecovery({ stateDir });
      one.trackJob(job('a'));
      const modes = () => fs.readdirSync(stateDir).map((name) => fs.statSync(path.join(stateDir, name)).mode & 0o777);
      expect(fs.statSync(stateDir).mode & 0o777).toBe(0o700);
      expect(modes().every((mode) => mode === 0o600)).toBe(true);
      await one.shutdown();
      expect(modes().length).toBeGreaterThan(0);
      expect(modes().every((mode) => mode === 0o600)).toBe(true);
    } finally {
      process.umask(umask);
    }
  });

  test('is not touched by the constructor, by tracking, or by `shutdown()` without `init()`', async () => {
    const stateDir = path.join(folder(), 'state');
    const one = recovery({ stateDir });
    one.trackJob(job('a'));
    one.updateJobState('a', 'running');
    await one.shutdown();
    expect(fs.existsSync(stateDir)).toBe(false);
  });

  test('may be a link to a folder', async () => {
    const real = folder();
    const link = path.join(folder(), 'link');
    fs.symlinkSync(real, link);
    const one = await openRecovery({ stateDir: link });
    one.trackJob(job('a'));
    await one.shutdown();
    expect(ids((await readIn(real)).jobs)).toEqual(['a']);
  });

  test('stays the same one when the app changes its working directory', async () => {
    const root = folder();
    process.chdir(root);
    const one = await openRecovery({ stateDir: 'state', persistInterval: 5 });
    process.chdir(folder());
    one.trackJob(job('a'));
    await one.shutdown();
    expect(fs.readdirSync(process.cwd())).toEqual([]);
    expect(ids((await readIn(path.join(root, 'state'))).jobs)).toEqual(['a']);
  });

  test('foreign files in it stay', async () => {
    const stateDir = folder();
    const foreign = { 'notes.txt': 'mine', 'recovery-notes.log': 'mine', 'recovery-journal-x.log': 'mine' };
    for (const [name, text] of Object.entries(foreign)) fs.writeFileSync(path.join(stateDir, name), text);
    const one = await openRecovery({ stateDir });
    one.trackJob(job('a'));
    await one.clearState();
    await one.shutdown();
    for (const [name, text] of Object.entries(foreign)) {
      expect(fs.readFileSync(path.join(stateDir, name), 'utf8')).toBe(text);
    }
  });

  test.each([
    SNAPSHOT,
    `${SNAPSHOT}.tmp`,
    'recovery.lock',
    'recovery-journal-0.log',
    'recovery-journal-1.log',
    'recovery-journal-2.log',
  ])('a link in place of %s is not followed: what it points to stays as it is', async (name) => {
    const stateDir = folder();
    const victim = path.join(folder(), 'victim');
    fs.writeFileSync(victim, '{"precious":true}', { mode: 0o644 });
    fs.symlinkSync(victim, path.join(stateDir, name));
    const one = recovery({ stateDir, persistInterval: 5 });
    await one.init().catch((error) => expect(error).toBeInstanceOf(Error));
    one.trackJob(job('a'));
    one.updateJobState('a', 'running');
    await one.shutdown();
    expect(fs.readFileSync(victim, 'utf8')).toBe('{"precious":true}');
    expect(fs.statSync(victim).mode & 0o777).toBe(0o644);
  });
});

describe('`init()` merges what was tracked before', () => {
  const before = async (...jobs) => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir });
    for (const each of jobs) one.trackJob(each);
    await one.shutdown();
    return stateDir;
  };

  test('with what the folder holds, and it is durable at once', async () => {
    const stateDir = await before(job('disk'));
    const one = recovery({ stateDir, autoRecover: false });
    one.trackJob(job('memory'));
    one.trackJob(job('running'));
    one.updateJobState('running', 'running', 30);
    await one.init();
    const found = one.getRecoverableJobs();
    expect(ids(found).sort()).toEqual(['disk', 'memory', 'running']);
    expect(found.find(({ id }) => id === 'running')).toMatchObject({ progress: 30, retries: 1 });
    expect((await leftIn(stateDir)).jobs).toEqual(found);
  });

  test('the same id: the later one, in memory', async () => {
    const stateDir = await before(job('a', { payload: 'old' }), job('b'));
    const one = recovery({ stateDir, autoRecover: false });
    one.trackJob(job('a', { payload: 'new' }));
    await one.init();
    const payloads = (jobs) => Object.fromEntries(jobs.map(({ id, payload }) => [id, payload]));
    expect(payloads(one.getRecoverableJobs())).toEqual({ a: 'new', b: { page: 'b' } });
    expect(payloads((await leftIn(stateDir)).jobs)).toEqual({ a: 'new', b: { page: 'b' } });
  });

  test('what is tracked, updated and removed while it runs counts', async () => {
    const stateDir = await before(job('disk'));
    const one = recovery({ stateDir, autoRecover: false });
    one.trackJob(job('gone'));
    const opened = one.init();
    one.trackJob(job('a'));
    one.trackJob(job('b'));
    one.updateJobState('b', 'running', 5);
    one.removeJob('gone');
    await Promise.resolve();
    one.trackJob(job('c'));
    await opened;
    const found = one.getRecoverableJobs();
    expect(ids(found).sort()).toEqual(['a', 'b', 'c', 'disk']);
    expect((await leftIn(stateDir)).jobs).toEqual(found);
  });

  // What `init()` finds it must not bring back to life when the app has said during it that it is done.
  test('a job of the folder that ends while `init()` runs has ended', async () => {
    const stateDir = await before(job('a'), job('b'), job('c'));
    const one = recovery({ stateDir, autoRecover: false });
    const opened = one.init();
    one.removeJob('a');
    one.updateJobState('b', 'done');
    await opened;
    expect(ids(one.getRecoverableJobs())).toEqual(['c']);
  });

  test('what was tracked between `shutdown()` and the next `init()` is merged, what was removed stays removed', async () => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('a'));
    one.trackJob(job('b'));
    await one.shutdown();
    one.trackJob(job('c'));
    one.removeJob('a');
    expect((await leftIn(stateDir)).jobs.length).toBe(2);
    await one.init();
    expect(ids(one.getRecoverableJobs()).sort()).toEqual(['b', 'c']);
    expect(ids((await leftIn(stateDir)).jobs).sort()).toEqual(['b', 'c']);
  });
});

describe('calls of `init()` at once and again', () => {
  test('recover once, and read once', async () => {
    const handed = [];
    const one = recovery({ onJobRecovery: async (each) => handed.push(each.id) });
    const events = eventsOf(one);
    one.trackJob(job('a'));
    await Promise.all([one.init(), one.init(), one.init()]);
    await one.init();
    expect(handed).toEqual(['a']);
    expect(events.map(([name]) => name)).toEqual(['start', 'job', 'complete']);
  });

  test('the engine is followed once', async () => {
    const engine = new EventEmitter();
    const one = await openRecovery({ engine });
    await one.init();
    await one.shutdown();
    await one.init();
    expect([engine.listenerCount('ready'), engine.listenerCount('restart')]).toEqual([1, 1]);
  });

  test('each promise is settled with nothing', async () => {
    const one = recovery();
    expect(await Promise.all([one.init(), one.init()])).toEqual([undefined, undefined]);
    expect(await one.clearState()).toBeUndefined();
    expect(await one.shutdown()).toBeUndefined();
    expect(one.trackJob(job('a'))).toBeUndefined();
    expect(one.updateJobState('a', 'running')).toBeUndefined();
    expect(one.removeJob('a')).toBeUndefined();
  });

  test('many objects, each on a folder of its own, at once', async () => {
    const all = Array.from({ length: 30 }, () => ({ stateDir: folder() }));
    await Promise.all(
      all.map(async (each, index) => {
        const one = await openRecovery({ stateDir: each.stateDir });
        one.trackJob(job(`own ${index}`));
        await one.shutdown();
      }),
    );
    for (const [index, { stateDir }] of all.entries()) {
      expect(Object.keys(filesOf(stateDir))).toContain(SNAPSHOT);
      expect(ids((await readIn(stateDir)).jobs)).toEqual([`own ${index}`]);
    }
    expect(logged).toEqual([]);
  });
});

test('`init()` leaves at most one journal, however often it is called and the app is killed', async () => {
  let stateDir = folder();
  for (let round = 0; round < 5; round += 1) {
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job(`round ${round}`));
    expect(journalsOf(stateDir).length).toBeLessThanOrEqual(1);
    await one.shutdown();
    expect(journalsOf(stateDir).length).toBeLessThanOrEqual(1);
  }
  expect((await readIn(stateDir)).jobs).toHaveLength(5);
});
