import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { heapInUse } from '../support/heap.js';

const { StreamHandler, createJobStream } = runtime;
const lines = consoleErrors();

const event = (type, data = {}, jobId = 'j') => ({ type, jobId, timestamp: 1, data });
const DONE = { value: undefined, done: true };

/** A stream of the job `j`, and the commands to it. */
function streamed(options) {
  const handler = new StreamHandler();
  const stream = createJobStream(handler, 'j', options);
  return {
    handler,
    stream,
    iterator: stream[Symbol.asyncIterator](),
    tell: (...events) => events.forEach((each) => handler.dispatch(each)),
    subscriptions: () => handler.getStats().subscriptions,
  };
}

/** All that a loop over it gets. */
async function all(stream) {
  const events = [];
  for await (const each of stream) events.push(each);
  return events;
}

const types = (events) => events.map(({ type }) => type);

describe('async iterable', () => {
  test('subscribes when created, with the default types', async () => {
    const { handler, stream, tell, subscriptions } = streamed();
    expect(subscriptions()).toBe(1);
    expect(handler.getActiveJobIds()).toEqual(['j']);
    tell(...['progress', 'log', 'partial', 'made-up', 'result'].map((type) => event(type)));
    expect(types(await all(stream))).toEqual(['progress', 'partial', 'made-up', 'result']);
  });

  test.each(['result', 'error'])('ends after `%s`, *and delivers that last event*', async (type) => {
    const { stream, tell, subscriptions } = streamed();
    const last = event(type, { a: 1 });
    const got = all(stream);
    tell(event('progress'));
    await turn();
    tell(last, event('progress'));
    expect(subscriptions()).toBe(0);
    const events = await got;
    expect(types(events)).toEqual(['progress', type]);
    expect(events[1]).toBe(last);
  });

  test('of its job only', async () => {
    const { stream, tell } = streamed();
    tell(event('result', {}, 'other'), event('result', 1));
    expect(await all(stream)).toEqual([event('result', 1)]);
  });

  test('what came before the loop is delivered, in order', async () => {
    const { stream, tell } = streamed();
    const events = [event('partial', 1), event('progress', 2), event('partial', 3), event('result', 4)];
    tell(...events);
    expect(await all(stream)).toEqual(events);
  });

  test('several `next()` at once are answered in order, also those behind the end', async () => {
    const { iterator, tell } = streamed();
    const answers = [1, 2, 3, 4].map(() => iterator.next());
    tell(event('partial', 1), event('result', 2));
    expect(await Promise.all(answers)).toEqual([
      { value: event('partial', 1), done: false },
      { value: event('result', 2), done: false },
      DONE,
      DONE,
    ]);
    expect(await iterator.next()).toEqual(DONE);
  });

  test('a second loop goes on where the first one is', async () => {
    const { stream, tell } = streamed();
    tell(event('partial', 1), event('partial', 2), event('result', 3));
    const first = stream[Symbol.asyncIterator]();
    await first.next();
    expect((await all(stream)).map(({ data }) => data)).toEqual([2, 3]);
    expect(await all(stream)).toEqual([]);
  });
});

describe('every end unsubscribes', () => {
  test('`break`', async () => {
    const { stream, tell, subscriptions } = streamed();
    tell(event('partial', 1), event('partial', 2));
    for await (const { data } of stream) {
      expect(data).toBe(1);
      break;
    }
    expect(subscriptions()).toBe(0);
    tell(event('partial', 3));
    expect(await all(stream)).toEqual([]);
  });

  test('an error in the loop', async () => {
    const { stream, tell, subscriptions } = streamed();
    tell(event('partial'));
    const looping = (async () => {
      for await (const each of stream) throw new Error(`at ${each.type}`);
    })();
    await expect(looping).rejects.toThrow('at partial');
    expect(subscriptions()).toBe(0);
  });

  test('`return(value)` and `throw(error)`, as of an async generator', async () => {
    const one = streamed();
    const waiting = one.iterator.next();
    expect(await one.iterator.return(Promise.resolve(7))).toEqual({ value: 7, done: true });
    expect(await waiting).toEqual(DONE);
    const other = streamed();
    await expect(other.iterator.throw(new Error('mine'))).rejects.toThrow('mine');
    expect(await other.iterator.next()).toEqual(DONE);
    expect([one.subscriptions(), other.subscriptions()]).toEqual([0, 0]);
  });

  test('`unsubscribeAll` leaves a loop waiting, and `cancel()` still ends it', async () => {
    const { handler, stream, tell } = streamed();
    const got = all(stream);
    handler.unsubscribeAll('j');
    tell(event('result'));
    stream.cancel();
    expect(await got).toEqual([]);
  });
});

