import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { cache, cacheFolder } from '../support/caches.js';
import { consoleErrors } from '../support/console-errors.js';

const { CacheManager } = runtime;
const lines = consoleErrors();

test.each([
  [{ cacheDir: 5 }, /^CacheManager: cacheDir takes the path of a folder, .*; got 5 \(number\)$/],
  [{ cacheDir: '' }, /^CacheManager: cacheDir takes /],
  [{}, /^CacheManager: cacheDir takes .*; got undefined \(undefined\)$/],
  [undefined, /^CacheManager: cacheDir takes /],
  [null, /^CacheManager: options takes an object; got null \(object\)$/],
  [{ cacheDir: 'c', maxMemorySize: '5' }, /^CacheManager: maxMemorySize takes bytes, .*; got '5' \(string\)$/],
  [{ cacheDir: 'c', maxMemorySize: -1 }, /^CacheManager: maxMemorySize takes /],
  [{ cacheDir: 'c', maxMemorySize: NaN }, /^CacheManager: maxMemorySize takes /],
  [{ cacheDir: 'c', defaultTtl: '1' }, /^CacheManager: defaultTtl takes seconds, .*, or null; got '1' \(string\)$/],
  [{ cacheDir: 'c', defaultTtl: NaN }, /^CacheManager: defaultTtl takes /],
  [{ cacheDir: 'c', persistToDisk: 1 }, /^CacheManager: persistToDisk takes true or false; got 1 \(number\)$/],
  [{ cacheDir: 'c', maxDiskSize: 0 }, /^CacheManager: maxDiskSize takes bytes, .*; got 0 \(number\)$/],
])('an option of a wrong type throws at construction: %o', (options, message) => {
  expect(() => new CacheManager(options)).toThrow(TypeError);
  expect(() => new CacheManager(options)).toThrow(message);
});

test('undefined means the default, unknown options are ignored, nothing is made', () => {
  const cacheDir = cacheFolder();
  const subject = new CacheManager({ cacheDir, maxMemorySize: undefined, defaultTtl: undefined, colour: 'red' });
  expect(subject.getStats().maxMemorySize).toBe(50 * 1024 * 1024);
  expect(fs.existsSync(cacheDir)).toBe(false);
  expect(subject).not.toBeInstanceOf(EventEmitter);
});

describe('a key that is no string, a ttl that is no number: a rejection', () => {
  test.each([
    [(subject) => subject.get(1), 'CacheManager.get: key takes a string; got 1 (number)'],
    [(subject) => subject.set(null, 1), 'CacheManager.set: key takes a string; got null (object)'],
    [(subject) => subject.set('a', 1, '5'), /^CacheManager\.set: ttl takes seconds/],
    [(subject) => subject.set('a', 1, NaN), /^CacheManager\.set: ttl takes seconds/],
    [(subject) => subject.delete(undefined), /^CacheManager\.delete: key takes a string/],
    [(subject) => subject.clear(5), /^CacheManager\.clear: prefix takes a string/],
    [(subject) => subject.has({}), /^CacheManager\.has: key takes a string/],
    [(subject) => subject.keys(5), /^CacheManager\.keys: prefix takes a string/],
    [(subject) => subject.getOrSet('a', 5), /^CacheManager\.getOrSet: factory takes a function/],
    [(subject) => subject.getOrSet(5, () => 1), /^CacheManager\.getOrSet: key takes a string/],
  ])('%s', async (call, message) => {
    for (const options of [{}, { persistToDisk: false }]) {
      const outcome = call(cache(options));
      expect(outcome).toBeInstanceOf(Promise);
      await expect(outcome).rejects.toThrow(message);
      await expect(outcome).rejects.toBeInstanceOf(TypeError);
    }
  });
});

describe('with `persistToDisk: false`', () => {
  test('no folder is made', async () => {
    const cacheDir = cacheFolder();
    const subject = cache({ cacheDir, persistToDisk: false });
    await subject.init();
    await subject.set('a', 1);
    await subject.close();
    expect(fs.existsSync(path.dirname(cacheDir))).toBe(true);
    expect(fs.existsSync(cacheDir)).toBe(false);
  });

  test('cacheDir is not needed', async () => {
    const subject = new CacheManager({ persistToDisk: false });
    await subject.set('a', 1);
    expect(await subject.get('a')).toEqual({ found: true, value: 1 });
  });
});

describe('`init()`', () => {
  test('is idempotent, and makes the folder with those above it', async () => {
    const cacheDir = path.join(cacheFolder(), 'below');
    const subject = cache({ cacheDir });
    await Promise.all([subject.init(), subject.init()]);
    await subject.init();
    expect(fs.statSync(cacheDir).isDirectory()).toBe(true);
    if (process.platform !== 'win32') expect(fs.statSync(cacheDir).mode & 0o777).toBe(0o700);
  });

  test('rejects with Node’s error when the folder cannot be made; the other calls go on in memory', async () => {
    const file = cacheFolder();
    fs.writeFileSync(file, '');
    const subject = cache({ cacheDir: path.join(file, 'below') });
    await expect(subject.init()).rejects.toMatchObject({ code: 'ENOTDIR', syscall: 'mkdir' });
    const value = {};
    expect(await subject.set('a', value)).toEqual({ success: false });
    expect((await subject.get('a')).value).toBe(value);
    expect(await subject.get('b')).toEqual({ found: false });
    expect(await subject.delete('b')).toEqual({ success: true });
    expect(await subject.clear()).toEqual({ success: true, cleared: 1 });
    expect(await subject.prune()).toBe(0);
    expect(await subject.keys()).toEqual([]);
    expect(lines.length).toBe(1);
    expect(lines[0]).toMatch(/^\[Cache\] the cache folder .*below cannot be made \(.*\); .* check cacheDir$/);
    // It is tried again.
    fs.rmSync(file);
    expect(await subject.set('a', value)).toEqual({ success: true });
    await subject.init();
  });

  test('an `init` of a subclass is called once, before the first call, and may use the cache', async () => {
    let calls = 0;
    class Mine extends CacheManager {
      async init() {
        calls += 1;
        await super.init();
        await super.set('warm', 1);
      }
    }
    const subject = cache({}, Mine);
    const [warm] = await Promise.all([subject.get('warm'), subject.set('b', 2), subject.get('b')]);
    expect(warm).toEqual({ found: true, value: 1 });
    await subject.get('c');
    expect(calls).toBe(1);
    class Failing extends CacheManager {
      init() {
        return Promise.reject(new Error('not today'));
      }
    }
    expect(await cache({}, Failing).set('a', 1)).toEqual({ success: true });
    expect(lines.join()).toContain('not today');
  });
});
