import fs from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import { cacheIn, remoteCache } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';

consoleErrors();

describe.skipIf(process.platform === 'win32')('a file that vanished is noticed and made anew', () => {
  test.each([
    ['another process', (cacheDir) => remoteCache(cacheDir)],
    ['another manager of this process', (cacheDir) => cacheIn(cacheDir)],
  ])(
    'cache.db alone is removed while %s rests: the next `set` need not wait until that one is idle',
    async (_, open) => {
      const cacheDir = folder();
      const other = open(cacheDir);
      if (other.ask) await other.ask('set', 'k', 1);
      else await other.set('k', 1);
      fs.rmSync(path.join(cacheDir, 'cache.db'));
      const began = performance.now();
      expect(await cacheIn(cacheDir).set('k', 2)).toEqual({ success: true });
      // The other one looks once a second at what it has open.
      expect(performance.now() - began).toBeLessThan(4000);
      if (other.ask) {
        expect((await other.ask('get', 'k')).value).toBe(2);
        other.end();
      }
    },
  );
});

describe('bytes that are read wait for JavaScript, and reading for them', () => {
  const COUNT = 40;
  const LENGTH = 1024 * 1024;

  async function filled() {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    for (let n = 0; n < COUNT; n += 1) {
      expect(await cache.set(`${n}`, Buffer.alloc(LENGTH, n + 1))).toEqual({ success: true });
    }
    await cache.close();
    return cacheDir;
  }

  test('all at once: each comes, and is its own', async () => {
    const cache = cacheIn(await filled(), { maxMemorySize: 0 });
    const found = await Promise.all(Array.from({ length: COUNT }, (_, n) => cache.get(`${n}`)));
    for (const [n, { value }] of found.entries()) {
      expect([Buffer.isBuffer(value), value.length, value[0], value[LENGTH - 1]]).toEqual([true, LENGTH, n + 1, n + 1]);
    }
  });

  test('`close()` behind them waits for them, and is not waited for', async () => {
    const cache = cacheIn(await filled(), { maxMemorySize: 0 });
    const reads = Array.from({ length: COUNT }, (_, n) => cache.get(`${n}`));
    const closed = cache.close();
    expect((await Promise.all(reads)).every(({ found }) => found)).toBe(true);
    await closed;
  });
});
