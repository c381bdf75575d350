'use strict';

const { EventEmitter } = require('events');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { CrashRecovery } = require('@niche-knack/desktop-runtime');
const { ExitCode, Failure } = require('./failure');
const { recoveryFiles } = require('./folders');
const { remark } = require('./terminal');

// A CrashRecovery that opens a folder takes it and compacts it, so listing works on a copy: the folder's app notices
// nothing, and no file there changes.

const SNAPSHOT = 'recovery-state.json';
const ATTEMPTS = 20;

/** What tells one snapshot from the next: each is a new file. */
function snapshotOf(dir) {
  try {
    const { ino, mtimeMs, size } = fs.statSync(path.join(dir, SNAPSHOT));
    return `${ino} ${mtimeMs} ${size}`;
  } catch (error) {
    if (error.code === 'ENOENT') return 'none';
    throw error;
  }
}

const seen = (dir) => `${snapshotOf(dir)} ${recoveryFiles(dir).join(' ')}`;

/**
 * Copies a state that was there at one moment. While an app compacts, the snapshot and the journals that go with it are
 * replaced one after the other; then it is copied again. A journal that only grows does no harm: each of its beginnings
 * is a state.
 */
function copyState(dir, to) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const before = seen(dir);
    try {
      for (const name of fs.readdirSync(to)) fs.rmSync(path.join(to, name));
      for (const name of recoveryFiles(dir)) fs.copyFileSync(path.join(dir, name), path.join(to, name));
    } catch (error) {
      // Removed by a compaction between the listing and the copy.
      if (error.code === 'ENOENT') continue;
      throw error instanceof Failure ? error : new Failure(ExitCode.FOLDER, `${dir}: ${error.message}`);
    }
    if (seen(dir) === before) return;
  }
  throw new Failure(ExitCode.FOLDER, `${dir}: an app changes it all the time; try again`);
}

/** Makes one whole snapshot of what is in the copy. What the runtime logs then, of files in the copy, is of no use. */
async function isDamaged(copy) {
  const log = console.error;
  let isLogged = false;
  console.error = () => {
    isLogged = true;
  };
  try {
    const recovery = new CrashRecovery(new EventEmitter(), { stateDir: copy, autoRecover: false });
    await recovery.init();
    await recovery.shutdown();
  } finally {
    console.error = log;
  }
  return isLogged;
}

/**
 * The state in a folder as the runtime would find it.
 * @returns {Promise<{lastHealthCheck: number, jobs: Array<Record<string, any>>}>} each job with the `list` it is in
 */
async function recoveryPicture(dir) {
  recoveryFiles(dir);
  // Payloads are the app's own matter: nobody else may read the copy, and it goes at every end.
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'desktop-runtime-recovery-'));
  const remove = () => fs.rmSync(copy, { recursive: true, force: true });
  process.on('exit', remove);
  try {
    copyState(dir, copy);
    if (await isDamaged(copy)) remark(`${dir}: the files are damaged; this is what can be read of them`);
    const state = JSON.parse(fs.readFileSync(path.join(copy, SNAPSHOT), 'utf8'));
    const listed = (list, jobs = []) => jobs.map((job) => ({ list, ...job }));
    const jobs = ['running', 'pending', 'parked'].flatMap((list) => listed(list, state[`${list}Jobs`]));
    return { lastHealthCheck: state.lastHealthCheck, jobs };
  } finally {
    remove();
    process.off('exit', remove);
  }
}

module.exports = { recoveryPicture };
