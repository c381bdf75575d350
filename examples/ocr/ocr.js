'use strict';

// The job type `ocr`: a path of an image in, its text and tesseract's confidence (0–100) out. First in, first out, one at
// a time: the app's JobManager has the priorities, here none is left. Owns the one tesseract worker, a thread that is
// reused from job to job and ended to cancel one.

const fs = require('fs/promises');
const { ErrorCodes, JobError } = require('@niche-knack/engine-kit');
const { OEM, PSM, createWorker } = require('tesseract.js');
const { folderOf, installed } = require('./languages');

const DEFAULT_LANGUAGE = 'eng';

class Ocr {
  /** By language: what loads its worker. */
  #models = new Map();
  #progress = () => {};
  /** Settles when the last of the jobs that came is through. */
  #turn = Promise.resolve();
  /** The worker that recognizes, and a promise of the end of that. */
  #busy = { worker: null, finished: null };

  /** A model for each installed language. */
  constructor(engine) {
    for (const { code, size } of installed()) {
      const model = engine.model(code, {
        name: `Tesseract LSTM, ${code}`,
        type: 'ocr',
        size,
        load: () => createReadyWorker(code, (...report) => this.#report(...report)),
        unload: async (worker) => {
          if (this.#busy.worker === worker) await this.#busy.finished;
          await worker.terminate();
        },
      });
      this.#models.set(code, model);
    }
  }

  /** Loads the worker ahead of the first job. A failure is told to the job that needs it. */
  warmUp() {
    this.#models
      .get(DEFAULT_LANGUAGE)
      .get()
      .catch((error) => console.error('The OCR worker did not load:', error.message));
  }

  async read(payload, job) {
    const { imagePath, model } = this.#check(payload);
    const before = this.#turn;
    let through;
    this.#turn = new Promise((resolve) => (through = resolve));
    const aborted = new Promise((resolve, reject) => {
      job.signal.addEventListener('abort', () => reject(job.signal.reason), { once: true });
    });
    try {
      await Promise.race([before, aborted]);
      return await this.#recognize(imagePath, model, job, aborted);
    } finally {
      // A job that was cancelled while it waited lets nobody overtake those before it.
      before.then(through);
    }
  }

  #check(payload) {
    const { imagePath, lang = DEFAULT_LANGUAGE } = Object(payload);
    if (typeof imagePath !== 'string' || imagePath === '') {
      throw new JobError(ErrorCodes.INVALID_PARAMS, 'payload.imagePath must be the path of an image');
    }
    const model = this.#models.get(lang);
    if (model) return { imagePath, model };
    const codes = [...this.#models.keys()].join(', ');
    throw new JobError(ErrorCodes.INVALID_PARAMS, `payload.lang must be one of: ${codes}; got: ${lang}`);
  }

  async #recognize(imagePath, model, job, aborted) {
    this.#progress = (percent, message) => job.progress(percent, message);
    const image = await readImage(imagePath);
    // A worker reads its data from one folder, so another language takes another worker.
    for (const other of this.#models.values()) if (other !== model && other.loaded) await other.unload();
    const worker = await model.get();
    job.check();
    let finish;
    this.#busy = { worker, finished: new Promise((resolve) => (finish = resolve)) };
    try {
      const { data } = await Promise.race([worker.recognize(image, { rotateAuto: true }), aborted]);
      return { text: data.text, confidence: data.confidence };
    } catch (error) {
      // Recognition cannot be interrupted, only its thread be ended. After a fault its memory is not trusted either.
      this.#busy = { worker: null, finished: null };
      await model.unload();
      throw job.cancelled ? error : recognitionError(imagePath, error);
    } finally {
      this.#busy = { worker: null, finished: null };
      finish();
    }
  }

  #report(status, fraction) {
    const percent = status === 'recognizing text' ? Math.min(100, Math.round(fraction * 100)) : 0;
    this.#progress(percent, status);
  }
}

function createReadyWorker(lang, onProgress) {
  return new Promise((resolve, reject) => {
    const fail = (error) => reject(asError(error));
    createWorker(lang, OEM.LSTM_ONLY, {
      langPath: folderOf(lang),
      gzip: true,
      cacheMethod: 'none', // else a copy of the data is left in the current folder
      logger: ({ status, progress }) => onProgress(status, progress),
      // createWorker stays pending for ever when a language does not load; only this handler is told.
      // Without it, a failed recognition would also be thrown where nobody can catch it.
      errorHandler: fail,
    })
      .then(async (worker) => {
        // Rows stay rows: automatic segmentation takes the columns of an invoice apart.
        await worker.setParameters({ tessedit_pageseg_mode: PSM.SINGLE_BLOCK });
        resolve(worker);
      })
      .catch(fail);
  });
}

// Read here: tesseract.js would take a path that looks like a URL for one and fetch it.
async function readImage(imagePath) {
  try {
    const info = await fs.stat(imagePath);
    // Reading a pipe or a device may never end.
    if (!info.isFile()) throw new JobError(ErrorCodes.INVALID_PARAMS, `Not a file: ${imagePath}`);
    return await fs.readFile(imagePath);
  } catch (error) {
    if (error.code === 'ENOENT') throw new JobError(ErrorCodes.INVALID_PARAMS, `No such file: ${imagePath}`);
    if (error instanceof JobError) throw error;
    throw new JobError(ErrorCodes.INVALID_PARAMS, `Cannot read ${imagePath}: ${error.message}`);
  }
}

function recognitionError(imagePath, error) {
  const { message } = asError(error);
  if (message.startsWith('Error attempting to read image')) {
    return new JobError(ErrorCodes.INVALID_PARAMS, `Not an image that tesseract can read: ${imagePath}`);
  }
  return new JobError(ErrorCodes.INTERNAL_ERROR, `Recognition of ${imagePath} failed: ${message}`);
}

// tesseract.js rejects with strings.
function asError(error) {
  return error instanceof Error ? error : new Error(String(error).replace(/^Error: /, ''));
}

module.exports = { Ocr };
