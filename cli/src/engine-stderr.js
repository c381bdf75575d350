'use strict';

const TAIL = 32 * 1024;

/** What of the tail stands behind everything that was seen. The tail may begin anywhere in that. */
function unseen(tail, seen) {
  for (let length = Math.min(tail.length, seen.length); length > 0; length -= 1) {
    if (seen.endsWith(tail.slice(0, length))) return tail.slice(length);
  }
  return tail;
}

/**
 * Shows an engine's standard error line by line: also what it wrote last. From `stop()` on the runtime tells of the exit
 * alone, with the end of standard error, and a job's last remark often comes just then.
 *
 * @param {import('@niche-knack/desktop-runtime').EngineClient} client
 * @param {(line: string) => void} show
 */
function showStderr(client, show) {
  let seen = '';
  client.on('stderr', ({ data }) => {
    seen = `${seen}${data}\n`.slice(-TAIL);
    show(data);
  });
  client.on('exit', ({ data: { stderrTail = '' } }) => {
    // The last line may have no line break.
    const rest = unseen(`${stderrTail.replace(/\r?\n/g, '\n').replace(/\n$/, '')}\n`, seen);
    for (const line of rest.split('\n').filter((text) => text !== '')) show(line);
    seen = '';
  });
}

module.exports = { showStderr };
