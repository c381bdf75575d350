import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { cpuTime } from '../support/cpu-time.js';
import { startedEngine } from '../support/engines.js';
import { settled } from '../support/engine-doubles.js';
import { heapInUse } from '../support/heap.js';

const { createJobStream, StreamHandler } = runtime;
consoleErrors();

const event = (type, data) => ({ type, jobId: 'j', timestamp: 7, data });
const isProgress = ({ type }) => type === 'progress';

/** Dispatches these without a reader; gives what a reader then gets. */
async function readLater(options, events) {
  const stream = new StreamHandler();
  const jobStream = createJobStream(stream, 'j', options);
  events.forEach((each) => stream.dispatch(each));
  jobStream[Symbol.asyncIterator]();
  const got = [];
  for await (const each of jobStream) got.push(each);
  return got;
}

/** Progress 1 to `count`, with `partial` events between wherever `isPartial` says, and a result. */
function mixed(count, isPartial = () => false) {
  const events = [];
  for (let n = 1; n <= count; n += 1) events.push(event(isPartial(n) ? 'partial' : 'progress', n));
  return [...events, event('result', count + 1)];
}

/** What was read is what was sent, with nothing but progress left out. */
function expectInOrder(got, sent) {
  let at = -1;
  for (const each of got) {
    const next = sent.indexOf(each, at + 1);
    expect(next, `${each.type} ${each.data} is out of order`).toBeGreaterThan(at);
    at = next;
  }
  expect(got.filter((each) => !isProgress(each))).toEqual(sent.filter((each) => !isProgress(each)));
}

describe('`highWaterMark` bounds `progress` only, which then coalesces', () => {
  test.each([1, 2, 3, 10, 1023, 1024])('below and at it (%i) nothing coalesces', async (highWaterMark) => {
    const sent = mixed(highWaterMark);
    expect(await readLater({ highWaterMark }, sent)).toEqual(sent);
  });

  test('the default is 1024', async () => {
    expect(await readLater(undefined, mixed(1024))).toHaveLength(1025);
    const got = await readLater(undefined, mixed(5000));
    expect(got).toHaveLength(1025);
    expect(got[1022].data).toBe(1023);
    expect(got[1023].data).toBe(5000);
  });

  test.each([1, 2, 10])('past it (%i) the newest takes the place of the newest that waits', async (highWaterMark) => {
    const got = await readLater({ highWaterMark }, mixed(1000));
    const progress = got.filter(isProgress).map(({ data }) => data);
    expect(progress).toEqual([...Array.from({ length: highWaterMark - 1 }, (_, n) => n + 1), 1000]);
    expect(got[got.length - 1]).toMatchObject({ type: 'result' });
  });

  test('`Infinity`: nothing is ever dropped', async () => {
    const sent = mixed(50_000);
    expect(await readLater({ highWaterMark: Infinity }, sent)).toHaveLength(50_001);
  });

  // That a percentage must not overtake the partial result before it is the order that every other line promises.
  test.each([1, 2, 7])('nothing else is dropped, and the order is kept (%i)', async (highWaterMark) => {
    const sent = mixed(3000, (n) => n % 3 === 0);
    const got = await readLater({ highWaterMark }, sent);
    expectInOrder(got, sent);
    expect(got.filter(isProgress)).toHaveLength(highWaterMark);
    expect(got.filter(isProgress).pop().data).toBe(2999);
  });

  test('all other types, far past it: data, partial, and the end', async () => {
    const sent = [];
    for (let n = 0; n < 5000; n += 1) sent.push(event(['partial', 'made-up'][n % 2], n));
    sent.push(event('error', 'end'));
    expect(await readLater({ highWaterMark: 1 }, sent)).toEqual(sent);
  });

  test('what is read makes room', async () => {
    const stream = new StreamHandler();
    const iterator = createJobStream(stream, 'j', { highWaterMark: 2 })[Symbol.asyncIterator]();
    const read = async () => (await iterator.next()).value.data;
    for (const n of [1, 2, 3]) stream.dispatch(event('progress', n));
    expect(await read()).toBe(1);
    stream.dispatch(event('progress', 4));
    stream.dispatch(event('progress', 5));
    expect([await read(), await read()]).toEqual([3, 5]);
    const waiting = read();
    for (const n of [6, 7, 8]) stream.dispatch(event('progress', n));
    expect([await waiting, await read(), await read()]).toEqual([6, 7, 8]);
  });

  test('a reader that keeps up loses nothing, whatever the mark', async () => {
    const stream = new StreamHandler();
    const jobStream = createJobStream(stream, 'j', { highWaterMark: 1 });
    const got = [];
    const loop = (async () => {
      for await (const each of jobStream) got.push(each.data);
    })();
    for (let n = 1; n <= 500; n += 1) {
      stream.dispatch(event('progress', n));
      await settled();
    }
    stream.dispatch(event('result', 501));
    await loop;
    expect(got).toHaveLength(501);
  });

  test('two streams of one job, each with its own', async () => {
    const stream = new StreamHandler();
    const streams = [1, 5].map((highWaterMark) => createJobStream(stream, 'j', { highWaterMark }));
    mixed(100).forEach((each) => stream.dispatch(each));
    const counts = [];
    for (const jobStream of streams) {
      let count = 0;
      for await (const each of jobStream) count += each ? 1 : 0;
      counts.push(count);
    }
    expect(counts).toEqual([2, 6]);
  });
});

