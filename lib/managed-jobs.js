'use strict';

const { kFollow, kTellEnds } = require('./job-manager.js');

/** @typedef {import('../index.js').RecoverableJob} RecoverableJob */

/**
 * The jobs of a `JobManager`, on their way into crash recovery and back: a follower of the manager (`followed-jobs.js`).
 */
class ManagedJobs {
  /**
   * @param {any} recovery
   * @param {any} manager
   * @param {import('../binding.js').NativeRecovery} native
   * @param {(id: string) => RecoverableJob | null} find
   * @param {(job: any, payloadText: string | undefined) => void} track
   */
  constructor(recovery, manager, native, find, track) {
    this.recovery = recovery;
    this.manager = manager;
    this.native = native;
    this.find = find;
    this.track = track;
    /** Whether the manager is telling of the jobs that it had before. */
    this.begins = false;
    /** The ids that are being submitted again. @type {Set<string>} */
    this.again = new Set();
  }

  /** @param {boolean} wanted */
  follow(wanted) {
    this.begins = true;
    this.manager[kFollow](wanted ? this : null);
    this.begins = false;
  }

  /**
   * The tracked jobs that the manager has under way, as JSON texts of their ids. Those that have ended are no longer
   * tracked, be it that it was not told yet, or that they ended while nobody followed.
   * @returns {string[]}
   */
  held() {
    this.manager[kTellEnds]();
    const held = [];
    for (const id of JSON.parse(this.native.liveIds())) {
      const status = this.manager.getStatus(id);
      if (isUnderWay(status)) held.push(JSON.stringify(id));
      else if (status && (status.state === 'done' || status.state === 'cancelled')) this.recovery.removeJob(id);
    }
    return held;
  }

  /** @param {{ id: string, type: string, payload: unknown, payloadText?: string, priority: string, timeout?: number, retries?: number }} told */
  queued({ id, type, payload, payloadText, priority, timeout, retries }) {
    // One that is submitted again keeps its age and its count.
    const before = this.begins || this.again.has(id) ? this.find(id) : null;
    /** @type {any} */
    const job = { ...before, id, type, payload, priority };
    if (before) job.state = 'pending';
    if (timeout !== undefined) job.timeout = timeout;
    if (retries !== undefined) job.maxRetries = retries;
    this.track(job, payloadText);
  }

  /** @param {string} id */
  exitsLeft(id) {
    const left = this.native.exitsLeft(JSON.stringify(id));
    return left === null ? Infinity : left;
  }

  /** @param {string} id */
  started(id) {
    this.recovery.updateJobState(id, 'running');
  }

  /** @param {string} id */
  putBack(id) {
    this.native.putBack(JSON.stringify(id));
  }

  /**
   * @param {string} id
   * @param {string} how
   */
  ended(id, how) {
    if (how === 'exited') {
      const parked = this.native.exited(JSON.stringify(id));
      if (parked) this.recovery.emit('recovery:parked', { job: this.find(id) });
    } else {
      // The app has stopped the engine: the job is not done.
      this.recovery.updateJobState(id, how === 'stopped' ? 'pending' : how);
    }
  }

  /**
   * Whether the manager has the job, queued or active.
   * @param {string} id
   */
  holds(id) {
    return isUnderWay(this.manager.getStatus(id));
  }

  /**
   * Gives a job to the manager again, under its id. Its result is not awaited.
   * @param {RecoverableJob & { timeout?: unknown, maxRetries?: unknown }} job
   * @returns {Promise<void>} rejects when the manager did not take it
   */
  async resubmit({ id, type, payload, priority, timeout, maxRetries }) {
    let refusal = new Error(`The manager did not take job '${id}'`);
    this.again.add(id);
    try {
      const options = { priority, id, timeout: limitOf(timeout), retries: limitOf(maxRetries) };
      const settled = Promise.resolve(this.manager.submit(type, payload, options)).then(
        () => {},
        (error) => {
          refusal = error;
        },
      );
      if (this.holds(id)) return;
      // A refusal is there already; what an override answers may take for ever.
      await Promise.race([settled, Promise.resolve().then(() => {})]);
    } finally {
      this.again.delete(id);
    }
    if (!this.holds(id)) throw refusal;
  }
}

/** @param {import('../index.js').JobStatus | null} status */
function isUnderWay(status) {
  // An override may answer anything.
  return status ? status.state === 'pending' || status.state === 'running' : false;
}

/**
 * What `submit` was given as a limit: JSON has `null` for no limit.
 * @param {unknown} kept
 */
function limitOf(kept) {
  if (kept === null) return Infinity;
  return typeof kept === 'number' ? kept : undefined;
}

module.exports = { ManagedJobs };
