import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { double, settled } from '../support/engine-doubles.js';
import { collect } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { failureOf, quietly } from '../support/job-engines.js';

const { JobManager } = runtime;
// A job that waits for its timeout in vain is what these tests look for.
vi.setConfig({ testTimeout: 10_000 });
const logged = consoleErrors();
afterEach(() => vi.restoreAllMocks());

test('any object with `call`, `isReady`, `onJobEvent` serves as the engine: a function is one', async () => {
  const engine = Object.assign(() => {}, double());
  const jobs = new JobManager(engine);
  const promise = jobs.submit('t', {});
  await settled();
  engine.emit('result', 'e', 'done');
  await expect(promise).resolves.toEqual({ success: true, data: 'done' });
});

test.each([
  ['a function without them', () => {}],
  ['a function with two of them', Object.assign(() => {}, { call() {}, isReady() {} })],
  ['a class, its methods on the prototype', runtime.EngineClient],
])('no engine: %s', (_, engine) => {
  expect(() => new JobManager(engine)).toThrow(TypeError);
});

describe('an onJobEvent that throws: the attempt has failed at once, for its end would never be heard', () => {
  /** A double, and a manager on it with no timeout; `onJobEvent` fails the first `times`. */
  function failing(times, thrown, config) {
    const engine = double();
    const { onJobEvent } = engine;
    let failures = 0;
    engine.onJobEvent = (...args) => {
      if (failures === times) return onJobEvent(...args);
      failures += 1;
      throw thrown;
    };
    const jobs = new JobManager(engine, { concurrency: 1, defaultTimeout: Infinity, retryDelay: 0, ...config });
    return { engine, jobs };
  }

  test('the job rejects with what was thrown, and its slot is free', async () => {
    const thrown = new Error('a defect of the engine');
    const { engine, jobs } = failing(1, thrown);
    const completed = collect(jobs, 'job:completed');
    const first = jobs.submit('t', 1);
    const next = jobs.submit('t', 2);
    expect(await failureOf(first)).toBe(thrown);
    expect(completed).toMatchObject([{ jobId: first.jobId, success: false }]);
    await eventually(() => engine.watched().length > 0, 'the next job');
    engine.emit('result', 'e', 'next');
    await expect(next).resolves.toEqual({ success: true, data: 'next' });
  });

  test('always with an `Error`', async () => {
    const { jobs } = failing(1, 'a text');
    const error = await failureOf(jobs.submit('t', 1));
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe('a text');
  });

  test('with retry left it is tried again', async () => {
    const thrown = new Error('a defect of the engine');
    const { engine, jobs } = failing(2, thrown, { retryOnFailure: true });
    const retries = collect(jobs, 'job:retry');
    const promise = jobs.submit('t', 1);
    await eventually(() => engine.watched().length > 0, 'the third attempt');
    engine.emit('result', 'e', 'at last');
    await expect(promise).resolves.toEqual({ success: true, data: 'at last' });
    expect(retries.map(({ error }) => error)).toEqual([thrown, thrown]);
    expect(retries[0].error).toBe(thrown);
  });
});

test('an isReady that throws is logged once, not at every look; when it fails anew, again', async () => {
  const engine = double();
  let fails = true;
  const isReady = vi.spyOn(engine, 'isReady').mockImplementation(() => {
    if (fails) throw new Error('a defect of the engine');
    return true;
  });
  const jobs = new JobManager(engine);
  const promise = jobs.submit('t', 1);
  await eventually(() => isReady.mock.calls.length >= 4, 'some looks at the engine');
  expect(logged).toEqual(['Error: a defect of the engine']);
  expect(engine.calls).toEqual([]);
  fails = false;
  await eventually(() => engine.watched().length > 0, 'the job');
  engine.emit('result', 'e', 'done');
  await expect(promise).resolves.toEqual({ success: true, data: 'done' });
  expect(logged).toHaveLength(1);
  fails = true;
  const next = quietly(jobs.submit('t', 2));
  expect(logged).toHaveLength(2);
  await next.cancel();
});

describe('`on`/`off` are used where present: with no job left nothing of a manager stays on a long-lived engine', () => {
  /** A double that is told of, its listeners in `events`. */
  function emitting() {
    const events = new EventEmitter();
    return Object.assign(double(), {
      events,
      on: (...args) => events.on(...args),
      off: (...args) => events.off(...args),
    });
  }

  const listeners = ({ events }) => events.eventNames();

  /** A job that has come to its end. */
  async function run(engine, jobs) {
    const promise = jobs.submit('t', {});
    await settled();
    engine.emit('result', 'e', 'done');
    await promise;
  }

  async function cancelled(_, jobs) {
    jobs.pause();
    const promise = quietly(jobs.submit('t', {}));
    await expect(promise.cancel()).resolves.toBe(true);
  }

  async function refused(_, jobs) {
    jobs.drain();
    expect((await failureOf(jobs.submit('t', {}))).code).toBe('SHUTTING_DOWN');
  }

  async function exited(engine, jobs) {
    const promise = quietly(jobs.submit('t', {}));
    await settled();
    expect(engine.events.listenerCount('exit')).toBe(1);
    engine.events.emit('exit', { type: 'exit', timestamp: 1, data: { code: 1, signal: null } });
    expect((await failureOf(promise)).code).toBe('ENGINE_EXITED');
  }

  test('a manager that never had a job', () => {
    const engine = emitting();
    expect(new JobManager(engine).getStats().active).toBe(0);
    expect(listeners(engine)).toEqual([]);
  });

  test.each([
    ['ended', run],
    ['was cancelled in the queue', cancelled],
    ['was refused', refused],
    ['met the engine’s exit', exited],
  ])('the last job %s', async (_, end) => {
    const engine = emitting();
    const jobs = new JobManager(engine);
    await end(engine, jobs);
    await jobs.onIdle();
    expect(listeners(engine)).toEqual([]);
  });

  test('20 managers on one engine, each with a job behind it, make no MaxListenersExceededWarning', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const engine = emitting();
    const managers = [];
    for (let n = 0; n < 20; n += 1) {
      managers.push(new JobManager(engine));
      await run(engine, managers[n]);
    }
    expect(warnings.mock.calls).toEqual([]);
    expect(listeners(engine)).toEqual([]);
    await run(engine, managers[0]);
  });
});
