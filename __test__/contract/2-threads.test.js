import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { collect } from '../support/events.js';

const { EngineClient, JobManager } = runtime;
const logged = consoleErrors();

class Overriding extends EngineClient {
  call(...args) {
    return super.call(...args);
  }
}

/** Submits so many jobs, each with a payload of its own, and checks that each got its own result. */
async function runJobs(client, count, concurrency) {
  const jobs = new JobManager(client, { concurrency, defaultTimeout: 25_000 });
  const completed = [];
  jobs.on('job:completed', ({ jobId, success }) => completed.push(`${jobId} ${success}`));
  const submitted = Array.from({ length: count }, (_, n) => jobs.submit('fast', { n, text: `é ${n}` }));
  const results = await Promise.all(submitted);
  const engineIds = new Set();
  results.forEach((result, n) => {
    expect(result.success).toBe(true);
    expect(result.data.payload).toEqual({ n, text: `é ${n}` });
    engineIds.add(result.data.jobId);
  });
  expect(engineIds.size).toBe(count);
  expect(completed.sort()).toEqual(submitted.map(({ jobId }) => `${jobId} true`).sort());
  expect([jobs.getQueueLength(), jobs.getActiveCount()]).toEqual([0, 0]);
}

describe('an engine in Python that prints from several threads, {…}{…} and two newlines', () => {
  test.each([
    ['native path', 1000, 4, EngineClient],
    ['native path', 20_000, 16, EngineClient],
    ['JavaScript path', 1000, 4, Overriding],
  ])(
    'on the %s, %i fast jobs at concurrency %i each settle with their own result',
    async (_, count, concurrency, Client) => {
      const client = await startedEngine('glues-values.py', { Client });
      const noise = collect(client, 'stdout');
      await runJobs(client, count, concurrency);
      expect(noise).toEqual([]);
      expect(logged).toEqual([]);
    },
  );

  test('calls between the jobs get their own answers', async () => {
    const client = await startedEngine('glues-values.py');
    const calls = [];
    const jobs = runJobs(client, 2000, 8);
    for (let n = 0; n < 2000; n += 1) calls.push(client.call(`method ${n}`));
    for (const answer of await Promise.all(calls)) expect(answer).toEqual({ status: 'ok' });
    await jobs;
  });
});
