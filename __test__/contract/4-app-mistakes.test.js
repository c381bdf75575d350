import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { collect } from '../support/events.js';
import { ENGINES, OUR_ENGINES, failureOf, managed } from '../support/job-engines.js';

consoleErrors();

const NO_STRINGS = [
  ['an object that is no string', Object.create(null)],
  [
    'an object whose toString throws',
    {
      toString() {
        throw new Error('no text');
      },
    },
  ],
  ['an object that looks like the id', { toString: () => '1' }],
  ['a list that looks like the id', ['1']],
  ['the number of the id', 1],
  ['a symbol', Symbol('1')],
  ['a BigInt', 1n],
  ['undefined', undefined],
  ['null', null],
];

describe.each(ENGINES)('over %s', (kind) => {
  test('Unknown → false, null: cancel and getStatus of what is no string, and nothing is cancelled', async () => {
    const { jobs, submit, inState, asked } = await managed(kind);
    submit('t', {}, { id: '1' });
    await inState('1', 'running');
    for (const [name, jobId] of NO_STRINGS) {
      const answer = jobs.cancel(jobId);
      expect(answer, name).toBeInstanceOf(Promise);
      expect(await answer, name).toBe(false);
      expect(jobs.getStatus(jobId), name).toBe(null);
    }
    expect(jobs.getStatus('1').state).toBe('running');
    expect(await asked('jobs.cancel')).toEqual([]);
  });
});

const throwing = (thrown) => ({
  toJSON() {
    throw thrown;
  },
});

const own = new RangeError('the payload’s own');

describe('what JSON cannot hold rejects there as a start error, not retried, always with an `Error`', () => {
  test.each([
    ['a string', 'no text', 'no text'],
    ['an object with a message', { message: 'no text' }, 'no text'],
    ['a number', 7, '7'],
    ['an Error', own, 'the payload’s own'],
    ['undefined', undefined, undefined],
    ['null', null, undefined],
    ['a symbol', Symbol('no text'), undefined],
    ['a BigInt', 1n, undefined],
    ['an object of no class', Object.create(null), undefined],
  ])('a toJSON that throws %s', async (_, thrown, message) => {
    const { jobs, asked } = await managed('the native path', { concurrency: 1, retryOnFailure: true, retryDelay: 0 });
    const retries = collect(jobs, 'job:retry');
    const queued = collect(jobs, 'job:queued');
    const error = await failureOf(jobs.submit('t', throwing(thrown)));
    expect(error).toBeInstanceOf(Error);
    if (message !== undefined) expect(error.message).toBe(message);
    if (thrown === own) expect(error).toBe(own);
    expect([retries, queued, jobs.getJobs()]).toEqual([[], [], []]);
    await expect(jobs.submit('t', { behind: [['result', 'next']] })).resolves.toEqual({ success: true, data: 'next' });
    expect(await asked('jobs.start')).toHaveLength(1);
    await jobs.onIdle();
  });

  test.each(OUR_ENGINES.slice(1))('over %s, where it is read at the start', async (kind) => {
    const { jobs } = await managed(kind, { concurrency: 1 });
    expect(await failureOf(jobs.submit('t', throwing('no text')))).toBeInstanceOf(Error);
    await expect(jobs.submit('t', { behind: [['result', 'next']] })).resolves.toEqual({ success: true, data: 'next' });
  });
});
