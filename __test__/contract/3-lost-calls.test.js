import { expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { next } from '../support/events.js';

consoleErrors();

test('calls that were lost with an engine are over: their timeouts settle no call of the next run', async () => {
  const client = await startedEngine('does-as-told.js', { restartDelay: 0, requestTimeout: 2500 });
  const lost = Promise.all(Array.from({ length: 5 }, () => client.call('unanswered').catch(({ code }) => code)));
  const restarted = next(client, 'restart');
  client.call('die', { signal: 'SIGKILL' }).catch(() => {});
  for (const code of await lost) expect(code).toBe('ENGINE_EXITED');
  await restarted;
  expect(client.getStats().pendingCalls).toBe(0);
  // As many at once, so that they have the numbers of the lost ones; answered when those would have timed out.
  const calls = Array.from({ length: 6 }, () => client.call('after', { ms: 3500 }, { timeout: Infinity }));
  expect(await Promise.all(calls)).toEqual(Array(6).fill('late'));
});
