import { spawn } from 'child_process';
import { EventEmitter } from 'events';
import { createInterface } from 'readline';
import { ENGINE } from '../engine.js';

const TIMEOUT_MS = 30_000;

/** What one writes oneself: readline, `JSON.parse`, a Map of pending calls with a timer each, an EventEmitter. */
class PlainClient extends EventEmitter {
  #child = spawn(ENGINE, [], { stdio: ['pipe', 'pipe', 'inherit'] });
  #pending = new Map();
  #handlers = new Map();
  #lastId = 0;

  constructor() {
    super();
    createInterface({ input: this.#child.stdout, crlfDelay: Infinity }).on('line', (line) => this.#take(line));
  }

  call(method, params) {
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      const id = String(this.#lastId);
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error(`Request timeout: ${method}`));
      }, TIMEOUT_MS);
      this.#pending.set(id, { resolve, reject, timer });
      this.#child.stdin.write(JSON.stringify({ jsonrpc: '2.0', id, method, params }) + '\n');
    });
  }

  onJobEvent(jobId, handler) {
    this.#handlers.set(jobId, handler);
  }

  stop() {
    return new Promise((resolve) => {
      this.#child.once('exit', resolve);
      this.#child.stdin.end();
    });
  }

  #take(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      return;
    }
    if (message.id !== undefined) {
      const call = this.#pending.get(message.id);
      if (!call) return;
      this.#pending.delete(message.id);
      clearTimeout(call.timer);
      if (message.error) call.reject(new Error(message.error.message));
      else call.resolve(message.result);
    } else if (message.jobId !== undefined) {
      const name = { result: 'job:complete', error: 'job:error' }[message.type] || 'job:progress';
      this.emit(name, message);
      const handler = this.#handlers.get(message.jobId);
      if (handler) handler(message);
    }
  }
}

export async function plain() {
  const client = new PlainClient();
  await client.call('engine.health');
  return client;
}
