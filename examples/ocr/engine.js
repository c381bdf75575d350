'use strict';

// An OCR engine: the process that an app's EngineClient starts. Answers requests on stdin, writes answers and job
// events to stdout, logs to stderr. Ends when stdin ends, and at once on SIGTERM (no handler: the signal ends it).

const output = process.stdout;
// stdout belongs to the wire alone. From here on a stray console.log, in this thread or in tesseract's, goes to stderr.
Object.defineProperty(process, 'stdout', { value: process.stderr });

const os = require('os');
const { version } = require('./package.json');
const { Jobs } = require('./jobs');
const { installed } = require('./languages');
const { Ocr } = require('./ocr');
const { send, serve } = require('./wire');

const ocr = new Ocr();
const jobs = new Jobs({ ocr }, (event) => send(output, event));

const methods = {
  'engine.health': () => ({
    status: 'ok',
    version,
    uptime: Math.round(process.uptime() * 1000),
    memory: { used: process.memoryUsage.rss(), total: os.totalmem() },
  }),
  'jobs.start': (params) => jobs.start(params),
  'jobs.status': (params) => jobs.status(params),
  'jobs.cancel': (params) => jobs.cancel(params),
  'jobs.list': () => jobs.list(),
  'models.list': () =>
    installed().map(({ code, size }) => ({
      id: code,
      name: `Tesseract LSTM, ${code}`,
      type: 'ocr',
      loaded: ocr.loadedLanguage() === code,
      size,
    })),
};

// The app is gone: nobody reads any more.
output.on('error', () => process.exit());
// Exiting ends the tesseract thread; first the last answers leave.
serve(process.stdin, output, methods, () => output.write('', () => process.exit()));
ocr.warmUp();
