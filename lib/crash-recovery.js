'use strict';

const fs = require('fs');
const { CallbackFlow } = require('./callback-flow.js');
const { Op, hold, kBatchDone, kItem, nextId, port, receivers } = require('./delivery.js');
const { Emitter, emitSafely, logThrown, observeMethod, tell } = require('./emitter.js');
const { errorOf } = require('./errors.js');
const { hide } = require('./hide.js');
const { ManagedJobs } = require('./managed-jobs.js');
const { NativeRecovery } = require('./native.js');
const { checkId, checkJob, checkState, recoveryOptions } = require('./recovery-options.js');
const { TrackedJobs } = require('./tracked-jobs.js');

/** @typedef {import('../index.js').RecoverableJob} RecoverableJob */
/** @typedef {import('../index.js').JobState} JobState */
/** @typedef {{ resolve: (value: any) => void, reject: (error: any) => void }} Deferred */

const kNative = Symbol('native');
const kState = Symbol('state');
const kAsk = Symbol('ask');
const kCandidates = Symbol('candidates');
const kFollow = Symbol('follow');
const kHandOver = Symbol('handOver');
const kLocked = Symbol('locked');
const kOpen = Symbol('open');
const kOpened = Symbol('opened');
const kPanicked = Symbol('panicked');
const kRecoverLogged = Symbol('recoverLogged');
const kRest = Symbol('rest');
const kRun = Symbol('run');
const kVersion = Symbol('version');
const kStart = Symbol('start');
const kTrack = Symbol('track');
const kSettle = Symbol('withAction');

class CrashRecovery extends Emitter {
  /**
   * @param {import('../index.js').RecoveryEngine} engine
   * @param {import('../index.js').CrashRecoveryConfig} config
   */
  constructor(engine, config) {
    super();
    const checked = recoveryOptions(engine, config);
    const id = nextId();
    const native = new NativeRecovery(port, id, checked);
    const tracked = new TrackedJobs(native);
    this[kNative] = native;
    this[kState] = {
      id,
      engine,
      tracked,
      options: checked,
      managed:
        checked.manager &&
        new ManagedJobs(
          this,
          checked.manager,
          native,
          (jobId) => tracked.job(jobId),
          (job, text) => this[kTrack](job, text),
        ),
      following: false,
      /** The folder is open, or another process has it. */
      open: false,
      /** @type {Promise<void> | null} */
      init: null,
      /** Settles once the folder is open. @type {Promise<void> | null} */
      opening: null,
      /** @type {Promise<void> | null} */
      closing: null,
      /** @type {Promise<number> | null} */
      recovering: null,
      /** How many jobs it has recovered so far. */
      recovered: 0,
      flow: new CallbackFlow(),
      /** How often it was shut down: a recovery that was under way then hands nothing more over. */
      life: 0,
      /** What waits for the folder, by ticket; ticket 0 is the opening. @type {Map<number, Deferred>} */
      waiting: new Map(),
      lastTicket: 0,
      onReady: () => native.healthy(),
      onRestart: () => {
        if (checked.autoRecover) this[kRecoverLogged]();
      },
    };
    hide(this, kNative, kState);
    this[kFollow](true);
  }

  /** @returns {Promise<void>} */
  init() {
    const state = this[kState];
    if (state.init) return state.init;
    this[kFollow](true);
    state.opening = this[kOpen](state.closing);
    state.init = state.flow.answering(this[kStart](state.opening), () => {});
    return state.init;
  }

  /** @returns {Promise<void>} */
  shutdown() {
    const state = this[kState];
    this[kFollow](false);
    const { init, opening } = state;
    if (!init || !opening) return state.closing || Promise.resolve();
    state.init = null;
    state.opening = null;
    state.life += 1;
    const close = () => {
      const closed = this[kAsk]((ticket) => this[kNative].shutdown(ticket));
      state.open = false;
      return closed;
    };
    const over = () => {
      if (state.closing === closing) state.closing = null;
      this[kRest]();
    };
    const closing = opening.then(close, () => {});
    closing.then(over, over);
    state.closing = closing;
    return closing;
  }

