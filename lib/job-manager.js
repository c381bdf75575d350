'use strict';

const { NativeJobs } = require('../binding.js');
const { Op, deliver, hold, kBatchDone, kItem, nextId, port, receivers } = require('./delivery.js');
const { Emitter, emitSafely, kListenersChanged, logThrown, observeEmit } = require('./emitter.js');
const {
  EngineClient,
  kEarly,
  kEndTurnSoon,
  kEngineGone,
  kIsPlain,
  kKeepManager,
  kNative,
} = require('./engine-client.js');
const { engineErrorOf, errorOf } = require('./errors.js');
const { PRIORITIES, checkEngine, managerOptions, submitOptions } = require('./job-options.js');
const { JobPromise, kId, kManager } = require('./job-promise.js');
const { ScriptJobs } = require('./script-jobs.js');
const { follow } = require('./signals.js');

/** @typedef {import('../index.js').JobEngine} JobEngine */
/** @typedef {import('../index.js').JobPriority} JobPriority */

const kJobs = Symbol('jobs');
const kState = Symbol('state');
const kEnd = Symbol('end');
const kEnter = Symbol('enter');
const kRest = Symbol('rest');
const kPanicked = Symbol('panicked');
const kErrorOf = Symbol('errorOf');
const kTake = Symbol('take');

/** @type {Record<string, number>} */
const HEARD_BITS = { 'job:started': 1, 'job:progress': 2, 'job:retry': 4 };
const ALL_HEARD = 7;

/**
 * @typedef {object} Job
 * @property {any} promise
 * @property {(result: any) => void} resolve
 * @property {(error: any) => void} reject
 * @property {string} id
 * @property {string} type
 * @property {(() => void) | null} unfollow
 */

class JobManager extends Emitter {
  /**
   * @param {JobEngine} engine
   * @param {import('../index.js').JobManagerConfig} [config]
   */
  constructor(engine, config) {
    super();
    checkEngine(engine);
    const checked = managerOptions(config);
    const id = nextId();
    const ours = engine instanceof EngineClient ? engine : null;
    const jobs = new NativeJobs(
      port,
      id,
      {
        ...checked,
        retries: checked.retryOnFailure ? checked.maxRetries : 0,
        asksBeforeRetry: checked.shouldRetry !== undefined,
      },
      ours ? ours[kNative] : undefined,
    );
    this[kJobs] = jobs;
    this[kState] = {
      id,
      ours,
      target: jobs.target(),
      shouldRetry: checked.shouldRetry,
      /** Jobs that are not settled, as the app sees it. */
      live: 0,
      /** By ticket. @type {Array<Job | undefined>} */
      jobs: [],
      /** @type {number[]} */
      free: [],
      /** The promises of `cancel` that wait, by ticket. @type {Map<number, Array<(accepted: boolean) => void>>} */
      cancels: new Map(),
      /** @type {Array<() => void>} */
      idle: [],
      paused: false,
      heard: -1,
      script: new ScriptJobs(engine, jobs, ours !== null, () => this[kTake]()),
    };
    this[kListenersChanged]('');
  }

  /**
   * @template [T=unknown]
   * @param {string} type
   * @param {unknown} payload
   * @param {import('../index.js').SubmitOptions} [given]
   * @returns {Promise<import('../index.js').JobResult<T>> & { readonly jobId?: string, cancel?(): Promise<boolean> }}
   */
  submit(type, payload, given) {
    /** @type {any} */
    let resolve;
    /** @type {any} */
    let reject;
    /** @type {any} */
    const promise = new JobPromise((onResult, onError) => {
      resolve = onResult;
      reject = onError;
    });
    try {
      this[kEnter](promise, resolve, reject, type, payload, given);
    } catch (error) {
      reject(error instanceof Error ? error : engineErrorOf(error, {}));
    }
    return promise;
  }

  /**
   * @param {string} jobId
   * @returns {import('../index.js').JobStatus | null}
   */
  getStatus(jobId) {
    const text = typeof jobId === 'string' ? this[kJobs].status(jobId) : null;
    return text === null ? null : JSON.parse(text);
  }

  /**
   * @param {string} jobId
   * @returns {Promise<boolean>}
   */
  cancel(jobId) {
    if (typeof jobId !== 'string') return Promise.resolve(false);
    const reply = this[kJobs].cancel(jobId);
    const answer =
      reply < 0
        ? Promise.resolve(reply === -2)
        : new Promise((resolve) => {
            const { cancels } = this[kState];
            cancels.set(reply, (cancels.get(reply) || []).concat(resolve));
          });
    this[kTake]();
    return answer;
  }

  /** @returns {Array<{ id: string, type: string, state: import('../index.js').JobState, progress?: number }>} */
  getJobs() {
    return JSON.parse(this[kJobs].jobs());
  }

  /** @returns {number} */
  getQueueLength() {
    return this[kJobs].stats().queued;
  }

  /** @returns {number} */
  getActiveCount() {
    return this[kJobs].stats().active;
  }

