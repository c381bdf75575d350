import { describe, expect, test } from 'vitest';
import { cache } from '../support/caches.js';

describe.each([{ persistToDisk: true }, { persistToDisk: false }])('with %o', (options) => {
  test('`delete` → `{success: true}`, also for a missing key', async () => {
    const subject = cache(options);
    await subject.set('a', 1);
    expect(await subject.delete('a')).toEqual({ success: true });
    expect(await subject.delete('a')).toEqual({ success: true });
    expect(await subject.get('a')).toEqual({ found: false });
    expect(subject.getStats()).toMatchObject({ memorySize: 0, memoryCount: 0 });
  });

  test('`clear(prefix)` takes what begins with it, and counts', async () => {
    const subject = cache(options);
    for (const key of ['user:1', 'user:2', 'user', 'other', '']) await subject.set(key, 1);
    expect(await subject.clear('user:')).toEqual({ success: true, cleared: 2 });
    expect((await subject.keys()).sort()).toEqual(['', 'other', 'user']);
    expect(await subject.clear('nothing')).toEqual({ success: true, cleared: 0 });
    expect(await subject.clear()).toEqual({ success: true, cleared: 3 });
    expect(await subject.keys()).toEqual([]);
  });

  test('`clear("")` and `clear(null)` take everything', async () => {
    const subject = cache(options);
    for (const prefix of ['', null, undefined]) {
      await subject.set('a', 1);
      expect(await subject.clear(prefix)).toEqual({ success: true, cleared: 1 });
    }
  });
});

test('fixed: `cleared` counts distinct keys, wherever they are', async () => {
  const subject = cache();
  await subject.set('both', 1);
  await subject.set('disk', 1);
  await subject.close();
  await subject.get('both');
  await subject.set('memory', 10n);
  expect(subject.getStats()).toMatchObject({ memoryCount: 2, diskCount: 2 });
  expect(await subject.clear()).toEqual({ success: true, cleared: 3 });
});

test('fixed: keys on disk whose prefix has characters that version 1’s names replace', async () => {
  const subject = cache();
  for (const key of ['user:1', 'user_1', 'user/1']) await subject.set(key, 1);
  await subject.close();
  expect(await subject.clear('user:')).toEqual({ success: true, cleared: 1 });
  expect((await subject.keys()).sort()).toEqual(['user/1', 'user_1']);
});
