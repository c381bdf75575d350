import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';

const { createJobStream, ProgressTracker, StreamHandler } = runtime;
const lines = consoleErrors();
afterEach(() => vi.useRealTimers());

/** A tracker, and what it sent. */
function tracked(jobId = 'j') {
  const sent = [];
  const tracker = new ProgressTracker(jobId, (...args) => sent.push(args));
  return { tracker, sent, data: () => sent.map(([{ type, data }]) => [type, data]) };
}
const percents = ({ sent }) => sent.map(([{ data }]) => data.percent);

test('ProgressTracker is no EventEmitter', () => {
  expect(tracked().tracker).not.toBeInstanceOf(EventEmitter);
});

describe('each event is a whole JobEvent', () => {
  test('exactly `{type, jobId, timestamp, data}`, and the dispatcher gets nothing else', () => {
    const { tracker, sent } = tracked('ü/1');
    const began = Date.now();
    tracker.setProgress(5, 'five');
    tracker.log('warn', 'careful', { n: 1 });
    tracker.emitPartial([1]);
    tracker.complete({ done: true });
    const ended = Date.now();
    const at = expect.any(Number);
    expect(sent).toStrictEqual(
      [
        { type: 'progress', jobId: 'ü/1', timestamp: at, data: { percent: 5, message: 'five' } },
        { type: 'log', jobId: 'ü/1', timestamp: at, data: { level: 'warn', message: 'careful', context: { n: 1 } } },
        { type: 'partial', jobId: 'ü/1', timestamp: at, data: [1] },
        { type: 'progress', jobId: 'ü/1', timestamp: at, data: expect.objectContaining({ percent: 100 }) },
        { type: 'result', jobId: 'ü/1', timestamp: at, data: { done: true } },
      ].map((each) => [each]),
    );
    for (const [{ timestamp }] of sent) {
      expect(timestamp).toBeGreaterThanOrEqual(began);
      expect(timestamp).toBeLessThanOrEqual(ended);
    }
  });

  test('a message and a context that were left out are no members', () => {
    const { tracker, sent } = tracked();
    tracker.setProgress(5);
    tracker.log('info', 'text');
    expect(JSON.stringify(sent.map(([{ data }]) => data))).toBe('[{"percent":5},{"level":"info","message":"text"}]');
  });

  test('data is handed on as it is', () => {
    const { tracker, sent } = tracked();
    const values = [undefined, null, 0, '', NaN, Symbol('own'), { cyclic: null }, new Map()];
    values[6].cyclic = values[6];
    for (const value of values) tracker.emitPartial(value);
    expect(sent.map(([{ data }]) => data)).toStrictEqual(values);
    sent.forEach(([{ data }], n) => expect(data).toBe(values[n]));
  });

  test('every method gives undefined', () => {
    const { tracker } = tracked();
    const given = [
      tracker.setProgress(1),
      tracker.incrementProgress(1),
      tracker.log('info', ''),
      tracker.emitPartial(1),
    ];
    expect([...given, tracker.complete(1), tracker.error('x')]).toEqual(Array(6).fill(undefined));
  });
});

