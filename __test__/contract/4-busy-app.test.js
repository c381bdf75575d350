import { once } from 'node:events';
import { expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine } from '../support/engines.js';

const { JobManager } = runtime;

consoleErrors();

const TIMEOUT_MS = 1000;

test('an attempt’s timeout runs from the sending of its jobs.start, however long the app was busy before', async () => {
  const client = engine('ends-a-job-behind-a-large-progress.js');
  await client.start();
  client.on('job:progress', () => {});
  const jobs = new JobManager(client, { concurrency: 1 });
  const first = jobs.submit('first', {});
  const second = jobs.submit('second', {}, { timeout: TIMEOUT_MS });
  await once(jobs, 'job:started');
  // Meanwhile the first job ends behind a progress that JavaScript has not taken.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * TIMEOUT_MS);
  await expect(first).resolves.toEqual({ success: true, data: 1 });
  await expect(second).resolves.toEqual({ success: true, data: 2 });
});
