import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { settled } from '../support/engine-doubles.js';

const { StreamHandler } = runtime;
const lines = consoleErrors();

const MIB = 1 << 20;
const event = (jobId, data, type = 'partial') => ({ type, jobId, timestamp: 7, data });

/*
 * Each bound twice: for what is dispatched by hand, and for what an engine wrote. `gives` settles when it is kept.
 */
const WAYS = {
  'by dispatch': async () => {
    const stream = new StreamHandler();
    stream.attach(engine('does-as-told.js'));
    return { stream, gives: async (events) => events.forEach((each) => stream.dispatch(each)) };
  },
  'by an engine': async () => {
    const client = await startedEngine('writes-raw-job-events.js');
    const stream = new StreamHandler();
    stream.attach(client);
    const gives = (events) =>
      client.call('print', { stdout: events.map((each) => `${JSON.stringify(each)}\n`).join('') });
    return { stream, gives };
  },
};

/** The data that is replayed for each job. */
async function kept(stream, jobIds) {
  const all = jobIds.map((jobId) => {
    const heard = [];
    const id = stream.subscribe(jobId, ({ data }) => heard.push(data), undefined, { replay: true });
    return [heard, id];
  });
  await settled();
  return all.map(([heard, id]) => {
    stream.unsubscribe(id);
    return heard;
  });
}

describe.each(Object.keys(WAYS))('what is kept is bounded: %s', (way) => {
  test('the 256 most recent jobs; the oldest goes out first', async () => {
    const { stream, gives } = await WAYS[way]();
    const ids = Array.from({ length: 300 }, (_, n) => `job-${n}`);
    await gives(ids.map((id) => event(id, id)));
    const found = await kept(stream, ids);
    expect(found.map((list) => list.length)).toEqual(ids.map((_, n) => (n < 44 ? 0 : 1)));
    const before = stream.getStats().replayBytes;
    await gives([event('one more', 1)]);
    expect((await kept(stream, ['job-44', 'job-45', 'one more'])).map((list) => list.length)).toEqual([0, 1, 1]);
    expect(Math.abs(stream.getStats().replayBytes - before)).toBeLessThan(100);
  });

  test('a job that is heard of again is recent again', async () => {
    const { stream, gives } = await WAYS[way]();
    const ids = Array.from({ length: 256 }, (_, n) => `job-${n}`);
    await gives(ids.map((id) => event(id, 1)));
    await gives([event('job-0', 2), event('new', 1)]);
    expect(await kept(stream, ['job-0', 'job-1', 'job-2', 'new'])).toEqual([[1, 2], [], [1], [1]]);
  });

  test('at most 16 MiB of text in all; the oldest goes out first, whosever it is', async () => {
    const { stream, gives } = await WAYS[way]();
    const text = 'x'.repeat(MIB - 1000);
    for (let n = 0; n < 20; n += 1) {
      await gives([event(n % 2 ? 'odd' : 'even', `${n} ${text}`)]);
      expect(stream.getStats().replayBytes).toBeLessThanOrEqual(16 * MIB);
    }
    expect(stream.getStats().replayBytes).toBeGreaterThan(15 * MIB);
    const [even, odd] = await kept(stream, ['even', 'odd']);
    const numbers = [...even, ...odd].map((data) => parseInt(data, 10)).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 16 }, (_, n) => n + 4));
  });

  test('an event above 1 MiB is not kept; it is handed on, and what is around it is kept', async () => {
    const { stream, gives } = await WAYS[way]();
    const live = [];
    stream.subscribe('j', ({ data }) => live.push(data.length));
    await gives([event('j', 'a')]);
    await gives([event('j', 'x'.repeat(MIB + 1))]);
    await gives([event('j', 'bb')]);
    const [heard] = await kept(stream, ['j']);
    expect(heard).toEqual(['a', 'bb']);
    expect(live).toEqual([1, MIB + 1, 2]);
    expect(stream.getStats().replayBytes).toBeLessThan(1000);
  });

  test('one of just below 1 MiB is', async () => {
    const { stream, gives } = await WAYS[way]();
    const envelope = JSON.stringify(event('j', '')).length;
    await gives([event('j', 'x'.repeat(MIB - envelope))]);
    expect((await kept(stream, ['j']))[0]).toHaveLength(1);
    await gives([event('k', 'x'.repeat(MIB + 1 - envelope))]);
    expect((await kept(stream, ['k']))[0]).toHaveLength(0);
  });

  test('64 large ones of each of many jobs stay within it', async () => {
    const { stream, gives } = await WAYS[way]();
    const text = 'ü'.repeat(10_000);
    for (let job = 0; job < 20; job += 1) {
      await gives(Array.from({ length: 70 }, (_, n) => event(`job-${job}`, `${n} ${text}`)));
      expect(stream.getStats().replayBytes).toBeLessThanOrEqual(16 * MIB);
    }
    const [first, last] = await kept(stream, ['job-0', 'job-19']);
    expect(first).toEqual([]);
    expect(last.map((data) => parseInt(data, 10))).toEqual(Array.from({ length: 64 }, (_, n) => n + 6));
  });

  test('`replayBytes` is what is kept: it does not grow with what is not', async () => {
    const { stream, gives } = await WAYS[way]();
    const text = 'x'.repeat(1000);
    await gives(Array.from({ length: 64 }, () => event('j', text)));
    const full = stream.getStats().replayBytes;
    expect(full).toBeGreaterThan(64 * 1000);
    expect(full).toBeLessThan(64 * 1300);
    await gives(Array.from({ length: 1000 }, () => event('j', text)));
    expect(Math.abs(stream.getStats().replayBytes - full)).toBeLessThan(100);
  });

  test('replaying takes nothing away', async () => {
    const { stream, gives } = await WAYS[way]();
    await gives([event('j', 1)]);
    const { replayBytes } = stream.getStats();
    for (let n = 0; n < 3; n += 1) expect(await kept(stream, ['j'])).toEqual([[1]]);
    expect(stream.getStats()).toStrictEqual({ subscriptions: 0, jobs: 0, replayBytes });
  });
});

