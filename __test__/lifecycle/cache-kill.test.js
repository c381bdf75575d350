import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { app } from '../support/app.js';
import { cacheIn, randomFrom } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { rounds, timeFor } from '../support/rounds.js';

const ROUNDS = rounds(100);
const SEED = Number(process.env.SEED || Date.now() % 1_000_000);
const lines = consoleErrors();

/** What each key of a process may hold after its calls: those answered count, the last one of a lane may or may not. */
class Expected {
  /** Possible values of a key; `undefined` for none. */
  keys = new Map();

  learn(file) {
    const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
    const open = new Map();
    let answered = 0;
    for (const line of text.split('\n').slice(0, -1)) {
      const [lane, , call] = JSON.parse(line.slice(1));
      if (line[0] === '+') open.set(lane, call);
      else {
        this.#apply(open.get(lane), (_, value) => new Set([value]));
        open.delete(lane);
        answered += 1;
      }
    }
    for (const call of open.values()) this.#apply(call, (before, value) => new Set([...before, value]));
    return answered;
  }

  #apply([method, key, value], next) {
    const touched = method === 'clear' ? [...this.keys.keys()].filter((name) => name.startsWith(key)) : [key];
    for (const name of touched) this.keys.set(name, next(this.keys.get(name) || new Set([undefined]), value));
  }

  /** Compares with what is there, and expects that from then on. */
  async check(cache, what) {
    const wrong = [];
    for (const [key, possible] of this.keys) {
      const { value } = await cache.get(key);
      if (!possible.has(value)) {
        const short = (text) => (text === undefined ? 'nothing' : text.slice(0, 30));
        wrong.push(`${key}: ${short(value)} instead of ${[...possible].map(short).join(' or ')}`);
      }
      this.keys.set(key, new Set([value]));
    }
    expect(wrong, what).toEqual([]);
  }
}

function storm(cacheDir, prefix, seed) {
  const notes = path.join(folder(), 'notes');
  return { ...app('cache-storms.js', cacheDir, notes, prefix, `${seed}`), notes };
}

const notesIn = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'latin1') : '');
const answersIn = (file) => notesIn(file).split('\n-').length - 1;

/** Ends it at a moment of its own: as it opens the folder, at the first answers, in full work. */
async function killAtRandom({ child, ended, notes }, random) {
  const dice = random();
  if (dice < 0.1) await eventually(() => notesIn(notes) !== '', 'the first call');
  else await eventually(() => answersIn(notes) >= 30, 'some answers');
  await delay(random() * (dice < 0.1 ? 8 : 90));
  child.kill('SIGKILL');
  expect(await ended).toMatchObject({ signal: 'SIGKILL', stderr: '' });
}

async function opens(cacheDir, check, what) {
  const cache = cacheIn(cacheDir);
  await check(cache);
  expect(await cache.set('after', what)).toStrictEqual({ success: true });
  expect(await cache.delete('after')).toStrictEqual({ success: true });
  await cache.close();
  expect(fs.readdirSync(cacheDir).filter((name) => name.includes('corrupt'))).toEqual([]);
  expect(lines).toEqual([]);
}

test(
  `killed ${ROUNDS} times at any moment, it opens again with every acknowledged entry, and nothing deleted is back`,
  async () => {
    const random = randomFrom(SEED);
    const cacheDir = path.join(folder(), 'cache');
    const expected = new Expected();
    let answered = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const what = `seed ${SEED}, round ${round}`;
      const running = storm(cacheDir, 'a', SEED + round);
      await killAtRandom(running, random);
      answered += expected.learn(running.notes);
      await opens(cacheDir, (cache) => expected.check(cache, what), what);
    }
    expect(answered).toBeGreaterThan(ROUNDS * 20);
  },
  timeFor(ROUNDS, 3000),
);

test(
  `the same with two processes on the folder, killed one after the other`,
  async () => {
    const random = randomFrom(SEED + 1);
    const cacheDir = path.join(folder(), 'cache');
    const rounds = Math.ceil(ROUNDS / 2); // two kills each
    const [first, second] = [new Expected(), new Expected()];
    for (let round = 0; round < rounds; round += 1) {
      const what = `seed ${SEED}, round ${round}`;
      const [one, two] = [storm(cacheDir, 'a', SEED + round), storm(cacheDir, 'b', SEED - round)];
      await killAtRandom(one, random);
      first.learn(one.notes);
      await opens(cacheDir, (cache) => first.check(cache, `${what}, beside the other`), what);
      expect(two.child.exitCode).toBe(null);
      await killAtRandom(two, random);
      second.learn(two.notes);
      await opens(
        cacheDir,
        async (cache) => {
          await first.check(cache, what);
          await second.check(cache, what);
        },
        what,
      );
    }
  },
  timeFor(ROUNDS, 3000),
);
