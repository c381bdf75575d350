import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { linesTold, say, sayAndAnswer } from '../support/wire.js';

const logged = consoleErrors();

/** What the client has answered to the engine so far: lines without a method. */
async function answers(client) {
  return (await linesTold(client)).filter((line) => !line.includes('"method"'));
}

/** A client and the data of the `request` event that the engine's request makes. */
async function asked(members) {
  const client = await startedEngine('says-what-it-is-told.js');
  const heard = next(client, 'request');
  await sayAndAnswer(client, `{"jsonrpc":"2.0",${members}}\n`);
  return { client, request: (await heard).data };
}

describe('a request from the engine, when nobody listens', () => {
  test.each(['"e1"', '7', '-1.5', 'null', '"w\\u00f6rt"'])('is answered −32601, its id as it came: %s', async (id) => {
    const client = await startedEngine('says-what-it-is-told.js');
    await sayAndAnswer(client, `{"jsonrpc":"2.0","id":${id},"method":"ask.me"}\n`);
    const [answer, ...others] = await answers(client);
    expect(answer.startsWith(`{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"`)).toBe(true);
    expect(JSON.parse(answer)).toEqual({
      jsonrpc: '2.0',
      id: JSON.parse(id),
      error: { code: -32601, message: expect.stringContaining('ask.me') },
    });
    expect(others).toEqual([]);
    expect(logged).toEqual([]);
  });

  test('whatever its method is', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    await sayAndAnswer(
      client,
      '{"jsonrpc":"2.0","id":1,"method":{"toString":1}}{"jsonrpc":"2.0","id":2,"method":null}\n',
    );
    expect((await answers(client)).map((line) => JSON.parse(line))).toMatchObject([
      { id: 1, error: { code: -32601 } },
      { id: 2, error: { code: -32601 } },
    ]);
    expect(logged).toEqual([]);
  });

  test('is answered, and noise is logged, also when a subclass hands every event on', async () => {
    class Watching extends runtime.EngineClient {
      emit(...args) {
        return super.emit(...args);
      }
    }
    const client = await startedEngine('says-what-it-is-told.js', { Client: Watching });
    await sayAndAnswer(client, '{"jsonrpc":"2.0","id":1,"method":"m"}\nnoise\n');
    expect((await answers(client)).map((line) => JSON.parse(line))).toMatchObject([{ id: 1, error: { code: -32601 } }]);
    expect(logged).toEqual(['[Engine] Failed to parse line: noise']);
  });

  test('is answered while the engine starts, too: it may need the answer for its health', async () => {
    const client = engine('asks-before-health.js', { startupTimeout: 5000 });
    await client.start();
    await expect(client.call('what was answered')).resolves.toMatchObject({ id: 1, error: { code: -32601 } });
  });
});

