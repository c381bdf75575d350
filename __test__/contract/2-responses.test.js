import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { linesTold, response, say, sayAndAnswer } from '../support/wire.js';

const { EngineError, ErrorCodes } = runtime;
const logged = consoleErrors();

/** What the call gets whose engine answers with these members. */
async function answered(members) {
  const client = await startedEngine('says-what-it-is-told.js');
  return say(client, `${response(members)}\n`);
}

/** The error that the call rejects with. */
async function refused(members) {
  const error = await answered(members).then(
    (value) => expect.unreachable(`resolved with ${JSON.stringify(value)}`),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(EngineError);
  expect(error.method).toBe('say');
  return error;
}

describe('an error that is null, false, 0 or "" is no error', () => {
  test.each(['null', 'false', '0', '-0', '0.0e5', '""'])('error: %s beside a result', async (error) => {
    expect(await answered(`"error":${error},"result":{"a":1}`)).toEqual({ a: 1 });
    expect(await answered(`"result":[2],"error":${error}`)).toEqual([2]);
  });

  test.each(['null', 'false', '0', '""'])('error: %s alone resolves with undefined', async (error) => {
    expect(await answered(`"error":${error}`)).toBe(undefined);
  });

  test.each(['1', '-1', '1e-9', 'true', '[]', '{}', '" "', '"0"', '"null"', '[null]'])(
    'error: %s is one, and goes before a result',
    async (error) => {
      await refused(`"result":"good","error":${error}`);
    },
  );
});

describe('the engine’s own error', () => {
  test('arrives with its message, code and data', async () => {
    const error = await refused('"error":{"code":-30001,"message":"kein Modell","data":{"a":[1]}}');
    expect(error.message).toBe('kein Modell');
    expect(error.code).toBe(ErrorCodes.MODEL_NOT_FOUND);
    expect(error.data).toEqual({ a: [1] });
  });

  test('may have a code of its own', async () => {
    expect((await refused('"error":{"code":42,"message":"m"}')).code).toBe(42);
    expect((await refused('"error":{"code":"E_MODEL","message":"m"}')).code).toBe('E_MODEL');
  });

  test('a string error is the message', async () => {
    expect((await refused('"error":"it broke"')).message).toBe('it broke');
  });
});

describe('neither result nor error', () => {
  test('resolves with undefined', async () => {
    expect(await answered('"other":1')).toBe(undefined);
    const client = await startedEngine('says-what-it-is-told.js');
    await expect(say(client, '{"jsonrpc":"2.0","id":"@ID@"}\n')).resolves.toBe(undefined);
  });

  test('a result of null, false, 0 or "" is a result', async () => {
    expect(await answered('"result":null')).toBe(null);
    expect(await answered('"result":false')).toBe(false);
    expect(await answered('"result":0')).toBe(0);
    expect(await answered('"result":""')).toBe('');
  });
});

describe('an answer to no pending call is dropped with [Engine] Received response for unknown request: …', () => {
  const prefix = '[Engine] Received response for unknown request: ';

  test.each([
    ['an unknown id', '{"jsonrpc":"2.0","id":"nobody","result":1}', 'nobody'],
    [
      'the id of nobody’s UUID',
      '{"jsonrpc":"2.0","id":"00000000-0000-4000-8000-000000000000"}',
      '00000000-0000-4000-8000-000000000000',
    ],
    ['a number as id', '{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"m"}}', '7'],
    ['id: null, an error of the parser', '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}', 'null'],
  ])('%s', async (_, text, id) => {
    const client = await startedEngine('says-what-it-is-told.js');
    const before = client.getStats().dropped;
    await expect(sayAndAnswer(client, text)).resolves.toBe('said');
    expect(logged).toEqual([prefix + id]);
    expect(client.getStats().dropped).toBe(before + 1);
  });

  test('a second answer to the same call', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const twice = `${response('"result":1')}\n${response('"result":2')}\n`;
    await expect(say(client, twice)).resolves.toBe(1);
    await expect(sayAndAnswer(client)).resolves.toBe('said');
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/^\[Engine\] Received response for unknown request: [0-9a-f-]{36}$/);
  });

  test('a late one, behind the call’s timeout', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const late = client.call('late', {}, { timeout: 20 });
    await expect(late).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT', message: 'Request timeout: late' });
    const { id } = JSON.parse((await linesTold(client))[1]);
    await expect(sayAndAnswer(client, `{"jsonrpc":"2.0","id":"${id}","result":"late"}\n`)).resolves.toBe('said');
    expect(logged).toEqual([prefix + id]);
  });

  test('to a notify', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const pieces = [Buffer.from('{"jsonrpc":"2.0","id":null,"result":1}\n').toString('base64')];
    await client.notify('say', { pieces });
    await expect(sayAndAnswer(client)).resolves.toBe('said');
    expect(logged).toEqual([`${prefix}null`]);
  });
});
