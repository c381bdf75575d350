'use strict';

const fs = require('fs');
const path = require('path');
const { setup } = require('./setup');
const { installPackages } = require('./setup/packages');
const { ROOT, main, mustRun, run } = require('./setup/process');

const BENCHMARK = path.join(ROOT, 'benchmark');

/** Packages are installed without their scripts; this peer is compiled by its own, against this Node's headers if they are there. */
async function buildSqlite() {
  if (fs.existsSync(path.join(BENCHMARK, 'node_modules/sqlite3/build/Release/node_sqlite3.node'))) return;
  const prefix = path.resolve(process.execPath, '../..');
  const headers = fs.existsSync(path.join(prefix, 'include/node/node.h')) ? { npm_config_nodedir: prefix } : {};
  const env = { ...process.env, ...headers };
  const code = await run('npm', ['rebuild', 'sqlite3'], { cwd: BENCHMARK, env, shell: process.platform === 'win32' });
  if (code !== 0) console.log('sqlite3 could not be compiled: keyv-sqlite is left out');
}

main(async () => {
  await setup();
  await installPackages('benchmark');
  await buildSqlite();
  await mustRun('The benchmark engine could not be built: cargo says why above', 'cargo', [
    ...['build', '--release', '--locked', '--quiet', '--manifest-path', 'benchmark/engine/Cargo.toml'],
    ...['--target-dir', 'target/benchmark'],
  ]);
  const runner = path.join(ROOT, 'benchmark', 'run.js');
  const cwd = process.env.INIT_CWD || process.cwd();
  process.exitCode = await run(process.execPath, [runner, ...process.argv.slice(2)], { cwd });
});
