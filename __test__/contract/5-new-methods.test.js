import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { cache, cacheFolder } from '../support/caches.js';

const { CacheManager } = runtime;
const BOTH = [{ persistToDisk: true }, { persistToDisk: false }];

describe.each(BOTH)('with %o', (options) => {
  test('`has` and `keys(prefix?)`', async () => {
    const subject = cache(options);
    await subject.set('a:1', undefined);
    await subject.set('a:2', 2);
    await subject.set('b', 10n);
    expect([await subject.has('a:1'), await subject.has('b'), await subject.has('c')]).toEqual([true, true, false]);
    expect((await subject.keys()).sort()).toEqual(['a:1', 'a:2', 'b']);
    expect((await subject.keys('a:')).sort()).toEqual(['a:1', 'a:2']);
    expect(subject.getStats()).toMatchObject({ hits: 0, misses: 0 });
  });

  describe('`getOrSet`', () => {
    test('makes what is not there, once', async () => {
      const subject = cache(options);
      let calls = 0;
      const make = async () => {
        calls += 1;
        return { n: calls };
      };
      const values = await Promise.all([1, 2, 3].map(() => subject.getOrSet('a', make, 60)));
      expect(new Set(values).size).toBe(1);
      expect(await subject.getOrSet('a', make)).toBe(values[0]);
      expect(calls).toBe(1);
      const { value, expiresAt } = await subject.get('a');
      expect(value).toBe(values[0]);
      expect(expiresAt).toBeGreaterThan(Date.now() + 50_000);
    });

    test('a factory that rejects or throws rejects all who wait, and stores nothing', async () => {
      const subject = cache(options);
      for (const fail of [
        () => Promise.reject(new Error('no')),
        () => {
          throw new Error('no');
        },
      ]) {
        const calls = [subject.getOrSet('a', fail), subject.getOrSet('a', () => 1)];
        for (const call of calls) await expect(call).rejects.toThrow('no');
        expect(await subject.has('a')).toBe(false);
      }
      expect(await subject.getOrSet('a', () => 5)).toBe(5);
    });

    test('an `undefined` that is stored counts', async () => {
      const subject = cache(options);
      await subject.set('a', undefined);
      expect(await subject.getOrSet('a', () => 1)).toBe(undefined);
    });

    test('an override of `get` and `set` is honoured', async () => {
      const seen = [];
      class Mine extends CacheManager {
        get(key) {
          seen.push(`get ${key}`);
          return super.get(key);
        }
        set(key, value, ttl) {
          seen.push(`set ${key} ${ttl}`);
          return super.set(key, value, ttl);
        }
      }
      await cache(options, Mine).getOrSet('a', () => 1, 5);
      expect(seen).toEqual(['get a', 'set a 5']);
    });
  });
});

describe('`close()`', () => {
  test('everything is written, memory is empty, and a later call opens again', async () => {
    const cacheDir = cacheFolder();
    const subject = cache({ cacheDir });
    const sets = [];
    for (let n = 0; n < 500; n += 1) sets.push(subject.set(`k${n}`, n));
    await subject.close();
    expect(subject.getStats().memoryCount).toBe(0);
    // Without its log: it was closed, not left.
    expect(fs.readdirSync(cacheDir).sort()).toEqual(['cache.db', 'cache.lock']);
    expect(await Promise.all(sets)).toEqual(sets.map(() => ({ success: true })));
    const other = cache({ cacheDir });
    expect((await other.keys()).length).toBe(500);
    expect(await subject.get('k7')).toEqual({ found: true, value: 7 });
    await Promise.all([subject.close(), subject.close()]);
  });

  test('before anything was asked, and in memory alone', async () => {
    for (const options of BOTH) await cache(options).close();
  });
});

test('figures of the disk: bytes of keys and values, entries', async () => {
  const subject = cache();
  expect(subject.getStats()).toMatchObject({ diskSize: 0, diskCount: 0 });
  await subject.set('ab', 'xyz');
  expect(subject.getStats()).toMatchObject({ diskSize: 2 * 2 + 5, diskCount: 1 });
  await subject.set('ab', Buffer.alloc(100));
  expect(subject.getStats()).toMatchObject({ diskSize: 2 * 2 + 100, diskCount: 1 });
  await subject.delete('ab');
  expect(subject.getStats()).toMatchObject({ diskSize: 0, diskCount: 0 });
});

describe('`maxDiskSize`', () => {
  test('the least recently used go, hits in memory count as use', async () => {
    const subject = cache({ maxDiskSize: 450 });
    for (const key of 'abcd') await subject.set(key, Buffer.alloc(100));
    await subject.get('a');
    await subject.set('e', Buffer.alloc(100));
    expect(subject.getStats()).toMatchObject({ diskCount: 4, diskSize: 408 });
    await subject.close();
    expect((await subject.keys()).sort()).toEqual(['a', 'c', 'd', 'e']);
    await subject.get('c');
    await subject.set('f', Buffer.alloc(100));
    await subject.set('g', Buffer.alloc(100));
    await subject.close();
    expect((await subject.keys()).sort()).toEqual(['c', 'e', 'f', 'g']);
  });

  test('… in the order of their last hits, of which an earlier one no longer counts', async () => {
    const subject = cache({ maxDiskSize: 450 });
    for (const key of 'abcd') await subject.set(key, Buffer.alloc(100));
    for (const key of 'aba') await subject.get(key);
    for (const key of 'efg') await subject.set(key, Buffer.alloc(100));
    await subject.close();
    expect((await subject.keys()).sort()).toEqual(['a', 'e', 'f', 'g']);
  });

  test('a larger entry is not stored', async () => {
    const subject = cache({ maxDiskSize: 450 });
    await subject.set('a', 1);
    expect(await subject.set('a', Buffer.alloc(500))).toEqual({ success: false });
    expect((await subject.get('a')).value.length).toBe(500);
    await subject.close();
    expect(await subject.get('a')).toEqual({ found: false });
  });
});
