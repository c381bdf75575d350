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
const TRIES = 5;

const left = [];
afterEach(() => left.splice(0).forEach(end));

/** When a process was first seen to have ended. */
async function endOf(pid) {
  while (isAlive(pid)) await pause(1);
  return Date.now();
}

/** One kill: what came of the calls and jobs is looked at; gives how long the last of them took, by two clocks. */
async function kill(after, way) {
  const { said, ended } = app('loses-its-engine.js', after, way);
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
  // What a thread waits for a processor is the machine's time, not the runtime's. Of the app's main thread it is known;
  // before it the waiter, a reader and the waiter again take turns, and each may wait as long as this process had to.
  return {
    fromExit: times.lastSettled - times.exit[0] - starved.fromExit,
    fromOutside: times.lastSettled - seen - starved.fromKill - 3 * stall,
  };
}

test.each([['holds'], ['floods']])(
  'when the engine is killed, 1000 calls and 100 jobs settle within 100 ms of the exit, each once, while a grandchild %s its pipes',
  { timeout: timeFor(COUNT, TRIES * 3000) },
  async (way) => {
    const longest = { fromExit: 0, fromOutside: 0 };
    for (let seed = 1; seed <= COUNT; seed += 1) {
      const after = numbersOf(seed)() * LATEST_KILL_MS;
      let fromOutside = Infinity;
      for (let tries = 0; tries < TRIES && fromOutside > SETTLES_MS; tries += 1) {
        const took = await kill(after, way);
        expect(took.fromExit).toBeLessThanOrEqual(SETTLES_MS);
        longest.fromExit = Math.max(longest.fromExit, took.fromExit);
        // A reader that is busy with a flood waits longer for a processor than this idle process, and nobody tells how
        // long. Where the runtime makes it wait, it does so each time.
        fromOutside = Math.min(fromOutside, took.fromOutside);
      }
      expect(fromOutside).toBeLessThanOrEqual(SETTLES_MS);
      longest.fromOutside = Math.max(longest.fromOutside, fromOutside);
    }
    console.log(
      `${COUNT} engines killed: the last of 1100 settled ${Math.round(longest.fromExit)} ms after 'exit' at most,`,
      `${Math.round(longest.fromOutside)} ms after its end was seen from outside, without the waits for a processor`,
    );
  },
);
