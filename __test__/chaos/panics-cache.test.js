import path from 'node:path';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { cache, cacheFolder } from '../support/caches.js';
import { fault, outcome } from '../support/faults.js';
import { rounds } from '../support/rounds.js';

const PANICKED = 'INTERNAL_PANIC';
const ROUNDS = rounds(100);
const set = { success: true };

/** A second cache on the same folder: what it finds is on disk. */
const onDisk = (cacheDir) => cache({ cacheDir });

describe('a panic on the disk thread: what it was at rejects with INTERNAL_PANIC, what was acknowledged is there', () => {
  test.each(['disk', 'batch', 'answer'])('%s', async (place) => {
    const cacheDir = cacheFolder();
    const struck = cache({ cacheDir });
    expect(await struck.set('before', 1)).toEqual(set);
    expect(await struck.set('bytes', Buffer.from('abc'))).toEqual(set);
    const first = outcome(struck.set('a', 1));
    fault(struck, place);
    const asked = [first, outcome(struck.set('b', 2)), outcome(struck.has('absent')), outcome(struck.keys())];
    const outcomes = await Promise.all(asked);
    expect(outcomes).toEqual(Array.from(asked, () => PANICKED));
    expect(await struck.get('before')).toEqual({ found: true, value: 1 });
    expect(await struck.set('b', 3)).toEqual(set);
    expect(await struck.get('b')).toEqual({ found: true, value: 3 });
    const other = onDisk(cacheDir);
    expect(await other.get('before')).toEqual({ found: true, value: 1 });
    expect(await other.get('bytes')).toEqual({ found: true, value: Buffer.from('abc') });
    // What rejected before its commit is not there; behind it, it may be. Memory and disk agree.
    expect(await struck.get('a')).toEqual(await other.get('a'));
    if (place !== 'answer') expect(await other.get('a')).toEqual({ found: false });
  });
});

test('a panic during the recovery from a panic: the next call works all the same', async () => {
  const struck = cache();
  await struck.set('k', 1);
  fault(struck, 'disk');
  fault(struck, 'rebuild', 100);
  expect(await outcome(struck.set('k', 2))).toBe(PANICKED);
  expect(await struck.get('k')).toEqual({ found: true, value: 1 });
});

test('a panic in a call itself: it rejects, memory begins anew, and what is on disk is found', async () => {
  const struck = cache();
  await struck.set('k', 1);
  const pending = struck.set('other', 2);
  fault(struck, 'export');
  expect(await outcome(struck.set('k', 2))).toBe(PANICKED);
  expect(await pending).toEqual(set);
  expect(await struck.get('k')).toEqual({ found: true, value: 1 });
  expect(struck.getStats().memoryCount).toBeLessThan(3);
  const alone = cache({ cacheDir: path.join(cacheFolder(), 'none'), persistToDisk: false, maxMemorySize: 1000 });
  await alone.set('k', 1);
  fault(alone, 'export');
  expect(await outcome(alone.set('k', 2))).toBe(PANICKED);
  for (let n = 0; n < 100; n += 1) expect(await alone.set(`k${n}`, n)).toEqual(set);
  expect(alone.getStats().memorySize).toBeLessThanOrEqual(1000);
});

test('the handing over panics a hundred times: every answer comes', async () => {
  const struck = cache();
  for (const place of ['take', 'wake']) {
    fault(struck, place, 100);
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => struck.set(`k${n}`, n)));
    expect(answers.every(({ success }) => success)).toBe(true);
  }
});

test(`${ROUNDS} panics in a row: each write is either acknowledged and there, or rejected`, async () => {
  const cacheDir = cacheFolder();
  const struck = cache({ cacheDir });
  const acknowledged = new Map();
  let rejected = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    fault(struck, ['disk', 'batch', 'answer'][round % 3]);
    const keys = [0, 1, 2].map((n) => `${round}-${n}`);
    const outcomes = await Promise.all(keys.map((key) => outcome(struck.set(key, round))));
    keys.forEach((key, n) => {
      if (outcomes[n].success === true) acknowledged.set(key, round);
      else rejected += 1;
    });
    expect(await struck.set(`behind ${round}`, round)).toEqual(set);
    acknowledged.set(`behind ${round}`, round);
  }
  expect(rejected).toBeGreaterThanOrEqual(ROUNDS);
  const other = onDisk(cacheDir);
  for (const [key, value] of acknowledged) expect(await other.get(key)).toEqual({ found: true, value });
  console.log(
    `panics survived by one cache: ${ROUNDS}; acknowledged and found: ${acknowledged.size}, rejected: ${rejected}`,
  );
}, 600_000);

test('it still closes, and begins anew', async () => {
  const struck = new runtime.CacheManager({ cacheDir: cacheFolder() });
  await struck.set('k', 1);
  fault(struck, 'disk');
  expect(await outcome(struck.close())).toBe(PANICKED);
  await struck.close();
  expect(await struck.get('k')).toEqual({ found: true, value: 1 });
  await struck.close();
});
