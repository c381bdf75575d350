import { EventEmitter } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { double, settled } from '../support/engine-doubles.js';
import { eventually } from '../support/eventually.js';
import { failureOf, quietly } from '../support/job-engines.js';

const { EngineError, ErrorCodes, JobManager } = runtime;
const logged = consoleErrors();

describe('any object with call, isReady, onJobEvent serves as the engine', () => {
  test('its methods are called as methods of it, and no others', async () => {
    const engine = double();
    const jobs = new JobManager(engine);
    const payload = { imagePath: 'scan.png' };
    const promise = jobs.submit('ocr', payload);
    await settled();
    expect(engine.calls).toEqual([['jobs.start', { type: 'ocr', payload, priority: 'normal' }]]);
    expect(engine.watched()).toEqual(['e']);
    engine.emit('progress', 'e', { percent: 50 });
    expect(jobs.getStatus(promise.jobId)).toMatchObject({ state: 'running', progress: 50 });
    const data = { text: 'extracted' };
    engine.emit('result', 'e', data);
    await expect(promise).resolves.toStrictEqual({ success: true, data });
    expect(engine.watched()).toEqual([]);
  });

  test('call may answer with a value, a promise or a thenable', async () => {
    const answers = [{ jobId: 'a' }, Promise.resolve({ jobId: 'b' }), { then: (done) => done({ jobId: 'c' }) }];
    const engine = double(() => answers.shift());
    const jobs = new JobManager(engine, { concurrency: 3 });
    const promises = [1, 2, 3].map((n) => jobs.submit('t', n));
    await settled();
    for (const id of ['a', 'b', 'c']) engine.emit('result', id, id);
    expect((await Promise.all(promises)).map(({ data }) => data)).toEqual(['a', 'b', 'c']);
  });

  test.each([
    [
      'throws',
      () => {
        throw new RangeError('no');
      },
      RangeError,
      'no',
    ],
    ['rejects', () => Promise.reject(new RangeError('no')), RangeError, 'no'],
    ['rejects with a text', () => Promise.reject('no'), Error, 'no'],
    ['rejects with an object', () => Promise.reject({ code: 7 }), Error, '{"code":7}'],
    ['rejects with nothing', () => Promise.reject(), Error, undefined],
    ['rejects with null', () => Promise.reject(null), Error, undefined],
    ['rejects with a cycle', () => Promise.reject(Object.assign([], { 0: globalThis })), Error, undefined],
    ['rejects with a BigInt', () => Promise.reject(1n), Error, undefined],
  ])('a call that %s is a start error, always an Error', async (_, answer, type, message) => {
    const engine = double(answer);
    const jobs = new JobManager(engine, { concurrency: 1 });
    for (const n of [1, 2]) {
      const error = await failureOf(jobs.submit('t', { n }));
      expect(error).toBeInstanceOf(type);
      if (message !== undefined) expect(error.message).toBe(message);
    }
    expect(jobs.getStats()).toMatchObject({ failed: 2, active: 0 });
  });

  test('the start error is the very error that call gave, also behind retries', async () => {
    const given = Object.assign(new Error('mine'), { code: 'E_MINE' });
    const asked = [];
    const jobs = new JobManager(
      double(() => Promise.reject(given)),
      {
        retryDelay: 0,
        shouldRetry: (error) => asked.push(error),
      },
    );
    expect(await failureOf(jobs.submit('t', {}, { retries: 2 }))).toBe(given);
    expect(asked).toEqual([given, given]);
    expect(asked[0]).toBe(given);
  });

  test('jobs wait while isReady() is false, and go by themselves when it is true', async () => {
    const engine = double();
    engine.ready = false;
    const jobs = new JobManager(engine);
    const promise = jobs.submit('t', {});
    await settled();
    expect(engine.calls).toEqual([]);
    expect(jobs.getJobs()).toMatchObject([{ state: 'pending' }]);
    engine.ready = true;
    await eventually(() => jobs.getStatus(promise.jobId).state === 'running', 'the start');
    engine.emit('result', 'e', 1);
    await promise;
  });

  test('an isReady that throws counts as not ready, and is logged', async () => {
    const engine = double();
    vi.spyOn(engine, 'isReady').mockImplementation(() => {
      throw new Error('a defect of the double');
    });
    const jobs = new JobManager(engine);
    const promise = quietly(jobs.submit('t', {}));
    expect(engine.calls).toEqual([]);
    expect(logged.join()).toContain('a defect of the double');
    await promise.cancel();
  });

  test.each([
    ['returns nothing', () => undefined],
    ['calls its handler at once', (jobId, handler) => handler({ type: 'result', jobId, timestamp: 1, data: 'now' })],
  ])('an onJobEvent that %s', async (_, onJobEvent) => {
    const engine = { ...double(), onJobEvent };
    const jobs = new JobManager(engine);
    const promise = quietly(jobs.submit('t', {}, { timeout: 50 }));
    const outcome = await promise.catch((error) => error);
    if (outcome instanceof Error) expect(outcome.code).toBe(ErrorCodes.JOB_TIMEOUT);
    else expect(outcome).toEqual({ success: true, data: 'now' });
    expect(jobs.getJobs()).toEqual([]);
  });

  test('an onJobEvent that throws fails the job with that error: its end would never be heard', async () => {
    const engine = double();
    const thrown = new Error('a defect of the double');
    const onJobEvent = vi.spyOn(engine, 'onJobEvent').mockImplementationOnce(() => {
      throw thrown;
    });
    const jobs = new JobManager(engine, { concurrency: 1 });
    expect(await failureOf(jobs.submit('t', {}))).toBe(thrown);
    const next = jobs.submit('t', {});
    await settled();
    engine.emit('result', 'e', 'next');
    await expect(next).resolves.toEqual({ success: true, data: 'next' });
    expect(onJobEvent).toHaveBeenCalledTimes(2);
  });

  test('a job that ends inside onJobEvent: its handler is taken away all the same', async () => {
    const engine = double();
    const unsubscribe = vi.fn();
    engine.onJobEvent = (jobId, handler) => {
      handler({ type: 'result', jobId, timestamp: 1, data: 'now' });
      return unsubscribe;
    };
    await expect(new JobManager(engine).submit('t', {})).resolves.toEqual({ success: true, data: 'now' });
    await settled();
    expect(unsubscribe).toHaveBeenCalledTimes(1);
  });

  test('a jobs.cancel that throws → false, and the job goes on', async () => {
    const engine = double((method) => {
      if (method === 'jobs.start') return { jobId: 'e' };
      throw new Error('cannot');
    });
    const jobs = new JobManager(engine);
    const promise = jobs.submit('t', {});
    await settled();
    await expect(promise.cancel()).resolves.toBe(false);
    engine.emit('result', 'e', 1);
    await expect(promise).resolves.toMatchObject({ success: true });
  });

  test('the engine’s error event', async () => {
    const engine = double();
    const promise = quietly(new JobManager(engine).submit('t', {}));
    await settled();
    engine.emit('error', 'e', { message: 'no ink', code: 3, data: { left: 0 } });
    const error = await failureOf(promise);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ message: 'no ink', code: 3, data: { left: 0 }, jobId: promise.jobId });
  });
});

