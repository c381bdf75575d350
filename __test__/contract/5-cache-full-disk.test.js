import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { cacheIn, remoteCache, writeV1 } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';

const lines = consoleErrors();
const NOTHING = { found: false };
const SUCCESS = { success: true };
const FAILURE = { success: false };
const KIB = 1024;
const fullLines = () => lines.filter((line) => line.includes('CACHE_FULL'));

const mounted = [];
afterEach(() => {
  for (const at of mounted.splice(0)) execFileSync('umount', ['-l', at]);
});

function mount(...args) {
  try {
    execFileSync('mount', args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A folder on a disk of its own of that many KiB; skips where mounting is not allowed. */
function smallDisk(context, size) {
  const at = folder();
  if (!mount('-t', 'tmpfs', '-o', `size=${size}k`, 'tmpfs', at)) context.skip('mounting is not allowed');
  mounted.push(at);
  return at;
}

/** Takes all room of a disk that a file can take. */
function fill(disk) {
  const file = path.join(disk, 'filler');
  const fd = fs.openSync(file, 'w');
  for (const size of [64 * KIB, 4 * KIB, 1]) {
    try {
      for (;;) fs.writeSync(fd, Buffer.alloc(size, 1));
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    }
  }
  fs.closeSync(fd);
  return () => fs.unlinkSync(file);
}

const text = (mark, kib) => `${mark}${'x'.repeat(kib * KIB)}`;

describe('A full disk: `success: false`, code `CACHE_FULL` in the log, memory goes on', () => {
  test('filled by the cache itself', async (context) => {
    const disk = smallDisk(context, 1024);
    const cache = cacheIn(path.join(disk, 'cache'));
    const stored = [];
    let failed = 0;
    for (let at = 0; at < 40; at += 1) {
      const { success } = await cache.set(`k${at}`, text(at, 100));
      if (success) stored.push(at);
      else failed += 1;
    }
    expect(stored.length).toBeGreaterThan(1);
    expect(failed).toBeGreaterThan(20);
    expect(fullLines()).toHaveLength(1);
    expect(fullLines()[0]).toMatch(/^\[Cache\] /);
    for (let at = 0; at < 40; at += 1) expect((await cache.get(`k${at}`)).value).toBe(text(at, 100));
    const other = cacheIn(path.join(disk, 'cache'));
    for (const at of stored) expect((await other.get(`k${at}`)).value).toBe(text(at, 100));
  });

  test('a new process on a full disk finds every acknowledged entry', async (context) => {
    const disk = smallDisk(context, 1024);
    const cacheDir = path.join(disk, 'cache');
    const first = remoteCache(cacheDir);
    const stored = [];
    for (let at = 0; at < 20; at += 1) {
      if ((await first.ask('set', `k${at}`, text(at, 100))).success) stored.push(`k${at}`);
    }
    first.kill();
    await first.ended;
    fill(disk);
    const cache = cacheIn(cacheDir);
    expect((await cache.keys()).sort()).toEqual(stored);
    for (const key of stored) expect((await cache.get(key)).found).toBe(true);
  });

  test('`clear()` makes room', async (context) => {
    const disk = smallDisk(context, 1024);
    const cache = cacheIn(path.join(disk, 'cache'));
    for (let at = 0; at < 20; at += 1) await cache.set(`k${at}`, text(at, 100));
    expect(await cache.clear()).toStrictEqual({ success: true, cleared: 20 });
    expect(await cache.set('k', text('new', 100))).toStrictEqual(SUCCESS);
    expect(await cacheIn(path.join(disk, 'cache')).keys()).toEqual(['k']);
  });

  test('logged once until a write succeeds again, then anew', async (context) => {
    const disk = smallDisk(context, 1024);
    const cache = cacheIn(path.join(disk, 'cache'));
    for (let episode = 1; episode <= 3; episode += 1) {
      expect(await cache.set('fits', episode)).toStrictEqual(SUCCESS);
      const empty = fill(disk);
      for (let at = 0; at < 5; at += 1) expect(await cache.set('large', text(at, 300))).toStrictEqual(FAILURE);
      expect(fullLines()).toHaveLength(episode);
      expect((await cache.get('large')).value).toBe(text(4, 300));
      empty();
    }
    expect(await cache.set('large', text(9, 300))).toStrictEqual(SUCCESS);
  });

  test('the value before a failed `set` does not come back', async (context) => {
    const disk = smallDisk(context, 1024);
    const cacheDir = path.join(disk, 'cache');
    const cache = cacheIn(cacheDir, { maxMemorySize: 1000 });
    await cache.set('k', 'old');
    const empty = fill(disk);
    expect(await cache.set('k', text('new', 300))).toStrictEqual(FAILURE);
    expect(await cache.get('k')).toStrictEqual(NOTHING);
    expect(await cache.keys()).toEqual([]);
    empty();
    expect(await cache.set('another', 1)).toStrictEqual(SUCCESS);
    expect(await cache.get('k')).toStrictEqual(NOTHING);
    expect(await cacheIn(cacheDir).get('k')).toStrictEqual(NOTHING);
  });

  test('what was deleted or cleared on a full disk does not come back', async (context) => {
    const disk = smallDisk(context, 1024);
    const cacheDir = path.join(disk, 'cache');
    const cache = cacheIn(cacheDir);
    for (const key of ['k', 'a:1', 'a:2', 'stays']) await cache.set(key, text(key, 20));
    await cache.close();
    const empty = fill(disk);
    await cache.delete('k');
    await cache.clear('a:');
    expect(await cache.get('k')).toStrictEqual(NOTHING);
    expect(await cache.keys('a:')).toEqual([]);
    empty();
    expect(await cache.set('another', 1)).toStrictEqual(SUCCESS);
    expect((await cache.keys()).sort()).toEqual(['another', 'stays']);
    expect((await cacheIn(cacheDir).keys()).sort()).toEqual(['another', 'stays']);
  });

  test('no room for a folder, or for the first file in it', async (context) => {
    const disk = smallDisk(context, 64);
    fs.mkdirSync(path.join(disk, 'there'));
    const empty = fill(disk);
    for (const name of ['there', 'new']) {
      const cache = cacheIn(path.join(disk, name));
      expect(await cache.set('k', text('v', 40))).toStrictEqual(FAILURE);
      expect((await cache.get('k')).value).toBe(text('v', 40));
    }
    empty();
  });

  test('a file size limit (`ulimit -f`): the process lives, and says CACHE_FULL', async (context) => {
    if (process.platform !== 'linux') context.skip('prlimit is Linux’s');
    const other = remoteCache(folder(), {}, ['prlimit', `--fsize=${400 * KIB}`]);
    expect(await other.ask('set', 'small', 1)).toStrictEqual(SUCCESS);
    let last;
    for (let at = 0; at < 10; at += 1) last = await other.ask('set', `k${at}`, text(at, 100));
    expect(last).toStrictEqual(FAILURE);
    expect(await other.ask('get', 'k9')).toStrictEqual({ found: true, value: text(9, 100) });
    expect(await other.ask('get', 'small')).toStrictEqual({ found: true, value: 1 });
    other.end();
    const { code, stderr } = await other.ended;
    expect(code).toBe(0);
    expect(stderr.match(/CACHE_FULL/g)).toHaveLength(1);
  });
});

describe('a folder that is read-only', () => {
  function readOnly(context, prepared) {
    const disk = smallDisk(context, 1024);
    prepared(disk);
    if (!mount('-o', 'remount,ro', disk)) context.skip('remounting is not allowed');
    return disk;
  }

  test('`init()` resolves, `set` gives `success: false`, said once; memory goes on', async (context) => {
    const disk = readOnly(context, () => {});
    const cache = cacheIn(disk);
    expect(await cache.init()).toBeUndefined();
    for (let at = 0; at < 3; at += 1) expect(await cache.set('k', at)).toStrictEqual(FAILURE);
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 2 });
    expect(await cache.delete('k')).toStrictEqual(SUCCESS);
    expect(await cache.get('k')).toStrictEqual(NOTHING);
    expect(await cache.prune()).toBe(0);
    expect(lines).toEqual([expect.stringMatching(/^\[Cache\] /)]);
  });

  test('a file of version 1 in it is found', async (context) => {
    const disk = readOnly(context, (at) => writeV1(at, 'k', { a: 1 }));
    const cache = cacheIn(disk, { maxMemorySize: 0 });
    for (let round = 0; round < 2; round += 1) {
      expect(await cache.get('k')).toStrictEqual({ found: true, value: { a: 1 } });
    }
  });

  test('once it can be written, it is', async (context) => {
    const disk = readOnly(context, () => {});
    const cache = cacheIn(disk);
    expect(await cache.set('k', 1)).toStrictEqual(FAILURE);
    mount('-o', 'remount,rw', disk);
    expect(await cache.set('k', 2)).toStrictEqual(SUCCESS);
    expect(await cacheIn(disk).get('k')).toStrictEqual({ found: true, value: 2 });
  });
});