  /**
   * @param {import('../index.js').TrackedJob} job
   * @returns {void}
   */
  trackJob(job) {
    checkJob(job);
    this[kState].tracked.track(job);
  }

  /**
   * @param {string} jobId
   * @param {JobState} state
   * @param {number} [progress]
   * @returns {void}
   */
  updateJobState(jobId, state, progress) {
    checkId('updateJobState', jobId);
    checkState(state);
    const id = JSON.stringify(jobId);
    if (state !== 'pending' && state !== 'running') {
      this[kNative].remove(id);
      this[kState].tracked.forget(jobId);
      return;
    }
    const text = typeof progress === 'number' && Number.isFinite(progress) ? String(progress) : undefined;
    this[kNative].update(id, state === 'running', text);
  }

  /**
   * @param {string} jobId
   * @returns {void}
   */
  removeJob(jobId) {
    checkId('removeJob', jobId);
    this[kNative].remove(JSON.stringify(jobId));
    this[kState].tracked.forget(jobId);
  }

  /** @returns {RecoverableJob[]} */
  getRecoverableJobs() {
    return this[kState].tracked.jobs(this[kNative].recoverable([]));
  }

  /** @returns {RecoverableJob[]} */
  getParkedJobs() {
    return this[kState].tracked.jobs(this[kNative].parked());
  }

  /**
   * @param {string} jobId
   * @returns {boolean}
   */
  unpark(jobId) {
    checkId('unpark', jobId);
    return this[kNative].unpark(JSON.stringify(jobId));
  }

  /** @returns {Promise<number>} */
  recover() {
    const state = this[kState];
    if (!state.recovering) {
      /** @type {any} */
      let begin;
      const over = () => {
        state.recovering = null;
      };
      // Before it begins: what it calls may ask for a recovery, too.
      const recovering = new Promise((resolve, reject) => {
        begin = () => this[kRun]().then(resolve, reject);
      });
      state.recovered = 0;
      state.recovering = state.flow.answering(recovering, () => state.recovered);
      state.recovering.then(over, over);
      begin();
    }
    return state.recovering;
  }

  /** @returns {Promise<void>} */
  clearState() {
    this[kState].tracked.objects.clear();
    return this[kAsk]((ticket) => this[kNative].clear(ticket));
  }

  /** @returns {import('../index.js').RecoveryStats} */
  getStats() {
    const { pendingJobs, runningJobs, lastHealthCheck } = this[kNative].stats();
    return { pendingJobs, runningJobs, lastHealthCheck: lastHealthCheck === undefined ? null : lastHealthCheck };
  }

  /**
   * A job of the manager's; an override of `trackJob` gets it, too.
   * @param {any} job
   * @param {string | undefined} payloadText
   */
  [kTrack](job, payloadText) {
    if (this.trackJob !== CrashRecovery.prototype.trackJob) this.trackJob(job);
    else this[kState].tracked.track(job, payloadText);
  }

  /**
   * Hears of the engine and of the manager's jobs.
   * @param {boolean} wanted
   */
  [kFollow](wanted) {
    const state = this[kState];
    if (state.following === wanted) return;
    state.following = wanted;
    /** @type {any} */
    const engine = state.engine;
    const off = typeof engine.off === 'function' ? 'off' : 'removeListener';
    const toggle = wanted ? 'on' : off;
    if (typeof engine[toggle] === 'function') {
      engine[toggle]('ready', state.onReady);
      engine[toggle]('restart', state.onRestart);
    }
    if (state.managed) state.managed.follow(wanted);
  }

  /**
   * Makes the folder, takes it and reads it.
   * @param {Promise<void> | null} closing
   */
  async [kOpen](closing) {
    const state = this[kState];
    // Who shut it down was told how that went.
    if (closing) await closing.catch(() => {});
    await fs.promises.mkdir(state.options.stateDir, { recursive: true, mode: 0o700 });
    const locked = await new Promise((resolve, reject) => {
      state.waiting.set(0, { resolve, reject });
      receivers.set(state.id, this);
      hold(this, true);
      this[kNative].open();
    });
    if (locked) this[kLocked]();
  }

