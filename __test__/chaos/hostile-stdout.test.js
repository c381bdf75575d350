import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { app } from '../support/app.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { failureOf } from '../support/job-engines.js';
import { rounds, timeFor } from '../support/rounds.js';
import { jobEvent, response, say, sayAndAnswer, saySlowly } from '../support/wire.js';

const { createJobStream, JobManager, StreamHandler } = runtime;
const logged = consoleErrors();
const MIB = 1024 * 1024;

const NAMES = ['job:progress', 'job:complete', 'job:error', 'notification', 'request', 'stdout', 'error'];

/** All that a client emits, in a list that grows; requests without their functions, errors as their codes. */
function everything(client) {
  const told = [];
  for (const name of NAMES) {
    client.on(name, ({ data }) => {
      const plain = name === 'request' ? { ...data, respond: 0, fail: 0 } : data;
      told.push([name, name === 'error' ? [data.code, data.jobId] : plain]);
    });
  }
  return told;
}

/** Takes the list so far out. */
const taken = (list) => list.splice(0);

const TRANSCRIPT = Buffer.from(
  '\ufeff{"type":"progress","jobId":"ä€😀","data":"\\ud800"}\r\n' +
    'noise ü{"type":"log","jobId":1.0}\rmore\n\n' +
    '{"jsonrpc":"2.0","method":"n","params":[{}]}{"jsonrpc":"2.0","id":"e","method":"m"}\n' +
    '{"type":"result","jobId":"b","data":NaN}\n' +
    '{"type":"error","jobId":"c","data":{"__proto__":1}}\n',
);

describe('split anywhere, glued anywhere', () => {
  test('every cut of a transcript, and one byte at a time, gives the same', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const told = everything(client);
    await sayAndAnswer(client, TRANSCRIPT);
    const whole = taken(told);
    expect(whole.map(([name]) => name)).toEqual([
      'job:progress',
      'job:progress',
      'stdout',
      'notification',
      'request',
      'error',
      'job:error',
    ]);
    const end = `\n${response('"result":"said"')}\n`;
    for (let cut = 1; cut < TRANSCRIPT.length; cut += 1) {
      await saySlowly(client, 0, TRANSCRIPT.subarray(0, cut), TRANSCRIPT.subarray(cut), end);
      expect(taken(told), `cut at ${cut}`).toEqual(whole);
    }
    const bytes = Array.from(TRANSCRIPT, (byte) => Buffer.from([byte]));
    await saySlowly(client, 0, ...bytes, end);
    expect(taken(told)).toEqual(whole);
  });
});

describe('bytes that are no text', () => {
  const event = Buffer.from(jobEvent('progress', 'j', 'abc'));

  test.each([
    ['NUL', [0]],
    ['a byte that no UTF-8 has', [0xff]],
    ['a character cut short', [0xe2, 0x82]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
  ])('%s, at every place: that line alone suffers, as `JSON.parse` of its text would say', async (_, bytes) => {
    const client = await startedEngine('says-what-it-is-told.js');
    const told = everything(client);
    const lines = Array.from(event, (__, at) =>
      Buffer.concat([event.subarray(0, at), Buffer.from(bytes), event.subarray(at), Buffer.from('\n')]),
    );
    await sayAndAnswer(client, Buffer.concat(lines), event);
    const goodOf = (line) => {
      try {
        const value = JSON.parse(line.toString('utf8'));
        return value.type !== undefined && value.jobId !== undefined ? [['job:progress', value]] : [];
      } catch {
        return null;
      }
    };
    const expected = lines.flatMap((line) => goodOf(line) || []);
    expect(told.filter(([name]) => name === 'job:progress')).toEqual([
      // Before the first brace it is noise before a good value.
      ['job:progress', JSON.parse(event)],
      ...expected,
      ['job:progress', JSON.parse(event)],
    ]);
    expect(told.filter(([name]) => name === 'stdout')).toHaveLength(
      lines.filter((line) => goodOf(line) === null).length,
    );
  });
});

describe('nesting without end', () => {
  const nested = (depth) => '['.repeat(depth) + ']'.repeat(depth);
  const objects = (depth) => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);

  test('100 000 brackets, in every place of a message: taken as `JSON.parse` takes them', async () => {
    const depth = 100_000;
    const client = await startedEngine('says-what-it-is-told.js');
    const told = everything(client);
    const deep = nested(depth);
    expect(Array.isArray(await say(client, `${response(`"result":${deep}`)}\n`))).toBe(true);
    expect(Object.keys(await say(client, `${response(`"result":${objects(depth)}`)}\n`))).toEqual(['a']);
    const error = await failureOf(say(client, `${response(`"error":{"message":${deep},"data":${deep}}`)}\n`));
    expect([error instanceof Error, Array.isArray(error.data)]).toEqual([true, true]);
    await expect(failureOf(say(client, `${response(`"error":${deep}`)}\n`))).resolves.toBeInstanceOf(Error);
    await sayAndAnswer(
      client,
      `{"type":${deep},"jobId":${deep},"data":${deep}}\n`,
      `{"type":"result","jobId":${deep},"data":NaN}\n`,
      `{"jsonrpc":"2.0","method":${deep},"params":${deep}}\n`,
      `{"jsonrpc":"2.0","id":${deep},"method":${deep},"params":${deep}}\n`,
      `{"jsonrpc":"2.0","id":${deep},"result":${deep}}\n`,
      `${'['.repeat(depth)}\n`,
      `${'{"a":'.repeat(depth)}\n`,
      `${deep}\n`,
    );
    expect(told.map(([name]) => name)).toEqual([
      'job:progress',
      'error',
      'notification',
      'request',
      'stdout',
      'stdout',
    ]);
    expect(logged).toHaveLength(1);
    expect(logged[0].length).toBeLessThan(300);
  });

  test.runIf(process.env.ROUNDS)(
    '10 million, opened and closed or only opened',
    async () => {
      const depth = 10_000_000;
      const client = await startedEngine('floods-without-newline.js', { requestTimeout: Infinity });
      const noise = collect(client, 'stdout');
      expect(Array.isArray(await client.call('brackets', { depth }))).toBe(true);
      await expect(client.call('braces', { bytes: depth })).resolves.toBe('braced');
      expect(noise.map(({ data }) => data.length)).toEqual([depth]);
    },
    120_000,
  );

  test('a request with such an id that nobody listens to is answered all the same, and so is one with a huge number', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const deep = nested(100_000);
    const big = '123456789012345678901234567890';
    await sayAndAnswer(client, ...[deep, big, '1e999'].map((id) => `{"jsonrpc":"2.0","id":${id},"method":${deep}}\n`));
    const read = Buffer.from(await client.call('told'), 'base64').toString();
    for (const id of [deep, big, '1e999'])
      expect(read).toContain(`{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,`);
    expect(logged).toEqual([]);
  });
});

