'use strict';

const { spawn } = require('child_process');

const isWindows = process.platform === 'win32';
// Reads the process group of each engine, 0 when there is none; ends the last one told when this process is gone,
// however it went.
const SCRIPT = 'group=0; while read -r next; do group=$next; done; [ "$group" = 0 ] || kill -KILL -- "-$group"';

/**
 * Ends an engine with this process. Raw engines are not the runtime's, and it is misbehaving ones that are tried here.
 * On Windows Node's own children end with it.
 */
class Guard {
  #shell = null;

  constructor() {
    if (isWindows) return;
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#shell.stdin.on('error', () => {});
    this.#shell.unref();
    this.#shell.stdin.unref();
  }

  watch(group) {
    this.#tell(group);
  }

  rest() {
    this.#tell(0);
  }

  close() {
    if (this.#shell) this.#shell.stdin.end();
  }

  #tell(group) {
    if (this.#shell) this.#shell.stdin.write(`${group}\n`);
  }
}

module.exports = { Guard };
