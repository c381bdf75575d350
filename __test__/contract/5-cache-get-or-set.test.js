import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { cacheIn } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';

consoleErrors();

function gate() {
  const opened = {};
  opened.promise = new Promise((resolve, reject) => Object.assign(opened, { resolve, reject }));
  return opened;
}

describe('`getOrSet(key, factory, ttl?)` (one flight per key)', () => {
  test('a hit calls no factory; a miss calls it once and stores', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    let calls = 0;
    const factory = () => ({ call: (calls += 1) });
    const first = await cache.getOrSet('k', factory);
    expect(first).toEqual({ call: 1 });
    expect(await cache.getOrSet('k', factory)).toBe(first);
    expect((await cache.get('k')).value).toBe(first);
    const other = cacheIn(cacheDir);
    expect(await other.getOrSet('k', factory)).toStrictEqual({ call: 1 });
    expect(calls).toBe(1);
  });

  test('many at once share one factory and one value', async () => {
    const cache = cacheIn();
    const { promise, resolve } = gate();
    let calls = 0;
    const all = Array.from({ length: 100 }, () =>
      cache.getOrSet('k', () => {
        calls += 1;
        return promise;
      }),
    );
    const value = {};
    resolve(value);
    for (const given of await Promise.all(all)) expect(given).toBe(value);
    expect(calls).toBe(1);
  });

  test('one who comes while the factory works joins', async () => {
    const cache = cacheIn();
    const begun = gate();
    const { promise, resolve } = gate();
    const first = cache.getOrSet('k', () => {
      begun.resolve();
      return promise;
    });
    await begun.promise;
    const second = cache.getOrSet('k', () => 'second');
    resolve('first');
    expect(await Promise.all([first, second])).toEqual(['first', 'first']);
  });

  test('keys do not wait for each other', async () => {
    const cache = cacheIn();
    const { promise, resolve } = gate();
    const slow = cache.getOrSet('slow', () => promise);
    expect(await cache.getOrSet('fast', () => 'fast')).toBe('fast');
    expect(await cache.getOrSet('nested', () => cache.getOrSet('inner', () => 5))).toBe(5);
    resolve('slow');
    expect(await slow).toBe('slow');
  });

  test.each(['__proto__', 'constructor', '', '\ud83d'])('the key %j', async (key) => {
    const cache = cacheIn();
    expect(await Promise.all([cache.getOrSet(key, () => 1), cache.getOrSet(key, () => 2)])).toEqual([1, 1]);
  });

  test('`undefined` is a value', async () => {
    const cache = cacheIn();
    expect(await cache.getOrSet('k', () => undefined)).toBeUndefined();
    expect(await cache.getOrSet('k', () => 'again')).toBeUndefined();
  });

  test.each([
    ['rejects', (error) => Promise.reject(error)],
    [
      'throws',
      (error) => {
        throw error;
      },
    ],
  ])(
    'a factory that %s: all who wait get that very error, nothing is stored, the next call tries again',
    async (_, fail) => {
      const cacheDir = folder();
      const cache = cacheIn(cacheDir);
      const error = new Error('of the app');
      let calls = 0;
      const factory = () => {
        calls += 1;
        return fail(error);
      };
      const all = await Promise.allSettled([1, 2, 3].map(() => cache.getOrSet('k', factory)));
      for (const { reason } of all) expect(reason).toBe(error);
      expect(calls).toBe(1);
      expect(await cache.keys()).toEqual([]);
      expect(await cache.getOrSet('k', () => 'next')).toBe('next');
    },
  );

  test('a value that cannot be stored is given all the same', async () => {
    const cache = cacheIn();
    expect(await cache.getOrSet('k', () => 5n)).toBe(5n);
    const broken = cacheIn('/dev/null/nothing');
    expect(await broken.getOrSet('k', () => 'v')).toBe('v');
    expect(await broken.getOrSet('k', () => 'again')).toBe('v');
  });

  test('a factory that sets, deletes or clears its own key hangs nothing', async () => {
    const cache = cacheIn();
    for (const act of [
      () => cache.set('k', 'inner'),
      () => cache.delete('k'),
      () => cache.clear(),
      () => cache.close(),
    ]) {
      await cache.delete('k');
      const value = await cache.getOrSet('k', async () => {
        await act();
        return 'outer';
      });
      expect(value).toBe('outer');
      expect(await cache.get('k')).toStrictEqual({ found: true, value: 'outer' });
    }
  });

  test('after a flight the key is free: a delete makes the next call ask the factory', async () => {
    const cache = cacheIn();
    expect(await cache.getOrSet('k', () => 1)).toBe(1);
    await cache.delete('k');
    expect(await cache.getOrSet('k', () => 2)).toBe(2);
  });
});

