'use strict';

const { logThrown } = require('./emitter.js');
const { jsonOf } = require('./errors.js');
const { hide } = require('./hide.js');
const options = require('./options.js');

/** @typedef {import('../index.js').JobEvent} JobEvent */

const kState = Symbol('state');
const kSend = Symbol('send');

class ProgressTracker {
  /**
   * @param {string} jobId
   * @param {(event: JobEvent) => void} dispatcher
   */
  constructor(jobId, dispatcher) {
    if (jsonOf(jobId) === undefined) throw options.wrong('ProgressTracker', 'jobId', options.text, jobId);
    if (!options.callback.fits(dispatcher)) {
      throw options.wrong('ProgressTracker', 'dispatcher', options.callback, dispatcher);
    }
    this[kState] = { jobId, dispatcher, progress: 0, events: 0, began: Date.now() };
    hide(this, kState);
  }

  /**
   * @param {number} percent
   * @param {string} [message]
   */
  setProgress(percent, message) {
    const state = this[kState];
    const clamped = Math.min(100, Math.max(0, Number(percent)));
    // Also false for what is no number.
    if (!(clamped > state.progress)) return;
    state.progress = clamped;
    this[kSend]('progress', message === undefined ? { percent: clamped } : { percent: clamped, message });
  }

  /**
   * @param {number} delta
   * @param {string} [message]
   */
  incrementProgress(delta, message) {
    this.setProgress(this.getCurrentProgress() + Number(delta), message);
  }

  /**
   * @param {import('../index.js').LogData['level']} level
   * @param {string} message
   * @param {Record<string, unknown>} [context]
   */
  log(level, message, context) {
    this[kSend]('log', context === undefined ? { level, message } : { level, message, context });
  }

  /** @param {unknown} data */
  emitPartial(data) {
    this[kSend]('partial', data);
  }

  /** @param {unknown} data */
  complete(data) {
    this.setProgress(100);
    this[kSend]('result', data);
  }

  /** @param {string | Error} error */
  error(error) {
    this[kSend]('error', errorData(error));
  }

  /** @returns {number} */
  getElapsedTime() {
    // The clock of the app's machine may be set back.
    return Math.max(0, Date.now() - this[kState].began);
  }

  /** @returns {number} */
  getCurrentProgress() {
    return this[kState].progress;
  }

  /** @returns {import('../index.js').ProgressStats} */
  getStats() {
    return {
      progress: this.getCurrentProgress(),
      elapsedTime: this.getElapsedTime(),
      events: this[kState].events,
    };
  }

  /**
   * @param {import('../index.js').JobEventType} type
   * @param {unknown} data
   */
  [kSend](type, data) {
    const { jobId, dispatcher } = this[kState];
    this[kState].events += 1;
    try {
      dispatcher({ type, jobId, timestamp: Date.now(), data });
    } catch (error) {
      logThrown(error);
    }
  }
}

/**
 * The data of an `error` event, as an engine gives it.
 * @param {any} error
 */
function errorData(error) {
  if (error === null || typeof error !== 'object') return { message: String(error) };
  /** @type {{ message: string, code?: unknown, data?: unknown }} */
  const data = { message: String(error.message) };
  if (error.code !== undefined) data.code = error.code;
  if (error.data !== undefined) data.data = error.data;
  return data;
}

module.exports = { ProgressTracker };
