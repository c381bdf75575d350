import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { app } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { idsOf, job, jobsLeftIn, openRecovery } from '../support/crash-recovery.js';

describe('nothing keeps the app alive but what is under way', () => {
  test.each([
    ['never opened', []],
    ['open, with changes to sync', ['a']],
    ['shut down', ['a']],
    ['init() not awaited', []],
    ['clearState() and shutdown() not awaited', []],
    ['process.exit()', ['a']],
  ])('%s', async (way, left) => {
    const stateDir = folder();
    const { ended } = app('recovers-jobs.js', way, stateDir);
    expect(await ended).toEqual({ code: 0, signal: null, stdout: 'true\n', stderr: '' });
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(left);
  });
});

test('a job that kills the app in its callback is parked after maxAttempts, and the others get their turn', async () => {
  const stateDir = folder();
  const before = await openRecovery({ stateDir, autoRecover: false });
  before.trackJob(job('poison'));
  before.trackJob(job('good'));
  await before.shutdown();
  for (let retries = 0; retries < 3; retries += 1) {
    const { ended } = app('recovers-jobs.js', 'kills itself in the callback', stateDir);
    const { signal, stdout } = await ended;
    expect([signal, JSON.parse(stdout)]).toEqual(['SIGKILL', { id: 'poison', retries }]);
  }
  const { ended } = app('recovers-jobs.js', 'kills itself in the callback', stateDir);
  const { code, stdout } = await ended;
  expect([code, stdout]).toEqual([0, '{"parked":"poison"}\n{"id":"good","retries":0}\n']);
});

describe('worker threads', () => {
  test.each(['takes over from a worker', 'after a worker has ended'])('%s', async (way) => {
    const stateDir = folder();
    const { ended } = app('recovers-jobs.js', way, stateDir);
    expect(await ended).toEqual({ code: 0, signal: null, stdout: '["a"]\n', stderr: '' });
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(way.startsWith('takes') ? ['a', 'b'] : ['a']);
  });
});

/** How often the threads of a process whose name begins so have gone to sleep. */
function sleeps(pid, name) {
  const tasks = fs.readdirSync(`/proc/${pid}/task`).map((task) => path.join(`/proc/${pid}/task`, task));
  const ours = tasks.filter((task) => fs.readFileSync(path.join(task, 'comm'), 'utf8').startsWith(name));
  return ours.map((task) =>
    Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(fs.readFileSync(path.join(task, 'status'), 'utf8'))[1]),
  );
}

test.runIf(process.platform === 'linux')('an idle folder wakes nobody up', async () => {
  const { child, said, ended } = app('recovers-jobs.js', 'idle, until stdin ends', folder());
  await said;
  // The change is to be synced first, for which a disk may take its time; whatever wakes up does so in every second.
  await eventually(async () => {
    const before = sleeps(child.pid, 'desktop-runtime');
    expect(before).toHaveLength(1);
    await delay(1000);
    return sleeps(child.pid, 'desktop-runtime')[0] === before[0];
  }, 'a second of sleep');
  child.stdin.end();
  expect(await ended).toMatchObject({ code: 0 });
});
