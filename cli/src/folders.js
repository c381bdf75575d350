'use strict';

const fs = require('fs');
const path = require('path');
const { ExitCode, Failure } = require('./failure');

const RECOVERY_FILE = /^recovery-(?:state\.json|journal-\d+\.log)$/;
/** The database, or a file of version 1's. */
const CACHE_FILE = /^cache\.db$|-[0-9a-f]{16}\.json$/;

/**
 * The names in a folder of an app's. Looking into a folder must not make one: whoever mistypes a path would be told of
 * an empty cache, and leave files behind.
 */
function namesIn(dir, pattern, what) {
  let names;
  try {
    names = fs.readdirSync(dir);
  } catch (error) {
    const why = { ENOENT: 'there is no such folder', ENOTDIR: 'it is no folder', EACCES: 'no permission' }[error.code];
    throw new Failure(ExitCode.FOLDER, `${dir}: ${why || error.message}`);
  }
  const found = names.filter((name) => pattern.test(name));
  if (found.length === 0) throw new Failure(ExitCode.FOLDER, `${dir}: there is no ${what} in this folder`);
  return found;
}

/** @param {string} dir of a CacheManager */
function checkCacheFolder(dir) {
  namesIn(dir, CACHE_FILE, 'cache');
  return path.resolve(dir);
}

/**
 * The names of the snapshot and the journals, the journals oldest first.
 * @param {string} dir of a CrashRecovery
 */
function recoveryFiles(dir) {
  const generation = (name) => Number((/\d+/.exec(name) || ['-1'])[0]);
  return namesIn(dir, RECOVERY_FILE, 'recovery state').sort((one, other) => generation(one) - generation(other));
}

module.exports = { checkCacheFolder, recoveryFiles };
