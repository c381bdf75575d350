'use strict';

const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const { installPackages } = require('./setup/packages');
const { ROOT, Stop, capture, main, mustRun } = require('./setup/process');
const { checkNode, checkRust } = require('./setup/toolchain');

// Builds the addon and SQLite with AddressSanitizer and lets a whole app run on them, then looks for leaks. Node itself is
// the ordinary one: of LeakSanitizer's report only what has the addon in its stack counts.

const TARGET = 'x86_64-unknown-linux-gnu';
const FOLDER = 'target/sanitize';
const STAGE = `${FOLDER}/package`;
const ADDON = 'desktop-runtime.linux-x64-gnu.node';
const APP = '__test__/fixtures/apps/exercises-everything.js';

/**
 * Leaks that are not ours to mend. napi-rs keeps a reference to the constructor of each class for each environment and
 * does not delete it with the environment: 40 bytes for each class and worker thread.
 */
const OTHERS = [/register_classes/];

/** The compiler's own runtime library, loaded first as it must be where the program itself does not bring it. */
function runtimeLibrary() {
  const { ok, text } = capture('gcc', ['-print-file-name=libasan.so']);
  const library = text.trim();
  if (!ok || !path.isAbsolute(library)) throw new Stop('gcc has no AddressSanitizer (Debian: libgcc-12-dev or newer)');
  return fs.realpathSync(library);
}

async function build() {
  const env = {
    ...process.env,
    // The flag is not stable; what it makes is code of the same compiler.
    RUSTC_BOOTSTRAP: '1',
    RUSTFLAGS: '-Zsanitizer=address',
    CFLAGS_x86_64_unknown_linux_gnu: '-fsanitize=address -fno-omit-frame-pointer -g1',
  };
  const args = ['build', '-p', 'desktop-runtime-node', '--target', TARGET, '--target-dir', FOLDER];
  await mustRun('the addon could not be built with AddressSanitizer', 'cargo', args, { env });
}

/** The package as it ships, but for the addon. */
function stage() {
  const folder = path.join(ROOT, STAGE);
  fs.rmSync(folder, { recursive: true, force: true });
  for (const name of ['index.js', 'binding.js', 'package.json', 'lib', 'dist', '__test__/fixtures']) {
    fs.cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  }
  fs.copyFileSync(path.join(ROOT, FOLDER, TARGET, 'debug/libdesktop_runtime_node.so'), path.join(folder, ADDON));
}

/** The leaks of a report that have the addon in their stack, those of others apart. */
function leaksOf(report) {
  const leaks = report.split(/\n(?=(?:Direct|Indirect) leak of )/).slice(1);
  const addons = leaks.map((leak) => leak.split('\n\n')[0]).filter((leak) => leak.includes(ADDON));
  const isOthers = (leak) => OTHERS.some((pattern) => pattern.test(leak));
  return { own: addons.filter((leak) => !isOthers(leak)), others: addons.filter(isOthers) };
}

function exercise() {
  const began = Date.now();
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [path.join(ROOT, STAGE, APP)], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    env: {
      ...process.env,
      LD_PRELOAD: runtimeLibrary(),
      ASAN_OPTIONS: 'detect_stack_use_after_return=1:strict_string_checks=1',
      // Node's own leaks are no failure; the two checkers have one exit code.
      // Each frame with its module: a name alone does not say whose it is.
      LSAN_OPTIONS: 'exitcode=0:max_leaks=0:stack_trace_format="    #%n %f %S %M"',
    },
  });
  process.stdout.write(stdout);
  if (status !== 0 || stderr.includes('ERROR: AddressSanitizer') || !stdout.endsWith('done\n')) {
    throw new Stop(`${stderr.slice(0, 20000)}\nthe app ended with ${signal || status}`);
  }
  // Of the dependency's leaks at least: a checker that finds none has not looked.
  const { own, others } = leaksOf(stderr);
  if (others.length === 0) throw new Stop(`${stderr.slice(0, 20000)}\nLeakSanitizer did not look into the addon`);
  if (own.length > 0) throw new Stop(`${own.slice(0, 20).join('\n\n')}\n\n${own.length} leaks of the addon`);
  console.log(`no memory error, no leak of the addon (${Math.round((Date.now() - began) / 1000)} s)`);
}

main(async () => {
  checkNode();
  checkRust();
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Stop('the sanitizers are set up for linux-x64');
  await installPackages('.');
  await build();
  stage();
  exercise();
});
