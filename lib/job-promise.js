'use strict';

/** The id; a number until somebody asks: the job's key, which the id is worked out of. */
const kId = Symbol('id');
const kNumber = Symbol('number');
const kReject = Symbol('reject');
const kResolve = Symbol('resolve');
const kTerms = Symbol('terms');

/**
 * What a job was submitted under. Jobs that are submitted alike share it, for a million may wait.
 * @typedef {object} Terms
 * @property {Owner} owner
 * @property {boolean} native
 * @property {string} type
 * @property {string} typeText its JSON
 * @property {number | undefined} timeout as `submit` was given it
 * @property {number | undefined} retries as `submit` was given them
 */

/**
 * Whose a job is; `manager` while any of its jobs is under way.
 * @typedef {{ ids: import('../binding.js').NativeJobIds, manager: any }} Owner
 */

/** @type {any} */
let resolve;
/** @type {any} */
let reject;
/** @type {(onResult: any, onError: any) => void} */
const executor = (onResult, onError) => {
  resolve = onResult;
  reject = onError;
};

/**
 * A job, as JavaScript has it, and its promise: one object, with the methods on its prototype. Closures and a record for
 * each job would cost a kilobyte.
 */
class JobPromise extends Promise {
  // What `then` returns is no job.
  static get [Symbol.species]() {
    return Promise;
  }

  /** @returns {string | undefined} */
  get jobId() {
    return idOf(this);
  }

  /** @returns {Promise<boolean>} */
  cancel() {
    const { [kTerms]: terms, [kResolve]: pending } = /** @type {any} */ (this);
    const manager = terms !== undefined && pending !== undefined ? terms.owner.manager : null;
    return manager === null ? Promise.resolve(false) : manager.cancel(idOf(this));
  }
}

// What is inside would be printed with it: the manager, and all that it knows.
Object.defineProperty(JobPromise.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  configurable: true,
  writable: true,
  /** @this {JobPromise} */
  value() {
    return `JobPromise { jobId: ${JSON.stringify(this.jobId)} }`;
  },
});

/** @returns {any} */
function jobPromise() {
  /** @type {any} */
  const promise = new JobPromise(executor);
  promise[kResolve] = resolve;
  promise[kReject] = reject;
  promise[kId] = undefined;
  promise[kNumber] = 0;
  promise[kTerms] = undefined;
  resolve = undefined;
  reject = undefined;
  return promise;
}

/**
 * @param {any} promise
 * @returns {string}
 */
function idOf(promise) {
  if (typeof promise[kId] === 'number') promise[kId] = promise[kTerms].owner.ids.id(promise[kId]);
  return promise[kId];
}

/**
 * It is a job no longer: `cancel` has nothing to do, and its id may be another's.
 * @param {any} promise
 * @returns {{ resolve: (result: any) => void, reject: (error: any) => void }}
 */
function settlerOf(promise) {
  const { [kResolve]: onResult, [kReject]: onError } = promise;
  promise[kResolve] = undefined;
  promise[kReject] = undefined;
  return { resolve: onResult, reject: onError };
}

module.exports = { idOf, jobPromise, kId, kNumber, kTerms, settlerOf };
