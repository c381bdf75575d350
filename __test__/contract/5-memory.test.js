import { describe, expect, test } from 'vitest';
import { cache } from '../support/caches.js';

const MEMORY = { persistToDisk: false };
/** The size that the contract gives an entry without expiry. */
const sizeOf = (value, expiresAt = null) => 2 * JSON.stringify({ value, expiresAt, createdAt: Date.now() }).length;

/** Which of the keys are in memory: a memory-only cache has them nowhere else. */
async function present(subject, keys) {
  const found = [];
  for (const key of keys) if (await subject.has(key)) found.push(key);
  return found.join('');
}

describe('memory first: the very object that was set', () => {
  test.each([{ persistToDisk: true }, MEMORY])('%o', async (options) => {
    const subject = cache(options);
    const value = { deep: { list: [1] } };
    await subject.set('a', value);
    for (let n = 0; n < 3; n += 1) expect((await subject.get('a')).value).toBe(value);
    value.deep.list.push(2);
    expect((await subject.get('a')).value.deep.list).toEqual([1, 2]);
  });

  test('also before the disk has answered', async () => {
    const subject = cache();
    const value = {};
    const stored = subject.set('a', value);
    expect((await subject.get('a')).value).toBe(value);
    expect(await stored).toEqual({ success: true });
  });

  test('also a second later, when the disk is asked whether it changed', async () => {
    const subject = cache();
    const value = {};
    await subject.set('a', value);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await subject.get('a')).value).toBe(value);
  });

  test('the disk has what it was at the call of set', async () => {
    const subject = cache();
    const value = { n: 1 };
    const stored = subject.set('a', value);
    value.n = 2;
    await stored;
    await subject.close();
    expect((await subject.get('a')).value).toEqual({ n: 1 });
  });
});

test('`{found: false}` for what is not there, `expiresAt` only for what expires', async () => {
  const subject = cache(MEMORY);
  expect(await subject.get('a')).toEqual({ found: false });
  await subject.set('a', 1);
  expect(await subject.get('a')).toEqual({ found: true, value: 1 });
  const before = Date.now();
  await subject.set('a', 1, 60);
  const { expiresAt } = await subject.get('a');
  expect(expiresAt).toBeGreaterThanOrEqual(before + 60000);
  expect(expiresAt).toBeLessThanOrEqual(Date.now() + 60000);
});

describe('an entry’s size is 2 × the length of the JSON text, for binary values their byte length', () => {
  test.each([['text'], ['é😀\ud83d"\n'], [{ a: [1, null, true] }], [12.5], [null], [undefined]])(
    '%o',
    async (value) => {
      for (const options of [MEMORY, {}]) {
        const subject = cache(options);
        await subject.set('a', value);
        expect(subject.getStats().memorySize).toBe(sizeOf(value));
        await subject.set('a', value, 60);
        expect(subject.getStats().memorySize).toBe(sizeOf(value, Date.now()));
        if (options === MEMORY) continue;
        await subject.close();
        expect(subject.getStats()).toMatchObject({ memorySize: 0, memoryCount: 0 });
        await subject.get('a');
        expect(subject.getStats()).toMatchObject({ memorySize: sizeOf(value, Date.now()), memoryCount: 1 });
      }
    },
  );

  test('binary', async () => {
    const subject = cache(MEMORY);
    await subject.set('a', Buffer.alloc(1000));
    await subject.set('b', new Float64Array(10));
    expect(subject.getStats().memorySize).toBe(1080);
  });
});

describe('eviction is least recently used', () => {
  const one = 'x'.repeat(100);
  const maxMemorySize = 4 * sizeOf(one);

  test('fixed: not first in, first out', async () => {
    const subject = cache({ ...MEMORY, maxMemorySize });
    for (const key of 'abcd') await subject.set(key, one);
    await subject.get('a');
    await subject.set('e', one);
    expect(await present(subject, 'abcde')).toBe('acde');
    await subject.set('c', one);
    await subject.set('f', one);
    await subject.set('g', one);
    expect(await present(subject, 'abcdefg')).toBe('cefg');
    expect(subject.getStats()).toMatchObject({ evictions: 3, memoryCount: 4, memorySize: maxMemorySize });
  });

  test('the order is exact over thousands of hits', async () => {
    const subject = cache({ ...MEMORY, maxMemorySize });
    const order = [];
    let random = 7;
    for (let n = 0; n < 5000; n += 1) {
      random = (random * 1103515245 + 12345) % 2147483648;
      const key = 'abcdefgh'[random % 8];
      const at = order.indexOf(key);
      expect((await subject.get(key)).found).toBe(at >= 0);
      if (at >= 0) order.splice(at, 1);
      else await subject.set(key, one);
      order.push(key);
      if (order.length > 4) order.shift();
    }
  });

  test('what left memory is read from disk', async () => {
    const subject = cache({ maxMemorySize });
    for (let n = 0; n < 10; n += 1) await subject.set(`k${n}`, one);
    expect(subject.getStats().memoryCount).toBe(4);
    for (let n = 0; n < 10; n += 1) expect(await subject.get(`k${n}`)).toEqual({ found: true, value: one });
  });

  test('fixed: an entry larger than maxMemorySize lives on disk only and evicts nothing', async () => {
    const subject = cache({ maxMemorySize });
    for (const key of 'ab') await subject.set(key, one);
    await subject.set('a', 'small before');
    const large = 'x'.repeat(1000);
    expect(await subject.set('a', large)).toEqual({ success: true });
    expect(subject.getStats()).toMatchObject({ memoryCount: 1, evictions: 0 });
    for (let n = 0; n < 2; n += 1) expect((await subject.get('a')).value).toBe(large);
    expect(subject.getStats()).toMatchObject({ memoryCount: 1, evictions: 0 });
  });

  test('with `persistToDisk: false` it is kept alone', async () => {
    const subject = cache({ ...MEMORY, maxMemorySize });
    for (const key of 'ab') await subject.set(key, one);
    await subject.set('large', 'x'.repeat(1000));
    expect(await present(subject, ['a', 'b', 'large'])).toBe('large');
    await subject.set('a', one);
    expect(await present(subject, ['a', 'b', 'large'])).toBe('a');
  });

  test('fixed: an expired entry’s size is given back', async () => {
    const subject = cache({ ...MEMORY, maxMemorySize });
    await subject.set('a', one, -1);
    expect(subject.getStats().memoryCount).toBe(1);
    expect(await subject.get('a')).toEqual({ found: false });
    expect(subject.getStats()).toMatchObject({ memorySize: 0, memoryCount: 0 });
  });

  test('`Infinity` keeps everything', async () => {
    const subject = cache({ ...MEMORY, maxMemorySize: Infinity });
    for (let n = 0; n < 2000; n += 1) await subject.set(`k${n}`, one);
    expect(subject.getStats()).toMatchObject({ memoryCount: 2000, evictions: 0, maxMemorySize: Infinity });
  });
});

test('hits and misses are counted', async () => {
  for (const options of [MEMORY, {}]) {
    const subject = cache(options);
    await subject.set('a', 1);
    await Promise.all([subject.get('a'), subject.get('a'), subject.get('b')]);
    expect(subject.getStats()).toMatchObject({ hits: 2, misses: 1 });
  }
});
