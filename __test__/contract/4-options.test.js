import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { failureOf } from '../support/job-engines.js';

const { EngineClient, JobManager } = runtime;

const noEngine = () => ({ call: () => new Promise(() => {}), isReady: () => false, onJobEvent: () => () => {} });

const COUNT_FROM_1 = 'a whole number from 1 up, or Infinity';
const COUNT_FROM_0 = 'a whole number from 0 up, or Infinity';
const MILLISECONDS = 'milliseconds, a number from 0 up, or Infinity for no limit';
const FACTOR = 'a factor, a finite number from 1 up';
const NO_COUNTS = [-1, 1.5, NaN, '2', null, true, [], {}, 2n];
const NO_DURATIONS = [-1, NaN, '5s', null, false, {}];

/** The value as the message shows it. */
const shown = (value) => {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return 'an array';
  return value !== null && typeof value === 'object' ? 'an object' : String(value);
};
const cases = (table) => table.flatMap(([name, takes, values]) => values.map((value) => [name, takes, value]));

describe('an option of a wrong type or range throws TypeError at construction, naming class and option', () => {
  const wrong = cases([
    ['concurrency', COUNT_FROM_1, [0, ...NO_COUNTS]],
    ['defaultTimeout', MILLISECONDS, NO_DURATIONS],
    ['retryOnFailure', 'true or false', [0, 'yes', null]],
    ['maxRetries', COUNT_FROM_0, NO_COUNTS],
    ['retryDelay', MILLISECONDS, NO_DURATIONS],
    ['retryBackoff', FACTOR, [0, 0.5, NaN, Infinity, '2', null]],
    ['maxQueueSize', COUNT_FROM_0, NO_COUNTS],
    ['maxCompleted', COUNT_FROM_0, NO_COUNTS],
    ['cancelGrace', MILLISECONDS, NO_DURATIONS],
    ['shouldRetry', 'a function', [true, 'always', null, {}]],
  ]);
  test.each(wrong)('%s takes %s; got %s', (name, takes, value) => {
    const build = () => new JobManager(noEngine(), { [name]: value });
    const message = `JobManager: ${name} takes ${takes}; got ${shown(value)} (${typeof value})`;
    expect(build).toThrow(TypeError);
    expect(build).toThrow(new TypeError(message));
  });

  test.each([[null], [7], ['fast'], [[]]])('options that are %s', (config) => {
    expect(() => new JobManager(noEngine(), config)).toThrow(/^JobManager: options takes an object; got /);
  });

  const lacking = (name) => ({ ...noEngine(), [name]: undefined });
  test.each([[undefined], [null], ['engine'], [{}], [lacking('call')], [lacking('isReady')], [lacking('onJobEvent')]])(
    'an engine without one of call, isReady, onJobEvent: %o',
    (engine) => {
      const build = () => new JobManager(engine);
      expect(build).toThrow(TypeError);
      expect(build).toThrow(/^JobManager: engine takes an object with the methods call, isReady and onJobEvent; got /);
    },
  );
});

describe('what is accepted', () => {
  test.each([
    ['nothing', undefined],
    ['undefined, which means the default', { concurrency: undefined, retryBackoff: undefined, shouldRetry: undefined }],
    ['unknown options, which are ignored', { concurency: 'typo', color: 'blue' }],
    ['concurrency: Infinity', { concurrency: Infinity }],
    ['no limits', { defaultTimeout: Infinity, maxQueueSize: Infinity, maxCompleted: Infinity, maxRetries: Infinity }],
    ['zeros', { maxRetries: 0, retryDelay: 0, maxQueueSize: 0, maxCompleted: 0, cancelGrace: 0, defaultTimeout: 0 }],
    ['parts of milliseconds', { retryDelay: 0.5, defaultTimeout: 1e12, cancelGrace: 2 ** 40 }],
  ])('%s', (_, config) => {
    expect(() => new JobManager(noEngine(), config)).not.toThrow();
    expect(() => new JobManager(new EngineClient({ enginePath: 'e' }), config)).not.toThrow();
  });
});

describe('submit rejects options of a wrong type or range with a TypeError', () => {
  const wrong = cases([
    ['priority', "'low' or 'normal' or 'high'", ['urgent', 1, null]],
    ['timeout', MILLISECONDS, NO_DURATIONS],
    ['id', 'a string that is not empty and has no lone surrogates', ['', '\ud800', 'a\udc00b', 7, null, {}]],
    ['signal', 'an AbortSignal', [null, true, {}, 'abort']],
    ['retries', COUNT_FROM_0, NO_COUNTS],
  ]);
  test.each(wrong)('%s takes %s; got %s', async (name, takes, value) => {
    const jobs = new JobManager(noEngine());
    const error = await failureOf(jobs.submit('t', {}, { [name]: value }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(`JobManager.submit: ${name} takes ${takes}; got ${shown(value)} (${typeof value})`);
    expect(jobs.getQueueLength()).toBe(0);
  });

  test.each([[undefined], [null], [7], [{}]])('a type that is %s', async (type) => {
    const error = await failureOf(new JobManager(noEngine()).submit(type, {}));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/^JobManager.submit: type takes a string; got /);
  });

  test('undefined means the default, unknown options are ignored', () => {
    const jobs = new JobManager(noEngine());
    const options = { priority: undefined, timeout: undefined, id: undefined, signal: undefined, retries: undefined };
    jobs.submit('t', {}, { ...options, colour: 'blue' });
    jobs.submit('t', {}, undefined);
    expect(jobs.getJobs().map(({ state }) => state)).toEqual(['pending', 'pending']);
  });
});
