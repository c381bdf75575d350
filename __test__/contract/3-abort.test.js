import { expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { next } from '../support/events.js';
import { eventually } from '../support/eventually.js';

const lines = consoleErrors();
const unknown = () => lines.filter((line) => line.startsWith('[Engine] Received response for unknown request: '));
const failure = (promise) =>
  promise.then(
    () => undefined,
    (error) => error,
  );

/** What an older host or a library has in the place of an AbortSignal: no `reason`. */
class OwnSignal {
  aborted = false;
  listeners = new Set();

  addEventListener(name, listener) {
    expect(name).toBe('abort');
    this.listeners.add(listener);
  }

  abort() {
    this.aborted = true;
    for (const listener of this.listeners) listener();
  }
}

class RemovingSignal extends OwnSignal {
  removeEventListener(name, listener) {
    this.listeners.delete(listener);
  }
}

test("aborted, the call rejects with the signal's `reason`", async () => {
  const client = await startedEngine('does-as-told.js');
  const reason = { why: 'the user left' };
  const controller = new AbortController();
  const call = failure(client.call('unanswered', {}, { signal: controller.signal }));
  expect(client.getStats().pendingCalls).toBe(1);
  controller.abort(reason);
  expect(await call).toBe(reason);
  expect(client.getStats().pendingCalls).toBe(0);
});

test("… which is the host's AbortError when the app gave none", async () => {
  const client = await startedEngine('does-as-told.js');
  const controller = new AbortController();
  const call = failure(client.call('unanswered', {}, { signal: controller.signal }));
  controller.abort();
  expect(await call).toBe(controller.signal.reason);
  expect((await call).name).toBe('AbortError');
});

test('`signal`: anything with `aborted` and `addEventListener`; without a reason it rejects with `ABORTED`', async () => {
  const client = await startedEngine('does-as-told.js');
  for (const Signal of [OwnSignal, RemovingSignal]) {
    const signal = new Signal();
    const call = failure(client.call('unanswered', {}, { signal }));
    signal.abort();
    const error = await call;
    expect(error).toBeInstanceOf(runtime.EngineError);
    expect(error).toMatchObject({ code: 'ABORTED', method: 'unanswered' });
  }
});

test('a signal that is aborted already: the call is not sent', async () => {
  const client = await startedEngine('does-as-told.js');
  const signal = new OwnSignal();
  signal.aborted = true;
  expect(await failure(client.call('echo', {}, { signal: AbortSignal.abort('before') }))).toBe('before');
  expect(await failure(client.call('echo', {}, { signal }))).toMatchObject({ code: 'ABORTED' });
  expect(client.getStats().pendingCalls).toBe(0);
  await expect(client.call('heard')).resolves.toEqual(['engine.health', 'heard']);
});

test('a late answer is dropped', async () => {
  const client = await startedEngine('does-as-told.js');
  const controller = new AbortController();
  const call = failure(client.call('after', { ms: 100 }, { signal: controller.signal }));
  controller.abort('gone');
  expect(await call).toBe('gone');
  const other = client.call('after', { ms: 300 });
  await eventually(() => unknown().length > 0, 'the log line');
  await expect(other).resolves.toBe('late');
  expect(unknown()).toHaveLength(1);
});

test('an abort while the answer waits for JavaScript: the call rejects, no other call gets that answer', async () => {
  const client = await startedEngine('does-as-told.js');
  const controller = new AbortController();
  const before = client.getStats().received;
  const aborted = failure(client.call('echo', { number: 1 }, { signal: controller.signal }));
  await null;
  const end = Date.now() + 10_000;
  while (client.getStats().received === before) expect(Date.now()).toBeLessThan(end);
  controller.abort('too late');
  const others = [2, 3, 4].map((number) => client.call('echo', { number }));
  expect(await aborted).toBe('too late');
  await expect(Promise.all(others)).resolves.toEqual([{ number: 2 }, { number: 3 }, { number: 4 }]);
});

test('an abort after the answer changes nothing; the signal keeps no listener', async () => {
  const client = await startedEngine('does-as-told.js', { autoRestart: false });
  const signal = new RemovingSignal();
  const options = { signal, timeout: 20_000 };
  await expect(client.call('echo', { a: 1 }, options)).resolves.toEqual({ a: 1 });
  await failure(client.call('fail', { error: { code: 1, message: 'm' } }, options));
  await failure(client.call('unanswered', {}, { signal, timeout: 50 }));
  const exited = next(client, 'exit');
  await failure(client.call('exit', {}, { signal }));
  await exited;
  expect(signal.listeners.size).toBe(0);
  signal.abort();
});

test('one signal ends many calls, and no others', async () => {
  const client = await startedEngine('does-as-told.js');
  const controller = new AbortController();
  const { signal } = controller;
  const calls = Array.from({ length: 5 }, () => failure(client.call('unanswered', {}, { signal })));
  const other = client.call('after', { ms: 100 });
  controller.abort('all');
  expect(await Promise.all(calls)).toEqual(Array(5).fill('all'));
  await expect(other).resolves.toBe('late');
});
