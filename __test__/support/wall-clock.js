import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { folder } from './folders.js';

const SOURCE = fileURLToPath(new URL('../fixtures/shims/wall-clock.c', import.meta.url));

/**
 * A wall clock for processes that are run with `before` (Linux): `set(seconds)` moves it to so much ahead of the machine's,
 * at once and in all of them.
 */
export function wallClock() {
  const dir = folder();
  const [library, file] = ['wall-clock.so', 'offset'].map((name) => path.join(dir, name));
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE]);
  const set = (seconds) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    const handle = fs.openSync(file, fs.existsSync(file) ? 'r+' : 'w');
    fs.writeSync(handle, bytes, 0, 8, 0);
    fs.closeSync(handle);
  };
  set(0);
  return { set, before: ['env', `LD_PRELOAD=${library}`, `WALL_CLOCK_OFFSET=${file}`] };
}
