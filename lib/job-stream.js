'use strict';

const { logThrown } = require('./emitter.js');
const { hide } = require('./hide.js');
const options = require('./options.js');
const { follow } = require('./signals.js');

/** @typedef {import('../index.js').JobEvent} JobEvent */

/** @type {Record<string, [options.Rule, any]>} */
const OPTIONS = {
  highWaterMark: [options.countFrom1, 1024],
  signal: [options.signal, undefined],
};

const handlerRule = options.rule(
  (value) =>
    value !== null &&
    typeof value === 'object' &&
    ['subscribe', 'unsubscribe'].every((name) => typeof value[name] === 'function'),
  'a StreamHandler',
);

/** Slots of handed-out events that a buffer may begin with. */
const SPENT = 1024;

/** Events on their way to a loop. Past `highWaterMark` progress takes the place of progress; nothing else is dropped. */
class EventBuffer {
  /** @param {number} highWaterMark */
  constructor(highWaterMark) {
    this.highWaterMark = highWaterMark;
    /** Emptied slots are those of progress that was replaced. @type {Array<JobEvent | undefined>} */
    this.slots = [];
    this.head = 0;
    /** How much progress waits, and in which slot the newest. */
    this.progress = 0;
    this.newest = -1;
  }

  /** @param {JobEvent} event */
  push(event) {
    if (event.type === 'progress') {
      if (this.progress < this.highWaterMark) this.progress += 1;
      // Its place is behind all that came before it.
      else if (this.newest === this.slots.length - 1) this.slots.pop();
      else this.slots[this.newest] = undefined;
      this.newest = this.slots.length;
    }
    this.slots.push(event);
  }

  /** @returns {JobEvent | undefined} */
  shift() {
    let event;
    while (event === undefined && this.head < this.slots.length) {
      event = this.slots[this.head];
      this.slots[this.head] = undefined;
      this.head += 1;
    }
    if (event !== undefined && event.type === 'progress') this.progress -= 1;
    if (this.head === this.slots.length) this.clear();
    else if (this.head > SPENT && this.head * 2 > this.slots.length) {
      this.slots = this.slots.slice(this.head);
      this.newest -= this.head;
      this.head = 0;
    }
    return event;
  }

  isEmpty() {
    return this.slots.length === 0;
  }

  clear() {
    this.slots = [];
    this.head = 0;
    this.progress = 0;
    this.newest = -1;
  }
}

const kState = Symbol('state');
const kEnd = Symbol('end');
const kLeave = Symbol('leave');
const kUnfollow = Symbol('unfollow');

const DONE = Object.freeze({ value: undefined, done: true });

/** The events of one job, for one loop. @implements {AsyncIterableIterator<JobEvent>} */
class JobStream {
  /**
   * @param {any} streamHandler
   * @param {string} jobId
   * @param {{ highWaterMark: number, signal: any }} checked
   */
  constructor(streamHandler, jobId, { highWaterMark, signal }) {
    const state = (this[kState] = {
      streamHandler,
      /** While subscribed. @type {string | null} */
      subscription: null,
      buffer: new EventBuffer(highWaterMark),
      /** `next()` calls without an event. @type {Array<(result: any) => void>} */
      waiting: [],
      /** Nothing more comes; what is buffered is still handed out, unless the signal aborts. */
      ended: false,
      /** @type {(() => void) | null} */
      unfollow: null,
    });
    hide(this, kState);
    /** Its own: an app may take it out of the object. */
    this.cancel = () => this[kEnd]();
    if (signal && signal.aborted) {
      state.ended = true;
      return;
    }
    state.subscription = streamHandler.subscribe(jobId, (/** @type {JobEvent} */ event) => {
      if (state.ended) return;
      const next = state.waiting.shift();
      if (next) next({ value: event, done: false });
      else state.buffer.push(event);
      if (event.type === 'result' || event.type === 'error') this[kLeave]();
    });
    // An overridden `subscribe` may have handed over the last event before it returned.
    if (state.ended) this[kLeave]();
    if (signal && !(state.ended && state.buffer.isEmpty())) state.unfollow = follow(signal, this.cancel);
    // It may have aborted while an overridden `subscribe` ran.
    if (signal && signal.aborted) this[kEnd]();
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Promise<any>} */
  next() {
    const { buffer, ended, waiting } = this[kState];
    const event = buffer.shift();
    if (ended && buffer.isEmpty()) this[kUnfollow]();
    if (event !== undefined) return Promise.resolve({ value: event, done: false });
    if (ended) return Promise.resolve(DONE);
    return new Promise((resolve) => {
      waiting.push(resolve);
    });
  }

  /**
   * @param {any} [value]
   * @returns {Promise<any>}
   */
  return(value) {
    this[kEnd]();
    return Promise.resolve(value).then((settled) => ({ value: settled, done: true }));
  }

  /**
   * @param {any} [error]
   * @returns {Promise<any>}
   */
  throw(error) {
    this[kEnd]();
    return Promise.reject(error);
  }

  /** Ends it for the loop, too. */
  [kEnd]() {
    this[kState].buffer.clear();
    this[kLeave]();
  }

  /** Nothing more comes. */
  [kLeave]() {
    const state = this[kState];
    const { buffer, streamHandler, subscription, waiting } = state;
    state.ended = true;
    state.subscription = null;
    state.waiting = [];
    if (buffer.isEmpty()) this[kUnfollow]();
    if (subscription !== null) {
      try {
        streamHandler.unsubscribe(subscription);
      } catch (error) {
        logThrown(error);
      }
    }
    for (const next of waiting) next(DONE);
  }

  [kUnfollow]() {
    const state = this[kState];
    if (state.unfollow) state.unfollow();
    state.unfollow = null;
  }
}

/**
 * @param {import('../index.js').StreamHandler} streamHandler
 * @param {string} jobId
 * @param {import('../index.js').JobStreamOptions} [given]
 * @returns {AsyncIterable<JobEvent> & { cancel: () => void }}
 */
function createJobStream(streamHandler, jobId, given) {
  if (!handlerRule.fits(streamHandler)) {
    throw options.wrong('createJobStream', 'streamHandler', handlerRule, streamHandler);
  }
  return new JobStream(streamHandler, jobId, options.checked('createJobStream', OPTIONS, given));
}

module.exports = { createJobStream };
