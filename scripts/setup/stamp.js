'use strict';

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { ROOT } = require('./process');

/** All files below a folder, paths relative to the root like every path here, in the same order on every machine. */
function filesBelow(folder) {
  const files = [];
  for (const entry of fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true })) {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) files.push(...filesBelow(name));
    else files.push(name);
  }
  return files.sort();
}

/** One hash over names and contents; a file that is missing counts as such. `facts` are strings to hash along. */
function hashOf(files, facts = []) {
  const hash = crypto.createHash('sha256');
  const add = (part) => hash.update(`${part.length}:`).update(part);
  facts.forEach((fact) => add(Buffer.from(fact)));
  for (const file of files) {
    add(Buffer.from(file));
    const place = path.join(ROOT, file);
    if (fs.existsSync(place)) add(fs.readFileSync(place));
    else add(Buffer.from('missing'));
  }
  return hash.digest('hex');
}

/** Whether the stamp file holds exactly `text`. */
function isStamped(file, text) {
  try {
    return fs.readFileSync(path.join(ROOT, file), 'utf8') === text;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

function writeStamp(file, text) {
  const place = path.join(ROOT, file);
  fs.mkdirSync(path.dirname(place), { recursive: true });
  fs.writeFileSync(place, text);
}

module.exports = { filesBelow, hashOf, isStamped, writeStamp };
