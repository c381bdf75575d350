import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { app } from '../support/app.js';
import { cache, cacheFolder, writeVersion1 } from '../support/caches.js';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';

const lines = consoleErrors();
const IDLE_MS = process.platform === 'win32' ? 100 : 5000;

test('nobody else may read what is made', async () => {
  const cacheDir = cacheFolder();
  await cache({ cacheDir }).set('a', 1);
  if (process.platform === 'win32') return;
  expect(fs.statSync(cacheDir).mode & 0o777).toBe(0o700);
  for (const name of fs.readdirSync(cacheDir)) expect(fs.statSync(path.join(cacheDir, name)).mode & 0o777).toBe(0o600);
});

test('the database is closed when idle and opened again on demand', async () => {
  const cacheDir = cacheFolder();
  const subject = cache({ cacheDir });
  // Before the last use: what its answer takes to come here is the machine's.
  const since = Date.now();
  await subject.set('a', 1);
  expect(fs.readdirSync(cacheDir)).toContain('cache.db-wal');
  await eventually(() => !fs.existsSync(path.join(cacheDir, 'cache.db-wal')), 'the end of the log', IDLE_MS + 5000);
  expect(Date.now() - since).toBeGreaterThan(IDLE_MS - 100);
  expect(await subject.get('a')).toEqual({ found: true, value: 1 });
  await subject.set('b', 2);
  expect(fs.readdirSync(cacheDir)).toContain('cache.db-wal');
});

describe('a folder or file that vanished is noticed and made anew, never written into unlinked', () => {
  test.each(['folder', 'cache.db', 'cache.db-wal'])('%s', async (gone) => {
    const cacheDir = cacheFolder();
    const subject = cache({ cacheDir });
    const value = {};
    await subject.set('a', value);
    fs.rmSync(gone === 'folder' ? cacheDir : path.join(cacheDir, gone), { recursive: true });
    expect(await subject.set('b', 2)).toEqual({ success: true });
    expect((await subject.get('a')).value).toBe(value);
    expect(await cache({ cacheDir }).get('b')).toEqual({ found: true, value: 2 });
    expect(lines).toEqual([]);
  });

  test('while it is written', async () => {
    const cacheDir = cacheFolder();
    const subject = cache({ cacheDir });
    for (let round = 0; round < 15; round += 1) {
      const sets = [];
      for (let n = 0; n < 200; n += 1) sets.push(subject.set(`${round}:${n}`, 'x'.repeat(500)));
      await sets[round];
      fs.rmSync(cacheDir, { recursive: true, force: true, maxRetries: 20 });
      for (const outcome of await Promise.all(sets)) expect(typeof outcome.success).toBe('boolean');
      expect(await subject.set(`${round}`, 1)).toEqual({ success: true });
      expect(await cache({ cacheDir }).get(`${round}`)).toEqual({ found: true, value: 1 });
    }
  });
});

/** A file system of some size, or `null` where none can be mounted. */
const mounts = [];
function mounted(options) {
  const place = cacheFolder();
  fs.mkdirSync(place);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', place], { stdio: 'ignore' });
  } catch {
    return null;
  }
  mounts.push(place);
  return place;
}
afterEach(() => {
  for (const place of mounts.splice(0)) execFileSync('umount', ['-l', place]);
});
const canMount = process.platform === 'linux' && mounted('size=64k') !== null;
for (const place of mounts.splice(0)) execFileSync('umount', ['-l', place]);

describe.skipIf(!canMount)('on a file system of its own (needs the right to mount)', () => {
  test('a full disk: `success: false`, code `CACHE_FULL` in the log, memory goes on', async () => {
    const cacheDir = mounted('size=1m');
    const subject = cache({ cacheDir });
    expect(await subject.set('first', 1)).toEqual({ success: true });
    const value = Buffer.alloc(100_000, 1);
    let failed = null;
    for (let n = 0; n < 40; n += 1) {
      const { success } = await subject.set(`k${n}`, value);
      if (!success) failed = `k${n}`;
      expect((await subject.get(`k${n}`)).value).toBe(value);
    }
    expect(failed).not.toBe(null);
    const told = lines.filter((line) => line.includes('CACHE_FULL'));
    expect(told.length).toBeGreaterThan(0);
    expect(told[0]).toMatch(/^\[Cache\] CACHE_FULL \(-29002\): /);
    expect(lines).toEqual(told);
    await subject.close();
    expect(await subject.get('first')).toEqual({ found: true, value: 1 });
    // Space again.
    await subject.clear();
    execFileSync('mount', ['-o', 'remount,size=16m', cacheDir]);
    expect(await subject.set('again', value)).toEqual({ success: true });
  });

  test('on a disk without a byte of space, what is stored is still found', async () => {
    const cacheDir = mounted('size=1m');
    const subject = cache({ cacheDir });
    await subject.set('a', 1);
    await subject.close();
    const filler = fs.openSync(path.join(cacheDir, 'filler'), 'w');
    expect(() => {
      for (;;) fs.writeSync(filler, Buffer.alloc(4096));
    }).toThrow('ENOSPC');
    fs.closeSync(filler);
    expect(await subject.get('a')).toEqual({ found: true, value: 1 });
    expect(await subject.set('b', Buffer.alloc(9000))).toEqual({ success: false });
    fs.rmSync(path.join(cacheDir, 'filler'));
    expect(await subject.set('b', Buffer.alloc(9000))).toEqual({ success: true });
  });

  test('a read-only folder: `init()` resolves, `set` says so, version 1’s entries are found', async () => {
    const cacheDir = mounted('size=1m');
    writeVersion1(cacheDir, 'old', 'entry');
    execFileSync('mount', ['-o', 'remount,ro', cacheDir]);
    const subject = cache({ cacheDir });
    await subject.init();
    const value = {};
    for (let n = 0; n < 3; n += 1) expect(await subject.set('a', value)).toEqual({ success: false });
    expect((await subject.get('a')).value).toBe(value);
    expect(await subject.get('old')).toEqual({ found: true, value: 'entry' });
    expect(lines.length).toBe(1);
    expect(lines[0]).toMatch(/^\[Cache\] the cache in .* cannot be written .*permissions$/);
    execFileSync('mount', ['-o', 'remount,rw', cacheDir]);
    expect(await subject.set('a', value)).toEqual({ success: true });
  });
});

