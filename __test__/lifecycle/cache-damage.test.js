import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheIn, randomFrom, remoteCache, writeV1 } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { rounds } from '../support/rounds.js';

const ROUNDS = rounds(60);
const SEED = Number(process.env.SEED || Date.now() % 1_000_000);
const lines = consoleErrors();
const NOTHING = { found: false };
const SUCCESS = { success: true };
const corrupt = (cacheDir) => fs.readdirSync(cacheDir).filter((name) => /\.corrupt-/.test(name));

// Each key is set once: a log of changes that is cut may only take entries away.
const VALUES = new Map(
  Array.from({ length: 120 }, (_, at) => {
    const text = `${at}`.repeat(1 + ((at * 7919) % 1500));
    if (at % 4 === 0) return [`key ${at}`, Buffer.from(text)];
    return [`key ${at}`, at % 4 === 1 ? text : { at, list: [text, at, null] }];
  }),
);

/** The files of a cache: closed, or open with the most in its log of changes. */
async function written(closed) {
  const cacheDir = folder();
  const cache = cacheIn(cacheDir);
  for (const [key, value] of VALUES) await cache.set(key, value);
  if (closed) await cache.close();
  const files = new Map();
  for (const name of ['cache.db', 'cache.db-wal']) {
    const file = path.join(cacheDir, name);
    if (fs.existsSync(file)) files.set(name, fs.readFileSync(file));
  }
  await cache.close();
  return files;
}

function put(files) {
  const cacheDir = folder();
  for (const [name, bytes] of files) fs.writeFileSync(path.join(cacheDir, name), bytes);
  return cacheDir;
}

/** A copy with damage of a random kind; what was done, in words. */
function damaged(bytes, random) {
  const copy = Buffer.from(bytes);
  const at = Math.floor(random() * copy.length);
  const dice = random();
  if (dice < 0.35) {
    copy[at] ^= 1 << Math.floor(random() * 8);
    return [copy, `a bit of byte ${at} flipped`];
  }
  if (dice < 0.5) {
    const short = Math.floor(random() * 100); // the header, where each byte counts
    copy[short] ^= 0xff;
    return [copy, `byte ${short} inverted`];
  }
  if (dice < 0.7) return [copy.subarray(0, at), `cut at ${at}`];
  const end = Math.min(copy.length, at + Math.floor(random() * 20_000));
  for (let byte = at; byte < end; byte += 1) copy[byte] = dice < 0.85 ? 0 : Math.floor(random() * 256);
  return [copy, `${dice < 0.85 ? 'zeros' : 'noise'} from ${at} to ${end}`];
}

/** Every key is a miss or has the right value; gives how many were found. */
async function judged(cache, what) {
  let found = 0;
  for (const [key, value] of VALUES) {
    const answer = await cache.get(key);
    if (answer.found) {
      found += 1;
      expect(answer, `${what}, ${key}`).toStrictEqual({ found: true, value });
    } else expect(answer, `${what}, ${key}`).toStrictEqual(NOTHING);
  }
  for (const key of await cache.keys()) expect(VALUES.has(key), `${what}: the key ${JSON.stringify(key)}`).toBe(true);
  return found;
}

describe('A damaged file: a miss, never a wrong value or a throw', () => {
  test.each([
    ['cache.db', true],
    ['cache.db', false],
    ['cache.db-wal', false],
  ])(
    `%s at ${ROUNDS} random places (closed before: %s)`,
    async (name, closed) => {
      const random = randomFrom(SEED);
      const files = await written(closed);
      expect(await judged(cacheIn(put(files)), 'no damage')).toBe(VALUES.size);
      expect(files.get(name)?.length).toBeGreaterThan(0);
      let losses = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        lines.length = 0;
        const [bytes, how] = damaged(files.get(name), random);
        const what = `seed ${SEED}, round ${round}: ${how}`;
        const cacheDir = put(new Map([...files, [name, bytes]]));
        const cache = cacheIn(cacheDir);
        const found = await judged(cache, what);
        if (found < VALUES.size) losses += 1;
        expect(await cache.set('new', { what }), what).toStrictEqual(SUCCESS);
        expect(await cache.prune()).toBe(0);
        await cache.close();
        const again = cacheIn(cacheDir);
        expect(await again.get('new'), what).toStrictEqual({ found: true, value: { what } });
        expect(await again.clear(), what).toMatchObject(SUCCESS);
        expect(await again.keys(), what).toEqual([]);
        await again.close();
        // One damaged file may be set aside with its companion; it is reported once.
        expect(lines.length, `${what}: ${lines}`).toBeLessThanOrEqual(1);
        if (corrupt(cacheDir).length > 0) expect(lines, what).toHaveLength(1);
        fs.rmSync(cacheDir, { recursive: true });
      }
      // An open database has most of its entries in the log of changes.
      if (closed || name !== 'cache.db') expect(losses).toBeGreaterThan(0);
    },
    30_000 + ROUNDS * 1000,
  );
});

