import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { linesTold } from '../support/wire.js';

const V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The line that a notification with these parameters becomes, and what its last part is. */
async function lineOf(client, method, ...params) {
  await client.notify(method, ...params);
  return (await linesTold(client)).slice(-2)[0];
}

consoleErrors();

const cyclic = {};
cyclic.self = cyclic;

describe('a request is {"jsonrpc":"2.0","id":<string>,"method":…,"params":…}', () => {
  test('on a line of its own, with these keys in this order', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    client.call('first', { a: [1, 'two'] }).catch(() => {});
    const line = (await linesTold(client))[1];
    const { id } = JSON.parse(line);
    expect(line).toBe(`{"jsonrpc":"2.0","id":"${id}","method":"first","params":{"a":[1,"two"]}}`);
  });

  test('params: undefined is left out, also when no params are given', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    client.call('given', undefined).catch(() => {});
    client.call('not-given').catch(() => {});
    const [, given, notGiven] = (await linesTold(client)).map((line) => JSON.parse(line));
    expect(Object.keys(given)).toEqual(['jsonrpc', 'id', 'method']);
    expect(Object.keys(notGiven)).toEqual(['jsonrpc', 'id', 'method']);
  });

  test('params: null is sent as null', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    client.call('nothing', null).catch(() => {});
    expect((await linesTold(client))[1]).toMatch(/"method":"nothing","params":null}$/);
  });

  test('a notification has no id', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    expect(await lineOf(client, 'n', { a: 1 })).toBe('{"jsonrpc":"2.0","method":"n","params":{"a":1}}');
    expect(await lineOf(client, 'n')).toBe('{"jsonrpc":"2.0","method":"n"}');
    expect(await lineOf(client, 'n', null)).toBe('{"jsonrpc":"2.0","method":"n","params":null}');
  });

  test.each([
    ['a BigInt', { n: 1n }],
    ['a cycle', cyclic],
    [
      'a toJSON that throws',
      {
        toJSON() {
          throw new TypeError('no');
        },
      },
    ],
  ])('%s rejects the call with what JSON.stringify throws, and the next call works', async (_, params) => {
    const client = await startedEngine('says-what-it-is-told.js');
    await expect(client.call('bad', params)).rejects.toThrow(TypeError);
    await expect(client.notify('bad', params)).rejects.toThrow(TypeError);
    expect(client.getStats().pendingCalls).toBe(0);
    const told = await linesTold(client);
    expect(told.filter((line) => line.includes('"bad"'))).toEqual([]);
  });
});

describe('ids are v4 UUIDs, unique for the life of the client', () => {
  test('each, the health request’s too, and over a restart of the engine', async () => {
    const client = await startedEngine('says-what-it-is-told.js', { requestTimeout: Infinity });
    const ids = [];
    for (let run = 0; run < 2; run += 1) {
      for (let n = 0; n < 500; n += 1) client.call('x').catch(() => {});
      for (const line of await linesTold(client)) ids.push(JSON.parse(line).id);
      await client.stop();
      if (run === 0) await client.start();
    }
    expect(ids).toHaveLength(2 * 502);
    for (const id of ids) expect(id).toMatch(V4);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('requests are written in ASCII, every other character as \\uXXXX', () => {
  const texts = {
    'a letter of Latin-1': 'Größe',
    'U+007F and U+0080': '\u007f\u0080',
    'a character of the plane 0': '日本語 \u2028\u2029\ufeff\uffff',
    'astral characters': '😀𝒳\u{10ffff}',
    'a lone high surrogate': 'a\ud800b',
    'a lone low surrogate at the end': 'a\udfff',
    'surrogates in the wrong order': '\udc00\ud800',
    'control characters': '\u0000\u001f\n\r\t"\\',
  };

  test.each(Object.entries(texts))('%s arrives as the same value', async (_, text) => {
    const client = await startedEngine('says-what-it-is-told.js');
    const params = { [text]: text, list: [text] };
    const line = await lineOf(client, text, params);
    // eslint-disable-next-line no-control-regex
    expect(line).toMatch(/^[\x20-\x7e\x7f]*$/);
    expect(JSON.parse(line)).toEqual({ jsonrpc: '2.0', method: text, params });
  });

  test('an astral character is two escapes, a surrogate pair', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    expect((await lineOf(client, 'm', ['😀'])).toLowerCase()).toContain('["\\ud83d\\ude00"]');
  });

  test('an engine in Python that reads its stdin in a code page survives', async () => {
    const client = await startedEngine('glues-values.py', { env: { PYTHONIOENCODING: 'ascii:strict' } });
    const text = 'Größe 日本語 😀 \u2028';
    const { data } = await new runtime.JobManager(client).submit(text, { [text]: text });
    expect(data.payload).toEqual({ [text]: text });
  });

  test('a megabyte of them arrives whole', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const text = 'ä€😀'.repeat(100_000);
    const line = await lineOf(client, 'm', [text]);
    expect(JSON.parse(line).params[0] === text).toBe(true);
    expect(line).toHaveLength(line.replace(/[^\x20-\x7e]/g, '').length);
  });
});
