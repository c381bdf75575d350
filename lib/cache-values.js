'use strict';

const { types } = require('util');
const { oneLine } = require('./one-line.js');

/** What a value is on disk: `JSON` and `UNDEFINED` of crates/core/src/cache/record.rs, then names for raw bytes. */
const KINDS = [
  'JSON',
  'undefined',
  'Buffer',
  'ArrayBuffer',
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array',
];
const JSON_TEXT = 0;
const UNDEFINED = 1;
const BUFFER = 2;
const ARRAY_BUFFER = 3;
const DATA_VIEW = 4;

/** V8's longest text is a little more; a batch puts some characters around it. */
const LONGEST_TEXT = 500000000;
/** The size of a value that nothing can measure. */
const UNMEASURED = 1024;

/** The name of a typed array of any realm. @type {(view: any) => string} */
const nameOf = /** @type {any} */ (
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
).get.call.bind(
  /** @type {any} */ (Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag))
    .get,
);

/**
 * A value as the disk has it: a text, or bytes. `length` is what it counts by in memory.
 * @typedef {{ kind: number, text: string | undefined, bytes: Uint8Array | null, length: number, fits: boolean }} Encoded
 */

/** @type {Encoded} */
const ENCODED_UNDEFINED = Object.freeze({ kind: UNDEFINED, text: undefined, bytes: null, length: 0, fits: true });

/**
 * @param {any} value
 * @returns {Encoded} with `fits: false` for what can stay in memory only
 */
function encode(value) {
  if (value === undefined) return ENCODED_UNDEFINED;
  if (value !== null && typeof value === 'object') {
    const kind = kindOfBytes(value);
    if (kind > 0) {
      try {
        return encodeBytes(kind, value);
      } catch (error) {
        // Its memory was given away.
        return unfit(value);
      }
    }
  }
  let text;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    return unfit(value);
  }
  if (text === undefined || text.length > LONGEST_TEXT) return unfit(value);
  return { kind: JSON_TEXT, text: oneLine(text), bytes: null, length: text.length, fits: true };
}

/**
 * @param {any} value
 * @returns {number} 0 for what is no bytes
 */
function kindOfBytes(value) {
  if (ArrayBuffer.isView(value)) {
    if (Buffer.isBuffer(value)) return BUFFER;
    return types.isDataView(value) ? DATA_VIEW : Math.max(0, KINDS.indexOf(nameOf(value)));
  }
  return types.isArrayBuffer(value) ? ARRAY_BUFFER : 0;
}

/**
 * @param {number} kind
 * @param {any} value
 * @returns {Encoded}
 */
function encodeBytes(kind, value) {
  const bytes =
    kind === ARRAY_BUFFER ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  // Another thread may write to shared memory while it is read.
  const own = types.isArrayBuffer(bytes.buffer) ? bytes : new Uint8Array(bytes);
  return { kind, text: undefined, bytes: own, length: own.byteLength, fits: own.byteLength <= LONGEST_TEXT };
}

/**
 * @param {any} value
 * @returns {Encoded}
 */
function unfit(value) {
  let length = UNMEASURED;
  try {
    length = require('v8').serialize(value).length;
  } catch (error) {
    // Functions and the like.
  }
  return { kind: BUFFER, text: undefined, bytes: null, length, fits: false };
}

/**
 * The value of bytes from the disk.
 * @param {number} kind
 * @param {ArrayBuffer} bytes
 * @returns {{ value: any } | null} `null` when this version of the host has no such type
 */
function decodeBytes(kind, bytes) {
  if (kind === BUFFER) return { value: Buffer.from(bytes) };
  if (kind === ARRAY_BUFFER) return { value: bytes };
  const Type = /** @type {any} */ (global)[KINDS[kind]];
  return typeof Type === 'function' ? { value: new Type(bytes) } : null;
}

module.exports = { BUFFER, JSON_TEXT, UNDEFINED, decodeBytes, encode };
