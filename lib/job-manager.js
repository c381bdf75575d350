'use strict';

const { NativeJobIds, NativeJobs } = require('./native.js');
const { Op, deliver, hold, kBatchDone, kItem, nextId, port, receivers } = require('./delivery.js');
const { Emitter, emitSafely, heardBits, kListenersChanged, logThrown, observeMethod, tell } = require('./emitter.js');
const {
  EngineClient,
  kEarly,
  kBehindCalls,
  kEngineGone,
  kHasStreams,
  kHoldUntilTold,
  kIsPlain,
  kKeepManager,
  kNative,
} = require('./engine-client.js');
const { engineErrorOf, errorOf } = require('./errors.js');
const { STREAM_EVENTS_SPAN } = require('./event-types.js');
const { FollowedJobs } = require('./followed-jobs.js');
const { hide } = require('./hide.js');
const { PRIORITIES, checkEngine, managerOptions, submitOptions } = require('./job-options.js');
const { idOf, jobPromise, kId, kNumber, kTerms, settlerOf } = require('./job-promise.js');
const { JobTraces } = require('./job-traces.js');
const { ScriptJobs } = require('./script-jobs.js');
const { follow } = require('./signals.js');

/** @typedef {import('../index.js').JobEngine} JobEngine */
/** @typedef {import('../index.js').JobPriority} JobPriority */

/** Begins to tell a follower of the jobs (`followed-jobs.js`), in place of the one before; `null` ends it. */
const kBehindOurCalls = Symbol('behindOurCalls');
const kFollow = Symbol('follow');
/** Tells the follower at once of the ends that it is yet to hear of: who recovers jobs must not take those for unfinished. */
const kTellEnds = Symbol('tellEnds');
const kJobs = Symbol('jobs');
/** A stream comes or goes. */
const kStream = Symbol('stream');
const kTellStreams = Symbol('tellStreams');
const kTellRefusal = Symbol('tellRefusal');
const kState = Symbol('state');
const kEnd = Symbol('end');
const kEnter = Symbol('enter');
const kIsHeard = Symbol('isHeard');
const kLetGo = Symbol('letGo');
const kRest = Symbol('rest');
const kPanicked = Symbol('panicked');
const kEndingOf = Symbol('endingOf');
const kErrorOf = Symbol('errorOf');
const kTake = Symbol('take');
const kTermsOf = Symbol('termsOf');

/** @type {Record<string, number>} */
const HEARD_BITS = { 'job:started': 1, 'job:progress': 2, 'job:retry': 4 };
const ALL_HEARD = 7;
const FOLLOWED = HEARD_BITS['job:started'] | HEARD_BITS['job:retry'];

/** The queue's answer to a job, when a defect was caught. */
const PANICKED = -4;
/** Whose jobs a defect took, as the core says it. */
const SCRIPT_JOBS = 0;
const NATIVE_JOBS = 1;
const ALL_JOBS = 2;

/** How a job ended, by the code of the queue's. @type {Record<string, import('./followed-jobs.js').Ending>} */
const ENDINGS = { JOB_CANCELLED: 'cancelled', SHUTTING_DOWN: 'stopped', ENGINE_EXITED: 'exited' };

