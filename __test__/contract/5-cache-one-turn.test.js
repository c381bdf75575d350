import { expect, test } from 'vitest';
import { cache } from '../support/caches.js';
import { fault, outcome } from '../support/faults.js';

/** An entry of a one-digit number: the JSON text of `{value, expiresAt, createdAt}`, twice. */
const SIZE = 2 * `{"value":1,"expiresAt":null,"createdAt":${Date.now()}}`.length;

test('what is asked in one turn is done in its order: each call sees those before it', async () => {
  const one = cache({ maxMemorySize: 10 * SIZE });
  // Behind it memory is known to be as new as the disk, and is served at once.
  await one.get('nothing');
  const asked = [
    one.set('a', 1),
    one.get('a'),
    one.set('a', 2),
    one.get('a'),
    one.has('a'),
    one.delete('a'),
    one.get('a'),
    one.set('a', undefined),
    one.get('a'),
    one.set('b', Buffer.from('b')),
    one.get('b'),
    one.keys(),
    one.clear('a'),
    one.get('a'),
  ];
  expect(await Promise.all(asked)).toEqual([
    { success: true },
    { found: true, value: 1 },
    { success: true },
    { found: true, value: 2 },
    true,
    { success: true },
    { found: false },
    { success: true },
    { found: true, value: undefined },
    { success: true },
    { found: true, value: Buffer.from('b') },
    ['a', 'b'],
    { success: true, cleared: 1 },
    { found: false },
  ]);
});

test('entries that leave memory and come again in the same turn are counted once, and have their last value', async () => {
  const one = cache({ maxMemorySize: 10 * SIZE });
  const writes = Array.from({ length: 1000 }, (_, n) => one.set(`k${(n * 7) % 23}`, n % 10));
  const { memoryCount, memorySize } = one.getStats();
  expect([memoryCount, memorySize]).toEqual([10, 10 * SIZE]);
  expect((await Promise.all(writes)).every(({ success }) => success)).toBe(true);
  for (let key = 0; key < 23; key += 1) {
    let last = 999;
    while ((last * 7) % 23 !== key) last -= 1;
    expect(await one.get(`k${key}`)).toEqual({ found: true, value: last % 10 });
  }
  expect(one.getStats().memoryCount).toBe(10);
});

test('an entry larger than all memory that is set and got in one turn comes from disk', async () => {
  const one = cache({ maxMemorySize: 10 * SIZE });
  const large = { text: 'x'.repeat(10 * SIZE) };
  await one.get('nothing');
  const asked = [one.set('small', 1), one.set('large', large), one.get('large')];
  const { value } = (await Promise.all(asked))[2];
  expect(value).toEqual(large);
  expect(value).not.toBe(large);
  expect(one.getStats().memoryCount).toBe(1);
});

test('a panic while they cross rejects those that cross, and memory agrees with the disk', async () => {
  const one = cache();
  const first = one.set('first', 0);
  fault(one, 'export');
  const outcomes = await Promise.all(Array.from({ length: 100 }, (_, n) => outcome(one.set(`k${n}`, n))));
  expect(await first).toEqual({ success: true });
  expect(outcomes.filter((code) => code === 'INTERNAL_PANIC').length).toBe(64);
  for (let n = 0; n < 100; n += 1) {
    const found = await one.get(`k${n}`);
    expect(found).toEqual(outcomes[n] === 'INTERNAL_PANIC' ? { found: false } : { found: true, value: n });
  }
});

const cyclic = {};
cyclic.self = cyclic;

test.each([
  ['bytes', () => Buffer.from('new')],
  ['a value that JSON cannot hold', () => cyclic],
  ['a long text behind another', () => 'n'.repeat(40_000)],
])('a key in memory is set again, to %s, behind what evicts its old entry', async (_, make) => {
  const one = cache({ maxMemorySize: 170_000 });
  await one.set('b', 'old');
  const value = make();
  const all = [
    one.set('first', 1),
    // Together they leave no room for anything older.
    ...['x', 'y', 'z'].map((name) => one.set(name, name.repeat(39_000))),
    one.set('b', value),
  ];
  expect((await Promise.all(all)).every(({ success }) => success)).toBe(value !== cyclic);
  const found = await one.get('b');
  expect(found.found).toBe(true);
  expect(found.value).toBe(value);
  await Promise.all(['b', 'first', 'x', 'y', 'z'].map((key) => one.delete(key)));
  expect(one.getStats()).toMatchObject({ memoryCount: 0, memorySize: 0 });
});

test('an app whose JSON.stringify writes several lines: each key has its own value', async () => {
  const one = cache({ maxMemorySize: 0 });
  const { stringify } = JSON;
  const sets = [];
  try {
    JSON.stringify = (value) => stringify(value, null, 2);
    for (const n of [1, 2, 3]) sets.push(one.set(`k${n}`, { n, list: [n] }));
  } finally {
    JSON.stringify = stringify;
  }
  await Promise.all(sets);
  for (const n of [1, 2, 3]) expect(await one.get(`k${n}`)).toEqual({ found: true, value: { n, list: [n] } });
});
