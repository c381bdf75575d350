import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { appIn } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { end, processesWith } from '../support/processes.js';
import { rounds, timeFor } from '../support/rounds.js';

const NOISE_MIB = 12;
const COUNT = rounds(1) * 20;
const AT_ONCE = 2;
const WITH_GC = (script) => ({ command: process.execPath, args: ['--expose-gc', script] });

const marks = [];
afterEach(() => marks.splice(0).forEach((mark) => processesWith('MARK', mark).map(Number).forEach(end)));

// What is left is read from /proc.
describe.runIf(process.platform === 'linux')(
  'worker threads with engines that start, flood and crash are terminated at any moment: no crash, and nothing is left',
  () => {
    test.each(['loads', 'does not load'])(
      'the app itself %s the package',
      { timeout: timeFor(COUNT, 6000) },
      async (way) => {
        const mark = randomUUID();
        marks.push(mark);
        const { child, said, ended } = appIn(WITH_GC, 'ends-its-workers.js', COUNT, AT_ONCE, mark, way);
        const { before, after, rss, up } = await said;
        await eventually(() => processesWith('MARK', mark).length === 0, 'the end of every engine and its tree', 5000);
        child.stdin.end();
        expect(await ended).toMatchObject({ code: 0, signal: null, stderr: '' });
        for (const what of Object.keys(before))
          expect([what, after[what]]).toEqual([what, Math.min(before[what], after[what])]);
        expect(up).toBeGreaterThan(0);
        console.log(
          `${COUNT} workers ended, ${up} of their ${2 * COUNT} engines up: resident memory ${rss.early} MiB early, ${rss.late} MiB late`,
        );
        expect(rss.late - rss.early).toBeLessThan(NOISE_MIB);
      },
    );
  },
);
