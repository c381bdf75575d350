'use strict';

// The language data that npm installed beside tesseract.js: one package `@tesseract.js-data/<code>` per language.

const fs = require('fs');
const path = require('path');

// Smaller and faster than the full data, and all that tesseract.js uses by default.
const VARIANT = '4.0.0_best_int';
const PACKAGES = path.dirname(path.dirname(require.resolve('@tesseract.js-data/eng/package.json')));

/** The folder that holds a language's `<code>.traineddata.gz`. */
function folderOf(code) {
  return path.join(PACKAGES, code, VARIANT);
}

/** @returns {Array<{code: string, size: number}>} what is installed; sizes in bytes, as packed */
function installed() {
  return fs.readdirSync(PACKAGES).flatMap((code) => {
    const data = fs.statSync(path.join(folderOf(code), `${code}.traineddata.gz`), { throwIfNoEntry: false });
    return data ? [{ code, size: data.size }] : [];
  });
}

module.exports = { folderOf, installed };
