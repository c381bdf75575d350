'use strict';

const options = require('./options.js');

const PRIORITIES = ['low', 'normal', 'high'];

/** @type {Record<string, [options.Rule, any]>} */
const OPTIONS = {
  concurrency: [options.countFrom1, 2],
  defaultTimeout: [options.milliseconds, 300000],
  retryOnFailure: [options.flag, false],
  maxRetries: [options.countFrom0, 3],
  retryDelay: [options.milliseconds, 1000],
  retryBackoff: [options.factor, 1],
  maxQueueSize: [options.countFrom0, Infinity],
  maxCompleted: [options.countFrom0, 1000],
  cancelGrace: [options.milliseconds, 5000],
  shouldRetry: [options.callback, undefined],
};

// With `u` a surrogate that has its other half is no match. One without would not survive the way to Rust and to disk.
const LONE_SURROGATE = /[\ud800-\udfff]/u;
const jobId = options.rule(
  (value) => typeof value === 'string' && value !== '' && !LONE_SURROGATE.test(value),
  'a string that is not empty and has no lone surrogates',
);

/** @type {Record<string, [options.Rule, any]>} */
const SUBMIT_OPTIONS = {
  priority: [options.oneOf(...PRIORITIES), 'normal'],
  timeout: [options.milliseconds, undefined],
  id: [jobId, undefined],
  signal: [options.signal, undefined],
  retries: [options.countFrom0, undefined],
};

const engineRule = options.rule(
  (value) =>
    ((value !== null && typeof value === 'object') || typeof value === 'function') &&
    ['call', 'isReady', 'onJobEvent'].every((name) => typeof value[name] === 'function'),
  'an object with the methods call, isReady and onJobEvent',
);

/** @param {any} engine */
function checkEngine(engine) {
  if (!engineRule.fits(engine)) throw options.wrong('JobManager', 'engine', engineRule, engine);
}

/** @param {any} config */
function managerOptions(config) {
  return options.checked('JobManager', OPTIONS, config);
}

const SUBMIT_DEFAULTS = options.checked('JobManager.submit', SUBMIT_OPTIONS, undefined);

/**
 * @param {any} type
 * @param {any} given
 */
function submitOptions(type, given) {
  if (!options.text.fits(type)) throw options.wrong('JobManager.submit', 'type', options.text, type);
  if (given === undefined) return SUBMIT_DEFAULTS;
  if (options.record.fits(given)) {
    const { priority = 'normal', timeout, id, signal, retries } = given;
    // What most jobs have, without a walk over all rules, which would be a tenth of what a submit costs.
    const isUsual = id === undefined && signal === undefined && retries === undefined;
    if (isUsual && PRIORITIES.includes(priority) && (timeout === undefined || options.milliseconds.fits(timeout))) {
      return { priority, timeout, id, signal, retries };
    }
  }
  return options.checked('JobManager.submit', SUBMIT_OPTIONS, given);
}

module.exports = { PRIORITIES, checkEngine, managerOptions, submitOptions };
