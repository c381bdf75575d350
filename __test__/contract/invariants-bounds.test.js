import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { startedEngine } from '../support/engines.js';
import { folder } from '../support/folders.js';

// As the package itself loads it, so that it is the same one.
const { PendingCalls } = createRequire(import.meta.url)('../../lib/pending-calls.js');

const nothing = () => {};

test('the table of calls is as long as calls were pending at once, however many come and go', () => {
  const calls = new PendingCalls();
  const waiting = Array.from({ length: 10 }, () => calls.add(nothing, nothing, 'm'));
  for (let n = 0; n < 10_000; n += 1) {
    calls.take(waiting.shift());
    waiting.push(calls.add(nothing, nothing, 'm'));
  }
  expect(calls.slots).toHaveLength(10);
  // Aborted: the number stays taken until its answer has come, and not longer.
  for (let n = 0; n < 10_000; n += 1) {
    const slot = waiting.shift();
    calls.retire(slot);
    calls.take(slot);
    waiting.push(calls.add(nothing, nothing, 'm'));
  }
  expect(calls.slots).toHaveLength(10);
});

test('a call that is refused with BACKPRESSURE leaves nothing in it', async () => {
  const tables = new Set();
  const { add } = PendingCalls.prototype;
  const spy = vi.spyOn(PendingCalls.prototype, 'add').mockImplementation(function added(...args) {
    tables.add(this);
    return add.apply(this, args);
  });
  try {
    const client = await startedEngine('stops-reading.js', {
      args: [path.join(folder(), 'never there')],
      maxPendingBytes: 1,
      requestTimeout: Infinity,
      killTimeout: 0,
    });
    await client.call('stop-reading');
    client.call('waits', { text: 'x'.repeat(1024 * 1024) }).catch(nothing);
    for (let n = 0; n < 100; n += 1) {
      await expect(client.call('refused')).rejects.toMatchObject({ code: 'BACKPRESSURE' });
    }
    expect([...tables].map(({ slots }) => slots.length)).toEqual([2]);
  } finally {
    spy.mockRestore();
  }
});
