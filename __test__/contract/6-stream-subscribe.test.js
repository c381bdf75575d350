import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';

const { StreamHandler } = runtime;
consoleErrors();

const event = (type, jobId = 'j', data = {}) => ({ type, jobId, timestamp: 1, data });
const nothing = () => {};

/** Job ids that a table of plain objects, or a C string, would get wrong. */
const ODD_IDS = [
  ...['', ' ', '0', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'length'],
  ...['*', 'a\0b', 'ä', '𝄞', '\ud800', '\udc00', '"', '\\', '\n', '\u2028', 'error', 'x'.repeat(100_000)],
];

test('StreamHandler is an EventEmitter, made without arguments', () => {
  const stream = new StreamHandler();
  expect(stream).toBeInstanceOf(EventEmitter);
  expect(StreamHandler).toHaveLength(0);
});

describe('`subscribe` gives an id `sub_<n>`', () => {
  test('a string of that form', () => {
    expect(new StreamHandler().subscribe('j', nothing)).toMatch(/^sub_\d+$/);
  });

  test('each its own, also for the same handler and job, and none is given twice', () => {
    const stream = new StreamHandler();
    const ids = [];
    for (let n = 0; n < 20; n += 1) {
      ids.push(stream.subscribe('j', nothing), stream.subscribe('k', nothing));
      if (n % 2 === 0) stream.unsubscribe(ids[ids.length - 1]);
      if (n === 10) stream.unsubscribeAll('j');
    }
    expect(new Set(ids).size).toBe(40);
  });

  test('the same handler subscribed twice is called twice', () => {
    const stream = new StreamHandler();
    const heard = [];
    const handler = (each) => heard.push(each);
    const first = stream.subscribe('j', handler);
    stream.subscribe('j', handler);
    stream.dispatch(event('progress'));
    expect(heard).toHaveLength(2);
    stream.unsubscribe(first);
    stream.dispatch(event('progress'));
    expect(heard).toHaveLength(3);
  });
});

describe('the default types are data, progress, partial, complete and error', () => {
  test.each([
    ['left out', [undefined].slice(1)],
    ['undefined', [undefined]],
  ])('%s', (_, rest) => {
    const stream = new StreamHandler();
    const heard = [];
    stream.subscribe('j', ({ type }) => heard.push(type), ...rest);
    for (const type of ['made-up', 'progress', 'log', 'partial', 'result', 'error', 'close'])
      stream.dispatch(event(type));
    expect(heard).toEqual(['made-up', 'progress', 'partial', 'result', 'error', 'close']);
  });

  test('only the types that were asked for', () => {
    const sent = {
      data: 'made-up',
      progress: 'progress',
      log: 'log',
      partial: 'partial',
      complete: 'result',
      error: 'error',
    };
    for (const [asked, type] of Object.entries(sent)) {
      const stream = new StreamHandler();
      const heard = [];
      stream.subscribe('j', (each) => heard.push(each.type), [asked]);
      for (const each of Object.values(sent)) stream.dispatch(event(each));
      expect([asked, heard]).toEqual([asked, [type]]);
    }
  });

  test('`close` is taken, and never comes', () => {
    const stream = new StreamHandler();
    const heard = [];
    stream.subscribe('j', (each) => heard.push(each), ['close']);
    stream.on('close', (each) => heard.push(each));
    for (const type of ['close', 'result', 'error', 'made-up']) stream.dispatch(event(type));
    stream.unsubscribeAll('j');
    expect(heard).toEqual([]);
  });

  test('a type named twice is one', () => {
    const stream = new StreamHandler();
    let calls = 0;
    stream.subscribe('j', () => (calls += 1), ['progress', 'progress']);
    stream.dispatch(event('progress'));
    expect(calls).toBe(1);
  });

  test('no types: it counts, and hears nothing', () => {
    const stream = new StreamHandler();
    const heard = [];
    const id = stream.subscribe('j', (each) => heard.push(each), []);
    expect(stream.getSubscriptionCount('j')).toBe(1);
    stream.dispatch(event('progress'));
    expect(heard).toEqual([]);
    expect(stream.unsubscribe(id)).toBe(true);
  });

  test('the list is read when subscribing: changing it later changes nothing', () => {
    const stream = new StreamHandler();
    const heard = [];
    const types = ['progress'];
    stream.subscribe('j', ({ type }) => heard.push(type), types);
    types[0] = 'partial';
    types.push('error');
    for (const type of ['progress', 'partial', 'error']) stream.dispatch(event(type));
    expect(heard).toEqual(['progress']);
  });
});

