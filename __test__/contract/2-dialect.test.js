import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { say, sayAndAnswer } from '../support/wire.js';

consoleErrors();

/** Texts that are delicate JSON; `JSON.parse` is the judge of what each is. */
const DELICATE = {
  'lone surrogates': '["\\ud800","\\udc00x","\\udc00\\ud800"]',
  'a surrogate pair in two escapes': '"\\ud83d\\ude00"',
  'a number that is too big': '[1e999,-1e999]',
  'a number that is too small': '[1e-999,-0,0e5]',
  'more digits than a double holds': '[12345678901234567890,0.1000000000000000055511151231257827,9007199254740993]',
  'duplicate keys': '{"a":1,"b":2,"a":3}',
  'numeric keys and their order': '{"b":1,"2":2,"1":3,"a":4}',
  '__proto__ as a key': '{"__proto__":{"polluted":true},"a":{"__proto__":null}}',
  'constructor and toString as keys': '{"constructor":1,"toString":2,"hasOwnProperty":3}',
  'every escape': '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u2028"',
  'U+2028 and U+007F as they are': '"\u2028\u2029\u007f"',
  'an escaped key': '{"\\u0061\\n":1}',
  'an empty key': '{"":{"":[]}}',
  'much whitespace': ' [ 1 ,\t{ "a" :\r2 } ] ',
};

/** Texts that a lax parser takes and `JSON.parse` does not. */
const BROKEN = {
  NaN: 'NaN',
  Infinity: '-Infinity',
  'a leading zero': '01',
  'a leading plus': '+1',
  'a lone point': '1.',
  'a point first': '.5',
  'a trailing comma': '[1,]',
  'a trailing comma in an object': '{"a":1,}',
  'single quotes': "'a'",
  'a key without quotes': '{a:1}',
  'a tab in a string': '"a\tb"',
  'an escape that is none': '"\\x41"',
  'half an escape': '"\\u12"',
  'a comment': '/* one */ 1',
  undefined: 'undefined',
  'True, as Python prints it': 'True',
  'a vertical tab between': '\v1',
  'a no-break space between': '\u00a01',
};

describe('a message is good exactly when JSON.parse accepts its text', () => {
  test.each(Object.entries(DELICATE))('%s: as JSON.parse gives it, in a result and in an event', async (_, text) => {
    const client = await startedEngine('says-what-it-is-told.js');
    const events = collect(client, 'job:complete');
    const result = await say(
      client,
      `{"type":"result","jobId":"j","data":${text}}\n{"jsonrpc":"2.0","id":"@ID@","result":${text}}\n`,
    );
    const judged = JSON.parse(text);
    expect(result).toStrictEqual(judged);
    expect(events.map(({ data }) => data.data)).toStrictEqual([judged]);
    expect(JSON.stringify(result)).toBe(JSON.stringify(judged));
    expect({}.polluted).toBe(undefined);
  });

  test.each(Object.entries(BROKEN))('%s is not JSON', async (_, text) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    const client = await startedEngine('says-what-it-is-told.js');
    const broken = say(client, `{"jsonrpc":"2.0","id":"@ID@","result":${text}}\n`);
    await expect(broken).rejects.toMatchObject({ code: runtime.ErrorCodes.PARSE_ERROR });
  });
});

describe('as JSON.parse gives them:', () => {
  test('the last of duplicate keys decides what a message is', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const text = '{"jsonrpc":"2.0","id":"nobody","result":"wrong","id":"@ID@","result":"right"}\n';
    await expect(say(client, text)).resolves.toBe('right');
  });

  test('a key in escapes is the key', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = next(client, 'job:complete');
    await expect(say(client, '{"\\u006asonrpc":"2.0","i\\u0064":"@ID@","r\\u0065sult":1}\n')).resolves.toBe(1);
    await sayAndAnswer(client, '{"typ\\u0065":"r\\u0065sult","job\\u0049d":"\\u006a","data":1}\n');
    expect((await heard).data).toEqual({ type: 'result', jobId: 'j', data: 1 });
  });

  test('an event’s own keys and their order', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = next(client, 'job:progress');
    const text = '{"z":1,"__proto__":{"jobId":"other"},"jobId":"j","9":2,"type":"log","data":null,"a":[]}';
    await sayAndAnswer(client, text);
    const { data } = await heard;
    expect(data).toStrictEqual(JSON.parse(text));
    expect(JSON.stringify(data)).toBe(JSON.stringify(JSON.parse(text)));
  });

  test('__proto__ stays data in params to the engine, and in a notification from it', async () => {
    const client = engine('echoes-its-stdin.js');
    await client.start();
    const params = JSON.parse('{"__proto__":{"polluted":true}}');
    const heard = next(client, 'notification');
    await client.notify('n', params);
    expect((await heard).data.params).toStrictEqual(params);
    expect(Object.keys(params)).toEqual(['__proto__']);
    expect({}.polluted).toBe(undefined);
  });

  test('100 000 nested arrays', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const depth = 100_000;
    const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    let value = await say(client, `{"jsonrpc":"2.0","id":"@ID@","result":${nested}}\n`);
    let counted = 0;
    for (; Array.isArray(value); value = value[0]) counted += 1;
    expect(counted).toBe(depth);
    await expect(sayAndAnswer(client, `${'['.repeat(depth)}\n`)).resolves.toBe('said');
    await expect(sayAndAnswer(client, `${'{"a":'.repeat(depth)}\n`)).resolves.toBe('said');
  });
});
