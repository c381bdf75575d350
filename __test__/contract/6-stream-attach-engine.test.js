import { describe, expect, onTestFinished, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';

const { EngineClient, StreamHandler } = runtime;
const lines = consoleErrors();

const event = (type, jobId = 'j', data = {}) => ({ type, jobId, timestamp: 7, data });
const ALL = ['progress', 'log', 'partial', 'made-up', 'result', 'error'];
const TYPES = ['data', 'progress', 'log', 'partial', 'complete', 'error'];

/** Makes the engine write these (texts as they are), and waits until they are here. */
const tell = (client, ...events) =>
  client.call('print', {
    stdout: events.map((each) => `${typeof each === 'string' ? each : JSON.stringify(each)}\n`).join(''),
  });

/** A stream attached to a running engine. */
async function attached(options) {
  const client = await startedEngine('does-as-told.js', options);
  const stream = new StreamHandler();
  const detach = stream.attach(client);
  return { client, stream, detach };
}

/** What one subscription hears. */
function subscribed(stream, jobId = 'j', types = TYPES) {
  const heard = [];
  stream.subscribe(jobId, (each) => heard.push(each), types);
  return heard;
}

describe('`attach(engine)`: events flow in by themselves', () => {
  test('every type, whole, in wire order', async () => {
    const { client, stream } = await attached();
    const heard = subscribed(stream);
    const sent = ALL.map((type, n) => ({ ...event(type, 'j', { n, text: 'ü\u2028𝄞\ud800' }), extra: [null, { n }] }));
    await tell(client, ...sent);
    expect(heard).toStrictEqual(sent);
  });

  test('only those of the job, of the types asked for', async () => {
    const { client, stream } = await attached();
    const mine = subscribed(stream, 'mine', ['partial', 'complete']);
    const other = subscribed(stream, 'other', ['progress']);
    await tell(client, ...['mine', 'other', 'third'].flatMap((jobId) => ALL.map((type) => event(type, jobId))));
    expect(mine.map(({ type, jobId }) => [type, jobId])).toEqual([
      ['partial', 'mine'],
      ['result', 'mine'],
    ]);
    expect(other.map(({ type, jobId }) => [type, jobId])).toEqual([['progress', 'other']]);
  });

  test('subscribed before attach, between attach and `start()`, and while it runs', async () => {
    const client = engine('does-as-told.js');
    const stream = new StreamHandler();
    const first = subscribed(stream);
    stream.attach(client);
    const second = subscribed(stream);
    await client.start();
    const third = subscribed(stream);
    await tell(client, event('progress'));
    expect([first, second, third].map((heard) => heard.length)).toEqual([1, 1, 1]);
  });

  test('a subscriber whose types widen what another asked for, later and earlier', async () => {
    const { client, stream } = await attached();
    const narrow = subscribed(stream, 'j', ['error']);
    await tell(client, event('log'), event('error'));
    const wide = [];
    const id = stream.subscribe('j', (each) => wide.push(each.type), ['log']);
    await tell(client, event('log'), event('error'));
    stream.unsubscribe(id);
    await tell(client, event('log'), event('error'));
    expect([narrow.map(({ type }) => type), wide]).toEqual([['error', 'error', 'error'], ['log']]);
  });

  test('the last one of a job gone and another come: it flows again', async () => {
    const { client, stream } = await attached();
    stream.unsubscribe(stream.subscribe('j', () => expect.unreachable()));
    await tell(client, event('progress'));
    const heard = subscribed(stream);
    await tell(client, event('progress'));
    expect(heard).toHaveLength(1);
  });

  test('subscribing and unsubscribing from within a handler', async () => {
    const { client, stream } = await attached();
    const order = [];
    const id = stream.subscribe('j', ({ data }) => {
      order.push(`first ${data}`);
      stream.unsubscribe(id);
      stream.subscribe('j', (each) => order.push(`second ${each.data}`));
      stream.subscribe('k', (each) => order.push(`of k ${each.data}`));
    });
    await tell(client, event('partial', 'j', 1), event('partial', 'k', 2), event('partial', 'j', 3));
    expect(order).toContain('first 1');
    expect(order).toContain('second 3');
    expect(order.filter((each) => each.startsWith('first'))).toHaveLength(1);
    await tell(client, event('partial', 'k', 4));
    expect(order[order.length - 1]).toBe('of k 4');
  });

  test('a restart of the engine', async () => {
    const { client, stream } = await attached({ restartDelay: 0 });
    const heard = subscribed(stream);
    const restarted = next(client, 'restart');
    client.call('exit', {}).catch(() => {});
    await restarted;
    await tell(client, event('progress'));
    expect(heard).toHaveLength(1);
  });

  test('stopped and started again; nothing comes between', async () => {
    const { client, stream } = await attached();
    const heard = subscribed(stream);
    client.call('print', { stdout: `${JSON.stringify(event('progress'))}\n` }).catch(() => {});
    await client.stop();
    expect(heard).toEqual([]);
    await client.start();
    await tell(client, event('partial'));
    expect(heard.map(({ type }) => type)).toEqual(['partial']);
  });

  test('the engine’s job ids are any JSON value; a subscription is for the string', async () => {
    const { client, stream } = await attached();
    const heard = subscribed(stream, '1');
    const everything = collect(stream, 'event');
    const raw = (id) => `{"type":"progress","jobId":${id},"timestamp":1,"data":{}}`;
    await tell(client, raw('1'), raw('"\\u0031"'), raw('1.0'), raw('null'), raw('["1"]'));
    expect(heard.map(({ jobId }) => jobId)).toEqual(['1']);
    expect(everything.map(({ jobId }) => jobId)).toEqual([1, '1', 1, null, ['1']]);
  });

  test.each(['__proto__', 'constructor', '', '\ud800', 'a\0b', '"\\', 'ü𝄞'])('the job id %j', async (jobId) => {
    const { client, stream } = await attached();
    const heard = subscribed(stream, jobId);
    const all = collect(stream, 'progress');
    await tell(client, event('progress', jobId), event('progress', 'j'));
    expect(heard).toStrictEqual([event('progress', jobId)]);
    expect(all).toHaveLength(2);
  });

  test('an event that says jobId and type twice is of the last ones, as JSON.parse gives them', async () => {
    const { client, stream } = await attached();
    const [mine, other] = [subscribed(stream, 'j', ['partial']), subscribed(stream, 'other')];
    await tell(client, '{"type":"log","jobId":"other","type":"partial","timestamp":1,"data":0,"job\\u0049d":"j"}');
    expect(mine).toStrictEqual([{ type: 'partial', jobId: 'j', timestamp: 1, data: 0 }]);
    expect(other).toEqual([]);
  });

  test('a `result` that cannot be read ends the stream of its job, as its `onJobEvent`: PARSE_ERROR', async () => {
    const { client, stream } = await attached();
    const errors = collect(client, 'error');
    const heard = subscribed(stream);
    await tell(client, '{"type":"result","jobId":"j","timestamp":1,"data":{"x":NaN}}');
    expect(errors).toHaveLength(1);
    expect(heard).toMatchObject([{ type: 'error', jobId: 'j', data: { code: -32700 } }]);
  });
});

describe('the global emission happens for every event of an attached engine', () => {
  test.each(['event', ...TYPES])('a listener for `%s` alone', async (name) => {
    const { client, stream } = await attached();
    const heard = collect(stream, name);
    await tell(client, ...ALL.map((type) => event(type)));
    const expected = { data: 'made-up', complete: 'result' };
    expect(heard.map(({ type }) => type)).toEqual(name === 'event' ? ALL : [expected[name] || name]);
  });

  test('listeners added, and taken off, later', async () => {
    const { client, stream } = await attached();
    const order = [];
    const listener = ({ data }) => order.push(`listener ${data}`);
    stream.subscribe('j', ({ data }) => order.push(`handler ${data}`));
    await tell(client, event('progress', 'j', 1));
    stream.on('event', listener);
    await tell(client, event('progress', 'j', 2), event('progress', 'k', 3));
    stream.off('event', listener);
    await tell(client, event('progress', 'j', 4), event('progress', 'k', 5));
    stream.once('progress', listener);
    await tell(client, event('progress', 'k', 6), event('progress', 'k', 7));
    stream.on('event', listener);
    stream.removeAllListeners();
    await tell(client, event('progress', 'k', 8), event('progress', 'j', 9));
    expect(order).toEqual([
      ...['handler 1', 'handler 2', 'listener 2', 'listener 3', 'handler 4'],
      ...['listener 6', 'handler 9'],
    ]);
  });

  test('a job’s unreadable `result` reaches the subscriber and the listener, once, whoever else is there', async () => {
    const { client, stream } = await attached();
    client.on('error', () => {});
    const order = [];
    stream.on('event', ({ type }) => order.push(`event ${type}`));
    stream.subscribe('j', ({ type }) => order.push(`handler ${type}`));
    await tell(client, '{"type":"result","jobId":"j","timestamp":1,"data":NaN}');
    expect(order).toEqual(['handler error', 'event error']);
  });
});

describe('no event comes twice', () => {
  test('attached twice, subscribed and listened to: each once; the second detach ends it', async () => {
    const { client, stream, detach } = await attached();
    const again = stream.attach(client);
    const heard = subscribed(stream);
    const [progress, all] = [collect(stream, 'progress'), collect(stream, 'event')];
    const engines = collect(client, 'job:progress');
    const counts = () => [heard, progress, all, engines].map((list) => list.length);
    await tell(client, event('progress'));
    expect(counts()).toEqual([1, 1, 1, 1]);
    detach();
    detach();
    await tell(client, event('progress'));
    expect(counts()).toEqual([2, 2, 2, 2]);
    again();
    await tell(client, event('progress'));
    expect(counts()).toEqual([2, 2, 2, 3]);
  });

  test('the app’s own `onJobEvent` and listeners on the engine beside it', async () => {
    const { client, stream } = await attached();
    const heard = subscribed(stream);
    const own = [];
    const off = client.onJobEvent('j', (each) => own.push(each));
    await tell(client, event('log'), event('result'));
    off();
    await tell(client, event('log'));
    expect([heard.length, own.length]).toEqual([3, 2]);
  });

  const named = (type) => ({ result: 'job:complete', error: 'job:error' })[type] || 'job:progress';
  test.each([
    ['an envelope', (name, data) => ({ type: name, timestamp: 1, data })],
    ['a bare `JobEvent`', (_, data) => data],
  ])('what the app emits on the engine, as %s, arrives once and is the very object', async (_, wrap) => {
    for (const listens of [false, true]) {
      const { client, stream } = await attached();
      const heard = subscribed(stream);
      const all = listens ? collect(stream, 'event') : null;
      const sent = ALL.map((type) => event(type));
      for (const each of sent) client.emit(named(each.type), wrap(named(each.type), each));
      expect(heard).toHaveLength(ALL.length);
      heard.forEach((each, n) => expect(each).toBe(sent[n]));
      if (all) expect(all).toEqual(sent);
    }
  });

  test('two StreamHandlers on one engine, and one on two engines', async () => {
    const { client, stream } = await attached();
    const other = new StreamHandler();
    other.attach(client);
    const second = await startedEngine('does-as-told.js');
    other.attach(second);
    const [one, two] = [subscribed(stream), subscribed(other)];
    await tell(client, event('partial', 'j', 'of the first'));
    await tell(second, event('partial', 'j', 'of the second'));
    expect(one.map(({ data }) => data)).toEqual(['of the first']);
    expect(two.map(({ data }) => data)).toEqual(['of the first', 'of the second']);
  });

  test('thirty StreamHandlers on one engine: no warning of a leak', async () => {
    const warnings = [];
    const warned = (warning) => warnings.push(warning.message);
    process.on('warning', warned);
    onTestFinished(() => process.off('warning', warned));
    const client = await startedEngine('does-as-told.js');
    const all = Array.from({ length: 30 }, () => {
      const stream = new StreamHandler();
      stream.attach(client);
      subscribed(stream);
      return collect(stream, 'event');
    });
    await tell(client, event('progress'));
    expect(all.map((heard) => heard.length)).toEqual(all.map(() => 1));
    expect(warnings.concat(lines)).toEqual([]);
  });
});

describe('attach gives a detach function', () => {
  test('nothing comes from then on, the subscriptions stay, and attaching again works', async () => {
    const { client, stream, detach } = await attached();
    const heard = subscribed(stream);
    const all = collect(stream, 'event');
    expect(detach()).toBeUndefined();
    await tell(client, event('progress'));
    expect([heard, all, stream.getSubscriptionCount('j')]).toEqual([[], [], 1]);
    stream.attach(client);
    await tell(client, event('progress'));
    expect([heard.length, all.length]).toEqual([1, 1]);
  });

  test('it takes everything off the engine', async () => {
    const client = engine('does-as-told.js');
    const before = client.eventNames();
    const stream = new StreamHandler();
    const detach = stream.attach(client);
    stream.on('event', () => {});
    subscribed(stream);
    detach();
    expect(client.eventNames()).toEqual(before);
    subscribed(stream, 'later');
    stream.on('progress', () => {});
    expect(client.eventNames()).toEqual(before);
  });

  test('from within a handler: the rest of a batch does not come', async () => {
    const { client, stream, detach } = await attached();
    const heard = [];
    stream.subscribe('j', ({ data }) => {
      heard.push(data);
      if (data === 2) detach();
    });
    await tell(client, ...[1, 2, 3, 4].map((n) => event('partial', 'j', n)));
    expect(heard).toEqual([1, 2]);
  });

  test('dispatching by hand works attached, and after', async () => {
    const { stream, detach } = await attached();
    const heard = subscribed(stream);
    stream.dispatch(event('progress'));
    detach();
    stream.dispatch(event('partial'));
    expect(heard.map(({ type }) => type)).toEqual(['progress', 'partial']);
  });
});

test('an app that takes all its listeners off the engine keeps its subscriptions', async () => {
  const { client, stream } = await attached();
  const heard = subscribed(stream);
  client.removeAllListeners();
  await tell(client, event('progress'));
  expect(heard).toHaveLength(1);
});

test('a handler that throws, attached: logged, and the batch goes on', async () => {
  const { client, stream } = await attached();
  stream.subscribe('j', () => {
    throw new Error('from a handler');
  });
  const heard = subscribed(stream);
  await tell(client, event('progress'), event('result'));
  expect(heard).toHaveLength(2);
  expect(lines.filter((line) => line.includes('from a handler'))).toHaveLength(2);
});

test('the class that is attached need not be ours by name: a subclass of EngineClient', async () => {
  class Own extends EngineClient {}
  const { client, stream } = await attached({ Client: Own });
  const heard = subscribed(stream);
  await tell(client, event('progress'));
  expect(heard).toHaveLength(1);
});
