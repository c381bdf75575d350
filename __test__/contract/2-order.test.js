import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { jobEvent, linesTold, response, say, sayAndAnswer } from '../support/wire.js';

const logged = consoleErrors();

/** Each kind of message: its text, and how a handler subscribes to it that passes its number on. */
const KINDS = {
  'an onJobEvent handler': {
    text: (n) => jobEvent('log', 'j', n),
    hear: (client, tell) => client.onJobEvent('j', ({ data }) => tell(data)),
  },
  'a job:progress listener': {
    text: (n) => jobEvent('progress', 'p', n),
    hear: (client, tell) => client.on('job:progress', ({ data }) => data.jobId === 'p' && tell(data.data)),
  },
  'a job:complete listener': {
    text: (n) => jobEvent('result', 'c', n),
    hear: (client, tell) => client.on('job:complete', ({ data }) => tell(data.data)),
  },
  'a job:error listener': {
    text: (n) => jobEvent('error', 'e', n),
    hear: (client, tell) => client.on('job:error', ({ data }) => tell(data.data)),
  },
  'a notification listener': {
    text: (n) => `{"jsonrpc":"2.0","method":"n","params":${n}}`,
    hear: (client, tell) => client.on('notification', ({ data }) => tell(data.params)),
  },
  'a request listener': {
    text: (n) => `{"jsonrpc":"2.0","id":"e${n}","method":"r","params":${n}}`,
    hear: (client, tell) =>
      client.on('request', ({ data }) => {
        tell(data.params);
        data.respond();
      }),
  },
  'a stdout listener': {
    text: (n) => `noise ${n}`,
    hear: (client, tell) => client.on('stdout', ({ data }) => tell(Number(data.slice(6)))),
  },
  'an error listener': {
    text: (n) => `{"type":"result","jobId":${n},"data":NaN}`,
    hear: (client, tell) => client.on('error', ({ data }) => tell(data.jobId)),
  },
};

describe('microtasks run after a response before the next event is emitted', () => {
  test.each(Object.entries(KINDS))('subscribed in the continuation, %s hears the event behind it', async (_, kind) => {
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = [];
    await say(client, `${response('"result":1')}\n${kind.text(1)}\n${kind.text(2)}\n`);
    kind.hear(client, (n) => heard.push(n));
    await sayAndAnswer(client);
    expect(heard).toEqual([1, 2]);
    expect(logged).toEqual([]);
  });

  test.each(['{…}{…} on one line', 'in a read of its own'])('the same %s', async (how) => {
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = [];
    const pieces = [response('"result":1'), jobEvent('log', 'j', 1)];
    await say(client, ...(how.startsWith('{') ? [`${pieces.join('')}\n\n`] : pieces.map((piece) => `${piece}\n`)));
    client.onJobEvent('j', ({ data }) => heard.push(data));
    await sayAndAnswer(client);
    expect(heard).toEqual([1]);
  });

  test('a continuation of many awaits is through before it', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = [];
    await say(client, `${response('"result":1')}\n${jobEvent('log', 'j', 1)}\n`);
    for (let n = 0; n < 100; n += 1) await null;
    client.onJobEvent('j', ({ data }) => heard.push(data));
    await sayAndAnswer(client);
    expect(heard).toEqual([1]);
  });

  test('behind a rejection, too', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = [];
    const refused = response('"error":{"code":1,"message":"m"}');
    await say(client, `${refused}\n${jobEvent('log', 'j', 1)}\n`).catch(() => {
      client.onJobEvent('j', ({ data }) => heard.push(data));
    });
    await sayAndAnswer(client);
    expect(heard).toEqual([1]);
  });

  test('a line of noise is whole for a listener of the continuation, however long', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = [];
    const long = 'x'.repeat(5000);
    await say(client, `${response('"result":1')}\n${long}\n`);
    client.on('stdout', ({ data }) => heard.push(data));
    await sayAndAnswer(client);
    expect(heard.map((line) => line.length)).toEqual([long.length]);
  });

  test('a listener of ready hears what the engine says with its health answer', async () => {
    const client = engine('talks-with-its-health-answer.js');
    const heard = [];
    client.on('ready', () => client.onJobEvent('early', ({ data }) => heard.push(data)));
    await client.start();
    client.on('notification', ({ data }) => heard.push(data.method));
    await client.call('anything');
    expect(heard).toEqual([1, 'hello']);
  });
});

describe('events of one engine reach handlers in wire order; a response and the events around it keep theirs', () => {
  test('twenty thousand messages of every kind, in one stream', async () => {
    const client = await startedEngine('says-what-it-is-told.js', { requestTimeout: Infinity });
    const seen = [];
    const kinds = Object.values(KINDS);
    for (const kind of kinds) kind.hear(client, (n) => seen.push(n));
    const calls = 2000;
    for (let n = 0; n < calls; n += 1) {
      client.call('wait').then(
        (value) => seen.push(value),
        () => {},
      );
    }
    const ids = (await linesTold(client)).map((line) => JSON.parse(line)).filter(({ method }) => method === 'wait');
    expect(ids).toHaveLength(calls);
    const lines = [];
    for (let n = 0; n < 20_000; n += 1) {
      const kind = kinds[(n * 7919) % kinds.length];
      if (n % 10 === 5) lines.push(`{"jsonrpc":"2.0","id":"${ids.pop().id}","result":${n}}`);
      else lines.push(kind.text(n));
    }
    await sayAndAnswer(client, `${lines.join('\n')}\n`);
    expect(seen).toEqual(lines.map((_, n) => n));
  });

  test('several megabytes of events around responses', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const seen = [];
    const filling = 'x'.repeat(100_000);
    client.on('job:progress', ({ data }) => seen.push(data.data[0]));
    const events = (from) => [0, 1, 2, 3, 4, 5, 6, 7].map((n) => `${jobEvent('log', 'j', [from + n, filling])}\n`);
    const answer = `${response('"result":"answer"')}\n`;
    await say(client, ...events(0), ...events(8), answer, ...events(16), ...events(24)).then((value) =>
      seen.push(value),
    );
    await sayAndAnswer(client);
    const numbers = Array.from({ length: 32 }, (_, n) => n);
    expect(seen).toEqual([...numbers.slice(0, 16), 'answer', ...numbers.slice(16)]);
  });

  test('a handler that throws is logged and changes nothing else', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const heard = [];
    client.onJobEvent('j', ({ data }) => {
      throw new Error(`thrown at ${data}`);
    });
    client.onJobEvent('j', ({ data }) => heard.push(data));
    client.on('notification', () => {
      throw new Error('thrown');
    });
    client.on('notification', ({ data }) => heard.push(data.params));
    const text = `${KINDS['a notification listener'].text(0)}${jobEvent('log', 'j', 1)}${jobEvent('log', 'j', 2)}`;
    await expect(sayAndAnswer(client, text)).resolves.toBe('said');
    expect(heard).toEqual([0, 1, 2]);
    expect(logged.map((line) => line.slice(0, 18))).toEqual([
      'Error: thrown',
      'Error: thrown at 1',
      'Error: thrown at 2',
    ]);
  });

  test('the last message, without a newline, comes before exit', async () => {
    const client = engine('ends-without-newline.js', { autoRestart: false });
    const seen = [];
    client.on('job:complete', ({ data }) => seen.push(data.data));
    const exited = new Promise((resolve) => {
      client.on('exit', () => {
        seen.push('exit');
        resolve();
      });
    });
    await client.start();
    client.call('end').catch(() => {});
    await exited;
    expect(seen).toEqual(['last words', 'exit']);
    expect(client.isReady()).toBe(false);
  });
});
