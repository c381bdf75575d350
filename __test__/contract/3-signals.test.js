import { describe, expect, test, vi } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { next } from '../support/events.js';
import { ClingingSignal, DeafSignal } from '../support/failing-signals.js';
import { failureOf } from '../support/job-engines.js';

// A call that never settles is what these tests look for.
vi.setConfig({ testTimeout: 10_000 });
const logged = consoleErrors();

const METHODS = [
  ['removeEventListener', ClingingSignal],
  ['addEventListener', DeafSignal],
];

describe.each(METHODS)('a call never hangs: a signal whose %s throws', (_, Signal) => {
  const start = (options) => startedEngine('does-as-told.js', { autoRestart: false, ...options });

  test('an answered call resolves, and what was thrown is logged', async () => {
    const client = await start();
    const signal = new Signal();
    await expect(client.call('echo', { a: 1 }, { signal })).resolves.toEqual({ a: 1 });
    expect(logged).toEqual([String(signal.error)]);
  });

  test('a call that is answered with an error rejects with it', async () => {
    const client = await start();
    const error = { code: 7, message: 'the engine’s own' };
    const call = client.call('fail', { error }, { signal: new Signal() });
    expect(await failureOf(call)).toMatchObject(error);
  });

  test('the calls around it get their answers, each its own', async () => {
    const client = await start();
    const numbers = [0, 1, 2, 3, 4, 5];
    const calls = numbers.map((n) => client.call('echo', { n }, n % 2 ? { signal: new Signal() } : {}));
    expect(await Promise.all(calls)).toEqual(numbers.map((n) => ({ n })));
    await expect(client.call('echo', { then: 1 })).resolves.toEqual({ then: 1 });
    expect(client.getStats().pendingCalls).toBe(0);
  });

  test('it rejects with `Request timeout: <method>`', async () => {
    const client = await start();
    const call = client.call('unanswered', {}, { signal: new Signal(), timeout: 30 });
    expect((await failureOf(call)).message).toBe('Request timeout: unanswered');
  });

  test.each([
    ['the engine’s exit', 'Engine process exited', (client) => client.call('exit').catch(() => {})],
    ['stop()', 'Engine shutting down', (client) => client.stop()],
  ])('%s: all pending calls reject', async (__, message, end) => {
    const client = await start();
    const exited = next(client, 'exit');
    const options = [{}, { signal: new Signal() }, {}, { signal: new Signal() }, {}];
    const calls = options.map((given) => failureOf(client.call('unanswered', {}, given)));
    await end(client);
    for (const call of calls) expect((await call).message).toBe(message);
    await exited;
    expect(client.getStats().pendingCalls).toBe(0);
  });
});

test('aborted, the call rejects with the signal’s `reason`, though the signal cannot be let go of', async () => {
  const client = await startedEngine('does-as-told.js');
  const signal = new ClingingSignal();
  const reason = { why: 'the user left' };
  const call = failureOf(client.call('unanswered', {}, { signal }));
  signal.abort(reason);
  expect(await call).toBe(reason);
  expect(client.getStats().pendingCalls).toBe(0);
});

test('a signal that keeps its listener and aborts after the answer changes nothing', async () => {
  const client = await startedEngine('does-as-told.js');
  const signal = new ClingingSignal();
  await client.call('echo', {}, { signal });
  const other = client.call('after', { ms: 20 });
  signal.abort('too late');
  await expect(other).resolves.toBe('late');
});
