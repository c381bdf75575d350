import { expect, test } from 'vitest';
import runtime from '../../index.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';

const { CacheManager } = runtime;

// Reading an expired entry brings a transaction of its own about, behind the batch: what others changed until then must
// not be told before the answers of the batch.
test('another process’s change is seen within one second, also one between a batch and what follows it', async () => {
  for (let round = 0; round < 6; round += 1) {
    const cacheDir = folder();
    const [mine, others] = [new CacheManager({ cacheDir }), new CacheManager({ cacheDir })];
    await Promise.all(Array.from({ length: 300 }, (_, n) => others.set(`old${n}`, n, -1)));
    await others.set('k', 'first');
    const reads = Array.from({ length: 300 }, (_, n) => mine.get(`old${n}`));
    reads.push(mine.set('k', 'mine'), mine.get('k'));
    await mine.has('k');
    expect(await others.set('k', 'others')).toStrictEqual({ success: true });
    await Promise.all(reads);
    await eventually(async () => (await mine.get('k')).value === 'others', 'the other’s value', 3000);
    await Promise.all([mine.close(), others.close()]);
  }
}, 60_000);

test('bytes that were given away cannot be stored: success is false, and nothing throws', async () => {
  const cache = new CacheManager({ cacheDir: folder() });
  const buffer = new ArrayBuffer(8);
  const view = new Uint8Array(buffer);
  structuredClone(null, { transfer: [buffer] });
  for (const value of [buffer, view]) {
    const done = await cache.set('k', value);
    expect(typeof done.success).toBe('boolean');
    expect((await cache.get('k')).value).toBe(value);
  }
  await cache.close();
});
