import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { collect } from '../support/events.js';
import { ENGINES, HEARD_ENGINES, failureOf, managed } from '../support/job-engines.js';

consoleErrors();

const PROGRESS = [
  ['progress', { percent: 10, message: 'a' }],
  ['progress', { percent: 20 }],
];

describe.each(HEARD_ENGINES)('events that arrive before the jobs.start response are never lost: %s', (kind) => {
  test('a result that overtakes it still completes the job', async () => {
    const { jobs } = await managed(kind);
    const promise = jobs.submit('ocr', { before: [['result', 'early']] });
    await expect(promise).resolves.toEqual({ success: true, data: 'early' });
  });

  test('an error that overtakes it still fails the job', async () => {
    const { jobs } = await managed(kind);
    expect((await failureOf(jobs.submit('ocr', { before: [['error', 'early']] }))).message).toBe('early');
  });

  test('progress and result keep their order, behind job:started', async () => {
    const { jobs } = await managed(kind);
    const order = [];
    for (const name of ['job:queued', 'job:started', 'job:progress', 'job:completed']) {
      jobs.on(name, ({ progress }) => order.push(progress === undefined ? name : `${name} ${progress}`));
    }
    await jobs.submit('ocr', { before: [...PROGRESS, ['result', 1]] });
    expect(order).toEqual(['job:queued', 'job:started', 'job:progress 10', 'job:progress 20', 'job:completed']);
  });

  test('events of several jobs whose answers are out', async () => {
    const { submit, say, answer, askedTimes } = await managed(kind, { concurrency: 3 });
    const promises = ['a', 'b', 'c'].map((id) => submit('t', { id, start: 'later' }));
    await askedTimes('jobs.start', 3);
    await say(['result', 'c', 'of c'], ['result', 'a', 'of a'], ['result', 'stranger', 'of nobody']);
    await answer('b', { jobId: 'b' });
    await answer('a', { jobId: 'a' });
    await answer('c', { jobId: 'c' });
    await say(['result', 'b', 'of b']);
    expect((await Promise.all(promises)).map(({ data }) => data)).toEqual(['of a', 'of b', 'of c']);
  });
});

describe.each(ENGINES)('events with or right behind it are never lost: %s', (kind) => {
  test('in the same write', async () => {
    const { jobs } = await managed(kind);
    const progress = collect(jobs, 'job:progress');
    const promise = jobs.submit('ocr', { behind: [...PROGRESS, ['result', 'at once']] });
    await expect(promise).resolves.toEqual({ success: true, data: 'at once' });
    expect(progress).toEqual([
      { jobId: promise.jobId, progress: 10, message: 'a' },
      { jobId: promise.jobId, progress: 20, message: undefined },
    ]);
  });

  test('every one of 1000 fast jobs', async () => {
    const { jobs } = await managed(kind, { concurrency: 16 });
    const early = ENGINES.indexOf(kind) < HEARD_ENGINES.length;
    const at = (n) => (n % 2 === 0 && early ? 'before' : 'behind');
    const promises = Array.from({ length: 1000 }, (_, n) => jobs.submit('t', { n, [at(n)]: [['result', n]] }));
    const results = await Promise.all(promises);
    expect(results.map(({ data }) => data)).toEqual(promises.map((_, n) => n));
  });
});

describe.each(ENGINES)('an engine id that is given anew: %s', (kind) => {
  test('belongs to the job that has it now', async () => {
    const { jobs } = await managed(kind, { concurrency: 1 });
    for (const n of [1, 2, 3]) {
      const promise = jobs.submit('t', { id: 'same', n, behind: [['result', n]] });
      await expect(promise).resolves.toEqual({ success: true, data: n });
    }
  });

  test('while another live job has it, the start failed', async () => {
    const { jobs, submit, say, inState } = await managed(kind);
    const first = submit('t', { id: 'same' });
    await inState(first.jobId, 'running');
    await failureOf(jobs.submit('t', { id: 'same', n: 2 }));
    await say(['result', 'same', 'the first']);
    await expect(first).resolves.toEqual({ success: true, data: 'the first' });
  });
});
