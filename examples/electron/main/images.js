'use strict';

// Image files: which are read, and what makes two of them the same.

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

/** What tesseract reads; the type is for the page, which shows those that its browser knows. */
const TYPES = {
  '.bmp': 'image/bmp',
  '.gif': 'image/gif',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.webp': 'image/webp',
};

/** To be raised when the engine gives other texts for the same image: then the cached ones count no more. */
const VERSION = 1;

/** @returns {string | undefined} the media type, by the file's name */
function typeOf(file) {
  return TYPES[path.extname(file).toLowerCase()];
}

/** Rejects with what is wrong, in words for the user. */
async function checkImage(file) {
  const name = path.basename(file);
  const info = await fs.promises.stat(file).catch((error) => {
    throw new Error(`${name} cannot be opened (${error.code})`);
  });
  if (info.isDirectory()) throw new Error(`${name} is a folder: drop the images in it`);
  if (!info.isFile() || !typeOf(file)) {
    throw new Error(`${name} is no image that can be read: PNG, JPEG, TIFF, BMP, GIF and WebP are`);
  }
}

/**
 * The same content has the same key, wherever it lies. It is the key of the text in the cache, and the id of the job.
 * @returns {Promise<string>}
 */
function keyOf(file) {
  return new Promise((resolve, reject) => {
    const hash = crypto.createHash('sha256');
    const stream = fs.createReadStream(file);
    stream.on('error', reject);
    stream.on('data', (chunk) => hash.update(chunk));
    stream.on('end', () => resolve(`ocr/${VERSION}/${hash.digest('hex')}`));
  });
}

module.exports = { checkImage, keyOf, typeOf };
