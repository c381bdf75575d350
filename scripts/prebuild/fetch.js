'use strict';

const fs = require('fs');
const path = require('path');
const { ROOT, mustRun } = require('../setup/process');
const { hashOf, isStamped, writeStamp } = require('../setup/stamp');
const { WORK, inWork } = require('./targets');

const REQUIREMENTS = 'scripts/prebuild/requirements';

/** Fills a folder below the work folder, unless it was filled from the very same `facts`. */
async function once(name, facts, fill) {
  const stamp = path.posix.join(WORK, name, '.made-of');
  const wanted = hashOf([], [JSON.stringify(facts)]);
  if (isStamped(stamp, wanted)) return inWork(name);
  fs.rmSync(inWork(name), { recursive: true, force: true });
  fs.mkdirSync(inWork(name), { recursive: true });
  await fill(inWork(name));
  writeStamp(stamp, wanted);
  return inWork(name);
}

/**
 * Debian packages, unpacked into a folder and not installed. apt checks their signatures.
 * @param {string[]} options what tells apt of another release or architecture than this machine's
 */
function debianPackages(name, packages, options = []) {
  return once(name, [packages, options], async (folder) => {
    const debs = `${folder}.debs`;
    fs.rmSync(debs, { recursive: true, force: true });
    fs.mkdirSync(debs);
    console.log(`Fetching Debian packages for ${name}: ${packages.join(' ')}`);
    const command = [...options, '--quiet', '--quiet', 'download', ...packages];
    // apt says each time that a folder of root's cannot be entered by its own user.
    const sandbox = ['-o', 'APT::Sandbox::User=root'];
    await mustRun(
      `apt-get download failed for ${name}; "apt-get update" may be needed`,
      'apt-get',
      [...sandbox, ...command],
      {
        cwd: debs,
      },
    );
    for (const file of fs.readdirSync(debs).sort()) {
      await mustRun(`${file} could not be unpacked`, 'dpkg', ['-x', path.join(debs, file), folder]);
    }
    fs.rmSync(debs, { recursive: true });
  });
}

/**
 * Python wheels of a requirements file, pinned by their hashes, unpacked into a folder.
 * @param {string[]} options pip's, for wheels of another platform than this machine's
 */
function pythonWheels(name, requirements, options = []) {
  const file = `${REQUIREMENTS}/${requirements}.txt`;
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
  return once(name, [text, options], async (folder) => {
    console.log(`Fetching the wheels of ${file}`);
    const flags = ['--quiet', '--no-deps', '--only-binary', ':all:', '--require-hashes', '--target', folder];
    const pip = ['-m', 'pip', 'install', ...flags, ...options, '-r', file];
    await mustRun(`pip could not fetch what ${file} names`, 'python3', pip);
  });
}

/** npm's packages of a folder with a lock file, made for another platform than this one; no script of theirs runs. */
function npmPackages(name, source, { os, cpu }) {
  const files = ['package.json', 'package-lock.json'].map((file) => path.join(ROOT, source, file));
  const texts = files.map((file) => fs.readFileSync(file, 'utf8'));
  return once(name, texts, async (folder) => {
    files.forEach((file) => fs.copyFileSync(file, path.join(folder, path.basename(file))));
    console.log(`Fetching the packages of ${source}`);
    const flags = ['ci', '--force', `--os=${os}`, `--cpu=${cpu}`, '--ignore-scripts', '--no-audit', '--no-fund'];
    await mustRun(`npm ci failed for ${source}`, 'npm', [...flags, '--loglevel=error'], { cwd: folder });
  });
}

module.exports = { debianPackages, npmPackages, once, pythonWheels };
