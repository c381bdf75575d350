const STEP_MS = 1;
const cell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Keeps the event loop busy until `condition()` gives something truthy: what the runtime learns meanwhile waits for
 * JavaScript. What the app asked for in this turn is sent first. Past the deadline it throws, with `what` in the message.
 */
export async function busyUntil(condition, what = 'the condition', deadlineMs = 10_000) {
  await null;
  const end = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what}: not within ${deadlineMs} ms`);
    Atomics.wait(cell, 0, 0, STEP_MS);
  }
}
