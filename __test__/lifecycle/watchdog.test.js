import fs from 'node:fs';
import { constants } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { app } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { childrenOf, end, gone, isAlive } from '../support/processes.js';

const left = [];
afterEach(() => left.splice(0).forEach(end));

/** An app with an engine: its process, the engine, the grandchild, and the one child that is no engine. */
async function watched() {
  const { child, said, ended } = app('runs-an-engine.js', 'starts another for each byte on stdin');
  const { engine, grandchild } = await said;
  const [watchdog, ...others] = childrenOf(child.pid).filter((pid) => pid !== engine);
  expect(others).toEqual([]);
  left.push(engine, grandchild, watchdog);
  return { child, ended, engine, grandchild, watchdog };
}

/** Whether a process ignores a signal; only Linux tells. */
function ignores(pid, signal) {
  const [, mask] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));
  return (BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) % 2n === 1n;
}

test('nothing of ours outlives the app: the watchdog ends with its work', async () => {
  const { child, ended, grandchild, watchdog } = await watched();
  child.kill('SIGKILL');
  await ended;
  await gone(grandchild, 5000);
  await gone(watchdog, 5000);
});

test('the watchdog is one for all engines, and what ends terminals and sessions does not end it', async () => {
  const { child, ended, grandchild, watchdog } = await watched();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
  // It is a shell, which begins by that: the engine may be ready before.
  if (process.platform === 'linux') {
    await eventually(() => signals.every((signal) => ignores(watchdog, signal)), 'the watchdog to begin');
  }
  for (const signal of signals) process.kill(watchdog, signal);
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  child.stdin.write('x');
  await eventually(() => said.includes('\n'), 'the second engine');
  const second = JSON.parse(said);
  left.push(second.engine, second.grandchild);
  expect(childrenOf(child.pid)).toHaveLength(3);
  expect(isAlive(watchdog)).toBe(true);
  child.kill('SIGKILL');
  await ended;
  await gone(grandchild, 5000);
  await gone(second.grandchild, 5000);
});

test('a watchdog that was killed is replaced at the next start, and watches over the earlier engines too', async () => {
  const { child, ended, engine, grandchild, watchdog } = await watched();
  process.kill(watchdog, 'SIGKILL');
  await gone(watchdog);
  expect(isAlive(engine)).toBe(true);
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  child.stdin.write('x');
  await eventually(() => said.includes('\n'), 'the second engine');
  const second = JSON.parse(said);
  left.push(second.engine, second.grandchild);
  child.kill('SIGKILL');
  await ended;
  for (const pid of [engine, second.engine]) await gone(pid, 1000);
  for (const pid of [grandchild, second.grandchild]) await gone(pid, 5000);
});
