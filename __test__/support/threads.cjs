'use strict';

const fs = require('fs');

function nameOf(task) {
  try {
    return fs.readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim();
  } catch (error) {
    // It has ended since it was listed.
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return '';
    throw error;
  }
}

/**
 * The names of this process's threads that begin like this, 15 characters of each at most; Linux alone shows them. For
 * tests and, in the oldest Node, their apps.
 */
exports.threadsNamed = (start) =>
  fs
    .readdirSync('/proc/self/task')
    .map(nameOf)
    .filter((name) => name.startsWith(start));
