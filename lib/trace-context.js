'use strict';

const options = require('./options.js');

// W3C Trace Context, sections 3.2 and 3.3. A later version may have more behind the flags; version ff is none.
const TRACEPARENT =
  /^(?:00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}|(?!00|ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x20-\x7e]*)?)$/;
const MEMBER =
  /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const MOST_MEMBERS = 32;

const traceparent = options.rule(
  (value) => typeof value === 'string' && TRACEPARENT.test(value),
  "a W3C traceparent, as in '00-<32 hex digits>-<16 hex digits>-01', in lower case and not all zeros",
);

const tracestate = options.rule(
  (value) => typeof value === 'string' && isTracestate(value),
  `a W3C tracestate, at most ${MOST_MEMBERS} of 'key=value' with commas between`,
);

/** @param {string} value */
function isTracestate(value) {
  // A member may be empty, and stand among spaces and tabs.
  const members = value
    .split(',')
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '');
  return members.length > 0 && members.length <= MOST_MEMBERS && members.every((member) => MEMBER.test(member));
}

const carrier = options.secret(
  options.rule(
    (value) => options.record.fits(value),
    "an object where a traceparent is given: that goes into the parameters' _meta",
  ),
);
const meta = options.secret(
  options.rule((value) => options.record.fits(value), 'an object where a traceparent is given'),
);

/**
 * The parameters with the trace context in their `_meta`; the app's own object stays as it is.
 * @param {any} params
 * @param {string} parent
 * @param {string | undefined} state
 */
function withTraceContext(params, parent, state) {
  const context = state === undefined ? { traceparent: parent } : { traceparent: parent, tracestate: state };
  if (params === undefined) return { _meta: context };
  const plain = asWritten(params);
  if (!carrier.fits(plain)) throw options.wrong('EngineClient.call', 'params', carrier, plain);
  const own = asWritten(plain._meta);
  if (own !== undefined && !meta.fits(own)) throw options.wrong('EngineClient.call', 'params._meta', meta, own);
  return { ...plain, _meta: { ...own, ...context } };
}

/**
 * What `JSON.stringify` would write in a value's place.
 * @param {any} value
 */
function asWritten(value) {
  return value !== null && typeof value === 'object' && typeof value.toJSON === 'function' ? value.toJSON('') : value;
}

module.exports = { traceparent, tracestate, withTraceContext };
