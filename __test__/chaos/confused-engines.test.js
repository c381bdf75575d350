import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { collect } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { gc } from '../support/heap.js';
import { HEARD_ENGINES, failureOf, managed } from '../support/job-engines.js';
import { jobEvent } from '../support/wire.js';

const { EngineClient, JobManager } = runtime;
const logged = consoleErrors();

class Overriding extends EngineClient {
  call(...args) {
    return super.call(...args);
  }
}

const PATHS = [
  ['native path', EngineClient],
  ['JavaScript path', Overriding],
];

describe.each(HEARD_ENGINES)('an engine that mixes up its jobs: %s', (kind) => {
  test('events for ended jobs, also a second end, change nothing', async () => {
    const { jobs, say, submit, inState } = await managed(kind);
    const completed = collect(jobs, 'job:completed');
    const job = submit('t', { id: 'e' }, { id: 'mine' });
    await inState('mine', 'running');
    await say(['result', 'e', 1], ['result', 'e', 2], ['error', 'e', 'no'], ['progress', 'e', { percent: 1 }]);
    await expect(job).resolves.toEqual({ success: true, data: 1 });
    await say(['error', 'e', 'late']);
    expect(completed).toHaveLength(1);
    expect(jobs.getStatus('mine')).toMatchObject({ state: 'done' });
  });

  test('jobs.start answered with the id of a job that runs: that one keeps it, the new one failed to start', async () => {
    const { jobs, say, submit, inState } = await managed(kind, { concurrency: 4 });
    const first = submit('t', { id: 'same' }, { id: 'first' });
    await inState('first', 'running');
    await expect(submit('t', { id: 'same', again: 1 })).rejects.toBeInstanceOf(Error);
    await say(['result', 'same', 'of the first']);
    await expect(first).resolves.toEqual({ success: true, data: 'of the first' });
    expect(jobs.getActiveCount()).toBe(0);
  });

  test.each([
    ['an object', { a: [1] }],
    ['an array', [1, 'x']],
    ['true', true],
    ['an empty text', ''],
    ['a fraction', 1.5],
  ])('a jobId that is %s is an id like any other', async (_, id) => {
    const { say, submit, inState } = await managed(kind);
    const job = submit('t', { id }, { id: 'mine' });
    await inState('mine', 'running');
    await say(['progress', id, { percent: 3 }], ['result', id, 'done']);
    await expect(job).resolves.toEqual({ success: true, data: 'done' });
  });
});

describe.each(PATHS)('jobs.start answered twice, on the %s', (_, Client) => {
  test('the first answer counts, the second is dropped, and the job ends once', async () => {
    const client = await startedEngine('answers-everything-twice.js', { Client });
    const jobs = new JobManager(client, { concurrency: 3 });
    const completed = collect(jobs, 'job:completed');
    const results = await Promise.all(['a', 'b', 'c'].map((type) => jobs.submit(type, {})));
    expect(results.map(({ data }) => data)).toEqual(['a', 'b', 'c']);
    expect(completed).toHaveLength(3);
    await client.call('end');
    expect(logged.filter((line) => line.includes('unknown request')).length).toBeGreaterThanOrEqual(4);
  });
});

test('health that answers late and twice: no unhealthy, no exit, nothing in the log', async () => {
  const client = await startedEngine('answers-everything-twice.js', { healthInterval: 20, args: ['60'] });
  const told = ['unhealthy', 'exit', 'error'].map((name) => collect(client, name));
  await eventually(async () => (await client.call('healths')) >= 8, 'eight health calls');
  expect(told).toEqual([[], [], []]);
  expect(client.isReady()).toBe(true);
});

describe.each(PATHS)(
  'an engine that ends jobs nobody knows while a jobs.start is unanswered, on the %s',
  (_, Client) => {
    const MIB = 1024 * 1024;

    test('at most 16 MiB of them are kept, and the end of the job that it answers with is among them', async () => {
      const client = await startedEngine('ends-unknown-jobs.js', { Client });
      const jobs = new JobManager(client);
      gc();
      const before = process.memoryUsage().rss;
      const job = jobs.submit('t', { ends: 160, size: MIB });
      await eventually(() => client.getStats().received > 160, 'all ends', 20_000);
      await client.call('collected');
      gc();
      // What was collected is given back by other threads; the next turn of the event loop is behind them.
      await client.call('collected');
      gc();
      const grew = process.memoryUsage().rss - before;
      await client.call('answer');
      await expect(job).resolves.toMatchObject({ success: true });
      console.log(`160 MiB of ends of unknown jobs: memory grew by ${grew >> 20} MiB`);
      // What is kept, and what the allocators have not given back yet; all of them would be 160 MiB and more.
      expect(grew).toBeLessThan(110 * MIB);
    }, 60_000);
  },
);

test('an engine id that comes in another spelling is the same', async () => {
  const client = await startedEngine('writes-raw-job-events.js');
  const jobs = new JobManager(client);
  const spelled = jobEvent('result', 'X', 1).replace('"X"', '"\\u006a\\u006F\\u0062"');
  await expect(
    jobs.submit('t', { id: '"jo\\u0062"', behind: `${spelled.replace('6F', '6f')}\n` }),
  ).resolves.toMatchObject({
    data: 1,
  });
  const error = await failureOf(jobs.submit('t', { id: 'null', behind: '' }));
  expect(error.message).toContain('without a jobId');
});
