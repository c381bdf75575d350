import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { ENGINES, HEARD_ENGINES, OUR_ENGINES, failureOf, managed } from '../support/job-engines.js';

const { EngineError, ErrorCodes } = runtime;
consoleErrors();

describe.each(ENGINES)('over %s', (kind) => {
  test.each([
    ['the string', 'out of paper', 'out of paper', ErrorCodes.INTERNAL_ERROR],
    ['an empty string', '', '', ErrorCodes.INTERNAL_ERROR],
    ['its message field', { message: 'out of ink' }, 'out of ink', ErrorCodes.INTERNAL_ERROR],
    ['its message, with its own code', { message: 'no model', code: -30001, data: 7 }, 'no model', -30001],
    ['a code that is a text', { message: 'm', code: 'E_INK' }, 'm', 'E_INK'],
    ['its JSON', { reason: 'ink', left: [1, null] }, '{"reason":"ink","left":[1,null]}', ErrorCodes.INTERNAL_ERROR],
    ['its JSON, with its own code', { code: 12 }, '{"code":12}', 12],
    ['its JSON, when message is no string', { message: 5 }, '{"message":5}', ErrorCodes.INTERNAL_ERROR],
    ['its JSON: a list', ['a', { b: 1 }], '["a",{"b":1}]', ErrorCodes.INTERNAL_ERROR],
    ['its JSON: a number', 42, '42', ErrorCodes.INTERNAL_ERROR],
    ['its JSON: null', null, 'null', ErrorCodes.INTERNAL_ERROR],
  ])('the engine’s error event; message: %s', async (_, data, message, code) => {
    const { jobs } = await managed(kind);
    const promise = jobs.submit('t', { behind: [['error', data]] });
    const error = await failureOf(promise);
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(EngineError);
    expect([error.message, error.code, error.jobId]).toEqual([message, code, promise.jobId]);
    expect(error.data).toBe(data !== null && typeof data === 'object' ? data.data : undefined);
  });

  test('an error event without data', async () => {
    const { jobs } = await managed(kind);
    const error = await failureOf(jobs.submit('t', { behind: [['error']] }));
    expect(error).toBeInstanceOf(EngineError);
    expect(typeof error.message).toBe('string');
    expect(error.code).toBe(ErrorCodes.INTERNAL_ERROR);
  });

  test('Job timeout (ErrorCodes.JOB_TIMEOUT)', async () => {
    const { jobs } = await managed(kind);
    const promise = jobs.submit('t', {}, { timeout: 30 });
    const error = await failureOf(promise);
    expect(error).toBeInstanceOf(EngineError);
    expect([error.message, error.code, error.jobId]).toEqual(['Job timeout', -31004, promise.jobId]);
  });

  test.each(['queued', 'running'])('Job cancelled (JOB_CANCELLED): %s', async (where) => {
    const { jobs, submit, inState } = await managed(kind, { concurrency: 1 });
    const first = submit('t', {});
    const promise = where === 'queued' ? submit('t', {}) : first;
    if (where === 'running') await inState(promise.jobId, 'running');
    await jobs.cancel(promise.jobId);
    const error = await failureOf(promise);
    expect(error).toBeInstanceOf(EngineError);
    expect([error.message, error.code, error.jobId]).toEqual(['Job cancelled', -31003, promise.jobId]);
  });

  test('the start error: the engine’s own', async () => {
    const { jobs } = await managed(kind);
    const start = { code: -32602, message: 'payload is wrong', data: { field: 'imagePath' } };
    const error = await failureOf(jobs.submit('t', { start }));
    expect(error).toBeInstanceOf(EngineError);
    expect([error.message, error.code, error.data]).toEqual(['payload is wrong', -32602, { field: 'imagePath' }]);
    expect(error.method).toBe('jobs.start');
  });

  test.each([
    ['null', null],
    ['an object without jobId', {}],
    ['jobId: null', { jobId: null }],
    ['a string', 'e1'],
    ['a number', 7],
    ['a list', []],
    ['true', true],
  ])('an answer without jobId is a start error: %s', async (_, answer) => {
    const { jobs } = await managed(kind, { concurrency: 1 });
    const promise = jobs.submit('t', { answer });
    const error = await failureOf(promise);
    expect(error).toBeInstanceOf(EngineError);
    expect([error.code, error.jobId]).toEqual([ErrorCodes.INTERNAL_ERROR, promise.jobId]);
    expect(error.message).toContain('jobId');
    await expect(jobs.submit('t', { behind: [['result', 1]] })).resolves.toMatchObject({ success: true });
  });

  test.each([[0], [7], [''], ['a "quoted" one \u2028'], [false], [{ run: 1, job: [2] }]])(
    'any other jobId is one: %j',
    async (id) => {
      const { jobs, submit, say, inState } = await managed(kind);
      const promise = submit('t', { answer: { jobId: id } });
      await inState(promise.jobId, 'running');
      expect(jobs.getStatus(promise.jobId).engineJobId).toEqual(id);
      await say(['result', id, 'of it']);
      await expect(promise).resolves.toEqual({ success: true, data: 'of it' });
    },
  );

  test('engine ids are compared as JSON values: 1 is not "1"', async () => {
    const { submit, say, inState } = await managed(kind);
    const number = submit('t', { answer: { jobId: 1 } });
    const text = submit('t', { answer: { jobId: '1' } });
    await inState(number.jobId, 'running');
    await inState(text.jobId, 'running');
    await say(['result', '1', 'text'], ['result', 1, 'number']);
    expect([(await number).data, (await text).data]).toEqual(['number', 'text']);
  });
});

