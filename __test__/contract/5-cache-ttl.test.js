import { describe, expect, test } from 'vitest';
import { cacheIn } from '../support/cache-folders.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const NOTHING = { found: false };

/** Sets, and gives the bounds of `expiresAt`. */
async function setWithin(cache, key, value, ttl, effective = ttl) {
  const from = Date.now() + effective * 1000;
  expect(await cache.set(key, value, ttl)).toStrictEqual({ success: true });
  return [Math.floor(from), Math.ceil(Date.now() + effective * 1000)];
}

function expectWithin(answer, value, [from, to]) {
  expect(answer).toStrictEqual({ found: true, value, expiresAt: expect.any(Number) });
  expect(answer.expiresAt).toBeGreaterThanOrEqual(from);
  expect(answer.expiresAt).toBeLessThanOrEqual(to);
}

describe.each([
  ['in memory', (options) => cacheIn('/nothing/here', { persistToDisk: false, ...options })],
  ['on disk', (options) => cacheIn(folder(), { maxMemorySize: 0, ...options })],
  ['in both', (options) => cacheIn(folder(), options)],
])('%s', (_, make) => {
  test('`ttl` is seconds, `expiresAt` milliseconds since the epoch', async () => {
    const cache = make();
    const bounds = await setWithin(cache, 'k', 'v', 60);
    expectWithin(await cache.get('k'), 'v', bounds);
  });

  test('without one there is no `expiresAt` in the answer', async () => {
    const cache = make();
    await cache.set('k', 1);
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 1 });
  });

  test('`undefined` or null → `defaultTtl`', async () => {
    const cache = make({ defaultTtl: 100 });
    for (const ttl of [undefined, null]) {
      const bounds = await setWithin(cache, 'k', 'v', ttl, 100);
      expectWithin(await cache.get('k'), 'v', bounds);
    }
    const own = await setWithin(cache, 'k', 'v', 5);
    expectWithin(await cache.get('k'), 'v', own);
  });

  test('0 → no expiry, as in v1, also against `defaultTtl`', async () => {
    const cache = make({ defaultTtl: -5 });
    await cache.set('k', 1, 0);
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 1 });
  });

  test('`defaultTtl: 0` → no expiry', async () => {
    const cache = make({ defaultTtl: 0 });
    await cache.set('k', 1);
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 1 });
  });

  test('negative → already expired, and what was there is gone', async () => {
    const cache = make();
    for (const ttl of [-1, -0.001, -1e9]) {
      await cache.set('k', 'before');
      expect(await cache.set('k', 'expired', ttl)).toStrictEqual({ success: true });
      expect(await cache.get('k')).toStrictEqual(NOTHING);
      expect(await cache.has('k')).toBe(false);
      expect(await cache.keys()).toEqual([]);
    }
  });

  test('a fraction of a second, to the end and not beyond', async () => {
    const cache = make();
    await cache.set('k', 'v', 0.3);
    const { expiresAt } = await cache.get('k');
    await delay(expiresAt - Date.now() + 1);
    expect(await cache.get('k')).toStrictEqual(NOTHING);
    expect(await cache.has('k')).toBe(false);
    expect(await cache.keys()).toEqual([]);
    await cache.set('k', 'again');
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 'again' });
  });

  test('the next `set` decides alone', async () => {
    const cache = make();
    await cache.set('k', 1, 0.05);
    await cache.set('k', 2);
    await delay(80);
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 2 });
    await cache.set('k', 3, 60);
    await cache.set('k', 4, 0.05);
    await delay(80);
    expect(await cache.get('k')).toStrictEqual(NOTHING);
  });

  // The contract names no limit: the user's expectation is that a long time is long.
  test.each([1e10, Number.MAX_SAFE_INTEGER, 1e300, Number.MAX_VALUE, Infinity])('a ttl of %s', async (ttl) => {
    const cache = make();
    await cache.set('k', 1, ttl);
    expect(await cache.get('k')).toMatchObject({ found: true, value: 1 });
    expect(await cache.keys()).toEqual(['k']);
    expect(await cache.prune()).toBe(0);
  });

  // Version 1 takes NaN as no ttl; refusing it is as good. An entry that is stored and never found is neither.
  test('a ttl of NaN is refused, or none', async () => {
    const cache = make();
    const refused = await cache.set('k', 1, NaN).catch((error) => error);
    if (refused instanceof TypeError) expect(await cache.get('k')).toStrictEqual(NOTHING);
    else expect(await cache.get('k')).toStrictEqual({ found: true, value: 1 });
  });

  test('`prune()` counts the distinct expired keys, once', async () => {
    const cache = make();
    await cache.set('stays', 1, 60);
    await cache.set('for ever', 1);
    for (const key of ['a', 'b', '']) await cache.set(key, 1, -1);
    expect(await cache.prune()).toBe(3);
    expect(await cache.prune()).toBe(0);
    expect((await cache.keys()).sort()).toEqual(['for ever', 'stays']);
  });

  test('`getOrSet` takes a ttl', async () => {
    const cache = make({ defaultTtl: -1 });
    await cache.getOrSet('k', () => 'v', 60);
    expect((await cache.get('k')).expiresAt).toBeGreaterThan(Date.now() + 50_000);
    expect(await cache.getOrSet('short', () => 'v', 0.05)).toBe('v');
    await delay(80);
    expect(await cache.getOrSet('short', () => 'next')).toBe('next');
  });
});