describe('event request', () => {
  test('{id, method, params?, respond, fail}, in an envelope', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = next(client, 'request');
    await sayAndAnswer(client, '{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":[1]},"more":1}\n');
    const envelope = await heard;
    expect(envelope).toEqual({ type: 'request', timestamp: expect.any(Number), data: envelope.data });
    expect(envelope.data).toEqual({
      id: 1,
      method: 'm',
      params: { a: [1] },
      respond: expect.any(Function),
      fail: expect.any(Function),
    });
  });

  test('without params there is no such key', async () => {
    const { request } = await asked('"id":1,"method":"m"');
    expect(Object.keys(request).sort()).toEqual(['fail', 'id', 'method', 'respond']);
  });

  test.each([
    ['an object', { a: 'ö😀' }, '{"a":"\\u00f6\\ud83d\\ude00"}'],
    ['null', null, 'null'],
    ['nothing', undefined, 'null'],
    ['false', false, 'false'],
  ])('respond(result) answers: %s', async (_, result, text) => {
    const { client, request } = await asked('"id":"e1","method":"m"');
    expect(request.respond(result)).toBe(true);
    expect(await answers(client)).toEqual([`{"jsonrpc":"2.0","id":"e1","result":${text}}`]);
  });

  test('fail(code, message, data?) answers with an error', async () => {
    const { client, request } = await asked('"id":"e1","method":"m"');
    expect(request.fail(-5, 'nö', { why: 1 })).toBe(true);
    const error = '{"code":-5,"message":"n\\u00f6","data":{"why":1}}';
    expect(await answers(client)).toEqual([`{"jsonrpc":"2.0","id":"e1","error":${error}}`]);
  });

  test('fail without data has no such key', async () => {
    const { client, request } = await asked('"id":9,"method":"m"');
    request.fail(1, 'm');
    expect(await answers(client)).toEqual(['{"jsonrpc":"2.0","id":9,"error":{"code":1,"message":"m"}}']);
  });

  test('respond is true while the engine starts, too', async () => {
    const client = engine('asks-before-health.js', { startupTimeout: 5000 });
    const responded = [];
    client.on('request', ({ data }) => responded.push(data.respond({ width: 800 })));
    await client.start();
    expect(responded).toEqual([true]);
    await expect(client.call('what was answered')).resolves.toMatchObject({ id: 1, result: { width: 800 } });
  });

  test('is answered once: whatever comes second is false and sends nothing', async () => {
    const { client, request } = await asked('"id":1,"method":"m"');
    expect([request.respond(1), request.respond(2), request.fail(1, 'm')]).toEqual([true, false, false]);
    expect(await answers(client)).toEqual(['{"jsonrpc":"2.0","id":1,"result":1}']);
  });

  test('may be answered later', async () => {
    const { client, request } = await asked('"id":1,"method":"m"');
    expect(await answers(client)).toEqual([]);
    expect(request.respond('later')).toBe(true);
    expect(await answers(client)).toEqual(['{"jsonrpc":"2.0","id":1,"result":"later"}']);
  });

  test('a result that JSON cannot hold throws, and the engine is not left without an answer', async () => {
    const { client, request } = await asked('"id":1,"method":"m"');
    expect(() => request.respond({ n: 1n })).toThrow(TypeError);
    const [answer, ...others] = (await answers(client)).map((line) => JSON.parse(line));
    expect(answer).toMatchObject({ jsonrpc: '2.0', id: 1, error: { code: -32603 } });
    expect(others).toEqual([]);
    expect(request.respond(1)).toBe(false);
  });

  test('after stop() nothing can be sent: false', async () => {
    const { client, request } = await asked('"id":1,"method":"m"');
    await client.stop();
    expect(request.respond(1)).toBe(false);
    expect(request.fail(1, 'm')).toBe(false);
  });

  test.each(['respond', 'fail'])(
    '%s to an engine that has ended is false, and the next one never sees it',
    async (how) => {
      const { client, request } = await asked('"id":1,"method":"m"');
      await client.stop();
      await client.start();
      expect(how === 'respond' ? request.respond('stale') : request.fail(1, 'stale')).toBe(false);
      expect(await answers(client)).toEqual([]);
    },
  );

  test('one that echoes a pending id settles that call with undefined', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const requests = collect(client, 'request');
    await expect(say(client, '{"jsonrpc":"2.0","id":"@ID@","method":"m","result":1}\n')).resolves.toBe(undefined);
    await sayAndAnswer(client);
    expect(requests).toEqual([]);
    expect(await answers(client)).toEqual([]);
  });

  test('a listener that throws is logged; the next request is heard', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = [];
    client.once('request', () => {
      throw new Error('thrown');
    });
    client.on('request', ({ data }) => heard.push(data.id));
    await sayAndAnswer(client, '{"jsonrpc":"2.0","id":1,"method":"m"}{"jsonrpc":"2.0","id":2,"method":"m"}\n');
    await eventually(() => heard.length === 2, 'both are heard');
    expect(logged[0]).toMatch(/thrown/);
  });
});

describe('event notification', () => {
  test('{method, params?}, in an envelope; unheard, nothing happens', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    await sayAndAnswer(client, '{"jsonrpc":"2.0","method":"unheard"}\n');
    const heard = collect(client, 'notification');
    await sayAndAnswer(client, '{"jsonrpc":"2.0","method":"m"}{"jsonrpc":"2.0","method":"n","params":null,"x":1}\n');
    expect(heard).toEqual([
      { type: 'notification', timestamp: expect.any(Number), data: { method: 'm' } },
      { type: 'notification', timestamp: expect.any(Number), data: { method: 'n', params: null } },
    ]);
    expect(logged).toEqual([]);
    expect(await answers(client)).toEqual([]);
  });
});
