import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cacheIn, v1Name, writeV1 } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import { modesIn, openFolder } from '../support/hostile-folders.js';
import { SNAPSHOT, ids, job, openRecovery, readIn } from '../support/recovery-folders.js';

const lines = consoleErrors();
const UNIX = process.platform !== 'win32';
const NOBODY = 65_534;

/** What stands open to others, as a copy from elsewhere or another program leaves it. */
function open(where) {
  for (const name of fs.readdirSync(where)) fs.chmodSync(path.join(where, name), 0o666);
}

const allPrivate = (where) => {
  const modes = modesIn(where);
  expect(modes).toEqual(Object.fromEntries(Object.keys(modes).map((name) => [name, '600'])));
  return Object.keys(modes);
};

describe.runIf(UNIX)('0600 for files, 0700 for folders, whatever the umask', () => {
  let umask;
  beforeEach(() => (umask = process.umask(0)));
  afterEach(() => process.umask(umask));

  test('the cache, its log, its lock, and what is set aside of it', async () => {
    const cacheDir = path.join(folder(), 'above', 'cache');
    const cache = cacheIn(cacheDir);
    await cache.set('k', 1);
    expect(allPrivate(cacheDir)).toEqual(['cache.db', 'cache.db-shm', 'cache.db-wal', 'cache.lock']);
    for (const made of [cacheDir, path.dirname(cacheDir)]) expect(fs.statSync(made).mode & 0o777).toBe(0o700);
    await cache.close();
    fs.writeFileSync(path.join(cacheDir, 'cache.db'), 'no database '.repeat(1000));
    open(cacheDir);
    expect(await cacheIn(cacheDir).set('k', 2)).toEqual({ success: true });
    expect(allPrivate(cacheDir).some((name) => /\.corrupt-/.test(name))).toBe(true);
  });

  test('files of the cache that stood open to others are closed to them when they are next used', async () => {
    const cacheDir = folder();
    const first = cacheIn(cacheDir);
    await first.set('k', 1);
    const copy = folder();
    for (const name of fs.readdirSync(cacheDir)) fs.copyFileSync(path.join(cacheDir, name), path.join(copy, name));
    open(copy);
    fs.chmodSync(copy, 0o755);
    const cache = cacheIn(copy);
    expect(await cache.get('k')).toEqual({ found: true, value: 1 });
    allPrivate(copy);
    // The folder is the app's.
    expect(fs.statSync(copy).mode & 0o777).toBe(0o755);
  });

  test('snapshot, journals, lock, and the copies of damaged ones', async () => {
    const stateDir = path.join(folder(), 'above', 'state');
    const one = await openRecovery({ stateDir });
    one.trackJob(job('a'));
    expect(allPrivate(stateDir)).toContain(SNAPSHOT);
    expect(fs.statSync(stateDir).mode & 0o777).toBe(0o700);
    await one.shutdown();
    fs.writeFileSync(path.join(stateDir, SNAPSHOT), '{"pendingJobs":[');
    fs.writeFileSync(path.join(stateDir, 'recovery-journal-9.log'), 'no journal\n');
    open(stateDir);
    const again = await openRecovery({ stateDir });
    again.trackJob(job('b'));
    await again.shutdown();
    const names = allPrivate(stateDir);
    expect(names.filter((name) => /\.corrupt-/.test(name))).toHaveLength(2);
  });
});

// Only root can give a file away, and so show what another user would do.
const AS_ROOT = UNIX && process.getuid() === 0;
const give = (file) => fs.chownSync(file, NOBODY, NOBODY);
const giveAllIn = (where) => fs.readdirSync(where).forEach((name) => give(path.join(where, name)));

