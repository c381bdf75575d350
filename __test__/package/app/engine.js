// An engine that doubles numbers, so old in its language that Node 12 runs it.
'use strict';

const readline = require('readline');

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
let count = 0;

function start({ payload }) {
  const jobId = `job-${(count += 1)}`;
  setImmediate(() => {
    say({ type: 'progress', jobId, timestamp: Date.now(), data: { percent: 50, message: 'half' } });
    say({ type: 'result', jobId, timestamp: Date.now(), data: payload.number * 2 });
  });
  return { jobId };
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  say({ jsonrpc: '2.0', id, result: method === 'jobs.start' ? start(params) : { status: 'ok' } });
});
