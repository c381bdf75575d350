import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { collect } from '../support/events.js';

const { EngineClient, StreamHandler } = runtime;
const lines = consoleErrors();

const event = (type, jobId = 'j', data = {}) => ({ type, jobId, timestamp: 7, data });
const tell = (client, ...events) =>
  client.call('print', { stdout: events.map((each) => `${JSON.stringify(each)}\n`).join('') });
const NAMES = { result: 'job:complete', error: 'job:error' };

/** A remote engine: `onJobEvent`, and `on`/`off` when it is an emitter. `gives` sends an event as an engine does. */
function foreign({ emits = true, off = 'off' } = {}) {
  const emitter = new EventEmitter();
  const handlers = new Map();
  const made = {
    call: () => Promise.resolve({}),
    isReady: () => true,
    onJobEvent(jobId, handler) {
      const list = handlers.get(jobId) || new Set();
      handlers.set(jobId, list.add(handler));
      return () => {
        list.delete(handler);
        if (list.size === 0) handlers.delete(jobId);
      };
    },
    watched: () => [...handlers.keys()],
    listeners: () => emitter.eventNames(),
    gives(sent) {
      const name = NAMES[sent.type] || 'job:progress';
      if (emits) emitter.emit(name, { type: name, timestamp: 1, data: sent });
      for (const handler of [...(handlers.get(sent.jobId) || [])]) handler(sent);
    },
  };
  if (emits) {
    made.on = (name, listener) => void emitter.on(name, listener);
    made[off] = (name, listener) => void emitter.off(name, listener);
  }
  return made;
}

describe.each([
  ['with on and off', {}],
  ['with on and removeListener', { off: 'removeListener' }],
])('any object that serves as an engine, %s', (_, shape) => {
  test('subscriptions and global listeners get each event once; detach takes everything off', () => {
    const engine = foreign(shape);
    const stream = new StreamHandler();
    const detach = stream.attach(engine);
    const heard = [];
    const id = stream.subscribe('j', (each) => heard.push(each));
    engine.gives(event('progress'));
    engine.gives(event('progress', 'k'));
    expect(heard).toHaveLength(1);
    const all = collect(stream, 'event');
    engine.gives(event('result'));
    engine.gives(event('error', 'k'));
    expect([heard.length, all.length]).toEqual([2, 2]);
    stream.unsubscribe(id);
    engine.gives(event('made-up'));
    expect([heard.length, all.length]).toEqual([2, 3]);
    detach();
    expect([engine.watched(), engine.listeners()]).toEqual([[], []]);
    engine.gives(event('progress'));
    expect(all).toHaveLength(3);
  });

  test('a subscription that comes, or goes, while an event is handed on: the event comes once', () => {
    const engine = foreign(shape);
    const stream = new StreamHandler();
    stream.attach(engine);
    const all = collect(stream, 'event');
    const heard = [];
    let id;
    stream.once('event', () => (id = stream.subscribe('j', (each) => heard.push(each))));
    engine.gives(event('progress'));
    expect(all).toHaveLength(1);
    heard.length = 0;
    engine.gives(event('partial'));
    expect([all.length, heard.length]).toEqual([2, 1]);
    stream.once('event', () => stream.unsubscribe(id));
    engine.gives(event('partial'));
    engine.gives(event('partial'));
    expect([all.length, heard.length]).toEqual([4, 2]);
  });

  test('the same event object given twice is two events', () => {
    const engine = foreign(shape);
    const stream = new StreamHandler();
    stream.attach(engine);
    const all = collect(stream, 'event');
    const same = event('progress');
    engine.gives(same);
    engine.gives(same);
    stream.subscribe('j', () => {});
    engine.gives(same);
    engine.gives(same);
    expect(all).toHaveLength(4);
  });

  test('bare job events on its job events count as well', () => {
    const engine = new EventEmitter();
    Object.assign(engine, { call: () => {}, isReady: () => true, onJobEvent: () => () => {} });
    const stream = new StreamHandler();
    stream.attach(engine);
    const all = collect(stream, 'event');
    engine.emit('job:complete', event('result'));
    engine.emit('job:progress', { type: 'job:progress', timestamp: 1, data: event('log') });
    for (const odd of [undefined, null, 'text', 5, {}, { data: null }]) engine.emit('job:error', odd);
    expect(all).toStrictEqual([event('result'), event('log')]);
  });
});

