'use strict';

function refuseNonFinite(key, value) {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} at ${JSON.stringify(key)}`);
  return value;
}

/**
 * The JSON text of a value; `undefined` is `null`. Throws for what JSON cannot hold, NaN included, with `what` in the
 * message.
 */
function encode(value, what) {
  try {
    const text = JSON.stringify(value === undefined ? null : value);
    if (text === undefined) throw new TypeError(`it is a ${typeof value}`);
    // JSON.stringify writes NaN as null. A second walk is only for texts in which that may have happened.
    if (text.includes('null')) JSON.stringify(value, refuseNonFinite);
    return text;
  } catch (error) {
    throw new TypeError(`${what} cannot be written as JSON: ${error.message}`);
  }
}

module.exports = { encode };
