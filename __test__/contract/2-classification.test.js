import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { collect } from '../support/events.js';
import { jobEvent, response, say, sayAndAnswer } from '../support/wire.js';

const logged = consoleErrors();

const NAMES = ['request', 'notification', 'job:progress', 'job:complete', 'job:error', 'stdout', 'error'];

/** Everything that the engine's text makes the client emit, as [name, data]; requests without their functions. */
async function emittedFor(...pieces) {
  const client = await startedEngine('says-what-it-is-told.js');
  const emitted = [];
  for (const name of NAMES) {
    client.on(name, ({ type, data }) => {
      const { respond, fail, ...plain } = name === 'request' ? data : { ...data };
      emitted.push([type, typeof data === 'string' ? data : plain]);
      if (name === 'request') expect([typeof respond, typeof fail]).toEqual(['function', 'function']);
    });
  }
  await sayAndAnswer(client, ...pieces);
  return emitted;
}

describe('a value on stdout is, in this order:', () => {
  test('jsonrpc + method + id → a request from the engine, whatever else it holds', async () => {
    const value = { jsonrpc: '2.0', id: 'e1', method: 'm', params: [1], result: 1, error: 2, type: 'log', jobId: 'j' };
    expect(await emittedFor(JSON.stringify(value))).toEqual([['request', { id: 'e1', method: 'm', params: [1] }]]);
  });

  test('jsonrpc + method → a notification, though it has a result or looks like a job event', async () => {
    const value = { jsonrpc: '2.0', method: 'm', result: 1, type: 'log', jobId: 'j' };
    expect(await emittedFor(JSON.stringify(value))).toEqual([['notification', { method: 'm' }]]);
  });

  test('jsonrpc + id → a response, though it looks like a job event', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const events = collect(client, 'job:complete');
    const value = response('"type":"result","jobId":"j","data":1,"result":"answer"');
    await expect(say(client, `${value}\n`)).resolves.toBe('answer');
    expect(events).toEqual([]);
  });

  test('type + jobId → a job event, though it has jsonrpc, or method, or id', async () => {
    const events = [
      { type: 'result', jobId: 'j', jsonrpc: '2.0', data: 1 },
      { type: 'error', jobId: 'j', method: 'm', data: 2 },
      { type: 'progress', jobId: 'j', id: 'x', data: 3 },
    ];
    expect(await emittedFor(events.map((event) => JSON.stringify(event)).join('\n'))).toEqual([
      ['job:complete', events[0]],
      ['job:error', events[1]],
      ['job:progress', events[2]],
    ]);
  });

  test.each(['progress', 'log', 'partial', 'of my own', ''])(
    'a job event of type "%s" is job:progress',
    async (type) => {
      expect(await emittedFor(jobEvent(type, 'j', { a: 1 }))).toEqual([
        ['job:progress', { type, jobId: 'j', timestamp: 1, data: { a: 1 } }],
      ]);
    },
  );

  test.each([
    ['an empty object', '{}'],
    ['an object of its own', '{"level":"info","message":"{ hello }"}'],
    ['a response without jsonrpc', '{"id":"@ID@","result":"wrong"}'],
    ['a request without jsonrpc', '{"id":"e1","method":"m"}'],
    ['a jsonrpc alone', '{"jsonrpc":"2.0","result":1,"error":2}'],
    ['a type alone', '{"type":"result","data":1}'],
    ['a jobId alone', '{"jobId":"j","data":1}'],
    [
      'what it needs only deeper inside',
      '{"a":{"jsonrpc":"2.0","id":"@ID@","result":"wrong","type":"log","jobId":"j"}}',
    ],
    ['an array with a response in it', '[{"jsonrpc":"2.0","id":"@ID@","result":"wrong"}]'],
    ['a string with a response in it', '"{\\"jsonrpc\\":\\"2.0\\",\\"id\\":\\"@ID@\\",\\"result\\":\\"wrong\\"}"'],
    ['a number', '42'],
    ['null', 'null'],
    ['true', ' true '],
  ])('anything else that parses is ignored: %s', async (_, text) => {
    const client = await startedEngine('says-what-it-is-told.js');
    const emitted = NAMES.map((name) => collect(client, name));
    await expect(sayAndAnswer(client, `${text}\n`)).resolves.toBe('said');
    expect(emitted.flat()).toEqual([]);
    expect(logged).toEqual([]);
  });
});

describe('a key counts, whatever its value', () => {
  test('ids, methods and job ids of any type', async () => {
    const emitted = await emittedFor(
      '{"jsonrpc":"2.0","id":null,"method":"m"}\n',
      '{"jsonrpc":"2.0","id":[1],"method":{"a":1},"params":null}\n',
      '{"jsonrpc":"2.0","method":7}\n',
      '{"type":null,"jobId":17}\n',
    );
    expect(emitted).toEqual([
      ['request', { id: null, method: 'm' }],
      ['request', { id: [1], method: { a: 1 }, params: null }],
      ['notification', { method: 7 }],
      ['job:progress', { type: null, jobId: 17 }],
    ]);
  });
});
