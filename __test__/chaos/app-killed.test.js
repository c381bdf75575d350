import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { app } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { end, isAlive, membersOf, processesWith } from '../support/processes.js';
import { numbersOf } from '../support/random.js';
import { rounds, timeFor } from '../support/rounds.js';

const ENGINE_GONE_MS = 1000;
const TREE_GONE_MS = 5000;
const LATEST_END_MS = 600;
const COUNT = rounds(4);

const marks = [];
afterEach(() => marks.splice(0).forEach((mark) => processesWith('MARK', mark).map(Number).forEach(end)));

function newMark() {
  const mark = randomUUID();
  marks.push(mark);
  return mark;
}

const alive = (mark) => processesWith('MARK', mark).map(Number).filter(isAlive);

/** An engine leads its group, its descendants do not. */
const leads = (pid) => membersOf(pid).includes(pid);

async function allGone(mark) {
  await eventually(() => !alive(mark).some(leads), 'the end of every engine', ENGINE_GONE_MS);
  await eventually(() => alive(mark).length === 0, 'the end of every descendant', TREE_GONE_MS - ENGINE_GONE_MS);
}

// Whose end is seen by a mark in the environment; /proc is Linux's.
const onLinux = { skip: process.platform !== 'linux' };

describe(
  'when the app itself is killed, its engines are gone within 1 s, and what is left of their trees within 5 s',
  onLinux,
  () => {
    test.each([
      ['SIGKILL', 0, 6],
      ['SIGKILL', 3, 2],
      ['SIGTERM', 1, 3],
    ])(
      '%s at any moment, %i worker threads, %i clients in each thread',
      { timeout: timeFor(COUNT, 8000) },
      async (signal, workers, clients) => {
        let seen = 0;
        for (let seed = 1; seed <= COUNT; seed += 1) {
          const mark = newMark();
          const { child, said, ended } = app('lives-from-hand-to-mouth.js', mark, seed, workers, clients);
          await said;
          await pause(numbersOf(seed)() * LATEST_END_MS);
          seen += alive(mark).length;
          child.kill(signal);
          await allGone(mark).catch((error) => expect.fail(`${error.message} (seed ${seed})`));
          expect(await ended).toMatchObject({ signal, stderr: '' });
        }
        expect(seen).toBeGreaterThan(0);
      },
    );

    test.each(['process.exit()', 'an uncaught exception', 'its own SIGTERM'])(
      '%s at any moment',
      { timeout: timeFor(COUNT, 8000) },
      async (way) => {
        for (let seed = 1; seed <= COUNT; seed += 1) {
          const mark = newMark();
          const { child, said, ended } = app('lives-from-hand-to-mouth.js', mark, seed, 1, 4);
          await said;
          await pause(numbersOf(seed)() * LATEST_END_MS);
          child.stdin.write(`${way}\n`);
          await ended;
          await allGone(mark).catch((error) => expect.fail(`${error.message} (seed ${seed})`));
        }
      },
    );

    test(
      '… by the engine itself, as the second thing it does, while its first was to start a child',
      { timeout: timeFor(COUNT, 8000) },
      async () => {
        for (let round = 0; round < COUNT; round += 1) {
          const mark = newMark();
          const { ended } = app('starts-an-engine.js', 'kills-its-app-first.sh', mark);
          expect((await ended).signal).toBe('SIGKILL');
          await allGone(mark);
        }
      },
    );
  },
);
