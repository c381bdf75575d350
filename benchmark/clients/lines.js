import { spawn } from 'child_process';
import { ENGINE } from '../engine.js';

/**
 * A child whose stdout is cut at newlines, raw chunk by raw chunk, and whose stdin gets all lines of a microtask's turn in
 * one write: the cheapest pipe that JavaScript has.
 */
export class Lines {
  #child = spawn(ENGINE, [], { stdio: ['pipe', 'pipe', 'inherit'] });
  #outgoing = '';

  /** @param {(line: string) => void} onLine */
  constructor(onLine) {
    let rest = [];
    this.#child.stdout.on('data', (chunk) => {
      let start = 0;
      let end = chunk.indexOf(10);
      while (end !== -1) {
        let line;
        if (rest.length > 0) {
          rest.push(chunk.subarray(start, end));
          line = Buffer.concat(rest).toString();
          rest = [];
        } else {
          line = chunk.toString('utf8', start, end);
        }
        onLine(line);
        start = end + 1;
        end = chunk.indexOf(10, start);
      }
      if (start < chunk.length) rest.push(chunk.subarray(start));
    });
  }

  /** @param {string} text one line, without its end */
  write(text) {
    if (this.#outgoing === '') {
      queueMicrotask(() => {
        this.#child.stdin.write(this.#outgoing);
        this.#outgoing = '';
      });
    }
    this.#outgoing += text + '\n';
  }

  stop() {
    return new Promise((resolve) => {
      this.#child.once('exit', resolve);
      this.#child.stdin.end();
    });
  }
}
