'use strict';

const util = require('util');

/** Loaded when an engine has died of a signal, or could not be spawned. */
const constants = () => require('os').constants;

/**
 * The name of a signal, as Node gives it.
 * @param {number} number
 */
function signalName(number) {
  const names = /** @type {Record<string, number>} */ (constants().signals);
  return Object.keys(names).find((name) => names[name] === number) || `SIG${number}`;
}

/**
 * libuv has no name for some errors that a spawn meets (`ENOEXEC`); the system has.
 * @param {number} errno negative
 */
function errorName(errno) {
  const name = util.getSystemErrorName(errno);
  if (/^E[A-Z0-9]+$/.test(name)) return name;
  const names = /** @type {Record<string, number>} */ (constants().errno);
  return Object.keys(names).find((known) => names[known] === -errno) || name;
}

/**
 * The error that Node gives for the same failure of a spawn.
 * @param {{ enginePath: string, args: string[] }} options
 * @param {number} errno
 */
function spawnError({ enginePath: path, args }, errno) {
  const code = errorName(errno);
  const error = new Error(`spawn ${path} ${code}`);
  return Object.assign(error, { errno, code, syscall: `spawn ${path}`, path, spawnargs: args.slice() });
}

module.exports = { signalName, spawnError };
