import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { app } from '../support/app.js';
import { cacheIn } from '../support/cache-folders.js';
import { job, openRecovery } from '../support/crash-recovery.js';
import { startedEngine } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';

const MIB = 1024 * 1024;

/** Bytes that this thread, which is the event loop's, has read and written so far, whatever from and to. */
function ofThisThread() {
  const text = fs.readFileSync('/proc/thread-self/io', 'latin1');
  const [read, written] = ['rchar', 'wchar'].map((name) => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text)[1]));
  return { read, written };
}

/** What it reads and writes while `act` runs. */
async function during(act) {
  const before = ofThisThread();
  await act();
  const after = ofThisThread();
  return { read: after.read - before.read, written: after.written - before.written };
}

// The system counts by thread on Linux alone.
describe.runIf(process.platform === 'linux')(
  'nothing blocks the event loop: no file or database I/O is done on it',
  () => {
    const keys = Array.from({ length: 64 }, (_, n) => `k${n}`);
    const value = 'x'.repeat(256 * 1024);

    test('the cache: 16 MiB are stored, read back, listed, pruned and cleared', async () => {
      const cacheDir = folder();
      const cache = cacheIn(cacheDir, { maxMemorySize: 0 });
      const io = await during(async () => {
        await cache.init();
        for (const { success } of await Promise.all(keys.map((key) => cache.set(key, value))))
          expect(success).toBe(true);
        for (const key of keys) expect((await cache.get(key)).value).toHaveLength(value.length);
        expect(await cache.keys()).toHaveLength(keys.length);
        await cache.prune();
        expect((await cache.clear()).cleared).toBe(keys.length);
        await cache.close();
      });
      // Wake-ups are of eight bytes.
      expect(io.read).toBeLessThan(MIB);
      expect(io.written).toBeLessThan(MIB);
    });

    test('crash recovery: of 8 MiB of jobs one append each, and no more: not the snapshot, not the reading', async () => {
      const stateDir = folder();
      const recovery = await openRecovery({ stateDir, autoRecover: false });
      const payload = 'x'.repeat(128 * 1024);
      const tracked = await during(() => keys.forEach((key) => recovery.trackJob(job(key, { payload }))));
      expect(tracked.written).toBeGreaterThan(keys.length * payload.length);
      expect(tracked.written).toBeLessThan(keys.length * payload.length + MIB);
      expect(tracked.read).toBeLessThan(MIB);

      const rest = await during(async () => {
        await recovery.shutdown();
        await recovery.init();
      });
      expect(recovery.getStats().pendingJobs).toBe(keys.length);
      expect(rest.read).toBeLessThan(MIB);
      expect(rest.written).toBeLessThan(MIB);
    });

    test('an engine: of 16 MiB that go there and back, 64 KiB of a message are written at most, and nothing is read', async () => {
      const client = await startedEngine('does-as-told.js');
      const text = 'x'.repeat(MIB);
      const io = await during(async () => {
        for (let n = 0; n < 16; n += 1) expect((await client.call('echo', { text })).text).toHaveLength(MIB);
      });
      expect(io.read).toBeLessThan(MIB);
      expect(io.written).toBeLessThan(16 * 64 * 1024 + MIB);
    });

    test('nothing polls while idle: an app whose engine runs and rests', async () => {
      const { child, said } = app('runs-an-engine.js', 'stays');
      await said;
      const tasks = `/proc/${child.pid}/task`;
      /** Of a thread that has ended since it was listed, nothing. */
      const switchesOf = (task) => {
        try {
          const status = fs.readFileSync(`${tasks}/${task}/status`, 'latin1');
          return [[task, Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)[1])]];
        } catch (error) {
          if (error.code === 'ENOENT' || error.code === 'ESRCH') return [];
          throw error;
        }
      };
      const switches = () => new Map(fs.readdirSync(tasks).flatMap(switchesOf));
      const inASecond = async () => {
        const before = switches();
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return [...switches()].reduce((sum, [task, count]) => sum + count - (before.get(task) || 0), 0);
      };
      // Node ends its own beginning in the first of them.
      await eventually(async () => (await inASecond()) < 20, 'a second without wake-ups');
    });
  },
);
