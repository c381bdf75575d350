'use strict';

const { logThrown } = require('./emitter.js');

/**
 * Calls `onAbort` when the signal aborts, until what is returned is called. A signal that is the app's own make and fails
 * is told of, and keeps nothing from settling.
 * @param {any} signal
 * @param {() => void} onAbort
 * @returns {() => void}
 */
function follow(signal, onAbort) {
  try {
    signal.addEventListener('abort', onAbort);
  } catch (error) {
    logThrown(error);
  }
  return () => {
    try {
      if (typeof signal.removeEventListener === 'function') signal.removeEventListener('abort', onAbort);
    } catch (error) {
      logThrown(error);
    }
  };
}

module.exports = { follow };
