import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheIn, v1Name, writeV1 } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import { ids, job, openRecovery, readIn } from '../support/recovery-folders.js';

consoleErrors();

const KEYS = {
  upwards: '../../outside',
  'upwards, as a page address has it': '%2e%2e%2foutside',
  'upwards, on Windows': '..\\..\\outside',
  absolute: '/tmp/outside-of-this-test',
  'a drive': 'C:\\outside',
  'a share': '\\\\server\\share\\outside',
  'the folder itself': '.',
  'the folder above': '..',
  nothing: '',
  'a NUL': 'before\0after',
  'a newline': 'a\nb\r\nc',
  'very long': 'x'.repeat(1_000_000),
  'a device of Windows': 'CON',
  'another device of Windows': 'NUL.json',
  'a stream of Windows': 'file:stream',
  'the database': 'cache.db',
  'a wildcard': '*',
  'SQL in a string': "'; DROP TABLE entries; --",
  'SQL as a number': '1 OR 1=1',
  'a pattern of SQL': '%',
  'half a character': '\ud800',
};
const names = Object.keys(KEYS);

/** A folder in a folder, and a check that nothing was made, changed or removed but in the inner one. */
function inner() {
  const outer = folder();
  fs.mkdirSync(path.join(outer, 'middle', 'inner'), { recursive: true });
  for (const where of [outer, path.join(outer, 'middle')]) fs.writeFileSync(path.join(where, 'outside'), 'kept');
  const nothingOutside = () => {
    expect(fs.readdirSync(outer).sort()).toEqual(['middle', 'outside']);
    expect(fs.readdirSync(path.join(outer, 'middle')).sort()).toEqual(['inner', 'outside']);
    for (const where of [outer, path.join(outer, 'middle')]) {
      expect(fs.readFileSync(path.join(where, 'outside'), 'utf8')).toBe('kept');
    }
    expect(fs.existsSync('/tmp/outside-of-this-test')).toBe(false);
  };
  return [path.join(outer, 'middle', 'inner'), nothingOutside];
}

describe('No path and no statement is built from a key', () => {
  test('of the cache: each is a key like any other', async () => {
    const [cacheDir, nothingOutside] = inner();
    const cache = cacheIn(cacheDir, { maxDiskSize: 100_000_000 });
    for (const name of names) expect([name, await cache.set(KEYS[name], name)]).toEqual([name, { success: true }]);
    await cache.close();
    const again = cacheIn(cacheDir);
    for (const name of names) expect(await again.get(KEYS[name])).toEqual({ found: true, value: name });
    expect((await again.keys()).sort()).toEqual(Object.values(KEYS).sort());
    // As a prefix each stands for itself and what begins with it, whatever it means elsewhere.
    for (const name of names.filter((each) => KEYS[each] !== '')) {
      const left = (await again.keys()).filter((key) => key.startsWith(KEYS[name]));
      expect([name, await again.clear(KEYS[name])]).toEqual([name, { success: true, cleared: left.length }]);
    }
    expect(await again.keys()).toEqual(['']);
    await again.close();
    nothingOutside();
    expect(fs.readdirSync(cacheDir).filter((name) => !/^cache\.(db|lock)/.test(name))).toEqual([]);
  });

  test('of version 1’s files: what the name replaces leads nowhere', async () => {
    const [cacheDir, nothingOutside] = inner();
    const old = names.filter((name) => KEYS[name] !== '\ud800');
    for (const name of old) writeV1(cacheDir, KEYS[name], name);
    const cache = cacheIn(cacheDir);
    for (const name of old) {
      expect(await cache.get(KEYS[name])).toEqual({ found: true, value: name });
      await cache.delete(KEYS[name]);
      expect(fs.existsSync(path.join(cacheDir, v1Name(KEYS[name])))).toBe(false);
    }
    await cache.close();
    nothingOutside();
  });

  test('of jobs', async () => {
    const [stateDir, nothingOutside] = inner();
    const one = await openRecovery({ stateDir, maxRecoveredJobs: Infinity });
    for (const name of names) one.trackJob(job(KEYS[name]));
    for (const name of names) one.updateJobState(KEYS[name], 'pending', 1);
    await one.shutdown();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(Object.values(KEYS));
    nothingOutside();
    expect(fs.readdirSync(stateDir).filter((name) => !/^recovery[-.][\w.-]+$/.test(name))).toEqual([]);
  });
});
