'use strict';

const { logThrown } = require('./emitter.js');
const { errorOf } = require('./errors.js');
const { oneLine } = require('./one-line.js');
const { PendingCalls } = require('./pending-calls.js');
const { follow } = require('./signals.js');

/** What `NativeEngine.call` and its like say of a call. */
const PANICKED = 3;
const NOT_SENT = ['', 'NOT_READY', 'BACKPRESSURE', 'INTERNAL_PANIC'];
/** More text than this crosses before its turn ends: only what has crossed counts as waiting for the engine. */
const MOST_UNSENT = 64 * 1024;

/**
 * An engine's calls on their way out. Those of a turn cross to Rust together, because a crossing costs as much as several
 * calls, and are written by one write.
 */
class Calls extends PendingCalls {
  /**
   * @param {import('../binding.js').NativeEngine} native
   * @param {{ requestTimeout: number, maxPendingBytes: number }} options
   * @param {() => boolean} isReady whether the engine is, as far as JavaScript has heard
   */
  constructor(native, options, isReady) {
    super();
    this.native = native;
    this.options = options;
    this.isReady = isReady;
    /** As `NativeEngine.calls` reads them. */
    this.unsent = '';
    this.turnEnds = false;
  }

  /**
   * A call that goes out with the others of its turn.
   * @param {number} slot
   * @param {string} method a JSON text
   * @param {string | undefined} params a JSON text
   * @param {number | undefined} timeout in milliseconds; left out: the engine's
   */
  send(slot, method, params, timeout) {
    if (params !== undefined && params.length > MOST_UNSENT) {
      this.sendAtOnce(slot, method, params, timeout, false);
      return;
    }
    const head = timeout === undefined ? `${slot}` : `${slot} ${timeout}`;
    this.unsent += `${head}\n${method}\n${params === undefined ? '' : oneLine(params)}\n`;
    if (this.unsent.length > MOST_UNSENT) this.cross(false);
    this.endTurnSoon();
  }

  /**
   * A call whose refusal must be known at once, or that is too long to be joined with others.
   * @param {number} slot
   * @param {string} method a JSON text
   * @param {string | undefined} params a JSON text
   * @param {number | undefined} timeout
   * @param {boolean} startsJob
   * @returns {Error | null} what it was refused with
   */
  sendAtOnce(slot, method, params, timeout, startsJob) {
    this.behindCalls();
    const limit = timeout === undefined ? this.options.requestTimeout : timeout;
    let status = PANICKED;
    try {
      status = this.native.call(slot, method, params, limit, startsJob);
    } catch (error) {
      // Told by the status.
    }
    return status === 0 ? null : this.refuse(slot, status);
  }

  /**
   * @param {string} method
   * @param {string} methodText
   * @param {string | undefined} params a JSON text
   */
  notify(method, methodText, params) {
    this.behindCalls();
    const status = this.native.notify(methodText, params);
    if (status !== 0) throw this.refusal(status, method);
  }

  /** What this turn has called so far goes before what is written next: the engine reads in the order of the app. */
  behindCalls() {
    this.cross(false);
    this.endTurnSoon();
  }

  /** @param {boolean} endsTurn */
  cross(endsTurn) {
    const { unsent } = this;
    if (unsent === '') return;
    this.unsent = '';
    let refused;
    try {
      refused = this.native.calls(unsent, endsTurn);
    } catch (error) {
      for (const slot of slotsOf(unsent)) this.refuse(slot, PANICKED);
      return;
    }
    if (refused === null) return;
    for (let at = 0; at < refused.length; at += 2) this.refuse(refused[at], refused[at + 1]);
  }

  /** One write for all calls of a turn. */
  endTurnSoon() {
    if (this.turnEnds) return;
    this.turnEnds = true;
    queueMicrotask(() => {
      this.turnEnds = false;
      this.endTurn();
    });
  }

  endTurn() {
    try {
      if (this.unsent !== '') this.cross(true);
      else this.native.endTurn();
    } catch (error) {
      // Nobody called: what was pending has been told.
      logThrown(error);
    }
  }

  /**
   * @param {number} slot
   * @param {number} status
   */
  refuse(slot, status) {
    // Behind a panic its answer may be on the way; nobody else gets the number before the panic is told here.
    const { reject, method } = status === PANICKED ? this.retire(slot) : this.take(slot);
    const error = this.refusal(status, method);
    reject(error);
    return error;
  }

  /**
   * @param {number} status
   * @param {string} method
   */
  refusal(status, method) {
    // Ready as far as JavaScript has heard: the exit is on its way here.
    if (status === 1 && this.isReady()) return errorOf('ENGINE_EXITED', { method });
    const message =
      status === 2 ? `More than maxPendingBytes (${this.options.maxPendingBytes}) wait for the engine: ${method}` : '';
    return errorOf(NOT_SENT[status], { method }, message);
  }

  /**
   * Rejects the call when the signal aborts.
   * @param {any} signal
   * @param {number} slot
   * @param {string} method
   */
  follow(signal, slot, method) {
    if (!this.isPending(slot)) return;
    let settled = false;
    const onAbort = () => {
      if (settled) return;
      const reason = abortReason(signal, method);
      // When the answer is on its way here already, the slot is taken until it comes.
      if (this.abort(slot)) this.take(slot).reject(reason);
      else this.retire(slot).reject(reason);
    };
    const unfollow = follow(signal, onAbort);
    if (!this.isPending(slot)) {
      // A signal that fires as soon as somebody listens.
      unfollow();
      return;
    }
    this.onSettled(slot, () => {
      settled = true;
      unfollow();
    });
  }

  /**
   * Whether no answer of this call is on its way.
   * @param {number} slot
   */
  abort(slot) {
    this.cross(false);
    try {
      return this.native.abort(slot);
    } catch (error) {
      logThrown(error);
      return false;
    }
  }

  /** @param {(method: string) => Error} errorFor */
  rejectAll(errorFor) {
    this.unsent = '';
    super.rejectAll(errorFor);
  }
}

/**
 * @param {string} unsent
 * @returns {number[]}
 */
function slotsOf(unsent) {
  const lines = unsent.split('\n').slice(0, -1);
  return lines.filter((_, line) => line % 3 === 0).map((head) => parseInt(head, 10));
}

/**
 * @param {any} signal
 * @param {string} method
 */
function abortReason(signal, method) {
  return signal.reason === undefined
    ? errorOf('ABORTED', { method }, `The call was aborted: ${method}`)
    : signal.reason;
}

module.exports = { Calls, abortReason };
