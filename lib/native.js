'use strict';

const binding = require('../binding.js');
const { errorOf } = require('./errors.js');

/** How often a method that may be called twice is called in spite of panics. */
const TRIES = 128;
/** Methods that say how things are: after a panic they are said again, or the native half would never know. */
const REPEATED = new Set([
  'detachEngine',
  'detachJobs',
  'endAnswers',
  'endTurn',
  'flush',
  'hits',
  'hold',
  'isIdle',
  'isQuiet',
  'remove',
  'removeAll',
  'setHeard',
  'stats',
  'want',
  'watch',
]);

/**
 * A class of the addon's. A panic in a method was caught at the boundary and comes as an error without a code of ours,
 * with the compiler's text: the object's state is made anew, and the app gets `INTERNAL_PANIC`.
 * @template {new (...args: any[]) => any} T
 * @param {T} Class
 * @returns {T}
 */
function guarded(Class) {
  class Guarded extends Class {
    /** @param {any[]} args */
    constructor(...args) {
      try {
        super(...args);
      } catch (error) {
        throw isPanic(error) ? errorOf('INTERNAL_PANIC') : error;
      }
    }
  }
  for (const name of Object.getOwnPropertyNames(Class.prototype)) {
    const method = Class.prototype[name];
    if (name === 'constructor' || name === 'panicked' || typeof method !== 'function') continue;
    const tries = REPEATED.has(name) ? TRIES : 1;
    // No method takes more; written out, for an array of them would be made at each call.
    const value = /** @this {any} */ function guardedMethod(
      /** @type {any} */ a,
      /** @type {any} */ b,
      /** @type {any} */ c,
      /** @type {any} */ d,
      /** @type {any} */ e,
      /** @type {any} */ f,
      /** @type {any} */ g,
      /** @type {any} */ h,
      /** @type {any} */ i,
      /** @type {any} */ j,
    ) {
      try {
        return method.call(this, a, b, c, d, e, f, g, h, i, j);
      } catch (error) {
        return afterPanic(this, error, tries, method, [a, b, c, d, e, f, g, h, i, j]);
      }
    };
    Object.defineProperty(Guarded.prototype, name, { configurable: true, writable: true, value });
  }
  return Guarded;
}

/** @param {any} error */
function isPanic(error) {
  return error instanceof Error && /** @type {any} */ (error).code === 'GenericFailure';
}

/**
 * @param {any} native
 * @param {any} error
 * @param {number} tries
 * @param {(...args: any[]) => any} method
 * @param {any[]} args
 * @returns {any}
 */
function afterPanic(native, error, tries, method, args) {
  if (!isPanic(error)) throw error;
  makeAnew(native);
  for (let left = tries - 1; left > 0; left -= 1) {
    try {
      return method.apply(native, args);
    } catch (repeated) {
      if (!isPanic(repeated)) throw repeated;
      makeAnew(native);
    }
  }
  throw errorOf('INTERNAL_PANIC');
}

/** @param {any} native */
function makeAnew(native) {
  try {
    if (typeof native.panicked === 'function') native.panicked();
  } catch (error) {
    // Each part of it was tried often enough; what is left is as it is.
  }
  if (typeof native.onPanic === 'function') native.onPanic();
}

module.exports = {
  NativeCache: guarded(binding.NativeCache),
  NativeEngine: guarded(binding.NativeEngine),
  NativeJobIds: guarded(binding.NativeJobIds),
  NativeJobs: guarded(binding.NativeJobs),
  NativeRecovery: guarded(binding.NativeRecovery),
  NativeStream: guarded(binding.NativeStream),
  Port: guarded(binding.Port),
};
