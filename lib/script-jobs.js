'use strict';

const { Op } = require('./delivery.js');
const { logThrown } = require('./emitter.js');
const { startParams } = require('./engine-client.js');
const { engineErrorOf, jsonOf } = require('./errors.js');
const { JOB_EVENTS, jobEventOf } = require('./job-events.js');

/** Events that streams are kept until their job is known; past it the oldest goes. */
const MAX_EARLY_EVENTS = 1024;
const UNKNOWN_SIZE = 1024 * 1024;

/**
 * The jobs that reach their engine through its JavaScript methods: a subclass, a test double, a remote engine. The rules
 * are the queue's, as for native jobs; here are only the calls, and the values that stay in JavaScript.
 */
class ScriptJobs {
  /**
   * @param {any} engine
   * @param {import('../binding.js').NativeJobs} jobs
   * @param {boolean} ours whether the queue hears of the engine's exits and starts by itself
   * @param {() => void} carryOut what the queue has put out
   * @param {(ticket: number, event: object) => void} tellStreams an event of a live job
   */
  constructor(engine, jobs, ours, carryOut, tellStreams) {
    this.engine = engine;
    this.jobs = jobs;
    this.carryOut = carryOut;
    this.tellStreams = tellStreams;
    /** Whether anybody is told. */
    this.streamed = false;
    /** The tickets of the started jobs that are not settled, by key, and the other way round. @type {Map<number, number>} */
    this.tickets = new Map();
    /** @type {Map<number, number>} */
    this.keys = new Map();
    /** Events for streams that came before the answer that names their job; `null` is its end, behind which nothing is its
     * own. @type {Array<{ id: string, event: object | null }>} */
    this.earlyEvents = [];
    /** `jobs.start` parameters by ticket. @type {Map<number, { type: string, payload: unknown, priority: string }>} */
    this.params = new Map();
    /** The watched jobs by key. @type {Map<number, { id: string, unsubscribe: unknown }>} */
    this.watched = new Map();
    /** The JSON texts of the watched ids, each with how many watch it. @type {Map<string, number>} */
    this.watchedIds = new Map();
    /** Values that the queue knows by number. @type {Map<number, { data?: any, error?: any, event?: any }>} */
    this.values = new Map();
    this.lastValue = 0;
    /** `jobs.start` calls without an answer. */
    this.unanswered = 0;
    /** Whether there ever was a job that goes through JavaScript. */
    this.hadJobs = false;
    /** Whether a `jobs.start` of this turn met the engine's limit. */
    this.refused = false;
    this.ours = ours;
    /** Whether the jobs are recovered when their engine exits. */
    this.followed = false;
    this.listening = false;
    /** Whether `isReady()` failed the last time: that is told once. */
    this.isReadyFailed = false;
    this.onEarly = (/** @type {any} */ emitted) => this.early(emitted);
    this.onReady = () => this.tell(() => jobs.scriptReady(true));
    this.onExit = () => this.tell(() => jobs.scriptExited());
  }

  /**
   * Hears of the engine's starts and exits while there are jobs: an engine may outlive many managers.
   * @param {boolean} wanted
   */
  listen(wanted) {
    if (this.ours || this.listening === wanted) return;
    this.listening = wanted;
    this.toggle('ready', this.onReady, wanted);
    this.toggle('exit', this.onExit, wanted);
  }

  /**
   * @param {string} name
   * @param {(...args: any[]) => void} listener
   * @param {boolean} on
   */
  toggle(name, listener, on) {
    const { engine } = this;
    if (typeof engine.on !== 'function') return;
    if (on) engine.on(name, listener);
    else if (typeof engine.off === 'function') engine.off(name, listener);
    else if (typeof engine.removeListener === 'function') engine.removeListener(name, listener);
  }

  /** @param {() => void} tellQueue */
  tell(tellQueue) {
    tellQueue();
    this.carryOut();
  }

  /** Whether the engine is ready, for the queue. */
  look() {
    this.jobs.scriptReady(this.isReady());
  }

  isReady() {
    try {
      const ready = Boolean(this.engine.isReady());
      this.isReadyFailed = false;
      return ready;
    } catch (error) {
      if (!this.isReadyFailed) logThrown(error);
      this.isReadyFailed = true;
      return false;
    }
  }

  /** Whether a job is under way. */
  isBusy() {
    const { active, retrying } = this.jobs.stats();
    return active > 0 || retrying > 0;
  }

  /**
   * @param {number} ticket
   * @param {string} type
   * @param {unknown} payload
   * @param {string} priority
   */
  prepare(ticket, type, payload, priority) {
    this.listen(true);
    this.hadJobs = true;
    this.params.set(ticket, { type, payload, priority });
  }

