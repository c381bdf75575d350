'use strict';

const { EngineClient, hasPlainJobEvents, kNative, kTap, kWatch } = require('./engine-client.js');
const { logThrown } = require('./emitter.js');
const { jsonOf } = require('./errors.js');
const { engineEvents } = require('./event-types.js');
const { JOB_EVENTS, jobEventOf } = require('./job-events.js');
const { JobManager, kJobs, kStream } = require('./job-manager.js');
const options = require('./options.js');

/** @typedef {import('../index.js').JobEvent} JobEvent */
/** @typedef {import('./stream-handler.js').StreamHandler} StreamHandler */
/** @typedef {import('../binding.js').NativeStream} NativeStream */

/** An event of a source comes to a stream. */
const kReceive = Symbol('receive');
/** Keeps an event that came through JavaScript for replay. */
const kKeep = Symbol('keep');

/**
 * One run of an engine whose events come through JavaScript: in the next, a job's id may be another job's.
 * @typedef {{ source: number, number: number }} Run
 */

/**
 * Where a stream's events come from. `wants`: what the subscriptions of a job (by key) want from now on; `heard`: what is
 * wanted of every job; both as bits.
 * @typedef {object} Source
 * @property {() => void} attach
 * @property {() => void} detach
 * @property {(key: string, kinds: number) => void} wants
 * @property {(kinds: number) => void} heard
 */

const sourceRule = options.rule(
  (value) =>
    value instanceof JobManager ||
    (((value !== null && typeof value === 'object') || typeof value === 'function') &&
      typeof value.onJobEvent === 'function'),
  'an EngineClient, a JobManager, or an object with the method onJobEvent',
);

/**
 * @param {any} from
 * @param {NativeStream} native
 * @param {StreamHandler} stream
 * @returns {Source}
 */
function sourceOf(from, native, stream) {
  if (!sourceRule.fits(from)) throw options.wrong('StreamHandler.attach', 'source', sourceRule, from);
  if (from instanceof JobManager) return new ManagerSource(from, native, stream);
  if (from instanceof EngineClient && hasPlainJobEvents(from)) return new EngineSource(from, native, stream);
  return new ScriptSource(from, native, stream);
}

/** An engine of ours: the core keeps its events, and lets those through that are wanted. @implements {Source} */
class EngineSource {
  /**
   * @param {EngineClient} engine
   * @param {NativeStream} native
   * @param {StreamHandler} stream
   */
  constructor(engine, native, stream) {
    this.engine = engine;
    this.native = native;
    this.stream = stream;
    this.number = 0;
    /** By job. @type {Map<string, number>} */
    this.wanted = new Map();
    /** Of the engine's `job:` events. */
    this.heardEvents = 0;
  }

  attach() {
    this.number = this.native.attachEngine(this.engine[kNative]);
    this.engine[kTap](this, true);
  }

  detach() {
    this.engine[kTap](this, false);
    this.native.detachEngine(this.engine[kNative], this.number);
  }

  /**
   * @param {string} key
   * @param {number} kinds
   */
  wants(key, kinds) {
    if (kinds === 0) this.wanted.delete(key);
    else this.wanted.set(key, kinds);
    this.engine[kWatch](key);
  }

  /** @param {number} kinds */
  heard(kinds) {
    this.heardEvents = engineEvents(kinds);
    this.engine[kTap](this, true);
  }

  /**
   * @param {JobEvent} event
   * @param {number} sequence 0: the core does not know it
   */
  receive(event, sequence) {
    this.stream[kReceive](event, this.number, sequence);
  }
}

/** A manager: what native jobs say comes through the core, what script jobs say through JavaScript. @implements {Source} */
class ManagerSource {
  /**
   * @param {JobManager} manager
   * @param {NativeStream} native
   * @param {StreamHandler} stream
   */
  constructor(manager, native, stream) {
    this.manager = manager;
    this.native = native;
    this.stream = stream;
    this.number = 0;
  }

