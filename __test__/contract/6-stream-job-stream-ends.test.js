import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { settled } from '../support/engine-doubles.js';

const { createJobStream, StreamHandler } = runtime;
const lines = consoleErrors();
afterEach(() => expect(lines).toEqual([]));

const event = (type, data = {}) => ({ type, jobId: 'j', timestamp: 7, data });
const DONE = { done: true, value: undefined };

/** A stream with a job stream on it, and how many subscriptions it has. */
function opened(options) {
  const stream = new StreamHandler();
  const jobStream = createJobStream(stream, 'j', options);
  const says = (...types) => types.forEach((type, n) => stream.dispatch(event(type, n)));
  return { stream, jobStream, says, count: () => stream.getSubscriptionCount('j') };
}

async function looped(iterable, each = () => {}) {
  const events = [];
  for await (const value of iterable) {
    events.push(value.type);
    await each(value);
  }
  return events;
}

/** Rejections that nobody would hear of fail the test. */
function noRejections() {
  const rejected = [];
  const heard = (reason) => rejected.push(reason);
  process.on('unhandledRejection', heard);
  onTestFinished(() => {
    process.off('unhandledRejection', heard);
    expect(rejected).toEqual([]);
  });
}

describe('every end unsubscribes', () => {
  test.each(['result', 'error'])('the last event (%s): at once, before the loop has read it', (type) => {
    const { says, count } = opened();
    expect(count()).toBe(1);
    says('partial', type);
    expect(count()).toBe(0);
  });

  test('`break`', async () => {
    const { jobStream, says, count } = opened();
    says('partial', 'partial');
    for await (const each of jobStream) {
      expect(each.type).toBe('partial');
      break;
    }
    expect(count()).toBe(0);
  });

  test('`return` out of the function of the loop', async () => {
    const { jobStream, says, count } = opened();
    says('partial');
    const first = async () => {
      for await (const each of jobStream) return each.type;
      return 'none';
    };
    expect(await first()).toBe('partial');
    expect(count()).toBe(0);
  });

  test('a `throw` in the body of the loop, which comes out of it', async () => {
    const { jobStream, says, count } = opened();
    says('partial');
    const failing = looped(jobStream, () => {
      throw new Error('from the body');
    });
    await expect(failing).rejects.toThrow('from the body');
    expect(count()).toBe(0);
  });

  test('`cancel()`, a second one, and one after the end', async () => {
    const { jobStream, count } = opened();
    expect(jobStream.cancel()).toBeUndefined();
    expect(count()).toBe(0);
    expect(jobStream.cancel()).toBeUndefined();
    const other = opened();
    other.says('result');
    other.jobStream.cancel();
    expect(other.count()).toBe(0);
  });

  test('`return()` by hand, with its value; `throw()` by hand, with its error', async () => {
    const one = opened();
    one.says('partial');
    const iterator = one.jobStream[Symbol.asyncIterator]();
    expect(await iterator.return('value')).toStrictEqual({ done: true, value: 'value' });
    expect([one.count(), await iterator.next()]).toStrictEqual([0, DONE]);
    const other = opened();
    const thrown = other.jobStream[Symbol.asyncIterator]();
    if (thrown.throw) await expect(thrown.throw(new Error('by hand'))).rejects.toThrow('by hand');
    else await thrown.return();
    expect([other.count(), await thrown.next()]).toStrictEqual([0, DONE]);
  });

  test('others of the same job stay', async () => {
    const { stream, jobStream, count, says } = opened();
    const heard = [];
    stream.subscribe('j', ({ type }) => heard.push(type));
    const other = createJobStream(stream, 'j');
    jobStream.cancel();
    expect(count()).toBe(2);
    says('result');
    expect([heard, await looped(other), count()]).toEqual([['result'], ['result'], 1]);
  });

  test('a thousand streams, ended in every way: nothing is left', async () => {
    const stream = new StreamHandler();
    const controller = new AbortController();
    for (let n = 0; n < 250; n += 1) {
      createJobStream(stream, `job-${n}`).cancel();
      const broken = createJobStream(stream, 'broken');
      stream.dispatch({ ...event('partial'), jobId: 'broken' });
      for await (const each of broken) if (each) break;
      createJobStream(stream, 'done');
      stream.dispatch({ ...event('result'), jobId: 'done' });
      if (n < 5) createJobStream(stream, 'aborted', { signal: controller.signal });
    }
    controller.abort();
    expect(stream.getStats()).toStrictEqual({ subscriptions: 0, jobs: 0, replayBytes: 0 });
  });
});