  /**
   * @param {number} ticket
   * @returns {unknown}
   */
  payloadOf(ticket) {
    const params = this.params.get(ticket);
    return params && params.payload;
  }

  /** Whether the engine still has something to tell of a job. */
  isWatching() {
    return this.watched.size > 0 || this.unanswered > 0;
  }

  /** @param {number} ticket */
  forget(ticket) {
    this.params.delete(ticket);
    this.tickets.delete(/** @type {number} */ (this.keys.get(ticket)));
    this.keys.delete(ticket);
  }

  /** @param {boolean} wanted whether streams are attached */
  streams(wanted) {
    this.streamed = wanted;
    if (!wanted) this.earlyEvents = [];
  }

  clear() {
    this.params.clear();
    this.values.clear();
    this.tickets.clear();
    this.keys.clear();
    this.earlyEvents = [];
    for (const key of Array.from(this.watched.keys())) this.unwatch(key);
  }

  /** @param {{ data?: any, error?: any, event?: any }} value */
  keep(value) {
    this.lastValue = (this.lastValue + 1) % 0xffffffff;
    this.values.set(this.lastValue, value);
    return this.lastValue;
  }

  /** @param {number} number */
  held(number) {
    return this.values.get(number) || {};
  }

  /** @param {number} number */
  release(number) {
    const value = this.held(number);
    this.values.delete(number);
    return value;
  }

  /**
   * @param {number} op
   * @param {number} number
   * @param {any} value
   */
  item(op, number, value) {
    switch (op) {
      case Op.StartJob:
        return this.start(number, value[0], value[1]);
      case Op.CancelJob:
        return this.cancel(number, value);
      case Op.WatchJob:
        return this.watch(number, value);
      case Op.ReleaseJob:
        return this.unwatch(number);
      case Op.Forget:
        this.values.delete(number);
        return undefined;
      case Op.AskReady:
        return this.tell(() => this.look());
      default:
        throw new Error(`desktop-runtime: unknown item ${op}`);
    }
  }

  /**
   * @param {number} ticket
   * @param {number} key
   * @param {number} attempt
   */
  start(ticket, key, attempt) {
    const { engine, jobs } = this;
    const job = this.params.get(ticket);
    // Behind a refused one, in the same turn: it must not overtake.
    if (this.refused) return this.tell(() => jobs.startBlocked(key, attempt));
    if (!job || !this.isReady()) {
      return this.tell(() => {
        jobs.scriptReady(false);
        jobs.startBlocked(key, attempt);
      });
    }
    this.tickets.set(key, ticket);
    this.keys.set(ticket, key);
    const params = { ...job };
    const mark = { refused: false };
    startParams.set(params, mark);
    this.expectAnswer(1);
    /** @type {Promise<any>} */
    let answer;
    try {
      answer = Promise.resolve(engine.call('jobs.start', params));
    } catch (error) {
      answer = Promise.reject(error);
    }
    if (mark.refused) {
      answer.catch(() => {});
      this.expectAnswer(-1);
      this.refused = true;
      queueMicrotask(() => {
        this.refused = false;
      });
      return this.tell(() => jobs.startBlocked(key, attempt));
    }
    answer.then(
      (result) => {
        const jobId = result === null || typeof result !== 'object' ? undefined : result.jobId;
        this.tell(() => jobs.startAccepted(key, attempt, jsonOf(jobId)));
        this.expectAnswer(-1);
      },
      (error) => {
        this.tell(() => {
          const code = error && error.code;
          if (code === 'BACKPRESSURE') jobs.startBlocked(key, attempt);
          else if (code === 'ENGINE_EXITED' && this.followed) this.lost(key, attempt);
          else jobs.startFailed(key, attempt, this.keep({ error: startError(error) }), code === 'SHUTTING_DOWN');
        });
        this.expectAnswer(-1);
      },
    );
    return undefined;
  }

  /**
   * `call` knows of the exit before the queue does: the job is put back, and nothing starts until the next ready.
   * @param {number} key
   * @param {number} attempt
   */
  lost(key, attempt) {
    this.jobs.scriptReady(false);
    this.jobs.startLost(key, attempt);
  }

  /**
   * An event may come before the answer that names its job: while an answer is due, all events are looked at.
   * @param {number} change
   */
  expectAnswer(change) {
    const before = this.unanswered;
    this.unanswered += change;
    if (before > 0 === this.unanswered > 0) return;
    this.earlyEvents = [];
    for (const name of JOB_EVENTS) this.toggle(name, this.onEarly, this.unanswered > 0);
  }