const canLimit = process.platform === 'linux' && fs.existsSync('/usr/bin/prlimit');

test.skipIf(!canLimit)('a limit of the file size is a full disk (needs prlimit)', async () => {
  const { said, ended } = app('fills-a-cache.js', cacheFolder());
  const { stored, refused, kept } = await said;
  expect(stored).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
  expect(kept).toBe(stored + refused);
  const { code, stderr } = await ended;
  expect(code).toBe(0);
  expect(stderr).toContain('[Cache] CACHE_FULL (-29002): ');
});

test('more than 256 MiB wait for the disk: `success: false`, one line, memory goes on, the older value is gone', async () => {
  const subject = cache({ maxMemorySize: Infinity });
  await Promise.all(['b', 'c'].map((key) => subject.set(key, 'older')));
  const large = Buffer.alloc(130 * 1024 * 1024);
  const outcomes = await Promise.all(['a', 'b', 'c'].map((key) => subject.set(key, large)));
  expect(outcomes).toEqual([{ success: true }, { success: false }, { success: false }]);
  expect(lines).toEqual([expect.stringMatching(/^\[Cache\] 256 MiB wait for the disk of /)]);
  expect((await subject.get('c')).value).toBe(large);
  expect(await subject.set('d', 1)).toEqual({ success: true });
  await subject.close();
  expect((await subject.keys()).sort()).toEqual(['a', 'd']);
});

describe('a damaged file', () => {
  test('is set aside, reported once, and the cache starts empty', async () => {
    const cacheDir = cacheFolder();
    const subject = cache({ cacheDir });
    await subject.set('a', 1);
    await subject.close();
    fs.writeFileSync(path.join(cacheDir, 'cache.db'), 'no database');
    expect(await subject.get('a')).toEqual({ found: false });
    expect(await subject.set('a', 2)).toEqual({ success: true });
    expect(await subject.keys()).toEqual(['a']);
    expect(lines.length).toBe(1);
    expect(lines[0]).toMatch(/^\[Cache\] the cache in .* was damaged; it starts empty, .*cache\.db\.corrupt-\d+$/);
    expect(fs.readdirSync(cacheDir).filter((name) => /^cache\.db\.corrupt-\d+$/.test(name)).length).toBe(1);
  });

  test('is a miss or the right value, never a wrong value or a throw', async () => {
    const cacheDir = cacheFolder();
    const subject = cache({ cacheDir });
    const value = (n) => ({ n, text: 'é'.repeat(n * 20) });
    for (let n = 0; n < 50; n += 1) await subject.set(`k${n}`, value(n));
    await subject.close();
    const file = path.join(cacheDir, 'cache.db');
    const sound = fs.readFileSync(file);
    let random = 11;
    const below = (end) => {
      random = (random * 1103515245 + 12345) % 2147483648;
      return random % end;
    };
    let misses = 0;
    for (let round = 0; round < 60; round += 1) {
      const damaged = Buffer.from(sound);
      for (let n = 0; n < 8; n += 1) damaged[below(damaged.length)] ^= 1 << below(8);
      fs.writeFileSync(file, round % 5 === 0 ? sound.subarray(0, below(sound.length)) : damaged);
      for (let n = 0; n < 50; n += 1) {
        const { found, value: got } = await subject.get(`k${n}`);
        if (found) expect(got).toEqual(value(n));
        else misses += 1;
      }
      expect(await subject.set('after', round)).toEqual({ success: true });
      await subject.close();
    }
    expect(misses).toBeGreaterThan(0);
  });
});
