'use strict';

/** @typedef {{ resolve: (value: any) => void, reject: (error: any) => void }} Deferred */
/** @typedef {Deferred & { method: string, settled: (() => void) | null }} PendingCall */

const nothing = () => {};
/** Takes the place of a call that was settled before its answer came. */
const RETIRED = Object.freeze({ resolve: nothing, reject: nothing, method: '', settled: null });

// The number of a call is used again only when its answer has come here: an answer on its way cannot meet another call.
class PendingCalls {
  constructor() {
    /** @type {Array<PendingCall | undefined>} */
    this.slots = [];
    /** @type {number[]} */
    this.free = [];
  }

  /**
   * @param {(value: any) => void} resolve
   * @param {(error: any) => void} reject
   * @param {string} method
   * @returns {number}
   */
  add(resolve, reject, method) {
    const slot = this.free.length > 0 ? /** @type {number} */ (this.free.pop()) : this.slots.length;
    this.slots[slot] = { resolve, reject, method, settled: null };
    return slot;
  }

  /** @param {number} slot */
  isPending(slot) {
    const call = this.slots[slot];
    return call !== undefined && call !== RETIRED;
  }

  /**
   * @param {number} slot
   * @param {() => void} settled
   */
  onSettled(slot, settled) {
    const call = this.slots[slot];
    if (call) call.settled = settled;
  }

  /**
   * The call, taken out.
   * @param {number} slot
   * @returns {PendingCall}
   */
  take(slot) {
    const call = this.slots[slot];
    if (!call) return RETIRED;
    this.slots[slot] = undefined;
    this.free.push(slot);
    if (call.settled) call.settled();
    return call;
  }

  /**
   * The call, but its number stays taken until its answer comes.
   * @param {number} slot
   * @returns {PendingCall}
   */
  retire(slot) {
    const call = this.slots[slot];
    if (!call) return RETIRED;
    this.slots[slot] = RETIRED;
    if (call.settled) call.settled();
    return call;
  }

  /** @param {(method: string) => Error} errorFor */
  rejectAll(errorFor) {
    const calls = this.slots;
    this.slots = [];
    this.free = [];
    for (const call of calls) {
      if (!call || call === RETIRED) continue;
      if (call.settled) call.settled();
      call.reject(errorFor(call.method));
    }
  }
}

module.exports = { PendingCalls };