describe('`unsubscribe(id)` gives a boolean, `unsubscribeAll(jobId)` a count', () => {
  test('true once, then false', () => {
    const stream = new StreamHandler();
    const id = stream.subscribe('j', nothing);
    expect([stream.unsubscribe(id), stream.unsubscribe(id)]).toEqual([true, false]);
  });

  test.each([['sub_0'], ['sub_999'], ['__proto__'], ['constructor'], [''], [undefined], [null], [1], [{}]])(
    'unsubscribe(%j) of nobody is false',
    (id) => {
      expect(new StreamHandler().unsubscribe(id)).toBe(false);
    },
  );

  test('another handler’s id is nobody’s', () => {
    const [one, other] = [new StreamHandler(), new StreamHandler()];
    for (let n = 0; n < 3; n += 1) one.subscribe('j', nothing);
    const last = one.subscribe('j', nothing);
    other.subscribe('j', nothing);
    expect(other.unsubscribe(last)).toBe(false);
    expect(one.getSubscriptionCount('j')).toBe(4);
  });

  test('all of one job, and no other’s', () => {
    const stream = new StreamHandler();
    const ids = [
      stream.subscribe('a', nothing),
      stream.subscribe('b', nothing),
      stream.subscribe('a', nothing, ['log']),
    ];
    expect(stream.unsubscribeAll('a')).toBe(2);
    expect(stream.unsubscribeAll('a')).toBe(0);
    expect(ids.map((id) => stream.unsubscribe(id))).toEqual([false, true, false]);
  });

  test.each([['never'], ['__proto__'], ['constructor'], [undefined], [5]])(
    'unsubscribeAll(%j) of nobody is 0',
    (id) => {
      expect(new StreamHandler().unsubscribeAll(id)).toBe(0);
    },
  );
});

describe('`getSubscriptionCount(jobId)`, `getActiveJobIds()`, `getStats()`', () => {
  test('what is subscribed, job by job', () => {
    const stream = new StreamHandler();
    expect([stream.getSubscriptionCount('a'), stream.getActiveJobIds()]).toEqual([0, []]);
    const first = stream.subscribe('a', nothing);
    stream.subscribe('b', nothing);
    stream.subscribe('a', nothing);
    expect(['a', 'b', 'c'].map((id) => stream.getSubscriptionCount(id))).toEqual([2, 1, 0]);
    expect(stream.getActiveJobIds().sort()).toEqual(['a', 'b']);
    stream.unsubscribe(first);
    expect(stream.getActiveJobIds().sort()).toEqual(['a', 'b']);
    stream.unsubscribeAll('a');
    expect(stream.getActiveJobIds()).toEqual(['b']);
  });

  test('the ids come in an array of the caller’s own', () => {
    const stream = new StreamHandler();
    stream.subscribe('a', nothing);
    stream.getActiveJobIds().push('mine');
    expect(stream.getActiveJobIds()).toEqual(['a']);
  });

  test('exactly `{subscriptions, jobs, replayBytes}`', () => {
    const stream = new StreamHandler();
    expect(stream.getStats()).toStrictEqual({ subscriptions: 0, jobs: 0, replayBytes: 0 });
    const id = stream.subscribe('a', nothing);
    stream.subscribe('a', nothing);
    stream.subscribe('b', nothing);
    expect(stream.getStats()).toStrictEqual({ subscriptions: 3, jobs: 2, replayBytes: 0 });
    stream.unsubscribe(id);
    stream.unsubscribeAll('b');
    expect(stream.getStats()).toStrictEqual({ subscriptions: 1, jobs: 1, replayBytes: 0 });
  });

  test('global listeners, and what is dispatched, are no subscriptions', () => {
    const stream = new StreamHandler();
    stream.on('event', nothing).on('progress', nothing);
    stream.dispatch(event('progress'));
    expect(stream.getStats()).toStrictEqual({ subscriptions: 0, jobs: 0, replayBytes: 0 });
    expect(stream.getActiveJobIds()).toEqual([]);
  });
});

