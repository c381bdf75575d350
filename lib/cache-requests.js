'use strict';

/**
 * What waits for an answer of the disk: one object each, without closures, for they are many.
 * @typedef {{ settle(op: number, value: any, ticket: number): void, fail(error: any): void }} Request
 */

const nothing = () => {};
/** @type {(value: any) => void} */
let resolveLast = nothing;
/** @type {(error: any) => void} */
let rejectLast = nothing;

/**
 * For `new Promise(parting)`: the request that is made next settles it.
 * @param {(value: any) => void} resolve
 * @param {(error: any) => void} reject
 */
const parting = (resolve, reject) => {
  resolveLast = resolve;
  rejectLast = reject;
};

/** Its request has it: kept here it would keep its value alive. */
function parted() {
  resolveLast = nothing;
  rejectLast = nothing;
}

/** An entry on its way to disk. */
class Write {
  /**
   * @param {import('./cache-memory.js').CacheMemory} memory
   * @param {import('./cache-memory.js').Entry} entry
   */
  constructor(memory, entry) {
    this.memory = memory;
    this.entry = entry;
    this.resolve = resolveLast;
    this.reject = rejectLast;
    parted();
    entry.pending += 1;
  }

  /**
   * @param {number} _op
   * @param {boolean} success
   */
  settle(_op, success) {
    this.entry.pending -= 1;
    this.resolve({ success });
  }

  /** @param {any} error */
  fail(error) {
    const { memory, entry } = this;
    entry.pending -= 1;
    // Whether the disk has it is not known: memory must not differ.
    if (memory.entries.get(entry.key) === entry) memory.drop(entry);
    this.reject(error);
  }
}

/** A read from disk, which later callers may join while it is current. */
class Flight {
  /**
   * @param {string} key
   * @param {(flight: Flight, op: number, value: any, ticket: number) => void} land
   */
  constructor(key, land) {
    this.key = key;
    this.land = land;
    this.isCurrent = true;
    this.resolve = resolveLast;
    this.reject = rejectLast;
    parted();
    /** @type {Array<{ resolve: (value: any) => void, reject: (error: any) => void }> | null} */
    this.joined = null;
  }

  /** The promise of one more. */
  join() {
    /** @type {NonNullable<Flight['joined']>} */
    const joined = this.joined || [];
    this.joined = joined;
    return new Promise((resolve, reject) => joined.push({ resolve, reject }));
  }

  /** @param {(waiter: { resolve: (value: any) => void, reject: (error: any) => void }) => void} tell */
  each(tell) {
    tell(this);
    if (this.joined !== null) this.joined.forEach(tell);
  }

  /**
   * @param {number} op
   * @param {any} value
   * @param {number} ticket
   */
  settle(op, value, ticket) {
    this.land(this, op, value, ticket);
  }

  /** @param {any} error */
  fail(error) {
    this.land(this, FAILED, error, 0);
  }
}

/** In place of an answer: there is none. */
const FAILED = -1;

/** Anything else. */
class Question {
  /** @param {(value: any) => any} answered what the promise resolves with */
  constructor(answered) {
    this.answered = answered;
    this.resolve = resolveLast;
    this.reject = rejectLast;
    parted();
  }

  /**
   * @param {number} _op
   * @param {any} value
   */
  settle(_op, value) {
    try {
      this.resolve(this.answered(value));
    } catch (error) {
      this.reject(error);
    }
  }

  /** @param {any} error */
  fail(error) {
    this.reject(error);
  }
}

module.exports = { FAILED, Flight, Question, Write, parting };