describe('`cancel()` and `signal` drop what is buffered and end the loop', () => {
  const ends = {
    'cancel()': () => {
      const it = streamed();
      return { ...it, end: () => it.stream.cancel() };
    },
    'cancel() taken out of the object': () => {
      const it = streamed();
      const { cancel } = it.stream;
      return { ...it, end: () => cancel() };
    },
    signal: () => {
      const controller = new AbortController();
      return { ...streamed({ signal: controller.signal }), end: () => controller.abort() };
    },
  };

  test.each(Object.keys(ends))('%s: buffered events are dropped', async (name) => {
    const { stream, tell, end, subscriptions } = ends[name]();
    tell(event('partial', 1), event('result', 2));
    end();
    end();
    expect(await all(stream)).toEqual([]);
    expect(subscriptions()).toBe(0);
  });

  test.each(Object.keys(ends))('%s: *fixed:* a loop that waits ends, and nothing is thrown into it', async (name) => {
    const { stream, iterator, tell, end, subscriptions } = ends[name]();
    const more = [iterator.next(), iterator.next()];
    const got = all(stream);
    end();
    expect(await Promise.all(more)).toEqual([DONE, DONE]);
    expect(await got).toEqual([]);
    expect(subscriptions()).toBe(0);
    tell(event('result'));
    expect(await all(stream)).toEqual([]);
  });

  test.each(Object.keys(ends))('%s: from within the loop', async (name) => {
    const { stream, tell, end } = ends[name]();
    tell(event('partial', 1), event('partial', 2));
    const got = [];
    for await (const { data } of stream) {
      got.push(data);
      end();
    }
    expect(got).toEqual([1]);
  });

  test('a signal that is aborted already: ended at once, no subscription', async () => {
    const { stream, subscriptions } = streamed({ signal: AbortSignal.abort() });
    expect(subscriptions()).toBe(0);
    expect(await all(stream)).toEqual([]);
    stream.cancel();
  });

  test('a loop that has got everything lets go of the signal, and so does each other end', async () => {
    const listeners = new Set();
    const signal = {
      aborted: false,
      addEventListener: (name, listener) => listeners.add(listener),
      removeEventListener: (name, listener) => listeners.delete(listener),
    };
    const ends = [
      async ({ stream, tell }) => tell(event('result')) || (await all(stream)),
      async ({ stream, tell }) => {
        const got = all(stream);
        tell(event('result'));
        await got;
      },
      async ({ stream, tell }) => tell(event('result')) || stream.cancel(),
      async ({ iterator }) => iterator.return(),
    ];
    for (const end of ends) {
      const it = streamed({ signal });
      expect(listeners.size).toBe(1);
      await end(it);
      expect(listeners.size).toBe(0);
    }
  });
});

