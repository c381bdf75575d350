import { execFileSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const kit = (...parts) => path.join(ROOT, 'kits', ...parts);

const PYTHON = process.env.PYTHON || (process.platform === 'win32' ? 'python' : 'python3');
const EXE = process.platform === 'win32' ? '.exe' : '';

/**
 * How each kit's engines are started: `trial` has a job type for everything that is tried, `count` is the example.
 * `NODE` and `PYTHON` may name another host: the oldest that a kit is for.
 */
export const KITS = {
  node: {
    trial: { enginePath: process.env.NODE || process.execPath, args: [kit('node/test/trial.js')] },
    count: { enginePath: process.env.NODE || process.execPath, args: [kit('node/examples/count.js')] },
  },
  python: {
    trial: { enginePath: PYTHON, args: [kit('python/tests/trial.py')], env: { PYTHONPATH: kit('python/src') } },
    count: { enginePath: PYTHON, args: [kit('python/examples/count.py')], env: { PYTHONPATH: kit('python/src') } },
  },
  rust: {
    trial: { enginePath: path.join(ROOT, `target/debug/examples/trial${EXE}`), args: [] },
    count: { enginePath: path.join(ROOT, `target/debug/examples/count${EXE}`), args: [] },
  },
};

/** Builds the engines that have to be; nothing to do behind `cargo test`. */
export function buildEngines() {
  execFileSync('cargo', ['build', '--quiet', '-p', 'niche-knack-engine', '--examples'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
}