describe('any string is a job id', () => {
  test.each(ODD_IDS.map((id) => [id.length > 20 ? 'a very long one' : JSON.stringify(id), id]))('%s', (_, id) => {
    const stream = new StreamHandler();
    const heard = [];
    const sub = stream.subscribe(id, (each) => heard.push(each));
    expect([stream.getActiveJobIds(), stream.getSubscriptionCount(id)]).toEqual([[id], 1]);
    const [mine, other] = [event('progress', id), event('progress', `${id}x`)];
    stream.dispatch(mine);
    stream.dispatch(other);
    expect(heard).toHaveLength(1);
    expect(heard[0]).toBe(mine);
    expect(stream.unsubscribe(sub)).toBe(true);
    expect([stream.getActiveJobIds(), stream.unsubscribeAll(id)]).toEqual([[], 0]);
  });

  // Engine ids are compared as JSON values: `1` is not `"1"`.
  test.each([
    [1, '1'],
    [null, 'null'],
    [undefined, 'undefined'],
    [true, 'true'],
    [['a'], 'a'],
  ])('an event of job %j is not one of %j', (sent, subscribed) => {
    const stream = new StreamHandler();
    const heard = [];
    stream.subscribe(subscribed, (each) => heard.push(each));
    stream.dispatch({ ...event('progress'), jobId: sent });
    expect(heard).toEqual([]);
  });
});

// The types say string; an engine's ids may be any JSON value, and are compared as such, as in `onJobEvent`.
describe('the job ids of engines that number their jobs', () => {
  test.each([[5], [0], [null], [true], [[1, 'a']]])('%j', (jobId) => {
    const stream = new StreamHandler();
    const heard = [];
    const id = stream.subscribe(jobId, (each) => heard.push(each));
    stream.dispatch({ ...event('progress'), jobId: JSON.parse(JSON.stringify(jobId)) });
    stream.dispatch(event('progress', String(jobId)));
    stream.dispatch(event('progress', JSON.stringify(jobId)));
    expect(heard).toHaveLength(1);
    expect([stream.getSubscriptionCount(jobId), stream.getActiveJobIds()]).toEqual([1, [jobId]]);
    expect(stream.unsubscribe(id)).toBe(true);
    expect(stream.getStats().jobs).toBe(0);
  });
});

describe('what cannot be meant is refused by name, and nothing is subscribed', () => {
  const bad = [
    ['jobId', [undefined, nothing], 'undefined'],
    ['jobId', [nothing, nothing], 'a function'],
    ['jobId', [Symbol('j'), nothing], 'symbol'],
    ['handler', ['j'], 'undefined'],
    ['handler', ['j', null], 'null'],
    ['handler', ['j', { handleEvent: nothing }], 'an object'],
    ['handler', ['j', 'progress'], "'progress'"],
    ['eventTypes', ['j', nothing, 'progress'], "'progress'"],
    ['eventTypes', ['j', nothing, null], 'null'],
    ['eventTypes', ['j', nothing, {}], 'an object'],
    ['eventTypes', ['j', nothing, ['progress', 'result']], '.'],
    ['eventTypes', ['j', nothing, ['event']], '.'],
    ['eventTypes', ['j', nothing, ['']], '.'],
    ['eventTypes', ['j', nothing, ['__proto__']], '.'],
    ['eventTypes', ['j', nothing, ['constructor']], '.'],
    ['eventTypes', ['j', nothing, [5]], '.'],
    ['eventTypes', ['j', nothing, new Array(1)], '.'],
    ['replay', ['j', nothing, undefined, { replay: 'yes' }], "'yes' \\(string\\)"],
    ['replay', ['j', nothing, undefined, { replay: 1 }], '1 \\(number\\)'],
    ['replay', ['j', nothing, undefined, { replay: null }], 'null'],
    ['options', ['j', nothing, undefined, true], 'true'],
    ['options', ['j', nothing, undefined, null], 'null'],
  ];

  test.each(bad)('%s: case %#', (name, args, got) => {
    const stream = new StreamHandler();
    let error;
    try {
      stream.subscribe(...args);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(new RegExp(`^StreamHandler\\.subscribe: ${name} takes .+; got .*${got}`, 's'));
    expect(stream.getStats().subscriptions).toBe(0);
    expect(stream.getActiveJobIds()).toEqual([]);
  });

  test('unknown options are ignored, and `undefined` means the default', () => {
    const stream = new StreamHandler();
    for (const options of [undefined, {}, { replay: undefined }, { replay: false }, { made: 'up' }]) {
      expect(stream.subscribe('j', nothing, undefined, options)).toMatch(/^sub_/);
    }
  });
});
