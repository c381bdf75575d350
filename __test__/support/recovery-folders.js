import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach } from 'vitest';
import runtime from '../../index.js';
import { app } from './app.js';
import { folder } from './folders.js';

export const SNAPSHOT = 'recovery-state.json';
const opened = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.shutdown()));
});

/** A recovery over an engine that is a plain emitter; shut down after the test. Its folder is new where none is given. */
export function recovery({ engine = new EventEmitter(), Class = runtime.CrashRecovery, ...options } = {}) {
  const made = new Class(engine, { stateDir: folder(), ...options });
  opened.push(made);
  return made;
}

/** The same, behind its `init()`. */
export async function openRecovery(options) {
  const made = recovery(options);
  await made.init();
  return made;
}

/** What an app hands to `trackJob`. */
export const job = (id, more) => ({ id, type: 'render', payload: { page: id }, priority: 'normal', ...more });

/** The files of a state folder by name; the lock says nothing. */
export function filesOf(stateDir) {
  const names = fs.readdirSync(stateDir).filter((name) => name !== 'recovery.lock');
  const read = (name) => {
    try {
      return [[name, fs.readFileSync(path.join(stateDir, name))]];
    } catch (error) {
      // A compaction has removed or renamed it meanwhile.
      if (error.code === 'ENOENT') return [];
      throw error;
    }
  };
  return Object.fromEntries(names.flatMap(read));
}

/** The names of the journals in a state folder, oldest first. */
export function journalsOf(stateDir) {
  const generation = (name) => Number(name.match(/\d+/)[0]);
  return fs
    .readdirSync(stateDir)
    .filter((name) => /^recovery-journal-\d+\.log$/.test(name))
    .sort((one, other) => generation(one) - generation(other));
}

/** A new folder with these files: what a SIGKILL at the moment of `filesOf` leaves behind. */
export function folderWith(files) {
  const made = folder();
  for (const [name, bytes] of Object.entries(files)) fs.writeFileSync(path.join(made, name), bytes);
  return made;
}

export const snapshotOf = (stateDir) => JSON.parse(fs.readFileSync(path.join(stateDir, SNAPSHOT), 'utf8'));

/** What a process finds that starts on a copy of the folder as it is now. */
export const leftIn = (stateDir) => readIn(folderWith(filesOf(stateDir)));

/** What an `init()` on the folder itself finds: the jobs as they are told, the parked ones, the figures. */
export async function readIn(stateDir) {
  const one = await openRecovery({ stateDir, autoRecover: false, maxRecoveredJobs: Infinity });
  const found = { jobs: one.getRecoverableJobs(), parked: one.getParkedJobs(), stats: one.getStats() };
  await one.shutdown();
  return found;
}

/** The ids of jobs, in order. */
export const ids = (jobs) => jobs.map(({ id }) => id);

/** Every `recovery:` event from now on, as `[name behind the colon, payload]`, in a list that grows. */
export function eventsOf(one) {
  const events = [];
  for (const name of ['start', 'job', 'complete', 'parked', 'locked']) {
    one.on(`recovery:${name}`, (payload) => events.push([name, payload]));
  }
  return events;
}

/** A promise, and what settles it. */
export function gate() {
  const made = {};
  made.opened = new Promise((resolve, reject) => Object.assign(made, { open: resolve, fail: reject }));
  return made;
}

/**
 * A recovery in a process of its own (`recovery-on-command.js`): `said` is what it found, `ask` one call of it. Asked one
 * at a time.
 */
export function elsewhere(stateDir, options = {}) {
  const { child, said, ended } = app('recovery-on-command.js', stateDir, JSON.stringify(options));
  const waiting = [];
  let rest = '';
  let first = true;
  child.stdout.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (first) first = false;
      else waiting.shift()(JSON.parse(line));
    }
  });
  child.stdin.on('error', () => {});
  const ask = (...call) =>
    new Promise((resolve, reject) => {
      waiting.push(resolve);
      ended.then(({ code, signal, stderr }) => reject(new Error(`it has ended: ${code} ${signal} ${stderr}`)));
      child.stdin.write(`${JSON.stringify(call)}\n`);
    });
  const kill = () => {
    child.kill('SIGKILL');
    return ended;
  };
  return { child, said, ended, ask, kill };
}
