'use strict';

const path = require('path');
const options = require('./options.js');

const size = options.rule(
  (value) => typeof value === 'number' && value >= 0,
  'bytes, a number from 0 up, or Infinity for no limit',
);
const seconds = options.rule(
  (value) => typeof value === 'number' && !Number.isNaN(value),
  'seconds, a number (0 for no expiry)',
);
const ttlRule = options.either(undefined, options.either(null, seconds));
const prefixRule = options.either(undefined, options.either(null, options.text));

/** @type {Record<string, [options.Rule, any]>} */
const OPTIONS = {
  maxMemorySize: [size, 50 * 1024 * 1024],
  defaultTtl: [options.either(null, seconds), null],
  persistToDisk: [options.flag, true],
  maxDiskSize: [options.either(null, options.bytes), null],
};

/**
 * The folder as an absolute path: what the app does to its working directory later moves no cache.
 * @param {any} config
 */
function cacheOptions(config) {
  const checked = options.checked('CacheManager', OPTIONS, config);
  const folder = config === undefined ? undefined : config.cacheDir;
  if (checked.persistToDisk || folder !== undefined) {
    const fits = options.text.fits(folder) && folder !== '';
    if (!fits) throw options.wrong('CacheManager', 'cacheDir', FOLDER, folder);
    checked.cacheDir = path.resolve(folder);
  }
  return checked;
}

const FOLDER = options.rule(options.text.fits, 'the path of a folder, a string that is not empty');

/**
 * The error of a wrong argument; `null` when it fits.
 * @param {string} method
 * @param {string} name
 * @param {options.Rule} rule
 * @param {any} value
 */
function wrongArgument(method, name, rule, value) {
  return rule.fits(value) ? null : options.wrong(`CacheManager.${method}`, name, rule, value);
}

module.exports = {
  cacheOptions,
  factoryRule: options.callback,
  keyRule: options.text,
  prefixRule,
  ttlRule,
  wrongArgument,
};
