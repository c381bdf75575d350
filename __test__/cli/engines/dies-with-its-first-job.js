// Ends when it is given a job, unless the file named by its argument is there; makes that file first. Says something on
// stderr that would clear a terminal.
'use strict';

const fs = require('fs');
const readline = require('readline');

const [file] = process.argv.slice(2);
const write = (message) => fs.writeSync(1, `${JSON.stringify(message)}\n`);

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  if (method !== 'jobs.start') {
    write({ jsonrpc: '2.0', id, result: { status: 'ok' } });
    return;
  }
  if (!fs.existsSync(file)) {
    fs.writeFileSync(file, '');
    process.exit(9);
  }
  fs.writeSync(2, 'here I am\x1b[2J\n');
  write({ jsonrpc: '2.0', id, result: { jobId: 'one' } });
  write({ type: 'result', jobId: 'one', timestamp: Date.now(), data: 'second attempt' });
});
