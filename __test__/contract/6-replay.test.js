import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { busyUntil } from '../support/busy.js';
import { consoleErrors } from '../support/console-errors.js';
import { double } from '../support/engine-doubles.js';
import { startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { ENGINES, failureOf, managed } from '../support/job-engines.js';
import { ALL_TYPES, attachedToEngine, jobEvent, listTo, tell } from '../support/streams.js';

const { JobManager, StreamHandler } = runtime;
consoleErrors();

const REPLAY = { replay: true };
const MIB = 1024 * 1024;
const data = (events) => events.map((event) => event.data);
const numbered = (jobId, count, type = 'partial') =>
  Array.from({ length: count }, (_, n) => jobEvent(type, jobId, n + 1));

/** A stream that keeps what is dispatched by hand. */
function keeping() {
  const stream = new StreamHandler();
  stream.attach(double());
  return stream;
}

describe('the last 64 events of a job are replayed to a subscriber that asks', () => {
  test('of an engine’s job that nobody had subscribed to', async () => {
    const { client, stream } = await attachedToEngine();
    await tell(client, ...numbered('j', 100), ...numbered('other', 3));
    const heard = listTo(stream, 'j', ALL_TYPES, REPLAY);
    await null;
    expect(data(heard)).toEqual(Array.from({ length: 64 }, (_, n) => n + 37));
    expect(heard[0]).toEqual(jobEvent('partial', 'j', 37));
  });

  test('then the live ones, none twice, none missing', async () => {
    const { client, stream } = await attachedToEngine();
    await tell(client, ...numbered('j', 3));
    const heard = listTo(stream, 'j', ALL_TYPES, REPLAY);
    await tell(client, jobEvent('partial', 'j', 4), jobEvent('result', 'j', 5));
    expect(data(heard)).toEqual([1, 2, 3, 4, 5]);
  });

  test('to nobody who does not ask, and to no listener', async () => {
    const { client, stream } = await attachedToEngine();
    await tell(client, ...numbered('j', 3));
    const silent = [listTo(stream, 'j'), listTo(stream, 'j', ALL_TYPES, { replay: false }), collect(stream, 'event')];
    const heard = listTo(stream, 'j', ALL_TYPES, REPLAY);
    await turn();
    expect(heard).toHaveLength(3);
    expect(silent).toEqual([[], [], []]);
  });

  test('of the types that are asked for', async () => {
    const { client, stream } = await attachedToEngine();
    const all = ['progress', 'log', 'partial', 'made-up', 'error', 'result'].map((type) => jobEvent(type, 'j', type));
    await tell(client, ...all);
    const lists = [['log'], ['data', 'complete'], ['close'], undefined].map((types) => {
      const heard = [];
      stream.subscribe('j', (event) => heard.push(event.data), types, REPLAY);
      return heard;
    });
    await null;
    expect(lists).toEqual([['log'], ['made-up', 'result'], [], ['progress', 'partial', 'made-up', 'error', 'result']]);
  });

  test('never before `subscribe` has returned', async () => {
    const { client, stream } = await attachedToEngine();
    await tell(client, ...numbered('j', 1));
    const order = [];
    stream.subscribe('j', () => order.push('event'), ALL_TYPES, REPLAY);
    order.push('returned');
    await null;
    expect(order).toEqual(['returned', 'event']);
  });

  test('a live event that comes first brings them along', async () => {
    const { client, stream } = await attachedToEngine();
    await tell(client, ...numbered('j', 2));
    const heard = listTo(stream, 'j', ALL_TYPES, REPLAY);
    stream.dispatch(jobEvent('partial', 'j', 'by hand'));
    expect(data(heard)).toEqual([1, 2, 'by hand']);
    await turn();
    expect(heard).toHaveLength(3);
  });

  test('nothing to who unsubscribed meanwhile, also in the midst of it', async () => {
    const { client, stream } = await attachedToEngine();
    await tell(client, ...numbered('j', 3));
    const heard = [];
    stream.unsubscribe(stream.subscribe('j', ({ data: n }) => heard.push(n), ALL_TYPES, REPLAY));
    await turn();
    expect(heard).toEqual([]);
    const id = stream.subscribe('j', ({ data: n }) => heard.push(n) === 2 && stream.unsubscribe(id), ALL_TYPES, REPLAY);
    await turn();
    expect(heard).toEqual([1, 2]);
  });

  test('a handler that throws gets the rest all the same', async () => {
    const { client, stream } = await attachedToEngine();
    await tell(client, ...numbered('j', 3));
    let count = 0;
    const failing = () => {
      count += 1;
      throw new Error('from a handler');
    };
    stream.subscribe('j', failing, ALL_TYPES, REPLAY);
    await turn();
    expect(count).toBe(3);
  });

  test('what the app emitted on the engine, and what was dispatched by hand', async () => {
    const { client, stream } = await attachedToEngine();
    client.emit('job:progress', jobEvent('partial', 'j', 1));
    stream.dispatch(jobEvent('log', 'j', 2));
    stream.createProgressTracker('j').emitPartial(3);
    const cycle = {};
    cycle.self = cycle;
    // What JSON cannot hold is not kept.
    stream.dispatch(jobEvent('partial', 'j', cycle));
    await tell(client, '{"type":"result","jobId":"j","data":NaN}');
    const heard = listTo(stream, 'j', ALL_TYPES, REPLAY);
    await null;
    expect(data(heard)).toEqual([1, 2, 3, expect.objectContaining({ code: -32700 })]);
  });

  test('an engine that is none of ours, with and without `on`', async () => {
    for (const withEvents of [true, false]) {
      const client = await startedEngine('does-as-told.js');
      const stream = new StreamHandler();
      stream.attach({
        onJobEvent: (jobId, handler) => client.onJobEvent(jobId, handler),
        ...(withEvents && { on: (...args) => client.on(...args), off: (...args) => client.off(...args) }),
      });
      const first = listTo(stream, 'heard');
      await tell(client, ...numbered('heard', 2), ...numbered('unheard', 2));
      const lists = ['heard', 'unheard'].map((jobId) => listTo(stream, jobId, ALL_TYPES, REPLAY));
      await tell(client, jobEvent('result', 'heard', 3), jobEvent('result', 'unheard', 3));
      expect(data(first)).toEqual([1, 2, 3]);
      expect(lists.map(data)).toEqual([[1, 2, 3], withEvents ? [1, 2, 3] : [3]]);
    }
  });

  test('whoever subscribes within a handler gets the event of that moment once', async () => {
    const { client, stream } = await attachedToEngine();
    const heard = [];
    const late = (where) => () => {
      const list = [];
      heard.push([where, list]);
      stream.subscribe('j', (event) => list.push(event.data), ALL_TYPES, REPLAY);
    };
    const forEach = [
      () => client.once('job:progress', late('the engine’s listener')),
      () => stream.once('event', late('the stream’s listener')),
      () => {
        const id = stream.subscribe('j', () => stream.unsubscribe(id) && late('a subscription')());
      },
      () => {
        const off = client.onJobEvent('j', () => off() || late('the engine’s handler')());
      },
    ];
    for (const [n, listen] of forEach.entries()) {
      listen();
      await tell(client, jobEvent('partial', 'j', `engine ${n}`));
      listen();
      client.emit('job:progress', jobEvent('partial', 'j', `app ${n}`));
    }
    await tell(client, jobEvent('result', 'j', 'end'));
    const all = [...forEach.keys()].flatMap((n) => [`engine ${n}`, `app ${n}`]).concat('end');
    expect(heard).toHaveLength(8);
    for (const [where, list] of heard) expect({ where, list }).toEqual({ where, list: all });
  });
});

describe('bounds', () => {
  test('`replayBytes` of `getStats()`; the text is what the engine wrote', async () => {
    const { client, stream } = await attachedToEngine();
    await tell(client, jobEvent('partial', 'j', 'x'.repeat(1000)));
    expect(stream.getStats().replayBytes).toBe(JSON.stringify(jobEvent('partial', 'j', 'x'.repeat(1000))).length);
  });

  test('an event above 1 MiB is not kept, and comes live all the same', async () => {
    const { client, stream } = await attachedToEngine();
    const first = listTo(stream, 'j');
    await tell(
      client,
      jobEvent('partial', 'j', 1),
      jobEvent('partial', 'j', 'x'.repeat(MIB)),
      jobEvent('partial', 'j', 3),
    );
    const heard = listTo(stream, 'j', ALL_TYPES, REPLAY);
    await tell(client, jobEvent('result', 'j', 'y'.repeat(MIB)));
    expect(first.map(({ data: it }) => String(it).length)).toEqual([1, MIB, 1, MIB]);
    expect(heard.map(({ data: it }) => String(it)[0])).toEqual(['1', '3', 'y']);
    expect(stream.getStats().replayBytes).toBeLessThan(1000);
  });

  test('an event above 1 MiB that is on its way when somebody subscribes comes', async () => {
    const { client, stream } = await attachedToEngine();
    const first = listTo(stream, 'j');
    const { received } = client.getStats();
    const told = tell(client, jobEvent('partial', 'j', 1), jobEvent('result', 'j', 'x'.repeat(MIB)));
    await busyUntil(() => client.getStats().received >= received + 2, 'both events');
    const heard = listTo(stream, 'j', ALL_TYPES, REPLAY);
    expect(first).toEqual([]);
    await told;
    const row = [1, 'x'.repeat(MIB)];
    expect(data(first).every((it, n) => it === row[n]) && data(heard).every((it, n) => it === row[n])).toBe(true);
    expect([first.length, heard.length]).toEqual([2, 2]);
  });

  test('16 MiB in all, for the 256 most recent jobs', async () => {
    const stream = keeping();
    const text = 'x'.repeat(MIB - 200);
    for (let n = 0; n < 20; n += 1) stream.dispatch(jobEvent('partial', `big ${n}`, text));
    expect(stream.getStats().replayBytes).toBeLessThanOrEqual(16 * MIB);
    expect(stream.getStats().replayBytes).toBeGreaterThan(15 * MIB);
    for (let n = 0; n < 300; n += 1) stream.dispatch(jobEvent('partial', `small ${n}`, n));
    const kept = [];
    for (let n = 0; n < 300; n += 1)
      stream.subscribe(`small ${n}`, (event) => kept.push(event.data), ALL_TYPES, REPLAY);
    await turn();
    expect(kept).toEqual(Array.from({ length: 256 }, (_, n) => n + 44));
    expect(stream.getStats().replayBytes).toBeLessThan(MIB);
  });

  test('another run of the engine with the same ids is another job', async () => {
    const { client, stream } = await attachedToEngine({ restartDelay: 0 });
    await tell(client, jobEvent('result', 'j', 'of the first run'));
    const restarted = next(client, 'restart');
    client.call('exit', {}).catch(() => {});
    await restarted;
    await tell(client, jobEvent('partial', 'j', 'of the second run'));
    const heard = listTo(stream, 'j', ALL_TYPES, REPLAY);
    await null;
    expect(data(heard)).toEqual(['of the second run']);
  });
});

describe.each(ENGINES)('a manager’s jobs: %s', (kind) => {
  test('from their first event to their end, however they end', async () => {
    const { jobs, inState, say } = await managed(kind);
    const stream = new StreamHandler();
    stream.attach(jobs);
    const behind = [
      ['progress', 1],
      ['log', 2],
    ];
    await jobs.submit('t', { behind: [...behind, ['result', 3]] }, { id: 'done' });
    await failureOf(jobs.submit('t', { behind: [...behind, ['error', 3]] }, { id: 'failed' }));
    const cancelled = jobs.submit('t', { id: 'x', n: 1 }, { id: 'cancelled' });
    await inState('cancelled', 'running');
    await say(['progress', 'x', 1], ['log', 'x', 2]);
    await Promise.all([cancelled.cancel(), failureOf(cancelled)]);
    const lists = ['done', 'failed', 'cancelled'].map((id) => listTo(stream, id, ALL_TYPES, REPLAY));
    await null;
    const cancelledEnd = expect.objectContaining({ message: 'Job cancelled' });
    expect(lists.map(data)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, cancelledEnd],
    ]);
    expect(lists.flat().every(({ jobId }) => ['done', 'failed', 'cancelled'].includes(jobId))).toBe(true);
  });

  test('a job under the id of one that has ended begins anew', async () => {
    const { jobs } = await managed(kind);
    const stream = new StreamHandler();
    stream.attach(jobs);
    await jobs.submit('t', { behind: [['result', 'first']] }, { id: 'mine' });
    const job = jobs.submit(
      't',
      {
        behind: [
          ['partial', 1],
          ['result', 'second'],
        ],
      },
      { id: 'mine' },
    );
    const heard = listTo(stream, 'mine', ALL_TYPES, REPLAY);
    await job;
    expect(data(heard)).toEqual([1, 'second']);
  });
});

