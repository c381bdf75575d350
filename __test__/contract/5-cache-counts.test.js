import { describe, expect, test } from 'vitest';
import { cacheIn, randomFrom, writeV1 } from '../support/cache-folders.js';
import { folder } from '../support/folders.js';

const sorted = (keys) => [...keys].sort();
const NOTHING = { found: false };

async function filled(keys, options) {
  const cacheDir = folder();
  const cache = cacheIn(cacheDir, options);
  for (const key of keys) expect(await cache.set(key, `value of ${key}`)).toStrictEqual({ success: true });
  return { cacheDir, cache };
}

describe('`delete` → `{success: true}`', () => {
  test('of a key in memory and on disk, for good', async () => {
    const { cacheDir, cache } = await filled(['a', 'b']);
    expect(await cache.delete('a')).toStrictEqual({ success: true });
    expect(await cache.get('a')).toStrictEqual(NOTHING);
    expect(await cache.has('a')).toBe(false);
    expect(await cacheIn(cacheDir).get('a')).toStrictEqual(NOTHING);
    expect(await cacheIn(cacheDir).get('b')).toStrictEqual({ found: true, value: 'value of b' });
  });

  test('also for a missing key, and for one on disk alone', async () => {
    const { cacheDir } = await filled(['a']);
    const cache = cacheIn(cacheDir);
    expect(await cache.delete('nothing')).toStrictEqual({ success: true });
    expect(await cache.delete('a')).toStrictEqual({ success: true });
    expect(await cache.delete('a')).toStrictEqual({ success: true });
    expect(await cacheIn(cacheDir).keys()).toEqual([]);
  });

  test('with `persistToDisk: false`', async () => {
    const cache = cacheIn('/nothing/here', { persistToDisk: false });
    await cache.set('a', 1);
    expect(await cache.delete('a')).toStrictEqual({ success: true });
    expect(await cache.delete('a')).toStrictEqual({ success: true });
    expect(await cache.get('a')).toStrictEqual(NOTHING);
  });
});

