'use strict';

const { buildAddon } = require('./setup/addon');
const { installPackages } = require('./setup/packages');
const { main } = require('./setup/process');
const { checkNode, checkRust } = require('./setup/toolchain');

main(async () => {
  checkNode();
  const rust = checkRust();
  await installPackages('.');
  await buildAddon(rust);
});
