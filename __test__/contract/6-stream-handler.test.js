import { EventEmitter, errorMonitor } from 'node:events';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { collect } from '../support/events.js';

const { ProgressTracker, StreamHandler } = runtime;
const lines = consoleErrors();

const ALL = ['data', 'progress', 'log', 'partial', 'complete', 'error', 'close'];
const event = (type, jobId = 'j', data = {}) => ({ type, jobId, timestamp: 1, data });

/** A stream, and a subscription to the job `j` that notes what comes. */
function subscribed(types) {
  const stream = new StreamHandler();
  const heard = [];
  const id = stream.subscribe('j', (...args) => heard.push(args), types);
  return { stream, heard, id };
}

describe('`subscribe(jobId, handler, eventTypes)` → id `sub_<n>`', () => {
  test('ids are counted, and no other object’s', () => {
    const stream = new StreamHandler();
    const ids = [1, 2, 3].map(() => stream.subscribe('j', () => {}));
    expect(ids).toEqual(['sub_1', 'sub_2', 'sub_3']);
    stream.unsubscribe('sub_3');
    expect(stream.subscribe('j', () => {})).toBe('sub_4');
    expect(new StreamHandler().subscribe('j', () => {})).toBe('sub_1');
  });

  test('it is an EventEmitter', () => {
    expect(new StreamHandler()).toBeInstanceOf(EventEmitter);
  });

  test('the handler gets the event itself, alone, of its job only', () => {
    const { stream, heard } = subscribed();
    const own = event('progress');
    stream.dispatch(own);
    stream.dispatch(event('progress', 'other'));
    expect(heard).toEqual([[own]]);
    expect(heard[0][0]).toBe(own);
  });

  test.each([
    ['progress', 'progress'],
    ['log', 'log'],
    ['partial', 'partial'],
    ['error', 'error'],
    ['result', 'complete'],
    ['made-up', 'data'],
    ['complete', 'data'],
    ['data', 'data'],
    ['close', 'data'],
    ['toString', 'data'],
    [undefined, 'data'],
  ])(
    'an event of type %s is of type `%s`, for subscriptions and on the handler itself, then `event`',
    (type, mapped) => {
      const stream = new StreamHandler();
      const order = [];
      for (const name of ALL) {
        stream.subscribe('j', () => order.push(`subscribed ${name}`), [name]);
        stream.on(name, (got) => order.push(name, got));
      }
      stream.on('event', (got) => order.push('event', got));
      const own = event(type);
      stream.dispatch(own);
      expect(order).toEqual([`subscribed ${mapped}`, mapped, own, 'event', own]);
    },
  );

  test('the default types: all but `log`', () => {
    const { stream, heard } = subscribed();
    ['progress', 'log', 'partial', 'made-up', 'result', 'error'].forEach((type) => stream.dispatch(event(type)));
    expect(heard.map(([{ type }]) => type)).toEqual(['progress', 'partial', 'made-up', 'result', 'error']);
  });

  test('no types: nothing', () => {
    const { stream, heard } = subscribed([]);
    ['progress', 'result'].forEach((type) => stream.dispatch(event(type)));
    expect(heard).toEqual([]);
  });

  test('several subscriptions, in their order, the same handler twice', () => {
    const stream = new StreamHandler();
    const heard = [];
    const twice = () => heard.push('twice');
    stream.subscribe('j', twice);
    stream.subscribe('j', () => heard.push('once'));
    stream.subscribe('j', twice);
    stream.dispatch(event('progress'));
    expect(heard).toEqual(['twice', 'once', 'twice']);
  });

  test('job ids are compared as JSON values', () => {
    const stream = new StreamHandler();
    const heard = [];
    for (const id of ['1', 1, 'é', '__proto__']) stream.subscribe(id, ({ jobId }) => heard.push([id, jobId]));
    for (const id of [1, '1', 'é', '2', '__proto__']) stream.dispatch(event('progress', id));
    expect(heard).toEqual([
      [1, 1],
      ['1', '1'],
      ['é', 'é'],
      ['__proto__', '__proto__'],
    ]);
  });

  test.each([
    [[undefined, () => {}], 'jobId takes a string; got undefined (undefined)'],
    [[() => {}, () => {}], 'jobId takes a string; got a function (function)'],
    [['j'], 'handler takes a function; got undefined (undefined)'],
    [['j', {}], 'handler takes a function; got an object (object)'],
    [
      ['j', () => {}, 'progress'],
      /^StreamHandler\.subscribe: eventTypes takes an array of 'progress', .*; got 'progress'/,
    ],
    [['j', () => {}, ['result']], /eventTypes takes .*; got an array/],
    [['j', () => {}, ['toString']], /eventTypes takes .*; got an array/],
    [['j', () => {}, null], /eventTypes takes .*; got null/],
    [['j', () => {}, [], { replay: 1 }], 'replay takes true or false; got 1 (number)'],
    [['j', () => {}, [], true], 'options takes an object; got true (boolean)'],
  ])('a mistake is refused by name, and changes nothing: %#', (args, message) => {
    const stream = new StreamHandler();
    const expected = typeof message === 'string' ? `StreamHandler.subscribe: ${message}` : message;
    const failing = expect(() => stream.subscribe(...args));
    failing.toThrow(TypeError);
    failing.toThrow(expected);
    expect(stream.getActiveJobIds()).toEqual([]);
  });

  test('unknown options are ignored, `undefined` means the default', () => {
    const stream = new StreamHandler();
    expect(stream.subscribe('j', () => {}, undefined, { unknown: 1, replay: undefined })).toBe('sub_1');
  });
});

