import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cacheIn } from '../support/cache-folders.js';
import { commanded } from '../support/commanded.js';
import { fixture } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { childrenOf } from '../support/processes.js';
import { ids, job, openRecovery } from '../support/recovery-folders.js';
import { boundByLimits, has, roomFor } from '../support/shortage.js';
import { rounds } from '../support/rounds.js';

const ROUNDS = rounds(1);
const ENGINE = { args: [fixture('runs-jobs.js')] };
/** What of the files of a folder was taken for damaged. */
const setAside = (dir) => fs.readdirSync(dir).filter((name) => name.includes('corrupt'));

/** One without threads: the limit that a test sets for its app binds the engine, too. It answers by echoing. */
const CAT = { enginePath: '/bin/cat' };

const spawnError = (code, { enginePath = process.execPath, args = [] }) => ({
  name: 'Error',
  code,
  errno: code === 'EMFILE' ? -24 : -11,
  syscall: `spawn ${enginePath}`,
  path: enginePath,
  spawnargs: args,
  message: `spawn ${enginePath} ${code}`,
});

/** An app that has run an engine once, and what it holds without one. */
async function warm(options) {
  const app = await commanded({ engine: ENGINE, ...options });
  await app.ask('engine.start');
  await app.ask('engine.stop');
  return { ...app, ...(await atRest(app)) };
}

async function atRest({ ask, pid }) {
  let before;
  // The threads of an engine end behind its exit; on a busy machine one may wait for its turn meanwhile.
  await eventually(async () => {
    const counts = await ask('app.counts');
    const same = counts.ofEngines === 0 && JSON.stringify(counts) === JSON.stringify(before);
    before = counts;
    await ask('app.wait', 30);
    return same;
  }, 'rest');
  return { counts: before, children: childrenOf(pid) };
}