describe('`setProgress` clamps to 0–100 and emits only on increase', () => {
  test('it begins at 0, which is no increase', () => {
    const given = tracked();
    expect(given.tracker.getCurrentProgress()).toBe(0);
    given.tracker.setProgress(0, 'begins');
    given.tracker.setProgress(-5);
    given.tracker.setProgress(-Infinity);
    expect([given.tracker.getCurrentProgress(), given.sent]).toEqual([0, []]);
  });

  test('the same, and less, is not sent, and changes nothing, whatever the message', () => {
    const given = tracked();
    for (const percent of [10, 10, 9.999, 0, -1, 20, 10]) given.tracker.setProgress(percent, `at ${percent}`);
    expect([percents(given), given.tracker.getCurrentProgress()]).toEqual([[10, 20], 20]);
  });

  test.each([100.0001, 101, 1e300, Infinity])('%d is 100, once', (percent) => {
    const given = tracked();
    given.tracker.setProgress(percent);
    given.tracker.setProgress(percent);
    given.tracker.setProgress(100);
    expect([percents(given), given.tracker.getCurrentProgress()]).toEqual([[100], 100]);
  });

  test('fractions count', () => {
    const given = tracked();
    for (const percent of [0.001, 0.002, 33.3, 99.999999]) given.tracker.setProgress(percent);
    expect(percents(given)).toEqual([0.001, 0.002, 33.3, 99.999999]);
  });

  test.each([NaN, undefined, {}, 'many', [1, 2], () => {}])(
    '%j is no progress: nothing is sent, nothing breaks',
    (percent) => {
      const given = tracked();
      given.tracker.setProgress(10);
      given.tracker.setProgress(percent);
      given.tracker.incrementProgress(percent);
      expect(given.tracker.getCurrentProgress()).toBe(10);
      given.tracker.setProgress(20);
      expect(percents(given)).toEqual([10, 20]);
    },
  );

  test('the value stands before the dispatcher is called: it may call back', () => {
    const seen = [];
    const tracker = new ProgressTracker('j', ({ type, data }) => {
      seen.push([type, type === 'progress' ? data.percent : data]);
      if (type === 'progress') {
        tracker.setProgress(data.percent);
        tracker.incrementProgress(0);
        if (data.percent < 40) tracker.setProgress(40);
      }
    });
    tracker.setProgress(10);
    tracker.setProgress(30);
    expect([seen, tracker.getCurrentProgress()]).toEqual([
      [
        ['progress', 10],
        ['progress', 40],
      ],
      40,
    ]);
  });
});

describe('`incrementProgress(delta, message?)`', () => {
  test('adds, clamps, and takes the message along', () => {
    const given = tracked();
    given.tracker.incrementProgress(10, 'a');
    given.tracker.incrementProgress(0.5);
    given.tracker.setProgress(50);
    given.tracker.incrementProgress(70, 'b');
    given.tracker.incrementProgress(1);
    expect(percents(given)).toEqual([10, 10.5, 50, 100]);
    expect(given.sent.map(([{ data }]) => data.message)).toEqual(['a', undefined, undefined, 'b']);
  });

  test('nothing and less than nothing is no increase', () => {
    const given = tracked();
    given.tracker.setProgress(50);
    given.tracker.incrementProgress(0);
    given.tracker.incrementProgress(-20);
    given.tracker.incrementProgress(-Infinity);
    expect([percents(given), given.tracker.getCurrentProgress()]).toEqual([[50], 50]);
    given.tracker.incrementProgress(1);
    expect(given.tracker.getCurrentProgress()).toBe(51);
  });
});

describe('`complete(data)`: progress 100, then `result`', () => {
  test('in that order, once each', () => {
    const given = tracked();
    given.tracker.setProgress(30);
    given.tracker.complete('data');
    expect(given.sent.map(([{ type }]) => type)).toEqual(['progress', 'progress', 'result']);
    expect(given.sent[1][0].data.percent).toBe(100);
    expect(given.tracker.getCurrentProgress()).toBe(100);
  });

  test('already at 100 it is not said again', () => {
    const given = tracked();
    given.tracker.setProgress(100);
    given.tracker.complete(undefined);
    expect(given.data()).toEqual([
      ['progress', { percent: 100 }],
      ['result', undefined],
    ]);
  });
});

describe('`error(stringOrError)`', () => {
  test.each([
    ['a string', 'it broke', { message: 'it broke' }],
    ['an empty one', '', { message: '' }],
    ['an Error', new TypeError('it broke'), { message: 'it broke' }],
    [
      'one with a code',
      Object.assign(new Error('no file'), { code: 'ENOENT' }),
      { message: 'no file', code: 'ENOENT' },
    ],
    ['an EngineError', new runtime.EngineError('no model', -30002), { message: 'no model', code: -30002 }],
  ])('%s', (_, error, expected) => {
    const given = tracked();
    given.tracker.setProgress(40);
    given.tracker.error(error);
    expect(given.data().slice(1)).toEqual([['error', expect.objectContaining(expected)]]);
    expect(given.tracker.getCurrentProgress()).toBe(40);
    // It goes wherever an engine's event goes: into a log, another process, a replay.
    expect(JSON.parse(JSON.stringify(given.sent[1][0].data)).message).toBe(expected.message);
  });
});

