'use strict';

/**
 * Keeps properties of an object of ours out of what prints, compares and copies objects: payloads that wait, values in
 * memory and the engine's environment would end in a log.
 * @param {object} object
 * @param {symbol[]} keys
 */
function hide(object, ...keys) {
  for (const key of keys) Object.defineProperty(object, key, { enumerable: false });
}

module.exports = { hide };
