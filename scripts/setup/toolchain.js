'use strict';

const fs = require('fs');
const path = require('path');
const { ROOT, Stop, capture } = require('./process');

// What the development tools run on (vitest and the napi CLI); the package itself needs much less.
const NODE_LINES = { 20: 19, 22: 13 };
const NODE_OLDEST = '20.19';

function parse(version) {
  const [major, minor] = version.split('.').map(Number);
  return { major, minor };
}

/** Ends with one line when this Node is too old for the development tools. */
function checkNode(version = process.versions.node) {
  const { major, minor } = parse(version);
  const line = NODE_LINES[major];
  const good = line === undefined ? major >= 24 : minor >= line;
  if (!good) {
    throw new Stop(
      `Node ${NODE_OLDEST} or newer (22.13 or newer of 22) is needed here, this is Node ${version}: install a current one from https://nodejs.org`,
    );
  }
}

function neededRust() {
  const manifest = fs.readFileSync(path.join(ROOT, 'Cargo.toml'), 'utf8');
  return /^rust-version = "([\d.]+)"/m.exec(manifest)[1];
}

/** Ends with one line when Rust is missing or too old; else gives the compiler's version line. */
function checkRust() {
  const needed = neededRust();
  const rust = capture('rustc', ['--version']);
  const cargo = rust.ok ? capture('cargo', ['--version']) : rust;
  const install = `install Rust ${needed} or newer from https://rustup.rs`;
  if (cargo.missing) throw new Stop(`Rust is missing: ${install}`);
  if (!cargo.ok) throw new Stop(`Rust does not run (${cargo.text.trim().split('\n')[0]}): ${install}`);
  const found = /(\d+\.\d+)/.exec(rust.text)[1];
  const [have, need] = [parse(found), parse(needed)];
  if (have.major < need.major || (have.major === need.major && have.minor < need.minor)) {
    throw new Stop(`Rust ${needed} or newer is needed, this is Rust ${found}: run "rustup update stable"`);
  }
  return rust.text.trim();
}

module.exports = { checkNode, checkRust };
