import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { busyUntil } from '../support/busy.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { ALL_TYPES, attachedToEngine, jobEvent, listTo, tell, unheardOf } from '../support/streams.js';

const { EngineClient, StreamHandler, createJobStream } = runtime;
const lines = consoleErrors();

const TYPES = ['progress', 'log', 'partial', 'made-up', 'result', 'error'];
const events = (jobId, types = TYPES) => types.map((type, n) => jobEvent(type, jobId, { n, text: 'ü' }));

describe('`attach(engine)`: events flow in by themselves, under the engine’s job ids', () => {
  test('every type, in wire order', async () => {
    const { client, stream } = await attachedToEngine();
    const heard = listTo(stream, 'j');
    await tell(client, ...events('j'), ...events('other'));
    expect(heard).toEqual(events('j'));
  });

  test('a loop over the job', async () => {
    const { client, stream } = await attachedToEngine();
    const types = [];
    const looping = (async () => {
      for await (const { type } of createJobStream(stream, 'j')) types.push(type);
    })();
    await tell(client, ...events('j'));
    await looping;
    expect(types).toEqual(['progress', 'partial', 'made-up', 'result']);
    expect(stream.getStats().subscriptions).toBe(0);
  });

  test('subscribed before it is attached, attached before `start()`, and across a restart', async () => {
    const client = engine('does-as-told.js', { restartDelay: 0 });
    const stream = new StreamHandler();
    const heard = listTo(stream, 'j');
    stream.attach(client);
    await client.start();
    await tell(client, jobEvent('partial', 'j', 1));
    const restarted = next(client, 'restart');
    client.call('exit', {}).catch(() => {});
    await restarted;
    await tell(client, jobEvent('partial', 'j', 2));
    expect(heard.map(({ data }) => data)).toEqual([1, 2]);
  });

  test('ids are compared as JSON values', async () => {
    const { client, stream } = await attachedToEngine();
    const heard = [listTo(stream, 1), listTo(stream, '1'), listTo(stream, 'é')];
    const raw = (id) => `{"type":"progress","jobId":${id},"timestamp":1,"data":{}}`;
    await tell(client, ...['1', '"1"', '1.0', '"\\u0031"', '"\\u00e9"', '2'].map(raw));
    expect(heard.map((list) => list.length)).toEqual([2, 2, 1]);
  });

  test('a last event that cannot be read: `PARSE_ERROR`', async () => {
    const { client, stream } = await attachedToEngine();
    const heard = listTo(stream, 'j');
    await tell(client, '{"type":"result","jobId":"j","timestamp":1,"data":NaN}');
    expect(heard).toMatchObject([{ type: 'error', jobId: 'j', data: { code: -32700 } }]);
  });

  test('two engines', async () => {
    const { client, stream } = await attachedToEngine();
    const other = await startedEngine('does-as-told.js');
    stream.attach(other);
    const heard = listTo(stream, 'j');
    await tell(client, jobEvent('partial', 'j', 1));
    await tell(other, jobEvent('partial', 'j', 2));
    expect(heard.map(({ data }) => data)).toEqual([1, 2]);
  });

  test('after `stop()` nothing comes', async () => {
    const { client, stream } = await attachedToEngine();
    const heard = listTo(stream, 'j');
    const { received } = client.getStats();
    const said = tell(client, jobEvent('partial', 'j'));
    await busyUntil(() => client.getStats().received > received, 'the event');
    await Promise.all([client.stop(), said.catch(() => {})]);
    expect(heard).toEqual([]);
  });

  test.each([null, 1, {}, new StreamHandler()])('what it cannot be attached to is refused by name: %s', (source) => {
    expect(() => new StreamHandler().attach(source)).toThrow(
      /^StreamHandler\.attach: source takes an EngineClient, a JobManager, or an object with the method onJobEvent; got /,
    );
  });
});

