import { describe, expect, test } from 'vitest';
import { app } from '../support/app.js';
import { rounds, timeFor } from '../support/rounds.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const BLOCKS = rounds(2);
const BLOCK_MS = process.env.ROUNDS ? 2000 : 200;
const COUNT = 16_000;
/** Delivery’s capacity, what a pipe and a read hold, and what an allocator does with it. */
const KEPT = 16 * MIB;

async function flooded(flood) {
  const asked = { count: COUNT, size: KIB, blocks: BLOCKS, blockMs: BLOCK_MS, ...flood };
  const heard = await app('hears-a-flood.js', JSON.stringify(asked)).said;
  const most = Math.max(...heard.growths);
  console.log(
    `${asked.way}, ${asked.as}: ${heard.bytes >> 20} MiB, ${BLOCKS} blocks of ${BLOCK_MS} ms, grew by ${most >> 10} KiB`,
  );
  return { ...heard, most, bytesSent: asked.count * asked.size };
}

const deadline = 30_000 + timeFor(BLOCKS, 4 * BLOCK_MS);

describe('an engine that floods while JavaScript is slow: bounded memory, nothing lost, order kept', () => {
  test.each([
    ['job events', 'client', 'progress'],
    ['notifications', 'client', 'notification'],
    ['requests that nobody answers', 'client', 'request'],
    ['lines that are no messages', 'client', 'stdout'],
    ['lines on stderr', 'client', 'stderr'],
    ['a manager’s job events', 'manager', 'progress'],
    ['a job stream with a slow consumer', 'job stream', 'partial'],
  ])(
    '%s',
    async (_, way, as) => {
      const { count, fault, growths, most } = await flooded({ way, as });
      expect(fault).toBe(null);
      expect(count).toBe(COUNT);
      expect(growths).toHaveLength(1 + BLOCKS);
      // A stream’s buffer is bounded for progress alone, so what it holds is not for this bound.
      if (way !== 'job stream') expect(most).toBeLessThan(KEPT);
    },
    deadline,
  );

  test.each([
    ['messages of 2 MiB: one waits, not many', 2 * MIB, 12],
    ['messages of 80 bytes', 1, 100_000],
  ])(
    '%s',
    async (_, size, count) => {
      const heard = await flooded({ way: 'client', as: 'partial', size, count });
      expect(heard).toMatchObject({ fault: null, count });
      expect(heard.most).toBeLessThan(KEPT + 4 * size);
    },
    deadline,
  );

  test(
    'many messages on one line: beside the line no more waits than of many lines',
    async () => {
      const { bytesSent, count, fault, peak } = await flooded({ way: 'client', as: 'one line', count: 4 * COUNT });
      expect([fault, count]).toEqual([null, 4 * COUNT]);
      expect(peak).toBeLessThan(1.2 * bytesSent + KEPT);
    },
    deadline,
  );

  test(
    'timers run meanwhile',
    async () => {
      const flood = { way: 'client', as: 'partial', size: 1, count: 80_000, blocks: 0, busyUs: 5 };
      const { count, fault, floodMs, stallMs } = await flooded(flood);
      expect([fault, count]).toEqual([null, 80_000]);
      console.log(`a flood of ${Math.round(floodMs)} ms: the longest stall of a timer was ${Math.round(stallMs)} ms`);
      expect(stallMs).toBeLessThan(floodMs / 3);
    },
    deadline,
  );

  test(
    'stderr without any newline',
    async () => {
      const { bytes, bytesSent, fault, most } = await flooded({ way: 'client', as: 'no newline' });
      expect(fault).toBe(null);
      // The last piece has not ended.
      expect(bytesSent - bytes).toBeLessThan(64 * KIB);
      expect(most).toBeLessThan(KEPT);
    },
    deadline,
  );

  test(
    'a job stream: progress coalesces, and the end comes',
    async () => {
      const { count, fault, most, result } = await flooded({ way: 'job stream', as: 'progress' });
      expect(fault).toBe(null);
      expect(count).toBe(COUNT);
      expect(result).toEqual({ success: true, data: COUNT });
      expect(most).toBeLessThan(KEPT);
    },
    deadline,
  );

  test(
    'requests that nobody listens to, from an engine that reads no answer: at most maxPendingBytes wait for it',
    async () => {
      const maxPendingBytes = 100_000;
      const flood = { way: 'nobody listens', as: 'request', size: 1, count: 60_000, maxPendingBytes };
      const { most, pendingBytes, received } = await flooded(flood);
      expect(received).toBeGreaterThan(60_000);
      expect(pendingBytes).toBeGreaterThan(maxPendingBytes / 2);
      expect(pendingBytes).toBeLessThanOrEqual(maxPendingBytes);
      expect(most).toBeLessThan(KEPT);
    },
    deadline,
  );
});