describe('`unsubscribe(id)` → boolean, `unsubscribeAll(jobId)` → count', () => {
  test('once', () => {
    const { stream, heard, id } = subscribed();
    expect([stream.unsubscribe(id), stream.unsubscribe(id), stream.unsubscribe('sub_99')]).toEqual([
      true,
      false,
      false,
    ]);
    stream.dispatch(event('progress'));
    expect(heard).toEqual([]);
  });

  test('all of a job, and no other', () => {
    const stream = new StreamHandler();
    const heard = [];
    for (const jobId of ['a', 'a', 'b']) stream.subscribe(jobId, () => heard.push(jobId));
    expect([stream.unsubscribeAll('a'), stream.unsubscribeAll('a'), stream.unsubscribeAll('c')]).toEqual([2, 0, 0]);
    ['a', 'b'].forEach((jobId) => stream.dispatch(event('progress', jobId)));
    expect(heard).toEqual(['b']);
  });

  test('`getSubscriptionCount(jobId)`, `getActiveJobIds()` (ids with a subscription), `getStats()`', () => {
    const stream = new StreamHandler();
    expect(stream.getStats()).toEqual({ subscriptions: 0, jobs: 0, replayBytes: 0 });
    const ids = ['a', 'a', 'b'].map((jobId) => stream.subscribe(jobId, () => {}));
    expect(['a', 'b', 'c'].map((jobId) => stream.getSubscriptionCount(jobId))).toEqual([2, 1, 0]);
    expect(stream.getActiveJobIds()).toEqual(['a', 'b']);
    expect(stream.getStats()).toEqual({ subscriptions: 3, jobs: 2, replayBytes: 0 });
    stream.unsubscribe(ids[0]);
    stream.unsubscribe(ids[2]);
    expect(stream.getActiveJobIds()).toEqual(['a']);
    expect(stream.getStats()).toEqual({ subscriptions: 1, jobs: 1, replayBytes: 0 });
  });
});

