import vm from 'node:vm';
import { describe, expect, test } from 'vitest';
import { cache } from '../support/caches.js';

/** What the disk gives back, in a cache that has nothing in memory. */
async function fromDisk(subject, key) {
  await subject.close();
  return subject.get(key);
}

describe('whatever JSON holds, and `undefined`', () => {
  test.each([
    [null],
    [true],
    [0],
    [-0.5e-300],
    [''],
    ['\u2028 "\\ \ud83d half \ude00 pair 😀'],
    [[]],
    [{ a: { b: [1, 'two', null, { c: false }] }, __proto__: null }],
    [undefined],
    [JSON.parse('{"__proto__": 1, "constructor": 2}')],
  ])('%j', async (value) => {
    const subject = cache();
    expect(await subject.set('k', value)).toEqual({ success: true });
    const { found, value: got } = await fromDisk(subject, 'k');
    expect(found).toBe(true);
    expect(got === undefined ? got : JSON.stringify(got)).toBe(value === undefined ? value : JSON.stringify(value));
  });

  test('as JSON has it: dates are strings, NaN is null', async () => {
    const subject = cache();
    const at = new Date();
    await subject.set('k', { at, not: NaN, gone: undefined });
    expect((await fromDisk(subject, 'k')).value).toEqual({ at: at.toISOString(), not: null });
  });

  test('a text of many megabytes, deep nesting', async () => {
    const subject = cache();
    const long = 'é'.repeat(10_000_000);
    const deep = JSON.parse('['.repeat(3000) + ']'.repeat(3000));
    await Promise.all([subject.set('long', long), subject.set('deep', deep)]);
    expect((await fromDisk(subject, 'long')).value === long).toBe(true);
    expect(JSON.stringify((await subject.get('deep')).value)).toBe(JSON.stringify(deep));
  });
});

describe('`Buffer`, `ArrayBuffer` and typed arrays come back as such', () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, n) => n * 3);
  const names = ['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array'].concat([
    'Uint32Array',
    'Float32Array',
    'Float64Array',
    'BigInt64Array',
    'BigUint64Array',
    'DataView',
  ]);

  test.each(names)('%s', async (name) => {
    const subject = cache();
    const buffer = bytes.slice().buffer;
    // A view of a part: only the part is the value.
    const value = new globalThis[name](buffer, 8, name === 'DataView' ? 16 : 2);
    expect(await subject.set('k', value)).toEqual({ success: true });
    expect((await subject.get('k')).value).toBe(value);
    const got = (await fromDisk(subject, 'k')).value;
    expect(got.constructor).toBe(globalThis[name]);
    expect(got.byteLength).toBe(value.byteLength);
    const raw = (view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex');
    expect(raw(got)).toBe(raw(value));
  });

  test('Buffer, ArrayBuffer, and empty ones', async () => {
    const subject = cache();
    await subject.set('buffer', Buffer.from('héllo'));
    await subject.set('array buffer', bytes.buffer);
    await subject.set('empty', Buffer.alloc(0));
    await subject.close();
    const buffer = (await subject.get('buffer')).value;
    expect(Buffer.isBuffer(buffer) && buffer.toString()).toBe('héllo');
    const plain = (await subject.get('array buffer')).value;
    expect(plain).toBeInstanceOf(ArrayBuffer);
    expect(new Uint8Array(plain)).toEqual(bytes);
    expect((await subject.get('empty')).value).toEqual(Buffer.alloc(0));
  });

  test('of another realm, and over shared memory', async () => {
    const subject = cache();
    await subject.set('realm', vm.runInNewContext('new Uint16Array([1, 2, 3])'));
    await subject.set('shared', new Uint8Array(new SharedArrayBuffer(4)).fill(7));
    await subject.close();
    expect((await subject.get('realm')).value).toEqual(Uint16Array.of(1, 2, 3));
    expect((await subject.get('shared')).value).toEqual(Uint8Array.of(7, 7, 7, 7));
  });

  test('what is changed after `set` is not what is stored', async () => {
    const subject = cache();
    const value = Buffer.from('before');
    const stored = subject.set('k', value);
    value.write('behind');
    await stored;
    expect((await fromDisk(subject, 'k')).value.toString()).toBe('before');
  });
});

describe('what JSON cannot hold stays in memory', () => {
  const cycle = {};
  cycle.self = cycle;
  const values = {
    cycle,
    BigInt: { n: 10n },
    function: () => 1,
    symbol: Symbol('s'),
    'a throwing toJSON': {
      toJSON() {
        throw new Error('no');
      },
    },
  };

  test.each(Object.keys(values))('%s', async (name) => {
    const value = values[name];
    const subject = cache();
    await subject.set('k', 'older');
    expect(await subject.set('k', value)).toEqual({ success: false });
    expect((await subject.get('k')).value).toBe(value);
    expect(await fromDisk(subject, 'k')).toEqual({ found: false });
    const memory = cache({ persistToDisk: false });
    expect(await memory.set('k', value)).toEqual({ success: true });
    expect((await memory.get('k')).value).toBe(value);
  });
});

describe('keys', () => {
  const keys = ['', ' ', '/', '..', 'a/../b', 'C:\\x', '\0', 'é', '😀', '\ud83d', '\ude00', '\ufffd', 'x'.repeat(5000)];

  test('any string is one, and no two meet', async () => {
    const subject = cache();
    await Promise.all(keys.map((key, n) => subject.set(key, n)));
    await subject.close();
    for (const [n, key] of keys.entries()) expect((await subject.get(key)).value).toBe(n);
    expect((await subject.keys()).sort()).toEqual(keys.slice().sort());
    for (const key of keys) expect(await subject.delete(key)).toEqual({ success: true });
    expect(await subject.keys()).toEqual([]);
  });

  test('a prefix is one of UTF-16 units', async () => {
    const subject = cache();
    await Promise.all(keys.map((key) => subject.set(key, 1)));
    await subject.close();
    expect((await subject.keys('\ud83d')).sort()).toEqual(['\ud83d', '😀']);
    expect(await subject.clear('\ud83d')).toEqual({ success: true, cleared: 2 });
  });
});
