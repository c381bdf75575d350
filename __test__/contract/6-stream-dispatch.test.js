import { errorMonitor } from 'node:events';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { cpuTime } from '../support/cpu-time.js';

const { StreamHandler } = runtime;
const lines = consoleErrors();

const NAMES = ['data', 'progress', 'log', 'partial', 'complete', 'error', 'close', 'event', 'result', 'made-up'];
const event = (type, data = { some: ['data'] }) => ({ type, jobId: 'j', timestamp: 17, data });

const MAPPED = [
  ['result', 'complete'],
  ['progress', 'progress'],
  ['log', 'log'],
  ['partial', 'partial'],
  ['error', 'error'],
  // The rest → `data`: also what is spelled like a mapped type, an emitter's event, or a member of every object.
  ...['data', 'complete', 'close', 'event', 'made-up', '', 'PROGRESS', 'newListener', 'removeListener', 'end'].map(
    (type) => [type, 'data'],
  ),
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'].map((type) => [type, 'data']),
  ...[undefined, null, 5, true, ['progress'], Object('progress')].map((type) => [type, 'data']),
];

/** A stream with everything subscribed and listened to, and what was called, in order. */
function heardOf() {
  const stream = new StreamHandler();
  const calls = [];
  for (const name of NAMES) stream.on(name, (...args) => calls.push([name, ...args]));
  stream.subscribe('j', (...args) => calls.push(['handler', ...args]), [
    'data',
    'progress',
    'log',
    'partial',
    'complete',
    'error',
    'close',
  ]);
  return { stream, calls };
}

describe('`dispatch(event)` calls each matching handler, then emits the mapped type and `event`', () => {
  test.each(MAPPED)('%j → %s', (type, mapped) => {
    const { stream, calls } = heardOf();
    const sent = event(type);
    expect(stream.dispatch(sent)).toBeUndefined();
    expect(calls.map(([name]) => name)).toEqual(['handler', mapped, 'event']);
    for (const [, ...args] of calls) {
      expect(args).toHaveLength(1);
      expect(args[0]).toBe(sent);
    }
  });

  test('the event is handed on as it is: not changed, not copied, not frozen', () => {
    const { stream, calls } = heardOf();
    const sent = { ...event('result'), extra: Symbol('own') };
    const before = { ...sent };
    stream.dispatch(sent);
    expect(sent).toStrictEqual(before);
    expect(Object.isFrozen(sent)).toBe(false);
    expect(calls).toHaveLength(3);
  });

  test('a frozen event, and one with a cycle, a BigInt, a getter', () => {
    const { stream, calls } = heardOf();
    const cyclic = event('partial');
    cyclic.data.self = cyclic;
    const lazy = Object.defineProperty(event('progress'), 'data', { get: () => 'computed', enumerable: true });
    for (const each of [Object.freeze(event('progress')), cyclic, event('log', 5n), lazy]) stream.dispatch(each);
    expect(calls).toHaveLength(12);
  });

  test('handlers in the order of their subscribing, across types', () => {
    const stream = new StreamHandler();
    const order = [];
    stream.subscribe('j', () => order.push(1), ['progress', 'error']);
    stream.subscribe('j', () => order.push(2));
    stream.subscribe('j', () => order.push('never'), ['log']);
    stream.subscribe('other', () => order.push('never'));
    stream.subscribe('j', () => order.push(3), ['progress']);
    stream.dispatch(event('progress'));
    expect(order).toEqual([1, 2, 3]);
  });

  test('everything at once: when dispatch returns, all were called', () => {
    const { stream, calls } = heardOf();
    for (let n = 0; n < 100; n += 1) {
      stream.dispatch(event('partial', n));
      expect(calls).toHaveLength((n + 1) * 3);
    }
  });
});

describe('*Fixed:* the global emission happens without subscribers too', () => {
  test.each(MAPPED.slice(0, 6))('%j → %s, with none at all', (type, mapped) => {
    const stream = new StreamHandler();
    const calls = [];
    for (const name of NAMES) stream.on(name, (each) => calls.push([name, each]));
    const sent = event(type);
    stream.dispatch(sent);
    expect(calls).toEqual([
      [mapped, sent],
      ['event', sent],
    ]);
  });

  test('with one of another job, one of other types, and one that is gone', () => {
    const { stream, calls } = heardOf();
    stream.unsubscribeAll('j');
    stream.subscribe('j', () => calls.push(['never']), ['log']);
    stream.subscribe('k', () => calls.push(['never']));
    stream.dispatch(event('progress'));
    expect(calls.map(([name]) => name)).toEqual(['progress', 'event']);
  });
});

