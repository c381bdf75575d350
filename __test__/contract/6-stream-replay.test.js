import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { settled } from '../support/engine-doubles.js';
import { ENGINES, managed } from '../support/job-engines.js';

const { StreamHandler } = runtime;
const lines = consoleErrors();

const ALL = ['data', 'progress', 'log', 'partial', 'complete', 'error'];
const event = (type, jobId = 'j', data = {}) => ({ type, jobId, timestamp: 7, data });
const partials = (from, to, jobId = 'j') =>
  Array.from({ length: to - from + 1 }, (_, n) => event('partial', jobId, from + n));
const dataOf = (events) => events.map(({ data }) => data);
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** A stream with an engine that was never started: what is kept comes by `dispatch`. */
function keeping() {
  const stream = new StreamHandler();
  stream.attach(engine('does-as-told.js'));
  return stream;
}

/** Subscribes with a replay; a list that grows. */
function replayed(stream, jobId = 'j', types = ALL) {
  const heard = [];
  stream.subscribe(jobId, (each) => heard.push(each), types, { replay: true });
  return heard;
}

describe('the last 64 events of a job are replayed to a subscriber that asks', () => {
  test.each([1, 63, 64])('all of %i, in order', async (count) => {
    const stream = keeping();
    partials(1, count).forEach((each) => stream.dispatch(each));
    const heard = replayed(stream);
    await settled();
    expect(heard).toStrictEqual(partials(1, count));
  });

  test.each([65, 200, 1000])('the last 64 of %i', async (count) => {
    const stream = keeping();
    partials(1, count).forEach((each) => stream.dispatch(each));
    const heard = replayed(stream);
    await settled();
    expect(heard).toStrictEqual(partials(count - 63, count));
  });

  test('every type counts among them; of those the subscriber’s come', async () => {
    const stream = keeping();
    for (let n = 0; n < 64; n += 1) stream.dispatch(event(['log', 'partial', 'made-up', 'error'][n % 4], 'j', n));
    const heard = [replayed(stream), replayed(stream, 'j', ['log', 'data']), replayed(stream, 'j', [])];
    await settled();
    expect(heard.map((list) => list.length)).toEqual([64, 32, 0]);
    expect(new Set(heard[1].map(({ type }) => type))).toEqual(new Set(['log', 'made-up']));
    const standard = [];
    stream.subscribe('j', ({ type }) => standard.push(type), undefined, { replay: true });
    await settled();
    expect(standard).toHaveLength(48);
  });

  test('only the job’s own', async () => {
    const stream = keeping();
    for (const each of [...partials(1, 3, 'a'), ...partials(4, 6, 'b')]) stream.dispatch(each);
    const heard = ['a', 'b', 'c', '__proto__', 'constructor'].map((jobId) => replayed(stream, jobId));
    await settled();
    expect(heard.map(dataOf)).toEqual([[1, 2, 3], [4, 5, 6], [], [], []]);
  });

  test.each([
    ['left out', []],
    ['undefined', [{ replay: undefined }]],
    ['false', [{ replay: false }]],
  ])('not to one that does not ask: %s', async (_, rest) => {
    const stream = keeping();
    stream.dispatch(event('partial'));
    const heard = [];
    stream.subscribe('j', (each) => heard.push(each), ALL, ...rest);
    await settled();
    expect(heard).toEqual([]);
  });

  test('not to other subscribers, nor to global listeners', async () => {
    const stream = keeping();
    const other = [];
    stream.subscribe('j', (each) => other.push(each));
    const all = collect(stream, 'event');
    stream.dispatch(event('partial'));
    const heard = replayed(stream);
    await settled();
    expect([heard.length, other.length, all.length]).toEqual([1, 1, 1]);
  });

  test('the end of a job is replayed as well: the job is not over for who comes right behind', async () => {
    const stream = keeping();
    for (const type of ['progress', 'result']) stream.dispatch(event(type));
    const heard = replayed(stream);
    await settled();
    expect(heard.map(({ type }) => type)).toEqual(['progress', 'result']);
  });

  test('twice in a row, and to two: each gets all', async () => {
    const stream = keeping();
    partials(1, 3).forEach((each) => stream.dispatch(each));
    const heard = [replayed(stream), replayed(stream)];
    await settled();
    heard.push(replayed(stream));
    await settled();
    expect(heard.map(dataOf)).toEqual([range(1, 3), range(1, 3), range(1, 3)]);
  });

  test.each(['', '__proto__', 'constructor', '\ud800', 'a\0b', '"', 'ü𝄞\u2028'])('the job id %j', async (jobId) => {
    const stream = keeping();
    stream.dispatch(event('partial', jobId, { ü: '\udc00\u2029', __proto__: null }));
    const heard = replayed(stream, jobId);
    await settled();
    expect(heard).toHaveLength(1);
    expect([heard[0].jobId, heard[0].data.ü]).toEqual([jobId, '\udc00\u2029']);
  });
});