describe('is set aside as `*.corrupt-<time>`, reported once, and the cache starts empty', () => {
  const NO_DATABASE = [
    ['noise', () => Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * 31) % 251))],
    ['text', () => Buffer.from('this is no database\n'.repeat(500))],
    ['a short text', () => Buffer.from('this is no database\n')],
    ['its first hundred bytes', (bytes) => bytes.subarray(0, 100)],
    ['the format number that only reads', (bytes) => edited(bytes, 18)],
    ['the format number that nobody reads', (bytes) => edited(bytes, 19)],
    ['the first page of zeros', (bytes) => Buffer.concat([Buffer.alloc(4096), bytes.subarray(4096)])],
    ['half of it', (bytes) => bytes.subarray(0, bytes.length >> 1)],
    [
      'its pages in the wrong order',
      (bytes) => Buffer.concat([bytes.subarray(0, 4096), shuffled(bytes.subarray(4096))]),
    ],
  ];

  function edited(bytes, at) {
    const copy = Buffer.from(bytes);
    copy[at] = 0xfd;
    return copy;
  }

  function shuffled(bytes) {
    const pages = [];
    for (let at = 0; at < bytes.length; at += 4096) pages.unshift(bytes.subarray(at, at + 4096));
    return Buffer.concat(pages);
  }

  test.each(NO_DATABASE)('%s', async (_, spoil) => {
    const files = await written(true);
    const spoilt = spoil(files.get('cache.db'));
    const cacheDir = put(new Map([['cache.db', spoilt]]));
    const from = Date.now();
    const cache = cacheIn(cacheDir);
    await judged(cache, 'spoilt');
    expect(await cache.set('k', 1)).toStrictEqual(SUCCESS);
    const [aside, ...more] = corrupt(cacheDir).filter((name) => !/-(wal|shm)/.test(name));
    expect(more).toEqual([]);
    expect(aside).toMatch(/^cache\.db\.corrupt-/);
    expect(fs.statSync(path.join(cacheDir, aside)).size).toBeGreaterThanOrEqual(spoilt.length);
    expect(lines).toEqual([expect.stringMatching(/^\[Cache\] .*corrupt-/)]);
    const digits = Number(/corrupt-(\d+)/.exec(aside)?.[1]);
    expect(Math.abs(digits - from)).toBeLessThan(60_000);
    await cache.close();
    const again = cacheIn(cacheDir);
    expect(await again.get('k')).toStrictEqual({ found: true, value: 1 });
    expect(await again.keys()).toEqual(['k']);
    expect(lines).toHaveLength(1);
  });

  test('a `set` that meets the damage first is stored', async () => {
    const cacheDir = put(new Map([['cache.db', Buffer.from('no database, as long as you like'.repeat(200))]]));
    const cache = cacheIn(cacheDir);
    expect(await cache.set('k', 1)).toStrictEqual(SUCCESS);
    expect(await cacheIn(cacheDir).get('k')).toStrictEqual({ found: true, value: 1 });
    expect(corrupt(cacheDir)).toHaveLength(1);
  });

  test.each(['init', 'delete', 'clear', 'prune', 'keys', 'has', 'close'])(
    '`%s` meets it without a throw',
    async (method) => {
      const cacheDir = put(new Map([['cache.db', Buffer.from('no database, as long as you like'.repeat(200))]]));
      const cache = cacheIn(cacheDir);
      await cache[method](...(['delete', 'has'].includes(method) ? ['k'] : []));
      expect(await cache.set('k', 1)).toStrictEqual(SUCCESS);
      expect(lines).toHaveLength(1);
    },
  );

  test('files of version 1 beside it are found still', async () => {
    const cacheDir = put(new Map([['cache.db', Buffer.alloc(20_000, 7)]]));
    writeV1(cacheDir, 'k', 'v1');
    expect(await cacheIn(cacheDir).get('k')).toStrictEqual({ found: true, value: 'v1' });
  });

  test('damage beneath an open database: what memory holds stays, the rest is a miss', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir, { maxMemorySize: 2000 });
    for (const [key, value] of VALUES) await cache.set(key, value);
    await cache.close();
    await cache.get('key 1');
    const file = path.join(cacheDir, 'cache.db');
    const fd = fs.openSync(file, 'r+');
    for (let at = 4096; at < fs.statSync(file).size; at += 512) fs.writeSync(fd, Buffer.alloc(100, 0xa5), 0, 100, at);
    fs.closeSync(fd);
    await judged(cache, 'beneath');
    expect(await cache.set('new', 1)).toStrictEqual(SUCCESS);
    expect(await cacheIn(cacheDir).get('new')).toStrictEqual({ found: true, value: 1 });
  });
});

test('while another process holds it, this one works in memory and tries again', async () => {
  const cacheDir = folder();
  const other = remoteCache(cacheDir);
  await other.ask('set', 'theirs', 'x'.repeat(100_000));
  other.ask('get', 'theirs').catch(() => {});
  const file = path.join(cacheDir, 'cache.db');
  const fd = fs.openSync(file, 'r+');
  fs.ftruncateSync(fd, 0);
  fs.writeSync(fd, Buffer.alloc(40_000, 0xa5), 0, 40_000, 0);
  fs.closeSync(fd);
  for (const name of ['cache.db-wal', 'cache.db-shm']) fs.rmSync(path.join(cacheDir, name), { force: true });
  const cache = cacheIn(cacheDir);
  const stored = await cache.set('k', 1); // in memory, or on the new file where the other one let go
  expect(await cache.get('k')).toStrictEqual({ found: true, value: 1 });
  if (!stored.success) expect(corrupt(cacheDir)).toEqual([]);
  other.kill();
  await other.ended;
  await eventually(async () => (await cache.set('k', 2)).success, 'the second try');
  expect(corrupt(cacheDir)).toHaveLength(1);
  expect(await cacheIn(cacheDir).get('k')).toStrictEqual({ found: true, value: 2 });
});
