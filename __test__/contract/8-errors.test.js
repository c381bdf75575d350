import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { next } from '../support/events.js';
import { folder } from '../support/folders.js';
import { failureOf, quietly } from '../support/job-engines.js';

const { EngineError, ErrorCodes, JobManager } = runtime;
consoleErrors();

test('ErrorCodes', () => {
  expect(ErrorCodes).toEqual({
    PARSE_ERROR: -32700,
    INVALID_REQUEST: -32600,
    METHOD_NOT_FOUND: -32601,
    INVALID_PARAMS: -32602,
    INTERNAL_ERROR: -32603,
    JOB_NOT_FOUND: -31001,
    JOB_ALREADY_RUNNING: -31002,
    JOB_CANCELLED: -31003,
    JOB_TIMEOUT: -31004,
    MODEL_NOT_FOUND: -30001,
    MODEL_LOAD_FAILED: -30002,
    INSUFFICIENT_MEMORY: -30003,
    CACHE_MISS: -29001,
    CACHE_FULL: -29002,
  });
});

describe('EngineError extends Error, one class', () => {
  const error = new EngineError('no model', -30001, { data: { id: 'eng' }, method: 'models.load', jobId: 'j' });

  test('code, data?, method?, jobId?', () => {
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ message: 'no model', code: -30001, data: { id: 'eng' } });
    expect(error).toMatchObject({ method: 'models.load', jobId: 'j' });
    expect(error.stack).toContain('no model');
  });

  test('what is not known is not there', () => {
    const plain = new EngineError('m', 'NOT_READY');
    for (const name of ['data', 'method', 'jobId']) expect(name in plain).toBe(false);
  });

  test("its name stays 'Error', as Electron and renderers print it", () => {
    expect(error.name).toBe('Error');
    expect(String(error)).toBe('Error: no model');
    expect(Object.prototype.hasOwnProperty.call(error, 'name')).toBe(false);
    expect(inspect(error)).toContain('no model');
    class Mine extends EngineError {}
    expect(new Mine('m', 1).name).toBe('Error');
  });
});

/** Each code, with the message that apps match on, and how an app comes to it. */
const REACHED = {
  NOT_READY: ['Engine not ready', () => engine('does-as-told.js').call('ping')],
  ALREADY_RUNNING: ['Engine already running', async () => (await startedEngine('does-as-told.js')).start()],
  STARTUP_TIMEOUT: ['Engine startup timeout', () => engine('never-answers.js', { startupTimeout: 50 }).start()],
  REQUEST_TIMEOUT: [
    'Request timeout: unanswered',
    async () => (await startedEngine('does-as-told.js')).call('unanswered', {}, { timeout: 20 }),
  ],
  ENGINE_EXITED: [
    'Engine process exited',
    async () => (await startedEngine('does-as-told.js', { autoRestart: false })).call('exit', {}),
  ],
  SHUTTING_DOWN: [
    'Engine shutting down',
    async () => {
      const client = await startedEngine('does-as-told.js');
      const call = quietly(client.call('unanswered'));
      await client.stop();
      return call;
    },
  ],
  ABORTED: [
    undefined,
    async () => {
      const client = await startedEngine('does-as-told.js');
      return client.call('ping', {}, { signal: { aborted: true, addEventListener() {} } });
    },
  ],
  BACKPRESSURE: [
    undefined,
    async () => {
      const gate = `${folder()}/gate`;
      const client = await startedEngine('stops-reading.js', { args: [gate], maxPendingBytes: 1000 });
      (await import('node:fs')).writeFileSync(gate, '');
      const filler = 'x'.repeat(300_000);
      const calls = [1, 2, 3].map(() => client.call('fill', { filler }));
      return Promise.all(calls.map(quietly));
    },
  ],
  MESSAGE_TOO_LARGE: [
    undefined,
    async () =>
      (await startedEngine('does-as-told.js', { maxMessageBytes: 2000 })).call('echo', { text: 'x'.repeat(5000) }),
  ],
  RESTART_LIMIT: [
    undefined,
    async () => {
      const client = engine('exits-after-health.js', { args: [`${folder()}/starts`], restartDelay: 0, maxRestarts: 1 });
      const limit = next(client, 'error', ({ data }) => data.code === 'RESTART_LIMIT');
      await client.start();
      throw (await limit).data;
    },
  ],
  QUEUE_FULL: [undefined, () => new JobManager(engine('does-as-told.js'), { maxQueueSize: 0 }).submit('t', {})],
  DUPLICATE_ID: [
    undefined,
    () => {
      const jobs = new JobManager(engine('does-as-told.js'));
      jobs.submit('t', {}, { id: 'x' });
      return jobs.submit('t', {}, { id: 'x' });
    },
  ],
};

describe('code is one of the strings; messages are kept word for word', () => {
  test.each(Object.entries(REACHED))('%s', async (code, [message, way]) => {
    const error = await failureOf(way());
    expect(error).toBeInstanceOf(EngineError);
    expect(error.code).toBe(code);
    if (message === undefined) expect(error.message.length).toBeGreaterThan(10);
    else expect(error.message).toBe(message);
  });
});

describe('code is the number of the ErrorCodes name where one is named', () => {
  test('PARSE_ERROR', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const pieces = [Buffer.from('{"jsonrpc":"2.0","id":"@ID@","result":NaN}\n').toString('base64')];
    const error = await failureOf(client.call('say', { pieces }));
    expect(error).toBeInstanceOf(EngineError);
    expect(error.code).toBe(ErrorCodes.PARSE_ERROR);
  });

  test.each([
    ['JOB_TIMEOUT', { timeout: 20 }, () => {}],
    ['JOB_CANCELLED', {}, (promise) => promise.cancel()],
  ])('%s', async (name, options, after) => {
    const jobs = new JobManager(await startedEngine('keeps-jobs-running.js'));
    const promise = quietly(jobs.submit('t', {}, options));
    after(promise);
    const error = await failureOf(promise);
    expect(error).toBeInstanceOf(EngineError);
    expect([error.code, error.jobId]).toEqual([ErrorCodes[name], promise.jobId]);
  });
});

describe('code is the engine’s', () => {
  test.each([[-32601], [0], [1e6], ['E_CUSTOM'], [-0.5]])('%s', async (code) => {
    const client = await startedEngine('does-as-told.js');
    const error = await failureOf(client.call('fail', { error: { code, message: 'as told', data: [1] } }));
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code, message: 'as told', data: [1], method: 'fail' });
  });
});