describe('nothing is kept before the first `attach`', () => {
  test('what is dispatched before it is not; afterwards it is', async () => {
    const stream = new StreamHandler();
    stream.dispatch(event('partial', 'j', 'before'));
    expect(stream.getStats().replayBytes).toBe(0);
    const before = replayed(stream);
    stream.attach(engine('does-as-told.js'));
    stream.dispatch(event('partial', 'j', 'after'));
    expect(stream.getStats().replayBytes).toBeGreaterThan(0);
    const after = replayed(stream);
    await settled();
    expect([dataOf(before), dataOf(after)]).toEqual([['after'], ['after']]);
  });

  test('a StreamHandler that was never attached replays nothing, and says so', async () => {
    const stream = new StreamHandler();
    stream.dispatch(event('partial'));
    const heard = replayed(stream);
    await settled();
    expect([heard, stream.getStats().replayBytes]).toEqual([[], 0]);
  });
});

describe('when it comes', () => {
  test('never before `subscribe` gave its id; in a microtask', async () => {
    const stream = keeping();
    stream.dispatch(event('partial', 'j', 1));
    const order = [];
    const id = stream.subscribe('j', () => order.push(`replayed, ${id}`), ALL, { replay: true });
    order.push('subscribed');
    await null;
    await null;
    order.push('a microtask later');
    expect(order).toEqual(['subscribed', `replayed, ${id}`, 'a microtask later']);
  });

  test('before any live event, of which none is missing and none comes twice', async () => {
    const stream = keeping();
    partials(1, 3).forEach((each) => stream.dispatch(each));
    const heard = replayed(stream);
    const all = collect(stream, 'event');
    partials(4, 6).forEach((each) => stream.dispatch(each));
    expect(dataOf(all)).toEqual([4, 5, 6]);
    await settled();
    partials(7, 8).forEach((each) => stream.dispatch(each));
    expect(dataOf(heard)).toEqual(range(1, 8));
  });

  test('an event that its own handlers dispatch while it is replayed comes behind', async () => {
    const stream = keeping();
    partials(1, 3).forEach((each) => stream.dispatch(each));
    const heard = [];
    stream.subscribe(
      'j',
      ({ data }) => {
        heard.push(data);
        if (data === 1) partials(4, 5).forEach((each) => stream.dispatch(each));
      },
      ALL,
      { replay: true },
    );
    await settled();
    expect(heard).toEqual([1, 2, 3, 4, 5]);
  });

  test('unsubscribed meanwhile: nothing, also of the live ones', async () => {
    const stream = keeping();
    partials(1, 3).forEach((each) => stream.dispatch(each));
    const heard = [];
    const ids = [1, 2].map(() => stream.subscribe('j', (each) => heard.push(each), ALL, { replay: true }));
    stream.unsubscribe(ids[0]);
    stream.unsubscribeAll('j');
    stream.dispatch(event('partial', 'j', 4));
    await settled();
    expect(heard).toEqual([]);
  });

  test.each([false, true])(
    'unsubscribed by its own handler: the rest does not come; a live one waiting: %s',
    async (live) => {
      const stream = keeping();
      partials(1, 5).forEach((each) => stream.dispatch(each));
      const heard = [];
      const id = stream.subscribe(
        'j',
        ({ data }) => {
          heard.push(data);
          if (data === 2) stream.unsubscribe(id);
        },
        ALL,
        { replay: true },
      );
      if (live) stream.dispatch(event('partial', 'j', 6));
      await settled();
      expect(heard).toEqual([1, 2]);
    },
  );

  test('a handler that throws: logged, and the rest comes', async () => {
    const stream = keeping();
    partials(1, 3).forEach((each) => stream.dispatch(each));
    let calls = 0;
    stream.subscribe(
      'j',
      () => {
        calls += 1;
        throw new Error('from a replayed one');
      },
      ALL,
      { replay: true },
    );
    await settled();
    expect(calls).toBe(3);
    expect(lines.filter((line) => line.includes('from a replayed one'))).toHaveLength(3);
  });

  test('from within a handler of the same event: it is not replayed what it just saw twice', async () => {
    const stream = keeping();
    const inner = [];
    let subscribed = false;
    stream.subscribe('j', () => {
      if (subscribed) return;
      subscribed = true;
      stream.subscribe('j', ({ data }) => inner.push(data), ALL, { replay: true });
    });
    partials(1, 3).forEach((each) => stream.dispatch(each));
    await settled();
    expect(inner).toEqual([...new Set(inner)]);
    expect(inner.slice(-2)).toEqual([2, 3]);
  });
});

