import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cache, cacheFolder, version1Name, writeVersion1 } from '../support/caches.js';
import { consoleErrors } from '../support/console-errors.js';

const lines = consoleErrors();
const LONG = `https://example.org/${'path/'.repeat(20)}`;
const FOREIGN = ['package.json', 'settings-0123456789ABCDEF.json', 'a-0123456789abcdef.json.tmp', 'notes.txt'];

/** A folder as version 1 left it. */
function version1Folder() {
  const cacheDir = cacheFolder();
  const now = Date.now();
  writeVersion1(cacheDir, 'user:1', { name: 'Ann', tags: ['x', 'ü', '\ud83d'] });
  writeVersion1(cacheDir, 'user/1', 'the same replaced name, another key');
  writeVersion1(cacheDir, 'user:2', 2, { expiresAt: now + 60_000 });
  writeVersion1(cacheDir, 'user:old', 3, { expiresAt: now - 1 });
  writeVersion1(cacheDir, 'päge 😀', null);
  writeVersion1(cacheDir, LONG, 'long');
  writeVersion1(cacheDir, `${LONG}2`, 'cut at the same place');
  fs.writeFileSync(path.join(cacheDir, version1Name('damaged')), '{"value":1,"expi');
  fs.writeFileSync(path.join(cacheDir, version1Name('empty')), '');
  fs.writeFileSync(path.join(cacheDir, version1Name('no value')), `{"expiresAt":null,"createdAt":${now}}`);
  for (const name of FOREIGN) fs.writeFileSync(path.join(cacheDir, name), '{"a": 1}');
  return cacheDir;
}

const files = (cacheDir) => fs.readdirSync(cacheDir).filter((name) => /-[0-9a-f]{16}\.json$/.test(name));
const survivors = (cacheDir) => FOREIGN.filter((name) => fs.existsSync(path.join(cacheDir, name)));

test('found by `get`', async () => {
  const cacheDir = version1Folder();
  const subject = cache({ cacheDir });
  expect((await subject.get('user:1')).value).toEqual({ name: 'Ann', tags: ['x', 'ü', '\ud83d'] });
  expect((await subject.get('user/1')).value).toBe('the same replaced name, another key');
  expect(await subject.get('user:2')).toMatchObject({ found: true, value: 2, expiresAt: expect.any(Number) });
  expect(await subject.get('päge 😀')).toEqual({ found: true, value: null });
  expect((await subject.get(LONG)).value).toBe('long');
  expect((await subject.get(`${LONG}2`)).value).toBe('cut at the same place');
  expect(await subject.get('no value')).toEqual({ found: true, value: undefined });
  for (const key of ['user:old', 'user_1', 'damaged', 'empty', 'package'])
    expect([key, await subject.get(key)]).toEqual([key, { found: false }]);
  // They moved; what cannot be read stays until its key is set, deleted or cleared.
  expect(files(cacheDir).sort()).toEqual([version1Name('damaged'), version1Name('empty')].sort());
  expect(survivors(cacheDir)).toEqual(FOREIGN);
  await subject.close();
  expect((await subject.get(LONG)).value).toBe('long');
  expect((await subject.keys()).length).toBe(7);
  expect(lines).toEqual([]);
});

test('removed by `delete` and by a `set` of their key', async () => {
  const cacheDir = version1Folder();
  const subject = cache({ cacheDir });
  for (const key of ['user:1', 'user:old', 'damaged']) {
    expect(await subject.delete(key)).toEqual({ success: true });
    expect(files(cacheDir)).not.toContain(version1Name(key));
    expect(await subject.get(key)).toEqual({ found: false });
  }
  for (const key of ['user/1', 'empty']) {
    expect(await subject.set(key, 'new')).toEqual({ success: true });
    expect(files(cacheDir)).not.toContain(version1Name(key));
  }
  await subject.close();
  expect((await subject.get('user/1')).value).toBe('new');
});

test('`clear(prefix)` compares the replaced prefix: it may take a neighbour and never leaves one', async () => {
  const cacheDir = version1Folder();
  const subject = cache({ cacheDir });
  await subject.get('user:1');
  await subject.set('user:1', 1);
  await subject.set('user:new', 1);
  // user:1, user:new; as files user:2, user:old, and user/1, which looks alike.
  expect(await subject.clear('user:')).toEqual({ success: true, cleared: 5 });
  for (const key of ['user:1', 'user/1', 'user:2', 'user:new']) expect((await subject.get(key)).found).toBe(false);
  expect(await subject.clear(`${LONG}/and/on`)).toEqual({ success: true, cleared: 2 });
  expect((await subject.get('päge 😀')).found).toBe(true);
  expect(survivors(cacheDir)).toEqual(FOREIGN);
});

test('fixed: `clear()` touches only files of that name pattern', async () => {
  const cacheDir = version1Folder();
  expect(await cache({ cacheDir }).clear()).toEqual({ success: true, cleared: 10 });
  expect(files(cacheDir)).toEqual([]);
  expect(survivors(cacheDir)).toEqual(FOREIGN);
});

test('`prune()` removes what has expired', async () => {
  const cacheDir = version1Folder();
  const subject = cache({ cacheDir });
  expect(await subject.prune()).toBe(1);
  expect(files(cacheDir)).not.toContain(version1Name('user:old'));
  expect(files(cacheDir).length).toBe(9);
});

test('`keys()` omits those not yet read', async () => {
  const cacheDir = version1Folder();
  const subject = cache({ cacheDir });
  expect(await subject.keys()).toEqual([]);
  await subject.get('user:1');
  expect(await subject.keys()).toEqual(['user:1']);
});

test('fixed: the key `""` works', async () => {
  const subject = cache();
  expect(await subject.set('', 1)).toEqual({ success: true });
  await subject.close();
  expect(await subject.get('')).toEqual({ found: true, value: 1 });
});
