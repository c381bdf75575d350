'use strict';

// A check that returns has passed; otherwise it throws one of these.

/** The engine does not do what the contract says. */
class Fault extends Error {}

/** The engine answers −32601, which it may. */
class NotOffered extends Error {}

/** There was nothing to try it with. */
class NotTried extends Error {}

/** A value for a message: short, and on one line. */
function shown(value) {
  const text = typeof value === 'string' && value.length > 0 ? JSON.stringify(value) : String(JSON.stringify(value));
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}

function expect(condition, message) {
  if (!condition) throw new Fault(message);
}

module.exports = { Fault, NotOffered, NotTried, expect, shown };