  /**
   * @param {Promise<void>} opening
   */
  async [kStart](opening) {
    const state = this[kState];
    try {
      await opening;
    } catch (error) {
      if (state.opening === opening) {
        state.init = null;
        state.opening = null;
      }
      throw error;
    }
    if (!state.options.autoRecover || state.opening !== opening) return;
    // One that was under way when the folder was let go ends with its callback.
    if (state.recovering) await state.recovering.catch(() => {});
    await this[kRecoverLogged]();
  }

  [kLocked]() {
    const { stateDir } = this[kState].options;
    const message =
      `Another process uses the recovery state in ${stateDir}: jobs are tracked in memory only. ` +
      'Give each process a stateDir of its own';
    const error = errorOf('STATE_LOCKED', {}, message);
    console.error(`[Recovery] ${message}`, error);
    tell(this, 'recovery:locked', { error });
  }

  /**
   * Settles when the folder has done what it is asked.
   * @param {(ticket: number) => void} ask
   * @returns {Promise<void>}
   */
  [kAsk](ask) {
    const state = this[kState];
    return new Promise((resolve, reject) => {
      state.lastTicket = (state.lastTicket % 0xffffffff) + 1;
      state.waiting.set(state.lastTicket, { resolve, reject });
      receivers.set(state.id, this);
      hold(this, true);
      try {
        ask(state.lastTicket);
      } catch (error) {
        state.waiting.delete(state.lastTicket);
        reject(error);
      }
    });
  }

  /** With nothing under way the event loop may end, and with no folder the object may go. */
  [kRest]() {
    const state = this[kState];
    if (state.waiting.size > 0) return;
    hold(this, false);
    if (!state.open) receivers.delete(state.id);
  }

  /** What goes wrong in a recovery that nobody called for is logged. */
  [kRecoverLogged]() {
    // An override may throw, or return no promise.
    return Promise.resolve()
      .then(() => this.recover())
      .then(() => {}, logThrown);
  }

  /** @returns {Promise<number>} */
  async [kRun]() {
    const state = this[kState];
    const { life, managed, options, tracked } = state;
    const { onJobRecovery } = options;
    const nobodyTakes = () => !onJobRecovery && !managed && this.listenerCount('recovery:job') === 0;
    if (nobodyTakes()) return 0;
    /** @type {string[]} */
    const elsewhere = JSON.parse(this[kNative].elsewhere()).map((/** @type {string} */ id) => JSON.stringify(id));
    const skip = (managed ? managed.held() : []).concat(elsewhere);
    for (const job of tracked.jobs(this[kNative].parkExhausted(skip))) tell(this, 'recovery:parked', { job });
    const jobs = this[kCandidates](skip);
    if (jobs.length === 0) return 0;
    const versions = jobs.map((job) => this[kVersion](job));
    tell(this, 'recovery:start', { jobCount: jobs.length });
    for (const [index, job] of jobs.entries()) {
      if (state.life !== life) break;
      const version = versions[index];
      // Tracked anew while it waited for its turn, it is another job: the next recovery's.
      if (version !== this[kVersion](job)) continue;
      // Whoever listened may have gone.
      if (nobodyTakes()) break;
      if ((await this[kHandOver](job, version !== null)) && (onJobRecovery || managed)) state.recovered += 1;
    }
    const { recovered } = state;
    tell(this, 'recovery:complete', { recovered, total: jobs.length });
    return recovered;
  }

  /**
   * Tells a job from another under its id; `null`: it is not tracked, as an override of `getRecoverableJobs` may have it.
   * @param {RecoverableJob} job
   * @returns {number | null}
   */
  [kVersion](job) {
    return typeof job.id === 'string' ? this[kNative].version(JSON.stringify(job.id)) : null;
  }