describe('an object with `onJobEvent` alone', () => {
  test('subscriptions work; the first asks for the job, the last gives it back', () => {
    const engine = foreign({ emits: false });
    const stream = new StreamHandler();
    const detach = stream.attach(engine);
    expect(engine.watched()).toEqual([]);
    const heard = [];
    const ids = ['j', 'j', 'k'].map((jobId) => stream.subscribe(jobId, (each) => heard.push(each)));
    expect(engine.watched()).toEqual(['j', 'k']);
    engine.gives(event('result'));
    expect(heard).toHaveLength(2);
    ids.slice(0, 2).forEach((id) => stream.unsubscribe(id));
    expect(engine.watched()).toEqual(['k']);
    detach();
    expect(engine.watched()).toEqual([]);
  });

  test('listeners of what is subscribed to get it', () => {
    const engine = foreign({ emits: false });
    const stream = new StreamHandler();
    stream.attach(engine);
    const all = collect(stream, 'event');
    stream.subscribe('j', () => {});
    engine.gives(event('progress'));
    expect(all).toHaveLength(1);
  });

  test('one whose onJobEvent gives nothing back, and one that fails: told, and nothing else is changed', () => {
    const stream = new StreamHandler();
    const working = foreign({ emits: false });
    stream.attach({ ...foreign({ emits: false }), onJobEvent: () => undefined });
    stream.attach({
      ...foreign({ emits: false }),
      onJobEvent() {
        throw new Error('a remote one');
      },
    });
    const detach = stream.attach(working);
    const heard = [];
    let id;
    expect(() => (id = stream.subscribe('j', (each) => heard.push(each)))).not.toThrow();
    working.gives(event('progress'));
    expect(heard).toHaveLength(1);
    expect(lines.some((line) => line.includes('a remote one'))).toBe(true);
    expect(() => stream.unsubscribe(id)).not.toThrow();
    expect(() => detach()).not.toThrow();
  });
});

describe('overrides of the engine are honoured', () => {
  test('a subclass’s `onJobEvent` sees what is asked for, and what it changes arrives', async () => {
    const asked = [];
    class Decorating extends EngineClient {
      onJobEvent(jobId, handler) {
        asked.push(jobId);
        return super.onJobEvent(jobId, (each) => handler({ ...each, decorated: true }));
      }
    }
    const client = await startedEngine('does-as-told.js', { Client: Decorating });
    const stream = new StreamHandler();
    stream.attach(client);
    const heard = [];
    stream.subscribe('j', (each) => heard.push(each));
    await tell(client, event('progress'), event('log'), event('result'));
    expect(asked).toEqual(['j']);
    expect(heard.map(({ type, decorated }) => [type, decorated])).toEqual([
      ['progress', true],
      ['result', true],
    ]);
  });

  test('a subclass with an own `onJobEvent`: subscribed while an event is handed on, it comes once', async () => {
    class Own extends EngineClient {
      onJobEvent(...args) {
        return super.onJobEvent(...args);
      }
    }
    const client = await startedEngine('does-as-told.js', { Client: Own });
    const stream = new StreamHandler();
    stream.attach(client);
    const all = [];
    stream.on('event', ({ data }) => {
      all.push(data);
      if (data === 1) stream.subscribe('j', () => {});
      if (data === 3) stream.unsubscribeAll('j');
    });
    await tell(client, ...[1, 2, 3, 4].map((n) => event('partial', 'j', n)));
    expect(all).toEqual([1, 2, 3, 4]);
  });

  test('a subclass’s `emit` that holds events back holds them back', async () => {
    class Censor extends EngineClient {
      emit(name, ...args) {
        return name === 'job:progress' ? false : super.emit(name, ...args);
      }
    }
    const client = await startedEngine('does-as-told.js', { Client: Censor });
    const stream = new StreamHandler();
    stream.attach(client);
    const heard = [];
    stream.subscribe('j', ({ type }) => heard.push(type));
    const all = collect(stream, 'event');
    await tell(client, event('progress'), event('result'));
    expect([heard, all.map(({ type }) => type)]).toEqual([['result'], ['result']]);
  });

  test('an `emit` patched after attach', async () => {
    const client = await startedEngine('does-as-told.js');
    const stream = new StreamHandler();
    stream.attach(client);
    const heard = [];
    stream.subscribe('j', ({ type }) => heard.push(type));
    const { emit } = client;
    const names = [];
    client.emit = function forward(name, ...args) {
      names.push(name);
      return emit.call(this, name, ...args);
    };
    await tell(client, event('progress'), event('progress', 'k'), event('result'));
    expect(names).toEqual(['job:progress', 'job:progress', 'job:complete']);
    expect(heard).toEqual(['progress', 'result']);
  });
});

describe('what cannot be attached is refused by name', () => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'engine'],
    ['a number', 5],
    ['an empty object', {}],
    ['an EventEmitter', new EventEmitter()],
    ['another StreamHandler', new StreamHandler()],
    ['the class', EngineClient],
    ['one whose onJobEvent is no function', { ...foreign(), onJobEvent: 5 }],
  ])('%s', (_, source) => {
    const stream = new StreamHandler();
    let error;
    try {
      stream.attach(source);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/^StreamHandler\.attach: .+ takes .+; got /);
  });
});
