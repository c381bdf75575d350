import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { settled } from '../support/engine-doubles.js';

const { createJobStream, StreamHandler } = runtime;
const lines = consoleErrors();

const event = (type, data = {}, jobId = 'j') => ({ type, jobId, timestamp: 7, data });
const DONE = { done: true, value: undefined };

/** All that a loop gets. */
async function looped(iterable) {
  const events = [];
  for await (const each of iterable) events.push(each);
  return events;
}

describe('`createJobStream(handler, jobId)`: an async iterable', () => {
  test('the events, in order, the very objects, and the last one; then the loop ends', async () => {
    for (const last of ['result', 'error']) {
      const stream = new StreamHandler();
      const jobStream = createJobStream(stream, 'j');
      const loop = looped(jobStream);
      const sent = ['progress', 'partial', 'made-up', last].map((type, n) => event(type, n));
      for (const each of sent) {
        stream.dispatch(each);
        await settled();
      }
      const got = await loop;
      expect(got).toHaveLength(4);
      got.forEach((each, n) => expect(each).toBe(sent[n]));
    }
  });

  test('*fixed:* the last event is delivered, also when it is the only one, and when all came before the loop', async () => {
    const stream = new StreamHandler();
    for (const types of [['result'], ['error'], ['progress', 'partial', 'result']]) {
      const jobStream = createJobStream(stream, 'j');
      types.forEach((type) => stream.dispatch(event(type)));
      expect((await looped(jobStream)).map(({ type }) => type)).toEqual(types);
    }
  });

  test('subscribes when created: events before the first `next()` are there', async () => {
    const stream = new StreamHandler();
    const jobStream = createJobStream(stream, 'j');
    expect([stream.getSubscriptionCount('j'), stream.getActiveJobIds()]).toEqual([1, ['j']]);
    stream.dispatch(event('partial', 1));
    await settled();
    stream.dispatch(event('result', 2));
    expect((await looped(jobStream)).map(({ data }) => data)).toEqual([1, 2]);
  });

  test('with the default types: no `log`', async () => {
    const stream = new StreamHandler();
    const jobStream = createJobStream(stream, 'j');
    for (const type of ['log', 'made-up', 'progress', 'log', 'partial', 'result']) stream.dispatch(event(type));
    expect((await looped(jobStream)).map(({ type }) => type)).toEqual(['made-up', 'progress', 'partial', 'result']);
  });

  test('of its job alone, and from its creation on', async () => {
    const stream = new StreamHandler();
    stream.dispatch(event('partial', 'before'));
    const jobStream = createJobStream(stream, 'j');
    stream.dispatch(event('result', 'of another', 'k'));
    stream.dispatch(event('result', 'mine'));
    expect((await looped(jobStream)).map(({ data }) => data)).toEqual(['mine']);
  });

  test('an `error` event ends the loop; it is not thrown into it', async () => {
    const stream = new StreamHandler();
    const jobStream = createJobStream(stream, 'j');
    stream.dispatch(event('error', new Error('of the job')));
    const events = await looped(jobStream);
    expect(events).toHaveLength(1);
    expect(events[0].data.message).toBe('of the job');
  });

  test('nothing behind the last event comes, also of a second end', async () => {
    const stream = new StreamHandler();
    const jobStream = createJobStream(stream, 'j');
    for (const type of ['result', 'partial', 'error', 'result']) stream.dispatch(event(type));
    expect((await looped(jobStream)).map(({ type }) => type)).toEqual(['result']);
  });

  test('two of the same job, and a subscriber beside them, each get all', async () => {
    const stream = new StreamHandler();
    const heard = [];
    stream.subscribe('j', (each) => heard.push(each));
    const loops = [looped(createJobStream(stream, 'j')), looped(createJobStream(stream, 'j'))];
    for (const type of ['partial', 'result']) stream.dispatch(event(type));
    const [one, other] = await Promise.all(loops);
    expect([one, other]).toEqual([heard, heard]);
    expect(stream.getSubscriptionCount('j')).toBe(1);
  });

  test('from an attached engine', async () => {
    const client = await startedEngine('does-as-told.js');
    const stream = new StreamHandler();
    stream.attach(client);
    const loop = looped(createJobStream(stream, 'j'));
    const sent = ['progress', 'partial', 'result'].map((type) => event(type));
    await client.call('print', { stdout: sent.map((each) => `${JSON.stringify(each)}\n`).join('') });
    expect(await loop).toStrictEqual(sent);
  });

  test.each(['', '__proto__', 'constructor', '\ud800', 'x'.repeat(10_000)])('the job id %j', async (jobId) => {
    const stream = new StreamHandler();
    const jobStream = createJobStream(stream, jobId);
    stream.dispatch(event('result', 1, jobId));
    expect(await looped(jobStream)).toHaveLength(1);
  });
});