describe('*Fixed:* an `error` event without an `error` listener does not throw', () => {
  test('with no listener at all; and it is no error of this process: nothing is written', () => {
    const stream = new StreamHandler();
    stream.dispatch(event('error', { message: 'of the job' }));
    stream.dispatch(event('error', new Error('of the job')));
    expect(lines).toEqual([]);
  });

  test('the subscribers and `event` still get it', () => {
    const stream = new StreamHandler();
    const calls = [];
    stream.subscribe('j', () => calls.push('handler'));
    stream.on('event', () => calls.push('event'));
    stream.dispatch(event('error'));
    expect(calls).toEqual(['handler', 'event']);
  });

  test('a listener that was taken off does not make it throw', () => {
    const stream = new StreamHandler();
    const calls = [];
    stream.once('error', (each) => calls.push(each.data));
    for (const data of [1, 2, 3]) stream.dispatch(event('error', data));
    expect(calls).toEqual([1]);
  });

  test.skipIf(errorMonitor === undefined)('`errorMonitor` hears it, with and without a listener', () => {
    const stream = new StreamHandler();
    const calls = [];
    stream.on(errorMonitor, (each) => calls.push(`monitor ${each.data}`));
    stream.dispatch(event('error', 1));
    stream.on('error', (each) => calls.push(`listener ${each.data}`));
    stream.dispatch(event('error', 2));
    expect(calls).toEqual(['monitor 1', 'monitor 2', 'listener 2']);
  });
});

describe('a listener or handler that throws is logged and changes nothing else', () => {
  test.each([
    ['an Error', new Error('it broke')],
    ['a string', 'it broke'],
    ['undefined', undefined],
    ['null', null],
  ])('%s', (_, thrown) => {
    const stream = new StreamHandler();
    const calls = [];
    const fails = (what) => () => {
      calls.push(what);
      throw thrown;
    };
    stream.subscribe('j', fails('first'));
    stream.subscribe('j', () => calls.push('second'));
    stream.on('complete', fails('complete'));
    stream.on('complete', () => calls.push('complete too'));
    stream.on('event', fails('event'));
    stream.on('event', () => calls.push('event too'));
    expect(() => stream.dispatch(event('result'))).not.toThrow();
    expect(calls).toEqual(['first', 'second', 'complete', 'complete too', 'event', 'event too']);
    expect(lines).toHaveLength(3);
    expect(stream.getSubscriptionCount('j')).toBe(2);
  });

  test('… and is called again the next time', () => {
    const stream = new StreamHandler();
    let calls = 0;
    stream.subscribe('j', () => {
      calls += 1;
      throw new Error(`for the ${calls}. time`);
    });
    for (let n = 0; n < 3; n += 1) stream.dispatch(event('progress'));
    expect(lines.map((line) => /for the \d\. time/.exec(line)[0])).toEqual([1, 2, 3].map((n) => `for the ${n}. time`));
  });
});

describe('a dispatch within a dispatch', () => {
  test('runs at once, to its end, as an emit within an emit', () => {
    const stream = new StreamHandler();
    const order = [];
    stream.subscribe('j', ({ data }) => {
      order.push(`first ${data}`);
      if (data < 2) stream.dispatch(event('progress', data + 1));
    });
    stream.subscribe('j', ({ data }) => order.push(`second ${data}`));
    stream.on('progress', ({ data }) => order.push(`progress ${data}`));
    stream.on('event', ({ data }) => order.push(`event ${data}`));
    stream.dispatch(event('progress', 0));
    const ends = [2, 1, 0].flatMap((n) => [`second ${n}`, `progress ${n}`, `event ${n}`]);
    expect(order).toEqual(['first 0', 'first 1', 'first 2', ...ends]);
  });

  test('a listener of the mapped type may unsubscribe everybody, and subscribe anew', () => {
    const stream = new StreamHandler();
    const order = [];
    stream.subscribe('j', () => order.push('old'));
    stream.on('progress', () => {
      order.push(`gone: ${stream.unsubscribeAll('j')}`);
      stream.subscribe('j', () => order.push('new'));
    });
    stream.dispatch(event('progress'));
    stream.dispatch(event('progress'));
    expect(order).toEqual(['old', 'gone: 1', 'new', 'gone: 1']);
  });
});

test('what is dispatched to one StreamHandler reaches no other', () => {
  const [one, other] = [new StreamHandler(), new StreamHandler()];
  const heard = [];
  other.subscribe('j', (each) => heard.push(each));
  other.on('event', (each) => heard.push(each));
  one.dispatch(event('progress'));
  expect(heard).toEqual([]);
});

test('100 000 subscriptions of 100 000 jobs: an event goes to its own, in no time that grows with them', () => {
  const stream = new StreamHandler();
  let calls = 0;
  for (let n = 0; n < 100_000; n += 1) stream.subscribe(`job-${n}`, () => (calls += 1));
  const began = cpuTime();
  for (let n = 0; n < 100_000; n += 1) stream.dispatch({ type: 'progress', jobId: `job-${n}`, timestamp: 1, data: n });
  expect(calls).toBe(100_000);
  for (let n = 0; n < 100_000; n += 1) stream.unsubscribeAll(`job-${n}`);
  // Looked for one by one it is minutes.
  expect(cpuTime() - began).toBeLessThan(10_000);
  expect(stream.getStats().subscriptions).toBe(0);
});
