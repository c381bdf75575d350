'use strict';

const { cancelled } = require('./errors');

const LEVELS = ['debug', 'info', 'warn', 'error'];

/** What a job's function is given: the way to report, and to learn of a cancellation. */
class Job {
  #tell;
  #drain;

  /**
   * @param {{id: string, type: string, priority: string, signal: AbortSignal}} about
   * @param {(type: string, data: unknown) => void} tell
   * @param {() => Promise<void>} drain
   */
  constructor({ id, type, priority, signal }, tell, drain) {
    this.id = id;
    this.type = type;
    this.priority = priority;
    this.signal = signal;
    this.#tell = tell;
    this.#drain = drain;
  }

  get cancelled() {
    return this.signal.aborted;
  }

  /** Throws when the job is cancelled: the shortest way out of a loop. */
  check() {
    if (this.cancelled) throw cancelled();
  }

  /** Waits, at most until the job is cancelled. @returns {Promise<boolean>} whether it is */
  wait(milliseconds) {
    if (this.cancelled) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.signal.removeEventListener('abort', done);
        resolve(this.cancelled);
      };
      const timer = setTimeout(done, milliseconds);
      this.signal.addEventListener('abort', done);
    });
  }

  /** `percent` is brought into 0–100. The same again is not sent; while the app does not read, only the newest is kept. */
  progress(percent, message) {
    if (typeof percent !== 'number' || Number.isNaN(percent)) {
      throw new TypeError(`job.progress: percent must be a number, got ${String(percent)}`);
    }
    const data = { percent: Math.min(100, Math.max(0, percent)) };
    if (message !== undefined) data.message = String(message);
    this.#tell('progress', data);
  }

  log(level, message, context) {
    if (!LEVELS.includes(level)) {
      throw new TypeError(`job.log: level must be one of ${LEVELS.join(', ')}, got ${String(level)}`);
    }
    const data = { level, message: String(message) };
    if (context !== undefined) data.context = context;
    this.#tell('log', data);
  }

  partial(data) {
    this.#tell('partial', data);
  }

  /** Settles when the app has read what this engine wrote: `await` it between large parts. */
  drain() {
    return this.#drain();
  }
}

module.exports = { Job };
