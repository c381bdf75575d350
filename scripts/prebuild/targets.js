'use strict';

const path = require('path');
const { ROOT, Stop } = require('../setup/process');

/** The oldest glibc that the Linux addons load with. */
const GLIBC_FLOOR = '2.17';

// `platform` is how npm and the loader call it, `triple` how Rust does; `oldest` is the system that it promises to load on.
const TARGETS = [
  { platform: 'linux-x64-gnu', triple: 'x86_64-unknown-linux-gnu', oldest: `glibc ${GLIBC_FLOOR}` },
  { platform: 'linux-arm64-gnu', triple: 'aarch64-unknown-linux-gnu', oldest: `glibc ${GLIBC_FLOOR}` },
  { platform: 'linux-x64-musl', triple: 'x86_64-unknown-linux-musl', oldest: 'musl 1.2.3' },
  { platform: 'linux-arm64-musl', triple: 'aarch64-unknown-linux-musl', oldest: 'musl 1.2.3' },
  { platform: 'win32-x64-gnullvm', triple: 'x86_64-pc-windows-gnullvm', oldest: 'Windows 10' },
  { platform: 'win32-arm64-gnullvm', triple: 'aarch64-pc-windows-gnullvm', oldest: 'Windows 10' },
  { platform: 'darwin-x64', triple: 'x86_64-apple-darwin', oldest: 'macOS 10.13' },
  { platform: 'darwin-arm64', triple: 'aarch64-apple-darwin', oldest: 'macOS 11.0' },
].map((target) => ({ ...target, addon: `npm/${target.platform}/desktop-runtime.${target.platform}.node` }));

/** The targets with these names, either kind; all of them where none is named. */
function targetsNamed(names) {
  if (names.length === 0) return TARGETS;
  return names.map((name) => {
    const found = TARGETS.find(({ platform, triple }) => name === platform || name === triple);
    if (found) return found;
    throw new Stop(`${name} is no target; there are ${TARGETS.map(({ platform }) => platform).join(', ')}`);
  });
}

const systemOf = ({ platform }) => platform.split('-')[0];
const libcOf = ({ platform }) => (systemOf({ platform }) === 'linux' ? platform.split('-')[2] : null);

/** Where everything that the scripts fetch and build lies; ignored by git, and safe to delete. */
const WORK = 'target/prebuild';
const inWork = (...parts) => path.join(ROOT, WORK, ...parts);

module.exports = { GLIBC_FLOOR, TARGETS, WORK, inWork, libcOf, systemOf, targetsNamed };
