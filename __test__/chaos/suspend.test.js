import { describe, expect, test } from 'vitest';
import { commanded } from '../support/commanded.js';
import { fixture } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { isAlive } from '../support/processes.js';
import { rounds } from '../support/rounds.js';

const ROUNDS = rounds(1);
const LIMIT = 400;
/** Longer than every timeout and interval. */
const NIGHT = 1200;
const COUNT = 25;
const night = (ms = NIGHT) => new Promise((resolve) => setTimeout(resolve, ms));

const stop = (...pids) => pids.forEach((pid) => process.kill(pid, 'SIGSTOP'));
const resume = (...pids) => pids.forEach((pid) => process.kill(pid, 'SIGCONT'));

/** How many settled in which way; none may have settled twice. */
function counted(settled) {
  const counts = {};
  for (const { how, times } of settled) {
    expect(times).toBe(how === 'pending' ? 0 : 1);
    counts[how] = (counts[how] || 0) + 1;
  }
  return counts;
}

async function asleepTogether(who) {
  const engine = { args: [fixture('runs-jobs.js')], healthInterval: 50 };
  const jobs = { concurrency: 2 * COUNT, cancelGrace: 100 };
  const app = await commanded({ engine, jobs, recovery: { stateDir: folder() } });
  await app.ask('engine.start');
  const { pid } = await app.ask('engine.getStats');
  const sleepers = { engine: [pid], app: [app.pid], both: [app.pid, pid] }[who];
  const totals = {};
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = (await app.ask('app.settled')).length;
    // What has a timeout that passes in the night, what has none, and what the engine has under way.
    await app.ask('app.jobs', COUNT, 'stay', { timeout: LIMIT });
    const asked = [app.ask('app.jobs', COUNT, 'echo'), app.ask('app.calls', COUNT, 'echo', {})];
    if (round % 2 === 0) await Promise.all(asked);
    stop(...sleepers);
    const answered = [
      app.ask('app.calls', COUNT, 'echo', {}, { timeout: LIMIT }),
      app.ask('app.calls', COUNT, 'echo', {}, { timeout: 60_000 }),
    ];
    await night();
    resume(...sleepers);
    await Promise.all([...asked, ...answered]);
    await eventually(async () => (await app.ask('app.settled')).every(({ times }) => times > 0), 'all to settle');
    // A late answer, or a timer that rings again, would have come by then.
    await app.ask('app.wait', 100);
    const counts = counted((await app.ask('app.settled')).slice(before));
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(5 * COUNT);
    expect(counts['Job timeout']).toBe(COUNT);
    // All that had more time than the night took is done, whatever slept.
    expect(counts.done).toBeGreaterThanOrEqual(3 * COUNT);
    expect(counts.done + (counts['Request timeout: echo'] || 0)).toBe(4 * COUNT);
    for (const [how, count] of Object.entries(counts)) totals[how] = (totals[how] || 0) + count;
    expect(await app.ask('engine.call', 'echo', { round }, { timeout: 60_000 })).toEqual({ round });
  }
  expect((await app.ask('app.completed')).every((times) => times === 1)).toBe(true);
  // A job whose `jobs.start` was not answered in time has timed out without having started.
  expect((await app.ask('app.completed')).length).toBeGreaterThanOrEqual(COUNT * ROUNDS);
  // The same process, never ended, never restarted, and not called unhealthy: half a minute of silence is needed for that.
  expect((await app.ask('app.events')).map(({ name }) => name)).toEqual(['ready']);
  expect(isAlive(pid)).toBe(true);
  expect((await app.ask('engine.getStats')).pid).toBe(pid);
  console.log(`asleep: ${who}, ${ROUNDS} rounds: ${JSON.stringify(totals)}`);
  await app.end();
}

describe.skipIf(process.platform === 'win32')('the machine suspends', () => {
  test.each(['engine', 'app', 'both'])(
    'asleep: %s. All settles once, no job is lost, the engine is not killed',
    (who) => asleepTogether(who),
    30_000 + ROUNDS * 10_000,
  );

  test('asleep during `start()`: it is ready, or `startupTimeout` passed; nothing is left running, and it works again', async () => {
    const engine = { args: [fixture('runs-jobs.js')], startupTimeout: LIMIT };
    const outcomes = {};
    for (let round = 0; round < 2 + ROUNDS; round += 1) {
      const app = await commanded({ engine });
      const started = app.ask('engine.start').then(
        () => 'ready',
        (error) => error.message,
      );
      stop(app.pid);
      await night();
      resume(app.pid);
      const outcome = await started;
      outcomes[outcome] = (outcomes[outcome] || 0) + 1;
      expect(['ready', 'Engine startup timeout']).toContain(outcome);
      const { pid, state } = await app.ask('engine.getStats');
      if (outcome === 'ready') expect(state).toBe('ready');
      else expect([pid, state]).toEqual([null, 'idle']);
      await app.ask('engine.stop');
      await app.end();
    }
    console.log(`asleep during start(): ${JSON.stringify(outcomes)}`);
  }, 60_000);

  test('asleep during `stop()`: the engine is gone, `stop()` resolves', async () => {
    const app = await commanded({ engine: { args: [fixture('ignores-sigterm.js')], killTimeout: LIMIT } });
    await app.ask('engine.start');
    const { pid } = await app.ask('engine.getStats');
    const stopped = app.ask('engine.stop');
    stop(app.pid, pid);
    await night();
    resume(app.pid);
    // SIGKILL ends a process that sleeps, too.
    await stopped;
    expect(isAlive(pid)).toBe(false);
    await app.end();
  });

  test.runIf(ROUNDS > 1)(
    '`unhealthy` after 3 missed health calls and 30 s without any output, an event only',
    async () => {
      const app = await commanded({ engine: { args: [fixture('runs-jobs.js')], healthInterval: 1000 } });
      await app.ask('engine.start');
      const { pid } = await app.ask('engine.getStats');
      stop(pid);
      await night(40_000);
      const unhealthy = (await app.ask('app.events')).filter(({ name }) => name === 'unhealthy');
      expect(unhealthy.length).toBeGreaterThanOrEqual(1);
      resume(pid);
      expect(await app.ask('engine.call', 'echo', { n: 1 })).toEqual({ n: 1 });
      expect((await app.ask('app.events')).map(({ name }) => name)).not.toContain('exit');
      await app.end();
    },
    90_000,
  );
});
