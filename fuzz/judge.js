'use strict';

// Judges claims by JSON.parse for as long as they come. On stdin: batches, each a length (u32, little endian) and that
// many bytes of records as `wire_json_parse.js` reads them. On stdout, for each: a length and what is wrong, or 0.

const fs = require('fs');
const { judge } = require('../crates/core/tests/wire_json_parse.js');

// A search for messages throws more often than it finds one.
Error.stackTraceLimit = 0;

function read(length) {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    const count = fs.readSync(0, bytes, at, length - at);
    if (count === 0) process.exit(0);
    at += count;
  }
  return bytes;
}

for (;;) {
  const batch = read(read(4).readUInt32LE(0));
  let wrong = '';
  for (let offset = 0; offset < batch.length;) {
    const verdict = judge(batch, offset);
    offset = verdict.end;
    if (verdict.wrong) wrong += `${verdict.wrong}\n`;
  }
  const text = Buffer.from(wrong);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  fs.writeSync(1, Buffer.concat([length, text]));
}
