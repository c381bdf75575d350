'use strict';

// The engine's jobs: first in, first out, one at a time. The app's JobManager has the priorities; here none is left.
// A job ends in exactly one way: a `result` event, an `error` event, or a `jobs.cancel` answered with success.

const { randomUUID } = require('crypto');
const { CODES, RpcError, describe } = require('./wire');

/** Ended jobs that `jobs.status` and `jobs.list` still know. */
const REMEMBERED = 100;

class Jobs {
  #types;
  #emit;
  #jobs = new Map();
  #queue = [];
  #ended = [];
  #busy = false;

  /**
   * @param {Record<string, {check(payload: unknown): void, run(payload: any, progress: Function, signal: AbortSignal): Promise<unknown>}>} types
   *   by job type: `check` throws when the payload is wrong, `run` does the work until the signal aborts it
   * @param {(event: {type: string, jobId: string, timestamp: number, data: unknown}) => void} emit
   */
  constructor(types, emit) {
    this.#types = types;
    this.#emit = emit;
  }

  start({ type, payload }) {
    if (typeof type !== 'string' || !Object.hasOwn(this.#types, type)) {
      const known = Object.keys(this.#types).join(', ');
      throw new RpcError(CODES.INVALID_PARAMS, `Unknown job type: ${type}; this engine runs: ${known}`);
    }
    this.#types[type].check(payload);
    const job = { jobId: randomUUID(), type, payload, state: 'pending', abort: new AbortController() };
    this.#jobs.set(job.jobId, job);
    this.#queue.push(job);
    // Not now: the answer goes out before the job's first event.
    setImmediate(() => this.#runQueue());
    return { jobId: job.jobId };
  }

  status({ jobId }) {
    const { state, progress, message, startedAt, completedAt } = this.#find(jobId);
    return { state, progress, message, startedAt, completedAt };
  }

  cancel({ jobId }) {
    const job = this.#find(jobId);
    if (job.state !== 'pending' && job.state !== 'running') {
      return { success: false, reason: `The job has ended: ${job.state}` };
    }
    this.#queue = this.#queue.filter((queued) => queued !== job);
    this.#end(job, 'cancelled');
    job.abort.abort();
    return { success: true };
  }

  list() {
    return Array.from(this.#jobs.values(), ({ jobId, type, state, progress }) => ({ jobId, type, state, progress }));
  }

  #find(jobId) {
    if (typeof jobId !== 'string') throw new RpcError(CODES.INVALID_PARAMS, 'jobId must be a string');
    const job = this.#jobs.get(jobId);
    if (!job) throw new RpcError(CODES.JOB_NOT_FOUND, `Job not found: ${jobId}`);
    return job;
  }

  async #runQueue() {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#queue.length > 0) await this.#run(this.#queue.shift());
    this.#busy = false;
  }

  async #run(job) {
    job.state = 'running';
    job.startedAt = Date.now();
    try {
      const progress = (percent, message) => this.#progress(job, percent, message);
      const data = await this.#types[job.type].run(job.payload, progress, job.abort.signal);
      if (job.state === 'cancelled') return;
      this.#end(job, 'done');
      this.#event(job, 'result', data);
    } catch (error) {
      if (job.state === 'cancelled') return;
      this.#end(job, 'failed');
      this.#event(job, 'error', describe(error));
    }
  }

  #progress(job, percent, message) {
    if (job.state !== 'running' || (job.progress === percent && job.message === message)) return;
    job.progress = percent;
    job.message = message;
    this.#event(job, 'progress', { percent, message });
  }

  #end(job, state) {
    job.state = state;
    job.completedAt = Date.now();
    this.#ended.push(job.jobId);
    if (this.#ended.length > REMEMBERED) this.#jobs.delete(this.#ended.shift());
  }

  #event(job, type, data) {
    this.#emit({ type, jobId: job.jobId, timestamp: Date.now(), data });
  }
}

module.exports = { Jobs };
