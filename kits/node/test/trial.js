'use strict';

// One of three engines of the same behaviour, for `__test__/kits/`: what a kit is tried with.

const assert = require('assert');
const { spawnSync } = require('child_process');
const { Engine, JobError } = require('..');

// Some have taken hold of stdout before the engine runs: this program, and `console`, which keeps the one it used first.
const { stdout } = process;
console.clear();

const engine = new Engine({ version: '1.2.3' });
let healthy = 'ok';
let loads = 0;

const model = engine.model('eng', {
  name: 'English',
  type: 'ocr',
  size: 7,
  load: async ({ fail }) => {
    if (fail) throw new Error('no such data');
    loads += 1;
    return { words: loads };
  },
});

engine.health(() => {
  if (healthy === 'breaks') throw new Error('no health');
  return healthy;
});
engine.method('health.set', ({ status }) => {
  healthy = status;
  return true;
});
engine.method('double', ({ number }) => {
  if (number < 0) throw new JobError(-31999, 'too small', { number });
  return number * 2;
});
engine.method('fails', () => {
  throw new Error('a surprise');
});
engine.method('tell', ({ method, params }) => {
  engine.notify(method, params);
  return null;
});

engine.job('echo', (payload) => payload);
engine.job('nothing', () => {});
engine.job('reports', (payload, job) => {
  job.progress(10, 'begun');
  job.progress(10, 'begun'); // the same again
  job.progress(250);
  job.log('warn', 'a log line', { answer: 42 });
  job.partial([1, 'zwei']);
  return 'done';
});
engine.job('nan', () => ({ score: NaN }));
engine.job('nanPartial', (payload, job) => job.partial(NaN));
engine.job('throws', () => {
  throw new Error('a surprise');
});
engine.job('fails', () => {
  throw new JobError(-30003, 'no memory left', { needed: 5 });
});
const odd = [
  undefined,
  Object.create(null),
  Object.assign(new Error(), { message: { number: 1n } }),
  Object.defineProperty(new Error(), 'message', { get: () => assert.fail() }),
  new JobError(NaN, 'no number'),
  new JobError(-1, new Error('in its place')),
  new JobError(-1, 'with data', { number: 1n }),
];
engine.job('throwsOdd', (index) => {
  if (index >= odd.length) return 'no more';
  throw odd[index];
});
engine.job('childReads', () =>
  spawnSync(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)']).stdout.toString(),
);
engine.job('model', async () => (await model.get()).words);
engine.job('waits', async (payload, job) => {
  job.progress(1, 'waiting');
  await job.wait(60_000);
  job.progress(2, 'told'); // behind the cancellation: not sent
  job.check();
});
engine.job('ignoresCancel', async ({ seconds }, job) => {
  job.progress(1, 'busy');
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return 'all the same';
});
engine.job('talks', async ({ parts, size }, job) => {
  const text = 'x'.repeat(size);
  for (let part = 0; part < parts; part += 1) {
    job.partial({ part, text });
    await job.drain();
  }
  return 'said';
});
engine.job('progresses', async ({ times, size }, job) => {
  const text = 'x'.repeat(size);
  for (let time = 1; time <= times; time += 1) {
    job.progress((100 * time) / times, `${text}${time}`);
    if (time % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return 'done';
});
engine.job('prints', () => {
  console.log('printed by console.log');
  process.stdout.write('{"jsonrpc":"2.0","method":"stray"}\n');
  stdout.write('{"jsonrpc":"2.0","method":"stray"}\n');
  return 'done';
});
engine.job('noise', async ({ threads, events }, job) => {
  const one = async (thread) => {
    for (let event = 0; event < events; event += 1) {
      console.log(`noise ${thread}`);
      job.partial({ thread, event, text: 'ä'.repeat(200) });
      await null;
    }
  };
  await Promise.all(Array.from({ length: threads }, (_, thread) => one(thread)));
  return 'done';
});

engine.run();
