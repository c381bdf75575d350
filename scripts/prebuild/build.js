'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { ROOT, mustRun } = require('../setup/process');
const { GLIBC_FLOOR, inWork, libcOf, systemOf } = require('./targets');

const CRATE = 'desktop_runtime_node';
const RESULT = { linux: `lib${CRATE}.so`, win32: `${CRATE}.dll`, darwin: `lib${CRATE}.dylib` };

function rustFlags(target, tools) {
  // What panics print, and what debuggers look for: without this, the paths of this machine.
  const names = {
    [process.env.CARGO_HOME || path.join(os.homedir(), '.cargo')]: 'cargo',
    [fs.realpathSync(tools.sources)]: 'rust',
    [tools.sources]: 'rust',
    [ROOT]: '.',
  };
  const flags = Object.entries(names).map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  if (libcOf(target) === 'musl') flags.push('-Ctarget-feature=-crt-static');
  if (systemOf(target) === 'darwin') {
    flags.push(`-Clink-arg=-Wl,-install_name,@rpath/${path.basename(target.addon)}`);
  }
  return flags;
}

function environment(target, tools) {
  const env = {
    ...process.env,
    PATH: [tools.bin, path.join(tools.python, 'bin'), process.env.PATH].join(path.delimiter),
    PYTHONPATH: tools.python,
    RUSTC: tools.rustc,
    // Building std is not stable yet.
    RUSTC_BOOTSTRAP: '1',
    // The separator of the other variable is a blank, and a path may hold one.
    CARGO_ENCODED_RUSTFLAGS: rustFlags(target, tools).join('\x1f'),
    CARGO_TARGET_DIR: inWork('cargo'),
    CARGO_ZIGBUILD_ZIG_PATH: tools.zig,
    CARGO_ZIGBUILD_CACHE_DIR: path.join(tools.caches, 'zigbuild'),
    ZIG_GLOBAL_CACHE_DIR: path.join(tools.caches, 'zig'),
    LIBNODE_PATH: tools.stubs,
  };
  // Without it zig writes the newest macOS into the file.
  if (systemOf(target) === 'darwin') env.MACOSX_DEPLOYMENT_TARGET = target.oldest.split(' ')[1];
  return env;
}

/** Builds one target's addon in release mode into its platform package. */
async function build(target, tools) {
  console.log(`Building ${target.platform}`);
  const triple = libcOf(target) === 'gnu' ? `${target.triple}.${GLIBC_FLOOR}` : target.triple;
  const flags = ['--release', '--locked', '-p', 'desktop-runtime-node', '-Zbuild-std=std,panic_unwind'];
  await mustRun(
    `${target.platform} could not be built: cargo says why above`,
    'cargo',
    ['zigbuild', ...flags, ...['--target', triple]],
    { env: environment(target, tools) },
  );
  const result = inWork('cargo', target.triple, 'release', RESULT[systemOf(target)]);
  fs.copyFileSync(result, path.join(ROOT, target.addon));
}

module.exports = { build };
