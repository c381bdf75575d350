import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import { ids, job, recovery } from '../support/recovery-folders.js';

const { CrashRecovery, EngineClient } = runtime;
consoleErrors();

const shown = (value) => {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  return value !== null && typeof value === 'object' ? 'an object' : String(value);
};
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const cases = (table) => table.flatMap(([name, ...values]) => values.map((value) => [name, value]));

describe('an option of a wrong type or range throws TypeError: class, option, what it takes, what it got', () => {
  const wrong = cases([
    ['stateDir', 7, null, {}, [], true, Buffer.from('/tmp')],
    ['persistInterval', -1, NaN, '5s', null, {}, 5n],
    ['maxRecoveredJobs', -1, 1.5, NaN, '2', null, {}],
    ['autoRecover', 0, 1, 'yes', null],
    ['onJobRecovery', true, 'always', null, {}],
    ['maxAttempts', -1, 1.5, NaN, '3', null],
    ['manager', null, 7, 'manager', {}, { submit: 1 }, EventEmitter],
  ]);
  test.each(wrong)('%s: %o', (name, value) => {
    const build = () => new CrashRecovery(new EventEmitter(), { stateDir: 'never made', [name]: value });
    expect(build).toThrow(TypeError);
    const got = escaped(`got ${shown(value)} (${typeof value})`);
    expect(build).toThrow(new RegExp(`^CrashRecovery: ${name} takes .+; ${got}$`));
  });

  test.each([[null], [7], ['folder'], [[]]])('options that are %s', (options) => {
    const build = () => new CrashRecovery(new EventEmitter(), options);
    expect(build).toThrow(TypeError);
    expect(build).toThrow(/^CrashRecovery: options takes an object; got /);
  });

  test.each([[undefined], [null], ['engine'], [{}], [{ on: true }]])('an engine without `on`: %o', (engine) => {
    const build = () => new CrashRecovery(engine, { stateDir: 'never made' });
    expect(build).toThrow(TypeError);
    expect(build).toThrow(/^CrashRecovery: engine takes .+; got /);
  });

  // The contract gives `stateDir` no default; whether that is told at once or by `init()` it leaves open.
  test.each([[undefined], [{}], [{ stateDir: undefined }], [{ stateDir: '' }]])(
    'no stateDir is told at construction or by `init()`: %o',
    async (options) => {
      const begin = async () => new CrashRecovery(new EventEmitter(), options).init();
      await expect(begin()).rejects.toBeInstanceOf(Error);
    },
  );
});

describe('what is accepted', () => {
  test.each([
    ['stateDir alone', {}],
    ['undefined, which means the default', { persistInterval: undefined, maxAttempts: undefined, manager: undefined }],
    ['unknown options, which are ignored', { persistIntervall: 'typo', color: 'blue' }],
    ['no limits', { persistInterval: Infinity, maxRecoveredJobs: Infinity, maxAttempts: Infinity }],
    ['zeros', { persistInterval: 0, maxRecoveredJobs: 0 }],
    ['huge numbers', { persistInterval: 2 ** 40, maxRecoveredJobs: Number.MAX_SAFE_INTEGER, maxAttempts: 2 ** 40 }],
    ['parts of milliseconds', { persistInterval: 0.5 }],
  ])('%s', async (_, options) => {
    const one = recovery({ stateDir: folder(), ...options });
    one.trackJob(job('a'));
    await one.init();
    one.trackJob(job('b'));
    await one.shutdown();
    expect(one.getStats().pendingJobs).toBe(2);
  });

  test.each([
    ['an EngineClient', () => new EngineClient({ enginePath: 'e' })],
    ['an object with `on` alone, which gives nothing back', () => ({ on: () => undefined })],
    ['a frozen object', () => Object.freeze({ on: () => undefined })],
  ])('of the engine only `on` is needed: %s', async (_, made) => {
    const one = recovery({ engine: made() });
    await one.init();
    one.trackJob(job('a'));
    await one.shutdown();
    await one.shutdown();
    expect(ids(one.getRecoverableJobs())).toEqual(['a']);
  });

  test('the engine is told of no listener for its `error`: that would hide its errors from the app', async () => {
    const heard = [];
    await recovery({ engine: { on: (name) => heard.push(name) } }).init();
    expect(heard).not.toContain('error');
    expect(heard).toEqual(expect.arrayContaining(['ready', 'restart']));
  });

  test('the options object is read at construction: later changes do not count', async () => {
    const options = { stateDir: folder(), maxRecoveredJobs: 1 };
    const one = new CrashRecovery(new EventEmitter(), options);
    options.maxRecoveredJobs = 5;
    options.stateDir = '/nothing/here';
    one.trackJob(job('a'));
    one.trackJob(job('b'));
    await one.init();
    expect(ids(one.getRecoverableJobs())).toEqual(['a']);
    await one.shutdown();
  });
});

describe('defaults', () => {
  test('`maxRecoveredJobs` 100', () => {
    const one = recovery();
    for (let index = 0; index < 101; index += 1) one.trackJob(job(`job ${index}`));
    expect(one.getRecoverableJobs()).toHaveLength(100);
    expect(one.getRecoverableJobs()[99].id).toBe('job 99');
  });

  test('`autoRecover` true: `init()` and `restart` recover', async () => {
    const engine = new EventEmitter();
    const handed = [];
    const one = recovery({ engine, onJobRecovery: (each) => handed.push(each.id) });
    one.trackJob(job('a'));
    await one.init();
    expect(handed).toEqual(['a']);
    const completed = new Promise((resolve) => one.once('recovery:complete', resolve));
    one.trackJob(job('b'));
    engine.emit('restart', { type: 'restart', timestamp: Date.now(), data: { attempt: 1 } });
    await completed;
    expect(handed).toEqual(['a', 'b']);
  });

  test('a CrashRecovery is an EventEmitter', () => {
    expect(recovery()).toBeInstanceOf(EventEmitter);
  });
});
