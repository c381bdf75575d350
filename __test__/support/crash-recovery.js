import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach } from 'vitest';
import runtime from '../../index.js';
import { folder } from './folders.js';

const made = [];

// Before the folders go.
afterEach(async () => {
  await Promise.all(made.splice(0).map((recovery) => recovery.shutdown()));
});

/** A new CrashRecovery on a stub of an engine, in `stateDir` or a new folder; shut down after the test. */
export function recoveryOf({ engine = new EventEmitter(), Recovery = runtime.CrashRecovery, ...options } = {}) {
  const recovery = new Recovery(engine, { stateDir: path.join(folder(), 'state'), ...options });
  made.push(recovery);
  return recovery;
}

/** The same, opened. */
export async function openRecovery(options) {
  const recovery = recoveryOf(options);
  await recovery.init();
  return recovery;
}

/** A job as an app tracks it. */
export const job = (id, more) => ({ id, type: 'ocr', payload: { page: id }, priority: 'normal', ...more });

/** The ids of jobs. */
export const idsOf = (jobs) => jobs.map(({ id }) => id);

/** What `recovery` emits from now on, as `[name, payload]`. */
export function told(recovery) {
  const events = [];
  for (const name of ['start', 'job', 'complete', 'parked', 'locked']) {
    recovery.on(`recovery:${name}`, (payload) => events.push([name, payload]));
  }
  return events;
}

export const snapshotIn = (stateDir) => path.join(stateDir, 'recovery-state.json');
export const readSnapshot = (stateDir) => JSON.parse(fs.readFileSync(snapshotIn(stateDir), 'utf8'));

/** The journals of a folder, the oldest first. */
export const journalsIn = (stateDir) =>
  fs
    .readdirSync(stateDir)
    .filter((name) => /^recovery-journal-\d+\.log$/.test(name))
    .sort((a, b) => Number(a.match(/\d+/)[0]) - Number(b.match(/\d+/)[0]))
    .map((name) => path.join(stateDir, name));

/** What was set aside in a folder. */
export const asideIn = (stateDir) => fs.readdirSync(stateDir).filter((name) => name.includes('.corrupt-'));

function copied(stateDir, copy) {
  const names = fs.readdirSync(stateDir);
  try {
    for (const name of names) {
      if (name !== 'recovery.lock') fs.copyFileSync(path.join(stateDir, name), path.join(copy, name));
    }
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return false;
  }
  return fs.readdirSync(stateDir).join() === names.join();
}

/** A copy of a folder as it is at one moment: what a process that is killed then leaves behind. */
export function killedCopy(stateDir) {
  for (;;) {
    const copy = folder();
    // A snapshot may come in between: then it is no moment's.
    if (copied(stateDir, copy)) return copy;
  }
}

/** The jobs that the next process would find in a folder, which stays as it is. */
export async function jobsLeftIn(stateDir) {
  const recovery = new runtime.CrashRecovery(new EventEmitter(), {
    stateDir: killedCopy(stateDir),
    autoRecover: false,
    maxRecoveredJobs: Infinity,
  });
  await recovery.init();
  const jobs = recovery.getRecoverableJobs();
  await recovery.shutdown();
  return jobs;
}