describe('it is an async iterator, too', () => {
  test('`next()` by hand; `[Symbol.asyncIterator]` gives the one position that all share', async () => {
    const stream = new StreamHandler();
    const jobStream = createJobStream(stream, 'j');
    const [one, other] = [jobStream[Symbol.asyncIterator](), jobStream[Symbol.asyncIterator]()];
    for (const data of [1, 2, 3]) stream.dispatch(event('partial', data));
    const got = [await one.next(), await other.next(), await one.next()];
    expect(got.map(({ done, value }) => [done, value.data])).toEqual([
      [false, 1],
      [false, 2],
      [false, 3],
    ]);
  });

  test('waiting ones are answered in the order of their asking', async () => {
    const stream = new StreamHandler();
    const iterator = createJobStream(stream, 'j')[Symbol.asyncIterator]();
    const order = [];
    const waiting = [1, 2, 3, 4, 5].map((n) =>
      iterator.next().then(({ done, value }) => order.push([n, done, value && value.data])),
    );
    for (const [type, data] of [
      ['partial', 'a'],
      ['progress', 'b'],
      ['result', 'c'],
    ])
      stream.dispatch(event(type, data));
    await Promise.all(waiting);
    expect(order).toEqual([
      [1, false, 'a'],
      [2, false, 'b'],
      [3, false, 'c'],
      [4, true, undefined],
      [5, true, undefined],
    ]);
  });

  test('after the end every `next()` is done', async () => {
    const stream = new StreamHandler();
    const iterator = createJobStream(stream, 'j')[Symbol.asyncIterator]();
    stream.dispatch(event('result'));
    await iterator.next();
    expect([await iterator.next(), await iterator.next()]).toStrictEqual([DONE, DONE]);
  });

  test('a second loop over it, after the end and after a `break`, has nothing', async () => {
    const stream = new StreamHandler();
    const ended = createJobStream(stream, 'j');
    stream.dispatch(event('result'));
    await looped(ended);
    expect(await looped(ended)).toEqual([]);
    const broken = createJobStream(stream, 'j');
    stream.dispatch(event('partial', 1));
    stream.dispatch(event('partial', 2));
    for await (const each of broken) {
      expect(each.data).toBe(1);
      break;
    }
    stream.dispatch(event('result'));
    expect(await looped(broken)).toEqual([]);
  });

  test('two loops at once share the events between them, and both end', async () => {
    const stream = new StreamHandler();
    const jobStream = createJobStream(stream, 'j');
    const loops = [looped(jobStream), looped(jobStream)];
    for (let n = 0; n < 10; n += 1) stream.dispatch(event('partial', n));
    stream.dispatch(event('result', 10));
    const [one, other] = await Promise.all(loops);
    expect([...one, ...other].map(({ data }) => data).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 11 }, (_, n) => n),
    );
  });
});

describe('what is no options, handler or job is refused by name, and nothing is subscribed', () => {
  const bad = [
    ['highWaterMark', { highWaterMark: -1 }],
    ['highWaterMark', { highWaterMark: NaN }],
    ['highWaterMark', { highWaterMark: 1.5 }],
    ['highWaterMark', { highWaterMark: '16' }],
    ['highWaterMark', { highWaterMark: null }],
    ['highWaterMark', { highWaterMark: 5n }],
    ['highWaterMark', { highWaterMark: -Infinity }],
    ['signal', { signal: null }],
    ['signal', { signal: {} }],
    ['signal', { signal: true }],
    ['signal', { signal: new EventTarget() }],
    ['signal', { signal: new AbortController() }],
    ['options', null],
    ['options', 5],
    ['options', []],
  ];

  test.each(bad)('%s: case %#', (name, options) => {
    const stream = new StreamHandler();
    let error;
    try {
      createJobStream(stream, 'j', options);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(new RegExp(`^createJobStream: ${name} takes .+; got .+`));
    expect(stream.getSubscriptionCount('j')).toBe(0);
  });

  test.each([
    undefined,
    {},
    { highWaterMark: undefined, signal: undefined },
    { highWaterMark: Infinity },
    { other: 1 },
  ])('these are good: %j', async (options) => {
    const stream = new StreamHandler();
    const jobStream = createJobStream(stream, 'j', options);
    stream.dispatch(event('result'));
    expect(await looped(jobStream)).toHaveLength(1);
  });

  test.each([
    ['no handler', [undefined, 'j']],
    ['null', [null, 'j']],
    ['an empty object', [{}, 'j']],
    ['the class', [StreamHandler, 'j']],
    ['no job id', [new StreamHandler()]],
    ['a function for one', [new StreamHandler(), () => {}]],
  ])('%s', (_, args) => {
    expect(() => createJobStream(...args)).toThrow(TypeError);
    expect(() => createJobStream(...args)).toThrow(/ takes .+; got /);
  });

  test('nothing is logged on the way', () => expect(lines).toEqual([]));
});