describe('what is dispatched by hand and cannot be kept as a text is handed on, and not kept', () => {
  const cyclic = {};
  cyclic.self = cyclic;
  const failing = {
    toJSON() {
      throw new Error('from toJSON');
    },
  };

  test.each([
    ['a cycle', cyclic],
    ['a BigInt', 5n],
    ['a failing toJSON', failing],
  ])('%s', async (_, data) => {
    const { stream } = await WAYS['by dispatch']();
    const heard = [];
    stream.subscribe('j', (each) => heard.push(each.data));
    expect(() =>
      [event('j', 1), event('j', data), event('j', 2)].forEach((each) => stream.dispatch(each)),
    ).not.toThrow();
    expect(heard).toEqual([1, data, 2]);
    expect(await kept(stream, ['j'])).toEqual([[1, 2]]);
    expect(lines).toEqual([]);
  });

  test('odd events: without a jobId, with a jobId that is no string, with an own toJSON', async () => {
    const { stream } = await WAYS['by dispatch']();
    for (const each of [{ type: 'partial' }, { type: 'partial', jobId: 5 }, { type: 'partial', jobId: cyclic }]) {
      expect(() => stream.dispatch(each)).not.toThrow();
    }
    stream.dispatch({ ...event('j', 1), toJSON: () => undefined });
    stream.dispatch({ ...event('j', 2), toJSON: () => 'something else' });
    stream.dispatch(event('j', 3));
    const [heard] = await kept(stream, ['j']);
    expect(heard[heard.length - 1]).toBe(3);
  });

  test('what is replayed is a copy of the moment: later changes of the object do not count', async () => {
    const { stream } = await WAYS['by dispatch']();
    const sent = event('j', { n: 1 });
    stream.dispatch(sent);
    sent.data.n = 2;
    expect(await kept(stream, ['j'])).toEqual([[{ n: 1 }]]);
  });
});
