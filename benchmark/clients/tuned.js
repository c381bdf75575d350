import { EventEmitter } from 'events';
import { Lines } from './lines.js';

const TIMEOUT_MS = 30_000;

/** The best that plain JavaScript does: raw chunks, one timer for all timeouts, writes joined. */
class TunedClient extends EventEmitter {
  // All wait equally long, so a Map's order of insertion is the order of deadlines.
  #pending = new Map();
  #handlers = new Map();
  #lastId = 0;
  #timer = null;
  #lines = new Lines((line) => this.#take(line));

  call(method, params) {
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      const id = this.#lastId;
      const deadline = Date.now() + TIMEOUT_MS;
      this.#pending.set(id, { resolve, reject, deadline, method });
      if (this.#timer === null) this.#timer = setTimeout(() => this.#expire(), TIMEOUT_MS);
      this.#lines.write(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  onJobEvent(jobId, handler) {
    this.#handlers.set(jobId, handler);
  }

  stop() {
    clearTimeout(this.#timer);
    return this.#lines.stop();
  }

  #expire() {
    this.#timer = null;
    const now = Date.now();
    for (const [id, call] of this.#pending) {
      if (call.deadline > now) {
        this.#timer = setTimeout(() => this.#expire(), call.deadline - now);
        return;
      }
      this.#pending.delete(id);
      call.reject(new Error(`Request timeout: ${call.method}`));
    }
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
      if (message.error) call.reject(new Error(message.error.message));
      else call.resolve(message.result);
    } else if (message.jobId !== undefined) {
      const name = message.type === 'result' ? 'job:complete' : message.type === 'error' ? 'job:error' : 'job:progress';
      this.emit(name, message);
      const handler = this.#handlers.get(message.jobId);
      if (handler) handler(message);
    }
  }
}

export async function tuned() {
  const client = new TunedClient();
  await client.call('engine.health');
  return client;
}
