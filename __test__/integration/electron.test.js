import { randomUUID } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { appIn } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { electron, electronCommand, skipUnlessHere } from '../support/hosts.js';
import { gone, isAlive, processesWith } from '../support/processes.js';

/** Electron's own processes take their time on a busy machine. */
const PATIENCE_MS = 20_000;
const MARK = 'DESKTOP_RUNTIME_TEST_MARK';

function electronApp(...args) {
  return appIn((app) => electronCommand(electron.path, app), 'electron-main', ...args);
}

/** Starts the app with a mark in its environment; `left()` are those that carry it, whoever started
 * them. */
function markedApp(...args) {
  const mark = randomUUID();
  vi.stubEnv(MARK, mark);
  const app = electronApp(...args);
  vi.unstubAllEnvs();
  return { ...app, left: () => processesWith(MARK, mark) };
}

describe('the package in the main process of Electron', () => {
  test('starts an engine, gets job results, quits by app.quit() and leaves no process', async (context) => {
    skipUnlessHere(context, electron.path, electron.reason);
    const app = markedApp();
    const { code, stdout, stderr } = await app.ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { pids, ...summary } = JSON.parse(stdout);
    expect(summary).toEqual({
      electron: process.env.ELECTRON ? expect.any(String) : '9.4.1',
      type: 'browser',
      engineRunsHere: true,
      results: 50,
      progress: 51,
      failed: [true, 'no translate', -30002],
    });
    await gone(pids.engine, 100);
    await eventually(() => app.left().length === 0, 'the end of all that the app started', PATIENCE_MS);
  });

  test('app.quit() while a job runs ends the engine too', async (context) => {
    skipUnlessHere(context, electron.path, electron.reason);
    const app = markedApp('leaves');
    const { code, stdout } = await app.ended;
    expect(code).toBe(0);
    await gone(JSON.parse(stdout).pids.engine, 1000);
    await eventually(() => app.left().length === 0, 'the end of all that the app started', PATIENCE_MS);
  });

  test('when the app itself is killed (SIGKILL), the engine is gone within 1 s', async (context) => {
    skipUnlessHere(context, electron.path, electron.reason);
    const app = markedApp('stays');
    const { pids } = await app.said;
    expect(isAlive(pids.engine)).toBe(true);
    process.kill(pids.app, 'SIGKILL');
    await gone(pids.engine, 1000);
    await app.ended;
    await eventually(() => app.left().length === 0, 'the end of all that the app started', PATIENCE_MS);
  });
});
