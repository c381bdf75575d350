'use strict';

const { jobChannels, jobs } = require('./channels.js');

/** The events that cross only when somebody listens, with their bits at the core. @type {Array<[keyof typeof jobChannels, number]>} */
const BITS = [
  ['started', 1],
  ['progress', 2],
  ['retry', 4],
];

/**
 * A manager's jobs, as the diagnostics channels have them. Each job has one object, which is the message of its operation
 * and the `job` of what happens in between.
 */
class JobTraces {
  /** @param {object} manager */
  constructor(manager) {
    this.manager = manager;
    /** Of the jobs that somebody heard of, until they settle; by promise. @type {Map<any, any>} */
    this.contexts = new Map();
  }

  /** The events that somebody hears, as bits. */
  heardBits() {
    let heard = 0;
    for (const [name, bit] of BITS) if (jobChannels[name].hasSubscribers) heard |= bit;
    return heard;
  }

  /**
   * @param {any} promise
   * @param {string} type
   * @param {string} priority
   */
  queued(promise, type, priority) {
    if (!jobs.isHeard()) return;
    const context = { manager: this.manager, jobId: promise.jobId, type, priority };
    this.contexts.set(promise, context);
    jobs.begin(context);
  }

  /**
   * `submit` is about to return.
   * @param {any} promise
   */
  submitted(promise) {
    if (jobs.end.hasSubscribers && this.contexts.has(promise)) jobs.end.publish(this.contexts.get(promise));
  }

  /**
   * The job is not taken.
   * @param {any} promise
   * @param {string} type
   * @param {unknown} error
   */
  refused(promise, type, error) {
    if (!jobs.isHeard() || this.contexts.has(promise)) return;
    const context = { manager: this.manager, jobId: promise.jobId, type };
    jobs.begin(context);
    jobs.end.publish(context);
    jobs.settle(Object.assign(context, { outcome: 'refused' }), { error });
  }

  /**
   * The job is about to settle.
   * @param {any} promise
   * @param {import('./followed-jobs.js').Ending} outcome
   * @param {unknown} error null when it is done
   */
  settled(promise, outcome, error) {
    const context = this.contexts.get(promise);
    if (context === undefined) return;
    this.contexts.delete(promise);
    context.outcome = outcome;
    jobs.settle(context, error === null ? null : { error });
  }

  /**
   * @param {keyof typeof jobChannels} name
   * @param {any} promise
   * @param {string} type
   * @param {object} what
   */
  tell(name, promise, type, what) {
    const channel = jobChannels[name];
    if (!channel.hasSubscribers) return;
    let job = this.contexts.get(promise);
    if (job === undefined) job = { manager: this.manager, jobId: promise.jobId, type };
    channel.publish({ job, ...what });
  }
}

module.exports = { JobTraces };
