import { describe, expect, test } from 'vitest';
import { cacheIn, randomFrom, sizeOf } from '../support/cache-folders.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';

const inMemory = (options) => cacheIn('/nothing/here', { persistToDisk: false, ...options });

/** Which keys are found; asks in their order, so each becomes the latest used. */
async function found(cache, keys) {
  const answers = await Promise.all(keys.map((key) => cache.get(key)));
  return keys.filter((_, at) => answers[at].found);
}

describe('memory first: the very object that was set', () => {
  test('identity, also of what was given by others', async () => {
    const cache = cacheIn();
    const value = Object.freeze({ deep: [{}] });
    await cache.set('k', value);
    expect((await cache.get('k')).value).toBe(value);
    expect((await cache.get('k')).value).toBe(value);
  });

  test('at once, before `set` has answered', async () => {
    const cache = cacheIn();
    const value = {};
    const set = cache.set('k', value);
    expect((await cache.get('k')).value).toBe(value);
    await set;
  });

  test('then disk: a fresh copy, then promoted', async () => {
    const cacheDir = folder();
    const value = { a: [1] };
    await cacheIn(cacheDir).set('k', value);
    const cache = cacheIn(cacheDir);
    const copy = (await cache.get('k')).value;
    expect(copy).toStrictEqual(value);
    expect(copy).not.toBe(value);
    expect(cache.getStats()).toMatchObject({ memoryCount: 1, memorySize: sizeOf(value) });
    expect((await cache.get('k')).value).toBe(copy);
  });
});

describe('an entry’s size is 2 × the length of the JSON text of `{value, expiresAt, createdAt}`', () => {
  test.each([
    ['a text', 'abc'],
    ['null', null],
    ['`undefined`', undefined],
    ['an object', { a: [1, 2, { b: null }] }],
    ['characters that JSON escapes', '"\n\ud83d'],
    ['wide characters count units', 'ä😀'],
    ['what JSON leaves out', { a: undefined, b: () => {} }],
  ])('%s', async (_, value) => {
    const cache = inMemory();
    await cache.set('k', value);
    expect(cache.getStats().memorySize).toBe(sizeOf(value));
    await cache.set('k', value, 100);
    expect(cache.getStats()).toMatchObject({ memorySize: sizeOf(value, true), memoryCount: 1 });
  });

  test('a replaced, deleted, cleared, expired and pruned entry’s size is given back', async () => {
    const cache = cacheIn();
    await cache.set('a', 'x'.repeat(100));
    await cache.set('a', 'x');
    await cache.set('b', 'y');
    expect(cache.getStats()).toMatchObject({ memorySize: 2 * sizeOf('x'), memoryCount: 2 });
    await cache.delete('a');
    expect(cache.getStats()).toMatchObject({ memorySize: sizeOf('y'), memoryCount: 1 });
    await cache.clear();
    expect(cache.getStats()).toMatchObject({ memorySize: 0, memoryCount: 0 });
    await cache.set('get', 1, 0.02);
    await cache.set('prune', 1, 0.02);
    await eventually(async () => !(await cache.get('get')).found, 'the expiry');
    expect(cache.getStats()).toMatchObject({ memoryCount: 1 });
    await eventually(async () => (await cache.prune()) > 0, 'something to prune');
    expect(cache.getStats()).toMatchObject({ memorySize: 0, memoryCount: 0 });
  });
});

