import { afterEach, describe, expect, test, vi } from 'vitest';
import { cache } from '../support/caches.js';

afterEach(() => vi.restoreAllMocks());

/** The time as the cache sees it. */
function clock() {
  let now = Date.now();
  vi.spyOn(Date, 'now').mockImplementation(() => now);
  return (ms) => {
    now += ms;
  };
}

describe.each([{ persistToDisk: true }, { persistToDisk: false }])('with %o', (options) => {
  test('`ttl` is in seconds, and over from its last millisecond on', async () => {
    const pass = clock();
    const subject = cache(options);
    await subject.set('a', 1, 1.5);
    pass(1499);
    expect((await subject.get('a')).found).toBe(true);
    pass(1);
    expect(await subject.get('a')).toEqual({ found: false });
  });

  test('undefined or null → `defaultTtl`; 0 → no expiry; negative → already expired', async () => {
    const pass = clock();
    const subject = cache({ ...options, defaultTtl: 10 });
    await subject.set('undefined', 1);
    await subject.set('null', 1, null);
    await subject.set('0', 1, 0);
    expect(await subject.set('negative', 1, -1)).toEqual({ success: true });
    expect(await subject.get('negative')).toEqual({ found: false });
    expect(await subject.get('0')).toEqual({ found: true, value: 1 });
    expect((await subject.get('undefined')).expiresAt).toBe(Date.now() + 10000);
    pass(10000);
    for (const key of ['undefined', 'null']) expect((await subject.get(key)).found).toBe(false);
    expect((await subject.get('0')).found).toBe(true);
  });

  test('without `defaultTtl` nothing expires, nor with `Infinity`', async () => {
    const pass = clock();
    const subject = cache(options);
    await subject.set('a', 1);
    await subject.set('b', 1, Infinity);
    await subject.set('c', 1, 1e300);
    pass(1e12);
    for (const key of 'abc') expect(await subject.get(key)).toEqual({ found: true, value: 1 });
  });

  test('`prune()` → the number of distinct expired keys', async () => {
    const pass = clock();
    const subject = cache(options);
    for (const key of 'abc') await subject.set(key, 1, 1);
    await subject.set('d', 1, 100);
    await subject.set('e', 1);
    expect(await subject.prune()).toBe(0);
    pass(1000);
    expect(await subject.prune()).toBe(3);
    expect(await subject.prune()).toBe(0);
    expect((await subject.keys()).sort()).toEqual(['d', 'e']);
    expect(subject.getStats().memoryCount).toBe(2);
  });

  test('what has expired is not among `keys`, and `has` it not', async () => {
    const pass = clock();
    const subject = cache(options);
    await subject.set('a', 1, 1);
    expect([await subject.has('a'), await subject.keys()]).toEqual([true, ['a']]);
    pass(1000);
    expect([await subject.has('a'), await subject.keys()]).toEqual([false, []]);
  });
});

test('fixed: `prune()` removes from memory *and* disk', async () => {
  const pass = clock();
  const subject = cache();
  await subject.set('both', 1, 1);
  await subject.set('disk', 1, 1);
  await subject.close();
  await subject.get('both');
  expect(subject.getStats()).toMatchObject({ memoryCount: 1, diskCount: 2 });
  pass(1000);
  expect(await subject.prune()).toBe(2);
  expect(subject.getStats()).toMatchObject({ memoryCount: 0, diskCount: 0, diskSize: 0 });
});

test('an expired entry on disk is a miss, and goes', async () => {
  const pass = clock();
  const subject = cache();
  await subject.set('a', 1, 1);
  await subject.close();
  expect((await subject.get('a')).expiresAt).toBe(Date.now() + 1000);
  await subject.close();
  pass(1000);
  expect(await subject.get('a')).toEqual({ found: false });
  await subject.get('a');
  expect(subject.getStats().diskCount).toBe(0);
});
