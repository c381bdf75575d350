import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { cacheIn, remoteCache } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';

const lines = consoleErrors();
const NOTHING = { found: false };
const SUCCESS = { success: true };
const SEEN_MS = 1000; // the contract's second

/** Lets the second pass by the clock that the cache looks at: a timer may ring before. */
async function second() {
  const end = Date.now() + SEEN_MS;
  while (Date.now() <= end) await delay(end - Date.now() + 1);
}

/** Lets the second pass while the key is asked for all the time: a hit must not put off the look at the folder. */
async function asking(cache, key = 'k') {
  const end = Date.now() + SEEN_MS;
  while (Date.now() <= end) {
    await cache.get(key);
    await delay(5);
  }
}

describe('another process’s change is seen within one second', () => {
  test.each([
    ['set', ['set', 'k', { by: 'other' }], { found: true, value: { by: 'other' } }],
    ['set to null', ['set', 'k', null], { found: true, value: null }],
    ['delete', ['delete', 'k'], NOTHING],
    ['clear', ['clear'], NOTHING],
    ['clear of a prefix', ['clear', 'k'], NOTHING],
    ['a set that expired', ['set', 'k', 1, -1], NOTHING],
  ])('%s, of what is in memory here', async (_, asked, expected) => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    const other = remoteCache(cacheDir);
    await cache.set('k', { by: 'me' });
    await cache.set('z', 'mine');
    expect(await other.ask('get', 'k')).toStrictEqual({ found: true, value: { by: 'me' } });
    await cache.get('k');
    expect(await other.ask(...asked)).toMatchObject(SUCCESS);
    await asking(cache);
    expect(await cache.get('k')).toStrictEqual(expected);
    expect(await cache.has('k')).toBe(expected.found);
    expect((await cache.keys()).includes('k')).toBe(expected.found);
    // Another's `clear` may count as a change of everything; what it left must be there all the same.
    expect((await cache.get('z')).found).toBe(asked.join() !== 'clear');
  });

  test('also when the wall clock was set back an hour', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    const other = remoteCache(cacheDir);
    await cache.set('k', 'mine');
    const { now } = Date;
    const spy = vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    try {
      // Its own clock is right.
      expect(await other.ask('set', 'k', 'theirs')).toMatchObject(SUCCESS);
      await second();
      expect((await cache.get('k')).value).toBe('theirs');
    } finally {
      spy.mockRestore();
    }
  });

  test('of what was promoted, while this process writes other keys', async () => {
    const cacheDir = folder();
    const other = remoteCache(cacheDir);
    await other.ask('set', 'k', 1);
    const cache = cacheIn(cacheDir);
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 1 });
    for (let round = 2; round < 4; round += 1) {
      await other.ask('set', 'k', round);
      const end = Date.now() + SEEN_MS;
      while (Date.now() <= end) {
        await cache.set(`mine ${round}`, Date.now());
        await delay(5);
      }
      expect(await cache.get('k')).toStrictEqual({ found: true, value: round });
    }
  });

  test('of a miss, at once: nothing remembers that a key was not there', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    const other = remoteCache(cacheDir);
    expect(await cache.get('k')).toStrictEqual(NOTHING);
    await other.ask('set', 'k', 1);
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 1 });
  });

  test('its ttl too', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    await cache.set('k', 1);
    await remoteCache(cacheDir).ask('set', 'k', 1, 60);
    await asking(cache);
    expect((await cache.get('k')).expiresAt).toBeGreaterThan(Date.now() + 50_000);
  });

  test('after both slept: their databases closed, the log of changes trimmed', async () => {
    const cacheDir = folder();
    const [sleeper, awake] = [cacheIn(cacheDir), remoteCache(cacheDir)];
    await sleeper.set('k', 'old');
    await sleeper.set('deleted', 'old');
    await awake.ask('set', 'k', 'new');
    await awake.ask('delete', 'deleted');
    for (let second = 0; second < 12; second += 1) {
      await awake.ask('set', `k${second}`, second);
      await delay(1000);
    }
    expect(await sleeper.get('k')).toStrictEqual({ found: true, value: 'new' });
    expect(await sleeper.get('deleted')).toStrictEqual(NOTHING);
  });
});

