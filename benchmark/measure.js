import { monitorEventLoopDelay, performance } from 'perf_hooks';

const MICROSECONDS = 1000;

/** A few turns of the event loop. */
const turns = () => new Promise((resolve) => setTimeout(resolve, 5));

/**
 * How long `work` takes, and how long the event loop is busy with it, both in milliseconds.
 * @param {() => Promise<void>} work
 */
async function spent(work) {
  const before = performance.eventLoopUtilization();
  const start = performance.now();
  await work();
  return { wall: performance.now() - start, active: performance.eventLoopUtilization(before).active };
}

/**
 * What `work` costs: wall time, time that the event loop was busy, both in milliseconds, and the longest stall.
 * @param {() => Promise<void>} work
 */
export async function cost(work) {
  globalThis.gc?.();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await turns();
  delay.reset();
  // Its first turn only tells the monitor when it began.
  await turns();
  const { wall, active } = await spent(work);
  await turns();
  delay.disable();
  return { wall, active, stall: delay.max / 1e6 };
}

/**
 * The share of the time in which the event loop was busy. Nothing else is measured meanwhile: the monitor of stalls wakes
 * the loop a thousand times a second, which is a percent by itself.
 * @param {() => Promise<void>} work
 */
export async function busyShare(work) {
  globalThis.gc?.();
  await turns();
  const { wall, active } = await spent(work);
  return active / wall;
}

/** @param {{ wall: number, active: number, stall: number }} cost @param {number} operations */
export function perOperation({ wall, active, stall }, operations) {
  return { throughput: (operations / wall) * 1000, mainThread: (active / operations) * MICROSECONDS, stall };
}

/**
 * Keeps `atOnce` operations going until `count` are done.
 * @param {number} count
 * @param {number} atOnce
 * @param {() => Promise<any>} operation
 */
export async function inFlight(count, atOnce, operation) {
  let left = count;
  const one = async () => {
    while (left > 0) {
      left -= 1;
      await operation();
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, one));
}

/** @param {Float64Array} values @param {number} share */
export function percentile(values, share) {
  const sorted = values.slice().sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** Resident memory once garbage is gone. */
export function residentBytes() {
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().rss;
}
