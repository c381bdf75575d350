'use strict';

// The app's memory: texts that were read before come from the cache, and jobs that an earlier run left are finished.

const crypto = require('crypto');
const { promises: fs } = require('fs');
const path = require('path');
const { CacheManager, CrashRecovery, JobManager, StreamHandler, createJobStream } = require('../..');

/** To be changed when the engine gives other results for the same image: then the old ones count no more. */
const VERSION = 1;

class Reader {
  /**
   * @param {import('../..').EngineClient} engine
   * @param {string} folder where the cache and the unfinished jobs are kept
   */
  constructor(engine, folder) {
    // One, because the engine reads one image at a time: so each duration is that of the work alone.
    this.manager = new JobManager(engine, { concurrency: 1 });
    this.cache = new CacheManager({ cacheDir: path.join(folder, 'cache') });
    // With `manager` every job is on disk before `submit` returns, and submitted again after a crash.
    this.recovery = new CrashRecovery(engine, { stateDir: path.join(folder, 'jobs'), manager: this.manager });
    this.streams = new StreamHandler();
    this.streams.attach(this.manager);
    this.durations = new Map();
    this.manager.on('job:completed', ({ jobId, duration }) => this.durations.set(jobId, duration));
  }

  /** Forgets what earlier runs left. Instead of `recover`. */
  async forget() {
    await this.cache.clear();
    await this.recovery.init();
    await this.recovery.clearState();
    // What `init` has submitted again.
    await Promise.all(this.manager.getJobs().map(({ id }) => this.manager.cancel(id)));
  }

  /**
   * Has the jobs that an earlier run left under way again.
   * @returns {Promise<string[]>} the paths of their images
   */
  async recover() {
    const images = [];
    this.followed = new Map();
    this.recovery.on('recovery:job', ({ job, success }) => {
      if (!success) return;
      images.push(job.payload.imagePath);
      // Here, because it may end before anybody asks for its image.
      this.followed.set(job.id, createJobStream(this.streams, job.id));
    });
    await this.recovery.init();
    return images;
  }

  /**
   * @param {string} imagePath
   * @param {(note: string, percent: number) => void} onProgress
   * @returns {Promise<{ data?: { text: string, confidence: number }, error?: Error, duration?: number }>}
   *   without a duration it was in the cache
   */
  async read(imagePath, onProgress) {
    const key = await keyOf(imagePath);
    const cached = await this.cache.get(key);
    if (cached.found) return { data: cached.value };
    for await (const { type, data } of this.events(key, imagePath)) {
      if (type === 'progress') onProgress(data.message, data.percent);
      if (type === 'error') return { error: new Error(typeof data === 'string' ? data : data.message) };
      if (type !== 'result') continue;
      await this.cache.set(key, data);
      return { data, duration: this.durations.get(key) };
    }
    throw new Error(`The job of ${imagePath} ended without a result`);
  }

  /** The events of the image's job, which is submitted unless it is under way. */
  events(key, imagePath) {
    const followed = this.followed && this.followed.get(key);
    if (followed) this.followed.delete(key);
    const events = followed || createJobStream(this.streams, key);
    // The stream tells of its failure as well.
    if (!followed) this.manager.submit('ocr', { imagePath }, { id: key }).catch(() => {});
    return events;
  }

  /** Unfinished jobs stay on disk: the next run finishes them. */
  async close() {
    await this.recovery.shutdown();
    await this.cache.close();
  }
}

/** The same image has the same key, wherever it lies. The job has the key as its id. */
async function keyOf(imagePath) {
  try {
    const hash = crypto.createHash('sha256').update(await fs.readFile(imagePath));
    return `ocr/${VERSION}/${hash.digest('hex')}`;
  } catch (error) {
    // What is wrong with it the engine says.
    return `unreadable/${imagePath}`;
  }
}

module.exports = { Reader };
