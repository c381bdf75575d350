import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheIn, openIn, remoteCache, sizeOf } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';

const lines = consoleErrors();
const NOTHING = { found: false };
const SUCCESS = { success: true };
const FAILURE = { success: false };

/** What another process finds, or the error that it met. */
async function elsewhere(cacheDir, key) {
  const other = remoteCache(cacheDir);
  const answer = await other.ask('get', key);
  other.end();
  await other.ended;
  return answer;
}

describe('a folder that cannot be made', () => {
  function blocked() {
    const file = path.join(folder(), 'file');
    fs.writeFileSync(file, 'mine');
    return { file, cacheDir: path.join(file, 'cache') };
  }

  test('`init()` rejects with Node’s error', async () => {
    const { cacheDir } = blocked();
    const expected = await fs.promises.mkdir(cacheDir, { recursive: true }).catch((error) => error);
    const error = await cacheIn(cacheDir)
      .init()
      .catch((reason) => reason);
    expect(error).toBeInstanceOf(Error);
    const { code, errno, syscall, message } = expected;
    expect(error).toMatchObject({ code, errno, syscall, message, path: expected.path });
  });

  test('a file in place of the folder', async () => {
    const { file } = blocked();
    await expect(cacheIn(file).init()).rejects.toMatchObject({ code: 'EEXIST', syscall: 'mkdir' });
    expect(fs.readFileSync(file, 'utf8')).toBe('mine');
  });

  test('a NUL in its name', async () => {
    const cache = cacheIn('/tmp/nul\0here');
    await expect(cache.init()).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(await cache.set('k', 1)).toStrictEqual(FAILURE);
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 1 });
  });

  test('*fixed:* the other calls then go on in memory, `set` with `success: false`; said once', async () => {
    for (const first of [true, false]) {
      lines.length = 0;
      const cache = cacheIn(blocked().cacheDir);
      if (first) await cache.init().catch(() => {});
      const value = {};
      expect(await cache.set('a', value)).toStrictEqual(FAILURE);
      expect(await cache.set('b', 2, 60)).toStrictEqual(FAILURE);
      expect((await cache.get('a')).value).toBe(value);
      expect(await cache.get('nothing')).toStrictEqual(NOTHING);
      expect(await cache.has('b')).toBe(true);
      expect((await cache.keys()).sort()).toEqual(['a', 'b']);
      expect(await cache.delete('a')).toStrictEqual(SUCCESS);
      await cache.set('expired', 1, -1);
      expect(await cache.prune()).toBe(1);
      expect(await cache.getOrSet('c', () => 3)).toBe(3);
      expect((await cache.clear()).cleared).toBe(2);
      expect(cache.getStats()).toMatchObject({ memoryCount: 0, diskCount: 0 });
      await cache.close();
      expect(lines.length).toBeLessThanOrEqual(1);
      if (!first) expect(lines).toEqual([expect.stringMatching(/^\[Cache\] /)]);
    }
  });

  test('nothing rejects that nobody waits for', async () => {
    const rejected = [];
    const note = (reason) => rejected.push(reason);
    process.on('unhandledRejection', note);
    try {
      const cache = cacheIn(blocked().cacheDir);
      await Promise.all([cache.get('a'), cache.set('a', 1), cache.get('a'), cache.clear()]);
      await new Promise(setImmediate);
      expect(rejected).toEqual([]);
    } finally {
      process.off('unhandledRejection', note);
    }
  });

  test('once it can be made, it is', async () => {
    const { file, cacheDir } = blocked();
    const cache = cacheIn(cacheDir);
    await expect(cache.init()).rejects.toMatchObject({ code: 'ENOTDIR' });
    expect(await cache.set('k', 1)).toStrictEqual(FAILURE);
    fs.unlinkSync(file);
    await cache.init();
    expect(await cache.set('k', 2)).toStrictEqual(SUCCESS);
    expect(await elsewhere(cacheDir, 'k')).toStrictEqual({ found: true, value: 2 });
  });
});

