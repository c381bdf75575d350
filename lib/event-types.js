'use strict';

/** @typedef {import('../index.js').JobEvent} JobEvent */

/** The types that a subscription may name, each with its bit; `Kinds` in crates/core/src/stream/kinds.rs has the same. */
const BITS = Object.freeze({ progress: 1, log: 2, partial: 4, complete: 8, error: 16, data: 32, close: 0 });
const ALL_KINDS = 63;

/** The events of an engine that bring each type: the bits of its `job:progress`, `job:complete` and `job:error`. */
const ENGINE_EVENTS = [
  [BITS.progress | BITS.log | BITS.partial | BITS.data, 1],
  [BITS.complete, 2],
  [BITS.error, 4],
];

/** @type {Record<string, string>} */
const MAPPED = { progress: 'progress', log: 'log', partial: 'partial', error: 'error', result: 'complete' };

/**
 * The type under which an event is handed on.
 * @param {JobEvent} event
 * @returns {keyof typeof BITS}
 */
function mappedType({ type }) {
  return /** @type {keyof typeof BITS} */ (
    typeof type === 'string' && Object.prototype.hasOwnProperty.call(MAPPED, type) ? MAPPED[type] : 'data'
  );
}

/**
 * The bits of an engine's events that bring these types.
 * @param {number} kinds
 */
function engineEvents(kinds) {
  return ENGINE_EVENTS.reduce((bits, [from, bit]) => (kinds & from ? bits | bit : bits), 0);
}

/** The number of a manager's stream event is its type's bit, counted from 0, and that many times its running number. */
const STREAM_EVENTS_SPAN = 8;

/**
 * Whether the stream event of this number ends its job.
 * @param {number} number
 */
function isJobEnd(number) {
  return ((1 << (number % STREAM_EVENTS_SPAN)) & (BITS.complete | BITS.error)) !== 0;
}

module.exports = { ALL_KINDS, BITS, STREAM_EVENTS_SPAN, engineEvents, isJobEnd, mappedType };
