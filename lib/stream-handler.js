'use strict';

const { errorMonitor } = require('events');
const { Emitter, emitSafely, heardBits, kListenersChanged, logThrown, observeMethod } = require('./emitter.js');
const { jsonOf } = require('./errors.js');
const { ALL_KINDS, BITS, mappedType } = require('./event-types.js');
const { hide } = require('./hide.js');
const { NativeStream } = require('./native.js');
const options = require('./options.js');
const { ProgressTracker } = require('./progress-tracker.js');
const { Replayed } = require('./replayed.js');
const { kKeep, kReceive, sourceOf } = require('./stream-sources.js');
const { Subscriptions } = require('./subscriptions.js');

/** @typedef {import('../index.js').JobEvent} JobEvent */
/** @typedef {import('./stream-sources.js').Source} Source */
/** @typedef {import('./subscriptions.js').Subscription} Subscription */
/** @typedef {import('./stream-sources.js').Run} Run */
/** @typedef {{ event: JobEvent | null, source: number, sequence: number }} Place where an event comes from, and its number there */

const kState = Symbol('state');
const kReplay = Symbol('replay');
const kTake = Symbol('take');
const kWants = Symbol('wants');

/** @type {import('../index.js').StreamEventType[]} */
const DEFAULT_TYPES = ['data', 'progress', 'partial', 'complete', 'error'];
/** What the app dispatches is in no source, and on no way. @type {Place} */
const BY_HAND = Object.freeze({ event: null, source: 0, sequence: 0 });
/** @type {Run} */
const BY_HAND_RUN = Object.freeze({ source: 0, number: 0 });

const typesRule = options.rule(
  // A hole is none, though `every` would pass it by.
  (value) =>
    Array.isArray(value) && Array.from(value).every((type) => Object.prototype.hasOwnProperty.call(BITS, type)),
  `an array of ${Object.keys(BITS)
    .map((type) => `'${type}'`)
    .join(', ')}`,
);

/** @type {Record<string, [options.Rule, any]>} */
const SUBSCRIBE_OPTIONS = { replay: [options.flag, false] };

class StreamHandler extends Emitter {
  constructor() {
    super();
    this[kState] = {
      subscriptions: new Subscriptions(),
      /** Keeps events for replay, from the first `attach` on. @type {import('../binding.js').NativeStream | null} */
      native: null,
      /** @type {Map<object, { source: Source, attached: number }>} */
      sources: new Map(),
      /** What is wanted of every job, as bits. */
      heard: 0,
      /** The event that a source hands to `dispatch`; what else comes there is the app's. @type {Place | null} */
      incoming: null,
      /** Events of sources that an overridden `dispatch` has kept for later. @type {WeakMap<JobEvent, Place>} */
      postponed: new WeakMap(),
    };
    hide(this, kState);
    this[kListenersChanged]('');
  }

  /**
   * @param {string} jobId
   * @param {(event: JobEvent) => void} handler
   * @param {import('../index.js').StreamEventType[]} [eventTypes]
   * @param {import('../index.js').SubscribeOptions} [given]
   * @returns {string}
   */
  subscribe(jobId, handler, eventTypes = DEFAULT_TYPES, given) {
    const key = keyOf('StreamHandler.subscribe', jobId);
    if (!options.callback.fits(handler)) {
      throw options.wrong('StreamHandler.subscribe', 'handler', options.callback, handler);
    }
    if (!typesRule.fits(eventTypes)) {
      throw options.wrong('StreamHandler.subscribe', 'eventTypes', typesRule, eventTypes);
    }
    const { replay } = options.checked('StreamHandler.subscribe', SUBSCRIBE_OPTIONS, given);
    const { subscriptions, native } = this[kState];
    const subscription = subscriptions.add(key, jobId, handler, eventTypes);
    // Wanted first: what comes between this and the snapshot is in it, and is skipped when it arrives.
    this[kWants](key);
    if (replay && native) {
      try {
        subscription.replayed = new Replayed(native.snapshot(key, subscription.kinds));
      } catch (error) {
        this.unsubscribe(subscription.id);
        throw error;
      }
      queueMicrotask(() => this[kReplay](subscription));
    }
    return subscription.id;
  }

