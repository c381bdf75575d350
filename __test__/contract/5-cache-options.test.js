import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { cacheIn } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';

const { CacheManager } = runtime;
const MIB = 1024 * 1024;

const lines = consoleErrors();

const WRONG = {
  cacheDir: [5, null, true, {}, ['/tmp'], () => {}, 5n, Symbol('folder')],
  maxMemorySize: ['50', -1, NaN, -Infinity, null, true, 5n, {}, [1]],
  defaultTtl: ['60', NaN, true, 5n, {}, [60], new Date(5)],
  persistToDisk: [1, 0, 'true', null, {}, 'false'],
  maxDiskSize: ['50', -1, NaN, -Infinity, true, 5n, {}],
};

function thrown(act) {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('an option of a wrong type or range throws TypeError at construction, naming class and option, what it takes and what it got', () => {
  test.each(Object.keys(WRONG))('%s', (option) => {
    for (const value of WRONG[option]) {
      const error = thrown(() => new CacheManager({ cacheDir: '/nowhere', [option]: value }));
      expect(error, `${option}: ${String(value)}`).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(new RegExp(`^CacheManager: ${option} takes .+; got .+ \\(${typeof value}\\)$`));
    }
  });

  test('options that are no object', () => {
    for (const options of [null, '/tmp', 5, []]) {
      const error = thrown(() => new CacheManager(options));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/^CacheManager: options takes an object; got .+ \(\w+\)$/);
    }
  });

  test('what is inside an object is not shown', () => {
    const error = thrown(() => new CacheManager({ cacheDir: { password: 'secret' } }));
    expect(error.message).not.toContain('secret');
  });
});

describe('defaults', () => {
  test.each([
    ['left out', {}],
    [
      '`undefined`',
      { maxMemorySize: undefined, defaultTtl: undefined, persistToDisk: undefined, maxDiskSize: undefined },
    ],
  ])('%s: `maxMemorySize` 50 MiB, no `defaultTtl`, `persistToDisk` true, no `maxDiskSize`', async (_, options) => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir, options);
    expect(cache.getStats()).toStrictEqual({
      memorySize: 0,
      memoryCount: 0,
      maxMemorySize: 50 * MIB,
      diskSize: 0,
      diskCount: 0,
      hits: 0,
      misses: 0,
      evictions: 0,
    });
    expect(await cache.set('a', 1)).toStrictEqual({ success: true });
    expect(await cache.get('a')).toStrictEqual({ found: true, value: 1 });
    expect(await cacheIn(cacheDir).get('a')).toStrictEqual({ found: true, value: 1 });
  });
});

test('unknown options are ignored', async () => {
  const cache = cacheIn(folder(), { maxSize: 'x', ttl: {}, on: 5 });
  expect(await cache.set('a', 1)).toStrictEqual({ success: true });
});

test('options are read at construction: a later change of the object counts for nothing', async () => {
  const cacheDir = folder();
  const options = { cacheDir, defaultTtl: null };
  const cache = cacheIn(cacheDir, options);
  Object.assign(options, { cacheDir: '/nothing/here', defaultTtl: -1, persistToDisk: false });
  expect(await cache.set('a', 1)).toStrictEqual({ success: true });
  expect(await cacheIn(cacheDir).get('a')).toStrictEqual({ found: true, value: 1 });
});

test('`maxMemorySize` takes `Infinity`, and says so', () => {
  expect(cacheIn(folder(), { maxMemorySize: Infinity }).getStats().maxMemorySize).toBe(Infinity);
});

// Not in the contract's words: version 1 took any number, and an app that computes its limit changes nothing.
test.each([0, 0.5, 0.1 * MIB, 2 ** 40])('`maxMemorySize` %s, as version 1 took it', async (maxMemorySize) => {
  const cache = cacheIn(folder(), { maxMemorySize });
  expect(cache.getStats().maxMemorySize).toBe(maxMemorySize);
  expect(await cache.set('a', [1])).toStrictEqual({ success: true });
  expect(await cache.get('a')).toStrictEqual({ found: true, value: [1] });
});

test('`maxDiskSize: null` and `defaultTtl: null` are no limits', async () => {
  const cache = cacheIn(folder(), { maxDiskSize: null, defaultTtl: null });
  expect(await cache.set('a', 'x'.repeat(MIB))).toStrictEqual({ success: true });
});

test('it is no EventEmitter', () => {
  const cache = cacheIn();
  expect(cache).not.toBeInstanceOf(EventEmitter);
  expect(cache.on).toBeUndefined();
});

test('a constructor alone makes no folder and touches no file', () => {
  const cacheDir = path.join(folder(), 'later');
  cacheIn(cacheDir).getStats();
  expect(fs.existsSync(cacheDir)).toBe(false);
});

describe('a key that is no string, a ttl that is no number', () => {
  const NO_STRINGS = [undefined, null, 5, 5n, true, {}, ['a'], Symbol('key'), () => {}, new String('a')];

  test.each(['get', 'set', 'delete', 'has', 'getOrSet'])('`%s` rejects with TypeError', async (method) => {
    const cache = cacheIn();
    await cache.set('a', 1);
    for (const key of NO_STRINGS) {
      const promise = cache[method](key, () => 1);
      expect(promise).toBeInstanceOf(Promise);
      await expect(promise, String(key)).rejects.toBeInstanceOf(TypeError);
    }
    expect(await cache.keys()).toEqual(['a']);
  });

  test('a prefix that is no string never means everything', async () => {
    const cache = cacheIn();
    await cache.set('a', 1);
    for (const prefix of [5, true, {}, ['a'], Symbol('prefix')]) {
      await expect(cache.clear(prefix)).rejects.toBeInstanceOf(TypeError);
      await expect(cache.keys(prefix)).rejects.toBeInstanceOf(TypeError);
    }
    expect(await cache.get('a')).toStrictEqual({ found: true, value: 1 });
  });

  test('a ttl', async () => {
    const cache = cacheIn();
    for (const ttl of ['60', {}, [1], true, 5n, Symbol('ttl')]) {
      await expect(cache.set('a', 1, ttl)).rejects.toBeInstanceOf(TypeError);
      await expect(cache.getOrSet('a', () => 1, ttl)).rejects.toBeInstanceOf(TypeError);
    }
    expect(await cache.get('a')).toStrictEqual({ found: false });
  });

  test('a factory that is no function', async () => {
    const cache = cacheIn();
    for (const factory of [undefined, null, 5, 'f', {}]) {
      await expect(cache.getOrSet('a', factory)).rejects.toBeInstanceOf(TypeError);
    }
    expect(await cache.getOrSet('a', () => 5)).toBe(5);
  });
});

// SQLite reads a file name with these as an address.
test.each(['file:x?mode=memory', 'a b', 'q?mode=ro&cache=shared#x', '100%25', 'ordner-ä-😀', "it's", ':memory:'])(
  'a folder named %s',
  async (name) => {
    const parent = folder();
    const cacheDir = path.join(parent, name);
    expect(await cacheIn(cacheDir).set('a', 1)).toStrictEqual({ success: true });
    expect(fs.readdirSync(parent)).toEqual([name]);
    expect(fs.readdirSync(cacheDir)).toContain('cache.db');
    expect(await cacheIn(cacheDir).get('a')).toStrictEqual({ found: true, value: 1 });
    expect(lines).toEqual([]);
  },
);
