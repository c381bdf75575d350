import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { app } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { gone, processesWith } from '../support/processes.js';

const MARK = 'DESKTOP_RUNTIME_TEST_MARK';

afterEach(() => vi.unstubAllEnvs());

describe('an app that ends from inside a listener ends at once, and leaves no process', () => {
  test.each([
    ["process.exit() in the engine's exit", 41],
    ["process.exit() in the engine's restart", 42],
    ["process.exit() in a job's completed", 43],
    ["process.exit() in a handler of a job's event", 44],
    ['process.exit() in a shouldRetry', 45],
    ["process.exit() in the process's exit", 46],
    ["stop() in the process's exit", 47],
    ["start() of another engine in the process's exit", 48],
    ["the process's exit listeners are all removed", 49],
    ["an error thrown in the process's exit", 50],
  ])('%s', async (way, code) => {
    const mark = randomUUID();
    vi.stubEnv(MARK, mark);
    const { said, ended } = app('exits-in-a-listener.js', way);
    const pid = await said;
    expect(await ended).toMatchObject({ code, signal: null });
    await gone(pid, 1000);
    // Whatever was started with it: an engine of a restart, one of the exit listener, the watchdog.
    await eventually(() => processesWith(MARK, mark).length === 0, 'the end of all that the app started', 5000);
  });
});