describe('a folder or file that vanished is noticed and made anew, never written into unlinked', () => {
  const remove = (target) => fs.rmSync(target, { recursive: true });
  const WAYS = [
    ['the folder is removed', (cacheDir) => remove(cacheDir)],
    ['the folder is renamed', (cacheDir) => fs.renameSync(cacheDir, `${cacheDir}-away`)],
    ['the folder and its parent are removed', (cacheDir) => remove(path.dirname(cacheDir))],
    ['the database file is removed', (cacheDir) => remove(path.join(cacheDir, 'cache.db'))],
    [
      'all files are removed',
      (cacheDir) => fs.readdirSync(cacheDir).forEach((name) => remove(path.join(cacheDir, name))),
    ],
    [
      'the folder is replaced by an empty one',
      (cacheDir) => {
        fs.renameSync(cacheDir, `${cacheDir}-away`);
        fs.mkdirSync(cacheDir);
      },
    ],
    [
      'the database is replaced by an older copy',
      (cacheDir) => {
        const file = path.join(cacheDir, 'cache.db');
        fs.copyFileSync(file, `${file}.copy`);
        for (const name of ['cache.db', 'cache.db-wal', 'cache.db-shm'])
          fs.rmSync(path.join(cacheDir, name), { force: true });
        fs.renameSync(`${file}.copy`, file);
      },
    ],
  ];

  test.each(WAYS)('%s: the next `set` is stored where others find it', async (_, vanish) => {
    const cacheDir = path.join(folder(), 'parent', 'cache');
    const cache = cacheIn(cacheDir);
    for (let round = 0; round < 3; round += 1) {
      expect(await cache.set('before', round)).toStrictEqual(SUCCESS);
      vanish(cacheDir);
      expect(await cache.set('k', round)).toStrictEqual(SUCCESS);
      expect(await elsewhere(cacheDir, 'k')).toStrictEqual({ found: true, value: round });
      expect(await cache.get('k')).toStrictEqual({ found: true, value: round });
      fs.rmSync(`${cacheDir}-away`, { recursive: true, force: true });
    }
  });

  test.each(WAYS.slice(0, 4))('%s: reads and the rest go on', async (_, vanish) => {
    const cacheDir = path.join(folder(), 'parent', 'cache');
    const cache = cacheIn(cacheDir, { maxMemorySize: 0 });
    const acts = [
      async () => expect(await cache.get('k')).toStrictEqual(NOTHING),
      async () => expect(await cache.has('k')).toBe(false),
      async () => expect(await cache.delete('k')).toStrictEqual(SUCCESS),
      async () => expect(await cache.clear()).toStrictEqual({ success: true, cleared: 0 }),
      async () => expect(await cache.prune()).toBe(0),
      async () => expect(await cache.keys()).toEqual([]),
      async () => expect(await cache.getOrSet('k', () => 'made')).toBe('made'),
      async () => expect(await cache.close()).toBeUndefined(),
    ];
    for (const act of acts) {
      await cache.set('k', 1);
      vanish(cacheDir);
      await act();
      expect(await cache.set('k', 2)).toStrictEqual(SUCCESS);
      fs.rmSync(`${cacheDir}-away`, { recursive: true, force: true });
    }
    expect(await elsewhere(cacheDir, 'k')).toStrictEqual({ found: true, value: 2 });
  });

  test('in the middle of a crowd of sets: an acknowledged one that comes behind is there', async () => {
    const cacheDir = path.join(folder(), 'cache');
    const cache = cacheIn(cacheDir);
    for (let round = 0; round < 20; round += 1) {
      const crowd = Array.from({ length: 50 }, (_, at) => cache.set(`k${at}`, 'x'.repeat(5000)));
      await crowd[round % 10];
      fs.rmSync(cacheDir, { recursive: true, force: true, maxRetries: 3 });
      const last = await cache.set('last', round);
      await Promise.all(crowd);
      expect(last).toStrictEqual(SUCCESS);
      expect(await cacheIn(cacheDir).get('last')).toStrictEqual({ found: true, value: round });
    }
  });

  test('an app that removes the folder while others write: `set` is honest', async () => {
    const cacheDir = path.join(folder(), 'cache');
    const other = remoteCache(cacheDir);
    const cache = cacheIn(cacheDir);
    for (let round = 0; round < 5; round += 1) {
      await other.ask('set', 'theirs', round);
      await cache.set('mine', round);
      fs.rmSync(cacheDir, { recursive: true });
      expect(await cache.set('mine', round)).toStrictEqual(SUCCESS);
      expect(await other.ask('set', 'theirs', round)).toStrictEqual(SUCCESS);
      const third = cacheIn(cacheDir);
      expect((await third.keys()).sort()).toEqual(['mine', 'theirs']);
      await third.close();
    }
  });

  test('the database file alone, while two processes have it open', async () => {
    const cacheDir = folder();
    const other = remoteCache(cacheDir);
    const cache = cacheIn(cacheDir);
    await other.ask('set', 'theirs', 0);
    await cache.set('mine', 0);
    fs.rmSync(path.join(cacheDir, 'cache.db'));
    expect(await Promise.all([cache.set('mine', 1), other.ask('set', 'theirs', 1)])).toStrictEqual([SUCCESS, SUCCESS]);
    expect(await elsewhere(cacheDir, 'mine')).toStrictEqual({ found: true, value: 1 });
    expect(await elsewhere(cacheDir, 'theirs')).toStrictEqual({ found: true, value: 1 });
  });

  test.runIf(process.platform === 'linux')('no descriptor of what vanished stays open', async () => {
    const cacheDir = path.join(folder(), 'cache');
    const cache = cacheIn(cacheDir);
    for (let round = 0; round < 10; round += 1) {
      await cache.set('k', round);
      fs.rmSync(cacheDir, { recursive: true });
    }
    await cache.set('k', 1);
    expect(openIn(cacheDir).filter((target) => target.includes('(deleted)'))).toEqual([]);
  });

  test('replaced by a file: `success: false`, then as before', async () => {
    const cacheDir = path.join(folder(), 'cache');
    const cache = cacheIn(cacheDir);
    await cache.set('k', 1);
    fs.rmSync(cacheDir, { recursive: true });
    fs.writeFileSync(cacheDir, 'a file');
    expect(await cache.set('k', 2)).toStrictEqual(FAILURE);
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 2 });
    expect(fs.readFileSync(cacheDir, 'utf8')).toBe('a file');
    fs.unlinkSync(cacheDir);
    expect(await cache.set('k', 3)).toStrictEqual(SUCCESS);
    expect(await elsewhere(cacheDir, 'k')).toStrictEqual({ found: true, value: 3 });
  });
});

