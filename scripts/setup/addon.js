'use strict';

const fs = require('fs');
const path = require('path');
const { ROOT, mustRun } = require('./process');
const { filesBelow, hashOf, isStamped, writeStamp } = require('./stamp');

const STAMP = 'node_modules/.cache/addon-hash';
const CLI = 'node_modules/@napi-rs/cli';

/** What the addon is made of. package.json is part of it: it names the addon and its targets. */
function sources() {
  const crates = fs.readdirSync(path.join(ROOT, 'crates')).map((crate) => `crates/${crate}`);
  const folders = ['src', ...crates.map((crate) => `${crate}/src`), '.cargo'];
  return [
    'Cargo.toml',
    'Cargo.lock',
    'build.rs',
    'package.json',
    `${CLI}/package.json`,
    ...crates.map((crate) => `${crate}/Cargo.toml`),
    ...folders
      .filter((folder) => fs.existsSync(path.join(ROOT, folder)))
      .reduce((all, folder) => [...all, ...filesBelow(folder)], []),
  ];
}

function results() {
  const addons = fs.readdirSync(ROOT).filter((name) => name.endsWith('.node'));
  return ['binding.d.ts', ...addons.sort()];
}

function currentHash(rust) {
  // A profile may be changed for a quicker build: what it made is not what ships.
  const profile = Object.keys(process.env)
    .filter((name) => name.startsWith('CARGO_PROFILE_'))
    .sort()
    .map((name) => `${name}=${process.env[name]}`);
  return hashOf([...sources(), ...results()], [process.platform, process.arch, rust, ...profile]);
}

/**
 * Builds the addon in release mode and the types of what it exports; what loads it is `binding.js`.
 * @param {string} rust the compiler's version line: another compiler is a reason to build anew
 */
async function buildAddon(rust) {
  console.log('Building the native addon in release mode (the first time takes a few minutes)');
  const files = ['--no-js', '--dts', 'binding.d.ts'];
  const cli = [`${CLI}/dist/cli.js`, 'build', '--platform', '--release', ...files];
  await mustRun('The native addon could not be built: cargo says why above', process.execPath, cli);
  writeStamp(STAMP, currentHash(rust));
}

/** Builds the addon only when its sources, its compiler or what was built have changed. */
async function ensureAddon(rust) {
  if (!isStamped(STAMP, currentHash(rust))) await buildAddon(rust);
}

module.exports = { buildAddon, ensureAddon };