/**
 * A stream's ear at a manager. `sequence` is the event's number at the core, 0 for what is not from there.
 * @typedef {{ receive(event: import('../index.js').JobEvent, sequence: number): void }} Tap
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
      submitted: 0,
      /** @type {import('./job-promise.js').Owner} */
      owner: { ids: new NativeJobIds(jobs), manager: null },
      /** Of the job taken last; the next is most likely submitted alike. @type {import('./job-promise.js').Terms | null} */
      terms: null,
      /** The promises of the jobs, by ticket. @type {any[]} */
      jobs: [],
      /** @type {number[]} */
      free: [],
      /** What ends the following of their signals, by ticket. @type {Map<number, () => void>} */
      unfollows: new Map(),
      /** The promises of `cancel` that wait, by ticket. @type {Map<number, Array<(accepted: boolean) => void>>} */
      cancels: new Map(),
      /** @type {Array<() => void>} */
      idle: [],
      paused: false,
      heard: -1,
      /** Of `heard`, what the diagnostics channels want. */
      traced: 0,
      traces: new JobTraces(this),
      followed: new FollowedJobs(jobs),
      /** @type {Set<Tap>} */
      taps: new Set(),
      script: new ScriptJobs(
        engine,
        jobs,
        ours !== null,
        () => this[kTake](),
        (ticket, event) => this[kTellStreams](ticket, event),
      ),
    };
    hide(this, kJobs, kState);
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
    const promise = jobPromise();
    try {
      this[kEnter](promise, type, payload, given);
      this[kState].traces.submitted(promise);
    } catch (error) {
      const refusal = error instanceof Error ? error : engineErrorOf(error, {});
      if (promise[kId] === undefined) promise[kId] = this[kJobs].newId();
      // Behind this turn, in which the app may begin to follow the job.
      queueMicrotask(() => this[kTellRefusal](promise.jobId, refusal));
      this[kState].traces.refused(promise, type, refusal);
      settlerOf(promise).reject(refusal);
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
    this[kBehindOurCalls]();
    const reply = this[kJobs].cancel(jobId);
    const answer =
      reply < 0
        ? Promise.resolve(reply === -2)
        : new Promise((resolve) => {
            const { cancels } = this[kState];
            cancels.set(reply, (cancels.get(reply) || []).concat(resolve));
          });
    this[kTake]();
    const { ours } = this[kState];
    if (ours) ours[kHoldUntilTold]();
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
    this[kBehindOurCalls]();
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
   * @param {string} type
   * @param {unknown} payload
   * @param {import('../index.js').SubmitOptions} [given]
   */
  [kEnter](promise, type, payload, given) {
    const state = this[kState];
    const { priority, signal, timeout, retries, id } = submitOptions(type, given);
    promise[kId] = id;
    if (signal && signal.aborted) throw errorOf('JOB_CANCELLED', { jobId: id });
    // Asked anew each time: an app may replace a method of the engine at any moment.
    const native = state.ours !== null && state.ours[kIsPlain]();
    const text = native && payload !== undefined ? JSON.stringify(payload) : undefined;
    if (!native) state.script.look();
    this[kListenersChanged]('emit');

    const { followed, owner, script } = state;
    const ticket = state.free.length > 0 ? /** @type {number} */ (state.free.pop()) : state.jobs.length;
    const number = state.submitted + 1;
    promise[kNumber] = number;
    const terms = this[kTermsOf](native, type, timeout, retries);
    promise[kTerms] = terms;
    state.submitted = number;
    state.jobs[ticket] = promise;
    state.live += 1;
    if (!native) script.prepare(ticket, type, payload, priority);
    if (owner.manager === null) {
      owner.manager = this;
      receivers.set(state.id, this);
      if (state.ours) state.ours[kKeepManager](state.target, this);
    }
    this[kBehindOurCalls]();
    let taken = PANICKED;
    try {
      taken = this[kJobs].submit(
        ticket,
        native,
        id,
        terms.typeText,
        text,
        PRIORITIES.indexOf(priority),
        timeout,
        retries,
        followed.follower !== null,
        number,
      );
    } catch (error) {
      // Told below.
    }
    if (taken < 0) {
      state.jobs[ticket] = undefined;
      state.live -= 1;
      // After a panic there may be items for this ticket on their way: it is never given again.
      if (taken !== PANICKED) state.free.push(ticket);
      script.forget(ticket);
      this[kRest]();
      throw REFUSALS[-1 - taken](id);
    }
    if (id === undefined) promise[kId] = taken;
    if (followed.follower !== null) {
      followed.queued({ id: idOf(promise), type, payload, payloadText: text, priority, timeout, retries }, ticket);
    }
    if (signal) {
      const unfollow = follow(signal, () => promise.cancel());
      // A signal of the app's own make may have fired at once.
      if (state.jobs[ticket] === promise) state.unfollows.set(ticket, unfollow);
    }
    state.traces.queued(promise, type, priority);
    if (this[kIsHeard]('job:queued')) tell(this, 'job:queued', { jobId: idOf(promise), type, priority });
    // What native jobs put out goes another way.
    if (!native || script.hadJobs) this[kTake]();
  }

  /**
   * @param {boolean} native
   * @param {string} type
   * @param {number | undefined} timeout
   * @param {number | undefined} retries
   * @returns {import('./job-promise.js').Terms}
   */
  [kTermsOf](native, type, timeout, retries) {
    const state = this[kState];
    const { owner, terms: last } = state;
    const isSame =
      last !== null &&
      last.native === native &&
      last.type === type &&
      last.timeout === timeout &&
      last.retries === retries;
    if (isSame) return last;
    const terms = { owner, native, type, typeText: JSON.stringify(type), timeout, retries };
    state.terms = terms;
    return terms;
  }

  /** @param {import('./followed-jobs.js').Follower | null} follower */
  [kFollow](follower) {
    const { followed, jobs, script } = this[kState];
    followed.begin(follower);
    script.followed = follower !== null;
    this[kListenersChanged]('');
    if (follower === null) return;
    for (const { ticket, native, priority, running, started, retried } of this[kJobs].follow()) {
      const job = jobs[ticket];
      // It may end its following at any time.
      if (!job || followed.follower !== follower) continue;
      const id = idOf(job);
      const { type, timeout, retries } = job[kTerms];
      const text = native ? this[kJobs].payload(id) : null;
      const payloadText = text === null ? undefined : text;
      const payload = payloadText === undefined ? script.payloadOf(ticket) : JSON.parse(payloadText);
      followed.queued(
        { id, type, payload, payloadText, priority: PRIORITIES[priority], timeout, retries },
        ticket,
        started,
        retried,
      );
      if (running) followed.tell((told) => told.started(id));
    }
  }

  [kTellEnds]() {
    this[kState].followed.flush();
  }

  /** What the queue has put out: for native jobs it is sent with this turn's calls, for script jobs carried out at once. */
  [kTake]() {
    this[kBehindOurCalls]();
    const batch = this[kJobs].take();
    if (batch !== null) deliver(this, batch);
  }

  /** What the queue is about to write goes behind what the app has called in this turn. */
  [kBehindOurCalls]() {
    const { ours } = this[kState];
    if (ours) ours[kBehindCalls]();
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
    state.owner.manager = null;
    receivers.delete(state.id);
    hold(this, false);
    state.script.listen(false);
    if (state.ours) state.ours[kKeepManager](state.target, null);
  }

  [kEngineGone]() {
    this[kJobs].scriptExited();
    this[kTake]();
  }

  /**
   * @param {Tap} tap
   * @param {boolean} attached
   */
  [kStream](tap, attached) {
    const { script, taps } = this[kState];
    if (attached) taps.add(tap);
    else taps.delete(tap);
    script.streams(taps.size > 0);
  }

  [kHasStreams]() {
    return this[kState].taps.size > 0;
  }

  /**
   * An event of a live job that the core does not know; here it has the manager's id.
   * @param {number} ticket
   * @param {object} event
   */
  [kTellStreams](ticket, event) {
    const { jobs, taps } = this[kState];
    const job = jobs[ticket];
    if (!job || taps.size === 0) return;
    /** @type {any} */
    const own = { ...event, jobId: idOf(job) };
    for (const tap of Array.from(taps)) tap.receive(own, 0);
  }

  /**
   * A job that is not taken has an end, too: whoever reads the stream of the id that it was to have must not wait for ever.
   * @param {string | undefined} jobId
   * @param {any} error
   */
  [kTellRefusal](jobId, error) {
    const { taps } = this[kState];
    if (jobId === undefined || taps.size === 0) return;
    const known = this[kJobs].status(jobId);
    // The id is a live job's: its end is still to come.
    if (known !== null && JSON.parse(known).completedAt === undefined) return;
    for (const tap of Array.from(taps)) tap.receive(failureEvent(jobId, error), 0);
  }

  /** @param {import('../index.js').JobEvent} event */
  [kEarly](event) {
    this[kState].script.early(event);
  }

  /** @param {string} name */
  [kIsHeard](name) {
    return this.emit !== emitSafely || this.listenerCount(name) > 0;
  }

  /** @param {string | symbol} name '' when all may have changed, 'emit' when only `emit` may have */
  [kListenersChanged](name) {
    const state = this[kState];
    if (!state || !Object.prototype.hasOwnProperty.call(this, kState)) return;
    const patched = this.emit !== emitSafely;
    const traced = state.traces.heardBits();
    if (name === 'emit' && patched === (state.heard === ALL_HEARD) && traced === state.traced) return;
    if (name !== '' && name !== 'emit' && HEARD_BITS[/** @type {string} */ (name)] === undefined) return;
    state.traced = traced;
    const followed = state.followed.follower === null ? 0 : FOLLOWED;
    const heard = patched ? ALL_HEARD : heardBits(this, HEARD_BITS) | followed | traced;
    if (heard !== state.heard) {
      this[kJobs].setHeard(heard);
      state.heard = heard;
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
        const { data, event } = held === undefined ? { data: text, event: null } : state.script.release(held);
        // A native job's `result` has come as a stream event.
        if (event) this[kTellStreams](number, event);
        return this[kEnd](number, duration, 'done', null, data);
      }
      case Op.JobFailed: {
        const [duration, failure] = value;
        const job = state.jobs[number];
        const how = this[kEndingOf](failure);
        const { event } = failure.held === undefined ? { event: null } : state.script.held(failure.held);
        const error = this[kErrorOf](failure, job ? idOf(job) : undefined, true);
        const isStreamed = failure.code === undefined && failure.held === undefined && !('start' in failure);
        if (job && !isStreamed) this[kTellStreams](number, event || failureEvent(idOf(job), error));
        return this[kEnd](number, duration, how, error, undefined);
      }
      case Op.StreamEvent:
        for (const tap of Array.from(state.taps)) tap.receive(value, Math.floor(number / STREAM_EVENTS_SPAN));
        return undefined;
      case Op.JobStarted: {
        const [engineJobId, attempt] = value;
        const job = state.jobs[number];
        if (!job) return undefined;
        state.followed.started(idOf(job), number, attempt);
        state.traces.tell('started', job, job[kTerms].type, { engineJobId, attempt });
        tell(this, 'job:started', { jobId: idOf(job), type: job[kTerms].type, engineJobId });
        return undefined;
      }
      case Op.JobProgress: {
        const job = state.jobs[number];
        if (!job) return undefined;
        state.traces.tell('progress', job, job[kTerms].type, { progress: value.progress });
        tell(this, 'job:progress', { jobId: idOf(job), progress: value.progress, message: value.message });
        return undefined;
      }
      case Op.JobRetry: {
        const [attempt, delay, failure] = value;
        const job = state.jobs[number];
        const error = this[kErrorOf](failure, job ? idOf(job) : undefined, true);
        if (!job) return undefined;
        state.followed.retried(idOf(job), number, attempt, failure.code === 'ENGINE_EXITED');
        state.traces.tell('retry', job, job[kTerms].type, { attempt, delay, error });
        tell(this, 'job:retry', { jobId: idOf(job), attempt, delay, error });
        return undefined;
      }
      case Op.AskRetry: {
        const [key, attempt, failure] = value;
        const job = state.jobs[number];
        let retry = true;
        try {
          retry = Boolean(state.shouldRetry(this[kErrorOf](failure, job ? idOf(job) : undefined, false), attempt));
        } catch (error) {
          logThrown(error);
        }
        this[kBehindOurCalls]();
        this[kJobs].retryDecided(key, retry);
        return this[kTake]();
      }
      case Op.CancelAnswered: {
        const waiting = state.cancels.get(number);
        if (!waiting) return undefined;
        state.cancels.delete(number);
        if (!state.jobs[number]) state.free.push(number);
        this[kRest]();
        for (const resolve of waiting) resolve(value);
        return undefined;
      }
      case Op.Panicked:
        return this[kPanicked](number, value);
      default:
        state.script.item(op, number, value);
        return op === Op.ReleaseJob ? this[kRest]() : undefined;
    }
  }

  /**
   * @param {number} ticket
   * @param {number | null} duration null when the job never started
   * @param {import('./followed-jobs.js').Ending} how
   * @param {Error | null} error
   * @param {unknown} data
   */
  [kEnd](ticket, duration, how, error, data) {
    const state = this[kState];
    const job = state.jobs[ticket];
    if (!job) return;
    state.jobs[ticket] = undefined;
    // An answer to a cancel may come another way than the end: until then the ticket is nobody else's.
    if (!state.cancels.has(ticket)) state.free.push(ticket);
    const { resolve, reject } = this[kLetGo](ticket, job, how);
    if (duration !== null && this[kIsHeard]('job:completed')) {
      tell(this, 'job:completed', { jobId: idOf(job), success: error === null, duration });
    }
    if (state.traces.contexts.size > 0) state.traces.settled(job, how, error);
    if (error === null) resolve({ success: true, data });
    else reject(error);
    state.live -= 1;
    this[kRest]();
  }

  /**
   * Forgets a job that is about to settle.
   * @param {number} ticket
   * @param {any} job
   * @param {import('./followed-jobs.js').Ending} how
   */
  [kLetGo](ticket, job, how) {
    const { followed, script, unfollows } = this[kState];
    if (!job[kTerms].native) script.forget(ticket);
    if (followed.follower !== null) followed.ended(idOf(job), ticket, how);
    // Its id may be another job's from here.
    const settler = settlerOf(job);
    const unfollow = unfollows.get(ticket);
    if (unfollow) {
      unfollows.delete(ticket);
      unfollow();
    }
    return settler;
  }

  /**
   * @param {{ held?: number, code?: string }} failure
   * @returns {import('./followed-jobs.js').Ending}
   */
  [kEndingOf]({ held, code }) {
    // A start that `stop()` refused in JavaScript is a stopped job as well; the engine's own codes mean nothing here.
    const { error } = held === undefined ? { error: undefined } : this[kState].script.held(held);
    const own = error && error.code === 'SHUTTING_DOWN' ? error.code : code;
    return (own !== undefined && ENDINGS[own]) || 'failed';
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

  /**
   * The queue was made anew: the jobs that it had reject. Those submitted since are in the new one, though the word comes
   * behind them.
   * @param {number} last the number of the last job that is lost
   * @param {number} whose of which path
   */
  [kPanicked](last, whose) {
    const state = this[kState];
    const { cancels, free, jobs, script } = state;
    const panic = errorOf('INTERNAL_PANIC');
    let others = false;
    for (const [ticket, job] of Array.from(jobs.entries())) {
      if (!job) continue;
      const { native } = job[kTerms];
      const isLost = job[kNumber] <= last && (whose === ALL_JOBS || native === (whose === NATIVE_JOBS));
      if (!isLost) {
        others = others || !native;
        continue;
      }
      this[kTellStreams](ticket, failureEvent(idOf(job), panic));
      jobs[ticket] = undefined;
      state.live -= 1;
      free.push(ticket);
      const { reject } = this[kLetGo](ticket, job, 'failed');
      for (const resolve of cancels.get(ticket) || []) resolve(false);
      cancels.delete(ticket);
      const error = errorOf('INTERNAL_PANIC', { jobId: idOf(job) });
      state.traces.settled(job, 'failed', error);
      reject(error);
    }
    if (whose !== SCRIPT_JOBS) {
      // Of a job that has ended the answer comes with the native jobs' items, or not at all.
      for (const [ticket, waiting] of Array.from(cancels)) {
        if (jobs[ticket]) continue;
        cancels.delete(ticket);
        free.push(ticket);
        for (const resolve of waiting) resolve(false);
      }
    }
    if (whose !== NATIVE_JOBS && !others) script.clear();
    this[kRest]();
  }
}

observeMethod(JobManager.prototype, 'emit', () => emitSafely);

/**
 * The last event of a job that ends without one of the engine's.
 * @param {string} jobId
 * @param {{ code?: unknown, message: string }} error
 * @returns {import('../index.js').JobEvent}
 */
function failureEvent(jobId, { code, message }) {
  return { type: 'error', jobId, timestamp: Date.now(), data: { code, message } };
}

/** By what the queue answers to a job it does not take. @type {Array<(jobId: string | undefined) => Error>} */
const REFUSALS = [
  (jobId) => errorOf('DUPLICATE_ID', { jobId }, `A job with the id '${jobId}' is queued or active`),
  (jobId) => errorOf('QUEUE_FULL', { jobId }, 'maxQueueSize jobs wait already'),
  (jobId) => errorOf('SHUTTING_DOWN', { jobId }, 'The manager is draining: it takes no jobs until resume()'),
  (jobId) => errorOf('INTERNAL_PANIC', { jobId }),
];

module.exports = { JobManager, kFollow, kJobs, kStream, kTellEnds };
