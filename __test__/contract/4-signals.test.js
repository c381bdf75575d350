import { describe, expect, test, vi } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { collect } from '../support/events.js';
import { ClingingSignal, DeafSignal, OwnSignal } from '../support/failing-signals.js';
import { ENGINES, failureOf, managed } from '../support/job-engines.js';

// A promise that never settles is what these tests look for.
vi.setConfig({ testTimeout: 10_000 });
const logged = consoleErrors();

describe.each(ENGINES)('every job that started settles exactly once: a failing signal, over %s', (kind) => {
  test.each([
    ['removeEventListener', ClingingSignal],
    ['addEventListener', DeafSignal],
  ])('whose %s throws: the job is taken and ends, onIdle() resolves, what was thrown is logged', async (_, Signal) => {
    const { jobs } = await managed(kind);
    const completed = collect(jobs, 'job:completed');
    const signal = new Signal();
    const promise = jobs.submit('t', { behind: [['result', 'done']] }, { signal });
    await expect(promise).resolves.toEqual({ success: true, data: 'done' });
    await jobs.onIdle();
    expect(completed).toMatchObject([{ jobId: promise.jobId, success: true }]);
    expect(logged).toEqual([String(signal.error)]);
  });

  test('whose removeEventListener throws: the jobs behind it start and end', async () => {
    const { jobs } = await managed(kind, { concurrency: 1 });
    const ends = { behind: [['result', 1]] };
    const promises = [1, 2, 3].map(() => jobs.submit('t', ends, { signal: new ClingingSignal() }));
    expect(await Promise.all(promises)).toHaveLength(3);
    await jobs.onIdle();
  });

  test('`signal` aborts as `cancel` does, though it cannot be let go of', async () => {
    const { jobs, submit, inState } = await managed(kind);
    const signal = new ClingingSignal();
    const promise = submit('t', {}, { signal });
    await inState(promise.jobId, 'running');
    signal.abort();
    expect((await failureOf(promise)).message).toBe('Job cancelled');
    await jobs.onIdle();
  });

  test.each([
    ['has no removeEventListener', OwnSignal],
    ['throws there', ClingingSignal],
  ])('one that %s and aborts later does not cancel the next job of that id', async (_, Signal) => {
    const { jobs, submit, say, inState, asked } = await managed(kind);
    const signal = new Signal();
    await submit('t', { behind: [['result', 1]] }, { id: 'same', signal });
    const next = submit('t', {}, { id: 'same' });
    const { engineJobId } = await inState('same', 'running');
    signal.abort();
    expect(await asked('jobs.cancel')).toEqual([]);
    expect(jobs.getStatus('same').state).toBe('running');
    await say(['result', engineJobId, 'of the next']);
    await expect(next).resolves.toEqual({ success: true, data: 'of the next' });
  });
});
