import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

/** Whether a command runs here. */
export function has(command, ...args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The limit of open files that leaves a process exactly so many more descriptors. */
export function roomFor(pid, descriptors) {
  const taken = new Set(fs.readdirSync(`/proc/${pid}/fd`).map(Number));
  let limit = 0;
  for (let left = descriptors; taken.has(limit) || left > 0; limit += 1) {
    if (!taken.has(limit)) left -= 1;
  }
  return limit;
}

/**
 * What runs a program so that a limit of processes and threads binds it. It binds no superuser: such a one becomes a user
 * that nobody else is, and keeps no right but that to any file.
 */
export function boundByLimits() {
  if (process.getuid() !== 0) return [];
  const files = '-all,+dac_override';
  const rights = [`--inh-caps=${files}`, `--ambient-caps=${files}`, `--bounding-set=${files}`];
  const user = 60_000 + (process.pid % 5000);
  return ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', ...rights];
}
