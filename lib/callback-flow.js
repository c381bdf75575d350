'use strict';

// Missing before Node 12.17.
const { AsyncLocalStorage } = require('async_hooks');

/**
 * Which code belongs to the callback that is awaited, through all its `await`s: what that code waits for must not wait for
 * the callback. Where the host cannot tell, nothing belongs to it.
 */
class CallbackFlow {
  constructor() {
    /** @type {import('async_hooks').AsyncLocalStorage<object> | null} */
    this.storage = AsyncLocalStorage === undefined ? null : new AsyncLocalStorage();
    /** @type {object | null} */
    this.current = null;
  }

  /**
   * Settles as the callback does.
   * @template T
   * @param {() => T | Promise<T>} callback
   * @returns {Promise<T>}
   */
  async run(callback) {
    if (this.storage === null) return callback();
    const token = {};
    this.current = token;
    try {
      // Async: a promise that the callback returns is waited for from within.
      return await this.storage.run(token, async () => callback());
    } finally {
      this.current = null;
      this.storage.disable();
    }
  }

  isInside() {
    return this.current !== null && this.storage !== null && this.storage.getStore() === this.current;
  }

  /**
   * The promise, which answers code of the callback at once, with what `answer` gives then.
   * @template T
   * @param {Promise<T>} promise
   * @param {() => T} answer
   * @returns {Promise<T>}
   */
  answering(promise, answer) {
    /** @type {(done?: any, failed?: any) => Promise<any>} */
    const then = (done, failed) =>
      Promise.prototype.then.call(this.isInside() ? Promise.resolve(answer()) : promise, done, failed);
    // With a `constructor` of its own, `await` asks for `then` too.
    return Object.defineProperties(promise, { constructor: { value: undefined }, then: { value: then } });
  }
}

module.exports = { CallbackFlow };