describe('a consumer that is slow', () => {
  test('100 000 events of an engine: progress bounded, all partials there, in order', async () => {
    const client = await startedEngine('writes-raw-job-events.js');
    const stream = new StreamHandler();
    stream.attach(client);
    const jobStream = createJobStream(stream, 'j');
    const sent = mixed(100_000, (n) => n % 100 === 0);
    for (let at = 0; at < sent.length; at += 10_000) {
      const stdout = sent.slice(at, at + 10_000).map((each) => `${JSON.stringify(each)}\n`);
      await client.call('print', { stdout: stdout.join('') });
    }
    const got = [];
    for await (const each of jobStream) got.push(each);
    const numbers = got.map(({ data }) => data);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(got.filter(({ type }) => type === 'partial')).toHaveLength(1000);
    expect(got.filter(isProgress)).toHaveLength(1024);
    expect(got[got.length - 1]).toStrictEqual(sent[sent.length - 1]);
  });

  test('memory does not grow with progress that nobody reads; and coalescing is not slow', () => {
    const stream = new StreamHandler();
    createJobStream(stream, 'j');
    const before = heapInUse();
    const began = cpuTime();
    for (let n = 0; n < 300_000; n += 1) stream.dispatch(event('progress', { n, text: `${n}`.repeat(40) }));
    expect(cpuTime() - began).toBeLessThan(5000);
    // 300 000 of them are more than 100 MB.
    expect(heapInUse() - before).toBeLessThan(60 << 20);
  });

  test('a mark of 100 000 with partials between: coalescing looks for nothing from end to end', async () => {
    const began = cpuTime();
    const sent = mixed(200_000, (n) => n % 2 === 0);
    const got = await readLater({ highWaterMark: 50_000 }, sent);
    expect(got.filter(isProgress)).toHaveLength(50_000);
    expect(got).toHaveLength(150_001);
    expect(cpuTime() - began).toBeLessThan(5000);
  });

  test('a long tail of partials behind the last progress: the next progress is found at once', async () => {
    const stream = new StreamHandler();
    createJobStream(stream, 'j', { highWaterMark: 1 });
    const began = cpuTime();
    stream.dispatch(event('progress', 0));
    for (let n = 0; n < 50_000; n += 1) stream.dispatch(event('partial', n));
    for (let n = 0; n < 50_000; n += 1) {
      stream.dispatch(event('progress', n));
      stream.dispatch(event('partial', n));
    }
    expect(cpuTime() - began).toBeLessThan(10_000);
  });
});
