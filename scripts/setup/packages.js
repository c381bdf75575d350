'use strict';

const path = require('path');
const { ROOT, mustRun } = require('./process');
const { hashOf, isStamped, writeStamp } = require('./stamp');

function npmCommand() {
  const script = process.env.npm_execpath;
  if (script && path.basename(script) === 'npm-cli.js')
    return { command: process.execPath, args: [script], shell: false };
  return { command: 'npm', args: [], shell: process.platform === 'win32' };
}

/**
 * `npm ci` in a folder of the project, unless its node_modules came from this very lock file.
 * @param {string} folder relative to the project's root
 */
async function installPackages(folder) {
  const lock = path.posix.join(folder, 'package-lock.json');
  const stamp = path.posix.join(folder, 'node_modules', '.lock-hash');
  const wanted = hashOf([lock], [process.platform, process.arch]);
  if (isStamped(stamp, wanted)) return;
  console.log(`Installing the packages of ${lock}`);
  const { command, args, shell } = npmCommand();
  // The engine lines of two packages that never run here would fill the screen: errors only.
  const flags = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await mustRun(`npm ci failed for ${lock}`, command, [...args, ...flags], { cwd: path.join(ROOT, folder), shell });
  writeStamp(stamp, wanted);
}

module.exports = { installPackages, npmCommand };
