'use strict';

const fs = require('fs');

const TASKS = '/proc/self/task';

// For tests and, in the oldest Node, their apps. Linux alone tells of these.

/** A file of /proc; empty once the thread or the process that it tells of has ended. */
function readOf(file) {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return '';
    throw error;
  }
}

/** What a file says of each thread of this process. */
const ofThreads = (file) => fs.readdirSync(TASKS).map((task) => readOf(`${TASKS}/${task}/${file}`));

/** The pids of this process's children, whichever of its threads started them. */
const childPids = () =>
  ofThreads('children')
    .flatMap((pids) => pids.split(' '))
    .filter(Boolean)
    .map(Number);

/** The names of this process's threads that begin like this, 15 characters of each at most. */
const threadsNamed = (start) =>
  ofThreads('comm')
    .map((name) => name.trim())
    .filter((name) => name.startsWith(start));

module.exports = { childPids, readOf, threadsNamed };
