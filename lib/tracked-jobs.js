'use strict';

/** @typedef {import('../index.js').RecoverableJob} RecoverableJob */

/** What is told of a job that JSON cannot hold, so that its place and its counts are kept with the others'. */
const PLAIN = ['id', 'type', 'priority', 'state', 'progress', 'createdAt', 'startedAt', 'retries'];

/** Jobs on their way between objects and JSON texts. Those that JSON cannot hold stay here, as objects. */
class TrackedJobs {
  /** @param {import('../binding.js').NativeRecovery} native */
  constructor(native) {
    this.native = native;
    /** By id. @type {Map<string, any>} */
    this.objects = new Map();
  }

  /**
   * @param {any} job
   * @param {string} [payloadText] the payload's JSON, where somebody has it already
   */
  track(job, payloadText) {
    const text = textOf(job, payloadText);
    if (text !== undefined && this.native.track(text, false)) {
      this.objects.delete(job.id);
      return;
    }
    if (!this.objects.has(job.id)) {
      console.error(
        `[Recovery] Job '${job.id}' has what JSON cannot hold: it is kept in memory, and lost with the process`,
      );
    }
    this.objects.set(job.id, { ...job });
    /** @type {Record<string, unknown>} */
    const plain = {};
    for (const name of PLAIN) {
      if (typeof job[name] === 'string' || typeof job[name] === 'number') plain[name] = job[name];
    }
    this.native.track(JSON.stringify(plain), true);
  }

  /**
   * The jobs of a JSON array, each a fresh copy.
   * @param {string} text
   * @returns {RecoverableJob[]}
   */
  jobs(text) {
    const jobs = JSON.parse(text);
    if (this.objects.size === 0) return jobs;
    return jobs.map((/** @type {RecoverableJob} */ job) => ({ ...this.objects.get(job.id), ...job }));
  }

  /**
   * A job as it is, a fresh copy.
   * @param {string} id
   * @returns {RecoverableJob | null}
   */
  job(id) {
    const text = this.native.job(JSON.stringify(id));
    return text === null ? null : this.jobs(`[${text}]`)[0];
  }

  /**
   * Lets go of a job's object once the job is gone.
   * @param {string} id
   */
  forget(id) {
    if (this.objects.has(id) && this.native.job(JSON.stringify(id)) === null) this.objects.delete(id);
  }
}

/**
 * A job's JSON text; `undefined` when JSON cannot hold it.
 * @param {any} job
 * @param {string} [payloadText]
 * @returns {string | undefined}
 */
function textOf(job, payloadText) {
  if (typeof job.payload === 'function' || typeof job.payload === 'symbol') return undefined;
  try {
    if (payloadText === undefined) return JSON.stringify(job);
    // Of two members of one name the last counts.
    const text = JSON.stringify({ ...job, payload: null });
    return `${text.slice(0, -1)},"payload":${payloadText}}`;
  } catch (error) {
    return undefined;
  }
}

module.exports = { TrackedJobs };
