import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { eventually } from './eventually.js';

/** Whether a process runs. One that has ended and waits to be reaped by somebody else does not. */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return false;
    throw error;
  }
  if (process.platform !== 'linux') return true;
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2] !== 'Z';
  } catch {
    return false;
  }
}

/** Waits until a process is gone. */
export function gone(pid, deadlineMs) {
  return eventually(() => !isAlive(pid), `the end of process ${pid}`, deadlineMs);
}

/** Ends a process that a test leaves behind on purpose. */
export function end(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Every process: its pid, its parent's, its group's. A bare Linux has no `ps`. */
function processes() {
  if (process.platform !== 'linux') {
    const listed = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid='], { encoding: 'utf8' });
    return listed.split('\n').map((line) => line.trim().split(/ +/).map(Number));
  }
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [[Number(pid), Number(parent), Number(group)]];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

/** The pids of a process's children, also of those that one of its threads started. */
export function childrenOf(pid) {
  return processes().flatMap(([child, parent]) => (parent === pid ? [child] : []));
}

/** The pids of the processes of a group that run. */
export function membersOf(group) {
  return processes().flatMap(([pid, , its]) => (its === group && isAlive(pid) ? [pid] : []));
}

/** The pids of the processes that were started with that variable in their environment; found on Linux alone. */
export function processesWith(name, value) {
  if (process.platform !== 'linux') return [];
  return fs.readdirSync('/proc').filter((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${name}=${value}`);
    } catch {
      return false; // no process, or it has ended
    }
  });
}
