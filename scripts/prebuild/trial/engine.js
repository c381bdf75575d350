// The engine of the trial, for any Node from 12.14 on. It tells the driver over TCP that it lives: its connection ends with
// it, whatever ends it, and that can be seen from outside of Wine and qemu too. `TRIAL_HOLDS`: its jobs do not end.
'use strict';

const { spawn } = require('child_process');
const net = require('net');
const readline = require('readline');

const began = Date.now();
const [role] = process.argv.slice(2);

function tellTheDriver() {
  const socket = net.connect(Number(process.env.TRIAL_PORT), '127.0.0.1');
  socket.write(`${JSON.stringify({ role, pid: process.pid })}\n`);
  socket.on('error', () => {});
  return socket;
}

/** A process that the engine started and that holds its pipes: it is part of its tree. */
function startDescendant() {
  const [program, ...args] = JSON.parse(process.env.TRIAL_COMMAND);
  spawn(program, [...args, __filename, 'descendant'], { stdio: 'inherit' });
}

const write = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const event = (jobId, type, data) => write({ type, jobId, timestamp: Date.now(), data });
const running = new Set();

function work(jobId, type, payload) {
  event(jobId, 'progress', { percent: 50 });
  if (type === 'stay' || process.env.TRIAL_HOLDS) return;
  running.delete(jobId);
  if (type === 'echo') event(jobId, 'result', payload);
  else event(jobId, 'error', { code: -30002, message: `no ${type}` });
}

let count = 0;
const methods = {
  'engine.health': () => ({ status: 'ok', version: '1', uptime: Date.now() - began, memory: { used: 1, total: 2 } }),
  'jobs.start': ({ type, payload }) => {
    count += 1;
    const jobId = `job-${count}`;
    running.add(jobId);
    setImmediate(work, jobId, type, payload);
    return { jobId };
  },
  'jobs.cancel': ({ jobId }) => ({ success: running.delete(jobId) }),
  version: () => process.versions.node,
  echo: (params) => params,
};

const socket = tellTheDriver();
if (role === 'descendant') {
  socket.on('close', () => process.exit());
} else {
  socket.unref();
  startDescendant();
  readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    if (methods[method]) write({ jsonrpc: '2.0', id, result: methods[method](params) });
    else write({ jsonrpc: '2.0', id, error: { code: -32601, message: `Method not found: ${method}` } });
  });
}
