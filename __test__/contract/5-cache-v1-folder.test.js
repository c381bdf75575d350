import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheIn, v1Name, writeV1 } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';

consoleErrors();

const NOTHING = { found: false };
const HOUR = 3_600_000;
const files = (cacheDir) => fs.readdirSync(cacheDir).filter((name) => name.endsWith('.json'));
const LONG = `thumbnail:/home/ä/${'deep/'.repeat(40)}x.png`;
const KEYS = [
  'plain',
  'user:1',
  'a/b\\c',
  'ünïcode 😀',
  LONG,
  `${LONG}2`,
  '',
  '-_-',
  'lone \ud83d',
  '__proto__',
  '..',
  'a.json',
];

test('the names are those that version 1 gave', () => {
  expect(v1Name('user:1')).toMatch(/^user_1-[0-9a-f]{16}\.json$/);
  expect(v1Name('😀')).toMatch(/^__-[0-9a-f]{16}\.json$/);
  expect(v1Name(LONG)).toMatch(/^[\w-]{64}-[0-9a-f]{16}\.json$/);
  expect(v1Name('')).toBe('-e3b0c44298fc1c14.json'); // SHA-256 of nothing
});

describe('an existing v1 directory is read', () => {
  test.each(KEYS.map((key) => [key]))('`get` finds %j', async (key) => {
    const cacheDir = folder();
    writeV1(cacheDir, key, { of: key, list: [1, null] });
    const cache = cacheIn(cacheDir);
    expect(await cache.get(key)).toStrictEqual({ found: true, value: { of: key, list: [1, null] } });
    expect(await cache.get(key)).toStrictEqual({ found: true, value: { of: key, list: [1, null] } });
    expect(await cacheIn(cacheDir).get(key)).toStrictEqual({ found: true, value: { of: key, list: [1, null] } });
    expect(await cache.get(`${key}!`)).toStrictEqual(NOTHING);
  });

  test('`has` and `getOrSet` find it, without `init()` or with it', async () => {
    const cacheDir = folder();
    for (const key of ['a', 'b']) writeV1(cacheDir, key, key);
    const cache = cacheIn(cacheDir);
    await cache.init();
    expect(await cache.has('a')).toBe(true);
    expect(await cache.getOrSet('b', () => 'made')).toBe('b');
  });

  test.each([null, false, 0, '', [], 'text "quoted" \u2028', { value: 1, expiresAt: 2 }])(
    'the value %j',
    async (value) => {
      const cacheDir = folder();
      writeV1(cacheDir, 'k', value);
      expect(await cacheIn(cacheDir).get('k')).toStrictEqual({ found: true, value });
    },
  );

  test('`undefined`, which version 1 wrote as no `value` at all', async () => {
    const cacheDir = folder();
    writeV1(cacheDir, 'k', undefined);
    expect(await cacheIn(cacheDir).get('k')).toStrictEqual({ found: true, value: undefined });
  });

  test('its `expiresAt` holds', async () => {
    const cacheDir = folder();
    const expiresAt = Date.now() + HOUR;
    writeV1(cacheDir, 'k', 1, { expiresAt });
    writeV1(cacheDir, 'gone', 1, { expiresAt: Date.now() - 1 });
    const cache = cacheIn(cacheDir);
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 1, expiresAt });
    expect(await cache.get('gone')).toStrictEqual(NOTHING);
    expect(await cacheIn(cacheDir).get('k')).toStrictEqual({ found: true, value: 1, expiresAt });
    expect(await cacheIn(cacheDir).get('gone')).toStrictEqual(NOTHING);
  });

  test('members in another order, spaces, further members', async () => {
    const cacheDir = folder();
    const text = ` {\n "createdAt" : ${Date.now()}, "more": {"value": 2}, "expiresAt":null ,"value": [ 1 , "\\u0061" ] }\n`;
    fs.writeFileSync(path.join(cacheDir, v1Name('k')), text);
    expect(await cacheIn(cacheDir).get('k')).toStrictEqual({ found: true, value: [1, 'a'] });
  });

  test('`keys()` omits those not yet read, and has those that were', async () => {
    const cacheDir = folder();
    for (const key of ['a', 'b']) writeV1(cacheDir, key, key);
    const cache = cacheIn(cacheDir);
    await cache.get('a');
    expect(await cache.keys()).toEqual(['a']);
  });

  test('with `persistToDisk: false` the folder is left alone', async () => {
    const cacheDir = folder();
    writeV1(cacheDir, 'k', 1);
    const cache = cacheIn(cacheDir, { persistToDisk: false });
    await cache.set('k', 2);
    await cache.delete('k');
    await cache.clear();
    await cache.prune();
    expect(fs.readdirSync(cacheDir)).toEqual([v1Name('k')]);
  });
});