describe('`highWaterMark` bounds `progress` only', () => {
  test('which then coalesces: the newest takes the place of the newest that waits, behind what came between', async () => {
    const { stream, tell } = streamed({ highWaterMark: 2 });
    const named = (name) => event(name.startsWith('p') ? 'progress' : 'partial', name);
    tell(...['p1', 'p2', 'a', 'p3', 'b', 'p4', 'p5', 'c'].map(named), event('result', 'end'));
    expect((await all(stream)).map(({ data }) => data)).toEqual(['p1', 'a', 'b', 'p5', 'c', 'end']);
  });

  test('what a loop has taken makes room', async () => {
    const { iterator, tell } = streamed({ highWaterMark: 2 });
    const data = async () => (await iterator.next()).value.data;
    tell(event('progress', 1), event('progress', 2), event('progress', 3));
    expect(await data()).toBe(1);
    tell(event('progress', 4));
    expect([await data(), await data()]).toEqual([3, 4]);
    tell(event('progress', 5), event('progress', 6), event('progress', 7));
    expect([await data(), await data()]).toEqual([5, 7]);
  });

  test('a waiting loop gets every one', async () => {
    const { iterator, tell } = streamed({ highWaterMark: 1 });
    for (let n = 0; n < 5; n += 1) {
      const next = iterator.next();
      tell(event('progress', n));
      expect((await next).value.data).toBe(n);
    }
  });

  test('the default is 1024', async () => {
    const { stream, tell } = streamed();
    for (let n = 1; n <= 3000; n += 1) tell(event('progress', n));
    tell(event('result', 0));
    const data = (await all(stream)).map((each) => each.data);
    expect(data).toEqual([...Array.from({ length: 1023 }, (_, n) => n + 1), 3000, 0]);
  });

  test('a slow consumer of 100 000 progress events: memory is bounded, every partial is there, the order is kept', async () => {
    const { stream, tell } = streamed({ highWaterMark: 16 });
    const before = heapInUse();
    for (let n = 1; n <= 100_000; n += 1) {
      tell(event('progress', { n, text: 'x'.repeat(100) + n }));
      if (n % 1000 === 0) tell(event('partial', { n }));
    }
    // 100 000 events would take more than 20 MB.
    expect(heapInUse() - before).toBeLessThan(15e6);
    tell(event('result', { n: 100_001 }));
    const events = await all(stream);
    const numbers = events.map(({ data }) => data.n);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(types(events).filter((type) => type === 'partial')).toHaveLength(100);
    expect(types(events).filter((type) => type === 'progress')).toHaveLength(16);
    expect(events[events.length - 2]).toMatchObject({ type: 'partial' });
  });

  test('a long loop over a buffer that never empties', async () => {
    const { iterator, tell } = streamed({ highWaterMark: Infinity });
    let told = 0;
    let got = 0;
    for (let round = 0; round < 5000; round += 1) {
      for (let n = 0; n < 3; n += 1) tell(event(n === 1 ? 'progress' : 'partial', (told += 1)));
      for (let n = 0; n < 2; n += 1) expect((await iterator.next()).value.data).toBe((got += 1));
    }
    tell(event('result', (told += 1)));
    while (got < told) expect((await iterator.next()).value.data).toBe((got += 1));
    expect(await iterator.next()).toEqual(DONE);
  });
});

test.each([
  [[undefined, 'j'], 'streamHandler takes a StreamHandler; got undefined'],
  [[{}, 'j'], 'streamHandler takes a StreamHandler; got an object'],
  [
    [new StreamHandler(), 'j', { highWaterMark: 0 }],
    'highWaterMark takes a whole number from 1 up, or Infinity; got 0',
  ],
  [
    [new StreamHandler(), 'j', { highWaterMark: '1' }],
    "highWaterMark takes a whole number from 1 up, or Infinity; got '1'",
  ],
  [[new StreamHandler(), 'j', { signal: {} }], 'signal takes an AbortSignal; got an object'],
  [[new StreamHandler(), 'j', 1], 'options takes an object; got 1'],
])('mistakes are refused by name: %#', (args, message) => {
  expect(() => createJobStream(...args)).toThrow(TypeError);
  expect(() => createJobStream(...args)).toThrow(`createJobStream: ${message}`);
});

describe('overrides of the handler are honoured', () => {
  test('`subscribe` and `unsubscribe`; an event that is handed over inside `subscribe` counts', async () => {
    const calls = [];
    class Eager extends StreamHandler {
      subscribe(jobId, handler, ...rest) {
        calls.push(['subscribe', jobId, rest]);
        handler(event('result', 'eager'));
        return super.subscribe(jobId, handler, ...rest);
      }
      unsubscribe(id) {
        calls.push(['unsubscribe', id]);
        return super.unsubscribe(id);
      }
    }
    const handler = new Eager();
    const stream = createJobStream(handler, 'j');
    expect(handler.getStats().subscriptions).toBe(0);
    expect(await all(stream)).toEqual([event('result', 'eager')]);
    expect(calls).toEqual([
      ['subscribe', 'j', []],
      ['unsubscribe', 'sub_1'],
    ]);
  });

  test('an `unsubscribe` that throws is logged, and the loop ends', async () => {
    class Failing extends StreamHandler {
      unsubscribe() {
        throw new Error('from unsubscribe');
      }
    }
    const handler = new Failing();
    const stream = createJobStream(handler, 'j');
    handler.dispatch(event('result'));
    expect(types(await all(stream))).toEqual(['result']);
    expect(lines.filter((line) => line.includes('from unsubscribe'))).toHaveLength(1);
  });
});
