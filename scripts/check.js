'use strict';

const path = require('path');
const { installHosts } = require('./hosts');
const { invariants } = require('./invariants');
const { setup } = require('./setup');
const { buildAddon } = require('./setup/addon');
const { IN_CI, ROOT, Stop, capture, main, mustRun } = require('./setup/process');
const { checkRust } = require('./setup/toolchain');

const CODE = [
  '{lib,dist,scripts,__test__,examples,benchmark,fuzz,kits}/**/*.{js,mjs,cjs,ts,mts,cts}',
  '*.{js,mjs,ts,mts}',
];

async function step(name, command, args) {
  console.log(`\n== ${name}`);
  await mustRun(`\ncheck failed: ${name}`, command, args);
}

const nodeStep = (name, script, args) =>
  step(name, process.execPath, [path.join(ROOT, 'node_modules', script), ...args]);

async function cargoDeny() {
  if (capture('cargo', ['deny', '--version']).ok) {
    await step('licences, duplicates, sources', 'cargo', ['deny', '--offline', 'check', 'licenses', 'bans', 'sources']);
  } else if (IN_CI) {
    throw new Stop('check failed: cargo-deny is missing (.ci/run installs it)');
  } else {
    console.log('\n== licences, duplicates, sources: skipped, cargo-deny is not installed (.ci/run says how)');
  }
}

async function treeStaysClean() {
  console.log('\n== the tree is clean after a build');
  const before = capture('git', ['status', '--porcelain']);
  if (!before.ok) {
    console.log('skipped, this is no git clone');
    return;
  }
  // A bare clone was just built by `setup`, and minutes count in CI.
  if (!IN_CI) await buildAddon(checkRust());
  const after = capture('git', ['status', '--porcelain']);
  // On a developer's machine there are edits; what counts is that the build adds none.
  if (after.text !== before.text) throw new Stop(`check failed: the build changed the tree\n${after.text}`);
  if (IN_CI && after.text !== '') throw new Stop(`check failed: the tree is not clean\n${after.text}`);
}

function checkInvariants() {
  console.log('\n== invariants');
  const checks = invariants();
  let broken = 0;
  for (const name of Object.keys(checks)) {
    const found = typeof checks[name] === 'string' ? [] : checks[name]();
    if (typeof checks[name] === 'string') console.log(`skipped: ${name} (${checks[name]})`);
    else console.log(`${found.length === 0 ? 'ok' : 'BROKEN'}: ${name}`);
    found.forEach((place) => console.log(`  ${place}`));
    broken += found.length;
  }
  if (broken > 0) throw new Stop(`check failed: ${broken} places break an invariant`);
}

main(async () => {
  await setup();
  await installHosts();
  await step('Rust format', 'cargo', ['fmt', '--all', '--check']);
  await step('Rust format of the fuzz targets', 'cargo', ['fmt', '--manifest-path', 'fuzz/Cargo.toml', '--check']);
  await step('Rust format of the counts', 'cargo', ['fmt', '--manifest-path', 'benchmark/core/Cargo.toml', '--check']);
  await nodeStep('JavaScript format', 'prettier/bin/prettier.cjs', [
    '--check',
    '--no-error-on-unmatched-pattern',
    ...CODE,
  ]);
  await nodeStep('types of lib', 'typescript/bin/tsc', ['-p', 'tsconfig.json']);
  await step('clippy', 'cargo', ['clippy', '--workspace', '--all-targets', '--', '-D', 'warnings']);
  await cargoDeny();
  checkInvariants();
  await treeStaysClean();
  console.log('\ncheck passed');
});