describe('a dispatcher that throws is logged and changes nothing else', () => {
  test('the progress stands, and the result follows', () => {
    const types = [];
    const tracker = new ProgressTracker('j', ({ type }) => {
      types.push(type);
      throw new Error('from the dispatcher');
    });
    tracker.setProgress(10);
    tracker.complete(1);
    tracker.error('x');
    expect([types, tracker.getCurrentProgress()]).toEqual([['progress', 'progress', 'result', 'error'], 100]);
    expect(lines.filter((line) => line.includes('from the dispatcher'))).toHaveLength(4);
  });
});

describe('`getElapsedTime()`: milliseconds since it was made', () => {
  test('they run', () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance', 'hrtime'] });
    const { tracker } = tracked();
    expect(tracker.getElapsedTime()).toBe(0);
    vi.advanceTimersByTime(1234);
    expect(tracker.getElapsedTime()).toBeCloseTo(1234, 0);
  });

  test('never negative, also when the clock is set back', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { tracker } = tracked();
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(tracker.getElapsedTime()).toBeGreaterThanOrEqual(0);
  });

  test('they go on after the end', () => {
    const { tracker } = tracked();
    tracker.complete(1);
    const at = tracker.getElapsedTime();
    expect(Number.isFinite(at)).toBe(true);
    expect(tracker.getElapsedTime()).toBeGreaterThanOrEqual(at);
  });
});

describe('`new ProgressTracker(jobId, dispatcher)`: what cannot be meant is refused by name', () => {
  test.each([
    ['jobId', [undefined, () => {}]],
    ['jobId', [() => {}, () => {}]],
    ['dispatcher', ['j']],
    ['dispatcher', ['j', null]],
    ['dispatcher', ['j', {}]],
    ['dispatcher', ['j', new StreamHandler()]],
  ])('%s: case %#', (name, args) => {
    expect(() => new ProgressTracker(...args)).toThrow(TypeError);
    expect(() => new ProgressTracker(...args)).toThrow(new RegExp(`^ProgressTracker: ${name} takes .+; got .+`));
  });
});

describe('`createProgressTracker(jobId)`', () => {
  test('a ProgressTracker whose events are dispatched here', async () => {
    const stream = new StreamHandler();
    const tracker = stream.createProgressTracker('j');
    expect(tracker).toBeInstanceOf(ProgressTracker);
    const jobStream = createJobStream(stream, 'j');
    const all = [];
    stream.on('event', ({ type }) => all.push(type));
    tracker.setProgress(50, 'half');
    tracker.log('info', 'text');
    tracker.emitPartial('part');
    tracker.complete('end');
    const got = [];
    for await (const { type, data } of jobStream) got.push([type, data]);
    expect(got).toEqual([
      ['progress', { percent: 50, message: 'half' }],
      ['partial', 'part'],
      ['progress', { percent: 100 }],
      ['result', 'end'],
    ]);
    expect(all).toEqual(['progress', 'log', 'partial', 'progress', 'result']);
  });

  test('an `error` without a listener does not throw; two trackers of a job are apart', () => {
    const stream = new StreamHandler();
    const [one, other] = [stream.createProgressTracker('j'), stream.createProgressTracker('j')];
    one.setProgress(60);
    expect(other.getCurrentProgress()).toBe(0);
    expect(() => other.error(new Error('of the job'))).not.toThrow();
    expect(lines).toEqual([]);
  });

  test('what is no job id is refused', () => {
    expect(() => new StreamHandler().createProgressTracker()).toThrow(TypeError);
  });
});
