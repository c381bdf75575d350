'use strict';

// The job type `ocr`: a path of an image in, its text and tesseract's confidence (0–100) out.
// Owns the one tesseract worker, a thread that is reused from job to job and ended to cancel one.

const fs = require('fs/promises');
const { OEM, PSM, createWorker } = require('tesseract.js');
const { folderOf, installed } = require('./languages');
const { CODES, RpcError } = require('./wire');

const DEFAULT_LANGUAGE = 'eng';

class Ocr {
  /** @type {{lang: string, loaded: boolean, ready: Promise<import('tesseract.js').Worker>} | null} */
  #worker = null;
  #progress = () => {};

  /** Loads the worker ahead of the first job. A failure is told to the job that needs it. */
  warmUp() {
    this.#load(DEFAULT_LANGUAGE).catch((error) => console.error('The OCR worker did not load:', error.message));
  }

  /** @returns {string | null} the language in memory */
  loadedLanguage() {
    return this.#worker && this.#worker.loaded ? this.#worker.lang : null;
  }

  check(payload) {
    const { imagePath, lang = DEFAULT_LANGUAGE } = Object(payload);
    if (typeof imagePath !== 'string' || imagePath === '') {
      throw new RpcError(CODES.INVALID_PARAMS, 'payload.imagePath must be the path of an image');
    }
    const codes = installed().map(({ code }) => code);
    if (!codes.includes(lang)) {
      throw new RpcError(CODES.INVALID_PARAMS, `payload.lang must be one of: ${codes.join(', ')}; got: ${lang}`);
    }
  }

  async run({ imagePath, lang = DEFAULT_LANGUAGE }, progress, signal) {
    this.#progress = progress;
    const image = await readImage(imagePath);
    const worker = await this.#load(lang);
    signal.throwIfAborted();
    const aborted = new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    try {
      const { data } = await Promise.race([worker.recognize(image, { rotateAuto: true }), aborted]);
      return { text: data.text, confidence: data.confidence };
    } catch (error) {
      // Recognition cannot be interrupted, only its thread be ended. After a fault its memory is not trusted either.
      this.#worker = null;
      await worker.terminate();
      throw signal.aborted ? error : recognitionError(imagePath, error);
    }
  }

  #load(lang) {
    if (this.#worker && this.#worker.lang === lang) return this.#worker.ready;
    // A worker reads its data from one folder, so another language takes another worker.
    if (this.#worker) this.#worker.ready.then((worker) => worker.terminate()).catch(() => {});
    const worker = { lang, loaded: false, ready: createReadyWorker(lang, (...report) => this.#report(...report)) };
    this.#worker = worker;
    worker.ready.then(
      () => (worker.loaded = true),
      () => this.#worker === worker && (this.#worker = null),
    );
    return worker.ready;
  }

  #report(status, fraction) {
    const percent = status === 'recognizing text' ? Math.min(100, Math.round(fraction * 100)) : 0;
    this.#progress(percent, status);
  }
}

function createReadyWorker(lang, onProgress) {
  return new Promise((resolve, reject) => {
    const fail = (error) => reject(new Error(`The language ${lang} did not load: ${asError(error).message}`));
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
    if (!info.isFile()) throw new RpcError(CODES.INVALID_PARAMS, `Not a file: ${imagePath}`);
    return await fs.readFile(imagePath);
  } catch (error) {
    if (error.code === 'ENOENT') throw new RpcError(CODES.INVALID_PARAMS, `No such file: ${imagePath}`);
    if (error instanceof RpcError) throw error;
    throw new RpcError(CODES.INVALID_PARAMS, `Cannot read ${imagePath}: ${error.message}`);
  }
}

function recognitionError(imagePath, error) {
  const { message } = asError(error);
  if (message.startsWith('Error attempting to read image')) {
    return new RpcError(CODES.INVALID_PARAMS, `Not an image that tesseract can read: ${imagePath}`);
  }
  return new RpcError(CODES.INTERNAL_ERROR, `Recognition of ${imagePath} failed: ${message}`);
}

// tesseract.js rejects with strings.
function asError(error) {
  return error instanceof Error ? error : new Error(String(error).replace(/^Error: /, ''));
}

module.exports = { Ocr };
