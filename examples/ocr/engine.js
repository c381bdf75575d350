'use strict';

// An OCR engine: the process that an app's EngineClient starts. The kit does the talking; here stands what is offered.

const { Engine } = require('@niche-knack/engine-kit');
const { version } = require('./package.json');
const { Ocr } = require('./ocr');

const engine = new Engine({ version });
const ocr = new Ocr(engine);
engine.job('ocr', (payload, job) => ocr.read(payload, job));

// Exiting ends the tesseract thread.
engine.run().then(() => process.exit());
ocr.warmUp();
