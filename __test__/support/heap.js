import v8 from 'node:v8';
import vm from 'node:vm';

v8.setFlagsFromString('--expose-gc');

/** Collects what nobody uses any more. */
export const gc = vm.runInNewContext('gc');

/** How many bytes of the heap are in use, and not only uncollected yet. */
export function heapInUse() {
  gc();
  return process.memoryUsage().heapUsed;
}