describe('what nobody else changed is left alone', () => {
  test('the very object stays, over own writes and another’s writes of other keys', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    const other = remoteCache(cacheDir);
    const value = { mine: true };
    await cache.set('k', value);
    await cache.set('memory', 5n);
    for (let round = 0; round < 2; round += 1) {
      await other.ask('set', 'x', round);
      await other.ask('delete', 'y');
      await asking(cache, 'x');
      expect((await cache.get('k')).value).toBe(value);
      expect((await cache.get('memory')).value).toBe(5n);
    }
  });

  test('one’s own later `set` wins over another’s earlier one', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    const other = remoteCache(cacheDir);
    await cache.set('k', 1);
    await other.ask('set', 'k', 'theirs');
    const mine = {};
    await cache.set('k', mine);
    await asking(cache);
    expect((await cache.get('k')).value).toBe(mine);
    expect(await other.ask('get', 'k')).toStrictEqual({ found: true, value: {} });
  });
});

describe('several processes may share it', () => {
  test('they begin at once on a folder that is not there yet', async () => {
    const cacheDir = path.join(folder(), 'new');
    const others = [1, 2, 3, 4, 5].map(() => remoteCache(cacheDir));
    const answers = await Promise.all(others.map(({ ask }, at) => ask('set', `k${at}`, at)));
    expect(answers).toStrictEqual(others.map(() => SUCCESS));
    expect((await cacheIn(cacheDir).keys()).sort()).toEqual(['k0', 'k1', 'k2', 'k3', 'k4']);
    for (const other of others) {
      other.end();
      expect(await other.ended).toMatchObject({ code: 0, stderr: '' });
    }
  });

  test('all write hard: every answer is `success: true`, and everything is there', async () => {
    const cacheDir = folder();
    const others = [1, 2, 3].map(() => remoteCache(cacheDir));
    const cache = cacheIn(cacheDir);
    const mine = Promise.all(Array.from({ length: 300 }, (_, at) => cache.set(`me:${at}`, 'x'.repeat(at * 10))));
    const theirs = others.flatMap(({ ask }, who) =>
      Array.from({ length: 100 }, (_, at) => ask('set', `${who}:${at}`, 'x'.repeat(at * 10))),
    );
    for (const answer of [...(await mine), ...(await Promise.all(theirs))]) expect(answer).toStrictEqual(SUCCESS);
    expect(await cache.keys()).toHaveLength(600);
    for (const { ask } of others) expect(await ask('keys')).toHaveLength(600);
    expect(lines).toEqual([]);
  });

  test('one that opens while another writes finds everything, every time', async () => {
    const cacheDir = folder();
    const other = remoteCache(cacheDir);
    await other.ask('set', 'k', 'theirs');
    let writing = true;
    const writes = (async () => {
      for (let at = 0; writing; at += 1) await Promise.all([1, 2, 3].map((one) => other.ask('set', `${one}`, at)));
    })();
    const wrong = [];
    for (let round = 0; round < 150; round += 1) {
      const cache = cacheIn(cacheDir);
      const [{ found }, { success }] = await Promise.all([cache.get('k'), cache.set('mine', round)]);
      if (!found || !success) wrong.push({ round, found, success });
      await cache.close();
    }
    writing = false;
    await writes;
    expect(wrong).toEqual([]);
    expect(lines).toEqual([]);
  });

  test('a fight over one key ends with one winner everywhere', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    const other = remoteCache(cacheDir);
    for (let round = 0; round < 100; round += 1) {
      const theirs = other.ask('set', 'k', `theirs ${round}`);
      await cache.set('k', `mine ${round}`);
      await theirs;
    }
    await asking(cache);
    const here = await cache.get('k');
    const there = await other.ask('get', 'k');
    const onDisk = await cacheIn(cacheDir).get('k');
    expect([here, there]).toStrictEqual([onDisk, onDisk]);
  });

  test('`clear` and `prune` count what others wrote', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    const other = remoteCache(cacheDir);
    await cache.set('mine', 1);
    for (const key of ['a', 'b']) await other.ask('set', key, 1, -1);
    await other.ask('set', 'theirs', 1);
    expect(await cache.prune()).toBe(2);
    expect(await cache.clear()).toStrictEqual({ success: true, cleared: 2 });
    await second();
    expect(await other.ask('get', 'theirs')).toStrictEqual(NOTHING);
  });

  test('the end of one, by SIGKILL, stops no other', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    await cache.set('k', 0);
    for (let round = 0; round < 5; round += 1) {
      const other = remoteCache(cacheDir);
      await other.ask('set', 'theirs', round);
      other.ask('set', 'half', 'x'.repeat(1_000_000)).catch(() => {});
      other.ask('clear', 'nothing').catch(() => {});
      other.kill();
      expect(await cache.set(`k${round}`, round)).toStrictEqual(SUCCESS);
      await other.ended;
      expect(await cacheIn(cacheDir).get('theirs')).toStrictEqual({ found: true, value: round });
    }
    expect(lines).toEqual([]);
  });
});
