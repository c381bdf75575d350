'use strict';

const fs = require('fs');

/** The platforms that have an addon, by the names of their packages. */
const PLATFORMS = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'linux-x64-gnu',
  'linux-x64-musl',
  'win32-arm64-gnullvm',
  'win32-x64-gnullvm',
];

/**
 * Whether this process runs on musl. What counts is the C library that it has loaded, not the system's: a Node built for
 * musl runs on Debian too, and one built for glibc on Alpine. musl's own installation makes its loader a link to `libc.so`,
 * and here is the file that it leads to; glibc's file has another name, `libc.so.6` or `libc-2.17.so`.
 */
function isMusl() {
  try {
    return /\/(?:ld-musl-[^/\n]*|libc\.so)$/m.test(fs.readFileSync('/proc/self/maps', 'latin1'));
  } catch {
    return reportsMusl();
  }
}

/** The same without /proc, slower. Node 12.14 has no report: then it is glibc. */
function reportsMusl() {
  const { report } = process;
  if (!report || typeof report.getReport !== 'function') return false;
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (report.getReport());
  return header.glibcVersionRuntime === undefined;
}

/** What the platform's package is called behind the name of the main package. There need not be one. */
function platformName() {
  const { platform, arch } = process;
  if (platform === 'linux') return `${platform}-${arch}-${isMusl() ? 'musl' : 'gnu'}`;
  if (platform === 'win32') return `${platform}-${arch}-gnullvm`;
  return `${platform}-${arch}`;
}

module.exports = { PLATFORMS, platformName };
