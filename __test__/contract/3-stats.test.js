import { expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { next } from '../support/events.js';
import { eventually } from '../support/eventually.js';

const lines = consoleErrors();

const IDLE = {
  pid: null,
  state: 'idle',
  pendingCalls: 0,
  pendingBytes: 0,
  restarts: 0,
  uptime: 0,
  received: 0,
  dropped: 0,
};

test('`getStats()`: exactly these, before the first start', () => {
  expect(engine('does-as-told.js').getStats()).toEqual(IDLE);
});

test('`pid` and `state` follow the engine', async () => {
  const client = engine('does-as-told.js', { restartDelay: 60_000, killTimeout: 1000 });
  const started = client.start();
  expect(client.getStats().state).toBe('starting');
  await started;
  const { pid } = await client.call('self');
  expect(client.getStats()).toMatchObject({ pid, state: 'ready' });
  const exited = next(client, 'exit');
  client.call('exit', {}).catch(() => {});
  await exited;
  expect(client.getStats()).toMatchObject({ pid: null, state: 'restarting' });
  await client.stop();
  await client.start();
  // So that it cannot have ended by the next line.
  process.kill(client.getStats().pid, 'SIGSTOP');
  const stopped = client.stop();
  expect(client.getStats().state).toBe('stopping');
  await stopped;
  expect(client.getStats()).toMatchObject({ pid: null, state: 'idle' });
});

test('`uptime`: milliseconds since `ready`', async () => {
  const client = await startedEngine('does-as-told.js');
  const ready = Date.now();
  await client.call('after', { ms: 120 });
  const { uptime } = client.getStats();
  expect(uptime).toBeGreaterThanOrEqual(100);
  // Rounding, and the time between the event in Rust and in JavaScript.
  expect(uptime).toBeLessThan(Date.now() - ready + 2000);
});

test('`pendingCalls`: calls of the app without an answer', async () => {
  const client = await startedEngine('does-as-told.js', { healthInterval: 10 });
  const calls = ['a', 'b', 'c'].map((method) => client.call(method, {}, { timeout: 300 }).catch((error) => error.code));
  expect(client.getStats().pendingCalls).toBe(3);
  client.notify('d');
  expect(client.getStats().pendingCalls).toBe(3);
  expect(await Promise.all(calls)).toEqual(Array(3).fill('REQUEST_TIMEOUT'));
  expect(client.getStats().pendingCalls).toBe(0);
  client.call('e').catch(() => {});
  const stopped = client.stop();
  // Rejected by `stop()`, they wait no longer.
  expect(client.getStats().pendingCalls).toBe(0);
  await stopped;
});

test('`pendingBytes`: what waits for the engine', async () => {
  const client = await startedEngine('ignores-sigterm.js', { killTimeout: 0 });
  process.kill(client.getStats().pid, 'SIGSTOP');
  client.call('big', { text: 'x'.repeat(1_000_000) }).catch(() => {});
  await null;
  const { pendingBytes } = client.getStats();
  expect(pendingBytes).toBeGreaterThan(500_000);
  expect(pendingBytes).toBeLessThan(1_000_200);
  process.kill(client.getStats().pid, 'SIGCONT');
  await eventually(() => client.getStats().pendingBytes === 0, 'the writing');
});

test('`received` and `dropped` count values and lines of stdout', async () => {
  const client = await startedEngine('does-as-told.js');
  const before = client.getStats();
  expect(before.received).toBeGreaterThanOrEqual(1);
  await client.call('echo');
  expect(client.getStats().received).toBe(before.received + 1);
  await client.call('print', { stdout: '{"unknown":1}\n{"jsonrpc":"2.0","id":"nobody","result":1}\n' });
  expect(client.getStats()).toMatchObject({ received: before.received + 4, dropped: before.dropped + 2 });
  expect(lines).toContain('[Engine] Received response for unknown request: nobody');
});

test('`restarts` counts restarts', async () => {
  const client = await startedEngine('does-as-told.js', { restartDelay: 0 });
  for (const restarts of [1, 2]) {
    const restarted = next(client, 'restart');
    client.call('exit', {}).catch(() => {});
    await restarted;
    expect(client.getStats().restarts).toBe(restarts);
  }
});
