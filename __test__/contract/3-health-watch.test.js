import { expect, test } from 'vitest';
import { startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { isAlive } from '../support/processes.js';

const SILENCE_MS = 30_000;
const options = { healthInterval: 200, stderr: 'ignore' };

// The silence is the contract's: nothing shorter can show it.
test('`unhealthy` after 3 missed health calls and 30 s without any output; a busy engine is never killed', async () => {
  const began = Date.now();
  const [silent, busy] = await Promise.all([
    startedEngine('silent-after-health.js', options),
    startedEngine('silent-after-health.js', { ...options, args: ['logs'] }),
  ]);
  const [ofSilent, ofBusy] = [silent, busy].map((client) => collect(client, 'unhealthy'));
  const ends = [silent, busy].map((client) => collect(client, 'exit'));
  const event = await next(silent, 'unhealthy', undefined, SILENCE_MS + 10_000);

  expect(event).toEqual({
    type: 'unhealthy',
    timestamp: expect.any(Number),
    data: { missed: expect.any(Number), silentFor: expect.any(Number) },
  });
  expect(event.data.missed).toBeGreaterThanOrEqual(3);
  expect(event.data.silentFor).toBeGreaterThanOrEqual(SILENCE_MS);
  expect(event.timestamp - began).toBeGreaterThanOrEqual(SILENCE_MS);
  await next(busy, 'stderr');
  expect([ofSilent.length, ofBusy.length]).toEqual([1, 0]);
  // An event only.
  expect(ends).toEqual([[], []]);
  expect([silent, busy].map((client) => [client.isReady(), isAlive(client.getStats().pid)])).toEqual([
    [true, true],
    [true, true],
  ]);
}, 60_000);