describe.runIf(process.platform === 'linux' && has('prlimit', '--version'))('descriptors exhausted', () => {
  test('`start()` rejects with the spawn error itself, nothing is left running, and `start()` can be called again', async () => {
    const app = await warm();
    let failures = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      // From none on, until the engine has all that it takes: every step of the start fails once.
      for (let room = 0, started = false; !started; room += 1) {
        app.limit('nofile', roomFor(app.pid, room));
        started = await app.ask('engine.start').then(
          () => true,
          (error) => {
            expect(error).toMatchObject(spawnError('EMFILE', ENGINE));
            return false;
          },
        );
        app.limit('nofile');
        if (started) {
          await app.ask('engine.stop');
        } else {
          failures += 1;
          expect(childrenOf(app.pid)).toEqual(app.children);
        }
      }
    }
    expect(failures).toBeGreaterThanOrEqual(6 * ROUNDS);
    await expect.poll(() => atRest(app), { timeout: 20_000 }).toEqual({ counts: app.counts, children: app.children });
    expect((await app.ask('app.events')).filter(({ name }) => name === 'error')).toHaveLength(failures);
    await app.ask('engine.start');
    expect(await app.ask('engine.call', 'echo', { n: 1 })).toEqual({ n: 1 });
    console.log(`descriptors exhausted: ${failures} starts failed, ${JSON.stringify(app.counts)} before and after`);
    await app.end();
  });

  test('a running engine works on: calls, jobs, `stop()`', async () => {
    const app = await commanded({ engine: ENGINE });
    await app.ask('engine.start');
    app.limit('nofile', roomFor(app.pid, 0));
    for (let round = 0; round < 20 * ROUNDS; round += 1) {
      expect(await app.ask('engine.call', 'echo', { round })).toEqual({ round });
      expect(await app.ask('jobs.submit', 'echo', { round })).toEqual({ success: true, data: { round } });
    }
    await app.ask('engine.stop');
    await app.end();
  });

  test('a restart that fails to spawn counts and is tried again; each failed one emits its `error`', async () => {
    const app = await commanded({ engine: { ...ENGINE, restartDelay: 50, maxRestarts: 1000 } });
    for (let round = 0; round < ROUNDS; round += 1) {
      await app.ask(round === 0 ? 'engine.start' : 'engine.isReady');
      const { pid } = await app.ask('engine.getStats');
      const before = (await app.ask('app.events')).length;
      app.limit('nofile', roomFor(app.pid, 0));
      process.kill(pid, 'SIGKILL');
      const since = async (name) => (await app.ask('app.events')).slice(before).filter((event) => event.name === name);
      await eventually(async () => (await since('error')).length >= 3, 'three failed restarts');
      app.limit('nofile');
      const [restart] = await eventually(async () => {
        const seen = await since('restart');
        return seen.length > 0 && seen;
      }, 'the restart');
      const errors = await since('error');
      expect(errors.map(({ code }) => code)).toEqual(errors.map(() => 'EMFILE'));
      expect(await since('exit')).toHaveLength(1);
      expect(restart.attempt).toBeGreaterThan(errors.length);
      expect(await app.ask('engine.call', 'echo', { round })).toEqual({ round });
    }
    await app.end();
  });

  test('the last restart that fails is followed by RESTART_LIMIT, and `start()` works', async () => {
    const app = await commanded({ engine: { ...ENGINE, restartDelay: 20, maxRestarts: 2 } });
    await app.ask('engine.start');
    const { pid } = await app.ask('engine.getStats');
    app.limit('nofile', roomFor(app.pid, 0));
    process.kill(pid, 'SIGKILL');
    const errors = async () => (await app.ask('app.events')).filter(({ name }) => name === 'error');
    await eventually(async () => (await errors()).length === 3, 'the last error');
    expect((await errors()).map(({ code }) => code)).toEqual(['EMFILE', 'EMFILE', 'RESTART_LIMIT']);
    app.limit('nofile');
    await app.ask('engine.start');
    await app.end();
  });

  test('the cache: `success: false`, in memory, on disk again afterwards, nothing taken for damaged', async () => {
    const cacheDir = folder();
    const first = cacheIn(cacheDir);
    expect(await first.set('before', 1)).toEqual({ success: true });
    await first.close();
    for (let round = 0; round < ROUNDS; round += 1) {
      let succeeded = false;
      for (let room = 0; !succeeded; room += 1) {
        const app = await commanded({ cache: { cacheDir } });
        app.limit('nofile', roomFor(app.pid, room));
        ({ success: succeeded } = await app.ask('cache.set', 'k', room));
        expect(await app.ask('cache.get', 'k')).toEqual({ found: true, value: room });
        if (!succeeded) {
          expect(await app.ask('cache.set', 'k', 'again')).toEqual({ success: false });
          expect((await app.ask('app.logged')).length).toBeGreaterThan(0);
        }
        app.limit('nofile');
        expect(await app.ask('cache.set', 'after', room)).toEqual({ success: true });
        expect(await app.ask('cache.get', 'before')).toEqual({ found: true, value: 1 });
        await app.ask('cache.close');
        await app.end();
        // What could not be stored did not leave an older value in its place.
        const found = await cacheIn(cacheDir).get('k');
        expect(found.value).toBe(succeeded ? room : undefined);
      }
      expect(setAside(cacheDir)).toEqual([]);
    }
  });

  test('recovery: no job of an earlier process is lost, and each is handed over once when there are descriptors', async () => {
    let unread = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let room = 0, openedAtOnce = false; !openedAtOnce; room += 1) {
        const stateDir = folder();
        const killed = await commanded({ recovery: { stateDir, autoRecover: false } });
        await killed.ask('recovery.init');
        for (const id of ['a', 'b', 'c']) await killed.ask('recovery.trackJob', job(id));
        killed.child.kill('SIGKILL');
        await killed.ended;

        const app = await commanded({ recovery: { stateDir, persistInterval: 100 } });
        app.limit('nofile', roomFor(app.pid, room));
        await app.ask('recovery.init');
        await app.ask('recovery.trackJob', job('meanwhile'));
        openedAtOnce = (await app.ask('app.handed')).length === 3;
        if (!openedAtOnce) {
          unread += 1;
          expect((await app.ask('app.logged')).length).toBeGreaterThan(0);
        }
        app.limit('nofile');
        await eventually(async () => (await app.ask('app.handed')).length >= 3, 'the jobs of the earlier process');
        await app.ask('recovery.recover');
        expect((await app.ask('app.handed')).sort()).toEqual(['a', 'b', 'c', 'meanwhile']);
        await app.ask('recovery.trackJob', job('last'));
        await app.ask('recovery.shutdown');
        await app.end();
        expect(setAside(stateDir)).toEqual([]);
        const next = await openRecovery({ stateDir, autoRecover: false });
        expect(ids(next.getRecoverableJobs())).toEqual(['last']);
        await next.shutdown();
      }
    }
    expect(unread).toBeGreaterThanOrEqual(2 * ROUNDS);
  });
});