describe('events that nobody subscribed to never reach JavaScript', () => {
  const flood = (jobId, type) => Array.from({ length: 1000 }, () => jobEvent(type, jobId));

  test('of other jobs', async () => {
    const { stream, unheard } = await attachedToEngine();
    const heard = listTo(stream, 'j');
    expect(await unheard(...flood('other', 'progress'), jobEvent('partial', 'j'))).toBe(1000);
    expect(heard).toHaveLength(1);
  });

  test.each(TYPES)('of other types than `%s`', async (type) => {
    const { stream, unheard } = await attachedToEngine();
    const name = { result: 'complete', 'made-up': 'data' }[type] || type;
    const heard = listTo(stream, 'j', [name]);
    expect(await unheard(...events('j'), ...events('j'))).toBe(2 * (TYPES.length - 1));
    expect(heard.map((event) => event.type)).toEqual([type, type]);
  });

  test('subscriptions add up, and each that goes takes its types along', async () => {
    const { stream, unheard } = await attachedToEngine();
    const ids = [['progress'], ['progress', 'log'], ['complete'], []].map((types) =>
      stream.subscribe('j', () => {}, types),
    );
    const counts = [await unheard(...events('j'))];
    for (const id of ids) {
      stream.unsubscribe(id);
      counts.push(await unheard(...events('j')));
    }
    expect(counts).toEqual([3, 3, 5, 6, 6]);
  });

  test('a loop that has ended', async () => {
    const { client, stream, unheard } = await attachedToEngine();
    for (const end of ['break', 'cancel', 'last']) {
      const loop = createJobStream(stream, 'j');
      await tell(client, jobEvent('result', 'j'));
      if (end === 'cancel') loop.cancel();
      if (end === 'break') for await (const each of loop) if (each) break;
      expect(await unheard(...flood('j', 'progress'))).toBe(1000);
    }
  });

  test('with a listener to `complete` or `event` on the stream, only what it may hear', async () => {
    const { client, stream, unheard } = await attachedToEngine();
    const complete = collect(stream, 'complete');
    // The engine has one name for `result` events, and three for all.
    expect(await unheard(...events('any'))).toBe(5);
    expect(complete).toEqual([events('any')[4]]);
    const all = collect(stream, 'event');
    expect(await unheard(...events('any'))).toBe(0);
    expect(all).toEqual(events('any'));
    stream.removeAllListeners();
    expect(await unheard(...events('any'))).toBe(6);
    const once = next(stream, 'progress');
    await tell(client, ...events('any'));
    expect(await once).toEqual(events('any')[0]);
    expect(await unheard(...events('any'))).toBe(6);
  });

  test('who overrides or replaces `emit` or `dispatch` hears everything', async () => {
    const heard = [];
    class Mine extends StreamHandler {
      dispatch(event) {
        heard.push(`dispatch ${event.type}`);
        super.dispatch(event);
      }
    }
    const { unheard } = await attachedToEngine({ Stream: Mine });
    expect(await unheard(jobEvent('log', 'j'))).toBe(0);
    const other = await attachedToEngine();
    other.stream.emit = (name) => heard.push(name);
    expect(await other.unheard(jobEvent('log', 'j'))).toBe(0);
    expect(heard).toEqual(['dispatch log', 'log', 'event']);
  });

  test('subscribed behind an `await` of the answer that names the job: from its first event on', async () => {
    const client = await startedEngine('runs-jobs-on-command.js');
    const stream = new StreamHandler();
    stream.attach(client);
    const payload = {
      behind: [
        ['progress', 1],
        ['log', 2],
        ['result', 3],
      ],
    };
    const { jobId } = await client.call('jobs.start', { type: 't', payload });
    const heard = listTo(stream, jobId);
    await eventually(() => heard.length === 3, 'three events');
    expect(heard.map(({ data }) => data)).toEqual([1, 2, 3]);
  });
});

describe('no event comes twice', () => {
  test('whatever else listens', async () => {
    const { client, stream } = await attachedToEngine();
    const all = collect(stream, 'event');
    const heard = listTo(stream, 'j');
    const own = [];
    client.onJobEvent('j', (event) => own.push(event));
    const engines = ['job:progress', 'job:complete', 'job:error'].map((name) => collect(client, name));
    await tell(client, ...events('j'));
    expect(heard).toEqual(events('j'));
    expect(all).toEqual(events('j'));
    expect(own).toEqual(events('j'));
    expect(engines.map((list) => list.length)).toEqual([4, 1, 1]);
  });

  test('attached twice: two detach functions, events once', async () => {
    const { client, stream, detach } = await attachedToEngine();
    const again = stream.attach(client);
    const heard = listTo(stream, 'j');
    await tell(client, jobEvent('partial', 'j', 1));
    detach();
    detach();
    await tell(client, jobEvent('partial', 'j', 2));
    again();
    await tell(client, jobEvent('partial', 'j', 3));
    expect(heard.map(({ data }) => data)).toEqual([1, 2]);
    stream.attach(client);
    await tell(client, jobEvent('partial', 'j', 4));
    expect(heard.map(({ data }) => data)).toEqual([1, 2, 4]);
  });

  test('two streams at one engine get it once each', async () => {
    const { client, stream } = await attachedToEngine();
    const other = new StreamHandler();
    other.attach(client);
    const [first, second] = [listTo(stream, 'j', ['partial']), listTo(other, 'j')];
    await tell(client, jobEvent('partial', 'j'), jobEvent('log', 'j'));
    expect([first.length, second.length]).toEqual([1, 2]);
  });

  test('what the app itself emits on the engine, as envelope or bare', async () => {
    const { client, stream } = await attachedToEngine();
    const all = collect(stream, 'event');
    const heard = listTo(stream, 'j');
    const own = jobEvent('partial', 'j');
    client.emit('job:progress', own);
    client.emit('job:complete', { type: 'job:complete', timestamp: 1, data: jobEvent('result', 'j') });
    client.emit('job:error', jobEvent('error', 'other'));
    expect(heard).toEqual([own, jobEvent('result', 'j')]);
    expect(all).toHaveLength(3);
  });

  test('who comes or goes while an event is handed on', async () => {
    const { client, stream } = await attachedToEngine();
    const heard = [];
    stream.once('event', () => {
      heard.push('once');
      stream.subscribe('j', ({ data }) => heard.push(data));
    });
    await tell(client, jobEvent('partial', 'j', 1), jobEvent('partial', 'j', 2));
    expect(heard).toEqual(['once', 2]);
  });
});

