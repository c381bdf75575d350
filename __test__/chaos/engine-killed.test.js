import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { app } from '../support/app.js';
import { end, isAlive } from '../support/processes.js';
import { numbersOf } from '../support/random.js';
import { rounds, timeFor } from '../support/rounds.js';
import { watchStalls } from '../support/stalls.js';

const SETTLES_MS = 100;
const LATEST_KILL_MS = 60;
const COUNT = rounds(3);

const left = [];
afterEach(() => left.splice(0).forEach(end));

/** When a process was first seen to have ended. */
async function endOf(pid) {
  while (isAlive(pid)) await pause(1);
  return Date.now();
}

test.each([['holds'], ['floods']])(
  'when the engine is killed, 1000 calls and 100 jobs settle within 100 ms of the exit, each once, while a grandchild %s its pipes',
  { timeout: timeFor(COUNT, 3000) },
  async (way) => {
    const longest = { fromExit: 0, fromOutside: 0 };
    for (let seed = 1; seed <= COUNT; seed += 1) {
      const { said, ended } = app('loses-its-engine.js', numbersOf(seed)() * LATEST_KILL_MS, way);
      const { engine, child } = await said;
      left.push(engine, child);
      const stallsEnd = watchStalls();
      const seen = await endOf(engine);
      const { code, stdout, stderr } = await ended;
      const stall = await stallsEnd();
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      if (way === 'holds') expect(isAlive(child)).toBe(true);
      end(child);
      const { times, starved, outcomes, told, ...rest } = JSON.parse(stdout.split('\n')[1]);
      expect(outcomes).toEqual({ 'call: Engine process exited': 1000, 'job: Engine process exited': 100 });
      expect(rest).toEqual({ completed: 100, twice: 0, disorder: 0, pendingCalls: 0, state: 'idle' });
      expect(times.exit).toHaveLength(1);
      const fromExit = times.lastSettled - times.exit[0];
      const fromOutside = times.lastSettled - seen;
      // What a thread waits for a processor is the machine's time, not the runtime's. Of the app's main thread it is known;
      // before it the waiter, a reader and the waiter again take turns, and each may wait as long as this process had to.
      expect(fromExit - starved.fromExit).toBeLessThanOrEqual(SETTLES_MS);
      expect(fromOutside - starved.fromKill - 3 * stall).toBeLessThanOrEqual(SETTLES_MS);
      longest.fromExit = Math.max(longest.fromExit, fromExit);
      longest.fromOutside = Math.max(longest.fromOutside, fromOutside);
    }
    console.log(
      `${COUNT} engines killed: the last of 1100 settled ${longest.fromExit} ms after 'exit' at most,`,
      `${longest.fromOutside} ms after its end was seen from outside`,
    );
  },
);
