import { setTimeout as delay } from 'node:timers/promises';

const STEP_MS = 10;

/**
 * Waits until `condition()` gives something truthy (a promise is awaited), and gives that. Past the deadline it throws,
 * with `what` in the message.
 */
export async function eventually(condition, what = 'the condition', deadlineMs = 20_000) {
  const end = Date.now() + deadlineMs;
  for (;;) {
    // Before the look: one that began in time says nothing about the deadline, however long it took.
    const isLate = Date.now() > end;
    const value = await condition();
    if (value) return value;
    if (isLate) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await delay(STEP_MS);
  }
}
