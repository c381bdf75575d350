import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { rounds } from '../support/rounds.js';

const APP = fileURLToPath(new URL('../fixtures/apps/works-for-an-hour.js', import.meta.url));
/** Each is a hundredth of an hour's worth of work. */
const ROUNDS = rounds(2);
const IS_LONG = process.env.ROUNDS !== undefined;
const WINDOWS = 12;
const MIB = 1024 * 1024;
/** What comes and goes without a cause in the work: inline caches, the allocator's arenas. */
const HEAP_NOISE = 1 * MIB;
const RSS_NOISE = 24 * MIB;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const mib = (bytes) => Math.round((bytes / MIB) * 10) / 10;

/** Runs a kind of work in a process of its own: a sample for each window. */
function samplesOf(work, steps) {
  const flags = IS_LONG ? ['--expose-gc', '--trace-gc'] : ['--expose-gc'];
  const child = spawn(process.execPath, [...flags, APP, work, String(WINDOWS), String(steps)]);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      if (code !== 0) reject(new Error(`${work}: the app ended with ${code}; on stderr: ${stderr}`));
      else resolve({ samples: JSON.parse(stdout.split('\n').find((line) => line.startsWith('[{'))), trace: stdout });
    });
  });
}

/** The middle third of the windows against the last one; the first one warms up. */
function growth(samples, name) {
  const third = WINDOWS / 3;
  const of = (from) => median(samples.slice(from, from + third).map((sample) => sample[name]));
  return { before: of(third), after: of(2 * third) };
}

async function expectFlat(work, total) {
  const steps = Math.ceil((total * ROUNDS) / 100 / WINDOWS / 10) * 10;
  const { samples, trace } = await samplesOf(work, steps);
  const heap = growth(samples, 'heap');
  const rss = growth(samples, 'rss');
  const full = (trace.match(/Mark-(?:sweep|Compact)/gi) || []).length;
  console.log(
    `${work}: ${steps * WINDOWS} steps, heap ${mib(heap.before)} -> ${mib(heap.after)} MiB, resident ${mib(rss.before)} -> ${mib(rss.after)} MiB` +
      (IS_LONG ? `, ${full} full collections` : ''),
  );
  expect(heap.after - heap.before, 'growth of the heap').toBeLessThan(HEAP_NOISE);
  expect(rss.after - rss.before, 'growth of the resident memory').toBeLessThan(RSS_NOISE);
  return { samples, steps };
}

const TIME = IS_LONG ? 1_800_000 : 60_000;

test.each([
  ['calls', 1_000_000, (steps) => steps / 10],
  ['unheard events', 1_000_000, () => 0],
  ['heard events', 1_000_000, (steps) => steps],
  ['streamed events', 1_000_000, (steps) => steps],
  ['jobs', 100_000, (steps) => steps],
  ['jobs through JavaScript', 100_000, (steps) => steps],
  ['cache', 1_000_000, (steps) => steps],
  ['tracked jobs', 100_000, () => 0],
])(
  "an hour's worth of work leaves heap and resident memory flat: %s",
  async (work, total, expected) => {
    const { samples, steps } = await expectFlat(work, total);
    // The work was done, in every window.
    for (const { result } of samples) expect(result).toBe(expected(steps));
  },
  TIME,
);

test.each(['a burst of calls', 'a burst of queued jobs'])(
  'what a burst took is given back before the next one: %s',
  (work) => expectFlat(work, WINDOWS * 100_000),
  TIME,
);