  /**
   * @param {string} id
   * @returns {boolean}
   */
  unsubscribe(id) {
    const removed = this[kState].subscriptions.remove(id);
    if (removed) this[kWants](removed.key);
    return removed !== undefined;
  }

  /**
   * @param {string} jobId
   * @returns {number}
   */
  unsubscribeAll(jobId) {
    const list = this[kState].subscriptions.of(String(jsonOf(jobId)));
    return list.filter(({ id }) => this.unsubscribe(id)).length;
  }

  /** @param {JobEvent} event */
  dispatch(event) {
    if (!options.record.fits(event)) throw options.wrong('StreamHandler.dispatch', 'event', options.record, event);
    const { source, sequence } = this[kTake](event);
    const type = mappedType(event);
    for (const subscription of this[kState].subscriptions.of(String(jsonOf(event.jobId)))) {
      if (!subscription.types.has(type)) continue;
      const { replayed } = subscription;
      if (replayed !== null) {
        this[kReplay](subscription);
        if (replayed.has(source, sequence) || replayed.postpone(event)) continue;
        // Its handler has had enough of the past: it wants no present.
        if (!this[kState].subscriptions.byId.has(subscription.id)) continue;
      }
      handOver(subscription, event);
    }
    this.emit(type, event);
    this.emit('event', event);
  }

  /**
   * @param {string} jobId
   * @returns {ProgressTracker}
   */
  createProgressTracker(jobId) {
    return new ProgressTracker(jobId, (event) => this.dispatch(event));
  }

  /**
   * @param {string} jobId
   * @returns {number}
   */
  getSubscriptionCount(jobId) {
    return this[kState].subscriptions.of(String(jsonOf(jobId))).length;
  }

  /** @returns {string[]} */
  getActiveJobIds() {
    return this[kState].subscriptions.jobIds();
  }

  /** @returns {import('../index.js').StreamStats} */
  getStats() {
    const { subscriptions, native } = this[kState];
    return {
      subscriptions: subscriptions.byId.size,
      jobs: subscriptions.byJob.size,
      replayBytes: native ? native.replayBytes() : 0,
    };
  }

  /**
   * @param {import('../index.js').StreamSource} from
   * @returns {() => void}
   */
  attach(from) {
    const state = this[kState];
    // On the object and not on the class: test doubles are made of methods, and few understand accessors.
    if (!Object.prototype.hasOwnProperty.call(this, 'dispatch')) {
      observeMethod(this, 'dispatch', () => Object.getPrototypeOf(this).dispatch);
    }
    let entry = state.sources.get(from);
    if (!entry) {
      const native = state.native || new NativeStream();
      const source = sourceOf(from, native, this);
      entry = { source, attached: 0 };
      state.native = native;
      state.sources.set(from, entry);
      source.attach();
      this[kListenersChanged]('');
      for (const key of state.subscriptions.byJob.keys()) this[kWants](key);
    }
    const attached = entry;
    attached.attached += 1;
    let detached = false;
    return () => {
      if (detached) return;
      detached = true;
      attached.attached -= 1;
      if (attached.attached > 0) return;
      state.sources.delete(from);
      attached.source.detach();
    };
  }

  /** @param {string | symbol} name '' when the sources are to be told anyway */
  [kListenersChanged](name) {
    const state = this[kState];
    if (!state || !Object.prototype.hasOwnProperty.call(this, kState)) return;
    // Who overrides `emit` or `dispatch` hears everything.
    const hearsAll = this.emit !== emit || this.dispatch !== dispatch || this.listenerCount('event') > 0;
    let heard = hearsAll ? ALL_KINDS : heardBits(this, BITS);
    if (errorMonitor !== undefined && this.listenerCount(errorMonitor) > 0) heard |= BITS.error;
    if (heard === state.heard && name !== '') return;
    state.heard = heard;
    if (state.native) state.native.setHeard(heard);
    for (const { source } of state.sources.values()) source.heard(heard);
  }

