'use strict';

const path = require('path');
const { JobManager } = require('./job-manager.js');
const options = require('./options.js');

const folder = options.rule((value) => typeof value === 'string' && value !== '', 'the path of a folder');

/** @type {Record<string, [options.Rule, any]>} */
const OPTIONS = {
  stateDir: [folder, undefined],
  persistInterval: [options.milliseconds, 5000],
  maxRecoveredJobs: [options.countFrom0, 100],
  autoRecover: [options.flag, true],
  onJobRecovery: [options.callback, undefined],
  manager: [options.rule((value) => value instanceof JobManager, 'a JobManager'), undefined],
  maxAttempts: [options.countFrom1, 3],
};

const engineRule = options.rule(
  (value) =>
    ((value !== null && typeof value === 'object') || typeof value === 'function') && typeof value.on === 'function',
  'an object with the method on',
);
const jobRule = options.secret(
  options.rule(
    (value) => options.record.fits(value) && typeof value.id === 'string' && typeof value.type === 'string',
    'an object with a string id and a string type',
  ),
);
const stateRule = options.oneOf('pending', 'running', 'done', 'failed', 'cancelled');

/**
 * @param {any} engine
 * @param {any} given
 */
function recoveryOptions(engine, given) {
  if (!engineRule.fits(engine)) throw options.wrong('CrashRecovery', 'engine', engineRule, engine);
  const checked = options.checked('CrashRecovery', OPTIONS, given);
  if (checked.stateDir === undefined) throw options.wrong('CrashRecovery', 'stateDir', folder, undefined);
  // Where it is does not change with the process's working directory.
  checked.stateDir = path.resolve(checked.stateDir);
  return checked;
}

/** @param {any} job */
function checkJob(job) {
  if (!jobRule.fits(job)) throw options.wrong('CrashRecovery.trackJob', 'job', jobRule, job);
}

/**
 * @param {string} method
 * @param {any} id
 */
function checkId(method, id) {
  if (!options.text.fits(id)) throw options.wrong(`CrashRecovery.${method}`, 'jobId', options.text, id);
}

/** @param {any} state */
function checkState(state) {
  if (!stateRule.fits(state)) throw options.wrong('CrashRecovery.updateJobState', 'state', stateRule, state);
}

module.exports = { checkId, checkJob, checkState, recoveryOptions };
