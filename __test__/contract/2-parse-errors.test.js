import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { response, say, sayAndAnswer } from '../support/wire.js';

const { EngineClient, EngineError, ErrorCodes, JobManager } = runtime;
const logged = consoleErrors();
const PARSE_ERROR = ErrorCodes.PARSE_ERROR;

class Overriding extends EngineClient {
  call(...args) {
    return super.call(...args);
  }
}

describe('a rest that begins with { and shows jsonrpc, id and result or error before the fault', () => {
  test.each([
    ['a result of NaN', '{"jsonrpc": "2.0", "id": "@ID@", "result": {"score": NaN}}'],
    ['an error with NaN', '{"jsonrpc":"2.0","id":"@ID@","error":{"code":1,"message":"m","data":-Infinity}}'],
    ['a result that is cut off', '{"jsonrpc":"2.0","id":"@ID@","result":{"a":[1,2'],
    ['a result without its value', '{"jsonrpc":"2.0","id":"@ID@","result":'],
    ['another order of keys', '{"id":"@ID@","jsonrpc":"2.0","result":nan}'],
    ['a method behind the fault', '{"jsonrpc":"2.0","id":"@ID@","result":NaN,"method":"m"}'],
    ['behind a good value', '{"type":"log","jobId":"j"}{"jsonrpc":"2.0","id":"@ID@","result":NaN}'],
    ['behind spaces', '  \t{"jsonrpc":"2.0","id":"@ID@","result":NaN}'],
    ['before a good value', '{"jsonrpc":"2.0","id":"@ID@","result":NaN}{"type":"log","jobId":"j"}'],
  ])('that call rejects with PARSE_ERROR: %s', async (_, text) => {
    const client = await startedEngine('says-what-it-is-told.js');
    const noise = collect(client, 'stdout');
    const error = await say(client, `${text}\n`).catch((reason) => reason);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: PARSE_ERROR, method: 'say' });
    await expect(sayAndAnswer(client)).resolves.toBe('said');
    expect(noise).toEqual([]);
    expect(logged).toEqual([]);
  });

  test.each([
    ['noise before it', 'log: {"jsonrpc":"2.0","id":"@ID@","result":NaN}'],
    ['the fault before the id', '{"jsonrpc":"2.0","result":NaN,"id":"@ID@"}'],
    ['no result and no error', '{"jsonrpc":"2.0","id":"@ID@","other":NaN}'],
    ['no jsonrpc', '{"id":"@ID@","result":NaN}'],
    ['a method', '{"jsonrpc":"2.0","method":"m","id":"@ID@","result":NaN}'],
    ['the keys deeper inside', '{"a":{"jsonrpc":"2.0","id":"@ID@","result":NaN}}'],
    ['an id that is cut off', '{"jsonrpc":"2.0","result":1,"id":"@ID@'],
  ])('else it is noise, and the call waits on: %s', async (_, text) => {
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = next(client, 'stdout');
    await expect(sayAndAnswer(client, `${text}\n`)).resolves.toBe('said');
    expect((await heard).data).toContain(text.slice(0, 6));
  });

  test('a value inside the broken text is still found', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = next(client, 'job:progress');
    const text = response('"result":[NaN,{"type":"log","jobId":"j","data":1}]');
    await expect(say(client, `${text}\n`)).rejects.toMatchObject({ code: PARSE_ERROR });
    expect((await heard).data.data).toBe(1);
  });

  test('an unknown id is logged as any answer to no pending call', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    await sayAndAnswer(client, '{"jsonrpc":"2.0","id":"nobody","result":NaN}\n');
    expect(logged).toEqual(['[Engine] Received response for unknown request: nobody']);
  });
});

describe.each([
  ['native path', EngineClient],
  ['JavaScript path', Overriding],
])('the same for a result or error event with a readable jobId, on the %s', (_, Client) => {
  test.each([
    ['result', 'late'],
    ['error', 'late'],
    ['result', 'early'],
    ['error', 'early'],
  ])('%s %s: the job fails with PARSE_ERROR, at once', async (...args) => {
    const client = await startedEngine('prints-nan.py', { Client, args });
    const jobs = new JobManager(client, { concurrency: 1, defaultTimeout: 5000 });
    const broken = await jobs.submit('nan', {}).catch((reason) => reason);
    expect(broken).toBeInstanceOf(EngineError);
    expect(broken).toMatchObject({ code: PARSE_ERROR, jobId: expect.any(String) });
    await expect(jobs.submit('good', {})).resolves.toEqual({ success: true, data: 1 });
  });

  test('jobs.start whose answer is broken is a start error', async () => {
    const client = await startedEngine('prints-nan.py', { Client, args: ['start'] });
    const jobs = new JobManager(client);
    await expect(jobs.submit('nan', {})).rejects.toMatchObject({ code: PARSE_ERROR });
  });
});

describe('a broken result or error event', () => {
  test('makes an error event that carries jobId', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const errors = collect(client, 'error');
    const noise = collect(client, 'stdout');
    await sayAndAnswer(
      client,
      '{"type":"result","jobId":"j1","data":NaN}\n{"jobId":2,"timestamp":1,"type":"error","data":{"a":\n',
    );
    expect(errors.map(({ data }) => [data instanceof Error, data.code, data.jobId])).toEqual([
      [true, PARSE_ERROR, 'j1'],
      [true, PARSE_ERROR, 2],
    ]);
    expect(errors[0]).toEqual({ type: 'error', timestamp: expect.any(Number), data: errors[0].data });
    expect(noise).toEqual([]);
  });

  test('unheard, is logged, and throws nothing', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    await sayAndAnswer(client, '{"type":"result","jobId":"j1","data":NaN}\n');
    expect(logged).toHaveLength(1);
    expect(client.isReady()).toBe(true);
  });

  test('whose type or jobId comes behind the fault is noise, and so is a broken progress event', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const errors = collect(client, 'error');
    const noise = collect(client, 'stdout');
    const lines = [
      '{"data":NaN,"type":"result","jobId":"j"}',
      '{"type":"result","data":NaN,"jobId":"j"}',
      '{"type":"progress","jobId":"j","data":NaN}',
      'x {"type":"result","jobId":"j","data":NaN}',
    ];
    await sayAndAnswer(client, `${lines.join('\n')}\n`);
    expect(errors).toEqual([]);
    expect(noise.map(({ data }) => data)).toEqual(lines);
  });
});
