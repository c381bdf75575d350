import { expect, test } from 'vitest';
import { ENGINES, failureOf, managed } from '../support/job-engines.js';

test.each(ENGINES)('the promise has `jobId` and `cancel()`, also of a job that is refused: %s', async (kind) => {
  const { jobs } = await managed(kind);
  jobs.drain();
  const promise = jobs.submit('t', {});
  const other = jobs.submit('t', {});
  expect(promise.jobId).toEqual(expect.any(String));
  expect(promise.jobId).not.toBe(other.jobId);
  for (const refused of [promise, other]) expect((await failureOf(refused)).code).toBe('SHUTTING_DOWN');
  expect(await promise.cancel()).toBe(false);
});
