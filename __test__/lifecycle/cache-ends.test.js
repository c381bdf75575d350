import { describe, expect, test } from 'vitest';
import { app, appIn } from '../support/app.js';
import { cache, cacheFolder } from '../support/caches.js';
import { nodes } from '../support/hosts.js';

test('an open cache does not keep the app alive', async () => {
  const cacheDir = cacheFolder();
  const since = Date.now();
  const { ended } = app('uses-a-cache.js', 'leaves it open', cacheDir);
  expect(await ended).toEqual({ code: 0, signal: null, stdout: '{"n":1}\n', stderr: '' });
  expect(Date.now() - since).toBeLessThan(4500);
  expect((await cache({ cacheDir }).get('a')).value).toEqual({ n: 1 });
});

test('what is pending does', async () => {
  const { ended } = app('uses-a-cache.js', 'waits for a write', cacheFolder());
  expect(await ended).toMatchObject({ code: 0, stdout: '{"found":false}\n' });
});

describe('the app ends with writes under way: clean, and what was acknowledged is there', () => {
  test('process.exit()', async () => {
    const cacheDir = cacheFolder();
    const { ended } = app('uses-a-cache.js', 'ends with writes under way', cacheDir);
    expect(await ended).toEqual({ code: 0, signal: null, stdout: '"enough"\n', stderr: '' });
    const subject = cache({ cacheDir });
    for (let n = 0; n <= 1000; n += 1) expect((await subject.get(`k${n}`)).found).toBe(true);
  });

  test('an uncaught error', async () => {
    const cacheDir = cacheFolder();
    const { code, signal, stderr } = await app('uses-a-cache.js', 'throws with writes under way', cacheDir).ended;
    expect([code, signal]).toEqual([1, null]);
    expect(stderr).toContain('a defect of the app');
    expect(await cache({ cacheDir }).set('a', 1)).toEqual({ success: true });
  });
});

describe.skipIf(process.platform !== 'linux')('threads (counted on Linux)', () => {
  test('a worker that ends takes its cache along, and the app runs on', async () => {
    const { ended } = app('uses-a-cache.js', 'ends workers', cacheFolder());
    expect(await ended).toEqual({ code: 0, signal: null, stdout: '"all there"\n', stderr: '' });
  });

  test('so does a cache that is collected', async () => {
    const command = (script) => ({ command: process.execPath, args: ['--expose-gc', script] });
    const { said, ended } = appIn(command, 'uses-a-cache.js', 'drops its caches', cacheFolder());
    expect(await said).toBeGreaterThan(0);
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });
});

test.each([{ path: process.execPath, version: process.versions.node }, ...nodes])(
  'everything works in Node $version',
  async ({ path }) => {
    const { ended } = appIn(
      (script) => ({ command: path, args: [script] }),
      'uses-a-cache.js',
      'calls everything',
      cacheFolder(),
    );
    const { code, stdout, stderr } = await ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual([
      { success: true },
      { success: true },
      { success: true },
      true,
      [1, 'ü'],
      'bytes',
      [0.5],
      ['a', 'b', 'c'],
      4,
      { success: true },
      { success: true, cleared: 1 },
      0,
      2,
    ]);
  },
);
