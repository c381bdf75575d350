'use strict';

// The jobs: each begins behind the answer to its `jobs.start` and ends in exactly one way, which is a `result` event, an
// `error` event, or a `jobs.cancel` that is answered with `success: true`.

const { randomUUID } = require('crypto');
const { ErrorCodes, JobError, cancelled, describe, invalid } = require('./errors');
const { Job } = require('./job');
const { encode } = require('./json');

/** Ended jobs that `jobs.status`, `jobs.result` and `jobs.list` still know, and how much text their results may be. */
const REMEMBERED = 100;
const REMEMBERED_LENGTH = 16 * 1024 * 1024;
/** How long `jobs.cancel` waits for the job's function to return, and the end of the engine for its jobs. */
const GRACE_MS = 1000;

const PRIORITIES = ['low', 'normal', 'high'];

class Jobs {
  #types = new Map();
  #output;
  #jobs = new Map();
  #running = new Set();
  /** Oldest first. */
  #ended = [];
  #resultsLength = 0;

  /** @param {import('./output').Output} output */
  constructor(output) {
    this.#output = output;
  }

  register(type, fn) {
    if (this.#types.has(type)) throw new Error(`engine.job: the job type ${type} is there already`);
    this.#types.set(type, fn);
  }

  methods() {
    return {
      'jobs.start': (params) => this.#start(params),
      'jobs.status': (params) => statusOf(this.#find(params)),
      'jobs.result': (params) => this.#result(this.#find(params)),
      'jobs.cancel': (params) => this.#cancel(this.#find(params)),
      'jobs.list': () =>
        Array.from(this.#jobs.values(), ({ id, type, state, progress }) => ({ jobId: id, type, state, progress })),
    };
  }

  /** Tells every job to stop, and waits for their functions, but not for long. */
  async stop() {
    const running = [...this.#running];
    running.forEach((job) => job.abort.abort(cancelled()));
    await within(GRACE_MS, Promise.all(running.map((job) => job.returned)));
  }

  #start({ type, payload, priority = 'normal' }) {
    const fn = this.#types.get(type);
    if (typeof type !== 'string') throw invalid('jobs.start: type must be a string');
    if (!fn) {
      const known = [...this.#types.keys()].join(', ') || 'none';
      throw invalid(`Unknown job type: ${type}; this engine runs: ${known}`);
    }
    if (priority !== null && !PRIORITIES.includes(priority)) {
      throw invalid(`jobs.start: priority must be one of ${PRIORITIES.join(', ')}`);
    }
    const job = {
      id: randomUUID(),
      type,
      priority: priority || 'normal',
      state: 'pending',
      abort: new AbortController(),
    };
    // Calls of `jobs.cancel` that wait for the end: they tell of it, so that no event need.
    job.cancels = 0;
    this.#jobs.set(job.id, job);
    this.#running.add(job);
    // Not now: the answer goes out before the job's first event.
    job.returned = new Promise((resolve) => setImmediate(resolve)).then(() => this.#run(job, fn, payload));
    return { jobId: job.id };
  }

  async #run(job, fn, payload) {
    let ending;
    try {
      if (job.abort.signal.aborted) throw cancelled();
      job.state = 'running';
      job.startedAt = Date.now();
      const { id, type, priority } = job;
      const handle = new Job(
        { id, type, priority, signal: job.abort.signal },
        (kind, data) => this.#tell(job, kind, data),
        () => this.#output.drain(),
      );
      const data = await fn(payload, handle);
      if (!job.abort.signal.aborted) ending = { state: 'done', text: encode(data, `The result of the job (${type})`) };
    } catch (error) {
      if (!job.abort.signal.aborted) ending = { state: 'failed', error: describe(error) };
    }
    this.#end(job, ending || { state: 'cancelled', error: describe(cancelled()) });
  }

  #end(job, { state, text, error }) {
    job.state = state;
    job.completedAt = Date.now();
    this.#running.delete(job);
    this.#output.release(job);
    if (text === undefined) {
      text = errorText(error);
      job.error = text;
      if (job.cancels === 0) this.#write(job, 'error', text);
    } else {
      job.result = text;
      this.#resultsLength += text.length;
      this.#write(job, 'result', text);
    }
    this.#remember(job);
  }

  #remember(job) {
    this.#ended.push(job);
    for (const old of this.#ended) {
      if (this.#resultsLength <= REMEMBERED_LENGTH) break;
      this.#forgetResult(old);
    }
    if (this.#ended.length > REMEMBERED) {
      const old = this.#ended.shift();
      this.#forgetResult(old);
      this.#jobs.delete(old.id);
    }
  }

  #forgetResult(job) {
    if (job.result === undefined) return;
    this.#resultsLength -= job.result.length;
    job.result = undefined;
  }

  #tell(job, kind, data) {
    if (job.state !== 'running' || job.abort.signal.aborted) return;
    const text = encode(data, `job.${kind}: what it is given`);
    if (kind !== 'progress') {
      this.#output.release(job);
      this.#output.writeBounded(eventText(job, kind, text));
      return;
    }
    if (job.progress === data.percent && job.message === data.message) return;
    job.progress = data.percent;
    job.message = data.message;
    this.#output.writeReplaceable(job, eventText(job, kind, text));
  }

  #write(job, kind, text) {
    this.#output.write(eventText(job, kind, text));
  }

  #find({ jobId }) {
    if (typeof jobId !== 'string') throw invalid('jobId must be a string');
    const job = this.#jobs.get(jobId);
    if (!job) throw new JobError(ErrorCodes.JOB_NOT_FOUND, `Job not found: ${jobId}`);
    return job;
  }

  #result(job) {
    if (this.#running.has(job)) {
      throw new JobError(ErrorCodes.JOB_ALREADY_RUNNING, `The job has not ended: ${job.id}`);
    }
    if (job.error !== undefined) return { success: false, error: JSON.parse(job.error) };
    if (job.result !== undefined) return { success: true, data: JSON.parse(job.result) };
    throw new JobError(ErrorCodes.JOB_NOT_FOUND, `The result is no longer kept: ${job.id}`);
  }

  async #cancel(job) {
    if (!this.#running.has(job)) return { success: false, reason: `The job has ended: ${job.state}` };
    job.cancels += 1;
    job.abort.abort(cancelled());
    const returned = await within(
      GRACE_MS,
      job.returned.then(() => true),
    );
    if (returned) return { success: true };
    job.cancels -= 1;
    return {
      success: false,
      reason: 'The job was told to stop and runs on; an error event follows when it has stopped',
    };
  }
}

const statusOf = ({ state, progress, message, startedAt, completedAt }) => ({
  state,
  progress,
  message,
  startedAt,
  completedAt,
});

function errorText(error) {
  try {
    return encode(error, "The error's data");
  } catch (fault) {
    return encode({ ...error, data: fault.message });
  }
}

function eventText(job, kind, data) {
  return `{"type":"${kind}","jobId":"${job.id}","timestamp":${Date.now()},"data":${data}}`;
}

/** What a promise gives, or `undefined` when it takes longer. */
function within(milliseconds, promise) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, milliseconds)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

module.exports = { Jobs, within };