test('the same `expiresAt` in memory, from disk, and after its promotion', async () => {
  const cacheDir = folder();
  const cache = cacheIn(cacheDir);
  await cache.set('k', 'v', 12.3456789);
  const first = await cache.get('k');
  const other = cacheIn(cacheDir);
  expect(await other.get('k')).toStrictEqual(first);
  expect(await other.get('k')).toStrictEqual(first);
});

test('what was promoted expires in memory too', async () => {
  const cacheDir = folder();
  const [cache, other] = [cacheIn(cacheDir), cacheIn(cacheDir)];
  // Both are open before the time runs: a loaded machine may take longer for that than the entry has.
  await cache.set('k', 'before');
  await other.get('nothing');
  await cache.set('k', 'v', 1.5);
  const { expiresAt, found } = await other.get('k');
  expect(found).toBe(true);
  await delay(expiresAt - Date.now() + 1);
  expect(await other.get('k')).toStrictEqual(NOTHING);
  await eventually(() => other.getStats().memorySize === 0, 'its room');
});

describe('*fixed:* `prune()` works on disk too', () => {
  test('what another manager left there', async () => {
    const cacheDir = folder();
    const before = cacheIn(cacheDir);
    for (const key of ['a', 'b']) await before.set(key, key, -1);
    await before.set('c', 'c');
    await before.close();
    const cache = cacheIn(cacheDir);
    expect(await cache.prune()).toBe(2);
    expect(cache.getStats()).toMatchObject({ diskCount: 1 });
    expect(await cacheIn(cacheDir).prune()).toBe(0);
  });

  test('a key that is expired in memory and on disk counts once', async () => {
    const cache = cacheIn();
    await cache.set('a', 1, 0.03);
    await cache.set('b', 1, 0.03);
    await delay(60);
    expect(await cache.prune()).toBe(2);
  });

  test('a value that only memory holds', async () => {
    const cache = cacheIn();
    await cache.set('a', 5n, 0.03);
    await delay(60);
    expect(await cache.prune()).toBe(1);
  });

  test('two at once count each key once in all', async () => {
    const cache = cacheIn();
    for (let at = 0; at < 50; at += 1) await cache.set(`k${at}`, 1, -1);
    const counts = await Promise.all([cache.prune(), cache.prune(), cache.prune()]);
    expect(counts.reduce((sum, count) => sum + count)).toBe(50);
  });

  test('a `set` during it is kept', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    await cache.set('k', 'old', -1);
    const [, answer] = await Promise.all([cache.prune(), cache.set('k', 'new')]);
    expect(answer).toStrictEqual({ success: true });
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 'new' });
    expect(await cacheIn(cacheDir).get('k')).toStrictEqual({ found: true, value: 'new' });
  });
});
