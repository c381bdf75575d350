'use strict';

/**
 * A rule for one option: whether a value fits, and what the option takes, in words.
 * `secret`: what it gets instead is not shown.
 * @typedef {{ fits: (value: any) => boolean, takes: string, secret?: boolean }} Rule
 */

/** @type {(fits: (value: any) => boolean, takes: string) => Rule} */
const rule = (fits, takes) => ({ fits, takes });
/**
 * What holds payloads, an environment or a command line: of one that was given as a text, nothing is shown.
 * @param {Rule} rule
 * @returns {Rule}
 */
function secret(rule) {
  return { ...rule, secret: true };
}

/** @type {(least: number) => (value: any) => boolean} */
const numberFrom = (least) => (value) => typeof value === 'number' && value >= least;
/** @type {(least: number) => (value: any) => boolean} */
const integerFrom = (least) => (value) => numberFrom(least)(value) && (value === Infinity || Number.isInteger(value));

const milliseconds = rule(numberFrom(0), 'milliseconds, a number from 0 up, or Infinity for no limit');
const countFrom0 = rule(integerFrom(0), 'a whole number from 0 up, or Infinity');
const countFrom1 = rule(integerFrom(1), 'a whole number from 1 up, or Infinity');
const bytes = rule(integerFrom(1), 'bytes, a whole number from 1 up, or Infinity for no limit');
const factor = rule((value) => numberFrom(1)(value) && value !== Infinity, 'a factor, a finite number from 1 up');
const flag = rule((value) => typeof value === 'boolean', 'true or false');
const text = rule((value) => typeof value === 'string', 'a string');
const callback = rule((value) => typeof value === 'function', 'a function');
const texts = secret(
  rule((value) => Array.isArray(value) && value.every((item) => typeof item === 'string'), 'an array of strings'),
);
const record = secret(
  rule((value) => value !== null && typeof value === 'object' && !Array.isArray(value), 'an object'),
);

/** @type {(...values: any[]) => Rule} */
const oneOf = (...values) => rule((value) => values.includes(value), values.map(shown).join(' or '));
/** @type {(value: any, other: Rule) => Rule} */
const either = (value, other) => rule((given) => given === value || other.fits(given), `${other.takes}, or ${value}`);

/**
 * A value for an error message. What is inside objects stays out: it may be secret.
 * @param {any} value
 */
function shown(value) {
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 60)}…` : value}'`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  if (value !== null && typeof value === 'object') return 'an object';
  return String(value);
}

/**
 * @param {string} owner the class, or class and method
 * @param {string} name the option
 * @param {Rule} rule
 * @param {any} value
 */
function wrong(owner, name, rule, value) {
  const got = rule.secret && typeof value === 'string' ? 'a text' : shown(value);
  return new TypeError(`${owner}: ${name} takes ${rule.takes}; got ${got} (${typeof value})`);
}

/**
 * The options by their rules; what is left out, or `undefined`, gets its default. Unknown options are ignored.
 * @param {string} owner
 * @param {Record<string, [Rule, any]>} rules each with its default
 * @param {any} given
 * @returns {any}
 */
function checked(owner, rules, given) {
  if (given === undefined) given = {};
  if (!record.fits(given)) throw wrong(owner, 'options', record, given);
  /** @type {Record<string, any>} */
  const options = {};
  for (const name of Object.keys(rules)) {
    const [rule, fallback] = rules[name];
    const value = given[name];
    if (value !== undefined && !rule.fits(value)) throw wrong(owner, name, rule, value);
    options[name] = value === undefined ? fallback : value;
  }
  return options;
}

/** Anything that says when to give up: `AbortSignal`, or what looks like it. */
const signal = rule(
  (value) =>
    value !== null && typeof value === 'object' && 'aborted' in value && typeof value.addEventListener === 'function',
  'an AbortSignal',
);

module.exports = {
  bytes,
  callback,
  checked,
  countFrom0,
  countFrom1,
  either,
  factor,
  flag,
  milliseconds,
  oneOf,
  record,
  rule,
  secret,
  signal,
  text,
  texts,
  wrong,
};
