import fs from 'node:fs';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { stopAfterTest } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { next } from '../support/events.js';
import { folder } from '../support/folders.js';
import { processesWith } from '../support/processes.js';
import { numbersOf } from '../support/random.js';
import { rounds, timeFor } from '../support/rounds.js';

consoleErrors();

const AT_ONCE = 6;
const all = (make) => Promise.all(Array.from({ length: AT_ONCE }, (_, index) => make(index)));
const outcomeOf = (promise) =>
  promise.then(
    () => 'done',
    ({ code }) => code,
  );
const noneLeft = (mark) => eventually(() => processesWith('MARK', mark).length === 0, 'the end of every process', 1000);

const client = (enginePath, args, options) => stopAfterTest(new runtime.EngineClient({ enginePath, args, ...options }));

function storyOf(engine) {
  const story = [];
  engine.on('ready', () => story.push('ready'));
  engine.on('exit', () => story.push('exit'));
  engine.on('restart', ({ data }) => story.push(`restart ${data.attempt}`));
  engine.on('error', ({ data }) => story.push(`error ${data.code}`));
  return story;
}

test(
  'a crash loop ends, again and again: `RESTART_LIMIT` after `maxRestarts` attempts, and start() works anew',
  { timeout: timeFor(rounds(2), 3000) },
  async () => {
    const attempts = [1, 2, 3].flatMap((attempt) => ['exit', 'ready', `restart ${attempt}`]);
    const whole = ['ready', ...attempts, 'exit', 'error RESTART_LIMIT'];
    const mark = randomUUID();
    // Echoes the health request, and ends.
    const engines = await all(() => client('head', ['-n', '1'], { restartDelay: 2, env: { MARK: mark } }));
    for (let round = 0; round < rounds(2); round += 1) {
      await Promise.all(
        engines.map(async (engine) => {
          const story = storyOf(engine);
          const limit = next(engine, 'error', ({ data }) => data.code === 'RESTART_LIMIT');
          await engine.start();
          await limit;
          expect(story).toEqual(whole);
          expect(engine.getStats()).toMatchObject({ pid: null, state: 'idle', restarts: 3 * (round + 1) });
          expect(await outcomeOf(engine.call('any'))).toBe('NOT_READY');
          for (const name of ['ready', 'exit', 'restart', 'error']) engine.removeAllListeners(name);
        }),
      );
      await noneLeft(mark);
    }
  },
);

test(
  'starts that take about `startupTimeout` become ready or fail, never both, and leave nothing when they fail',
  { timeout: timeFor(rounds(2), 3000) },
  async () => {
    const SLEEP_MS = 100;
    const began = performance.now();
    await all(() => client('/bin/sh', ['-c', 'sleep 0 & wait; exec cat']).start());
    const STARTUP_MS = SLEEP_MS + performance.now() - began;
    const outcomes = {};
    for (let round = 0; round < rounds(2); round += 1) {
      const random = numbersOf(round);
      await all(async () => {
        const mark = randomUUID();
        const late = (random() * 3 * SLEEP_MS) / 1000;
        const engine = client('/bin/sh', ['-c', `sleep ${late.toFixed(3)} & wait; exec cat`], {
          startupTimeout: STARTUP_MS,
          env: { MARK: mark },
        });
        const story = storyOf(engine);
        const before = performance.now();
        const outcome = await outcomeOf(engine.start());
        outcomes[outcome] = (outcomes[outcome] || 0) + 1;
        if (outcome === 'done') {
          expect(story).toEqual(['ready']);
          await engine.call('anything');
          await engine.stop();
          expect(story).toEqual(['ready', 'exit']);
        } else {
          expect(outcome).toBe('STARTUP_TIMEOUT');
          expect(performance.now() - before).toBeGreaterThanOrEqual(STARTUP_MS - 1);
          expect(story).toEqual(['exit']);
          expect(engine.getStats()).toMatchObject({ pid: null, state: 'idle' });
          expect(engine.isReady()).toBe(false);
        }
        await noneLeft(mark);
      });
    }
    console.log(`starts of about startupTimeout: ${JSON.stringify(outcomes)}`);
  },
);

test(
  'an engine that answers the health request late, and over and over, is ready once or not at all',
  { timeout: timeFor(rounds(2), 5000) },
  async () => {
    const script = 'trap "" TERM; read -r line; sleep "$0"; while echo "$line"; do :; done';
    for (let round = 0; round < rounds(2); round += 1) {
      const random = numbersOf(round);
      await all(async () => {
        const engine = client('/bin/sh', ['-c', script, (random() * 0.2).toFixed(3)], {
          startupTimeout: 200,
          killTimeout: 50,
          autoRestart: false,
        });
        const story = storyOf(engine);
        for (let starts = 0; starts < 3; starts += 1) {
          const outcome = await outcomeOf(engine.start());
          expect(['done', 'STARTUP_TIMEOUT']).toContain(outcome);
          await engine.stop();
          expect(story.splice(0)).toEqual(outcome === 'done' ? ['ready', 'exit'] : ['exit']);
        }
      });
    }
  },
);

describe('a restart that cannot spawn is tried again, and succeeds once the file is back', () => {
  // The engine's file is a link to a program that is there for good: a script could be opened by its shell after it was
  // spoiled, and a file just written could still be open in another engine of this process between fork and exec.
  const SCRIPT = '[ -e "$0" ] && exec cat; exec head -n 1';
  /** What is in the file's place, written so that nothing follows the link, and the code of the error. */
  const faults = {
    removed: [() => {}, 'ENOENT'],
    'not executable': [(file) => fs.writeFileSync(file, '', { flag: 'wx' }), 'EACCES'],
    'a folder': [(file) => fs.mkdirSync(file), 'EACCES'],
    'no program': [(file) => fs.writeFileSync(file, 'nothing that runs\n', { flag: 'wx', mode: 0o755 }), 'ENOEXEC'],
  };

  test.each(Object.keys(faults))('%s', { timeout: timeFor(rounds(2), 3000) }, async (fault) => {
    const [spoil, code] = faults[fault];
    for (let round = 0; round < rounds(2); round += 1) {
      const random = numbersOf(round);
      await all(async () => {
        const file = path.join(folder(), 'sh');
        const mended = `${file}.mended`;
        fs.symlinkSync('/bin/sh', file);
        const engine = client(file, ['-c', SCRIPT, mended], { restartDelay: 2, maxRestarts: Infinity });
        const story = storyOf(engine);
        await engine.start();
        const wanted = Math.floor(random() * 4);
        let restarts = 0;
        // Spoiled in the middle of a crash loop.
        await next(engine, 'restart', () => (restarts += 1) > wanted);
        const failed = next(engine, 'error', ({ data }) => data.code === code);
        fs.rmSync(file);
        spoil(file);
        await failed;
        await next(engine, 'error', ({ data }) => data.code === code);
        expect(engine.isReady()).toBe(false);
        fs.rmSync(file, { recursive: true, force: true });
        fs.writeFileSync(mended, '');
        fs.symlinkSync('/bin/sh', file);
        await next(engine, 'restart');
        await expect(engine.call('anything')).resolves.toBeUndefined();
        await engine.stop();
        // Other failures there are none, but for the moment between the two files, and one in which another engine of this
        // process was forked while the spoiled file was being written, and has not executed its own yet.
        const expected = [code, 'ENOENT', 'ETXTBSY'];
        expect(story.filter((it) => it.startsWith('error') && !expected.some((one) => it.endsWith(one)))).toEqual([]);
      });
    }
  });
});
