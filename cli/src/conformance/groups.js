'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');

/** Every process that runs: its pid and its group. A bare Linux has no `ps`; a zombie has ended. */
function processes() {
  if (process.platform !== 'linux') {
    const listed = execFileSync('ps', ['-A', '-o', 'pid=,pgid=,stat='], { encoding: 'utf8' });
    const rows = listed.split('\n').map((line) => line.trim().split(/ +/));
    return rows
      .filter(([, , state]) => state && !state.startsWith('Z'))
      .map(([pid, group]) => [Number(pid), Number(group)]);
  }
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
        const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return state === 'Z' || state === 'X' ? [] : [[Number(pid), Number(group)]];
      } catch {
        return []; // it has ended meanwhile
      }
    });
}

/** The pids of a process group that run. */
function membersOf(group) {
  return processes().flatMap(([pid, its]) => (its === group ? [pid] : []));
}

module.exports = { membersOf };
