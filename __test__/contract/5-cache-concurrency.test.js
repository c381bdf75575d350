import { describe, expect, test } from 'vitest';
import { cacheIn, randomFrom, writeV1 } from '../support/cache-folders.js';
import { folder } from '../support/folders.js';

const NOTHING = { found: false };
const SUCCESS = { success: true };

/** What the manager itself and another one on its folder find. */
async function everywhere(cache, cacheDir, key = 'k') {
  const here = await cache.get(key);
  const other = cacheIn(cacheDir);
  expect(await other.get(key)).toStrictEqual(here);
  return here;
}

/** A manager whose key `k` is on disk only. */
async function withOnDisk(value) {
  const cacheDir = folder();
  const cache = cacheIn(cacheDir);
  await cache.set('k', value);
  await cache.set('other', 'stays');
  await cache.close();
  return { cache, cacheDir };
}

describe('calls in one turn count in the order of their calls', () => {
  test.each([
    ['set, set', (cache) => [cache.set('k', 1), cache.set('k', 2)], { found: true, value: 2 }],
    ['set, delete', (cache) => [cache.set('k', 1), cache.delete('k')], NOTHING],
    ['delete, set', (cache) => [cache.delete('k'), cache.set('k', 2)], { found: true, value: 2 }],
    ['set, clear', (cache) => [cache.set('k', 1), cache.clear()], NOTHING],
    ['clear, set', (cache) => [cache.clear(), cache.set('k', 2)], { found: true, value: 2 }],
    ['set, clear of another prefix', (cache) => [cache.set('k', 1), cache.clear('z')], { found: true, value: 1 }],
    ['set, set that expired', (cache) => [cache.set('k', 1), cache.set('k', 2, -1)], NOTHING],
    [
      'set, set that JSON cannot hold, delete',
      (cache) => [cache.set('k', 1), cache.set('k', 5n), cache.delete('k')],
      NOTHING,
    ],
    [
      'close, set, close, set',
      (cache) => [cache.close(), cache.set('k', 1), cache.close(), cache.set('k', 2)],
      { found: true, value: 2 },
    ],
    [
      'set, prune',
      (cache) => [cache.set('k', 1, 60), cache.prune()],
      { found: true, value: 1, expiresAt: expect.any(Number) },
    ],
    [
      'init, set, delete, init, set',
      (cache) => [cache.init(), cache.set('k', 1), cache.delete('k'), cache.init(), cache.set('k', 3)],
      { found: true, value: 3 },
    ],
  ])('%s', async (_, act, expected) => {
    for (const memory of [{}, { maxMemorySize: 0 }]) {
      const cacheDir = folder();
      const cache = cacheIn(cacheDir, memory);
      await Promise.all(act(cache));
      expect(await everywhere(cache, cacheDir)).toStrictEqual(expected);
      await Promise.all(act(cache)); // now with the database open
      expect(await everywhere(cache, cacheDir)).toStrictEqual(expected);
    }
  });

  // A call that is answered later may know more than its place says; it never knows less.
  test.each([[{}], [{ maxMemorySize: 0 }]])(
    'a `get` never gives what a call before it took away: %j',
    async (options) => {
      for (let round = 0; round < 20; round += 1) {
        const cache = cacheIn(folder(), options);
        const answers = await Promise.all([
          cache.set('k', 1),
          cache.get('k'),
          cache.set('k', 2),
          cache.get('k'),
          cache.delete('k'),
          cache.get('k'),
          cache.set('k', 3),
          cache.get('k'),
          cache.has('k'),
          cache.keys(),
          cache.clear(),
          cache.get('k'),
          cache.has('k'),
          cache.keys(),
        ]);
        const valueOf = (at) => (answers[at].found ? answers[at].value : 'nothing');
        expect([1, 2, 3, 'nothing']).toContain(valueOf(1));
        expect([2, 3, 'nothing']).toContain(valueOf(3));
        expect([3, 'nothing']).toContain(valueOf(5));
        expect([3, 'nothing']).toContain(valueOf(7));
        expect([valueOf(11), answers[12], answers[13]]).toEqual(['nothing', false, []]);
        expect(answers[10]).toStrictEqual({ success: true, cleared: 1 });
      }
    },
  );
});