describe('a line without end', () => {
  test.each([
    ['a small maxMessageBytes', MIB],
    ['the default of 256 MiB', 256 * MIB],
  ])(
    '1 GiB without newline: memory stays under the limit (%s)',
    async (_, maxMessageBytes) => {
      const bytes = 1024 * MIB;
      const heard = await app('hears-an-endless-line.js', JSON.stringify({ bytes, maxMessageBytes })).said;
      console.log(
        `1 GiB on one line, limit ${maxMessageBytes / MIB} MiB: memory grew by ${heard.grew >> 20} MiB at most`,
      );
      expect(heard.codes).toEqual(['MESSAGE_TOO_LARGE']);
      expect(heard.grew).toBeLessThan(maxMessageBytes + 32 * MIB);
    },
    60_000,
  );

  // Each control character is six in JSON: more than a string of V8's holds. Too heavy for every run.
  test.runIf(process.env.ROUNDS)(
    'noise that no JavaScript string holds as JSON is reported as too large, and the app lives on',
    async () => {
      const client = await startedEngine('floods-without-newline.js', { requestTimeout: Infinity });
      const told = everything(client);
      await expect(client.call('control', { bytes: 100 * MIB })).resolves.toBe('controlled');
      expect(told).toEqual([['error', ['MESSAGE_TOO_LARGE', undefined]]]);
    },
    120_000,
  );
});

describe('ids', () => {
  const unknown = '[Engine] Received response for unknown request: ';

  test.each([
    ['a number', '7'],
    ['null', 'null'],
    ['true', 'true'],
    ['an object', '{"id":"@ID@"}'],
    ['an array of the id', '["@ID@"]'],
    ['the id behind a space', '" @ID@"'],
    ['the id and more', '"@ID@0"'],
    ['an empty text', '""'],
    ['__proto__', '"__proto__"'],
    ['constructor', '"constructor"'],
    ['hasOwnProperty', '"hasOwnProperty"'],
  ])('%s settles no call', async (_, id) => {
    const client = await startedEngine('says-what-it-is-told.js');
    await expect(sayAndAnswer(client, `{"jsonrpc":"2.0","id":${id},"result":"wrong"}`)).resolves.toBe('said');
    expect(logged).toHaveLength(1);
    expect(logged[0].startsWith(unknown)).toBe(true);
  });

  test('of two ids in one response the last counts, and a second response is dropped', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    await expect(say(client, '{"jsonrpc":"2.0","id":"x","id":"@ID@","result":1}\n')).resolves.toBe(1);
    const thrice = Array.from({ length: 3 }, (_, n) => `${response(`"result":${n}`)}\n`);
    await expect(say(client, ...thrice)).resolves.toBe(0);
    await sayAndAnswer(client);
    expect(logged).toHaveLength(2);
  });
});

