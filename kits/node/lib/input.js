'use strict';

/**
 * Gives every line of a stream to `onLine`, the unfinished last one too, then calls `onEnd`. Each character is looked at
 * once however long a line is. `readline` would also split at U+2028 and U+2029, which JSON strings may hold.
 */
function readLines(stream, onLine, onEnd) {
  let pieces = [];
  const finish = (piece) => {
    const line = pieces.length === 0 ? piece : pieces.join('') + piece;
    pieces = [];
    if (line.trim() !== '') onLine(line);
  };
  stream.setEncoding('utf8');
  stream.on('data', (chunk) => {
    const parts = chunk.split('\n');
    const last = parts.pop();
    parts.forEach(finish);
    if (last !== '') pieces.push(last);
  });
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    finish('');
    onEnd();
  };
  stream.on('end', end);
  // A pipe that breaks is one that has ended.
  stream.on('error', end);
}

module.exports = { readLines };