describe('*fixed:* memory eviction is least recently used', () => {
  const LETTERS = ['a', 'b', 'c', 'd', 'e'];
  const room = (entries) => ({ maxMemorySize: entries * sizeOf('x') });

  test('an exact fit evicts nothing, one more unit the one least recently used', async () => {
    const cache = inMemory(room(3));
    for (const key of ['a', 'b', 'c']) await cache.set(key, 'x');
    expect(cache.getStats()).toMatchObject({ memoryCount: 3, memorySize: 3 * sizeOf('x'), evictions: 0 });
    await cache.set('c', 'xx');
    expect(cache.getStats()).toMatchObject({ memoryCount: 2, evictions: 1 });
    expect(await found(cache, LETTERS)).toEqual(['b', 'c']);
  });

  test('`get` is a use', async () => {
    const cache = inMemory(room(3));
    for (const key of ['a', 'b', 'c']) await cache.set(key, 'x');
    await cache.get('a');
    await cache.set('d', 'x');
    expect(await found(cache, LETTERS)).toEqual(['a', 'c', 'd']);
  });

  test('`set` of a key that is there is a use', async () => {
    const cache = inMemory(room(3));
    for (const key of ['a', 'b', 'c', 'a', 'd']) await cache.set(key, 'x');
    expect(await found(cache, LETTERS)).toEqual(['a', 'c', 'd']);
  });

  test('a miss is no use, and a deleted key none', async () => {
    const cache = inMemory(room(3));
    for (const key of ['a', 'b', 'c']) await cache.set(key, 'x');
    await cache.get('nothing');
    await cache.delete('b');
    await cache.set('d', 'x');
    expect(await found(cache, LETTERS)).toEqual(['a', 'c', 'd']);
    expect(cache.getStats().evictions).toBe(0);
  });

  test('the order holds over many thousand hits', async () => {
    const cache = inMemory(room(3));
    for (const key of ['a', 'b', 'c']) await cache.set(key, 'x');
    for (let round = 0; round < 30_000; round += 1) await cache.get(round % 2 === 0 ? 'c' : 'b');
    await cache.get('a');
    await cache.set('d', 'x');
    expect(await found(cache, LETTERS)).toEqual(['a', 'b', 'd']);
  });

  test('a large one takes the room of several, and no more than it needs', async () => {
    const cache = inMemory(room(4));
    for (const key of ['a', 'b', 'c', 'd']) await cache.set(key, 'x');
    await cache.set('e', 'x'.repeat(1 + sizeOf('x') / 2)); // as large as two
    expect(cache.getStats()).toMatchObject({ memorySize: 4 * sizeOf('x'), evictions: 2 });
    expect(await found(cache, LETTERS)).toEqual(['c', 'd', 'e']);
  });

  test('what is evicted is found on disk', async () => {
    const cache = cacheIn(folder(), room(2));
    for (const key of LETTERS) await cache.set(key, 'x');
    expect(cache.getStats()).toMatchObject({ memoryCount: 2, evictions: 3 });
    expect(await found(cache, LETTERS)).toEqual(LETTERS);
    expect(cache.getStats().memorySize).toBeLessThanOrEqual(2 * sizeOf('x'));
  });

  test('against a naive list, over random operations', async () => {
    const random = randomFrom(5);
    const max = 12 * sizeOf('xxxx');
    const cache = inMemory({ maxMemorySize: max });
    let naive = []; // least recently used first
    const sum = () => naive.reduce((total, { size }) => total + size, 0);
    const take = (key) => {
      const entry = naive.find((item) => item.key === key);
      naive = naive.filter((item) => item !== entry);
      return entry;
    };
    for (let step = 0; step < 6000; step += 1) {
      const key = `k${Math.floor(random() * 30)}`;
      const dice = random();
      if (dice < 0.5) {
        const entry = take(key);
        if (entry) naive.push(entry);
        expect((await cache.get(key)).found, `step ${step}`).toBe(Boolean(entry));
      } else if (dice < 0.95) {
        const value = 'x'.repeat(Math.floor(random() * 200));
        take(key);
        naive.push({ key, size: sizeOf(value) });
        while (sum() > max) naive.shift();
        await cache.set(key, value);
      } else {
        take(key);
        await cache.delete(key);
      }
      expect(cache.getStats()).toMatchObject({ memorySize: sum(), memoryCount: naive.length });
    }
    expect((await cache.keys()).sort()).toEqual(naive.map(({ key }) => key).sort());
  });
});

describe('*fixed:* an entry larger than `maxMemorySize`', () => {
  const LARGE = 'x'.repeat(1000);

  test('lives on disk only and evicts nothing', async () => {
    const cache = cacheIn(folder(), { maxMemorySize: 3 * sizeOf('x') });
    for (const key of ['a', 'b', 'c']) await cache.set(key, [key]);
    const before = cache.getStats();
    expect(await cache.set('large', LARGE)).toStrictEqual({ success: true });
    expect(await cache.get('large')).toStrictEqual({ found: true, value: LARGE });
    const { memoryCount, memorySize, evictions } = cache.getStats();
    expect({ memoryCount, memorySize, evictions }).toEqual({
      memoryCount: before.memoryCount,
      memorySize: before.memorySize,
      evictions: before.evictions,
    });
  });

  test('takes the place of the smaller one of its key', async () => {
    const cache = cacheIn(folder(), { maxMemorySize: 3 * sizeOf('x') });
    await cache.set('k', 'x');
    await cache.set('k', LARGE);
    expect(cache.getStats()).toMatchObject({ memoryCount: 0, memorySize: 0 });
    expect(await cache.get('k')).toStrictEqual({ found: true, value: LARGE });
    await cache.set('k', 'y');
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 'y' });
  });

  test('is found while it is being written, and never the one before', async () => {
    const cache = cacheIn(folder(), { maxMemorySize: 3 * sizeOf('x') });
    await cache.set('k', 'x');
    const set = cache.set('k', LARGE);
    expect(await cache.get('k')).toStrictEqual({ found: true, value: LARGE });
    await set;
  });

  test('with `persistToDisk: false` it is kept alone, as in v1', async () => {
    const cache = inMemory({ maxMemorySize: 3 * sizeOf('x') });
    for (const key of ['a', 'b']) await cache.set(key, 'x');
    expect(await cache.set('large', LARGE)).toStrictEqual({ success: true });
    expect(cache.getStats()).toMatchObject({ memoryCount: 1, memorySize: sizeOf(LARGE) });
    expect((await cache.get('large')).value).toBe(LARGE);
    await cache.set('c', 'x');
    expect(await cache.keys()).toEqual(['c']);
  });
});

test('`maxMemorySize: Infinity` evicts nothing', async () => {
  const cache = inMemory({ maxMemorySize: Infinity });
  const value = 'x'.repeat(1024 * 1024);
  for (let at = 0; at < 100; at += 1) await cache.set(`k${at}`, value);
  expect(cache.getStats()).toMatchObject({ memoryCount: 100, memorySize: 100 * sizeOf(value), evictions: 0 });
});

test('`getStats` counts hits, of memory and of disk, and misses', async () => {
  const cacheDir = folder();
  const cache = cacheIn(cacheDir);
  await cache.get('k');
  await cache.set('k', 1);
  await cache.get('k');
  await cache.get('k');
  expect(cache.getStats()).toMatchObject({ hits: 2, misses: 1 });
  const other = cacheIn(cacheDir);
  await other.get('k');
  await other.get('nothing');
  expect(other.getStats()).toMatchObject({ hits: 1, misses: 1 });
});
