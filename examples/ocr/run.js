'use strict';

// Reads the text in images, as an app would: starts the engine, submits a job per image, shows how they get on.
// A text that was read before comes from the cache; a run that was killed half-way is finished by the next one.

const os = require('os');
const path = require('path');
const { parseArgs } = require('util');
const { EngineClient } = require('../..');
const { showProgress } = require('./progress');
const { Reader } = require('./reader');

const SAMPLES = ['invoice.png', 'letter.png', 'receipt.png'].map((name) => path.join(__dirname, 'samples', name));
const DATA = path.join(__dirname, 'data');

const HELP = `Reads the text in images.

  npm start                     reads three sample images; a second time their texts come from the cache
  npm start -- photo.png …      reads your images (PNG, JPEG, TIFF, BMP, GIF, WebP)
  npm start -- --fresh          forgets the cache and the jobs that an earlier run did not finish
  npm start -- --data FOLDER    keeps both there (default: examples/ocr/data)

Progress goes to stderr, the texts to stdout. Exit code: 0 when every image was read, 1 when one was not,
2 when the arguments are wrong, 130 after Ctrl-C.`;

const OPTIONS = {
  data: { type: 'string', default: DATA },
  fresh: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h' },
};

async function main() {
  let args;
  try {
    args = parseArgs({ allowPositionals: true, options: OPTIONS });
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
  const reader = new Reader(engine, path.resolve(args.values.data));
  let lastWords = '';
  engine.on('exit', (event) => (lastWords = event.data.stderrTail || ''));

  const abandoned = abandonment(engine);
  try {
    await Promise.race([engine.start(), abandoned]);
    const began = Date.now();
    const wanted = await withUnfinished(reader, images, args.values.fresh);
    const results = await Promise.race([readAll(reader, wanted, abandoned), abandoned]);
    console.log(`\n${results.map(describe).join('\n')}`);
    const failed = results.filter((result) => result.error).length;
    console.log(`${summary(results)}, ${seconds(Date.now() - began)}`);
    if (lastWords) console.error(`The engine ended on its own and was started anew. It said:\n${lastWords}`);
    return failed > 0 ? 1 : 0;
  } catch (error) {
    if (error.exitCode) {
      console.error('Jobs that are not done are kept: the next start finishes them.');
      return error.exitCode;
    }
    console.error(`The OCR engine failed: ${error.message}\n${lastWords}`);
    return 1;
  } finally {
    await reader.close();
    await engine.stop();
  }
}

/** The images to read: those that an earlier run did not finish, and the ones that are asked for. */
async function withUnfinished(reader, images, fresh) {
  if (fresh) {
    await reader.forget();
    return images;
  }
  const unfinished = await reader.recover();
  if (unfinished.length > 0) {
    console.error(
      `Recovered ${unfinished.length} unfinished ${unfinished.length === 1 ? 'job' : 'jobs'} of an earlier run`,
    );
  }
  return [...new Set([...unfinished, ...images])];
}

/** All at once; the manager gives them to the engine one after the other. */
async function readAll(reader, images, abandoned) {
  const names = images.map((image) => path.basename(image));
  const progress = showProgress(names);
  abandoned.catch(() => progress.stop());
  const readOne = async (image, index) => {
    const result = await reader.read(image, (note, percent) => progress.update(index, note, percent));
    if (result.error) progress.update(index, 'failed');
    else
      progress.update(
        index,
        result.duration === undefined ? 'from the cache' : `read in ${seconds(result.duration)}`,
        100,
      );
    return { name: names[index], ...result };
  };
  try {
    return await Promise.all(images.map(readOne));
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
  const origin = duration === undefined ? 'from the cache' : seconds(duration);
  return `── ${name}: confidence ${data.confidence}%, ${origin}\n\n${text}\n`;
}

function summary(results) {
  const read = results.filter((result) => !result.error);
  const cached = read.filter((result) => result.duration === undefined).length;
  const origin = cached > 0 ? `, ${cached} of them from the cache` : '';
  return `${read.length} read${origin}, ${results.length - read.length} failed`;
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

// Should the event loop run dry before `main` is through, that is no success.
process.exitCode = 1;
main().then((code) => (process.exitCode = code));
