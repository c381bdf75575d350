import { describe, expect, test } from 'vitest';
import { cacheIn } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';

const lines = consoleErrors();
const bytes = (length) => Uint8Array.from({ length }, (_, at) => (at * 37 + 11) % 256);

/** The value of a key as another manager on the folder finds it. */
async function fromDisk(cacheDir, key = 'k') {
  const cache = cacheIn(cacheDir);
  const found = await cache.get(key);
  await cache.close();
  return found;
}

async function throughDisk(value) {
  const cacheDir = folder();
  expect(await cacheIn(cacheDir).set('k', value)).toStrictEqual({ success: true });
  const found = await fromDisk(cacheDir);
  expect(found.found).toBe(true);
  return found.value;
}

describe('whatever JSON holds comes back from disk', () => {
  const polluted = JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"hasOwnProperty":null}');
  test.each([
    ['null', null],
    ['false', false],
    ['0', 0],
    ["''", ''],
    ['a number beyond 2^53', 1.7976931348623157e308],
    ['a small number', 5e-324],
    ['empty containers', { a: [], b: {}, c: [[], {}] }],
    ['keys of objects', polluted],
    ['control characters and line separators', '\0\x01\x1f"\\/\u2028\u2029\ufeff\x7f'],
    ['lone surrogates, as values and names', { '\ud83d': '\udc00x\ud83d', pair: '😀' }],
    ['what looks like a number, a row, a command', "'); DROP TABLE entries; --"],
    ['what looks like the file of version 1', { value: 1, expiresAt: 5, createdAt: 5 }],
    ['depth', JSON.parse(`${'['.repeat(2000)}${']'.repeat(2000)}`)],
    ['many items', Array.from({ length: 20_000 }, (_, at) => ({ at, text: `${at}` }))],
  ])('%s', async (_, value) => {
    expect(await throughDisk(value)).toStrictEqual(value);
    expect({}.polluted).toBeUndefined();
  });

  test('a long text', async () => {
    const value = `${'ä😀\n'.repeat(1024 * 1024)}end`;
    expect((await throughDisk(value)) === value).toBe(true);
  });

  test('`toJSON`, left-out members, NaN: as JSON has them', async () => {
    const value = { at: new Date(0), not: undefined, nan: NaN, list: [undefined, () => {}], six: new Number(6) };
    expect(await throughDisk(value)).toStrictEqual(JSON.parse(JSON.stringify(value)));
  });
});

test('`undefined` is a value, found in memory and on disk', async () => {
  const cacheDir = folder();
  const cache = cacheIn(cacheDir);
  expect(await cache.set('k', undefined)).toStrictEqual({ success: true });
  expect(await cache.get('k')).toStrictEqual({ found: true, value: undefined });
  expect(await fromDisk(cacheDir)).toStrictEqual({ found: true, value: undefined });
  expect(await cache.has('k')).toBe(true);
});

describe('**new** `Buffer`, `ArrayBuffer` and typed arrays come back as such', () => {
  const TYPED = [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ];

  test.each(TYPED.map((Class) => [Class.name, Class]))('%s', async (_, Class) => {
    for (const length of [0, 1, 3, 1000]) {
      const value = new Class(bytes(length * Class.BYTES_PER_ELEMENT).buffer);
      const back = await throughDisk(value);
      expect(Object.getPrototypeOf(back)).toBe(Class.prototype);
      expect(back.length).toBe(length);
      expect(Buffer.compare(Buffer.from(back.buffer, back.byteOffset, back.byteLength), raw(value))).toBe(0);
    }
  });

  test('Buffer', async () => {
    for (const value of [Buffer.alloc(0), Buffer.from('pooled'), Buffer.from(bytes(100_000))]) {
      const back = await throughDisk(value);
      expect(Buffer.isBuffer(back)).toBe(true);
      expect(back.equals(value)).toBe(true);
    }
  });

  test('ArrayBuffer and DataView', async () => {
    const buffer = bytes(33).buffer;
    const back = await throughDisk(buffer);
    expect(Object.prototype.toString.call(back)).toBe('[object ArrayBuffer]');
    expect(Buffer.from(back).equals(Buffer.from(buffer))).toBe(true);
    const view = await throughDisk(new DataView(buffer, 3, 7));
    expect(Object.getPrototypeOf(view)).toBe(DataView.prototype);
    expect(raw(view).equals(Buffer.from(buffer, 3, 7))).toBe(true);
  });

  test('a view of a part holds that part alone', async () => {
    const whole = bytes(64);
    expect([...(await throughDisk(whole.subarray(10, 20)))]).toEqual([...whole.subarray(10, 20)]);
    expect([...(await throughDisk(new Uint16Array(whole.buffer, 2, 3)))]).toEqual([
      ...new Uint16Array(whole.buffer, 2, 3),
    ]);
    expect((await throughDisk(Buffer.from(whole.buffer, 5, 6))).equals(Buffer.from(whole.subarray(5, 11)))).toBe(true);
  });

  test('in memory it is the very object, and its size is its byte length', async () => {
    const cache = cacheIn();
    const value = bytes(1234);
    await cache.set('k', value.subarray(0, 1000));
    expect(cache.getStats()).toMatchObject({ memorySize: 1000, memoryCount: 1 });
    await cache.set('k', value.buffer);
    expect(cache.getStats()).toMatchObject({ memorySize: 1234, memoryCount: 1 });
    expect((await cache.get('k')).value).toBe(value.buffer);
  });

  // Inside an object JSON decides, as it did in version 1.
  test('inside an object they are what JSON makes of them', async () => {
    const value = { raw: Buffer.from('ab'), list: Uint8Array.from([1, 2]) };
    expect(await throughDisk(value)).toStrictEqual(JSON.parse(JSON.stringify(value)));
  });
});