describe('`clear(prefix?)` → `{success, cleared}` with `cleared` the number of distinct keys', () => {
  test('*fixed:* a key in memory and on disk counts once', async () => {
    const { cacheDir, cache } = await filled(['a', 'b', 'c']);
    expect(await cache.clear()).toStrictEqual({ success: true, cleared: 3 });
    expect(await cache.clear()).toStrictEqual({ success: true, cleared: 0 });
    expect(await cacheIn(cacheDir).keys()).toEqual([]);
  });

  test('some in memory, some on disk, some in both, some in files of version 1', async () => {
    const { cacheDir } = await filled(['disk 1', 'disk 2', 'both']);
    const cache = cacheIn(cacheDir);
    await cache.get('both');
    await cache.set('memory', 5n);
    writeV1(cacheDir, 'v1', 1);
    writeV1(cacheDir, 'both', 1, { createdAt: 1 });
    expect(await cache.clear()).toStrictEqual({ success: true, cleared: 5 });
    expect(await cache.keys()).toEqual([]);
    expect(cache.getStats()).toMatchObject({ memorySize: 0, memoryCount: 0, diskCount: 0, diskSize: 0 });
  });

  test('with `persistToDisk: false`', async () => {
    const cache = cacheIn('/nothing/here', { persistToDisk: false });
    for (const key of ['a1', 'a2', 'b']) await cache.set(key, 1);
    expect(await cache.clear('a')).toStrictEqual({ success: true, cleared: 2 });
    expect(await cache.clear()).toStrictEqual({ success: true, cleared: 1 });
  });

  test.each([
    ['left out', []],
    ['undefined', [undefined]],
    ['empty: every key begins with it', ['']],
  ])('a prefix %s', async (_, args) => {
    const { cache } = await filled(['', 'a', 'b']);
    expect(sorted(await cache.keys(...args))).toEqual(['', 'a', 'b']);
    expect(await cache.clear(...args)).toStrictEqual({ success: true, cleared: 3 });
  });

  const KEYS = [
    '',
    'a',
    'ab',
    'a:b/c?d',
    'a:b',
    'a_b_c',
    'a%',
    'a%b',
    'A',
    'ä',
    'a\u0308',
    '\0',
    '\0\0',
    "a'; DROP TABLE entries; --",
    '\ud83d',
    '\ud83dx',
    '😀',
    '😁 two',
    '\udc00',
    '\uffff',
    '\uffff\uffff',
    '\uffffa',
    '__proto__',
    'constructor',
    'toString',
    '../../etc/passwd',
    'k'.repeat(100_000),
  ];
  const PREFIXES = [
    'a',
    'a:',
    'a_',
    'a%',
    '%',
    '_',
    '__proto__',
    'con',
    '\0',
    '\ud83d',
    '😀',
    '\uffff',
    '\uffff\uffff',
    '\udc00',
    '../',
    'k'.repeat(99_999),
    'k'.repeat(100_001),
    'A',
    'z',
    'a\u0308',
  ];

  test('every key is a key of its own, in memory and on disk', async () => {
    const { cacheDir, cache } = await filled(KEYS);
    for (const manager of [cache, cacheIn(cacheDir), cacheIn(cacheDir, { maxMemorySize: 0 })]) {
      for (const key of KEYS) {
        expect(await manager.get(key)).toStrictEqual({ found: true, value: `value of ${key}` });
        expect(await manager.has(key)).toBe(true);
      }
      expect(sorted(await manager.keys())).toEqual(sorted(KEYS));
    }
  });

  test.each(PREFIXES.map((prefix) => [prefix.slice(0, 20), prefix]))('prefix %j', async (_, prefix) => {
    const taken = KEYS.filter((key) => key.startsWith(prefix));
    const { cacheDir, cache } = await filled(KEYS);
    for (const manager of [cacheIn(cacheDir), cache]) {
      expect(sorted(await manager.keys(prefix))).toEqual(sorted(taken));
    }
    expect(await cache.clear(prefix)).toStrictEqual({ success: true, cleared: taken.length });
    const left = sorted(KEYS.filter((key) => !key.startsWith(prefix)));
    expect(sorted(await cache.keys())).toEqual(left);
    expect(sorted(await cacheIn(cacheDir).keys())).toEqual(left);
  });
});

describe('`has` and `keys`', () => {
  test('`has` says what `get` would find, and counts as neither hit nor miss of it', async () => {
    const { cacheDir, cache } = await filled(['a']);
    expect([await cache.has('a'), await cache.has('b')]).toEqual([true, false]);
    const other = cacheIn(cacheDir);
    expect([await other.has('a'), await other.has('b'), await other.has('')]).toEqual([true, false, false]);
  });

  test('`keys` gives what only memory holds too, each key once', async () => {
    const { cache } = await filled(['a', 'b']);
    await cache.set('c', 5n);
    await cache.set('gone', 1, -1);
    expect(sorted(await cache.keys())).toEqual(['a', 'b', 'c']);
  });

  test('`keys` is the caller’s own list', async () => {
    const { cache } = await filled(['a']);
    (await cache.keys()).push('x');
    expect(await cache.keys()).toEqual(['a']);
  });

  test('with `persistToDisk: false`', async () => {
    const cache = cacheIn('/nothing/here', { persistToDisk: false });
    await cache.set('a', 1);
    await cache.set('b', 1, -1);
    expect(await cache.keys()).toEqual(['a']);
    expect([await cache.has('a'), await cache.has('b')]).toEqual([true, false]);
  });
});