describe('a `get` that is on its way to disk', () => {
  test('never promotes over a later `set`', async () => {
    const { cache, cacheDir } = await withOnDisk('old');
    const [read] = await Promise.all([cache.get('k'), cache.set('k', 'new')]);
    expect(['old', 'new']).toContain(read.value);
    expect(await everywhere(cache, cacheDir)).toStrictEqual({ found: true, value: 'new' });
  });

  test.each([
    ['delete', (cache) => cache.delete('k')],
    ['clear', (cache) => cache.clear()],
    ['clear of a prefix', (cache) => cache.clear('k')],
    ['a `set` that expired', (cache) => cache.set('k', 1, -1)],
  ])('never promotes what a later %s took away', async (_, act) => {
    const { cache, cacheDir } = await withOnDisk('old');
    await Promise.all([cache.get('k'), act(cache), cache.get('k')]);
    expect(await everywhere(cache, cacheDir)).toStrictEqual(NOTHING);
    expect(await cache.has('k')).toBe(false);
  });

  test('never promotes into what `close` dropped', async () => {
    const { cache } = await withOnDisk('old');
    const [read] = await Promise.all([cache.get('k'), cache.close()]);
    expect(read).toStrictEqual({ found: true, value: 'old' });
    expect(cache.getStats()).toMatchObject({ memoryCount: 0, memorySize: 0 });
  });

  test('a miss on its way does not hide a `set`', async () => {
    const cache = cacheIn();
    const [, , read] = await Promise.all([cache.get('k'), cache.set('k', 1), cache.get('k')]);
    expect(read).toStrictEqual({ found: true, value: 1 });
    expect(await cache.get('k')).toStrictEqual({ found: true, value: 1 });
  });

  test('many at once get one copy', async () => {
    const { cache } = await withOnDisk({ a: 1 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => cache.get('k')));
    for (const answer of answers) {
      expect(answer).toStrictEqual({ found: true, value: { a: 1 } });
      expect(answer.value).toBe(answers[0].value);
    }
    expect(cache.getStats()).toMatchObject({ memoryCount: 1, hits: 50 });
  });

  test('of a file of version 1 neither overtakes nor is overtaken', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    for (const act of [(key) => cache.set(key, 'new'), (key) => cache.delete(key), () => cache.clear()]) {
      writeV1(cacheDir, 'k', 'old');
      await Promise.all([cache.get('k'), act('k'), cache.get('k')]);
      expect((await everywhere(cache, cacheDir)).value).not.toBe('old');
    }
  });
});

test('each answer is that of its own call, in a crowd of kinds and sizes', async () => {
  const cacheDir = folder();
  const cache = cacheIn(cacheDir, { maxMemorySize: 0 });
  const values = Array.from({ length: 300 }, (_, at) => {
    if (at % 3 === 0) return Buffer.alloc((at * 977) % 5000, at % 256);
    return at % 3 === 1 ? { at } : `text ${at}`;
  });
  await Promise.all(values.map((value, at) => cache.set(`k${at}`, value)));
  const answers = await Promise.all(values.map((_, at) => cache.get(`k${at}`)));
  answers.forEach(({ value }, at) => expect(value).toStrictEqual(values[at]));
});

test('2000 unawaited calls over few keys end as the last call of each says', async () => {
  for (const seed of [1, 2, 3]) {
    const random = randomFrom(seed);
    const cacheDir = folder();
    const cache = cacheIn(cacheDir, { maxMemorySize: seed === 1 ? 0 : 3000 });
    const histories = new Map(); // what each key held, one after the other
    const historyOf = (key) => histories.get(key) || histories.set(key, [undefined]).get(key);
    const promises = [];
    const wrong = [];
    for (let step = 0; step < 2000; step += 1) {
      const key = `${step % 2 === 0 ? 'even' : 'odd'}:${Math.floor(random() * 8)}`;
      const history = historyOf(key);
      const dice = random();
      if (dice < 0.5) {
        history.push(step);
        promises.push(cache.set(key, step).then(({ success }) => success || wrong.push(`set ${step}`)));
      } else if (dice < 0.75) {
        // What it held at the call, or came to hold behind it.
        const from = history.length - 1;
        promises.push(
          cache.get(key).then(({ value }) => {
            if (!history.slice(from).includes(value)) wrong.push(`step ${step}: ${value}, held ${history.slice(from)}`);
          }),
        );
      } else if (dice < 0.95) {
        history.push(undefined);
        promises.push(cache.delete(key));
      } else if (dice < 0.97) {
        for (const [name, list] of histories) if (name.startsWith('odd:')) list.push(undefined);
        promises.push(cache.clear('odd:'));
      } else if (dice < 0.98) promises.push(cache.close());
      else await new Promise(setImmediate);
    }
    await Promise.all(promises);
    expect(wrong, `seed ${seed}`).toEqual([]);
    const other = cacheIn(cacheDir);
    for (const [key, history] of histories) {
      const last = history[history.length - 1];
      expect((await cache.get(key)).value).toBe(last);
      expect((await other.get(key)).value).toBe(last);
    }
  }
});

test('two managers of one process on one folder', async () => {
  const cacheDir = folder();
  const [a, b] = [cacheIn(cacheDir, { maxMemorySize: 0 }), cacheIn(cacheDir, { maxMemorySize: 0 })];
  const sets = Array.from({ length: 200 }, (_, at) => (at % 2 === 0 ? a : b).set(`k${at}`, at));
  for (const answer of await Promise.all(sets)) expect(answer).toStrictEqual(SUCCESS);
  for (const cache of [a, b]) {
    expect(await cache.keys()).toHaveLength(200);
    expect(await cache.get('k7')).toStrictEqual({ found: true, value: 7 });
  }
  expect(await a.clear()).toStrictEqual({ success: true, cleared: 200 });
  expect(await b.keys()).toEqual([]);
});
