'use strict';

const fs = require('fs');
const path = require('path');
const { ROOT, Stop } = require('../setup/process');

const read = (file) => JSON.parse(fs.readFileSync(path.join(ROOT, file), 'utf8'));

/** The folders of the platform packages; each is called as its platform. */
function platforms() {
  return fs.readdirSync(path.join(ROOT, 'npm')).sort();
}

/** What the repository needs and an app does not. `files` has done its work when the folder is staged. */
const OURS = ['devDependencies', 'files', 'napi', 'overrides', 'private', 'scripts'];

function published(manifest) {
  const kept = Object.keys(manifest).filter((key) => !OURS.includes(key));
  return kept.reduce((all, key) => ({ ...all, [key]: manifest[key] }), {});
}

/**
 * The main package's manifest as it is published. The platform packages are in it only here: in the repository they would
 * make `npm ci` look for versions that are not published yet.
 * @param {object} facts goes into every manifest, `repository` above all
 */
function mainManifest(facts = {}) {
  const manifest = read('package.json');
  const optionalDependencies = {};
  for (const platform of platforms()) optionalDependencies[platformManifest(platform).name] = manifest.version;
  return { ...published(manifest), ...facts, optionalDependencies };
}

function platformManifest(platform, facts = {}) {
  const main = read('package.json');
  const manifest = read(`npm/${platform}/package.json`);
  const wanted = { name: `${main.name}-${platform}`, version: main.version, main: addonOf(platform) };
  for (const key of Object.keys(wanted)) {
    if (manifest[key] === wanted[key]) continue;
    throw new Stop(`npm/${platform}/package.json: ${key} is ${manifest[key]}, it has to be ${wanted[key]}`);
  }
  return { ...published(manifest), type: 'commonjs', ...facts };
}

function addonOf(platform) {
  return `${read('package.json').napi.binaryName}.${platform}.node`;
}

module.exports = { addonOf, mainManifest, platformManifest, platforms };