describe('**new** `{diskSize, diskCount}`', () => {
  test('follow `set`, `delete` and `clear`', async () => {
    const cache = cacheIn();
    await cache.set('a', 'x'.repeat(1000));
    const one = cache.getStats();
    expect(one.diskCount).toBe(1);
    expect(one.diskSize).toBeGreaterThanOrEqual(1000);
    await cache.set('b', 'x'.repeat(1000));
    await cache.set('b', 'y'.repeat(1000));
    expect(cache.getStats()).toMatchObject({ diskCount: 2, diskSize: 2 * one.diskSize });
    await cache.delete('a');
    expect(cache.getStats()).toMatchObject({ diskCount: 1, diskSize: one.diskSize });
    await cache.clear();
    expect(cache.getStats()).toMatchObject({ diskCount: 0, diskSize: 0 });
  });

  test('are learned from what is there', async () => {
    const { cacheDir, cache } = await filled(['a', 'b', 'c']);
    const { diskSize } = cache.getStats();
    const other = cacheIn(cacheDir);
    await other.get('a');
    expect(other.getStats()).toMatchObject({ diskCount: 3, diskSize });
  });
});

describe('**new** `maxDiskSize`', () => {
  const value = 'x'.repeat(10_000);
  async function room(entries) {
    const probe = cacheIn();
    await probe.set('k0', value);
    return { maxDiskSize: entries * probe.getStats().diskSize, maxMemorySize: 0 };
  }

  test('the least recently used go, and what `set` has just stored stays', async () => {
    const { cacheDir, cache } = await filled([], await room(3));
    for (const key of ['k1', 'k2', 'k3']) await cache.set(key, value);
    expect(cache.getStats().diskCount).toBe(3);
    await cache.get('k1');
    expect(await cache.set('k4', value)).toStrictEqual({ success: true });
    expect(sorted(await cache.keys())).toEqual(['k1', 'k3', 'k4']);
    expect(cache.getStats().diskSize).toBeLessThanOrEqual((await room(3)).maxDiskSize);
    expect(sorted(await cacheIn(cacheDir).keys())).toEqual(['k1', 'k3', 'k4']);
  });

  test('a hit in memory is a use too', async () => {
    const { maxDiskSize } = await room(3);
    const cacheDir = folder();
    const cache = cacheIn(cacheDir, { maxDiskSize });
    for (const key of ['k1', 'k2', 'k3']) await cache.set(key, value);
    await cache.get('k1');
    await cache.set('k4', value);
    expect(sorted(await cacheIn(cacheDir).keys())).toEqual(['k1', 'k3', 'k4']);
  });

  test('an entry larger than it is not stored, and takes nothing along but the older one of its key', async () => {
    const { cacheDir, cache } = await filled([], await room(2));
    for (const key of ['k1', 'k2']) await cache.set(key, value);
    expect(await cache.set('k1', 'y'.repeat(50_000))).toStrictEqual({ success: false });
    expect(await cacheIn(cacheDir).keys()).toEqual(['k2']);
  });
});

test('random operations against a Map, both tiers and a second manager', async () => {
  const random = randomFrom(11);
  const cacheDir = folder();
  const cache = cacheIn(cacheDir, { maxMemorySize: 2000 });
  const model = new Map();
  const keys = ['', 'a', 'a:', 'a:1', 'a:2', 'b', 'b:\ud83d', 'b:😀', '__proto__'];
  for (let step = 0; step < 1500; step += 1) {
    const key = keys[Math.floor(random() * keys.length)];
    const dice = random();
    if (dice < 0.4) {
      const value = random() < 0.2 ? undefined : { step, text: 'x'.repeat(Math.floor(random() * 1000)) };
      model.set(key, value);
      expect(await cache.set(key, value)).toStrictEqual({ success: true });
    } else if (dice < 0.8) {
      const expected = model.has(key) ? { found: true, value: model.get(key) } : NOTHING;
      expect(await cache.get(key), `step ${step}`).toStrictEqual(expected);
    } else if (dice < 0.93) {
      model.delete(key);
      await cache.delete(key);
    } else if (dice < 0.97) {
      const taken = [...model.keys()].filter((name) => name.startsWith(key));
      taken.forEach((name) => model.delete(name));
      expect(await cache.clear(key), `step ${step}`).toStrictEqual({ success: true, cleared: taken.length });
    } else {
      const other = cacheIn(cacheDir);
      expect(sorted(await other.keys())).toEqual(sorted(model.keys()));
      await other.close();
      if (random() < 0.5) await cache.close();
    }
  }
});
