import { afterEach, describe, expect, test } from 'vitest';
import { app } from '../support/app.js';
import { end, gone, isAlive } from '../support/processes.js';

const ENGINE_GONE_MS = 1000;
const TREE_GONE_MS = 5000;

const left = [];
afterEach(() => left.splice(0).forEach(end));

async function running(...args) {
  const { child, said, ended } = app('runs-an-engine.js', ...args);
  const { engine, grandchild } = await said;
  left.push(engine, grandchild);
  return { child, ended, engine, grandchild };
}

describe('when the app itself is killed, the engine is gone within 1 s, and what is left of its tree within 5 s', () => {
  test.each(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGABRT'])('%s', async (signal) => {
    const { child, ended, engine, grandchild } = await running('stays');
    expect([engine, grandchild].map(isAlive)).toEqual([true, true]);
    child.kill(signal);
    await gone(engine, ENGINE_GONE_MS);
    await gone(grandchild, TREE_GONE_MS);
    expect((await ended).signal).toBe(signal);
  });

  test('`killTree: false`: the engine alone', async () => {
    const { child, engine, grandchild } = await running('stays', 'false');
    child.kill('SIGKILL');
    await gone(engine, ENGINE_GONE_MS);
    // The watchdog has done its work by now if it had any: the other tests see that it takes no longer.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(isAlive(grandchild)).toBe(true);
  });

  test('a signal to itself', async () => {
    const { ended, engine, grandchild } = await running('process.kill(self)');
    expect((await ended).signal).toBe('SIGTERM');
    await gone(engine, ENGINE_GONE_MS);
    await gone(grandchild, TREE_GONE_MS);
  });
});

describe('an engine’s life is inside its app’s', () => {
  test.each([
    ['process.exit()', 7],
    ['uncaught exception', 1],
    ['unhandled rejection', 1],
  ])('%s', async (way, code) => {
    const { ended, engine, grandchild } = await running(way);
    expect(await ended).toMatchObject({ code, signal: null });
    await gone(engine, ENGINE_GONE_MS);
    await gone(grandchild, TREE_GONE_MS);
  });
});

describe('after `stop()` nothing keeps the process alive', () => {
  test.each(['stop()', 'stop() and start() and stop()'])('%s', async (way) => {
    const { ended, engine, grandchild } = await running(way);
    expect(await ended).toMatchObject({ code: 0, signal: null });
    expect(isAlive(engine)).toBe(false);
    await gone(grandchild, TREE_GONE_MS);
  });
});
