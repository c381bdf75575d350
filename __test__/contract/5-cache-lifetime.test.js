import { describe, expect, test } from 'vitest';
import { app, appIn } from '../support/app.js';
import { cacheIn } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';

const lines = consoleErrors();
// Less than the five seconds after which an idle database is closed: that must keep nobody alive.
const SOON_MS = 4500;

async function ended(way, cacheDir = folder()) {
  const { said, ended: over } = app('cache-ends.js', way, cacheDir);
  // From what it says first: how long Node takes to start is the machine's.
  let done = Date.now();
  said.then(
    () => (done = Date.now()),
    () => {},
  );
  const end = await over;
  return { ...end, took: Date.now() - done, cacheDir };
}

describe('an app exits by itself as soon as nothing is pending', () => {
  test.each([
    'constructed',
    'init',
    'set',
    'set and get',
    'set and close',
    'memory',
    'a ttl that runs',
    'close() in beforeExit',
  ])('%s', async (way) => {
    const { took, ...end } = await ended(way);
    expect(end).toMatchObject({ code: 0, signal: null, stdout: 'true\n', stderr: '' });
    expect(took).toBeLessThan(SOON_MS);
  });

  test('a folder that cannot be made', async () => {
    const { took, ...end } = await ended('a folder that cannot be made');
    expect(end).toMatchObject({ code: 0, stdout: 'true\n' });
    expect(took).toBeLessThan(SOON_MS);
  });
});

describe('what is pending keeps it alive until it is stored', () => {
  test('a large set', async () => {
    const { cacheDir, ...end } = await ended('a set that nobody waits for');
    expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect((await cacheIn(cacheDir).get('k')).value).toHaveLength(30 * 1024 * 1024);
  });

  test('many calls', async () => {
    const { cacheDir, ...end } = await ended('calls that nobody waits for');
    expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
    const cache = cacheIn(cacheDir);
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 'last' });
    // 500, without k0, k49 and k490 to k499, and k
    expect(await cache.keys()).toHaveLength(500 - 1 - 11 + 1);
  });
});

describe('an end in the middle leaves a database that opens with every acknowledged entry', () => {
  test.each(['process.exit() behind a set', 'an uncaught error'])('%s', async (way) => {
    const { cacheDir, ...end } = await ended(way);
    expect(end).toMatchObject({ code: way === 'an uncaught error' ? 1 : 0, signal: null });
    expect(await cacheIn(cacheDir).get('k')).toStrictEqual({ found: true, value: 1 });
  });

  test('process.exit() during sets', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { cacheDir, ...end } = await ended('process.exit() during sets');
      expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
      const cache = cacheIn(cacheDir);
      for (const at of end.stdout.split('\n').filter(Boolean)) expect(await cache.has(`k${at}`)).toBe(true);
      expect(await cache.set('k', 1)).toStrictEqual({ success: true });
    }
    expect(lines).toEqual([]);
  });
});

describe('worker threads', () => {
  test('a cache in a worker keeps neither it nor the app alive', async () => {
    const { stdout, took, ...end } = await ended('a worker that returns');
    expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(JSON.parse(stdout.split('\n')[0])).toStrictEqual({ found: true, value: 1 });
    expect(took).toBeLessThan(SOON_MS);
  });

  test('one that is terminated during its sets harms nobody', async () => {
    const end = await ended('a worker that is terminated');
    expect(end).toMatchObject({ code: 0, signal: null, stdout: 'true\ntrue\n', stderr: '' });
    expect(await cacheIn(end.cacheDir).get('main 4')).toStrictEqual({ found: true, value: 4 });
    expect(lines).toEqual([]);
  });

  test('several on one folder', async () => {
    const end = await ended('workers and main thread together');
    expect(end).toMatchObject({ code: 0, signal: null, stdout: '600\ntrue\n', stderr: '' });
  });
});

test.runIf(process.platform === 'linux')(
  'at rest no thread wakes, and a manager that was dropped is collected and leaves no file open',
  async () => {
    const commandOf = (script) => ({ command: process.execPath, args: ['--expose-gc', script] });
    const { said, ended: over } = appIn(commandOf, 'cache-rests.js', folder());
    const { managers, files, wakeUps, found } = await said;
    expect(found).toStrictEqual({ found: true, value: 1 });
    expect({ managers, files }).toEqual({ managers: 0, files: 0 });
    expect(wakeUps).toBeLessThan(12); // the app's own timer and V8's threads
    expect(await over).toMatchObject({ code: 0, stderr: '' });
  },
);