  /**
   * An event of a source. Those that are in no queue of the core's are kept for replay here.
   * @param {JobEvent} event
   * @param {number} source 0: of no number
   * @param {number} sequence 0: it is not kept yet
   * @param {Run} [run] what it is kept as a part of
   */
  [kReceive](event, source, sequence, run) {
    if (sequence === 0) this[kKeep](event, run);
    const state = this[kState];
    const before = state.incoming;
    const incoming = { event, source, sequence };
    state.incoming = incoming;
    try {
      this.dispatch(event);
    } catch (error) {
      logThrown(error);
    } finally {
      if (state.incoming === incoming) state.postponed.set(event, incoming);
      state.incoming = before;
    }
  }

  /**
   * Keeps an event that came through JavaScript for replay.
   * @param {JobEvent} event
   * @param {Run} [run]
   */
  [kKeep](event, run = BY_HAND_RUN) {
    const { native } = this[kState];
    if (!native) return;
    const key = jsonOf(event.jobId);
    const text = jsonOf(event);
    if (key !== undefined && text !== undefined)
      native.record(key, BITS[mappedType(event)], text, run.source, run.number);
  }

  /**
   * Where the event that `dispatch` is called with comes from.
   * @param {JobEvent} event
   * @returns {Place}
   */
  [kTake](event) {
    const state = this[kState];
    const { incoming, postponed } = state;
    // An overridden `dispatch` may hand over a copy, or events of its own meanwhile.
    if (incoming !== null && (incoming.event === event || jsonOf(incoming.event) === jsonOf(event))) {
      state.incoming = null;
      return incoming;
    }
    const place = postponed.get(event);
    if (place) {
      postponed.delete(event);
      return place;
    }
    this[kKeep](event);
    return BY_HAND;
  }

  /**
   * Hands the kept events over that a subscription begins with.
   * @param {Subscription} subscription
   */
  [kReplay](subscription) {
    const { replayed } = subscription;
    if (!replayed) return;
    replayed.handOver((event) => {
      if (this[kState].subscriptions.byId.has(subscription.id)) handOver(subscription, event);
    });
  }

  /**
   * Tells the sources what the subscriptions of a job want, as it is now.
   * @param {string} key
   */
  [kWants](key) {
    const { native, sources, subscriptions } = this[kState];
    const kinds = subscriptions.kindsOf(key);
    if (native) native.want(key, kinds);
    for (const { source } of sources.values()) source.wants(key, kinds);
  }
}

/**
 * As any emitter's, but an `error` is a job's here and no failure of this object's: unheard, it is nobody's.
 * @this {StreamHandler}
 * @param {string | symbol} name
 * @param {any[]} args
 * @returns {boolean}
 */
function emit(name, ...args) {
  if (name !== 'error' || this.listenerCount('error') > 0) return emitSafely.call(this, name, ...args);
  if (errorMonitor !== undefined) emitSafely.call(this, errorMonitor, ...args);
  return false;
}

const { dispatch } = StreamHandler.prototype;

observeMethod(StreamHandler.prototype, 'emit', () => emit);

/**
 * @param {Subscription} subscription
 * @param {JobEvent} event
 */
function handOver({ handler }, event) {
  try {
    handler(event);
  } catch (error) {
    logThrown(error);
  }
}

/**
 * @param {string} where
 * @param {any} jobId
 */
function keyOf(where, jobId) {
  const key = jsonOf(jobId);
  if (key === undefined) throw options.wrong(where, 'jobId', options.text, jobId);
  return key;
}

module.exports = { StreamHandler };
