import { expect, test } from 'vitest';
import runtime from '../../index.js';
import { collect } from '../support/events.js';
import { double } from '../support/engine-doubles.js';

const { JobManager } = runtime;

test('a `jobs.start` that meets the limit goes back to the head of its queue: of a remote engine, whose `call` says so later', async () => {
  let refusals = 2;
  const engine = double(async (method, params) => {
    if (method !== 'jobs.start') return {};
    await null;
    if (refusals > 0) {
      refusals -= 1;
      throw Object.assign(new Error('too much waits'), { code: 'BACKPRESSURE' });
    }
    setImmediate(() => engine.emit('result', params.type, `${params.type} is done`));
    return { jobId: params.type };
  });
  const jobs = new JobManager(engine, { concurrency: 1 });
  const started = collect(jobs, 'job:started');
  const retried = collect(jobs, 'job:retry');
  const results = await Promise.all(['a', 'b', 'c'].map((type) => jobs.submit(type, {}, { retries: 0 })));
  expect(results.map(({ data }) => data)).toEqual(['a is done', 'b is done', 'c is done']);
  expect(started.map(({ type }) => type)).toEqual(['a', 'b', 'c']);
  // Nothing was tried: nothing is tried again.
  expect(retried).toEqual([]);
});
