import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { ENGINES, failureOf, managed } from '../support/job-engines.js';

const { EngineError, ErrorCodes } = runtime;
consoleErrors();

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe.each(ENGINES)('submit over %s', (kind) => {
  test('a promise of {success: true, data}', async () => {
    const { jobs } = await managed(kind);
    const data = { text: 'grüße 🎉', list: [1, null, { a: '' }] };
    await expect(jobs.submit('ocr', { behind: [['result', data]] })).resolves.toStrictEqual({ success: true, data });
  });

  test('data that is null, false, 0, "" or missing', async () => {
    const { jobs } = await managed(kind);
    for (const data of [null, false, 0, '', []]) {
      await expect(jobs.submit('t', { behind: [['result', data]] })).resolves.toStrictEqual({ success: true, data });
    }
    const { success, data } = await jobs.submit('t', { behind: [['result']] });
    expect([success, data]).toEqual([true, undefined]);
  });

  test('the promise also has jobId and cancel()', async () => {
    const { jobs, submit } = await managed(kind);
    const promise = submit('t', {});
    expect(promise.jobId).toMatch(UUID);
    expect(jobs.getJobs()).toEqual([expect.objectContaining({ id: promise.jobId, type: 't' })]);
    await expect(promise.cancel()).resolves.toBe(true);
    expect((await failureOf(promise)).code).toBe(ErrorCodes.JOB_CANCELLED);
    await expect(promise.cancel()).resolves.toBe(false);
  });

  test('the promise is a Promise; what its then, catch and finally return is a plain one', async () => {
    const { submit } = await managed(kind);
    const promise = submit('t', { behind: [['result', 1]] });
    expect(promise).toBeInstanceOf(Promise);
    for (const derived of [promise.then(), promise.catch(() => {}), promise.finally(() => {})]) {
      expect(Object.getPrototypeOf(derived)).toBe(Promise.prototype);
      expect('jobId' in derived).toBe(false);
    }
    expect(Object.keys(promise)).toEqual([]);
    await promise;
  });

  test('id: the app’s own; of a live job it rejects DUPLICATE_ID', async () => {
    const { jobs, submit, say } = await managed(kind, { concurrency: 1 });
    const running = submit('t', { id: 'e' }, { id: 'scan 1' });
    const queued = submit('t', {}, { id: 'scan 2' });
    expect(running.jobId).toBe('scan 1');
    for (const id of ['scan 1', 'scan 2']) {
      const error = await failureOf(jobs.submit('t', {}, { id }));
      expect(error).toBeInstanceOf(EngineError);
      expect([error.code, error.jobId]).toEqual(['DUPLICATE_ID', id]);
    }
    await say(['result', 'e', 1]);
    await running;
    queued.cancel();
    const again = jobs.submit('t', { behind: [['result', 'again']] }, { id: 'scan 1' });
    await expect(again).resolves.toStrictEqual({ success: true, data: 'again' });
  });

  test('a job of a refused id changes nothing for the job that has it', async () => {
    const { jobs, submit, say } = await managed(kind);
    const first = submit('t', { id: 'e' }, { id: 'x' });
    const second = submit('t', {}, { id: 'x' });
    await failureOf(second);
    await expect(second.cancel()).resolves.toBe(false);
    await say(['result', 'e', 'mine']);
    await expect(first).resolves.toEqual({ success: true, data: 'mine' });
    expect(jobs.getStats().completed).toBe(1);
  });

  test('maxQueueSize: past it submit rejects QUEUE_FULL', async () => {
    const { jobs, submit } = await managed(kind, { concurrency: 1, maxQueueSize: 2 });
    const taken = [1, 2, 3].map(() => submit('t', {}));
    expect(jobs.getQueueLength()).toBe(2);
    const error = await failureOf(jobs.submit('t', {}, { id: 'fourth' }));
    expect(error).toBeInstanceOf(EngineError);
    expect([error.code, error.jobId]).toEqual(['QUEUE_FULL', 'fourth']);
    expect(jobs.getStatus('fourth')).toBe(null);
    await taken[1].cancel();
    submit('t', {});
    expect(jobs.getQueueLength()).toBe(2);
  });

  test('maxQueueSize 0: a job with a slot free is taken', async () => {
    const { jobs } = await managed(kind, { concurrency: 1, maxQueueSize: 0 });
    await expect(jobs.submit('t', { behind: [['result', 1]] })).resolves.toMatchObject({ success: true });
  });

  test('the payload reaches the engine as it is, with type and priority and nothing else', async () => {
    const { submit, asked, inState } = await managed(kind, { concurrency: Infinity });
    const payloads = [{ a: { b: ['ü', null, -0.5] } }, 'text', 7, null, false, [], ''];
    const promises = payloads.map((payload) =>
      submit('ocr "1"', payload, { priority: 'low', retries: 2, timeout: 60000 }),
    );
    await Promise.all(promises.map(({ jobId }) => inState(jobId, 'running')));
    expect(await asked('jobs.start')).toEqual(
      payloads.map((payload) => ({ type: 'ocr "1"', payload, priority: 'low' })),
    );
  });
});

describe.each(ENGINES)('signal over %s', (kind) => {
  test('signal aborts as cancel does: a queued job', async () => {
    const { submit, asked } = await managed(kind, { concurrency: 1 });
    submit('t', {});
    const controller = new AbortController();
    const job = submit('t', {}, { signal: controller.signal });
    controller.abort(new Error('the reason is not the error'));
    const error = await failureOf(job);
    expect([error.message, error.code, error.jobId]).toEqual(['Job cancelled', ErrorCodes.JOB_CANCELLED, job.jobId]);
    expect(await asked('jobs.cancel')).toEqual([]);
  });

  test('a running job', async () => {
    const { submit, asked, inState } = await managed(kind);
    const controller = new AbortController();
    const job = submit('t', { id: 'e' }, { signal: controller.signal });
    await inState(job.jobId, 'running');
    controller.abort();
    expect((await failureOf(job)).message).toBe('Job cancelled');
    expect(await asked('jobs.cancel')).toEqual([{ jobId: 'e' }]);
  });

  test('one that is aborted already: the job is not started', async () => {
    const { jobs, asked } = await managed(kind);
    const error = await failureOf(jobs.submit('t', {}, { signal: AbortSignal.abort(), id: 'x' }));
    expect([error.message, error.code, error.jobId]).toEqual(['Job cancelled', ErrorCodes.JOB_CANCELLED, 'x']);
    expect(await asked('jobs.start')).toEqual([]);
  });

  test('anything with aborted and addEventListener; left alone when the job has ended', async () => {
    const { jobs } = await managed(kind);
    const emitter = new EventEmitter();
    const signal = {
      aborted: false,
      addEventListener: (name, listener) => emitter.on(name, listener),
      removeEventListener: (name, listener) => emitter.off(name, listener),
    };
    const job = jobs.submit('t', { behind: [['result', 1]] }, { signal });
    expect(emitter.listenerCount('abort')).toBe(1);
    await job;
    expect(emitter.listenerCount('abort')).toBe(0);
    const lasting = { aborted: false, addEventListener: signal.addEventListener };
    await jobs.submit('t', { behind: [['result', 1]] }, { signal: lasting });
    emitter.emit('abort');
    expect(jobs.getStats().cancelled).toBe(0);
  });
});
