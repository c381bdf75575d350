import { describe, expect, test } from 'vitest';
import { appIn } from '../support/app.js';
import { commandOf } from '../support/engines.js';
import { rounds, timeFor } from '../support/rounds.js';

const NOISE_MIB = 8;
const WITH_GC = (script) => ({ command: process.execPath, args: ['--expose-gc', script] });
const CAT = ['/bin/cat'];
const NODE = [process.execPath, ...commandOf('runs-jobs.js').args];

async function outcome(count, atOnce, command) {
  const { code, stdout, stderr } = await appIn(WITH_GC, 'comes-and-goes.js', count, atOnce, ...command).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

function holdsNothing({ before, peak, after, warnings }, atOnce) {
  expect(warnings).toEqual([]);
  // The watchdog is the one child that stays; one listener ends all engines with the process.
  expect(before).toMatchObject({ children: 1, zombies: 0, exitListeners: 0 });
  expect(peak).toMatchObject({ exitListeners: 1, zombies: 0 });
  expect(peak.children).toBeGreaterThanOrEqual(atOnce);
  for (const what of Object.keys(before))
    expect([what, after[what]]).toEqual([what, Math.min(before[what], after[what])]);
}

// What is left is read from /proc.
describe.runIf(process.platform === 'linux')(
  'cycles of start and stop leave no zombie, no descriptor, no thread and no memory',
  () => {
    test.each([
      ['200 at once', rounds(1) * 200, 200, CAT],
      ['one after another', rounds(1) * 200, 1, CAT],
      ['engines in Node, 10 at once', rounds(1) * 20, 10, NODE],
    ])('%s (%i)', { timeout: timeFor(rounds(1), 240_000) }, async (_, count, atOnce, command) => {
      const result = await outcome(count, atOnce, command);
      holdsNothing(result, atOnce);
      const { early, late } = result.rss;
      console.log(`${count} engines, ${atOnce} at once: resident memory ${early} MiB early, ${late} MiB late`);
      expect(late - early).toBeLessThan(NOISE_MIB);
    });
  },
);
