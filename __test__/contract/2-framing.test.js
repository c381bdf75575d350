import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { jobEvent, response, say, saySlowly, sayAndAnswer } from '../support/wire.js';

const logged = consoleErrors();
const BOM = '\ufeff';
const OK = response('"result":"ok"');
const event = (n) => jobEvent('progress', 'j', n);

/** The data of the job events, and the noise, that the engine's pieces bring. */
async function heardOf(...pieces) {
  const client = await startedEngine('says-what-it-is-told.js');
  const events = collect(client, 'job:progress');
  const noise = collect(client, 'stdout');
  await sayAndAnswer(client, ...pieces);
  return { events: events.map(({ data }) => data.data), noise: noise.map(({ data }) => data) };
}

describe('several JSON values on one line', () => {
  test.each([
    ['{…}{…} and two newlines', `${event(1)}${event(2)}\n\n`],
    ['with spaces and tabs between', `${event(1)}  \t ${event(2)}\n`],
    ['with a lone \\r between (a progress bar)', `\r${event(1)}\r\r${event(2)}\r\n`],
    ['with a BOM between', `${event(1)}${BOM}${event(2)}\n`],
  ])('%s: all are taken, in order, and nothing is noise', async (_, text) => {
    expect(await heardOf(text)).toEqual({ events: [1, 2], noise: [] });
  });

  test('five hundred of them', async () => {
    const numbers = Array.from({ length: 500 }, (_, n) => n);
    expect(await heardOf(`${numbers.map(event).join('')}\n`)).toEqual({ events: numbers, noise: [] });
  });

  test('a response in the middle settles its call', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const events = collect(client, 'job:progress');
    await expect(say(client, `${event(1)}${OK}${event(2)}\n`)).resolves.toBe('ok');
    await sayAndAnswer(client);
    expect(events.map(({ data }) => data.data)).toEqual([1, 2]);
  });

  test('braces and escaped quotes inside strings do not end a value', async () => {
    const data = 'a } { \\" " \\\\" {"type":"progress"} \\';
    expect(await heardOf(`${event(data)}${event(data)}\n`)).toEqual({ events: [data, data], noise: [] });
  });
});

describe('noise glued before or after a value', () => {
  test.each([
    ['before', `loading… 10%${event(1)}\n`, 'loading… 10%'],
    ['after', `${event(1)}done\n`, 'done'],
    ['between', `${event(1)} and ${event(1)}\n`, ' and '],
    ['on both sides', `[info] ${event(1)} [/info]\n`, '[info]  [/info]'],
    ['an unfinished object before', `{"a": ${event(1)}\n`, '{"a": '],
    ['braces before', `{{ {x} {${event(1)}\n`, '{{ {x} {'],
    ['a quote that is never closed', `"${event(1)}\n`, '"'],
    ['an array around', `[${event(1)},]\n`, '[,]'],
  ])('%s: the value is taken, the rest is one stdout event', async (_, text, rest) => {
    const { events, noise } = await heardOf(text);
    expect(new Set(events)).toEqual(new Set([1]));
    expect(noise).toEqual([rest]);
  });

  test('each { is tried: the first balanced span that JSON.parse accepts is the message', async () => {
    expect(await heardOf(`{"x": {bad ${event(1)} {"y":1} } ${event(2)}\n`)).toMatchObject({ events: [1, 2] });
  });

  test.each([
    [63, [1]],
    [64, []],
  ])('behind %i braces that begin nothing, of at most 64 tries a line', async (count, events) => {
    const heard = await heardOf(`${'{'.repeat(count)}${event(1)}\n`);
    expect(heard.events).toEqual(events);
    expect(heard.noise).toEqual(['{'.repeat(count) + (events.length > 0 ? '' : event(1))]);
  });

  test('the tries are counted a line', async () => {
    const line = `${'{'.repeat(63)}${event(1)}\n`;
    expect((await heardOf(line.repeat(3))).events).toEqual([1, 1, 1]);
  });
});

describe('survive:', () => {
  test('a UTF-8 BOM at the beginning of the output, before the health answer', async () => {
    const client = engine('begins-with-a-bom.js');
    const noise = collect(client, 'stdout');
    await client.start();
    expect(noise).toEqual([]);
    expect(logged).toEqual([]);
  });

  test.each([
    ['a BOM at the beginning of a line', `${BOM}${event(1)}\n`],
    ['an empty line', `\n\n${event(1)}\n\n`],
    ['a line of spaces', `   \n\t\n${event(1)}\n`],
    ['CRLF', `${event(1)}\r\n\r\n`],
    ['a BOM alone on a line', `${BOM}\n${event(1)}\n`],
    ['whitespace around a value, and in it', `  { "type" : "progress" ,\t"jobId":"j", "data" : 1 }  \n`],
  ])('%s', async (_, text) => {
    expect(await heardOf(text)).toEqual({ events: [1], noise: [] });
  });

  test('a character split across reads', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const bytes = Buffer.from(response('"result":"ü€😀\\ud83d"') + '\r\n');
    const wide = bytes.indexOf(0xc3);
    const pieces = [bytes.subarray(0, wide)];
    for (let at = wide; at < wide + 12; at += 1) pieces.push(bytes.subarray(at, at + 1));
    pieces.push(bytes.subarray(wide + 12));
    await expect(saySlowly(client, 3, ...pieces)).resolves.toBe('ü€😀\ud83d');
  });

  test('a message in many reads, its line end among them', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const noise = collect(client, 'stdout');
    const whole = saySlowly(client, 3, '{"jsonrpc"', ':"2.0","id":"@ID@","res', 'ult":[1', ',2]', '}', '\r', '\n');
    await expect(whole).resolves.toEqual([1, 2]);
    expect(noise).toEqual([]);
  });

  test('bytes that are no UTF-8, each fault as U+FFFD', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const [head, tail] = response('"result":"a|z"').split('|');
    const result = say(
      client,
      Buffer.concat([Buffer.from(head), Buffer.from([0xff, 0xe2, 0x82]), Buffer.from(`${tail}\n`)]),
    );
    await expect(result).resolves.toBe('a\ufffd\ufffdz');
  });
});

describe('the rest is noise', () => {
  test('new event stdout: one line, a string, in an envelope', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = next(client, 'stdout');
    await sayAndAnswer(client, 'hello wörld\r\n');
    expect(await heard).toEqual({ type: 'stdout', timestamp: expect.any(Number), data: 'hello wörld' });
    expect(logged).toEqual([]);
  });

  test('a line for each; heard, a long one is whole', async () => {
    const long = 'ä'.repeat(100_000);
    expect((await heardOf(`one\ntwo\n${long}\n`)).noise).toEqual(['one', 'two', long]);
  });

  test('unheard, it goes to console.error as [Engine] Failed to parse line: …', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    await sayAndAnswer(client, 'hello\n');
    expect(logged).toEqual(['[Engine] Failed to parse line: hello']);
  });

  test('first 1 KiB', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    await sayAndAnswer(client, `${'x'.repeat(1024)}${'y'.repeat(5000)}\n`);
    expect(logged).toEqual([`[Engine] Failed to parse line: ${'x'.repeat(1024)}`]);
  });

  test('a listener that has gone is no listener', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    client.once('stdout', () => {});
    await sayAndAnswer(client, 'one\n');
    await sayAndAnswer(client, 'two\n');
    expect(logged).toEqual(['[Engine] Failed to parse line: two']);
  });
});