describe.runIf(AS_ROOT)('What another user put into the folder is not believed', () => {
  test('a database', async () => {
    const [theirs, cacheDir] = [folder(), openFolder()];
    const maker = cacheIn(theirs);
    await maker.set('k', 'of somebody else');
    await maker.close();
    const file = path.join(cacheDir, 'cache.db');
    fs.copyFileSync(path.join(theirs, 'cache.db'), file);
    fs.chmodSync(file, 0o666);
    give(file);
    const before = fs.readFileSync(file);
    const cache = cacheIn(cacheDir);
    expect(await cache.get('k')).toEqual({ found: false });
    // What is stored could be read by them.
    expect(await cache.set('secret', 1)).toEqual({ success: false });
    expect(await cache.get('secret')).toEqual({ found: true, value: 1 });
    await cache.close();
    expect(fs.readFileSync(file).equals(before)).toBe(true);
    expect(lines.join('\n')).toMatch('belongs to another user');
  });

  test('an entry of version 1', async () => {
    const cacheDir = openFolder();
    give(writeV1(cacheDir, 'k', 'of somebody else'));
    const cache = cacheIn(cacheDir);
    expect(await cache.get('k')).toEqual({ found: false });
    await cache.set('k', 'mine');
    expect(fs.existsSync(path.join(cacheDir, v1Name('k')))).toBe(false);
    expect(await cache.get('k')).toEqual({ found: true, value: 'mine' });
  });

  test.each([SNAPSHOT, 'recovery-journal-1.log'])('jobs in %s', async (name) => {
    const [theirs, stateDir] = [folder(), openFolder()];
    const maker = await openRecovery({ stateDir: theirs });
    maker.trackJob(job('of somebody else'));
    if (name === SNAPSHOT) await maker.shutdown();
    fs.copyFileSync(path.join(theirs, name), path.join(stateDir, name));
    give(path.join(stateDir, name));
    const handedOver = [];
    const one = await openRecovery({ stateDir, onJobRecovery: ({ id }) => handedOver.push(id) });
    expect(handedOver).toEqual([]);
    one.trackJob(job('mine'));
    await one.shutdown();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['mine']);
    expect(lines.join('\n')).toMatch('belongs to another user');
  });

  test('… but what belongs to the owner of the folder is: root works on a user’s files', async () => {
    const cacheDir = folder();
    const maker = cacheIn(cacheDir);
    await maker.set('k', 1);
    await maker.close();
    giveAllIn(cacheDir);
    give(cacheDir);
    expect(await cacheIn(cacheDir).get('k')).toEqual({ found: true, value: 1 });
  });
});

/** A folder of ours that others can look into and not write into. */
function closedFolder() {
  const where = folder();
  fs.chmodSync(where, 0o755);
  return where;
}

describe.runIf(AS_ROOT)('In a folder that nobody else can write into, a changed user or a backup loses nothing', () => {
  test('the cache: entries of version 1, and the database', async () => {
    const cacheDir = closedFolder();
    give(writeV1(cacheDir, 'old', 'of version 1'));
    const first = cacheIn(cacheDir);
    expect(await first.get('old')).toEqual({ found: true, value: 'of version 1' });
    expect(await first.set('k', 1)).toEqual({ success: true });
    await first.close();
    giveAllIn(cacheDir);
    const next = cacheIn(cacheDir);
    for (const key of ['old', 'k']) expect(await next.get(key)).toMatchObject({ found: true });
    expect(await next.set('k', 2)).toEqual({ success: true });
    await next.close();
    expect(await cacheIn(cacheDir).get('k')).toEqual({ found: true, value: 2 });
    expect(lines).toEqual([]);
  });

  test.each(['of version 1', 'of ours'])('the jobs of a state %s', async (kind) => {
    const stateDir = closedFolder();
    if (kind === 'of ours') {
      const maker = await openRecovery({ stateDir });
      maker.trackJob(job('a'));
      await maker.shutdown();
    } else {
      const a = { ...job('a'), state: 'pending', progress: 0, createdAt: 1, retries: 0 };
      const state = { engineVersion: '', lastHealthCheck: 1, pendingJobs: [a], runningJobs: [] };
      fs.writeFileSync(path.join(stateDir, SNAPSHOT), JSON.stringify(state));
    }
    giveAllIn(stateDir);
    const one = await openRecovery({ stateDir, autoRecover: false });
    expect(ids(one.getRecoverableJobs())).toEqual(['a']);
    one.trackJob(job('b'));
    await one.shutdown();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['a', 'b']);
    expect(lines).toEqual([]);
  });
});

describe.runIf(UNIX)('A backup of hard links (cp -al) ends nothing', () => {
  const backUp = (where) => {
    const to = folder();
    for (const name of fs.readdirSync(where)) fs.linkSync(path.join(where, name), path.join(to, name));
  };

  test('the cache stores', async () => {
    const cacheDir = closedFolder();
    const cache = cacheIn(cacheDir);
    await cache.set('k', 1);
    backUp(cacheDir);
    await cache.close();
    const next = cacheIn(cacheDir);
    expect(await next.get('k')).toEqual({ found: true, value: 1 });
    expect(await next.set('k', 2)).toEqual({ success: true });
    await next.close();
    expect(await cacheIn(cacheDir).get('k')).toEqual({ found: true, value: 2 });
    expect(lines).toEqual([]);
  });

  test.each([
    ['closed', closedFolder],
    ['open', openFolder],
  ])('crash recovery keeps jobs, in a folder that is %s to others', async (_, made) => {
    const stateDir = made();
    const one = await openRecovery({ stateDir });
    one.trackJob(job('a'));
    backUp(stateDir);
    await one.shutdown();
    const next = await openRecovery({ stateDir, autoRecover: false });
    expect(ids(next.getRecoverableJobs())).toEqual(['a']);
    next.trackJob(job('b'));
    await next.shutdown();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['a', 'b']);
    expect(lines).toEqual([]);
  });
});