describe('an override of any public method is honoured', () => {
  class Namespaced extends runtime.CacheManager {
    get(key) {
      return super.get(`app:${key}`);
    }
    set(key, value, ttl) {
      return super.set(`app:${key}`, value, ttl);
    }
  }

  test('`getOrSet` goes through `get` and `set`', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir, {}, Namespaced);
    expect(await cache.getOrSet('k', () => 'v')).toBe('v');
    expect(await cache.getOrSet('k', () => 'w')).toBe('v');
    expect(await cacheIn(cacheDir).keys()).toEqual(['app:k']);
  });

  test('a method put on the object later, too', async () => {
    const cache = cacheIn();
    const sets = [];
    const { set } = cache;
    cache.set = function (...args) {
      sets.push(args);
      return set.apply(this, args);
    };
    cache.get = async () => ({ found: false });
    expect(await cache.getOrSet('k', () => 'v', 60)).toBe('v');
    expect(sets).toEqual([['k', 'v', 60]]);
  });

  test('an overridden `get` that rejects, or a `set` that does, rejects the call and frees the key', async () => {
    const cache = cacheIn();
    const error = new Error('of the app');
    cache.get = () => Promise.reject(error);
    await expect(cache.getOrSet('k', () => 1)).rejects.toBe(error);
    delete cache.get;
    cache.set = () => Promise.reject(error);
    const failed = await cache.getOrSet('k', () => 1).catch((reason) => reason);
    expect([1, error]).toContain(failed);
    delete cache.set;
    expect(await cache.getOrSet('k', () => 2)).toBe(2);
  });

  describe.each([
    ['can be made', (cacheDir) => cacheDir],
    ['cannot be made', () => '/dev/null/cache'],
  ])('an overridden `init`, of a folder that %s', (_, dirOf) => {
    const withInit = (init) => {
      const Class = class extends runtime.CacheManager {};
      Class.prototype.init = init;
      return cacheIn(dirOf(folder()), {}, Class);
    };
    const works = async (cache) => {
      await cache.set('k', 1);
      expect(await cache.get('k')).toStrictEqual({ found: true, value: 1 });
      expect(await cache.prune()).toBe(0);
    };

    test.each([
      [
        'that prunes behind the real one',
        async function () {
          await runtime.CacheManager.prototype.init.call(this);
          await this.prune();
        },
      ],
      [
        'that goes on where the real one fails',
        async function () {
          await runtime.CacheManager.prototype.init.call(this).catch(() => {});
          await this.prune();
          await this.set('warm', 1);
        },
      ],
      [
        'that reads before the real one',
        async function () {
          await this.get('settings');
          await runtime.CacheManager.prototype.init.call(this);
        },
      ],
      [
        'that throws',
        () => {
          throw new Error('of the app');
        },
      ],
      ['that gives no promise', () => 5],
    ])(
      '%s hangs no call',
      async (_way, init) => {
        await works(withInit(init));
        const cache = withInit(init);
        await Promise.resolve()
          .then(() => cache.init())
          .catch(() => {});
        await works(cache);
      },
      5000,
    );
  });

  test('fields and methods of a subclass, and what its constructor asks at once', async () => {
    class Eager extends runtime.CacheManager {
      label = 'mine';
      first = this.set('first', 1);
      constructor(cacheDir) {
        super({ cacheDir });
        this.second = this.get('first');
      }
    }
    const cache = new Eager(folder());
    expect(cache).toBeInstanceOf(runtime.CacheManager);
    expect(await cache.first).toStrictEqual({ success: true });
    expect(await cache.second).toStrictEqual({ found: true, value: 1 });
    expect(cache.label).toBe('mine');
    await cache.close();
  });

  test('behind a Proxy', async () => {
    const cache = new Proxy(cacheIn(), {});
    expect(await cache.set('k', 1)).toStrictEqual({ success: true });
    expect(await cache.getOrSet('k', () => 2)).toBe(1);
    expect(await cache.keys()).toEqual(['k']);
    await cache.close();
  });

  test('without `new` it is a TypeError, as of any class', () => {
    expect(() => runtime.CacheManager({ cacheDir: '/nowhere' })).toThrow(TypeError);
  });
});