  /** @returns {void} */
  clearCompleted() {
    this[kJobs].clearCompleted();
  }

  /** @returns {void} */
  pause() {
    this[kState].paused = true;
    this[kJobs].pause();
  }

  /** @returns {void} */
  resume() {
    this[kState].paused = false;
    this[kJobs].resume();
    this[kTake]();
  }

  /** @returns {Promise<void>} */
  onIdle() {
    if (this[kState].live === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this[kState].idle.push(resolve);
    });
  }

  /** @returns {Promise<void>} */
  drain() {
    this[kJobs].drain();
    return this.onIdle();
  }

  /** @returns {import('../index.js').JobManagerStats} */
  getStats() {
    return { ...this[kJobs].stats(), paused: this[kState].paused };
  }

  /**
   * @param {any} promise
   * @param {(result: any) => void} resolve
   * @param {(error: any) => void} reject
   * @param {string} type
   * @param {unknown} payload
   * @param {import('../index.js').SubmitOptions} [given]
   */
  [kEnter](promise, resolve, reject, type, payload, given) {
    const state = this[kState];
    const checked = submitOptions(type, given);
    const { priority, signal } = checked;
    promise[kId] = checked.id;
    if (signal && signal.aborted) throw errorOf('JOB_CANCELLED', { jobId: checked.id });
    // Asked anew each time: an app may replace a method of the engine at any moment.
    const native = state.ours !== null && state.ours[kIsPlain]();
    const text = native && payload !== undefined ? JSON.stringify(payload) : undefined;
    if (!native) state.script.look();
    this[kListenersChanged]('emit');

    const ticket = state.free.length > 0 ? /** @type {number} */ (state.free.pop()) : state.jobs.length;
    /** @type {Job} */
    const job = { promise, resolve, reject, id: '', type, unfollow: null };
    state.jobs[ticket] = job;
    state.live += 1;
    if (!native) state.script.prepare(ticket, type, payload, priority);
    receivers.set(state.id, this);
    if (state.ours) {
      state.ours[kKeepManager](state.target, this);
      state.ours[kEndTurnSoon]();
    }
    const taken = this[kJobs].submit(
      ticket,
      native,
      checked.id,
      JSON.stringify(type),
      text,
      PRIORITIES.indexOf(priority),
      checked.timeout,
      checked.retries,
    );
    if (typeof taken === 'number') {
      state.jobs[ticket] = undefined;
      state.live -= 1;
      state.free.push(ticket);
      state.script.forget(ticket);
      this[kRest]();
      throw REFUSALS[taken](checked.id);
    }
    job.id = taken;
    promise[kId] = taken;
    promise[kManager] = this;
    if (signal) job.unfollow = follow(signal, () => promise.cancel());
    this.emit('job:queued', { jobId: taken, type, priority });
    this[kTake]();
  }

  /** What the queue has put out: for native jobs it is sent with this turn's calls, for script jobs carried out at once. */
  [kTake]() {
    const { ours } = this[kState];
    if (ours) ours[kEndTurnSoon]();
    const batch = this[kJobs].take();
    if (batch !== null) deliver(this, batch);
  }

  [kBatchDone]() {
    const { ours, script } = this[kState];
    this[kListenersChanged]('emit');
    // A started job of an engine that is not ours is work under way, as a timer would be.
    if (!ours) hold(this, script.isBusy());
  }

  /** With no job left: tells who waits for that, and lets go of what only jobs need. */
  [kRest]() {
    const state = this[kState];
    if (state.live > 0) return;
    const waiting = state.idle;
    state.idle = [];
    for (const resolve of waiting) resolve();
    // A settled job may still be answered or released.
    if (state.cancels.size > 0 || state.script.isWatching()) return;
    receivers.delete(state.id);
    hold(this, false);
    state.script.listen(false);
    if (state.ours) state.ours[kKeepManager](state.target, null);
  }

  [kEngineGone]() {
    this[kJobs].scriptExited();
    this[kTake]();
  }

  /** @param {import('../index.js').JobEvent} event */
  [kEarly](event) {
    this[kState].script.early(event);
  }

  /** @param {string | symbol} name '' when all may have changed, 'emit' when only `emit` may have */
  [kListenersChanged](name) {
    const state = this[kState];
    if (!state || !Object.prototype.hasOwnProperty.call(this, kState)) return;
    const patched = this.emit !== emitSafely;
    if (name === 'emit' && patched === (state.heard === ALL_HEARD)) return;
    if (name !== '' && name !== 'emit' && HEARD_BITS[/** @type {string} */ (name)] === undefined) return;
    let heard = 0;
    for (const event of Object.keys(HEARD_BITS)) {
      if (patched || this.listenerCount(event) > 0) heard |= HEARD_BITS[event];
    }
    if (heard !== state.heard) {
      state.heard = heard;
      this[kJobs].setHeard(heard);
    }
  }

  /**
   * @param {number} op
   * @param {number} _target
   * @param {number} number
   * @param {any} value
   */
  [kItem](op, _target, number, value) {
    const state = this[kState];
    switch (op) {
      case Op.JobDone: {
        const [duration, text, held] = value;
        const data = held === undefined ? text : state.script.release(held).data;
        return this[kEnd](number, duration, null, (job) => job.resolve({ success: true, data }));
      }
      case Op.JobFailed: {
        const [duration, failure] = value;
        const job = state.jobs[number];
        const error = this[kErrorOf](failure, job ? job.id : undefined, true);
        return this[kEnd](number, duration, error, (ended) => ended.reject(error));
      }
      case Op.JobStarted: {
        const job = state.jobs[number];
        if (job) this.emit('job:started', { jobId: job.id, type: job.type, engineJobId: value });
        return undefined;
      }
      case Op.JobProgress: {
        const job = state.jobs[number];
        if (job) this.emit('job:progress', { jobId: job.id, progress: value.progress, message: value.message });
        return undefined;
      }
      case Op.JobRetry: {
        const [attempt, delay, failure] = value;
        const job = state.jobs[number];
        const error = this[kErrorOf](failure, job ? job.id : undefined, true);
        if (job) this.emit('job:retry', { jobId: job.id, attempt, delay, error });
        return undefined;
      }
      case Op.AskRetry: {
        const [key, attempt, failure] = value;
        const job = state.jobs[number];
        let retry = true;
        try {
          retry = Boolean(state.shouldRetry(this[kErrorOf](failure, job ? job.id : undefined, false), attempt));
        } catch (error) {
          logThrown(error);
        }
        this[kJobs].retryDecided(key, retry);
        return this[kTake]();
      }
      case Op.CancelAnswered: {
        const waiting = state.cancels.get(number) || [];
        state.cancels.delete(number);
        if (!state.jobs[number]) state.free.push(number);
        this[kRest]();
        for (const resolve of waiting) resolve(value);
        return undefined;
      }
      case Op.Panicked:
        return this[kPanicked]();
      default:
        state.script.item(op, number, value);
        return op === Op.ReleaseJob ? this[kRest]() : undefined;
    }
  }

  /**
   * @param {number} ticket
   * @param {number | null} duration null when the job never started
   * @param {Error | null} error
   * @param {(job: Job) => void} settle
   */
  [kEnd](ticket, duration, error, settle) {
    const state = this[kState];
    const job = state.jobs[ticket];
    if (!job) return;
    state.jobs[ticket] = undefined;
    // An answer to a cancel may come another way than the end: until then the ticket is nobody else's.
    if (!state.cancels.has(ticket)) state.free.push(ticket);
    state.script.forget(ticket);
    // Its id may be another job's from here.
    job.promise[kManager] = undefined;
    if (job.unfollow) job.unfollow();
    if (duration !== null) this.emit('job:completed', { jobId: job.id, success: error === null, duration });
    settle(job);
    state.live -= 1;
    this[kRest]();
  }

  /**
   * @param {{ event?: any, start?: any, held?: number, code?: string }} failure
   * @param {string | undefined} jobId
   * @param {boolean} last whether a held error is of no use any more
   * @returns {any}
   */
  [kErrorOf](failure, jobId, last) {
    const { script } = this[kState];
    if (failure.held !== undefined) {
      const held = last ? script.release(failure.held) : script.held(failure.held);
      return held.error !== undefined ? held.error : engineErrorOf(held.data, { jobId });
    }
    if (failure.code === 'REQUEST_TIMEOUT') {
      return errorOf('REQUEST_TIMEOUT', { method: 'jobs.start', jobId }, 'Request timeout: jobs.start');
    }
    if (failure.code !== undefined) return errorOf(failure.code, { jobId });
    if ('start' in failure) return engineErrorOf(failure.start, { method: 'jobs.start', jobId });
    return engineErrorOf(failure.event, { jobId });
  }

  [kPanicked]() {
    const state = this[kState];
    const jobs = state.jobs;
    state.jobs = [];
    state.free = [];
    state.live = 0;
    for (const job of jobs) {
      if (!job) continue;
      job.promise[kManager] = undefined;
      if (job.unfollow) job.unfollow();
      job.reject(errorOf('INTERNAL_PANIC', { jobId: job.id }));
    }
    for (const waiting of state.cancels.values()) waiting.forEach((resolve) => resolve(false));
    state.cancels.clear();
    state.script.clear();
    this[kRest]();
  }
}

observeEmit(JobManager, emitSafely);

/** By what the queue answers to a job it does not take. @type {Array<(jobId: string | undefined) => Error>} */
const REFUSALS = [
  (jobId) => errorOf('DUPLICATE_ID', { jobId }, `A job with the id '${jobId}' is queued or active`),
  (jobId) => errorOf('QUEUE_FULL', { jobId }, 'maxQueueSize jobs wait already'),
  (jobId) => errorOf('SHUTTING_DOWN', { jobId }, 'The manager is draining: it takes no jobs until resume()'),
  (jobId) => errorOf('INTERNAL_PANIC', { jobId }),
];

module.exports = { JobManager };