describe('`dispatch(event)`', () => {
  test('*fixed:* the global emission happens without subscribers too', () => {
    const stream = new StreamHandler();
    const [partial, all] = [collect(stream, 'partial'), collect(stream, 'event')];
    const own = event('partial', 'nobody’s');
    stream.dispatch(own);
    expect([partial, all]).toEqual([[own], [own]]);
  });

  test('*fixed:* an `error` event without an `error` listener does not throw, and the rest goes on', () => {
    const { stream, heard } = subscribed();
    const all = collect(stream, 'event');
    stream.dispatch(event('error'));
    expect([heard.length, all.length]).toEqual([1, 1]);
    expect(lines).toEqual([]);
    expect(stream.emit('error', event('error'))).toBe(false);
  });

  test.runIf(errorMonitor)('`errorMonitor` hears it, with and without an `error` listener', () => {
    const stream = new StreamHandler();
    const heard = collect(stream, errorMonitor);
    stream.dispatch(event('error'));
    stream.on('error', () => {});
    stream.dispatch(event('error'));
    expect(heard).toHaveLength(2);
  });

  test('a handler or listener that throws is logged and changes nothing else', () => {
    const stream = new StreamHandler();
    const heard = [];
    const failing = () => {
      throw new Error('from the app');
    };
    stream.subscribe('j', failing);
    stream.subscribe('j', () => heard.push('handler'));
    stream.on('progress', failing);
    stream.on('progress', () => heard.push('progress'));
    stream.on('event', failing);
    stream.on('event', () => heard.push('event'));
    stream.dispatch(event('progress'));
    expect(heard).toEqual(['handler', 'progress', 'event']);
    expect(lines.filter((line) => line.includes('from the app'))).toHaveLength(3);
  });

  test('as with an EventEmitter, who comes or goes during an event counts from the next one', () => {
    const stream = new StreamHandler();
    const heard = [];
    let second;
    const first = stream.subscribe('j', () => {
      heard.push('first');
      stream.unsubscribe(first);
      stream.unsubscribe(second);
      stream.subscribe('j', () => heard.push('new'));
    });
    second = stream.subscribe('j', () => heard.push('second'));
    stream.dispatch(event('progress'));
    expect(heard).toEqual(['first', 'second']);
    stream.dispatch(event('progress'));
    expect(heard).toEqual(['first', 'second', 'new']);
  });

  test('from within a handler', () => {
    const stream = new StreamHandler();
    const heard = [];
    stream.subscribe('j', ({ type }) => {
      heard.push(type);
      if (type === 'progress') stream.dispatch(event('result'));
    });
    stream.subscribe('j', ({ type }) => heard.push(`second ${type}`));
    stream.dispatch(event('progress'));
    expect(heard).toEqual(['progress', 'result', 'second result', 'second progress']);
  });

  test('what is no event is refused by name', () => {
    const stream = new StreamHandler();
    expect(() => stream.dispatch(null)).toThrow('StreamHandler.dispatch: event takes an object; got null (object)');
    expect(() => stream.dispatch({})).not.toThrow();
  });

  test('nothing is kept before the first `attach`', async () => {
    const stream = new StreamHandler();
    stream.dispatch(event('result'));
    const heard = [];
    stream.subscribe('j', (got) => heard.push(got), ALL, { replay: true });
    await null;
    expect(heard).toEqual([]);
    stream.dispatch(event('result'));
    expect(heard).toHaveLength(1);
  });
});

describe('overrides are honoured', () => {
  test('`dispatch` by a tracker, `emit` by `dispatch`, `unsubscribe` by `unsubscribeAll`', () => {
    const calls = [];
    class Noting extends StreamHandler {}
    for (const name of ['dispatch', 'emit', 'subscribe', 'unsubscribe', 'createProgressTracker']) {
      Noting.prototype[name] = function note(...args) {
        calls.push([name, args[0]]);
        return StreamHandler.prototype[name].apply(this, args);
      };
    }
    const stream = new Noting();
    const heard = [];
    const id = stream.subscribe('j', ({ type }) => heard.push(type));
    stream.createProgressTracker('j').setProgress(1);
    stream.unsubscribeAll('j');
    expect(heard).toEqual(['progress']);
    const progress = expect.objectContaining({ type: 'progress', data: { percent: 1 } });
    expect(calls).toEqual([
      ['subscribe', 'j'],
      ['createProgressTracker', 'j'],
      ['dispatch', progress],
      ['emit', 'progress'],
      ['emit', 'event'],
      ['unsubscribe', id],
    ]);
  });

  test('`emit` and `dispatch` that are replaced on an object', () => {
    const stream = new StreamHandler();
    const names = [];
    stream.emit = (name) => names.push(name);
    stream.dispatch(event('error'));
    expect(names).toEqual(['error', 'event']);
    const tracker = stream.createProgressTracker('j');
    stream.dispatch = ({ type }) => names.push(`dispatched ${type}`);
    tracker.log('info', 'm');
    expect(names).toEqual(['error', 'event', 'dispatched log']);
  });

  test('`createProgressTracker(jobId)` gives a tracker of the job', () => {
    expect(new StreamHandler().createProgressTracker('j')).toBeInstanceOf(ProgressTracker);
  });
});
