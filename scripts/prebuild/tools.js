'use strict';

const fs = require('fs');
const path = require('path');
const { Stop, capture } = require('../setup/process');
const { debianPackages, once, pythonWheels } = require('./fetch');
const { inWork } = require('./targets');

// rustup's compiler has no sources of std with it; Debian's has, of exactly its own version, and so builds std for any
// target. The last three lines are what LLVM's library needs and a bare Debian may lack.
const RUST = '1.96.0';
const PACKAGES = [
  'rustc-web',
  'libstd-rust-web-dev',
  'libstd-rust-web-1.96',
  'rust-web-src',
  'libllvm22',
  'llvm-22',
  ...['libbsd0', 'libedit2', 'libffi8', 'libicu72', 'liblzma5', 'libmd0'],
  ...['libtinfo6', 'libxml2', 'libz3-4'],
];

/** Programs of the unpacked packages look for their libraries there as well. */
function wrapper(folder, program) {
  const libraries = ['usr/lib', 'lib'].map((base) => path.join(folder, base, 'x86_64-linux-gnu')).join(':');
  return `#!/bin/sh\nLD_LIBRARY_PATH="${libraries}" exec "${path.join(folder, program)}" "$@"\n`;
}

function writePrograms(folder, debian) {
  const programs = { rustc: 'usr/bin/rustc', 'rust-objcopy': 'usr/lib/llvm-22/bin/llvm-objcopy' };
  for (const [name, program] of Object.entries(programs)) {
    fs.writeFileSync(path.join(folder, name), wrapper(debian, program), { mode: 0o755 });
  }
}

/** napi's and rustc's words to the linker on Windows name libraries that nothing of ours is in. */
function writeStubs(folder) {
  fs.writeFileSync(path.join(folder, 'libnode.dll'), '');
  for (const name of ['node', 'ssp_nonshared']) fs.writeFileSync(path.join(folder, `lib${name}.a`), '!<arch>\n');
}

/** A compiler that builds std must have the sources of its own version: others fail with "unknown lang item". */
function checkVersions(rustc, sources) {
  const said = capture(rustc, ['-vV']);
  const compiler = (said.text.match(/^release: (.*)$/m) || [])[1];
  const std = path.basename(fs.realpathSync(sources)).replace(/^rustc-/, '');
  if (compiler === RUST && std === RUST) return;
  throw new Stop(
    `scripts/prebuild is tried with rustc ${RUST}; Debian gave the compiler ${compiler || said.text} and std ${std}. ` +
      'Change RUST and PACKAGES in scripts/prebuild/tools.js, build all targets anew and test them',
  );
}

/**
 * Fetches what builds the addons, once.
 * @returns {Promise<{rustc, sources, bin, python, zig, stubs}>} absolute paths
 */
async function buildTools() {
  const debian = await debianPackages('toolchain', PACKAGES);
  const python = await pythonWheels('python', 'tools');
  const bin = await once('bin', [debian], (folder) => writePrograms(folder, debian));
  const stubs = await once('stubs', [], writeStubs);
  const rustc = path.join(bin, 'rustc');
  const sources = path.join(debian, 'usr/lib/rustlib/src/rust');
  checkVersions(rustc, sources);
  return { rustc, sources, bin, python, zig: path.join(python, 'ziglang', 'zig'), stubs, caches: inWork('caches') };
}

module.exports = { buildTools };
