'use strict';

const { BITS } = require('./event-types.js');

/** @typedef {import('../index.js').JobEvent} JobEvent */
/** @typedef {import('./replayed.js').Replayed} Replayed */

/**
 * @typedef {object} Subscription
 * @property {string} id
 * @property {string} key its job
 * @property {(event: JobEvent) => void} handler
 * @property {Set<string>} types
 * @property {number} kinds the same as bits
 * @property {Replayed | null} replayed what it was given of the past, while that matters
 */

/** The subscriptions of a stream by job. Job ids are compared as JSON values: by their texts, the keys. */
class Subscriptions {
  constructor() {
    /** A list is never changed, but replaced: who goes through one is not disturbed.
     * @type {Map<string, { jobId: any, list: Subscription[] }>} */
    this.byJob = new Map();
    /** @type {Map<string, Subscription>} */
    this.byId = new Map();
    this.lastNumber = 0;
  }

  /**
   * @param {string} key
   * @param {any} jobId
   * @param {(event: JobEvent) => void} handler
   * @param {string[]} types
   * @returns {Subscription}
   */
  add(key, jobId, handler, types) {
    this.lastNumber += 1;
    const kinds = types.reduce((bits, type) => bits | BITS[/** @type {keyof typeof BITS} */ (type)], 0);
    const id = `sub_${this.lastNumber}`;
    const subscription = { id, key, handler, types: new Set(types), kinds, replayed: null };
    const job = this.byJob.get(key);
    if (job) job.list = job.list.concat(subscription);
    else this.byJob.set(key, { jobId, list: [subscription] });
    this.byId.set(id, subscription);
    return subscription;
  }

  /**
   * @param {string} id
   * @returns {Subscription | undefined} what was removed
   */
  remove(id) {
    const subscription = this.byId.get(id);
    if (!subscription) return undefined;
    this.byId.delete(id);
    const job = this.byJob.get(subscription.key);
    const left = job ? job.list.filter((other) => other !== subscription) : [];
    if (job && left.length > 0) job.list = left;
    else this.byJob.delete(subscription.key);
    return subscription;
  }

  /**
   * @param {string} key
   * @returns {Subscription[]}
   */
  of(key) {
    const job = this.byJob.get(key);
    return job ? job.list : [];
  }

  /**
   * What the subscriptions of a job want, as bits.
   * @param {string} key
   */
  kindsOf(key) {
    return this.of(key).reduce((kinds, subscription) => kinds | subscription.kinds, 0);
  }

  /** @returns {string[]} */
  jobIds() {
    return Array.from(this.byJob.values(), ({ jobId }) => jobId);
  }
}

module.exports = { Subscriptions };
