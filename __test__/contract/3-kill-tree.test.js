import { afterEach, describe, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { next } from '../support/events.js';
import { end, gone, isAlive } from '../support/processes.js';

consoleErrors();

// What `exit` and a call may take after the engine's end, and what a loaded machine needs on top to run both.
const SETTLES_MS = 100 + 900;
const left = [];
afterEach(() => left.splice(0).forEach(end));

async function family({ args, ...options } = {}) {
  const client = await startedEngine('grandchild-holds-stdout.js', {
    args,
    autoRestart: false,
    killTimeout: 200,
    ...options,
  });
  const grandchild = await client.call('grandchild');
  left.push(grandchild);
  return { client, grandchild, pid: client.getStats().pid };
}

describe('`killTree: true`', () => {
  test('`stop()` ends the process group, a grandchild that ignores SIGTERM too', async () => {
    const { client, grandchild, pid } = await family();
    expect(isAlive(grandchild)).toBe(true);
    await client.stop();
    expect(isAlive(pid)).toBe(false);
    await gone(grandchild, 1000);
  });

  test('it is the default', async () => {
    const { client, grandchild } = await family({ killTree: undefined });
    await client.stop();
    await gone(grandchild, 1000);
  });

  test('also ends what is left of the tree after an unasked exit', async () => {
    const { client, grandchild } = await family();
    const exited = next(client, 'exit');
    client.call('exit').catch(() => {});
    await exited;
    await gone(grandchild, 1000);
  });

  test('… before a restart', async () => {
    const { client, grandchild } = await family({ autoRestart: true, restartDelay: 0 });
    const restarted = next(client, 'restart');
    client.call('exit').catch(() => {});
    await restarted;
    expect(isAlive(grandchild)).toBe(false);
    left.push(await client.call('grandchild'));
  });

  test('a descendant that leaves the group has left the tree', async () => {
    const { client, grandchild, pid } = await family({ args: ['detached'] });
    await client.stop();
    expect(isAlive(pid)).toBe(false);
    expect(isAlive(grandchild)).toBe(true);
  });
});

describe('`killTree: false` signals the child alone', () => {
  test('at `stop()`', async () => {
    const { client, grandchild, pid } = await family({ killTree: false });
    await client.stop();
    expect(isAlive(pid)).toBe(false);
    expect(isAlive(grandchild)).toBe(true);
  });

  test('after an unasked exit', async () => {
    const { client, grandchild } = await family({ killTree: false });
    const exited = next(client, 'exit');
    client.call('exit').catch(() => {});
    await exited;
    expect(isAlive(grandchild)).toBe(true);
  });
});

describe('SIGTERM to the process group, `killTimeout` later SIGKILL to the group', () => {
  const tailOf = async (options) => {
    const { client, grandchild } = await family({ args: ['stubborn'], killTimeout: 400, ...options });
    const exited = next(client, 'exit');
    await client.stop();
    const { data } = await exited;
    expect(data.signal).toBe('SIGKILL');
    return { grandchild, said: data.stderrTail.split('\n') };
  };

  test('a grandchild gets both', async () => {
    // Time for both to say it, also where they have to wait for a processor.
    const { grandchild, said } = await tailOf({ killTree: true, killTimeout: 1500 });
    expect(said).toContain('SIGTERM');
    await gone(grandchild, 1000);
  });

  test('with `killTree: false` it gets neither', async () => {
    const { grandchild, said } = await tailOf({ killTree: false });
    expect(said).not.toContain('SIGTERM');
    expect(isAlive(grandchild)).toBe(true);
  });
});

test('the engine has its own group', async () => {
  const client = await startedEngine('does-as-told.js');
  const { pid } = client.getStats();
  // Only a group's leader has its number.
  expect(() => process.kill(-pid, 0)).not.toThrow();
  await client.stop();
  expect(() => process.kill(-pid, 0)).toThrow('ESRCH');
});

describe("a call never hangs: it settles within 100 ms of the engine's exit even when a grandchild holds the pipe open", () => {
  test.each([
    ['the tree is left alone', { killTree: false }],
    ['the grandchild left the tree', { args: ['detached'] }],
  ])('%s', async (_, options) => {
    const { client, grandchild, pid } = await family({ ...options, requestTimeout: Infinity });
    const lost = client.call('unanswered').catch((error) => ({ error, at: Date.now() }));
    const exited = next(client, 'exit').then(() => Date.now());
    process.kill(pid, 'SIGKILL');
    await gone(pid);
    const end = Date.now();
    const { error, at } = await lost;
    expect(error).toMatchObject({ message: 'Engine process exited', code: 'ENGINE_EXITED' });
    expect(at - end).toBeLessThan(SETTLES_MS);
    expect((await exited) - end).toBeLessThan(SETTLES_MS);
    expect(isAlive(grandchild)).toBe(true);
  });

  test('… and `stop()` resolves', async () => {
    const { client, grandchild } = await family({ args: ['detached'], killTimeout: 100 });
    const lost = client.call('unanswered').catch((error) => error.message);
    await client.stop();
    await expect(lost).resolves.toBe('Engine shutting down');
    expect(isAlive(grandchild)).toBe(true);
  });

  test('… and the engine restarts', async () => {
    const { client, grandchild } = await family({ args: ['detached'], autoRestart: true, restartDelay: 0 });
    const restarted = next(client, 'restart');
    client.call('exit').catch(() => {});
    await restarted;
    expect(isAlive(grandchild)).toBe(true);
    left.push(await client.call('grandchild'));
  });
});
