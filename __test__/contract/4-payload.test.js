import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { ENGINES, failureOf, managed } from '../support/job-engines.js';

const NATIVE = ENGINES[0];
const SCRIPT = ENGINES.slice(1);
consoleErrors();

/** The requests about jobs that the manager sends through its engine, from now on. */
function recorded(engine) {
  const calls = [];
  const { call } = engine;
  engine.call = (method, params) => {
    if (method.startsWith('jobs.')) calls.push([method, params]);
    return call.call(engine, method, params);
  };
  return calls;
}

function cycle() {
  const payload = {};
  payload.self = payload;
  return payload;
}

describe('with a slot free, submit calls engine.call("jobs.start", …) before it returns', () => {
  test.each(SCRIPT)('with the caller’s own payload object: %s', async (kind) => {
    const { engine, submit } = await managed(kind, { concurrency: 1 });
    const calls = recorded(engine);
    const payload = { id: 'e', of: new Date(0) };
    submit('ocr', payload, { priority: 'high' });
    expect(calls).toEqual([['jobs.start', { type: 'ocr', payload, priority: 'high' }]]);
    expect(calls[0][1].payload).toBe(payload);
    submit('ocr', {});
    expect(calls).toHaveLength(1);
  });

  test.each(SCRIPT)('without a free slot the object itself is handed over at the start: %s', async (kind) => {
    const { engine, submit, say } = await managed(kind, { concurrency: 1 });
    const calls = recorded(engine);
    const first = submit('t', { id: 'e' });
    const payload = { id: 'f', pages: 1 };
    const second = submit('t', payload);
    payload.pages = 2;
    await say(['result', 'e', 1]);
    await first;
    await say(['result', 'f', 1]);
    await second;
    expect(calls[1][1].payload).toBe(payload);
  });

  test('the native path has written it when the turn ends', async () => {
    const { submit, asked } = await managed(NATIVE);
    submit('t', { id: 'e' });
    // Behind it on the same pipe.
    expect(await asked('jobs.start')).toHaveLength(1);
  });
});

describe('on the native path the payload is read once, inside submit', () => {
  test('later changes do not count', async () => {
    const { submit, say, asked } = await managed(NATIVE, { concurrency: 1, retryDelay: 0 });
    submit('t', { id: 'e' });
    const payload = { id: 'f', pages: 1 };
    const job = submit('t', payload, { retries: 1 });
    payload.pages = 2;
    await say(['result', 'e', 1]);
    await say(['error', 'f', 'once more']);
    await say(['result', 'f', 1]);
    await job;
    expect((await asked('jobs.start')).map(({ payload: sent }) => sent.pages)).toEqual([undefined, 1, 1]);
  });

  test('once, also with retries', async () => {
    const { submit } = await managed(NATIVE, { retryDelay: 0 });
    let reads = 0;
    const payload = {
      toJSON() {
        reads += 1;
        return { attempts: [{ behind: [['error', 'again']] }, { behind: [['result', 'read']] }] };
      },
    };
    const job = submit('t', payload, { retries: 1 });
    expect(reads).toBe(1);
    await expect(job).resolves.toEqual({ success: true, data: 'read' });
    expect(reads).toBe(1);
  });

  test.each([
    ['a BigInt', { size: 2n }],
    ['a cycle', cycle()],
    [
      'a toJSON that throws',
      {
        toJSON() {
          throw new Error('no text for it');
        },
      },
    ],
  ])('what JSON cannot hold rejects there as a start error, not retried: %s', async (_, payload) => {
    const asksRetry = [];
    const { jobs, asked } = await managed(NATIVE, { concurrency: 1, retryOnFailure: true, retryDelay: 0 });
    for (const name of ['job:queued', 'job:started', 'job:retry', 'job:completed'])
      jobs.on(name, () => asksRetry.push(name));
    const job = jobs.submit('t', payload);
    expect(jobs.getActiveCount() + jobs.getQueueLength()).toBe(0);
    const error = await failureOf(job);
    expect(error).toBeInstanceOf(Error);
    expect(asksRetry).toEqual([]);
    await expect(jobs.submit('t', { behind: [['result', 1]] })).resolves.toMatchObject({ success: true });
    expect(await asked('jobs.start')).toHaveLength(1);
  });

  test('a payload of undefined is left out of the request', async () => {
    const { submit, asked } = await managed(NATIVE);
    submit('t', undefined);
    expect(await asked('jobs.start')).toEqual([{ type: 't', priority: 'normal' }]);
  });
});

describe.each(SCRIPT)('over %s', (kind) => {
  test.each([
    ['a BigInt', { size: 2n }],
    ['a cycle', cycle()],
  ])('what JSON cannot hold is the start error of engine.call: %s', async (_, payload) => {
    const { jobs } = await managed(kind, { concurrency: 1 });
    expect(await failureOf(jobs.submit('t', payload))).toBeInstanceOf(TypeError);
    await expect(jobs.submit('t', { behind: [['result', 1]] })).resolves.toMatchObject({ success: true });
  });
});
