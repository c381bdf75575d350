import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { linesTold, sayAndAnswer } from '../support/wire.js';

const lines = consoleErrors();
const unknown = () => lines.filter((line) => line.startsWith('[Engine] Received response for unknown request: '));

const failure = (promise) =>
  promise.then(
    () => undefined,
    (error) => error,
  );

test('`call` resolves with the result', async () => {
  const client = await startedEngine('does-as-told.js');
  const params = { text: 'ü🙂\u2028"\\', list: [1, null, { deep: -0.5e-7 }], yes: true };
  await expect(client.call('echo', params)).resolves.toEqual(params);
  await expect(client.call('echo')).resolves.toBeNull();
  const many = await Promise.all(Array.from({ length: 500 }, (_, number) => client.call('echo', { number })));
  expect(many.map(({ number }) => number)).toEqual(Array.from({ length: 500 }, (_, number) => number));
});

describe('rejects with `Engine not ready`', () => {
  const refused = { message: 'Engine not ready', code: 'NOT_READY', method: 'echo' };

  test('before `start()`, while starting, after `stop()`', async () => {
    const client = engine('does-as-told.js');
    const errors = [await failure(client.call('echo'))];
    const started = client.start();
    errors.push(await failure(client.call('echo')));
    await started;
    await client.stop();
    errors.push(await failure(client.call('echo')));
    for (const error of errors) {
      expect(error).toBeInstanceOf(runtime.EngineError);
      expect(error).toMatchObject(refused);
    }
  });

  test('while waiting to restart', async () => {
    const client = await startedEngine('does-as-told.js', { restartDelay: 60_000 });
    const exited = next(client, 'exit');
    client.call('exit', {}).catch(() => {});
    await exited;
    expect(await failure(client.call('echo'))).toMatchObject(refused);
  });
});

describe('`Request timeout: <method>`', () => {
  test('after `requestTimeout`', async () => {
    const client = await startedEngine('does-as-told.js', { requestTimeout: 150 });
    const before = performance.now();
    const error = await failure(client.call('models.load', {}));
    expect(performance.now() - before).toBeGreaterThanOrEqual(149);
    expect(error).toBeInstanceOf(runtime.EngineError);
    expect(error).toMatchObject({
      message: 'Request timeout: models.load',
      code: 'REQUEST_TIMEOUT',
      method: 'models.load',
    });
  });

  test('**new** `options.timeout` outranks it, both ways', async () => {
    const short = await startedEngine('does-as-told.js', { requestTimeout: 50 });
    await expect(short.call('after', { ms: 300 }, { timeout: 10_000 })).resolves.toBe('late');
    await expect(short.call('after', { ms: 300 }, { timeout: Infinity })).resolves.toBe('late');
    await expect(short.call('unanswered', {}, { timeout: undefined })).rejects.toThrow(/^Request timeout: unanswered$/);
    const long = await startedEngine('does-as-told.js');
    await expect(long.call('unanswered', {}, { timeout: 50 })).rejects.toThrow(/^Request timeout: unanswered$/);
  });

  test('each call has its own, whatever the order', async () => {
    const client = await startedEngine('does-as-told.js');
    const order = [];
    const timeouts = [300, 100, 200];
    await Promise.all(
      timeouts.map((timeout) =>
        failure(client.call(`m${timeout}`, {}, { timeout })).then((error) => order.push(error.method)),
      ),
    );
    expect(order).toEqual(['m100', 'm200', 'm300']);
  });

  test('a late answer is dropped, logged, and settles no other call', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const dropped = client.getStats().dropped;
    const timedOut = failure(client.call('first', {}, { timeout: 20 }));
    expect((await timedOut).message).toBe('Request timeout: first');
    const other = client.call('second');
    const requests = (await linesTold(client)).map((line) => JSON.parse(line));
    const [late, inTime] = ['first', 'second'].map((name) => requests.find(({ method }) => method === name).id);
    const answer = (id, result) => sayAndAnswer(client, `{"jsonrpc":"2.0","id":"${id}","result":"${result}"}\n`);
    await answer(late, 'late');
    expect(unknown()).toEqual([`[Engine] Received response for unknown request: ${late}`]);
    expect(client.getStats()).toMatchObject({ dropped: dropped + 1, pendingCalls: 1 });
    await answer(inTime, 'in time');
    await expect(other).resolves.toBe('in time');
  });
});