describe.runIf(process.platform === 'linux' && has('prlimit', '--version') && has(...boundByLimits(), 'true'))(
  'threads and processes exhausted',
  () => {
    const bound = { before: boundByLimits() };
    const openTo = (dir) => {
      fs.chmodSync(dir, 0o777);
      return dir;
    };

    test('`start()` rejects with EAGAIN, the first and any other, nothing is left running, and it works again', async () => {
      let failures = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const app = await commanded({ engine: CAT }, bound);
        const threads = (await app.ask('app.counts')).threads;
        for (let room = 0, started = false; !started; room += 1) {
          app.limit('nproc', room === 0 ? 1 : threads + room);
          started = await app.ask('engine.start').then(
            () => true,
            (error) => {
              expect(error).toMatchObject(spawnError('EAGAIN', CAT));
              return false;
            },
          );
          app.limit('nproc');
          if (started) await app.ask('engine.stop');
          else failures += 1;
        }
        const { counts } = await atRest(app);
        for (let again = 0; again < 5; again += 1) {
          app.limit('nproc', 1);
          await expect(app.ask('engine.start')).rejects.toMatchObject(spawnError('EAGAIN', CAT));
          app.limit('nproc');
          failures += 1;
        }
        await expect.poll(async () => (await atRest(app)).counts, { timeout: 20_000 }).toEqual(counts);
        await app.ask('engine.start');
        expect(await app.ask('engine.isReady')).toBe(true);
        await app.end();
      }
      console.log(`threads exhausted: ${failures} starts failed`);
    });

    test('the cache: `success: false`, in memory, on disk again afterwards', async () => {
      const cacheDir = openTo(folder());
      for (let round = 0; round < ROUNDS; round += 1) {
        const app = await commanded({ cache: { cacheDir } }, bound);
        app.limit('nproc', 1);
        const value = { round };
        expect(await app.ask('cache.set', 'k', value)).toEqual({ success: false });
        expect(await app.ask('cache.get', 'k')).toEqual({ found: true, value });
        expect(await app.ask('cache.get', 'other')).toEqual({ found: false });
        expect(await app.ask('cache.keys')).toEqual(['k']);
        expect(await app.ask('cache.prune')).toBe(0);
        await app.ask('cache.close');
        expect(await app.ask('app.logged')).toEqual([expect.stringContaining('could not be used')]);
        app.limit('nproc');
        expect(await app.ask('cache.set', 'k', 'stored')).toEqual({ success: true });
        await app.ask('cache.close');
        await app.end();
        const second = await commanded({ cache: { cacheDir } }, bound);
        expect(await second.ask('cache.get', 'k')).toEqual({ found: true, value: 'stored' });
        await second.ask('cache.close');
        await second.end();
      }
    });

    test('recovery: `init()` resolves, jobs are kept in memory and reach the disk when there is a thread', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const stateDir = openTo(folder());
        const killed = await commanded({ recovery: { stateDir, autoRecover: false } }, bound);
        await killed.ask('recovery.init');
        await killed.ask('recovery.trackJob', job('earlier'));
        killed.child.kill('SIGKILL');
        await killed.ended;

        const app = await commanded({ recovery: { stateDir } }, bound);
        app.limit('nproc', 1);
        await app.ask('recovery.init');
        await app.ask('recovery.trackJob', job('in memory'));
        expect(await app.ask('app.logged')).toEqual([expect.stringContaining('No thread')]);
        app.limit('nproc');
        // The next changes try again.
        await eventually(async () => {
          await app.ask('recovery.updateJobState', 'in memory', 'running', 1);
          return (await app.ask('app.handed')).length === 2;
        }, 'the recovery');
        expect((await app.ask('app.handed')).sort()).toEqual(['earlier', 'in memory']);
        await app.ask('recovery.trackJob', job('on disk'));
        app.child.kill('SIGKILL');
        await app.ended;
        const next = await commanded({ recovery: { stateDir, autoRecover: false } }, bound);
        await next.ask('recovery.init');
        expect(ids(await next.ask('recovery.getRecoverableJobs'))).toEqual(['on disk']);
        await next.end();
      }
    });
  },
);