describe('removed by `delete`, `clear`, `prune` and by a `set` of their key', () => {
  test.each(KEYS.map((key) => [key]))('`delete` and `set` of %j', async (key) => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    writeV1(cacheDir, key, 'old');
    expect(await cache.delete(key)).toStrictEqual({ success: true });
    expect(files(cacheDir)).toEqual([]);
    expect(await cache.get(key)).toStrictEqual(NOTHING);
    writeV1(cacheDir, key, 'old');
    expect(await cache.set(key, 'new')).toStrictEqual({ success: true });
    expect(files(cacheDir)).toEqual([]);
    expect(await cacheIn(cacheDir).get(key)).toStrictEqual({ found: true, value: 'new' });
  });

  test('a `set` that JSON cannot hold, or that is expired, leaves no older value behind', async () => {
    const cacheDir = folder();
    for (const key of ['big', 'gone']) writeV1(cacheDir, key, 'old');
    const cache = cacheIn(cacheDir);
    await cache.set('big', 5n);
    await cache.set('gone', 1, -1);
    const other = cacheIn(cacheDir);
    expect([await other.get('big'), await other.get('gone')]).toStrictEqual([NOTHING, NOTHING]);
  });

  test('`clear()` counts and removes all', async () => {
    const cacheDir = folder();
    for (const key of KEYS) writeV1(cacheDir, key, key);
    const cache = cacheIn(cacheDir);
    await cache.get('plain');
    expect(await cache.clear()).toStrictEqual({ success: true, cleared: KEYS.length });
    expect(files(cacheDir)).toEqual([]);
    for (const key of KEYS) expect(await cacheIn(cacheDir).get(key)).toStrictEqual(NOTHING);
  });

  test('`clear(prefix)` compares the replaced prefix with the file name', async () => {
    const cacheDir = folder();
    for (const key of ['user:1', 'user:2', 'user_3', 'users', 'item:1']) writeV1(cacheDir, key, key);
    const cache = cacheIn(cacheDir);
    // It may take a neighbour (`user_3`) and never leaves one.
    expect(await cache.clear('user:')).toStrictEqual({ success: true, cleared: 3 });
    expect(files(cacheDir).sort()).toEqual([v1Name('item:1'), v1Name('users')].sort());
  });

  test('… cut at 64: a longer prefix takes all that share it', async () => {
    const cacheDir = folder();
    for (const key of [LONG, `${LONG}2`, 'short']) writeV1(cacheDir, key, key);
    const cache = cacheIn(cacheDir);
    expect((await cache.clear(LONG)).cleared).toBe(2);
    expect(files(cacheDir)).toEqual([v1Name('short')]);
    expect(await cache.get(LONG)).toStrictEqual(NOTHING);
  });

  test('… the name’s own hyphen and hash are no part of the key', async () => {
    const cacheDir = folder();
    writeV1(cacheDir, 'ab', 1);
    const hash = v1Name('ab').slice(3, 6);
    const cache = cacheIn(cacheDir);
    expect((await cache.clear(`ab-${hash}`)).cleared).toBe(0);
    expect((await cache.clear('ab-')).cleared).toBe(0);
    expect(await cache.get('ab')).toStrictEqual({ found: true, value: 1 });
  });

  test('a prefix of half a character', async () => {
    const cacheDir = folder();
    writeV1(cacheDir, '😀 smile', 1);
    expect((await cacheIn(cacheDir).clear('\ud83d')).cleared).toBe(1);
    expect(files(cacheDir)).toEqual([]);
  });

  test('a key that is also in the database counts once', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    await cache.set('user:1', 'new');
    writeV1(cacheDir, 'user:1', 'old');
    expect(await cache.clear('user:')).toStrictEqual({ success: true, cleared: 1 });
    expect(await cacheIn(cacheDir).get('user:1')).toStrictEqual(NOTHING);
  });

  test('`prune` counts and removes the expired ones alone', async () => {
    const cacheDir = folder();
    const expiresAt = Date.now() - HOUR;
    for (const key of ['a', 'b:1', LONG]) writeV1(cacheDir, key, key, { expiresAt });
    writeV1(cacheDir, 'later', 1, { expiresAt: Date.now() + HOUR });
    writeV1(cacheDir, 'never', 1);
    const cache = cacheIn(cacheDir);
    await cache.set('own', 1, -1);
    expect(await cache.prune()).toBe(4);
    expect(files(cacheDir).sort()).toEqual([v1Name('later'), v1Name('never')].sort());
    expect(await cache.prune()).toBe(0);
  });
});

