import { describe, expect, test } from 'vitest';
import { cacheIn, remoteCache } from '../support/cache-folders.js';
import { commanded } from '../support/commanded.js';
import { fixture } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { ids, job, openRecovery } from '../support/recovery-folders.js';
import { wallClock } from '../support/wall-clock.js';

const ROUNDS = Number(process.env.ROUNDS) || 1;
const HOUR = 3600;
const ENGINE = { args: [fixture('runs-jobs.js')] };
const rounds = Array.from({ length: ROUNDS }, (_, round) => round);

// The shim that moves a process's clock is made for Linux's dynamic linker.
describe.runIf(process.platform === 'linux')('the wall clock jumps by an hour', () => {
  test('the shim moves the wall clock alone', async () => {
    const clock = wallClock();
    const app = await commanded({}, clock);
    for (const offset of [HOUR, -HOUR, 0]) {
      clock.set(offset);
      expect(Math.abs((await app.ask('app.date')) - Date.now() - offset * 1000)).toBeLessThan(60_000);
    }
    await app.end();
  });

  test.each([
    ['forth', HOUR],
    ['back', -HOUR],
  ])('%s: timeouts of calls and jobs, and the restart, come when they would have come', async (_, offset) => {
    const LIMIT = 1500;
    const DELAY = 700;
    for (const _round of rounds) {
      const clock = wallClock();
      const engine = { ...ENGINE, requestTimeout: LIMIT, restartDelay: DELAY };
      const app = await commanded({ engine, jobs: { concurrency: 10, cancelGrace: 0 } }, clock);
      await app.ask('engine.start');
      const { pid } = await app.ask('engine.getStats');
      await app.ask('app.jobs', 10, 'stay', { timeout: LIMIT });
      await eventually(
        async () => (await app.ask('jobs.getJobs')).every(({ state }) => state === 'running'),
        'the jobs',
      );
      process.kill(pid, 'SIGSTOP');
      await app.ask('app.calls', 10, 'echo', {});
      clock.set(offset);
      await eventually(async () => (await app.ask('app.settled')).every(({ times }) => times > 0), 'the timeouts');
      const settled = await app.ask('app.settled');
      expect(settled.map(({ how }) => how)).toEqual([
        ...Array(10).fill('Job timeout'),
        ...Array(10).fill('Request timeout: echo'),
      ]);
      // Timers may be early by what a millisecond hides.
      for (const { took, times } of settled)
        expect({ times, early: took < LIMIT - 20 }).toEqual({ times: 1, early: false });

      clock.set(0);
      // `exit` may be told late; it cannot have been before this.
      const beforeExit = await app.ask('app.elapsed');
      process.kill(pid, 'SIGKILL');
      await eventually(async () => (await app.ask('app.events')).some(({ name }) => name === 'exit'), 'the exit');
      clock.set(offset);
      await eventually(async () => (await app.ask('app.events')).some(({ name }) => name === 'restart'), 'the restart');
      const events = await app.ask('app.events');
      const at = (name) => events.findLast((event) => event.name === name).at;
      expect(at('ready') - beforeExit).toBeGreaterThan(DELAY - 20);
      expect(events.filter(({ name }) => name === 'error')).toEqual([]);
      expect(await app.ask('engine.call', 'echo', { n: 1 })).toEqual({ n: 1 });
      await app.end();
    }
  });

  test('a TTL is wall time: what a jump makes expire is gone, unless the clock is back before anybody looks', async () => {
    for (const _round of rounds) {
      const clock = wallClock();
      const cacheDir = folder();
      const cache = remoteCache(cacheDir, {}, clock.before);
      const set = (key, ttl) => cache.ask('set', key, key, ttl);
      for (const key of ['looked at', 'left alone']) expect(await set(key, 600)).toEqual({ success: true });
      await set('no ttl');
      clock.set(HOUR);
      expect(await cache.ask('get', 'looked at')).toEqual({ found: false });
      expect((await cache.ask('get', 'no ttl')).found).toBe(true);
      await set('set in the future', 600);
      clock.set(0);
      expect((await cache.ask('get', 'looked at')).found).toBe(false);
      expect((await cache.ask('get', 'left alone')).found).toBe(true);
      // It lives for the hour longer.
      expect((await cache.ask('get', 'set in the future')).found).toBe(true);
      clock.set(-HOUR);
      for (const key of ['left alone', 'no ttl']) expect((await cache.ask('get', key)).found).toBe(true);
      clock.set(HOUR);
      expect(await cache.ask('prune')).toBe(1);
      expect((await cache.ask('keys')).sort()).toEqual(['no ttl', 'set in the future']);
      cache.end();
      await cache.ended;
    }
  });

  test('another process’s change is seen within one second, also by one whose clock went back', async () => {
    for (const offset of [HOUR, -HOUR]) {
      const clock = wallClock();
      const cacheDir = folder();
      const here = cacheIn(cacheDir);
      const there = remoteCache(cacheDir, {}, clock.before);
      await here.set('k', 0);
      for (let n = 1; n <= 2 + ROUNDS; n += 1) {
        // Served from memory from here on, until something says that it changed.
        clock.set(n % 2 ? offset : 0);
        await eventually(async () => (await there.ask('get', 'k')).value === n - 1, `change ${n - 1}`, 3000);
        clock.set(n % 2 ? 0 : offset);
        expect(await here.set('k', n)).toEqual({ success: true });
        await eventually(async () => (await there.ask('get', 'k')).value === n, `change ${n}`, 3000);
        expect(await there.ask('set', 'answer', n)).toEqual({ success: true });
        await eventually(async () => (await here.get('answer')).value === n, `answer ${n}`, 3000);
      }
      there.end();
      await there.ended;
    }
  });

  test('recovery: no tracked job is lost, their order stays', async () => {
    const clock = wallClock();
    const stateDir = folder();
    const app = await commanded({ recovery: { stateDir, persistInterval: 50 } }, clock);
    await app.ask('recovery.init');
    const names = [];
    for (let n = 0; n < 10 * ROUNDS; n += 1) {
      clock.set([0, HOUR, -HOUR][n % 3]);
      names.push(`job ${n}`);
      await app.ask('recovery.trackJob', job(`job ${n}`));
    }
    app.child.kill('SIGKILL');
    await app.ended;
    const next = await openRecovery({ stateDir, autoRecover: false, maxRecoveredJobs: Infinity });
    expect(ids(next.getRecoverableJobs())).toEqual(names);
  });
});