  /** @param {any} emitted */
  early(emitted) {
    const event = this.unanswered > 0 ? jobEventOf(emitted) : null;
    // What is watched comes through `onJobEvent`.
    if (event && !this.watchedIds.has(String(jsonOf(event.jobId)))) this.event(event, event.jobId);
  }

  /**
   * @param {number} key
   * @param {any} jobId
   */
  watch(key, jobId) {
    const id = JSON.stringify(jobId);
    this.watchedIds.set(id, (this.watchedIds.get(id) || 0) + 1);
    const entry = { id, unsubscribe: /** @type {unknown} */ (undefined) };
    this.watched.set(key, entry);
    this.tellEarly(key, id);
    try {
      entry.unsubscribe = this.engine.onJobEvent(jobId, (/** @type {any} */ event) => this.event(event, jobId, key));
    } catch (error) {
      // Its end will never be heard: for the queue it failed.
      this.tell(() => this.jobs.ended(id, false, this.keep({ error: startError(error) }), 0));
    }
    // The engine may have told of the job's end before it returned.
    if (this.watched.get(key) !== entry) this.unsubscribe(entry);
  }

  /** @param {number} key */
  unwatch(key) {
    const entry = this.watched.get(key);
    if (!entry) return;
    this.watched.delete(key);
    const left = (this.watchedIds.get(entry.id) || 1) - 1;
    if (left > 0) this.watchedIds.set(entry.id, left);
    else this.watchedIds.delete(entry.id);
    this.unsubscribe(entry);
  }

  /** @param {{ unsubscribe: unknown }} entry */
  unsubscribe({ unsubscribe }) {
    if (typeof unsubscribe !== 'function') return;
    try {
      unsubscribe();
    } catch (error) {
      logThrown(error);
    }
  }

  /**
   * @param {number} key
   * @param {string} id
   */
  tellEarly(key, id) {
    if (this.earlyEvents.length === 0) return;
    const own = this.earlyEvents.filter((early) => early.id === id);
    this.earlyEvents = this.earlyEvents.filter((early) => early.id !== id);
    for (const { event } of own) {
      if (event === null) return;
      this.tellStreams(/** @type {number} */ (this.tickets.get(key)), event);
    }
  }

  /**
   * Streams get what is no end here; an end when the job settles.
   * @param {any} event
   * @param {string} id
   * @param {number | undefined} key
   */
  stream(event, id, key) {
    if (!this.streamed) return;
    const isEnd = event.type === 'result' || event.type === 'error';
    if (key === undefined) {
      this.earlyEvents.push({ id, event: isEnd ? null : event });
      if (this.earlyEvents.length > MAX_EARLY_EVENTS) this.earlyEvents.shift();
    } else if (!isEnd && this.tickets.has(key)) {
      this.tellStreams(/** @type {number} */ (this.tickets.get(key)), event);
    }
  }

  /**
   * @param {any} event
   * @param {any} jobId
   * @param {number} [key] the job's, where it is known
   */
  event(event, jobId, key) {
    const id = jsonOf(jobId);
    if (id === undefined || event === null || typeof event !== 'object') return;
    const { type, data } = event;
    this.stream(event, id, key);
    if (type === 'progress') {
      const { percent, message } = data === null || typeof data !== 'object' ? /** @type {any} */ ({}) : data;
      this.tell(() => this.jobs.progress(id, jsonOf(percent), jsonOf(message)));
    } else if (type === 'result' || type === 'error') {
      // What no job is known for may have to be kept, and that has a bound.
      const size = key === undefined ? sizeOf(data) : 0;
      this.tell(() => this.jobs.ended(id, type === 'result', this.keep({ data, event }), size));
    }
  }

  /**
   * @param {number} key
   * @param {any} jobId
   */
  cancel(key, jobId) {
    /** @type {Promise<any>} */
    let answer;
    try {
      answer = Promise.resolve(this.engine.call('jobs.cancel', { jobId }));
    } catch (error) {
      answer = Promise.reject(error);
    }
    answer.then(
      (result) => this.tell(() => this.jobs.cancelAnswered(key, Boolean(result && result.success))),
      () => this.tell(() => this.jobs.cancelAnswered(key, undefined)),
    );
  }
}

/**
 * About how many bytes a value is as JSON text; what JSON cannot hold counts as large.
 * @param {unknown} value
 */
function sizeOf(value) {
  if (value === undefined) return 0;
  const text = jsonOf(value);
  return text === undefined ? UNKNOWN_SIZE : text.length;
}

/** @param {unknown} error */
function startError(error) {
  return error instanceof Error ? error : engineErrorOf(error, { method: 'jobs.start' });
}

module.exports = { ScriptJobs };
