'use strict';

const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { ROOT, Stop, capture } = require('../setup/process');
const { debianPackages } = require('./fetch');
const { judge } = require('./rules');
const { TARGETS } = require('./targets');

const SUMS = 'npm/SHA256SUMS';

const place = (target) => path.join(ROOT, target.addon);

/** What LIEF reads in these files, in their order. */
function factsOf(files, tools) {
  const script = path.join(__dirname, 'facts.py');
  const read = capture('env', [`PYTHONPATH=${tools.python}`, 'python3', script, ...files]);
  if (!read.ok) throw new Stop(`scripts/prebuild/facts.py failed: ${read.text}`);
  return JSON.parse(read.text);
}

/** What the systems' own libraries offer, as far as a linker would not have missed it. */
async function offered(tools) {
  const libSystem = fs.readFileSync(path.join(tools.python, 'ziglang/lib/libc/darwin/libSystem.tbd'), 'utf8');
  // Debian 12's musl is the oldest one that the addon promises to load with.
  const musl = path.join(await debianPackages('musl-1.2.3', ['musl']), 'lib/x86_64-linux-musl/libc.so');
  return {
    libSystem: new Set(libSystem.match(/[\w$]+/g)),
    musl: new Set(factsOf([musl], tools)[0].exports),
  };
}

/** Folders of this machine, which must not be in what other people load. */
const OWN_FOLDERS = [ROOT, os.homedir(), process.env.CARGO_HOME].filter(Boolean);

/**
 * Reads the addons of these targets, and throws when one of them is not what it should be.
 * @returns {Promise<{ target, size, sha256 }[]>}
 */
async function verify(targets, tools) {
  const missing = targets.filter((target) => !fs.existsSync(place(target)));
  if (missing.length > 0) throw new Stop(`not built: ${missing.map(({ addon }) => addon).join(', ')}`);
  const system = await offered(tools);
  const facts = factsOf(targets.map(place), tools);
  const faults = [];
  const verified = targets.map((target, index) => {
    const bytes = fs.readFileSync(place(target));
    faults.push(...judge(target, { ...facts[index], bytes }, { ...system, folders: OWN_FOLDERS }));
    return { target, size: bytes.length, sha256: crypto.createHash('sha256').update(bytes).digest('hex') };
  });
  if (faults.length > 0) throw new Stop(`what was built must not ship:\n${faults.join('\n')}`);
  return verified;
}

/** Writes the checksums of all addons that are there, in the form that `sha256sum --check` reads. */
function writeChecksums() {
  const lines = TARGETS.filter((target) => fs.existsSync(place(target))).map((target) => {
    const sum = crypto
      .createHash('sha256')
      .update(fs.readFileSync(place(target)))
      .digest('hex');
    return `${sum}  ${path.posix.relative('npm', target.addon)}\n`;
  });
  fs.writeFileSync(path.join(ROOT, SUMS), lines.join(''));
}

module.exports = { verify, writeChecksums };
