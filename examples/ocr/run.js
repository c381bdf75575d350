'use strict';

// Reads the text in images, as an app would: starts the engine, submits a job per image, shows how they get on.

const os = require('os');
const path = require('path');
const { parseArgs } = require('util');
const { EngineClient, JobManager } = require('../..');
const { showProgress } = require('./progress');

const SAMPLES = ['invoice.png', 'letter.png', 'receipt.png'].map((name) => path.join(__dirname, 'samples', name));

const HELP = `Reads the text in images.

  npm start                     reads three sample images
  npm start -- photo.png …      reads your images (PNG, JPEG, TIFF, BMP, GIF, WebP)

Progress goes to stderr, the texts to stdout. Exit code: 0 when every image was read, 1 when one was not,
2 when the arguments are wrong, 130 after Ctrl-C.`;

async function main() {
  let args;
  try {
    args = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean', short: 'h' } } });
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    return 2;
  }
  if (args.values.help) {
    console.log(HELP);
    return 0;
  }
  const images = args.positionals.length > 0 ? args.positionals.map((image) => path.resolve(image)) : SAMPLES;

  // Inside Electron, process.execPath is the app: there the engine also needs env: { ELECTRON_RUN_AS_NODE: '1' }.
  const engine = new EngineClient({
    enginePath: process.execPath,
    args: [path.join(__dirname, 'engine.js')],
    // Tesseract remarks on every image. What the engine said before an unasked exit comes with `exit`.
    stderr: 'ignore',
  });
  let lastWords = '';
  engine.on('exit', (event) => (lastWords = event.data.stderrTail || ''));

  const abandoned = abandonment(engine);
  try {
    await Promise.race([engine.start(), abandoned]);
    const began = Date.now();
    const results = await recognize(engine, images, abandoned);
    console.log(`\n${results.map(describe).join('\n')}`);
    const failed = results.filter((result) => result.error).length;
    console.log(`${images.length - failed} read, ${failed} failed, ${seconds(Date.now() - began)}`);
    if (lastWords) console.error(`The engine ended on its own and was started anew. It said:\n${lastWords}`);
    return failed > 0 ? 1 : 0;
  } catch (error) {
    if (error.exitCode) return error.exitCode;
    console.error(`The OCR engine failed: ${error.message}\n${lastWords}`);
    return 1;
  } finally {
    await engine.stop();
  }
}

/** Submits all images at once; the manager gives them to the engine one after the other. */
async function recognize(engine, images, abandoned) {
  // One, because the engine reads one image at a time: so each duration below is that of the work alone.
  const manager = new JobManager(engine, { concurrency: 1 });
  const names = images.map((image) => path.basename(image));
  const progress = showProgress(names);
  const indexes = new Map();
  const durations = new Map();
  manager.on('job:progress', (job) => progress.update(indexes.get(job.jobId), job.message, job.progress));
  manager.on('job:completed', (job) => durations.set(job.jobId, job.duration));

  const jobs = images.map((imagePath, index) => {
    const job = manager.submit('ocr', { imagePath });
    indexes.set(job.jobId, index);
    return job.then(
      ({ data }) => {
        const duration = durations.get(job.jobId);
        progress.update(index, `read in ${seconds(duration)}`, 100);
        return { name: names[index], data, duration };
      },
      (error) => {
        progress.update(index, 'failed');
        return { name: names[index], error };
      },
    );
  });
  try {
    return await Promise.race([Promise.all(jobs), abandoned]);
  } finally {
    progress.stop();
  }
}

/**
 * Rejects when the run ends early: at Ctrl-C, at SIGTERM, or when the engine failed so often that the runtime gives up,
 * which leaves queued jobs open. A second Ctrl-C ends this process at once, and the runtime ends the engine.
 */
function abandonment(engine) {
  return new Promise((resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM']) {
      const exitCode = 128 + os.constants.signals[signal];
      process.once(signal, () => reject(Object.assign(new Error(`Ended by ${signal}`), { exitCode })));
    }
    engine.on('error', ({ data }) => data.code === 'RESTART_LIMIT' && reject(data));
  });
}

function describe({ name, data, duration, error }) {
  if (error) return `── ${name}: failed\n\n${error.message}\n`;
  const text = data.text.trim() || '(no text found)';
  return `── ${name}: confidence ${data.confidence}%, ${seconds(duration)}\n\n${text}\n`;
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

// Should the event loop run dry before `main` is through, that is no success.
process.exitCode = 1;
main().then((code) => (process.exitCode = code));