test('detaching takes everything off', async () => {
  const { client, stream, detach, unheard } = await attachedToEngine();
  const heard = listTo(stream, 'j');
  const all = collect(stream, 'event');
  detach();
  expect(await unheard(...events('j'))).toBe(6);
  client.emit('job:progress', jobEvent('progress', 'j'));
  expect([heard, all]).toEqual([[], []]);
  expect(['job:progress', 'job:complete', 'job:error'].map((name) => client.listenerCount(name))).toEqual([0, 0, 0]);
  stream.attach(client);
  expect(await unheard(...events('j'))).toBe(0);
  expect(heard).toEqual(events('j'));
});

describe('the engine’s public methods are honoured', () => {
  class Renaming extends EngineClient {
    watched = [];
    onJobEvent(jobId, handler) {
      this.watched.push(jobId);
      const leave = super.onJobEvent(`engine-${jobId}`, (event) => handler({ ...event, jobId }));
      return () => {
        this.watched.push(`left ${jobId}`);
        leave();
      };
    }
  }

  test('an overridden `onJobEvent`', async () => {
    const { client, stream } = await attachedToEngine({ Client: Renaming });
    const id = stream.subscribe('j', () => {});
    const heard = listTo(stream, 'j');
    await tell(client, ...events('engine-j'));
    expect(heard).toEqual(events('j'));
    stream.unsubscribe(id);
    stream.unsubscribeAll('j');
    expect(client.watched).toEqual(['j', 'left j']);
  });

  test('an overridden `emit` that drops events', async () => {
    class Dropping extends EngineClient {
      emit(name, ...args) {
        return name === 'job:progress' ? true : super.emit(name, ...args);
      }
    }
    const { client, stream } = await attachedToEngine({ Client: Dropping });
    const heard = listTo(stream, 'j');
    await tell(client, ...events('j'));
    expect(heard.map(({ type }) => type)).toEqual(['result', 'error']);
  });

  const KINDS = {
    'onJobEvent alone': (client) => ({ onJobEvent: (jobId, handler) => client.onJobEvent(jobId, handler) }),
    'onJobEvent, on, off': (client) => ({
      onJobEvent: (jobId, handler) => client.onJobEvent(jobId, handler),
      on: (name, listener) => client.on(name, listener),
      off: (name, listener) => client.off(name, listener),
    }),
  };

  test.each(Object.keys(KINDS))('an object with %s: subscribed events come, once', async (kind) => {
    const client = await startedEngine('does-as-told.js');
    const stream = new StreamHandler();
    const detach = stream.attach(KINDS[kind](client));
    const heard = listTo(stream, 'j');
    const all = collect(stream, 'event');
    await tell(client, ...events('j'), ...events('other'));
    expect(heard).toEqual(events('j'));
    expect(all).toEqual(kind === 'onJobEvent alone' ? events('j') : [...events('j'), ...events('other')]);
    stream.once('event', () => stream.subscribe('other', () => {}));
    await tell(client, jobEvent('partial', 'other'));
    expect(all.filter(({ type, jobId }) => type === 'partial' && jobId === 'other').length).toBe(
      kind === 'onJobEvent alone' ? 0 : 2,
    );
    detach();
    expect(await unheardOf(client)(...events('j'))).toBe(6);
  });

  test('an object whose methods throw: that is logged, and changes nothing else', async () => {
    const stream = new StreamHandler();
    const failing = () => {
      throw new Error('from the engine');
    };
    const detach = stream.attach({ onJobEvent: failing, on: failing, off: failing });
    expect(stream.subscribe('j', () => {})).toBe('sub_1');
    expect(stream.unsubscribe('sub_1')).toBe(true);
    detach();
    expect(lines.filter((line) => line.includes('from the engine'))).toHaveLength(9);
  });

  test('a handler that throws in the midst of a batch', async () => {
    const { client, stream } = await attachedToEngine();
    stream.subscribe('j', () => {
      throw new Error('from a handler');
    });
    const heard = listTo(stream, 'j', ALL_TYPES);
    await tell(client, ...events('j'));
    expect(heard).toHaveLength(6);
    expect(lines.filter((line) => line.includes('from a handler'))).toHaveLength(5);
  });
});
