import { expect, test } from 'vitest';
import { app } from '../support/app.js';

/** What the app says; it ran to its end. */
async function played(scene) {
  const { code, stdout, stderr } = await app('drops-managers-before-an-answer.js', scene).ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout);
}

test.each([
  ['when the job’s timeout passes first, the answer is sent `jobs.cancel` when it comes', 'start', 'Job timeout'],
  ['so is an answer later than `requestTimeout`', 'late start', 'Request timeout: jobs.start'],
  ['… also when both pass before it comes', 'start that times out twice', 'Job timeout'],
])('%s, its manager gone: the next manager’s job gets its own answer and result', async (_, scene, failure) => {
  expect(await played(scene)).toEqual({ failure, cancelled: ['first'], between: 'pending', data: 'right' });
});

test('the answer to a `jobs.cancel`, its manager gone, is not the answer to the next manager’s', async () => {
  expect(await played('cancel')).toEqual({
    failure: 'Job timeout',
    cancelled: ['first', 'second'],
    between: ['not known', 'running'],
    accepted: true,
    rejected: 'Job cancelled',
  });
});
