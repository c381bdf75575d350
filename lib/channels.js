'use strict';

const { logThrown } = require('./emitter.js');

/** @typedef {{ readonly hasSubscribers: boolean, publish(message: object): void }} Channel */

/**
 * A channel whose subscribers change nothing here. Node catches what they throw, but in Node 18 `publish` itself throws when
 * the last one unsubscribes while it is told.
 */
class SafeChannel {
  /** @param {Channel} channel */
  constructor(channel) {
    this.channel = channel;
  }

  get hasSubscribers() {
    return this.channel.hasSubscribers;
  }

  /** @param {object} message */
  publish(message) {
    try {
      this.channel.publish(message);
    } catch (error) {
      if (this.channel.hasSubscribers) logThrown(error);
    }
  }
}

/** Loaded when somebody listens: it takes a millisecond. Before Node 16 it is no global. */
const now = () => require('perf_hooks').performance.now();

/** Takes the place of a channel where there are none: before Node 14.17 and 15.1. @type {Channel} */
const SILENT = Object.freeze({ hasSubscribers: false, publish() {} });

const diagnostics = diagnosticsChannel();

function diagnosticsChannel() {
  try {
    return require('diagnostics_channel');
  } catch (error) {
    return null;
  }
}

/**
 * @param {string} name
 * @returns {Channel}
 */
function channel(name) {
  return diagnostics === null ? SILENT : new SafeChannel(diagnostics.channel(name));
}

/**
 * The channels of something that begins and ends, named and used as those of Node's `TracingChannel`, which came later
 * than the channels themselves. One object, the operation's, is the message of all five.
 */
class Operation {
  /** @param {string} name */
  constructor(name) {
    /** @type {(event: string) => Channel} */
    const of = (event) => channel(`tracing:desktop-runtime:${name}:${event}`);
    this.start = of('start');
    this.end = of('end');
    this.asyncStart = of('asyncStart');
    this.asyncEnd = of('asyncEnd');
    this.error = of('error');
    /** When each began that is under way. @type {WeakMap<object, number>} */
    this.began = new WeakMap();
  }

  isHeard() {
    return (
      this.start.hasSubscribers ||
      this.asyncEnd.hasSubscribers ||
      this.end.hasSubscribers ||
      this.error.hasSubscribers ||
      this.asyncStart.hasSubscribers
    );
  }

  /**
   * @template T
   * @param {object} context
   * @param {() => Promise<T>} run
   * @param {(result: T) => void} note puts what is to be known of the result into the context
   * @returns {Promise<T>}
   */
  trace(context, run, note) {
    this.begin(context);
    const running = run();
    this.end.publish(context);
    return running.then(
      (result) => {
        note(result);
        this.settle(context, null);
        return result;
      },
      (error) => {
        this.settle(context, { error });
        throw error;
      },
    );
  }

  /** @param {object} context */
  begin(context) {
    this.began.set(context, now());
    this.start.publish(context);
  }

  /**
   * Before those go on who wait, as Node does for a promise.
   * @param {any} context
   * @param {{ error: unknown } | null} failure
   */
  settle(context, failure) {
    context.duration = now() - Number(this.began.get(context));
    if (failure !== null) {
      context.error = failure.error;
      this.error.publish(context);
    }
    this.asyncStart.publish(context);
    this.asyncEnd.publish(context);
  }
}

const calls = new Operation('call');
const jobs = new Operation('job');
const cacheOperations = new Operation('cache');

const engineChannels = {
  start: channel('desktop-runtime:engine:start'),
  ready: channel('desktop-runtime:engine:ready'),
  restart: channel('desktop-runtime:engine:restart'),
  unhealthy: channel('desktop-runtime:engine:unhealthy'),
  error: channel('desktop-runtime:engine:error'),
  exit: channel('desktop-runtime:engine:exit'),
};

const jobChannels = {
  started: channel('desktop-runtime:job:started'),
  progress: channel('desktop-runtime:job:progress'),
  retry: channel('desktop-runtime:job:retry'),
};

const evicted = channel('desktop-runtime:cache:evict');

module.exports = { cacheOperations, calls, engineChannels, evicted, jobChannels, jobs };
