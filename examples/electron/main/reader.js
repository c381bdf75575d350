'use strict';

// The images of the window and their jobs: what the app remembers, queues, shows and finishes after a crash.
// Knows nothing of windows and pages.

const { EventEmitter } = require('events');
const path = require('path');
const {
  CacheManager,
  CrashRecovery,
  ErrorCodes,
  JobManager,
  StreamHandler,
  createJobStream,
} = require('@niche-knack/desktop-runtime');
const { checkImage, keyOf } = require('./images');

/** Each start of the app counts for every job that it finds, so this is also how often a waiting job may see the app close. */
const ATTEMPTS = 10;

const UNDER_WAY = new Set(['waiting', 'reading']);

/** @typedef {{ text: string, confidence: number }} OcrResult confidence is 0 to 100 */

/**
 * Emits `item` with an image's public view whenever it changes, `removed` with its id, `notice` with a sentence for the user.
 * An item's state is waiting, reading, done, failed or cancelled.
 */
class Reader extends EventEmitter {
  /**
   * @param {import('@niche-knack/desktop-runtime').EngineClient} engine
   * @param {string} folder where the cache and the unfinished jobs are kept
   */
  constructor(engine, folder) {
    super();
    // One at a time, as the engine works: so a job that shows progress is the one that is being read.
    this.manager = new JobManager(engine, { concurrency: 1 });
    this.cache = new CacheManager({ cacheDir: path.join(folder, 'cache'), maxDiskSize: 256 * 1024 * 1024 });
    // With `manager`, a job is on disk before `submit` returns, and is submitted again by the next start's `init`.
    this.recovery = new CrashRecovery(engine, {
      stateDir: path.join(folder, 'jobs'),
      manager: this.manager,
      maxAttempts: ATTEMPTS,
    });
    this.streams = new StreamHandler();
    this.streams.attach(this.manager);
    this.items = new Map();
    this.count = 0;
    this.closing = false;
    this.recovery.on('recovery:job', ({ job, success }) => success && this.follow(this.recovered(job)));
    this.manager.on('job:started', ({ jobId }) => this.changeUnderWay(jobId, { state: 'reading', percent: 0 }));
    this.manager.on('job:completed', ({ jobId, duration }) => this.changeUnderWay(jobId, { duration }));
  }

  /** Has the jobs that an earlier run left under way again. */
  async open() {
    await this.recovery.init();
    for (const job of this.recovery.getParkedJobs()) {
      const error = `Given up: ${ATTEMPTS} attempts did not finish it`;
      this.change(this.recovered(job), { state: 'failed', error });
    }
  }

  /** Takes images in. Those that are not taken become one notice. */
  async add(paths) {
    const refused = [];
    for (const file of paths) {
      await this.addOne(file).catch((error) => refused.push(error.message));
    }
    const others = refused.length > 1 ? ` (and ${refused.length - 1} more)` : '';
    if (refused.length > 0) this.emit('notice', `${refused[0]}${others}`);
  }

  async addOne(file) {
    const began = Date.now();
    await checkImage(file);
    const key = await keyOf(file);
    /** @type {{ found: boolean, value?: OcrResult }} */
    const cached = await this.cache.get(key);
    if (this.closing) return;
    if (this.underWay(key)) throw new Error(`${path.basename(file)} is under way already`);
    const item = this.newItem(file, key);
    if (!cached.found) this.submit(item);
    else this.change(item, { ...textOf(cached.value), state: 'done', cached: true, duration: Date.now() - began });
  }

  submit(item) {
    this.change(item, { state: 'waiting', percent: 0, error: undefined });
    this.follow(item);
    // The stream tells of a failure as well.
    this.manager.submit('ocr', { imagePath: item.path }, { id: item.key }).catch(() => {});
  }

  /** Shows how the item's job gets on, to its end. */
  async follow(item) {
    /** @type {AsyncIterable<{ type: string, data: any }>} */
    const events = createJobStream(this.streams, item.key);
    for await (const { type, data } of events) {
      if (this.closing) return;
      if (type === 'progress') this.change(item, { state: 'reading', percent: data.percent });
      if (type === 'error') this.change(item, endOf(data, item));
      if (type === 'result') {
        await this.remember(item, data);
        this.change(item, { ...textOf(data), state: 'done', percent: 100 });
      }
    }
  }

  /** Keeps the text for the next time, unless the file was changed meanwhile: then it is another image's. */
  async remember(item, data) {
    const key = await keyOf(item.path).catch(() => null);
    if (key === item.key) await this.cache.set(key, data);
  }

  /** @returns {Promise<boolean>} false when the job had ended already */
  async cancel(id) {
    const item = this.items.get(id);
    return item !== undefined && this.manager.cancel(item.key);
  }

  /** Reads an image anew whose job failed or was cancelled. */
  async again(id) {
    const item = this.items.get(id);
    if (!item || item.state === 'done' || UNDER_WAY.has(item.state)) return;
    this.remove(id);
    await this.add([item.path]);
  }

  /** Takes an image that is not under way off the list. */
  remove(id) {
    const item = this.items.get(id);
    if (!item || UNDER_WAY.has(item.state)) return;
    // A job that was given up is still on disk.
    if (!this.underWay(item.key)) this.recovery.removeJob(item.key);
    this.items.delete(id);
    this.emit('removed', id);
  }

  textOf(id) {
    const item = this.items.get(id);
    return item && item.text;
  }

  pathOf(id) {
    const item = this.items.get(id);
    return item && item.path;
  }

  /** Everything there is to show. */
  list() {
    return Array.from(this.items.values(), viewOf);
  }

  /** Unfinished jobs stay on disk: the next start finishes them. */
  async close() {
    this.closing = true;
    await this.recovery.shutdown();
    await this.cache.close();
  }

  recovered(job) {
    const item = this.newItem(job.payload.imagePath, job.id);
    this.change(item, { recovered: true });
    return item;
  }

  newItem(file, key) {
    this.count += 1;
    const item = { id: String(this.count), path: file, key, state: 'waiting', percent: 0 };
    this.items.set(item.id, item);
    return item;
  }

  underWay(key) {
    return Array.from(this.items.values()).find((item) => item.key === key && UNDER_WAY.has(item.state));
  }

  changeUnderWay(key, change) {
    const item = this.underWay(key);
    if (item && !this.closing) this.change(item, change);
  }

  change(item, change) {
    Object.assign(item, change);
    if (this.items.has(item.id)) this.emit('item', viewOf(item));
  }
}

function textOf({ text, confidence }) {
  return { text: text.trim(), confidence };
}

function endOf({ code, message }, { path: file }) {
  if (code === ErrorCodes.JOB_CANCELLED) return { state: 'cancelled' };
  return { state: 'failed', error: message.split(file).join(path.basename(file)) };
}

/** What the page may know: not where the file lies. */
function viewOf({ key, path: file, ...rest }) {
  return { name: path.basename(file), ...rest };
}

module.exports = { Reader };
