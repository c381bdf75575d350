'use strict';

const { ensureAddon } = require('./setup/addon');
const { installPackages } = require('./setup/packages');
const { checkNode, checkRust } = require('./setup/toolchain');

/** Sets up what is missing: tools are checked, packages come from the lock file, the addon is built. */
async function setup() {
  checkNode();
  const rust = checkRust();
  await installPackages('.');
  await ensureAddon(rust);
}

module.exports = { setup };
