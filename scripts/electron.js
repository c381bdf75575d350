'use strict';

const fs = require('fs');
const path = require('path');
const { CAN_INSTALL, electronProgram, installElectron } = require('./hosts');
const { setup } = require('./setup');
const { installPackages } = require('./setup/packages');
const { ROOT, Stop, main, mustRun, run } = require('./setup/process');

const APP = path.join(ROOT, 'examples', 'electron');
const PACKAGE = path.join(APP, 'node_modules', 'electron');

/** The Electron of the app's own package, when it was downloaded. */
function downloaded() {
  const named = path.join(PACKAGE, 'path.txt');
  if (!fs.existsSync(named)) return null;
  const program = path.join(PACKAGE, 'dist', fs.readFileSync(named, 'utf8'));
  return fs.existsSync(program) ? program : null;
}

async function electron() {
  if (process.env.ELECTRON) return process.env.ELECTRON;
  if (downloaded()) return downloaded();
  if (CAN_INSTALL) {
    await installElectron();
    const { path: program, reason } = electronProgram();
    if (program) return program;
    throw new Stop(reason);
  }
  const failure =
    'Electron could not be downloaded: that needs Node 22.12 or newer; the variable ELECTRON may name one that you have';
  await mustRun(failure, process.execPath, [path.join(PACKAGE, 'install.js')]);
  return downloaded();
}

function needScreen() {
  if (process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY) return;
  throw new Stop('There is no screen: DISPLAY is not set. "xvfb-run -a npm run electron" runs the app without one');
}

main(async () => {
  needScreen();
  await setup();
  await installPackages('examples/ocr');
  await installPackages('examples/electron');
  const args = [APP, ...process.argv.slice(2)];
  if (process.platform === 'linux' && process.getuid() === 0) {
    console.log('Chromium has no sandbox for root: the app runs without it');
    args.unshift('--no-sandbox');
  }
  // An old Electron needs another Node for the engine: this one will do.
  const env = { NODE: process.execPath, ...process.env };
  delete env.ELECTRON_RUN_AS_NODE; // set in terminals of editors that are Electron apps
  process.exitCode = await run(await electron(), args, { env });
});
