'use strict';

const kId = Symbol('id');
const kManager = Symbol('manager');

// A subclass of Promise: a closure for each job would cost a kilobyte.
class JobPromise extends Promise {
  // What `then` returns is no job.
  static get [Symbol.species]() {
    return Promise;
  }

  /** @returns {string | undefined} */
  get jobId() {
    return /** @type {any} */ (this)[kId];
  }

  /** @returns {Promise<boolean>} */
  cancel() {
    const { [kManager]: manager, [kId]: id } = /** @type {any} */ (this);
    return manager === undefined ? Promise.resolve(false) : manager.cancel(id);
  }
}

module.exports = { JobPromise, kId, kManager };