describe('under load: while an engine floods, subscriptions come and go, and each gets a row without gap or double', () => {
  const EVENTS = 60_000;

  /** A row of numbers, each one more than the one before, to the last. */
  function expectRow(row, last) {
    const first = row[0];
    const gap = row.findIndex((n, at) => n !== first + at);
    expect({ gap, at: row.slice(Math.max(0, gap - 3), gap + 3) }).toEqual({ gap: -1, at: row.slice(0, 2) });
    if (last !== undefined) expect(row[row.length - 1]).toBe(last);
  }

  test.each(['an engine', 'a manager', 'both, and global listeners'])(
    'of %s',
    async (what) => {
      const client = await startedEngine('floods-job-events.js');
      const jobs = new JobManager(client);
      const stream = new StreamHandler();
      const ofManager = what === 'a manager';
      stream.attach(ofManager ? jobs : client);
      if (what.startsWith('both')) {
        stream.attach(jobs);
        stream.on('partial', () => {});
      }
      const job = jobs.submit('flood', { events: EVENTS });
      const started = next(jobs, 'job:started');
      // What nobody has subscribed to yet is not waited for: behind the start the flood may be over.
      const jobId = ofManager ? job.jobId : 'flood-2';
      const rows = [];
      const more = () => {
        const row = [];
        const id = stream.subscribe(jobId, (event) => row.push(event.data), ALL_TYPES, REPLAY);
        rows.push({ row, id, stays: rows.length % 5 === 0 });
        if (rows.length > 20 && !rows[rows.length - 20].stays) stream.unsubscribe(rows[rows.length - 20].id);
      };
      // In the midst of a batch, in a microtask behind it, and between two.
      stream.subscribe(jobId, ({ data: n }) => {
        if (n % 1000 === 0) more();
        if (n % 1000 === 500) queueMicrotask(more);
        if (n % 1000 === 700) setImmediate(more);
      });
      await job;
      expect((await started).engineJobId).toBe('flood-2');
      await eventually(() => rows[0].row[rows[0].row.length - 1] === EVENTS, 'the last event');
      await turn();
      expect(rows.length).toBeGreaterThan(100);
      for (const { row, stays } of rows) if (row.length > 0) expectRow(row, stays ? EVENTS : undefined);
      expect(rows.filter(({ row, stays }) => stays && row.length > 0 && row[0] > 0).length).toBeGreaterThan(0);
    },
    60_000,
  );
});
