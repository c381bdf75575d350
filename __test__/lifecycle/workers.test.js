import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { app } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { end, gone, processesWith } from '../support/processes.js';

const SAYS = '"the app runs on"\n';
const left = [];
afterEach(() => left.splice(0).forEach(end));

async function runsOn({ child, ended }, said) {
  await eventually(() => said().endsWith(SAYS), 'the second engine');
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  child.stdin.end();
  expect(await ended).toMatchObject({ code: 0, signal: null });
}

function started(...args) {
  const running = app('runs-an-engine-in-a-worker.js', ...args);
  let stdout = '';
  running.child.stdout.on('data', (text) => (stdout += text));
  return { running, said: () => stdout };
}

describe('the end of a worker thread ends its engine and its tree, and the app runs on', () => {
  test.each(['terminate', 'process.exit', 'throw'])('%s', async (way) => {
    const { running, said } = started(way);
    const { engine, grandchild } = await running.said;
    left.push(engine, grandchild);
    await gone(engine, 1000);
    await gone(grandchild, 5000);
    await runsOn(running, said);
  });

  test('while the engine is being spawned', async () => {
    const mark = randomUUID();
    for (let round = 0; round < 5; round += 1) {
      const { running, said } = started('terminate at once', mark);
      // Engines are spawned one after the other: with the second one there, the first is there or never will be.
      await eventually(() => said().endsWith(SAYS), 'the second engine');
      await eventually(() => processesWith('MARK', mark).length === 0, 'the end of the first engine', 1000);
      await runsOn(running, said);
    }
  });
});