describe('what version 1 writes beside us (the app was downgraded for a day)', () => {
  test('the newer of the two is found', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir, { maxMemorySize: 0 });
    await cache.set('k', 'ours');
    await cache.close();
    writeV1(cacheDir, 'k', 'older', { createdAt: Date.now() - HOUR });
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 'ours' });
    await cache.close();
    writeV1(cacheDir, 'k', 'newer', { createdAt: Date.now() + 5 });
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 'newer' });
  });
});

describe('*fixed:* only files of that name pattern are touched', () => {
  const HASH = '0123456789abcdef';
  const FOREIGN = [
    'settings.json',
    'package.json',
    `name with spaces-${HASH}.json`,
    `a.b-${HASH}.json`,
    `upper-${HASH.toUpperCase()}.json`,
    `short-${HASH.slice(1)}.json`,
    `${'x'.repeat(65)}-${HASH}.json`,
    `k-${HASH}.json.bak`,
    `k-${HASH}.JSON`,
    `.k-${HASH}.json`,
    `${HASH}.json`,
    'cache.db.bak',
    'notes.txt',
  ];

  test('after `clear`, `clear(prefix)`, `prune`, `set` and `delete` every other file is there', async () => {
    const cacheDir = folder();
    const expired = JSON.stringify({ value: 1, expiresAt: 1, createdAt: 1 });
    for (const name of FOREIGN) fs.writeFileSync(path.join(cacheDir, name), expired);
    fs.mkdirSync(path.join(cacheDir, `folder-${HASH}.json`));
    fs.mkdirSync(path.join(cacheDir, 'sub'));
    const inside = writeV1(path.join(cacheDir, 'sub'), 'k', 1, { expiresAt: 1 });
    const cache = cacheIn(cacheDir);
    expect(await cache.prune()).toBe(0);
    for (const prefix of ['settings', 'k', 'x', '', undefined]) expect((await cache.clear(prefix)).cleared).toBe(0);
    await cache.set('k', 1);
    await cache.delete('k');
    const left = fs.readdirSync(cacheDir);
    for (const name of [...FOREIGN, `folder-${HASH}.json`]) expect(left).toContain(name);
    expect(fs.existsSync(inside)).toBe(true);
  });

  test('a file of that name that is damaged is a miss, in place until its key is set, deleted or cleared', async () => {
    const cacheDir = folder();
    const good = JSON.stringify({ value: 'v', expiresAt: 1, createdAt: 1 });
    const texts = [
      '',
      '{',
      good.slice(0, -5),
      'null',
      '[]',
      '"text"',
      '\0'.repeat(50),
      `${good}x`,
      '{"value":NaN}',
      '{}x',
    ];
    for (let at = 0; at < texts.length; at += 1) fs.writeFileSync(path.join(cacheDir, v1Name(`k${at}`)), texts[at]);
    fs.writeFileSync(path.join(cacheDir, v1Name('utf')), Buffer.from([0x7b, 0xff, 0xfe, 0x7d]));
    const cache = cacheIn(cacheDir);
    for (let at = 0; at < texts.length; at += 1) {
      expect(await cache.get(`k${at}`), texts[at]).toStrictEqual(NOTHING);
    }
    expect(await cache.get('utf')).toStrictEqual(NOTHING);
    expect(await cache.prune()).toBe(0);
    expect(files(cacheDir)).toHaveLength(texts.length + 1);
    await cache.delete('k0');
    await cache.set('k1', 1);
    expect(files(cacheDir)).toHaveLength(texts.length - 1);
    await cache.clear();
    expect(files(cacheDir)).toEqual([]);
  });

  test('one that is nested a million times crashes nothing', async () => {
    const cacheDir = folder();
    const deep = `${'['.repeat(1e6)}${']'.repeat(1e6)}`;
    const texts = { whole: `{"value":${deep},"expiresAt":null,"createdAt":1}`, cut: `{"value":${'{"a":'.repeat(1e6)}` };
    for (const [key, text] of Object.entries(texts)) fs.writeFileSync(path.join(cacheDir, v1Name(key)), text);
    const cache = cacheIn(cacheDir);
    expect(typeof (await cache.get('whole')).found).toBe('boolean');
    expect(await cache.get('cut')).toStrictEqual(NOTHING);
    expect(await cache.prune()).toBe(0);
  });

  test('a folder in the place of a key’s file is no entry, and stays', async () => {
    const cacheDir = folder();
    fs.mkdirSync(path.join(cacheDir, v1Name('k')));
    const cache = cacheIn(cacheDir, { maxMemorySize: 0 });
    expect(await cache.get('k')).toStrictEqual(NOTHING);
    expect(await cache.set('k', 1)).toStrictEqual({ success: true });
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 1 });
    expect(await cache.delete('k')).toStrictEqual({ success: true });
    expect(await cache.clear()).toStrictEqual({ success: true, cleared: 0 });
    expect(fs.readdirSync(cacheDir)).toContain(v1Name('k'));
  });

  test('an `expiresAt` that is no number never breaks anything', async () => {
    const cacheDir = folder();
    for (const [key, expiresAt] of Object.entries({ a: '"soon"', b: '{}', c: '1e999', d: '-5', e: 'true' })) {
      const text = `{"value":1,"expiresAt":${expiresAt},"createdAt":1}`;
      fs.writeFileSync(path.join(cacheDir, v1Name(key)), text);
    }
    const cache = cacheIn(cacheDir);
    for (const key of ['a', 'b', 'c', 'e']) expect(typeof (await cache.get(key)).found).toBe('boolean');
    expect(await cache.get('d')).toStrictEqual(NOTHING);
  });

  test('a link of that name is never followed', async () => {
    const [cacheDir, elsewhere] = [folder(), folder()];
    const victim = path.join(elsewhere, 'victim');
    const text = JSON.stringify({ value: 'secret', expiresAt: null, createdAt: Date.now() });
    fs.writeFileSync(victim, text);
    for (const key of ['get', 'set', 'delete']) fs.symlinkSync(victim, path.join(cacheDir, v1Name(key)));
    const cache = cacheIn(cacheDir);
    expect(await cache.get('get')).toStrictEqual(NOTHING);
    await cache.set('set', 1);
    await cache.delete('delete');
    await cache.clear();
    await cache.prune();
    expect(fs.readFileSync(victim, 'utf8')).toBe(text);
  });
});
