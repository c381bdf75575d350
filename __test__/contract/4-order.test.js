import { describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { ENGINES, managed } from '../support/job-engines.js';

consoleErrors();

describe.each(ENGINES)('order over %s', (kind) => {
  test('strict priority high > normal > low, first in first out inside one', async () => {
    const { jobs, submit, say, asked } = await managed(kind, { concurrency: 1 });
    const first = submit('blocks', { id: 'gate' });
    const order = ['low', 'normal', 'high', 'low', 'high', undefined, 'low', 'high', 'normal'];
    const rest = order.map((priority, n) => submit(`job ${n}`, { n, behind: [['result', n]] }, { priority }));
    expect(jobs.getQueueLength()).toBe(order.length);
    await say(['result', 'gate', null]);
    await Promise.all([first, ...rest]);
    const started = (await asked('jobs.start')).slice(1);
    expect(started.map(({ type }) => Number(type.slice(4)))).toEqual([2, 4, 7, 1, 5, 8, 0, 3, 6]);
    expect(started.map(({ priority }) => priority)).toEqual([
      ...['high', 'high', 'high'],
      ...['normal', 'normal', 'normal'],
      ...['low', 'low', 'low'],
    ]);
  });

  test('a high job that comes later goes before those that wait', async () => {
    const { submit, say, askedTimes } = await managed(kind, { concurrency: 1 });
    submit('blocks', { id: 'a' });
    submit('low 1', { id: 'b' }, { priority: 'low' });
    submit('low 2', { id: 'c' }, { priority: 'low' });
    await say(['result', 'a', 1]);
    await askedTimes('jobs.start', 2);
    submit('high', { id: 'd' }, { priority: 'high' });
    await say(['result', 'b', 1]);
    const started = await askedTimes('jobs.start', 3);
    expect(started.map(({ type }) => type)).toEqual(['blocks', 'low 1', 'high']);
  });

  test.each([1, 3])('at most concurrency jobs hold a slot: %i', async (concurrency) => {
    const { jobs, submit, say, asked, askedTimes } = await managed(kind, { concurrency });
    const promises = [0, 1, 2, 3, 4, 5].map((n) => submit('t', { id: `e${n}`, n }));
    expect([jobs.getActiveCount(), jobs.getQueueLength()]).toEqual([concurrency, 6 - concurrency]);
    for (let n = 0; n < 6; n += 1) {
      const due = Math.min(n + concurrency, 6);
      await askedTimes('jobs.start', due);
      expect(await asked('jobs.start')).toHaveLength(due);
      expect(jobs.getActiveCount()).toBe(due - n);
      await say(['result', `e${n}`, n]);
      await promises[n];
    }
    expect([jobs.getActiveCount(), jobs.getQueueLength()]).toEqual([0, 0]);
  });

  test('concurrency: 2 unless given, Infinity is allowed', async () => {
    const given = await managed(kind);
    for (let n = 0; n < 5; n += 1) given.submit('t', {});
    expect([given.jobs.getActiveCount(), given.jobs.getQueueLength()]).toEqual([2, 3]);
    const unlimited = await managed(kind, { concurrency: Infinity });
    for (let n = 0; n < 50; n += 1) unlimited.submit('t', { n });
    expect([unlimited.jobs.getActiveCount(), unlimited.jobs.getQueueLength()]).toEqual([50, 0]);
    await unlimited.askedTimes('jobs.start', 50);
  });

  test('while jobs.start is unanswered the job is pending, listed, counted active', async () => {
    const { jobs, submit, answer, asked, inState } = await managed(kind, { concurrency: 1 });
    const promise = submit('t', { id: 'e', start: 'later' });
    const queued = submit('u', {});
    await asked('jobs.start');
    const { jobId } = promise;
    expect(jobs.getStatus(jobId)).toEqual({ state: 'pending' });
    expect(jobs.getJobs()).toEqual([
      { id: queued.jobId, type: 'u', state: 'pending' },
      { id: jobId, type: 't', state: 'pending' },
    ]);
    expect([jobs.getActiveCount(), jobs.getQueueLength()]).toEqual([1, 1]);
    await answer('e', { jobId: 'e' });
    expect(await inState(jobId, 'running')).toMatchObject({ engineJobId: 'e' });
  });

  test('the queue moves on by itself when a job ends in any way', async () => {
    const { jobs, submit } = await managed(kind, { concurrency: 1, cancelGrace: 0 });
    const endings = [
      [{ behind: [['result', 1]] }],
      [{ behind: [['error', 'an error event']] }],
      [{ start: { code: 1, message: 'a start error' } }],
      [{ answer: null }],
      [{ note: 'a timeout' }, { timeout: 20 }],
      [{ behind: [['result', 1]] }],
    ];
    const ended = endings.map(([payload, options]) => submit('t', payload, options));
    const results = await Promise.allSettled(ended);
    expect(results.map(({ status }) => status === 'fulfilled')).toEqual([true, false, false, false, false, true]);
    expect(jobs.getStats()).toMatchObject({ queued: 0, active: 0, completed: 2, failed: 4 });
  });

  test('the queue moves on by itself when a job is cancelled', async () => {
    const { jobs, submit, inState } = await managed(kind, { concurrency: 1 });
    const running = submit('t', {});
    const queued = submit('t', {});
    const last = submit('t', { behind: [['result', 'last']] });
    await inState(running.jobId, 'running');
    await jobs.cancel(queued.jobId);
    await jobs.cancel(running.jobId);
    await expect(last).resolves.toEqual({ success: true, data: 'last' });
  });
});

describe.each(ENGINES)('many jobs over %s', (kind) => {
  test('each gets its own result', async () => {
    const { jobs } = await managed(kind, { concurrency: 8 });
    const promises = Array.from({ length: 300 }, (_, n) => jobs.submit('t', { n, behind: [['result', { n }]] }));
    const results = await Promise.all(promises);
    expect(results.map(({ data }) => data.n)).toEqual(promises.map((_, n) => n));
  });
});