function raw(view) {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

describe('what JSON cannot hold stays in memory, `success: false` if it should persist', () => {
  const cycle = {};
  cycle.self = cycle;
  const throws = {
    get secret() {
      throw new Error('a getter of the app');
    },
  };
  const VALUES = [
    ['a cycle', cycle],
    ['a BigInt', 5n],
    ['a BigInt inside', { a: [{ b: 5n }] }],
    ['a function', () => {}],
    ['a symbol', Symbol('value')],
    ['a getter that throws', throws],
    ['a `toJSON` that throws', { toJSON: () => throws.secret }],
    ['a `toJSON` that gives nothing', { toJSON: () => undefined }],
  ];

  test.each(VALUES)('%s', async (_, value) => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    expect(await cache.set('k', value)).toStrictEqual({ success: false });
    const found = await cache.get('k');
    expect(found.found).toBe(true);
    expect(found.value).toBe(value);
    expect(await fromDisk(cacheDir)).toStrictEqual({ found: false });
  });

  test.each(VALUES)('`persistToDisk: false`, %s: `success: true`', async (_, value) => {
    const cache = cacheIn(folder(), { persistToDisk: false });
    expect(await cache.set('k', value)).toStrictEqual({ success: true });
    expect((await cache.get('k')).value).toBe(value);
  });

  test('the value that the key had on disk does not come back', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    await cache.set('k', 'old');
    expect(await cache.set('k', 5n)).toStrictEqual({ success: false });
    await cache.close();
    expect(await fromDisk(cacheDir)).toStrictEqual({ found: false });
  });

  test('nothing of it is said aloud', async () => {
    const cache = cacheIn();
    await cache.set('k', { password: 'hunter2', big: 5n });
    expect(lines.join('\n')).not.toContain('hunter2');
  });
});

describe('what `set` was given counts, whatever the app does with it then', () => {
  test('an object that changes behind the call is stored as it was', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    const value = { state: 'before' };
    const raw = bytes(1000);
    const stored = [cache.set('k', value), cache.set('raw', raw)];
    value.state = 'after';
    raw.fill(0);
    await Promise.all(stored);
    expect((await cache.get('k')).value).toBe(value);
    expect((await fromDisk(cacheDir)).value).toStrictEqual({ state: 'before' });
    expect([...(await fromDisk(cacheDir, 'raw')).value]).toEqual([...bytes(1000)]);
  });

  test('a `toJSON` that sets its own key, or another', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    const inner = [];
    const value = {
      toJSON() {
        inner.push(cache.set('other', 'inner'), cache.get('k'), cache.delete('nothing'));
        return 'outer';
      },
    };
    expect(await cache.set('k', value)).toStrictEqual({ success: true });
    await Promise.all(inner);
    expect((await fromDisk(cacheDir)).value).toBe('outer');
    expect((await fromDisk(cacheDir, 'other')).value).toBe('inner');
  });

  test('the value is read once', async () => {
    const cache = cacheIn();
    let reads = 0;
    await cache.set('k', { toJSON: () => `read ${(reads += 1)}` });
    expect(reads).toBe(1);
  });
});
