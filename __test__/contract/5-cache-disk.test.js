import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheIn, openIn } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';

const lines = consoleErrors();
const ON_UNIX = process.platform !== 'win32';
const NOTHING = { found: false };

describe('`init()`', () => {
  test('makes the folder and those above it, is idempotent, gives `undefined`', async () => {
    const cacheDir = path.join(folder(), 'a', 'b', 'c');
    const cache = cacheIn(cacheDir);
    const promises = [cache.init(), cache.init(), cache.set('k', 1), cache.init()];
    expect(await Promise.all(promises)).toStrictEqual([undefined, undefined, { success: true }, undefined]);
    expect(await cache.init()).toBeUndefined();
    expect(fs.statSync(cacheDir).isDirectory()).toBe(true);
  });

  test.each(['set', 'get', 'delete', 'clear', 'prune', 'has', 'keys', 'getOrSet'])(
    'is optional: `%s` does it',
    async (method) => {
      const cacheDir = path.join(folder(), 'a', 'b');
      await cacheIn(cacheDir)
        [method](...({ clear: [], prune: [], keys: [] }[method] ?? ['k', () => 1]))
        .catch(() => {});
      expect(fs.statSync(cacheDir).isDirectory()).toBe(true);
    },
  );

  test('an existing folder is taken as it is', async () => {
    const cacheDir = folder();
    fs.chmodSync(cacheDir, 0o755);
    fs.writeFileSync(path.join(cacheDir, 'mine.txt'), 'mine');
    const cache = cacheIn(cacheDir);
    await cache.init();
    await cache.set('k', 1);
    expect(fs.readFileSync(path.join(cacheDir, 'mine.txt'), 'utf8')).toBe('mine');
    if (ON_UNIX) expect(fs.statSync(cacheDir).mode & 0o777).toBe(0o755);
  });

  test('of a folder through a link', async () => {
    const parent = folder();
    fs.mkdirSync(path.join(parent, 'real'));
    fs.symlinkSync(path.join(parent, 'real'), path.join(parent, 'link'));
    expect(await cacheIn(path.join(parent, 'link')).set('k', 1)).toStrictEqual({ success: true });
    expect(await cacheIn(path.join(parent, 'real')).get('k')).toStrictEqual({ found: true, value: 1 });
  });
});

test('With `persistToDisk: false` no folder is made', async () => {
  const cacheDir = path.join(folder(), 'never');
  const cache = cacheIn(cacheDir, { persistToDisk: false });
  await cache.init();
  await cache.set('k', 1);
  await cache.get('k');
  await cache.get('nothing');
  await cache.delete('k');
  await cache.clear();
  await cache.prune();
  await cache.keys();
  await cache.getOrSet('o', () => 1);
  await cache.close();
  expect(fs.existsSync(cacheDir)).toBe(false);
  expect(cache.getStats()).toMatchObject({ diskSize: 0, diskCount: 0 });
});

describe.runIf(ON_UNIX)('what the cache makes is its user’s alone', () => {
  test('0700 for folders, 0600 for files, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const cacheDir = path.join(folder(), 'made');
      const cache = cacheIn(cacheDir);
      await cache.set('k', 1);
      expect(fs.statSync(cacheDir).mode & 0o777).toBe(0o700);
      const names = fs.readdirSync(cacheDir);
      expect(names).toEqual(expect.arrayContaining(['cache.db', 'cache.db-wal', 'cache.lock']));
      for (const name of names) {
        expect([name, fs.statSync(path.join(cacheDir, name)).mode & 0o777]).toEqual([name, 0o600]);
      }
    } finally {
      process.umask(before);
    }
  });

  test.each(['cache.db', 'cache.lock', 'cache.db-wal', 'cache.db-shm'])(
    'a link in place of %s is not followed',
    async (name) => {
      const [cacheDir, elsewhere] = [folder(), folder()];
      const victim = path.join(elsewhere, 'victim');
      fs.writeFileSync(victim, 'the victim’s own text');
      fs.symlinkSync(victim, path.join(cacheDir, name));
      const cache = cacheIn(cacheDir);
      await cache.set('k', 1);
      expect((await cache.get('k')).value).toBe(1);
      await cache.clear();
      await cache.close();
      expect(fs.readFileSync(victim, 'utf8')).toBe('the victim’s own text');
      expect(fs.readdirSync(elsewhere)).toEqual(['victim']);
    },
  );

  test('a link to nothing in place of the database makes nothing elsewhere', async () => {
    const [cacheDir, elsewhere] = [folder(), folder()];
    for (const name of ['cache.db', 'cache.lock'])
      fs.symlinkSync(path.join(elsewhere, name), path.join(cacheDir, name));
    await cacheIn(cacheDir).set('k', 1);
    expect(fs.readdirSync(elsewhere)).toEqual([]);
  });
});

