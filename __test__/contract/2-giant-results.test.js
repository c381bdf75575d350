import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { collect } from '../support/events.js';
import { jobEvent, response, say, sayAndAnswer } from '../support/wire.js';

const { ErrorCodes } = runtime;
const logged = consoleErrors();
const GIANT = 1_500_000;
const ENGINE = 'says-what-it-is-told.js';
const UNKNOWN = '7d8a1b9e-50c2-4b7e-9a44-3c8a5d0f2e61';

const text = (letter) => letter.repeat(GIANT);
const giant = (letter = 'r') => response(`"result":"${text(letter)}"`);

describe('a giant result arrives as any other does', () => {
  test.each([
    ['its id first', giant()],
    ['the result first', `{"result":"${text('r')}","jsonrpc":"2.0","id":"@ID@"}`],
    ['keys behind the result', response(`"result":"${text('r')}","more":[1,2]`)],
    ['whitespace around it, CRLF behind', ` \t${response(`"result" : "${text('r')}"  `)} \r`],
    ['a key in an escaped spelling', `{"jsonrpc":"2.0","\\u0069d":"@ID@","result":"${text('r')}"}`],
    ['noise before it', `loading… ${giant()}`],
    ['a second value behind it', `${giant()}{}`],
    ['the result twice', response(`"result":"first","result":"${text('r')}"`)],
    ['an error that is none', response(`"error":null,"result":"${text('r')}"`)],
  ])('with %s', async (_, line) => {
    const client = await startedEngine(ENGINE);
    expect((await say(client, `${line}\n`)) === text('r')).toBe(true);
    await expect(sayAndAnswer(client)).resolves.toBe('said');
  });

  test('with characters beyond ASCII, and bytes that are no UTF-8', async () => {
    const client = await startedEngine(ENGINE);
    expect((await say(client, `${giant('ü')}\n`)) === text('ü')).toBe(true);
    const [before, behind] = `${giant()}\n`.split('rrr"}');
    const bytes = Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(`rrr"}${behind}`)]);
    const result = await say(client, bytes);
    expect([result.length, result[GIANT - 3]]).toEqual([GIANT + 1, '\ufffd']);
  });
});

describe('what is around a giant result keeps its place', () => {
  test('events before and behind it, microtasks between', async () => {
    const client = await startedEngine(ENGINE);
    const seen = [];
    client.on('job:progress', ({ data }) => seen.push(data.data));
    const said = say(
      client,
      `${jobEvent('progress', 'a', 1)}\n${giant()}\n${jobEvent('progress', 'a', 2)}\n${jobEvent('progress', 'a', 3)}\n`,
    ).then((result) => seen.push(result.length));
    await said;
    await sayAndAnswer(client);
    expect(seen).toEqual([1, GIANT, 2, 3]);
  });

  test('an event that is as long is heard', async () => {
    const client = await startedEngine(ENGINE);
    const events = collect(client, 'job:progress');
    await sayAndAnswer(client, `${jobEvent('progress', 'a', text('e'))}\n`);
    expect(events.map(({ data }) => data.data === text('e'))).toEqual([true]);
  });

  test('one that answers nobody is dropped and logged', async () => {
    const client = await startedEngine(ENGINE);
    await sayAndAnswer(client, `${giant().replace('@ID@', UNKNOWN)}\n`);
    expect(logged).toEqual([`[Engine] Received response for unknown request: ${UNKNOWN}`]);
  });

  test('one that is not JSON rejects its call', async () => {
    const client = await startedEngine(ENGINE);
    await expect(say(client, `${response(`"result":["${text('r')}",NaN]`)}\n`)).rejects.toMatchObject({
      code: ErrorCodes.PARSE_ERROR,
    });
  });
});
