import { spawn } from 'node:child_process';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterEach, expect, test } from 'vitest';
import { cacheIn, remoteCache } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';

const lines = consoleErrors();
const PYTHON = process.platform === 'win32' ? 'python' : 'python3';
/** Holds SQLite's write lock until its stdin ends. */
const HOLDS = `
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute('BEGIN IMMEDIATE')
print('held', flush=True)
sys.stdin.read()
database.execute('ROLLBACK')
`;
const holding = new Set();
afterEach(() => holding.forEach((child) => child.kill('SIGKILL')));

async function writeLock(cacheDir) {
  const child = spawn(PYTHON, ['-c', HOLDS, path.join(cacheDir, 'cache.db')], { stdio: ['pipe', 'pipe', 'inherit'] });
  holding.add(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return () =>
    new Promise((resolve) => {
      child.on('close', resolve);
      child.stdin.end();
    });
}

async function shared() {
  const cacheDir = folder();
  const other = remoteCache(cacheDir);
  for (const key of ['a', 'b', 'c']) await other.ask('set', key, key);
  return { cacheDir, other };
}

test('while another process writes without end, reads go on; writes wait, and then say no', async () => {
  const { cacheDir } = await shared();
  const cache = cacheIn(cacheDir);
  await cache.get('nothing');
  const release = await writeLock(cacheDir);
  const began = performance.now();
  expect(await cache.get('a')).toEqual({ found: true, value: 'a' });
  expect(await cache.has('b')).toBe(true);
  expect((await cache.keys()).sort()).toEqual(['a', 'b', 'c']);
  // A transaction waits five seconds for another one.
  expect(performance.now() - began).toBeLessThan(4000);
  const [set, get] = await Promise.all([cache.set('d', 1), cache.get('c')]);
  expect(set).toEqual({ success: false });
  expect(get).toEqual({ found: true, value: 'c' });
  expect(await cache.get('d')).toEqual({ found: true, value: 1 });
  expect(lines).toEqual([expect.stringContaining('could not be used')]);
  await release();
  expect(await cache.set('d', 2)).toEqual({ success: true });
});

test('behind a `delete` that was refused: the old entry never returns, a newer one of another process stays', async () => {
  const { cacheDir, other } = await shared();
  const cache = cacheIn(cacheDir);
  expect((await cache.get('a')).found).toBe(true);
  const release = await writeLock(cacheDir);
  expect(await cache.delete('a')).toEqual({ success: false });
  expect(await cache.get('a')).toEqual({ found: false });
  await release();
  expect(await cache.get('a')).toEqual({ found: false });
  await other.ask('set', 'a', 'newer');
  expect(await cache.get('a')).toEqual({ found: true, value: 'newer' });
  // The next write makes up for what was refused.
  expect(await cache.set('d', 1)).toEqual({ success: true });
  expect((await other.ask('get', 'a')).value).toBe('newer');
  expect(await cacheIn(cacheDir).get('a')).toEqual({ found: true, value: 'newer' });
});