describe('on/off are used where present', () => {
  /** A double with the events of an EngineClient. */
  function emitting(answer) {
    const events = new EventEmitter();
    return Object.assign(double(answer), {
      on: (name, listener) => events.on(name, listener),
      off: (name, listener) => events.off(name, listener),
      tell: (name, data) => events.emit(name, { type: name, timestamp: 1, data }),
      events,
    });
  }

  test('ready moves the queue at once', async () => {
    const engine = emitting();
    engine.ready = false;
    const jobs = new JobManager(engine);
    const promise = quietly(jobs.submit('t', {}));
    engine.ready = true;
    engine.tell('ready', null);
    expect(engine.calls).toHaveLength(1);
    engine.tell('exit', { code: 1, signal: null });
    expect((await failureOf(promise)).code).toBe('ENGINE_EXITED');
  });

  test('an event that overtakes the answer is not lost', async () => {
    let answer;
    const engine = emitting(() => new Promise((resolve) => (answer = resolve)));
    const jobs = new JobManager(engine);
    const promise = jobs.submit('t', {});
    engine.tell('job:complete', { type: 'result', jobId: 'e', timestamp: 1, data: 'early' });
    answer({ jobId: 'e' });
    await expect(promise).resolves.toEqual({ success: true, data: 'early' });
  });

  test('nothing listens to job events behind the last job, and listeners do not pile up', async () => {
    const engine = emitting();
    const jobs = new JobManager(engine, { concurrency: 1 });
    const count = () => engine.events.eventNames().reduce((sum, name) => sum + engine.events.listenerCount(name), 0);
    const before = count();
    for (let n = 0; n < 30; n += 1) {
      const promise = jobs.submit('t', { n });
      await settled();
      engine.emit('result', 'e', n);
      await promise;
    }
    expect(count()).toBe(before);
    expect(engine.events.listenerCount('job:complete')).toBe(0);
  });

  test('an engine with on alone, without off', async () => {
    const { off, ...engine } = emitting();
    const jobs = new JobManager(engine);
    const promise = jobs.submit('t', {});
    await settled();
    engine.emit('result', 'e', 'done');
    await expect(promise).resolves.toEqual({ success: true, data: 'done' });
    expect(typeof off).toBe('function');
  });
});