describe('`cancel()` and `signal` drop what is buffered and end the loop', () => {
  const ways = {
    'cancel()': () => {
      const given = opened();
      return { ...given, end: () => given.jobStream.cancel() };
    },
    'cancel, unbound': () => {
      const given = opened();
      const { cancel } = given.jobStream;
      return { ...given, end: () => cancel() };
    },
    signal: () => {
      const controller = new AbortController();
      return { ...opened({ signal: controller.signal }), end: () => controller.abort() };
    },
    'signal with a reason': () => {
      const controller = new AbortController();
      return { ...opened({ signal: controller.signal }), end: () => controller.abort(new Error('a reason')) };
    },
  };

  describe.each(Object.keys(ways))('%s', (way) => {
    test('before the loop: it has nothing, whatever was buffered', async () => {
      const { jobStream, says, end, count } = ways[way]();
      says('progress', 'partial');
      end();
      says('partial', 'result');
      expect([await looped(jobStream), count()]).toEqual([[], 0]);
    });

    test('… also when the last event was among it', async () => {
      const { jobStream, says, end } = ways[way]();
      says('partial', 'result');
      end();
      expect(await looped(jobStream)).toEqual([]);
    });

    test('from within the loop: the rest does not come', async () => {
      const { jobStream, says, end } = ways[way]();
      says('partial', 'progress', 'result');
      expect(await looped(jobStream, end)).toEqual(['partial']);
    });

    test('while the loop waits: *fixed,* it ends, and nothing is thrown into it', async () => {
      noRejections();
      const { jobStream, says, end, count } = ways[way]();
      const loop = looped(jobStream);
      says('partial');
      await settled();
      end();
      expect(await loop).toEqual(['partial']);
      expect(count()).toBe(0);
      await settled();
    });

    test('while several `next()` wait: all are done', async () => {
      const { jobStream, end } = ways[way]();
      const iterator = jobStream[Symbol.asyncIterator]();
      const waiting = [iterator.next(), iterator.next(), iterator.next()];
      end();
      expect(await Promise.all(waiting)).toStrictEqual([DONE, DONE, DONE]);
    });

    test('from within a handler of the event that it waits for', async () => {
      const { stream, jobStream, says, end } = ways[way]();
      stream.subscribe('j', () => end());
      const loop = looped(jobStream);
      await settled();
      says('partial', 'partial', 'result');
      // It was the first to get the first one.
      expect(await loop).toEqual(['partial']);
    });

    test('from within a handler that comes first: nothing', async () => {
      const stream = new StreamHandler();
      let end = () => {};
      stream.subscribe('j', () => end());
      const controller = new AbortController();
      const jobStream = createJobStream(stream, 'j', { signal: controller.signal });
      end = way.startsWith('signal') ? () => controller.abort() : jobStream.cancel;
      const loop = looped(jobStream);
      await settled();
      stream.dispatch(event('partial'));
      expect(await loop).toEqual([]);
    });
  });
});

describe('the `signal`', () => {
  test('already aborted: it has ended, and nothing was ever subscribed', async () => {
    const asked = [];
    class Noting extends StreamHandler {
      subscribe(...args) {
        asked.push(args);
        return super.subscribe(...args);
      }
    }
    const controller = new AbortController();
    controller.abort();
    const stream = new Noting();
    const jobStream = createJobStream(stream, 'j', { signal: controller.signal });
    expect([asked, stream.getSubscriptionCount('j')]).toEqual([[], 0]);
    expect(await looped(jobStream)).toEqual([]);
    expect(jobStream.cancel()).toBeUndefined();
  });

  test.each(['result', 'cancel', 'break', 'return', 'abort'])(
    'no listener is left on it after the end by %s',
    async (way) => {
      const controller = new AbortController();
      const { signal } = controller;
      const { jobStream, says } = opened({ signal });
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      says('partial');
      if (way === 'result') {
        says('result');
        await looped(jobStream);
      }
      if (way === 'cancel') jobStream.cancel();
      if (way === 'abort') controller.abort();
      if (way === 'return') await jobStream[Symbol.asyncIterator]().return();
      if (way === 'break') for await (const each of jobStream) if (each) break;
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    },
  );

  test('aborted after the end, nothing happens', async () => {
    const controller = new AbortController();
    const { jobStream, says } = opened({ signal: controller.signal });
    says('partial', 'result');
    expect(await looped(jobStream)).toEqual(['partial', 'result']);
    controller.abort();
    expect(await looped(jobStream)).toEqual([]);
  });

  test('anything with `aborted` and `addEventListener` will do', async () => {
    let abort;
    const { jobStream, says, count } = opened({
      signal: { aborted: false, addEventListener: (_, run) => (abort = run) },
    });
    says('partial');
    abort();
    expect([await looped(jobStream), count()]).toEqual([[], 0]);
  });
});

describe('unsubscribed by somebody else', () => {
  // The contract does not say what becomes of the loop; that it must not hang for what is already there is certain.
  test('`unsubscribeAll`: what is buffered can be read, and `cancel()` ends the loop', async () => {
    const { stream, jobStream, says } = opened();
    says('partial', 'partial');
    stream.unsubscribeAll('j');
    const iterator = jobStream[Symbol.asyncIterator]();
    expect((await iterator.next()).value.type).toBe('partial');
    expect((await iterator.next()).value.type).toBe('partial');
    const waiting = iterator.next();
    jobStream.cancel();
    expect(await waiting).toStrictEqual(DONE);
  });
});
