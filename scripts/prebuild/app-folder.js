'use strict';

const fs = require('fs');
const path = require('path');
const { ROOT } = require('../setup/process');
const { inWork } = require('./targets');

const PACKAGE = '@niche-knack/desktop-runtime';
const manifestOf = (folder) => JSON.parse(fs.readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8'));

/** Puts what a package's manifest lists into an app's node_modules; of the runtime no addon that happens to lie there. */
function install(app, name, folder) {
  const into = path.join(app, 'node_modules', name);
  const isOther = (file) => folder === '.' && file.includes('*');
  for (const file of ['package.json', ...manifestOf(folder).files].filter((listed) => !isOther(listed))) {
    fs.cpSync(path.join(ROOT, folder, file), path.join(into, file), { recursive: true });
  }
}

/**
 * An app that has the runtime and one platform package installed, in a path with a blank and an umlaut.
 * @returns {string} its path
 */
function appFolder(target) {
  const app = inWork('trial', target.platform, 'an äpp');
  fs.rmSync(app, { recursive: true, force: true });
  fs.cpSync(path.join(__dirname, 'trial'), app, { recursive: true });
  install(app, PACKAGE, '.');
  install(app, `${PACKAGE}-${target.platform}`, path.dirname(target.addon));
  return app;
}

module.exports = { appFolder };
