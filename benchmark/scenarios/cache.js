import fs from 'fs';
import os from 'os';
import path from 'path';
import { memories, stores } from '../caches.js';
import { cost, inFlight, perOperation, residentBytes } from '../measure.js';

const MAIN_THREAD = { unit: 'µs of main thread each', better: 'less' };
const SETS = { unit: 'sets/s', better: 'more' };
const GETS = { unit: 'gets/s', better: 'more' };

const LINES = ['Northfield Town Library', 'Opening hours: Mon to Fri, 9 to 18', 'Please return books in time. '];

/** What an engine may have found on a page: about 200 bytes of JSON, or about 4 KB. */
function pageOf(number, lines) {
  const words = Array.from({ length: lines }, (_, line) => ({
    text: LINES[(number + line) % LINES.length],
    confidence: 90 + (line % 10),
    box: [line, number % 997, 640, 24],
  }));
  return { page: number, language: 'eng', confidence: 95.5, words };
}

const SMALL = 2;
const LARGE = 44;
const keyOf = (number) => `ocr:scan-${number}:page-1`;

/** How many operations a contestant that is this slow does in about a second. */
const SLOW = new Set(['cacache', 'plain files', 'keyv-sqlite']);
const countFor = (contestant, fast) => (contestant === 'cacache' ? fast / 50 : SLOW.has(contestant) ? fast / 10 : fast);

