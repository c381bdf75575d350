import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { next } from '../support/events.js';
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

describe('the engine reads in the order of the app', () => {
  test('calls short and long, notifications and jobs of one turn', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const jobs = new runtime.JobManager(client);
    const long = { text: 'x'.repeat(100_000) };
    const ends = [
      client.call('call 1'),
      client.notify('notification 2'),
      client.call('call 3', undefined, { timeout: 60_000 }),
      client.call('long 4', long),
      client.call('call 5'),
      jobs.submit('t', {}),
      client.call('call 7', { a: 1 }, { timeout: Infinity }),
    ];
    for (const end of ends) end.catch(() => {});
    const read = (await linesTold(client)).map((line) => JSON.parse(line).method);
    expect(read.slice(1, 8)).toEqual([
      'call 1',
      'notification 2',
      'call 3',
      'long 4',
      'call 5',
      'jobs.start',
      'call 7',
    ]);
  });

  test('what a manager writes in a turn, and a job event that the app emits, come behind the calls before them', async () => {
    const client = await startedEngine('runs-jobs-on-command.js');
    const jobs = new runtime.JobManager(client, { concurrency: 1 });
    // This engine writes down what begins with `jobs.`.
    const mark = (name) => client.call(`jobs.${name}`).catch(() => {});
    jobs.pause();
    const first = jobs.submit('t', { id: 'a' });
    const started = next(jobs, 'job:started');
    mark('before resume');
    jobs.resume();
    await started;
    mark('before cancel');
    const cancelled = first.cancel();
    mark('behind cancel');
    await expect(first).rejects.toThrow('Job cancelled');
    await expect(cancelled).resolves.toBe(true);
    const second = jobs.submit('t', { id: 'b' });
    await next(jobs, 'job:started');
    jobs.submit('t', { id: 'c' }).catch(() => {});
    mark('before emit');
    client.emit('job:complete', { type: 'result', jobId: 'b', timestamp: 0, data: 1 });
    await second;
    const read = (await client.call('asked')).map(([method]) => method.slice('jobs.'.length));
    expect(read).toEqual([
      ...['before resume', 'start', 'before cancel', 'cancel', 'behind cancel'],
      ...['start', 'before emit', 'start'],
    ]);
  });

  test('an app whose JSON.stringify writes several lines: each call has its own parameters, on one line', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const { stringify } = JSON;
    try {
      JSON.stringify = (value) => stringify(value, null, 2);
      for (const number of [1, 2, 3]) client.call(`call ${number}`, { number, list: [number] }).catch(() => {});
    } finally {
      JSON.stringify = stringify;
    }
    const read = (await linesTold(client)).slice(1, 4).map((line) => JSON.parse(line));
    expect(read.map(({ method, params }) => [method, params])).toEqual(
      [1, 2, 3].map((number) => [`call ${number}`, { number, list: [number] }]),
    );
  });

  test('a turn with more calls than cross at once', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const numbers = Array.from({ length: 5_000 }, (_, number) => number);
    for (const number of numbers) client.call('numbered', { number }).catch(() => {});
    expect(client.getStats().pendingCalls).toBe(numbers.length);
    const read = (await linesTold(client))
      .map((line) => JSON.parse(line))
      .filter(({ method }) => method === 'numbered');
    expect(read.map(({ params }) => params.number)).toEqual(numbers);
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