describe('keys that JavaScript knows stay data', () => {
  const POISON =
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}},"prototype":{"polluted":3},' +
    '"a":[{"__proto__":{"polluted":4}}]}';
  const clean = () => [{}.polluted, [].polluted, (() => {}).polluted, Object.keys(Object.prototype).length];

  function expectData(value) {
    expect(JSON.stringify(value)).toBe(POISON);
    expect(Object.hasOwn(value, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(clean()).toEqual([undefined, undefined, undefined, 0]);
  }

  test('in results and errors', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    expectData(await say(client, `${response(`"result":${POISON}`)}\n`));
    expectData((await failureOf(say(client, `${response(`"error":{"message":"m","data":${POISON}}`)}\n`))).data);
    const own = await failureOf(say(client, `${response('"error":{"__proto__":{"message":"m","code":1}}')}\n`));
    expect([own.code, own.data]).toEqual([-32603, undefined]);
  });

  test('in events, notifications and requests, also at their top', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const told = everything(client);
    const top = (members) => `{"__proto__":{"polluted":5},${members}}\n`;
    await sayAndAnswer(
      client,
      top(`"type":"progress","jobId":"j","data":${POISON}`),
      top(`"jsonrpc":"2.0","method":"n","params":${POISON}`),
      top(`"jsonrpc":"2.0","id":${POISON},"method":"m","params":${POISON}`),
    );
    expect(told.map(([name]) => name)).toEqual(['job:progress', 'notification', 'request']);
    const [event, notification, request] = told.map(([, data]) => data);
    for (const value of [event.data, notification.params, request.id, request.params]) expectData(value);
    expect(Object.hasOwn(event, '__proto__')).toBe(true);
    expect(Object.keys(notification)).toEqual(['method', 'params']);
  });

  test('what looks like a message through `__proto__` alone is none', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const told = everything(client);
    await sayAndAnswer(client, '{"__proto__":{"type":"result","jobId":"j"}}\n{"type":"x","__proto__":{"jobId":"j"}}\n');
    expect(told).toEqual([]);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'as a job id and as a type: %s',
    async (name) => {
      const client = await startedEngine('writes-raw-job-events.js');
      const stream = new StreamHandler();
      stream.attach(client);
      const streamed = createJobStream(stream, name);
      const handled = [];
      client.onJobEvent(name, (event) => handled.push(event.type));
      const jobs = new JobManager(client);
      const behind = [jobEvent(name, name, 1), jobEvent('progress', name, { percent: 5 }), jobEvent('result', name, 2)];
      const payload = { id: JSON.stringify(name), behind: `${behind.join('\n')}\n` };
      await expect(jobs.submit(name, payload, { id: name })).resolves.toEqual({ success: true, data: 2 });
      expect(jobs.getStatus(name)).toMatchObject({ state: 'done', engineJobId: name });
      const types = [];
      for await (const event of streamed) types.push(event.type);
      expect(types).toEqual([name, 'progress', 'result']);
      expect(handled).toEqual([name, 'progress', 'result']);
      expect(clean()).toEqual([undefined, undefined, undefined, 0]);
    },
  );
});

describe('values of any kind in a job event', () => {
  const JOB_IDS = ['"j"', '7', '-0', '1e400', '123456789012345678901234567890', 'null', 'true', '[]', '{"a":1}', '""'];
  const TIMES = ['null', '-1', '1e300', '8640000000000001', '"yesterday"', '{}'];

  test.each(rounds(1) > 1 ? ['partial', 'result', 'error', 'log', '\\ud800'] : ['partial'])(
    'is handed on as `JSON.parse` gives it: type %s',
    async (type) => {
      const client = await startedEngine('says-what-it-is-told.js');
      const stream = new StreamHandler();
      stream.attach(client);
      const told = everything(client);
      const texts = JOB_IDS.flatMap((id) =>
        TIMES.map((at) => `{"type":"${type}","jobId":${id},"timestamp":${at},"data":${id}}`),
      );
      await sayAndAnswer(client, `${texts.join('\n')}\n`);
      expect(told.map(([, data]) => data)).toStrictEqual(texts.map((text) => JSON.parse(text)));
      expect(logged).toEqual([]);
    },
    timeFor(1, 0),
  );
});

test('after all this, the next message of an honest engine is read', async () => {
  const client = await startedEngine('says-what-it-is-told.js');
  const junk = Buffer.from(
    Array.from({ length: 65_536 }, (_, n) => (n * 7919) & 0xff).map((byte) => (byte === 10 ? 0 : byte)),
  );
  const heard = next(client, 'job:progress');
  collect(client, 'stdout');
  await sayAndAnswer(client, junk, '\n', jobEvent('progress', 'j', 'well'));
  expect((await heard).data.data).toBe('well');
});
