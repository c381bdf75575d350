import { spawn } from 'node:child_process';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { savedFiles } from '../support/documents.js';
import { commandOf, stopAfterTest } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { executable, folder } from '../support/folders.js';

const SOURCE = savedFiles('docs/engines/contract.md').get('engine.py');
const { enginePath: PYTHON } = commandOf('.py');

const log = consoleErrors();
let file;

beforeEach(() => {
  file = executable(path.join(folder(), 'engine.py'), SOURCE);
});

/** A manager over the contract page's engine, started. */
async function managed(config) {
  const engine = stopAfterTest(new runtime.EngineClient({ enginePath: PYTHON, args: [file] }));
  await engine.start();
  return { engine, jobs: new runtime.JobManager(engine, config) };
}

test('the contract page shows a whole engine in Python of under 40 lines', () => {
  expect(SOURCE).toBeTypeOf('string');
  expect(SOURCE.trimEnd().split('\n').length).toBeLessThan(40);
});

test.skipIf(process.platform === 'win32')(
  'it is an executable file by itself: enginePath alone starts it',
  async () => {
    const engine = stopAfterTest(new runtime.EngineClient({ enginePath: file }));
    await engine.start();
    await expect(engine.call('engine.health')).resolves.toMatchObject({ status: 'ok' });
  },
);

test('health, progress and result', async () => {
  const { engine, jobs } = await managed();
  await expect(engine.call('engine.health')).resolves.toMatchObject({ status: 'ok', version: expect.any(String) });
  const progress = collect(jobs, 'job:progress');
  const job = jobs.submit('count', { text: 'vier kleine Vögel 🦜' });
  await expect(job).resolves.toEqual({ success: true, data: { words: 4 } });
  expect(progress.map((event) => [event.progress, event.message])).toEqual([
    [25, 'vier'],
    [50, 'kleine'],
    [75, 'Vögel'],
    [100, '🦜'],
  ]);
});

test('a job that fails rejects with what Python says; an unknown method is answered −32601', async () => {
  const { engine, jobs } = await managed();
  await expect(jobs.submit('count', { words: 'no text' })).rejects.toMatchObject({
    message: "KeyError('text')",
    code: runtime.ErrorCodes.INTERNAL_ERROR,
  });
  await expect(jobs.submit('count', undefined)).rejects.toMatchObject({ code: runtime.ErrorCodes.INTERNAL_ERROR });
  await expect(engine.call('jobs.pause')).rejects.toMatchObject({ code: runtime.ErrorCodes.METHOD_NOT_FOUND });
  await expect(jobs.submit('count', { text: 'still there' })).resolves.toMatchObject({ data: { words: 2 } });
});

test('two hundred jobs, sixteen at a time, each in a thread: every one its own result', async () => {
  const { engine, jobs } = await managed({ concurrency: 16 });
  const noise = collect(engine, 'stdout');
  const counts = Array.from({ length: 200 }, (_, index) => (index % 20) + 1);
  const results = await Promise.all(counts.map((count) => jobs.submit('count', { text: 'word '.repeat(count) })));
  expect(results.map(({ data }) => data.words)).toEqual(counts);
  expect(noise).toEqual([]);
});

test('cancel ends a running job, and its events with it', async () => {
  const { jobs } = await managed();
  const started = next(jobs, 'job:started');
  const job = jobs.submit('count', { text: 'one two three', secondsPerWord: 60 });
  const ended = expect(job).rejects.toMatchObject({ message: 'Job cancelled' });
  await started;
  await expect(job.cancel()).resolves.toBe(true);
  await ended;
  await expect(jobs.submit('count', { text: 'a b' })).resolves.toMatchObject({ data: { words: 2 } });
  expect(jobs.getActiveCount()).toBe(0);
});

test('when stdin closes it ends by itself, code 0, though a job runs', async () => {
  const child = spawn(PYTHON, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
  const answered = new Promise((resolve) => child.stdout.once('data', resolve));
  const params = { type: 'count', payload: { text: 'one two', secondsPerWord: 60 } };
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: '1', method: 'jobs.start', params })}\n`);
  expect(JSON.parse(await answered)).toMatchObject({ id: '1', result: { jobId: expect.any(String) } });
  child.stdin.end();
  await expect(closed).resolves.toEqual({ code: 0, signal: null });
});

test('stop() ends it without a word on stderr', async () => {
  const { engine } = await managed();
  const exited = next(engine, 'exit');
  await engine.stop();
  expect((await exited).data.stderrTail).toBe('');
  expect(log.filter((line) => !line.startsWith('[Engine] Process exited'))).toEqual([]);
});
