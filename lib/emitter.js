'use strict';

const { EventEmitter, errorMonitor } = require('events');

/** Called with the event's name after listeners came or went, and after `emit` was replaced. */
const kListenersChanged = Symbol('listenersChanged');

/**
 * A listener or handler of the app's failed: that is told, and changes nothing else.
 * @param {unknown} error
 */
function logThrown(error) {
  console.error(error);
}

/**
 * Calls each listener, whatever the others do.
 * @this {EventEmitter}
 * @param {string | symbol} name
 * @param {any[]} args
 * @returns {boolean}
 */
function emitSafely(name, ...args) {
  // Hears errors without handling them; Node 12.14 has no such thing.
  if (name === 'error' && errorMonitor !== undefined) emitSafely.call(this, errorMonitor, ...args);
  const listeners = this.rawListeners(name);
  if (listeners.length === 0) {
    if (name === 'error') logUnheard(args[0]);
    return false;
  }
  for (const listener of listeners) {
    try {
      Reflect.apply(listener, this, args);
    } catch (error) {
      logThrown(error);
    }
  }
  return true;
}

/**
 * Emits by the emitter's own `emit`. One that the app has put in its place may throw, as a listener may: what is to follow
 * the event (a promise settles, others are told) follows all the same.
 * @param {EventEmitter} emitter
 * @param {string} name
 * @param {unknown} data
 * @returns {boolean | undefined} what `emit` says; nothing when it threw
 */
function tell(emitter, name, data) {
  try {
    return emitter.emit(name, data);
  } catch (error) {
    logThrown(error);
    return undefined;
  }
}

/**
 * An `error` event that nobody hears must not end the app.
 * @param {any} event
 */
function logUnheard(event) {
  const error = event && event.data instanceof Error ? event.data : event;
  console.error(`[Engine] ${error instanceof Error ? error.message : String(error)}`);
}

// Listeners are followed by overriding these methods, never by `newListener` hooks: `removeAllListeners()` takes those
// along.
class Emitter extends EventEmitter {
  /** @param {string | symbol} _name */
  [kListenersChanged](_name) {}

  /**
   * @param {string | symbol} name
   * @param {(...args: any[]) => void} listener
   * @returns {this}
   */
  on(name, listener) {
    super.on(name, listener);
    this[kListenersChanged](name);
    return this;
  }

  /**
   * @param {string | symbol} name
   * @param {(...args: any[]) => void} listener
   * @returns {this}
   */
  addListener(name, listener) {
    super.addListener(name, listener);
    this[kListenersChanged](name);
    return this;
  }

  /**
   * @param {string | symbol} name
   * @param {(...args: any[]) => void} listener
   * @returns {this}
   */
  prependListener(name, listener) {
    super.prependListener(name, listener);
    this[kListenersChanged](name);
    return this;
  }

  /**
   * @param {string | symbol} name
   * @param {(...args: any[]) => void} listener
   * @returns {this}
   */
  once(name, listener) {
    super.once(name, listener);
    this[kListenersChanged](name);
    return this;
  }

  /**
   * @param {string | symbol} name
   * @param {(...args: any[]) => void} listener
   * @returns {this}
   */
  prependOnceListener(name, listener) {
    super.prependOnceListener(name, listener);
    this[kListenersChanged](name);
    return this;
  }

  /**
   * @param {string | symbol} name
   * @param {(...args: any[]) => void} listener
   * @returns {this}
   */
  off(name, listener) {
    super.off(name, listener);
    this[kListenersChanged](name);
    return this;
  }

  /**
   * @param {string | symbol} name
   * @param {(...args: any[]) => void} listener
   * @returns {this}
   */
  removeListener(name, listener) {
    super.removeListener(name, listener);
    this[kListenersChanged](name);
    return this;
  }

  /**
   * @param {(string | symbol)[]} names
   * @returns {this}
   */
  removeAllListeners(...names) {
    super.removeAllListeners(...names);
    this[kListenersChanged](names.length > 0 ? names[0] : '');
    return this;
  }
}

/**
 * The bits of those events that have listeners.
 * @param {EventEmitter} emitter
 * @param {Readonly<Record<string, number>>} bits by event
 */
function heardBits(emitter, bits) {
  let heard = 0;
  for (const name of Object.keys(bits)) {
    if (emitter.listenerCount(name) > 0) heard |= bits[name];
  }
  return heard;
}

/**
 * Makes a method an accessor, so that an app that replaces it on an object (`engine.emit = …`) is noticed at once: from
 * then on every event counts as heard.
 * @param {object} object a class's prototype, or one object
 * @param {string} name
 * @param {() => (this: any, ...args: any[]) => any} method
 */
function observeMethod(object, name, method) {
  Object.defineProperty(object, name, {
    configurable: true,
    get: method,
    set(replacement) {
      Object.defineProperty(this, name, {
        value: replacement,
        configurable: true,
        enumerable: true,
        writable: true,
      });
      this[kListenersChanged]('');
    },
  });
}

module.exports = { Emitter, emitSafely, heardBits, kListenersChanged, logThrown, observeMethod, tell };
