import { closeSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'fs';
import { createRequire } from 'module';
import { tmpdir } from 'os';
import path from 'path';
import fastq from 'fastq';
import PQueue from 'p-queue';
import { clients } from '../clients/index.js';
import { ENGINE } from '../engine.js';
import { cost, perOperation, residentBytes } from '../measure.js';

const { CrashRecovery, EngineClient, JobManager } = createRequire(import.meta.url)('../../index.js');

const CONCURRENCY = 16;
const TYPE = 'ocr';
const PAYLOAD = { path: 'scan-0001.png', pages: [1, 2, 3], languages: ['deu', 'eng'] };
const OPTIONS = { priority: 'normal', timeout: 60_000 };
const WARM_UP = 10_000;

/** What one writes over a plain client: a job is a call and the event behind it, in whichever order they are heard. */
async function plainWorker() {
  const client = await clients['plain Node']();
  const waiting = new Map();
  const early = new Map();
  const ended = (event) => {
    const settle = waiting.get(event.jobId);
    if (!settle) return void early.set(event.jobId, event);
    waiting.delete(event.jobId);
    settle(event);
  };
  client.on('job:complete', ended).on('job:error', ended);
  async function work(payload) {
    const { jobId } = await client.call('jobs.start', { type: TYPE, payload, priority: OPTIONS.priority });
    const event = early.get(jobId) || (await new Promise((resolve) => waiting.set(jobId, resolve)));
    early.delete(jobId);
    if (event.type === 'error') throw new Error(event.data);
    return { success: true, data: event.data };
  }
  return { work, stop: () => client.stop() };
}

/** fastq has no timeout: its user writes one. */
function inTime(work) {
  return (payload) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('Job timeout')), OPTIONS.timeout);
      work(payload)
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
}

/** An engine by contestant, and what makes queues before it; each gives its `submit`. `paused`: nothing starts. */
const engines = {
  async ours(paused) {
    const engine = new EngineClient({ enginePath: ENGINE });
    if (!paused) await engine.start();
    const queue = () => {
      const jobs = new JobManager(engine, { concurrency: CONCURRENCY });
      return () => jobs.submit(TYPE, PAYLOAD, OPTIONS);
    };
    return { queue, stop: () => engine.stop() };
  },
  async 'p-queue over plain Node'(paused) {
    const { work, stop } = await plainWorker();
    const options = { priority: 0, timeout: OPTIONS.timeout };
    const queue = () => {
      const jobs = new PQueue({ concurrency: CONCURRENCY, autoStart: !paused });
      return () => jobs.add(() => work(PAYLOAD), options);
    };
    return { queue, stop };
  },
  // It has one priority only.
  async 'fastq over plain Node'(paused) {
    const { work, stop } = await plainWorker();
    const queue = () => {
      const jobs = fastq.promise(inTime(work), CONCURRENCY);
      if (paused) jobs.pause();
      return () => jobs.push(PAYLOAD);
    };
    return { queue, stop };
  },
};
const contestants = Object.keys(engines);

/** Submits them all and waits for all; how many have their result. */
async function workedOff(submit, count) {
  const promises = Array.from({ length: count }, submit);
  let done = 0;
  for (const { success, data } of await Promise.all(promises)) done += Number(success && data.ok);
  return done;
}

async function throughTheEngine(contestant, count) {
  const { queue, stop } = await engines[contestant](false);
  const submit = queue();
  await workedOff(submit, Math.min(count, WARM_UP));
  let done = 0;
  const spent = await cost(async () => (done = await workedOff(submit, count)));
  await stop();
  return { ...perOperation(spent, count), lost: count - done };
}

const MAIN_THREAD = { unit: 'µs of main thread each', better: 'less' };
const THROUGHPUT = { unit: 'jobs/s', better: 'more' };
/** Below, the process itself weighs more than what waits in it. */
const WEIGHABLE = 100_000;
const PAYLOAD_BYTES = JSON.stringify(PAYLOAD).length;

