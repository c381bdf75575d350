import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { cacheIn } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import { eventsOf, ids, job, recovery } from '../support/recovery-folders.js';

const lines = consoleErrors();
const holders = [];
afterEach(() => holders.splice(0).forEach((child) => child.kill('SIGKILL')));

/** Another program that takes a file's lock and keeps it. */
async function hold(file) {
  const program = [
    'import fcntl, os, sys, time',
    'held = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)',
    'fcntl.flock(held, fcntl.LOCK_EX)',
    'print("held", flush=True)',
    'time.sleep(600)',
  ].join('\n');
  const child = spawn('python3', ['-c', program, file]);
  holders.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}

describe.runIf(process.platform !== 'win32')('A lock that another program keeps for ever hangs nothing', () => {
  test.each([false, true])(
    'of a cache folder (with a database: %s): it works in memory, and on disk again when the lock is free',
    async (isMade) => {
      const cacheDir = folder();
      if (isMade) {
        const before = cacheIn(cacheDir);
        await before.set('before', 1);
        await before.close();
      }
      const child = await hold(path.join(cacheDir, 'cache.lock'));
      const cache = cacheIn(cacheDir);
      expect(await Promise.all([cache.set('k', 1), cache.get('none')])).toEqual([{ success: false }, { found: false }]);
      expect(await cache.get('k')).toEqual({ found: true, value: 1 });
      expect(lines).toHaveLength(1);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      expect(await cache.set('k', 2)).toEqual({ success: true });
      if (isMade) expect(await cache.get('before')).toEqual({ found: true, value: 1 });
    },
    40_000,
  );

  test('of a state folder: `init()` resolves, jobs are tracked in memory', async () => {
    const stateDir = folder();
    await hold(path.join(stateDir, 'recovery.lock'));
    const one = recovery({ stateDir });
    const events = eventsOf(one);
    await one.init();
    one.trackJob(job('a'));
    expect(ids(one.getRecoverableJobs())).toEqual(['a']);
    expect(events.map(([name, { error }]) => [name, error.code])).toEqual([['locked', 'STATE_LOCKED']]);
    await one.shutdown();
    expect(fs.readdirSync(stateDir)).toEqual(['recovery.lock']);
  });
});