  /**
   * What is to be handed over: nothing that the manager still holds, nothing that is another's since the folder is.
   * @param {string[]} skip
   * @returns {RecoverableJob[]}
   */
  [kCandidates](skip) {
    const { tracked } = this[kState];
    if (this.getRecoverableJobs === CrashRecovery.prototype.getRecoverableJobs) {
      return tracked.jobs(this[kNative].recoverable(skip));
    }
    return this.getRecoverableJobs().filter((job) => !skip.includes(JSON.stringify(job.id)));
  }

  /**
   * @param {RecoverableJob} job
   * @param {boolean} known whether it is tracked; an override of `getRecoverableJobs` may have others
   * @returns {Promise<boolean>} whether it was a success
   */
  async [kHandOver](job, known) {
    const native = this[kNative];
    const { flow, managed, options, tracked } = this[kState];
    const { onJobRecovery } = options;
    const id = known ? JSON.stringify(job.id) : '""';
    // On record before anything else: a job that ends the process was tried all the same.
    const handed = known ? native.handOver(id) : { version: 0, wasRunning: false };
    // It ended while the ones before it were handed over.
    if (handed === null) return false;
    const { version } = handed;
    /** @type {{ job: RecoverableJob, success: boolean, error?: unknown }} */
    const told = { job, success: true };
    try {
      if (onJobRecovery) await flow.run(() => onJobRecovery(job));
      else if (managed) await managed.resubmit(job);
    } catch (error) {
      told.success = false;
      told.error = error;
    }
    let parked = false;
    if (!told.success) {
      logThrown(told.error);
      if (known && onJobRecovery) parked = native.failed(id, version);
      else if (known) native.takeBack(id, handed);
    } else if (known && onJobRecovery) {
      native.settle(id, version);
    }
    tell(this, 'recovery:job', told);
    if (parked) tell(this, 'recovery:parked', { job: tracked.job(job.id) });
    // With listeners alone, having heard of it is all there is.
    if (known && !onJobRecovery && !managed) native.settle(id, version);
    if (known) tracked.forget(job.id);
    return told.success;
  }

  /**
   * @param {number} op
   * @param {number} _target
   * @param {number} number
   * @param {any} value
   */
  [kItem](op, _target, number, value) {
    switch (op) {
      case Op.RecoveryOpened:
        return this[kOpened](value);
      case Op.RecoveryDone:
        return this[kSettle](number, (asked) => asked.resolve(undefined));
      case Op.RecoveryLocked:
        return this[kLocked]();
      case Op.Log:
        return console.error(`[Recovery] ${value}`);
      case Op.Panicked:
        return this[kPanicked](value);
      default:
        return undefined;
    }
  }

  /** @param {boolean} locked */
  [kOpened](locked) {
    const { options, waiting } = this[kState];
    this[kState].open = true;
    if (waiting.has(0)) return this[kSettle](0, (opening) => opening.resolve(locked));
    // `init()` went on without the folder, for want of a descriptor or a thread.
    if (locked) return this[kLocked]();
    if (options.autoRecover) this[kRecoverLogged]();
    return undefined;
  }

  [kBatchDone]() {
    this[kRest]();
  }

  /**
   * @param {number} ticket
   * @param {(waiting: Deferred) => void} settle
   */
  [kSettle](ticket, settle) {
    const { waiting } = this[kState];
    const found = waiting.get(ticket);
    waiting.delete(ticket);
    if (found) settle(found);
  }

  /** @param {number[]} tickets what was being done */
  [kPanicked](tickets) {
    const { waiting } = this[kState];
    const error = errorOf('INTERNAL_PANIC');
    if (!tickets.some((ticket) => waiting.has(ticket))) console.error(`[Recovery] ${error.message}`);
    for (const ticket of tickets) this[kSettle](ticket, (asked) => asked.reject(error));
  }
}

observeMethod(CrashRecovery.prototype, 'emit', () => emitSafely);

module.exports = { CrashRecovery };
