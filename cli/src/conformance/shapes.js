'use strict';

const { isObject } = require('./lines');
const { expect, shown } = require('./verdicts');

// What a value must be, in the words of a message. A shape is `[test, words]`; `optional` also takes a key that is
// missing or null, which is how many languages write "none".

const STATES = ['pending', 'running', 'done', 'failed', 'cancelled'];

const string = [(value) => typeof value === 'string', 'a string'];
const boolean = [(value) => typeof value === 'boolean', 'true or false'];
const number = [(value) => typeof value === 'number' && value >= 0, 'a number from 0 up'];
const percent = [(value) => typeof value === 'number' && value >= 0 && value <= 100, 'a number from 0 to 100'];
const object = [isObject, 'an object'];
const anything = [() => true, 'anything'];
const oneOf = (...values) => [(value) => values.includes(value), `one of ${values.join(', ')}`];
const state = oneOf(...STATES);
const optional = ([test, words]) => [
  (value) => value === undefined || value === null || test(value),
  `${words}, or none`,
];

/** Fails with the first key that is not what it should be. */
function expectShape(what, value, shape) {
  expect(isObject(value), `${what} is ${shown(value)}; it takes an object`);
  for (const [key, [test, words]] of Object.entries(shape)) {
    const got = key in value ? shown(value[key]) : 'nothing';
    expect(test(value[key]), `"${key}" of ${what} takes ${words}; got ${got} in ${shown(value)}`);
  }
}

function expectList(what, value, shape) {
  expect(Array.isArray(value), `${what} is ${shown(value)}; it takes an array`);
  value.forEach((item, index) => expectShape(`entry ${index} of ${what}`, item, shape));
}

module.exports = {
  anything,
  boolean,
  expectList,
  expectShape,
  number,
  object,
  oneOf,
  optional,
  percent,
  state,
  string,
};
