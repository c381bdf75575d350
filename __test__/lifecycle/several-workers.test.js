import { expect, test } from 'vitest';
import { app } from '../support/app.js';
import { gone, isAlive } from '../support/processes.js';

// The app and its four workers.
const ENVIRONMENTS = 5;
const JOBS = 100;

async function running(way) {
  const started = app('runs-engines-in-workers.js', way);
  const { pids, right } = await started.said;
  expect(new Set(pids).size).toBe(ENVIRONMENTS);
  expect(right).toEqual(Array(ENVIRONMENTS).fill(JOBS));
  return { ...started, pids };
}

/** What the app printed behind its first line. */
const later = ({ stdout }) => stdout.slice(stdout.indexOf('\n') + 1);

test('four workers and the app run jobs at once; the workers are terminated, and the app’s own jobs go on', async () => {
  const { ended, pids } = await running('the workers are terminated');
  const end = await ended;
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(later(end)).toBe(`${JOBS}\n`);
  await Promise.all(pids.map((pid) => gone(pid, 1000)));
});

test('a worker whose engine is unreferenced ends by itself, and its engine with it', async () => {
  const { ended, pids } = await running('the workers end by themselves');
  const end = await ended;
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(JSON.parse(later(end))).toEqual([[0, 0, 0, 0], JOBS]);
  await Promise.all(pids.map((pid) => gone(pid, 1000)));
});

test('process.exit() of the app ends the engines of its workers too', async () => {
  const { ended, pids } = await running('process.exit()');
  expect(await ended).toMatchObject({ code: 3, signal: null });
  await Promise.all(pids.map((pid) => gone(pid, 1000)));
});

test('when the app is killed (SIGKILL), the engines of its workers are gone within 1 s', async () => {
  const { child, ended, pids } = await running('stays');
  expect(pids.map(isAlive)).toEqual(Array(ENVIRONMENTS).fill(true));
  child.kill('SIGKILL');
  await Promise.all(pids.map((pid) => gone(pid, 1000)));
  expect((await ended).signal).toBe('SIGKILL');
});
