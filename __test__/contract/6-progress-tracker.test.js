import { EventEmitter } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';

const { EngineError, ProgressTracker, StreamHandler } = runtime;
const lines = consoleErrors();

/** A tracker of the job `j`, and what it sent: type and data. */
function tracked(Tracker = ProgressTracker) {
  const events = [];
  const tracker = new Tracker('j', (event) => events.push(event));
  return { tracker, events, sent: () => events.map(({ type, data }) => [type, data]) };
}

test('it is no EventEmitter', () => {
  expect(tracked().tracker).not.toBeInstanceOf(EventEmitter);
});

test('events are whole: `{type, jobId, timestamp, data}`', () => {
  const before = Date.now();
  const { tracker, events } = tracked();
  tracker.emitPartial([1]);
  expect(events).toEqual([{ type: 'partial', jobId: 'j', timestamp: expect.any(Number), data: [1] }]);
  expect(events[0].timestamp).toBeGreaterThanOrEqual(before);
  expect(events[0].timestamp).toBeLessThanOrEqual(Date.now());
});

test('`getStats()`: how far it is, for how long, and how many events it sent', () => {
  const { tracker } = tracked();
  expect(tracker.getStats()).toEqual({ progress: 0, elapsedTime: expect.any(Number), events: 0 });
  tracker.setProgress(40);
  tracker.setProgress(30);
  tracker.log('info', 'half');
  expect(tracker.getStats()).toEqual({ progress: 40, elapsedTime: expect.any(Number), events: 2 });
});

describe('`setProgress(percent, message?)`', () => {
  test('clamps to 0–100', () => {
    const { tracker, sent } = tracked();
    tracker.setProgress(-5);
    expect(tracker.getCurrentProgress()).toBe(0);
    tracker.setProgress(0.5, 'begun');
    tracker.setProgress(1000);
    expect(tracker.getCurrentProgress()).toBe(100);
    expect(sent()).toEqual([
      ['progress', { percent: 0.5, message: 'begun' }],
      ['progress', { percent: 100 }],
    ]);
  });

  test('emits only on increase', () => {
    const { tracker, sent } = tracked();
    for (const percent of [0, 30, 30, 10, 31, 31, Infinity, 101]) tracker.setProgress(percent, 'm');
    expect(sent().map(([, { percent }]) => percent)).toEqual([30, 31, 100]);
  });

  test.each([NaN, undefined, 'x', {}, -Infinity])('what is no number changes nothing: %s', (percent) => {
    const { tracker, sent } = tracked();
    tracker.setProgress(50);
    tracker.setProgress(percent);
    tracker.incrementProgress(percent);
    tracker.setProgress(51);
    expect(sent().map((event) => event[1].percent)).toEqual([50, 51]);
  });
});

test('`incrementProgress(delta, message?)`', () => {
  const { tracker, sent } = tracked();
  tracker.incrementProgress(40, 'a');
  tracker.incrementProgress(-10);
  tracker.incrementProgress(0);
  tracker.incrementProgress(70, 'b');
  expect(sent()).toEqual([
    ['progress', { percent: 40, message: 'a' }],
    ['progress', { percent: 100, message: 'b' }],
  ]);
});

test('`log(level, message, context?)`', () => {
  const { tracker, sent } = tracked();
  tracker.log('info', 'm');
  tracker.log('error', 'm', { a: 1 });
  expect(sent()).toStrictEqual([
    ['log', { level: 'info', message: 'm' }],
    ['log', { level: 'error', message: 'm', context: { a: 1 } }],
  ]);
});

test('`emitPartial(data)`', () => {
  const { tracker, sent } = tracked();
  for (const data of [{ chunk: 1 }, null, undefined, 'x']) tracker.emitPartial(data);
  expect(sent().map(([, data]) => data)).toEqual([{ chunk: 1 }, null, undefined, 'x']);
});

describe('`complete(data)`', () => {
  test('progress 100, then `result`', () => {
    const { tracker, sent } = tracked();
    tracker.complete({ a: 1 });
    expect(sent()).toEqual([
      ['progress', { percent: 100 }],
      ['result', { a: 1 }],
    ]);
    expect(tracker.getCurrentProgress()).toBe(100);
  });

  test('no progress where it stands at 100 already', () => {
    const { tracker, sent } = tracked();
    tracker.setProgress(100);
    tracker.complete(1);
    expect(sent().map(([type]) => type)).toEqual(['progress', 'result']);
  });
});

test('`error(stringOrError)`: the data of an engine’s `error` event', () => {
  const { tracker, sent } = tracked();
  tracker.error('text');
  tracker.error(new Error('plain'));
  tracker.error(new EngineError('coded', -30002, { data: { a: 1 } }));
  expect(sent()).toStrictEqual([
    ['error', { message: 'text' }],
    ['error', { message: 'plain' }],
    ['error', { message: 'coded', code: -30002, data: { a: 1 } }],
  ]);
});

test('`getElapsedTime()`: milliseconds since construction, never less than nothing', () => {
  vi.useFakeTimers({ now: 1000 });
  try {
    const { tracker } = tracked();
    expect(tracker.getElapsedTime()).toBe(0);
    vi.setSystemTime(3500);
    expect(tracker.getElapsedTime()).toBe(2500);
    vi.setSystemTime(10);
    expect(tracker.getElapsedTime()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test('a dispatcher that throws is logged and changes nothing else', () => {
  const tracker = new ProgressTracker('j', () => {
    throw new Error('from the dispatcher');
  });
  tracker.complete(1);
  expect(tracker.getCurrentProgress()).toBe(100);
  expect(lines.filter((line) => line.includes('from the dispatcher'))).toHaveLength(2);
});

test('mistakes are refused by name', () => {
  expect(() => new ProgressTracker(undefined, () => {})).toThrow(
    'ProgressTracker: jobId takes a string; got undefined',
  );
  expect(() => new ProgressTracker('j', 'f')).toThrow("ProgressTracker: dispatcher takes a function; got 'f' (string)");
});

test('overrides are honoured', () => {
  class Mine extends ProgressTracker {
    setProgress(percent, message) {
      super.setProgress(percent / 2, message);
    }
    getCurrentProgress() {
      return super.getCurrentProgress() + 10;
    }
  }
  const { tracker, sent } = tracked(Mine);
  tracker.incrementProgress(10);
  tracker.complete(1);
  expect(sent().map(([type, { percent }]) => [type, percent])).toEqual([
    ['progress', 10],
    ['progress', 50],
    ['result', undefined],
  ]);
});

test('of a StreamHandler, it reaches the subscribers', () => {
  const stream = new StreamHandler();
  const heard = [];
  stream.subscribe('j', ({ type }) => heard.push(type), ['progress', 'complete', 'log', 'partial', 'error']);
  const tracker = stream.createProgressTracker('j');
  tracker.setProgress(50);
  tracker.log('info', 'm');
  tracker.emitPartial(1);
  tracker.complete(2);
  tracker.error('e');
  expect(heard).toEqual(['progress', 'log', 'partial', 'progress', 'result', 'error']);
});
