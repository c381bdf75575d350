import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { double, settled } from '../support/engine-doubles.js';
import { eventually } from '../support/eventually.js';
import { gc } from '../support/heap.js';
import { failureOf, quietly } from '../support/job-engines.js';

const { EngineError, ErrorCodes, JobManager } = runtime;
consoleErrors();

const cyclic = {};
cyclic.self = cyclic;

describe('values that JSON cannot hold, from an engine that is an object: every job settles exactly once', () => {
  test.each([
    ['a cycle', cyclic],
    ['a BigInt', 1n],
    ['an object with a BigInt', { size: 1n }],
    ['a function', () => {}],
    ['an Error', new RangeError('mine')],
  ])('an error event whose data is %s still fails the job', async (_, data) => {
    const engine = double();
    const jobs = new JobManager(engine);
    const promise = quietly(jobs.submit('t', {}, { timeout: 2000 }));
    await settled();
    engine.emit('error', 'e', data);
    const error = await failureOf(promise);
    expect(error).toBeInstanceOf(EngineError);
    expect(error.code).toBe(ErrorCodes.INTERNAL_ERROR);
    expect(error.message).not.toBe('');
  });

  test('a result that JSON cannot hold is handed over as it is', async () => {
    const engine = double();
    const promise = new JobManager(engine).submit('t', {});
    await settled();
    engine.emit('result', 'e', cyclic);
    expect((await promise).data).toBe(cyclic);
  });

  test.each([
    ['a percent that JSON cannot hold', { percent: 1n }],
    ['a message that JSON cannot hold', { percent: 1, message: cyclic }],
  ])('a progress event with %s harms nobody', async (_, data) => {
    const engine = double();
    const jobs = new JobManager(engine);
    const promise = jobs.submit('t', {});
    await settled();
    expect(() => engine.emit('progress', 'e', data)).not.toThrow();
    engine.emit('result', 'e', 'done');
    await expect(promise).resolves.toMatchObject({ data: 'done' });
  });

  test.each([
    ['a BigInt', 1n],
    ['a cycle', cyclic],
    ['a function', () => {}],
  ])('an answer whose jobId is %s is a start error', async (_, jobId) => {
    const jobs = new JobManager(double(() => ({ jobId })));
    expect(await failureOf(jobs.submit('t', {}, { timeout: 2000 }))).toMatchObject({ code: ErrorCodes.INTERNAL_ERROR });
  });

  test.each([[undefined], [null], ['text'], [{}], [{ type: 'result' }]])(
    'a handler that is called with %o harms nobody',
    async (event) => {
      const engine = double();
      let handler;
      engine.onJobEvent = (_, given) => {
        handler = given;
      };
      const jobs = new JobManager(engine);
      const promise = quietly(jobs.submit('t', {}));
      await settled();
      expect(() => handler(event)).not.toThrow();
      await promise.cancel();
    },
  );
});

test.each([
  ['', {}],
  [', where the app is asked', { shouldRetry: () => true }],
])(
  'what a failed attempt said is kept no longer than somebody may ask for it: nobody hears of retries%s',
  async (_, config) => {
    const said = [];
    let attempts = 0;
    const engine = double(() => {
      attempts += 1;
      if (attempts === 3) return { jobId: 'e' };
      const error = new Error('no');
      said.push(new WeakRef(error));
      return Promise.reject(error);
    });
    const jobs = new JobManager(engine, { retryOnFailure: true, retryDelay: 0, ...config });
    const promise = jobs.submit('t', {});
    await eventually(() => jobs.getJobs()[0].state === 'running', 'the third attempt');
    await eventually(() => {
      gc();
      return said.every((error) => error.deref() === undefined);
    }, 'the end of the errors');
    engine.emit('result', 'e', 'done');
    await expect(promise).resolves.toEqual({ success: true, data: 'done' });
  },
);