async function inFolder(work) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'desktop-runtime-bench-'));
  try {
    return await work(path.join(folder, 'cache'));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** `count` entries, and as many values as fit many keys: making them is not measured. */
async function fill(cache, count, lines, first = 0) {
  const values = Array.from({ length: Math.min(count, 256) }, (_, number) => pageOf(number, lines));
  let number = first;
  await inFlight(count, 256, () => {
    const mine = number++;
    return cache.set(keyOf(mine), values[mine % values.length]);
  });
}

const sets = (title, atOnce, lines, fast) => ({
  name: title,
  contestants: Object.keys(stores),
  figures: { throughput: SETS, mainThread: MAIN_THREAD },
  measure: (contestant) =>
    inFolder(async (folder) => {
      const cache = await stores[contestant](folder);
      const count = countFor(contestant, fast);
      await fill(cache, count / 10, lines, 10_000_000);
      const values = Array.from({ length: 256 }, (_, number) => pageOf(number, lines));
      let number = 0;
      const spent = await cost(() =>
        inFlight(count, atOnce, () => {
          const mine = number++;
          return cache.set(keyOf(mine), values[mine % values.length]);
        }),
      );
      await cache.close();
      return perOperation(spent, count);
    }),
});

const reads = (title, atOnce, lines, fast, isMiss) => ({
  name: title,
  contestants: Object.keys(stores),
  figures: { throughput: GETS, mainThread: MAIN_THREAD },
  measure: (contestant) =>
    inFolder(async (folder) => {
      const count = countFor(contestant, fast);
      const filled = await stores[contestant](folder);
      await fill(filled, count * 1.1, lines);
      await filled.close();
      // Opened anew: nothing of it is in the memory of the process.
      const cache = await stores[contestant](folder);
      const offset = isMiss ? 20_000_000 : 0;
      let number = 0;
      const get = () => cache.get(keyOf(offset + number++));
      await inFlight(count * 0.1, atOnce, get);
      const spent = await cost(() => inFlight(count, atOnce, get));
      await cache.close();
      return perOperation(spent, count);
    }),
});

/** One entry after another is used, as often as it takes. */
async function hits(cache, entries, count) {
  const keys = Array.from({ length: entries }, (_, number) => keyOf(number));
  let at = 0;
  const some = async (left) => {
    for (; left > 0; left -= 1) {
      await cache.get(keys[at]);
      at = at + 1 === entries ? 0 : at + 1;
    }
  };
  await some(count / 4);
  return perOperation(await cost(() => some(count)), count);
}

/** Room for a million entries: the default, 50 MiB, would let go of most. */
const ROOMY = { maxMemorySize: 8 * 2 ** 30 };
const growing = ['ours', 'lmdb'];
const sizes = [1_000, 10_000, 100_000, 1_000_000];

export default {
  name: 'cache',
  cases: [
    sets('cache set, 64 at a time', 64, SMALL, 50_000),
    sets('cache set of 4 KB, 64 at a time', 64, LARGE, 20_000),
    sets('cache set, one at a time', 1, SMALL, 10_000),
    reads('cache get from disk, 64 at a time', 64, SMALL, 50_000, false),
    reads('cache get of 4 KB from disk, 64 at a time', 64, LARGE, 20_000, false),
    reads('cache get from disk, one at a time', 1, SMALL, 10_000, false),
    reads('cache miss, 64 at a time', 64, SMALL, 50_000, true),
    reads('cache miss, one at a time', 1, SMALL, 10_000, true),
    {
      name: 'cache hit in memory',
      contestants: Object.keys(memories),
      figures: { throughput: GETS, mainThread: MAIN_THREAD },
      measure: (contestant) =>
        inFolder(async (folder) => {
          const cache = await memories[contestant](folder);
          await fill(cache, 1_000, SMALL);
          const count = SLOW.has(contestant) ? 20_000 : 1_000_000;
          const spent = await hits(cache, 1_000, count);
          await cache.close();
          return spent;
        }),
    },
    {
      name: 'burst of 1 000 sets',
      contestants: Object.keys(stores),
      figures: {
        stall: { unit: 'ms longest stall', better: 'less' },
        done: { unit: 'ms until all are stored', better: 'less' },
        first: { unit: 'ms longest stall of the first burst', better: 'less' },
      },
      measure: (contestant) =>
        inFolder(async (folder) => {
          const cache = await stores[contestant](folder);
          const values = Array.from({ length: 1_000 }, (_, number) => pageOf(number, SMALL));
          let first = 0;
          const burst = () => Promise.all(values.map((value, number) => cache.set(keyOf(first + number), value)));
          const cold = await cost(burst);
          for (let round = 0; round < 10; round += 1) {
            first += values.length;
            await burst();
          }
          first += values.length;
          const spent = await cost(burst);
          await cache.close();
          return { stall: spent.stall, done: spent.wall, first: cold.stall };
        }),
    },
    {
      name: 'cache hits by number of entries',
      contestants: ['ours', 'Map behind an async function', 'lru-cache behind an async function'],
      sizes,
      figures: {
        mainThread: MAIN_THREAD,
        resident: { unit: 'bytes resident each', better: 'less' },
      },
      measure: (contestant, size) =>
        inFolder(async (folder) => {
          const cache = await memories[contestant](folder, ROOMY);
          await fill(cache, 100, SMALL, 10_000_000);
          const before = residentBytes();
          await fill(cache, size, SMALL);
          await new Promise((resolve) => setTimeout(resolve, 100));
          const resident = (residentBytes() - before) / size;
          const { mainThread } = await hits(cache, size, 500_000);
          await cache.close();
          return size < 10_000 ? { mainThread } : { mainThread, resident };
        }),
    },
    {
      name: 'cache gets from disk and sets by number of entries',
      contestants: growing,
      sizes,
      figures: { gets: GETS, sets: SETS },
      measure: (contestant, size) =>
        inFolder(async (folder) => {
          const filled = await stores[contestant](folder);
          await fill(filled, size, SMALL);
          await filled.close();
          const cache = await stores[contestant](folder);
          const count = Math.min(20_000, size);
          const step = Math.max(1, Math.floor(size / count));
          let number = 0;
          await inFlight(Math.min(count, 500), 64, () => cache.get(keyOf(20_000_000 + number++)));
          number = 0;
          const read = await cost(() => inFlight(count, 64, () => cache.get(keyOf(step * number++))));
          const value = pageOf(7, SMALL);
          number = 0;
          const written = await cost(() => inFlight(20_000, 64, () => cache.set(keyOf(size + number++), value)));
          await cache.close();
          return { gets: (count / read.wall) * 1000, sets: (20_000 / written.wall) * 1000 };
        }),
    },
  ],
};