test('New entries go to one embedded database: no file of version 1’s kind is written', async () => {
  const cacheDir = folder();
  const cache = cacheIn(cacheDir);
  for (let at = 0; at < 100; at += 1) await cache.set(`k${at}`, at);
  const names = fs.readdirSync(cacheDir).sort();
  expect(names.filter((name) => !/^cache\.(db(-wal|-shm)?|lock)$/.test(name))).toEqual([]);
});

describe('`close()`', () => {
  test('everything called before it is written', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    const sets = Array.from({ length: 500 }, (_, at) => cache.set(`k${at}`, at));
    await cache.close();
    expect(await cacheIn(cacheDir).keys()).toHaveLength(500);
    for (const answer of await Promise.all(sets)) expect(answer).toStrictEqual({ success: true });
  });

  test('memory is dropped; a later call opens again', async () => {
    const cache = cacheIn();
    const value = {};
    await cache.set('k', value);
    expect(await cache.close()).toBeUndefined();
    expect(cache.getStats()).toMatchObject({ memorySize: 0, memoryCount: 0 });
    const again = await cache.get('k');
    expect(again).toStrictEqual({ found: true, value: {} });
    expect(again.value).not.toBe(value);
    expect(await cache.set('l', 1)).toStrictEqual({ success: true });
    await cache.init();
    await cache.close();
  });

  test('with `persistToDisk: false` memory is dropped', async () => {
    const cache = cacheIn('/nothing/here', { persistToDisk: false });
    await cache.set('k', 1);
    await cache.close();
    expect(await cache.get('k')).toStrictEqual(NOTHING);
  });

  test('twice, at once, before anything, and with calls around it', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    await Promise.all([cache.close(), cache.close()]);
    const answers = await Promise.all([
      cache.set('a', 1),
      cache.close(),
      cache.set('b', 2),
      cache.get('a'),
      cache.close(),
      cache.get('b'),
    ]);
    expect(answers[0]).toStrictEqual({ success: true });
    expect(answers[2]).toStrictEqual({ success: true });
    expect(answers[3]).toStrictEqual({ found: true, value: 1 });
    expect(answers[5]).toStrictEqual({ found: true, value: 2 });
    await cache.close();
    expect((await cacheIn(cacheDir).keys()).sort()).toEqual(['a', 'b']);
  });

  test.runIf(process.platform === 'linux')('no descriptor is left', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    for (let round = 0; round < 3; round += 1) {
      await cache.set('k', round);
      expect(openIn(cacheDir).length).toBeGreaterThan(0);
      await cache.close();
      expect(openIn(cacheDir)).toEqual([]);
    }
  });

  test('the folder can be removed then, and is made anew by the next call', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    await cache.set('k', 1);
    await cache.close();
    fs.rmSync(cacheDir, { recursive: true });
    expect(await cache.get('k')).toStrictEqual(NOTHING);
    expect(await cache.set('k', 2)).toStrictEqual({ success: true });
    expect(await cacheIn(cacheDir).get('k')).toStrictEqual({ found: true, value: 2 });
  });
});

test.runIf(process.platform === 'linux')(
  'the database is closed when idle (5 s) and opened again on demand; the thread is gone too',
  async () => {
    const threads = () => fs.readdirSync('/proc/self/task').length;
    await cacheIn().init(); // Node's own threads are there from here on
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    await cache.close();
    const before = threads();
    await cache.set('k', { a: 1 });
    const { value } = await cache.get('k');
    const idle = Date.now();
    await eventually(() => openIn(cacheDir).length === 0, 'the close', 15_000);
    expect(Date.now() - idle).toBeGreaterThan(3000);
    await eventually(() => threads() <= before, 'the end of the thread');
    expect((await cache.get('k')).value).toBe(value);
    expect(await cacheIn(cacheDir, { maxMemorySize: 0 }).get('k')).toStrictEqual({ found: true, value: { a: 1 } });
    expect(await cache.set('l', 1)).toStrictEqual({ success: true });
    expect(lines).toEqual([]);
  },
);
