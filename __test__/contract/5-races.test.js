import { describe, expect, test } from 'vitest';
import { cache, cacheFolder } from '../support/caches.js';
import { eventually } from '../support/eventually.js';

/** A cache whose entries are on disk alone. */
async function cold(entries, options = {}) {
  const subject = cache(options);
  await Promise.all(Object.keys(entries).map((key) => subject.set(key, entries[key])));
  await subject.close();
  return subject;
}

describe('a `get` on its way does not come over what was asked behind it', () => {
  test('a later `set`', async () => {
    const subject = await cold({ a: 'old' });
    const early = subject.get('a');
    const stored = subject.set('a', 'new');
    expect((await subject.get('a')).value).toBe('new');
    await Promise.all([early, stored]);
    expect((await subject.get('a')).value).toBe('new');
    await subject.close();
    expect((await subject.get('a')).value).toBe('new');
  });

  test('a later `delete`, `clear`, `clear(prefix)`', async () => {
    for (const remove of [(s) => s.delete('a'), (s) => s.clear(), (s) => s.clear('a')]) {
      const subject = await cold({ a: 'old' });
      const early = subject.get('a');
      const removed = remove(subject);
      const late = subject.get('a');
      expect((await early).found).toBe(true);
      expect(await late).toEqual({ found: false });
      await removed;
      expect(await subject.get('a')).toEqual({ found: false });
    }
  });

  test('a `set` of what the disk cannot have', async () => {
    const subject = await cold({ a: 'old' });
    const early = subject.get('a');
    subject.set('a', 10n);
    await early;
    expect((await subject.get('a')).value).toBe(10n);
  });
});

test('concurrent gets of one key share one read, and its value', async () => {
  const subject = await cold({ a: { n: 1 } });
  const [one, two] = await Promise.all([subject.get('a'), subject.get('a')]);
  expect(one.value).toBe(two.value);
  expect(one).not.toBe(two);
  expect((await subject.get('a')).value).toBe(one.value);
});

test('what is asked in order is done in order, acknowledged or not', async () => {
  const subject = cache({ maxMemorySize: 0 });
  const answers = [];
  for (let n = 0; n < 300; n += 1) {
    subject.set('a', n);
    answers.push(subject.get('a'));
    if (n % 3 === 0) {
      subject.delete('a');
      answers.push(subject.get('a'));
    }
  }
  const values = (await Promise.all(answers)).map(({ found, value }) => (found ? value : null));
  const expected = [];
  for (let n = 0; n < 300; n += 1) expected.push(...(n % 3 === 0 ? [n, null] : [n]));
  expect(values).toEqual(expected);
});

describe('another’s change is seen within one second', () => {
  /** How long after the change the last `get` was asked that did not see it: what an answer takes is the machine's. */
  const unseen = async (subject, key, wanted) => {
    const since = Date.now();
    let last = 0;
    const sees = async () => {
      const asked = Date.now() - since;
      const isSeen = JSON.stringify((await subject.get(key)).value) === wanted;
      if (!isSeen) last = asked;
      return isSeen;
    };
    await eventually(sees, 'the change');
    return last;
  };

  test('also where memory has the entry; others stay what they are', async () => {
    const cacheDir = cacheFolder();
    const [one, two] = [cache({ cacheDir }), cache({ cacheDir })];
    const kept = {};
    await one.set('kept', kept);
    await one.set('a', 1);
    await one.get('a');
    await two.set('a', 2);
    expect(await unseen(one, 'a', '2')).toBeLessThan(1000);
    await two.delete('a');
    expect(await unseen(one, 'a', undefined)).toBeLessThan(1000);
    expect((await one.get('kept')).value).toBe(kept);
    await two.clear();
    expect(await unseen(one, 'kept', undefined)).toBeLessThan(1000);
    expect(one.getStats().memoryCount).toBe(0);
  });

  test('a write of our own that is on its way stays', async () => {
    const cacheDir = cacheFolder();
    const [one, two] = [cache({ cacheDir }), cache({ cacheDir })];
    for (let n = 0; n < 50; n += 1) {
      const mine = { n };
      const theirs = two.set('a', 'theirs');
      await theirs;
      const stored = one.set('a', mine);
      expect((await one.get('a')).value).toBe(mine);
      await stored;
      expect((await one.get('a')).value).toBe(mine);
      expect((await cache({ cacheDir }).get('a')).value).toEqual(mine);
    }
  });
});

describe('random operations against a map', () => {
  /** Small numbers that look random, the same in each run. */
  function randomFrom(seed) {
    let state = seed;
    return (end) => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return (state >> 8) % end;
    };
  }

  test.each([
    ['memory and disk', {}, 1],
    ['little memory', { maxMemorySize: 500 }, 2],
    ['no memory', { maxMemorySize: 0 }, 3],
    ['memory alone', { persistToDisk: false }, 4],
    ['closing now and then', { maxMemorySize: 700, closes: true }, 5],
  ])('%s', async (_name, { closes, ...options }, seed) => {
    const below = randomFrom(seed);
    const subject = cache(options);
    const model = new Map();
    const keys = ['', 'a', 'a:1', 'a:2', 'b', 'é', '\ud83d', 'long'.repeat(30)];
    for (let step = 0; step < 1500; step += 1) {
      const key = keys[below(keys.length)];
      switch (below(closes ? 12 : 11)) {
        case 0:
        case 1:
        case 2:
        case 3: {
          const value = below(4) === 0 ? Buffer.alloc(below(200), step) : { step, text: 'x'.repeat(below(150)) };
          const stored = subject.set(key, value);
          model.set(key, value);
          if (below(2) === 0) expect(await stored).toEqual({ success: true });
          break;
        }
        case 4: {
          const removed = subject.delete(key);
          model.delete(key);
          if (below(2) === 0) await removed;
          break;
        }
        case 5: {
          if (below(4) > 0) break;
          const prefix = ['', 'a', 'a:', 'zz'][below(4)];
          const gone = Array.from(model.keys()).filter((name) => name.startsWith(prefix));
          gone.forEach((name) => model.delete(name));
          expect(await subject.clear(prefix)).toEqual({ success: true, cleared: gone.length });
          break;
        }
        case 6:
          expect((await subject.keys()).sort()).toEqual(Array.from(model.keys()).sort());
          break;
        case 11:
          await subject.close();
          break;
        default: {
          const { found, value } = await subject.get(key);
          expect(found).toBe(model.has(key));
          if (found) expect(value).toEqual(model.get(key));
        }
      }
    }
  });
});