test('`Engine process exited`: every pending call, once', async () => {
  const client = await startedEngine('does-as-told.js', { autoRestart: false });
  const errors = Promise.all(['a', 'b', 'c'].map((method) => failure(client.call(method))));
  client.call('die', { signal: 'SIGKILL' }).catch(() => {});
  for (const [index, error] of (await errors).entries()) {
    expect(error).toBeInstanceOf(runtime.EngineError);
    expect(error).toMatchObject({ message: 'Engine process exited', code: 'ENGINE_EXITED', method: 'abc'[index] });
  }
  expect(client.getStats().pendingCalls).toBe(0);
});

describe("*fixed:* the engine's own error as `EngineError` with its `message`, `code`, `data`", () => {
  const errorOf = async (error) => failure((await startedEngine('does-as-told.js')).call('fail', { error }));

  test('all three', async () => {
    const error = await errorOf({ code: -30001, message: 'no such model', data: { known: ['eng'], deep: [null] } });
    expect(error).toBeInstanceOf(runtime.EngineError);
    expect(error).toBeInstanceOf(Error);
    expect(error.code).toBe(runtime.ErrorCodes.MODEL_NOT_FOUND);
    expect({ ...error }).toEqual({ code: -30001, data: { known: ['eng'], deep: [null] }, method: 'fail' });
    expect(error.message).toBe('no such model');
    expect(error.name).toBe('Error');
    expect(String(error)).toBe('Error: no such model');
  });

  test('`data` is what the engine gave, also `null`, `0` and `""`', async () => {
    for (const data of [null, 0, '', false]) expect((await errorOf({ code: 1, message: 'm', data })).data).toBe(data);
    expect(await errorOf({ code: 1, message: 'm' })).not.toHaveProperty('data');
  });
});

test('a throw while params become JSON rejects, and the client goes on', async () => {
  const client = await startedEngine('does-as-told.js');
  const cycle = {};
  cycle.self = cycle;
  const thrown = new Error('from toJSON');
  await expect(client.call('echo', { big: 1n })).rejects.toBeInstanceOf(TypeError);
  await expect(client.call('echo', cycle)).rejects.toBeInstanceOf(TypeError);
  const toJSON = () => {
    throw thrown;
  };
  await expect(client.call('echo', { toJSON })).rejects.toBe(thrown);
  expect(client.getStats().pendingCalls).toBe(0);
  await expect(client.call('heard')).resolves.toEqual(['engine.health', 'heard']);
});

test('arguments of a wrong type reject with a TypeError that names them', async () => {
  const client = await startedEngine('does-as-told.js');
  const wrong = async (...args) => {
    const error = await failure(client.call(...args));
    expect(error).toBeInstanceOf(TypeError);
    return error.message;
  };
  expect(await wrong(5)).toBe('EngineClient.call: method takes a string; got 5 (number)');
  expect(await wrong('echo', {}, { timeout: '5s' })).toMatch(
    /^EngineClient\.call: timeout takes .+; got '5s' \(string\)$/,
  );
  expect(await wrong('echo', {}, { timeout: -1 })).toMatch(/^EngineClient\.call: timeout takes .+; got -1 \(number\)$/);
  expect(await wrong('echo', {}, { signal: {} })).toMatch(
    /^EngineClient\.call: signal takes .+; got an object \(object\)$/,
  );
  await expect(client.call('heard')).resolves.toEqual(['engine.health', 'heard']);
});

describe('`notify(method, params?)` **new**', () => {
  test('reaches the engine, in order with calls, and waits for no answer', async () => {
    const client = await startedEngine('does-as-told.js');
    client.notify('first', { a: 1 });
    const heard = client.call('heard');
    client.notify('second');
    await expect(heard).resolves.toEqual(['engine.health', 'first', 'heard']);
    await expect(client.call('heard')).resolves.toEqual(['engine.health', 'first', 'heard', 'second', 'heard']);
    expect(client.getStats().pendingCalls).toBe(0);
  });

  test('an answer to it is dropped and logged', async () => {
    const client = await startedEngine('does-as-told.js');
    await client.notify('print', { stdout: '{"jsonrpc":"2.0","id":null,"result":1}\n' });
    await eventually(() => unknown().length > 0, 'the log line');
    expect(unknown()).toEqual(['[Engine] Received response for unknown request: null']);
  });

  test('rejects with `Engine not ready`', async () => {
    await expect(engine('does-as-told.js').notify('n')).rejects.toMatchObject({
      message: 'Engine not ready',
      code: 'NOT_READY',
    });
  });
});
