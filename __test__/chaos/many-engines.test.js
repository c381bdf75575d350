import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { app } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { end, gone, isAlive, processesWith } from '../support/processes.js';
import { rounds } from '../support/rounds.js';

const COUNT = Math.min(200, rounds(1) * 60);
// An engine and its child.
const FAMILY = 2;
const ENGINES_GONE_MS = 1000;
const TREES_GONE_MS = 5000;

const marks = [];
afterEach(() => marks.splice(0).forEach((mark) => processesWith('MARK', mark).map(Number).forEach(end)));

async function running() {
  const mark = randomUUID();
  marks.push(mark);
  const { child, said, ended } = app('runs-many-engines.js', COUNT, mark);
  const { watchdog, engines } = await said;
  const alive = () => processesWith('MARK', mark).map(Number).filter(isAlive);
  await eventually(() => alive().length === COUNT * FAMILY, 'the whole of every family', 20_000);
  return { child, ended, watchdog, engines, alive };
}

async function allGone({ child, ended, engines, alive }) {
  child.kill('SIGKILL');
  await eventually(() => !engines.some(isAlive), 'the end of every engine', ENGINES_GONE_MS);
  await eventually(() => alive().length === 0, 'the end of every descendant', TREES_GONE_MS - ENGINES_GONE_MS);
  await ended;
}

// Whose end is seen by a mark in the environment; /proc is Linux's.
describe.runIf(process.platform === 'linux')(`the app is killed with ${COUNT} engines that have children`, () => {
  test(
    'the engines are gone within 1 s, all their trees within 5 s, and so is the watchdog',
    { timeout: 120_000 },
    async () => {
      const app = await running();
      await allGone(app);
      await gone(app.watchdog, TREES_GONE_MS);
    },
  );

  test('… also when the watchdog was killed before the last engine was started', { timeout: 120_000 }, async () => {
    const app = await running();
    process.kill(app.watchdog, 'SIGKILL');
    await gone(app.watchdog);
    let said = '';
    app.child.stdout.on('data', (text) => (said += text));
    app.child.stdin.write('x');
    await eventually(() => said.includes('\n'), 'one more engine');
    await allGone({ ...app, engines: [...app.engines, JSON.parse(said)] });
  });

  test('a grandchild that leaves the group (`setsid`) has left the tree: it stays', { timeout: 60_000 }, async () => {
    const { child, said, ended } = app('runs-an-engine.js', 'stays', 'true', 'detached');
    const { engine, grandchild } = await said;
    child.kill('SIGKILL');
    await ended;
    await gone(engine, ENGINES_GONE_MS);
    // By now the watchdog has ended what it ends: it goes through its list before it ends itself.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const stayed = isAlive(grandchild);
    end(grandchild);
    expect(stayed).toBe(true);
  });
});
