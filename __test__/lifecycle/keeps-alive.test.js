import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { app } from '../support/app.js';
import { folder } from '../support/folders.js';
import { end, gone, isAlive } from '../support/processes.js';

const left = [];
afterEach(() => left.splice(0).forEach(end));

describe('before `start()` and after `stop()`, and whenever nothing runs, the app exits by itself', () => {
  test.each([
    'before start()',
    'after a spawn error',
    'after an exit before ready',
    'after a crash',
    'after RESTART_LIMIT',
    'stop() during a restart',
    'stop() during start()',
    'with streams that wait and events that are kept',
  ])('%s', async (way) => {
    const { ended } = app('has-nothing-running.js', way, path.join(folder(), 'starts'));
    expect(await ended).toMatchObject({ code: 0, signal: null, stdout: 'true\n' });
  });
});

test('between them an engine keeps the process alive', async () => {
  const { child, said, ended } = app('runs-an-engine.js', 'stays');
  const { engine, grandchild } = await said;
  left.push(engine, grandchild);
  let over = false;
  ended.then(() => (over = true));
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(over).toBe(false);
  expect(isAlive(engine)).toBe(true);
  child.kill();
  await ended;
});

// The wake-ups of batches take two ways in turn.
test.each([0, 1])('what is told behind the exit finds it alive, in a batch of its own (%s before)', async (calls) => {
  const { ended } = app('hears-much-before-the-exit.js', calls);
  const { code, stdout } = await ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    outcomes: ['Engine process exited', 'Engine process exited'],
    heard: { stderr: 30, notification: 20 },
  });
});

test.each([
  ['never started', ['Job cancelled']],
  ['stopped', ['Engine shutting down', 'Job cancelled']],
  ['a signal', ['Engine shutting down', 'Job cancelled']],
  ['crashed', ['Engine process exited', 'Job cancelled']],
])('the end of a job that waited for an engine finds it alive: %s', async (way, told) => {
  const { code, stdout } = await app('cancels-what-waits.js', way).ended;
  expect([code, JSON.parse(stdout)]).toEqual([0, told]);
});

test('… unless `unref()`: then the app exits by itself, and takes the engine along', async () => {
  for (const way of ['unref()', 'unref() with a call']) {
    const { said, ended } = app('runs-an-engine.js', way);
    const { engine, grandchild } = await said;
    left.push(engine, grandchild);
    expect(await ended).toMatchObject({ code: 0, signal: null });
    await gone(engine, 1000);
    await gone(grandchild, 5000);
  }
});

test('`ref()` undoes `unref()`; both before `start()` count for it', async () => {
  for (const [way, alive] of [
    ['unref() and ref()', true],
    ['unref() before start()', false],
    ['unref() and ref() before start()', true],
  ]) {
    const { child, said, ended } = app('refers-to-an-engine.js', way);
    const { engine } = await said;
    left.push(engine);
    let over = false;
    ended.then(() => (over = true));
    if (alive) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect([way, over]).toEqual([way, false]);
      child.kill();
    }
    await ended;
    await gone(engine, 1000);
  }
});
