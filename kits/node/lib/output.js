'use strict';

// The one writer to the app. A pipe takes 64 KiB; what the app has not read beyond that waits in this process, and this
// is where its size is bounded: progress is replaced by newer progress, everything else has a limit.

const FULL_BYTES = 1024 * 1024;
const LIMIT_BYTES = 64 * 1024 * 1024;

class Output {
  #stream;
  #write;
  #onGone;
  #gone = false;
  /** By job: its newest progress, which waits for room. */
  #held = new Map();
  #waiting = [];

  /**
   * @param {import('stream').Writable} stream
   * @param {() => void} onGone nobody reads any more
   */
  constructor(stream, onGone) {
    this.#stream = stream;
    this.#write = stream.write;
    this.#onGone = onGone;
    stream.on('drain', () => this.#onDrain());
    stream.on('error', () => this.#onError());
  }

  /** Leaves the stream to messages: what anybody else writes to it goes to `other`, whoever got hold of it when. */
  keepFor(other) {
    this.#stream.write = (...args) => other.write(...args);
  }

  get isFull() {
    return !this.#gone && this.#stream.writableLength >= FULL_BYTES;
  }

  /** Writes one message. */
  write(text) {
    if (!this.#gone) this.#write.call(this.#stream, `${text}\n`);
  }

  /** Writes what a job may send as often as it likes; throws when the app has left too much unread. */
  writeBounded(text) {
    if (this.#stream.writableLength >= LIMIT_BYTES && !this.#gone) {
      throw new Error(
        `The app has not read ${LIMIT_BYTES / 1024 / 1024} MiB of this engine's output: ` +
          'await job.drain() after job.partial() and job.log()',
      );
    }
    this.write(text);
  }

  /** Writes a message that a newer one under the same key may replace while the app does not read. */
  writeReplaceable(key, text) {
    if (this.isFull) this.#held.set(key, text);
    else this.write(text);
  }

  /** What waits under that key is written now: something that must come behind it follows. */
  release(key) {
    const text = this.#held.get(key);
    if (text === undefined) return;
    this.#held.delete(key);
    this.write(text);
  }

  /** Settles when the app has read what was written, at once if little waits. */
  drain() {
    return this.isFull ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }

  /** Settles when everything has left this process, or nobody reads. */
  flush() {
    return this.#gone
      ? Promise.resolve()
      : new Promise((resolve) => this.#write.call(this.#stream, '', () => resolve()));
  }

  #onDrain() {
    const held = [...this.#held.values()];
    this.#held.clear();
    held.forEach((text) => this.write(text));
    this.#waiting.splice(0).forEach((resolve) => resolve());
  }

  // EPIPE and its like. The app is gone, and that is no reason to complain.
  #onError() {
    if (this.#gone) return;
    this.#gone = true;
    this.#onDrain();
    this.#onGone();
  }
}

module.exports = { Output };
