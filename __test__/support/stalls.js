import { setTimeout as pause } from 'node:timers/promises';

const STEP_MS = 1;

/**
 * Watches how late a timer of this otherwise idle process is: what the machine itself stalls. Returns what ends it, which
 * gives the longest lateness in milliseconds.
 */
export function watchStalls() {
  let over = false;
  let longest = 0;
  const watching = (async () => {
    while (!over) {
      const before = performance.now();
      await pause(STEP_MS);
      longest = Math.max(longest, performance.now() - before - STEP_MS);
    }
  })();
  return async () => {
    over = true;
    await watching;
    return longest;
  };
}