describe.each(HEARD_ENGINES)('over %s', (kind) => {
  test('Engine process exited: a running job and one whose jobs.start is unanswered', async () => {
    const { jobs, submit, exit, inState, askedTimes } = await managed(kind, {}, { autoRestart: false });
    const running = submit('t', {});
    const starting = submit('t', { start: 'later' });
    await inState(running.jobId, 'running');
    await askedTimes('jobs.start', 2);
    await exit();
    for (const promise of [running, starting]) {
      const error = await failureOf(promise);
      expect(error).toBeInstanceOf(EngineError);
      expect([error.message, error.code]).toEqual(['Engine process exited', 'ENGINE_EXITED']);
      expect(jobs.getStatus(promise.jobId).state).toBe('failed');
    }
  });
});

describe.each(OUR_ENGINES)('over %s', (kind) => {
  test('Engine shutting down: running jobs at stop(), not retried', async () => {
    const retries = [];
    const { client, jobs, submit, inState, askedTimes } = await managed(kind, { retryOnFailure: true, retryDelay: 0 });
    jobs.on('job:retry', (event) => retries.push(event));
    const running = submit('t', {});
    const starting = submit('t', { start: 'later' });
    await inState(running.jobId, 'running');
    await askedTimes('jobs.start', 2);
    await client.stop();
    for (const promise of [running, starting]) {
      const error = await failureOf(promise);
      expect(error).toBeInstanceOf(EngineError);
      expect([error.message, error.code]).toEqual(['Engine shutting down', 'SHUTTING_DOWN']);
    }
    expect(retries).toEqual([]);
    expect(jobs.getJobs()).toEqual([]);
  });

  test('the start error: Request timeout: jobs.start', async () => {
    const { jobs } = await managed(kind, {}, { requestTimeout: 50 });
    const promise = jobs.submit('t', { start: 'later' });
    const error = await failureOf(promise);
    expect(error).toBeInstanceOf(EngineError);
    expect([error.message, error.code]).toEqual(['Request timeout: jobs.start', 'REQUEST_TIMEOUT']);
    expect(error.method).toBe('jobs.start');
  });
});