describe('from an attached source', () => {
  const tell = (client, ...events) =>
    client.call('print', { stdout: events.map((each) => `${JSON.stringify(each)}\n`).join('') });

  test('an engine: what nobody heard then is replayed whole', async () => {
    const client = await startedEngine('does-as-told.js');
    const stream = new StreamHandler();
    stream.attach(client);
    const sent = ['progress', 'log', 'made-up', 'result'].map((type) => event(type, 'j', { deep: [{ ü: null }] }));
    await tell(client, ...sent, ...partials(1, 100, 'k'));
    const heard = [replayed(stream), replayed(stream, 'k')];
    await settled();
    expect(heard[0]).toStrictEqual(sent);
    expect(dataOf(heard[1])).toEqual(range(37, 100));
  });

  test('detached: of what comes then nothing is kept; attached again: of what comes then', async () => {
    const client = await startedEngine('does-as-told.js');
    const stream = new StreamHandler();
    const detaches = [stream.attach(client), stream.attach(client)];
    await tell(client, ...partials(1, 2));
    detaches.forEach((detach) => detach());
    const { replayBytes } = stream.getStats();
    await tell(client, ...partials(3, 40));
    expect(stream.getStats().replayBytes).toBe(replayBytes);
    stream.attach(client);
    await tell(client, ...partials(41, 42));
    const heard = replayed(stream);
    await settled();
    expect(dataOf(heard).filter((n) => n > 2)).toEqual([41, 42]);
  });

  test('an engine’s id of an earlier run is another job: a new run begins anew', async () => {
    const client = await startedEngine('does-as-told.js', { restartDelay: 0 });
    const stream = new StreamHandler();
    stream.attach(client);
    await tell(client, ...partials(1, 2));
    const restarted = next(client, 'restart');
    client.call('exit', {}).catch(() => {});
    await restarted;
    await tell(client, ...partials(3, 4));
    const heard = replayed(stream);
    await settled();
    expect(dataOf(heard)).toEqual([3, 4]);
  });

  test('what the app emits on the engine is kept like the engine’s own, once', async () => {
    const client = await startedEngine('does-as-told.js');
    const stream = new StreamHandler();
    stream.attach(client);
    await tell(client, event('partial', 'j', 1));
    client.emit('job:progress', { type: 'job:progress', timestamp: 1, data: event('partial', 'j', 2) });
    await tell(client, event('partial', 'j', 3));
    const heard = replayed(stream);
    await settled();
    expect(dataOf(heard)).toEqual([1, 2, 3]);
  });

  test.each(ENGINES)('a manager, under its own ids: %s', async (kind) => {
    const { jobs, submit } = await managed(kind);
    const stream = new StreamHandler();
    stream.attach(jobs);
    const flow = [
      ['progress', 1],
      ['log', 2],
      ['partial', 3],
      ['result', 4],
    ];
    const done = submit('t', { n: 1, behind: flow });
    await done;
    const failed = submit('t', { n: 2, start: { code: -5, message: 'no room' } });
    await failed.catch(() => {});
    const heard = [replayed(stream, done.jobId), replayed(stream, failed.jobId)];
    await settled();
    expect(heard[0]).toStrictEqual(flow.map(([type, data]) => ({ type, jobId: done.jobId, timestamp: 1, data })));
    expect(heard[1]).toMatchObject([{ type: 'error', jobId: failed.jobId, data: { code: -5, message: 'no room' } }]);
  });

  test('a manager that was detached: nothing more is kept', async () => {
    const { jobs, submit } = await managed(ENGINES[0]);
    const stream = new StreamHandler();
    const detach = stream.attach(jobs);
    await submit('t', { n: 1, behind: [['result', 1]] });
    detach();
    const { replayBytes } = stream.getStats();
    expect(replayBytes).toBeGreaterThan(0);
    await submit('t', { n: 2, behind: [['result', 2]] });
    expect(stream.getStats().replayBytes).toBe(replayBytes);
  });

  test('an object with `onJobEvent` alone: what was subscribed to', async () => {
    let give;
    const stream = new StreamHandler();
    stream.attach({ call: () => {}, isReady: () => true, onJobEvent: (_, handler) => ((give = handler), () => {}) });
    stream.subscribe('j', () => {});
    partials(1, 3).forEach((each) => give(each));
    const heard = replayed(stream);
    await settled();
    expect(dataOf(heard)).toEqual([1, 2, 3]);
  });
});