  attach() {
    this.number = this.native.attachJobs(this.manager[kJobs]);
    this.manager[kStream](this, true);
  }

  detach() {
    this.manager[kStream](this, false);
    this.native.detachJobs(this.manager[kJobs], this.number);
  }

  // The core asks the stream's native half.
  wants() {}

  heard() {}

  /**
   * @param {JobEvent} event
   * @param {number} sequence 0: the core does not know it
   */
  receive(event, sequence) {
    this.stream[kReceive](event, this.number, sequence);
  }
}

/**
 * An engine that is not ours, or whose `onJobEvent` is overridden: all goes through its methods. Where it has `on`, all its
 * job events are listened to; a job with subscriptions is heard through `onJobEvent` in any case.
 * @implements {Source}
 */
class ScriptSource {
  /**
   * @param {any} engine
   * @param {NativeStream} native
   * @param {StreamHandler} stream
   */
  constructor(engine, native, stream) {
    this.engine = engine;
    this.native = native;
    this.stream = stream;
    /** @type {Run} */
    this.run = { source: native.addSource(), number: 0 };
    /** How to leave each job that has subscriptions. @type {Map<string, unknown>} */
    this.watched = new Map();
    /** The event that is being handed on, and which of the two ways it came. @type {{ event: any, isOfJob: boolean } | null} */
    this.handing = null;
    /** One during which a subscription came or went: it comes the other way, too. @type {{ event: any, isOfJob: boolean } | null} */
    this.crossed = null;
    this.onEvent = (/** @type {any} */ emitted) => {
      const event = jobEventOf(emitted);
      if (event && !this.watched.has(String(jsonOf(event.jobId)))) this.receive(event, false);
    };
    this.onExit = () => {
      const { source, number } = this.run;
      this.run = { source, number: number + 1 };
      this.native.endRun(source);
    };
  }

  attach() {
    this.listen('on', 'addListener');
  }

  detach() {
    this.listen('off', 'removeListener');
    this.native.endRun(this.run.source);
    for (const key of Array.from(this.watched.keys())) this.wants(key, 0);
  }

  /** @param {string[]} methods the first that the engine has is used */
  listen(...methods) {
    const method = methods.find((name) => typeof this.engine[name] === 'function');
    if (method === undefined) return;
    for (const name of JOB_EVENTS) this.ask(() => this.engine[method](name, this.onEvent));
    this.ask(() => this.engine[method]('exit', this.onExit));
  }

  heard() {}

  /**
   * @param {string} key
   * @param {number} kinds
   */
  wants(key, kinds) {
    if (kinds > 0 === this.watched.has(key)) return;
    if (this.handing !== null) {
      this.crossed = this.handing;
      // Unless the engine knows one way only: then it is over with this turn.
      queueMicrotask(() => {
        this.crossed = null;
      });
    }
    if (kinds > 0) {
      this.watched.set(key, undefined);
      const leave = this.ask(() =>
        this.engine.onJobEvent(JSON.parse(key), (/** @type {any} */ event) => {
          if (this.watched.has(key) && options.record.fits(event)) this.receive(event, true);
        }),
      );
      this.watched.set(key, leave);
    } else {
      const leave = this.watched.get(key);
      this.watched.delete(key);
      if (typeof leave === 'function') this.ask(() => leave());
    }
  }

  /**
   * The engine is not ours: what it throws is told, and changes nothing else.
   * @param {() => unknown} act
   */
  ask(act) {
    try {
      return act();
    } catch (error) {
      logThrown(error);
      return undefined;
    }
  }

  /**
   * @param {JobEvent} event
   * @param {boolean} isOfJob
   */
  receive(event, isOfJob) {
    const { crossed, handing } = this;
    if (crossed !== null && crossed.event === event && crossed.isOfJob !== isOfJob) {
      this.crossed = null;
      return;
    }
    this.handing = { event, isOfJob };
    this.stream[kReceive](event, 0, 0, this.run);
    this.handing = handing;
  }
}

module.exports = { kKeep, kReceive, sourceOf };