/** Where a burst of changes goes, durable to SIGKILL when each call returns, by contestant. */
const journals = {
  async ours(folder) {
    const recovery = new CrashRecovery(new EngineClient({ enginePath: ENGINE }), { stateDir: folder });
    await recovery.init();
    return { track: (job) => recovery.trackJob(job), stop: () => recovery.shutdown() };
  },
  // Version 1's file, written at each change, and aside, so that a kill leaves a whole one.
  async 'a state file, written anew'(folder) {
    const file = path.join(folder, 'state.json');
    const pendingJobs = [];
    return {
      track(job) {
        pendingJobs.push(job);
        writeFileSync(`${file}.tmp`, JSON.stringify({ pendingJobs }));
        renameSync(`${file}.tmp`, file);
      },
      stop() {},
    };
  },
  // The least there is: no checksums, no compaction, no state in memory.
  async 'fs.writeSync to a log'(folder) {
    const log = openSync(path.join(folder, 'jobs.log'), 'a');
    return { track: (job) => void writeSync(log, `${JSON.stringify(job)}\n`), stop: () => closeSync(log) };
  },
};

export default {
  name: 'jobs',
  cases: [
    {
      name: `jobs through the queue, ${CONCURRENCY} at a time`,
      contestants,
      figures: { throughput: THROUGHPUT, mainThread: MAIN_THREAD, lost: { unit: 'lost', better: 'less' } },
      measure: (contestant) => throughTheEngine(contestant, 40_000),
    },
    {
      name: 'jobs submitted at once, through the engine',
      contestants,
      sizes: [1_000, 10_000, 100_000],
      figures: { throughput: THROUGHPUT, mainThread: MAIN_THREAD },
      measure: throughTheEngine,
    },
    {
      name: 'queued jobs',
      contestants,
      sizes: [1_000, 10_000, 100_000, 1_000_000],
      figures: {
        mainThread: { unit: 'µs of main thread each submit', better: 'less' },
        resident: { unit: 'bytes resident each, beside the payload', better: 'less' },
      },
      async measure(contestant, size) {
        const { queue, stop } = await engines[contestant](true);
        // Few jobs are queued again and again: the clock is too coarse for them.
        const submits = Array.from({ length: Math.ceil(50_000 / size) }, queue);
        const warmUp = queue();
        for (let index = 0; index < WARM_UP; index += 1) warmUp();
        const before = residentBytes();
        const spent = await cost(async () => {
          for (const submit of submits) for (let index = 0; index < size; index += 1) submit();
        });
        const after = residentBytes();
        // Behind the weighing: the queues live to here.
        const count = submits.length * size;
        // The peers keep a reference to the one payload, ours keeps each job's text.
        const payload = contestant === 'ours' ? PAYLOAD_BYTES : 0;
        const resident = (after - before) / count - payload;
        await stop();
        const { mainThread } = perOperation(spent, count);
        return size >= WEIGHABLE ? { mainThread, resident } : { mainThread };
      },
    },
    {
      name: '1 000 jobs tracked at once',
      contestants: Object.keys(journals),
      figures: { stall: { unit: 'ms longest stall', better: 'less' }, mainThread: MAIN_THREAD },
      async measure(contestant) {
        const count = 1_000;
        const folder = mkdtempSync(path.join(tmpdir(), 'benchmark-jobs-'));
        const { track, stop } = await journals[contestant](folder);
        let last = 0;
        const burst = () => {
          for (let index = 0; index < count; index += 1) {
            last += 1;
            track({ id: `job-${last}`, type: TYPE, payload: PAYLOAD, priority: OPTIONS.priority });
          }
        };
        // The state file begins empty: jobs that a burst before has left would be written again with each.
        if (contestant !== 'a state file, written anew') burst();
        const spent = await cost(async () => {
          burst();
          await new Promise((resolve) => setTimeout(resolve, 50));
        });
        await stop();
        rmSync(folder, { recursive: true });
        const { stall, mainThread } = perOperation(spent, count);
        return { stall, mainThread };
      },
    },
  ],
};