describe('what stands in the way of the database', () => {
  test.each(['cache.db', 'cache.lock', 'cache.db-wal'])('a folder called %s: memory goes on', async (name) => {
    const cacheDir = folder();
    fs.mkdirSync(path.join(cacheDir, name));
    fs.writeFileSync(path.join(cacheDir, name, 'mine'), 'mine');
    const cache = cacheIn(cacheDir);
    await cache.set('k', 1);
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 1 });
    expect(await cache.get('l')).toStrictEqual(NOTHING);
    await cache.clear();
    expect(fs.readFileSync(path.join(cacheDir, name, 'mine'), 'utf8')).toBe('mine');
  });

  test('an empty `cache.db` is a new one', async () => {
    const cacheDir = folder();
    fs.writeFileSync(path.join(cacheDir, 'cache.db'), '');
    expect(await cacheIn(cacheDir).set('k', 1)).toStrictEqual(SUCCESS);
    expect(await elsewhere(cacheDir, 'k')).toStrictEqual({ found: true, value: 1 });
    expect(lines).toEqual([]);
  });
});

test('the size of an entry that failed to reach the disk counts in memory as ever', async () => {
  const cache = cacheIn('/dev/null/cache');
  await cache.set('k', 'x');
  expect(cache.getStats()).toMatchObject({ memorySize: sizeOf('x'), memoryCount: 1, diskCount: 0 });
});
