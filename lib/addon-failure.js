'use strict';

const fs = require('fs');
const path = require('path');
const { PLATFORMS } = require('./addon-platform.js');

const PACKAGE = '@niche-knack/desktop-runtime';
const HOST = process.versions.electron ? `Electron ${process.versions.electron}` : `Node ${process.versions.node}`;
const HERE = `${HOST} for ${process.platform}-${process.arch}`;

/**
 * Why the package cannot be used, and what mends it, in one message: an app's user sends its first lines at best, and
 * Electron shows no `cause`.
 * @param {string} what
 * @param {string[]} remedies
 * @param {Error} [cause]
 * @returns {Error}
 */
function notLoaded(what, remedies, cause) {
  const error = new Error(`${PACKAGE}: ${what}\n${remedies.map((remedy) => `- ${remedy}`).join('\n')}`);
  return Object.assign(error, { code: 'ADDON_NOT_LOADED' }, cause ? { cause } : {});
}

/** @param {string} platform */
function unsupported(platform) {
  const remedies = [`There are addons for ${PLATFORMS.join(', ')}.`];
  if (process.arch === 'ia32' || process.arch === 'arm') {
    remedies.push('This is a 32-bit program: use the 64-bit Node or Electron, if the system is a 64-bit one.');
  }
  remedies.push('Elsewhere, build the addon from the source and set DESKTOP_RUNTIME_ADDON to its path.');
  return notLoaded(`there is no native addon for ${platform} (${HERE}).`, remedies);
}

/** @param {string} file */
function nameIn(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')).name;
  } catch {
    return null;
  }
}

/**
 * The platform packages that `require` can find from a folder.
 * @param {string} folder
 * @returns {{ platform: string, folder: string }[]}
 */
function installedFrom(folder) {
  const found = [];
  for (let at = folder; ; at = path.dirname(at)) {
    for (const platform of PLATFORMS) {
      const place = path.join(at, 'node_modules', `${PACKAGE}-${platform}`);
      if (fs.existsSync(path.join(place, 'package.json'))) found.push({ platform, folder: place });
    }
    if (path.dirname(at) === at) return found;
  }
}

/** @param {string} platform */
function installFor(platform) {
  const [os, cpu, abi] = platform.split('-');
  const libc = os === 'linux' ? ` --libc=${abi === 'musl' ? 'musl' : 'glibc'}` : '';
  return `npm install --os=${os} --cpu=${cpu}${libc}`;
}

const isPacked = (/** @type {string} */ place) => /\.asar(?:\.unpacked)?(?:[\\/]|$)/.test(place);
const UNPACK = 'Leave the addon out of the archive: asarUnpack "**/*.node" (electron-builder), asar.unpack (Forge).';

/**
 * @param {string} platform
 * @param {string} root the main package's folder
 * @param {Error} cause
 */
function noPackage(platform, root, cause) {
  const wanted = `${PACKAGE}-${platform}`;
  if (nameIn(path.join(root, 'package.json')) !== PACKAGE) {
    return notLoaded(
      `its code runs out of ${root}, where a bundler put it, and ${wanted} is not found from there (${HERE}).`,
      [
        `Keep the package out of the bundle: external: ['${PACKAGE}'] (esbuild, Vite), externals (webpack).`,
        'Ship the node_modules that hold it along with the bundle.',
      ],
      cause,
    );
  }
  const installed = installedFrom(root);
  const hollow = installed.find((each) => each.platform === platform);
  if (hollow) {
    return notLoaded(
      `${hollow.folder} lacks the addon, desktop-runtime.${platform}.node (${HERE}).`,
      [
        'Something has removed it or left it out: delete node_modules and install again.',
        'When a packager copies node_modules, its filters must let *.node files pass.',
        ...(isPacked(root) ? [UNPACK] : []),
      ],
      cause,
    );
  }
  const others = [...new Set(installed.map((each) => each.platform))];
  if (others.length > 0) {
    return notLoaded(
      `the native addon for ${platform} is not installed, only that for ${others.join(', ')} (${HERE}).`,
      [
        'node_modules came from another platform: delete it and install here.',
        `For an app that is packed on another platform: ${installFor(platform)}; pnpm and yarn: supportedArchitectures.`,
      ],
      cause,
    );
  }
  return notLoaded(
    `the native addon for ${platform} is not installed: the package ${wanted} is missing (${HERE}).`,
    [
      'Install with optional dependencies: without --omit=optional, --no-optional, --ignore-optional and their settings.',
      'If the lock file does not name that package, npm has lost it (npm/cli issue 4828): delete it and node_modules, and install again.',
      ...(isPacked(root) ? [`The packager has left it out: it has to be among the files of the app. ${UNPACK}`] : []),
    ],
    cause,
  );
}

const REINSTALL = 'Delete node_modules and install again on this platform; do not copy it from another one.';

/** What the loaders of the systems say, and what it means. Windows speaks the user's language: there only the rest helps. */
const REASONS = [
  {
    says: /GLIBC_[\d.]+' not found/,
    remedy:
      'The C library of this system is too old: the published addon needs glibc 2.17 (2012), one that you have built that of the system it was built on.',
  },
  {
    says: /\.asar[\s\S]*(?:no such file|cannot open shared object|image not found|could not be found)/i,
    remedy: `The archive names the addon, but it does not lie beside it in app.asar.unpacked. ${UNPACK}`,
  },
  {
    says: /ELF class|ELF header|ELF file|file too short|mach-o|incompatible architecture|wrong architecture|not a valid Win32/i,
    remedy: `The file is damaged, or for another platform. ${REINSTALL}`,
  },
  {
    says: /ld-linux|ld-musl|libc\.musl|libc\.so|Error relocating/,
    remedy: `The addon is for the other C library (glibc or musl). ${REINSTALL}`,
  },
  {
    says: /failed to map segment|not permitted|permission denied/i,
    remedy: 'The folder may not hold programs (a mount with noexec, a policy): install the app elsewhere.',
  },
  {
    says: /code signature|disallowed by system policy|Team ID/i,
    remedy:
      'macOS refuses its signature: sign the addon with the identity of the app, as all that is executable in it.',
  },
];

/**
 * @param {string} what names what was found
 * @param {Error} cause
 */
function failedToLoad(what, cause) {
  const said = String((cause && cause.message) || cause).trim();
  const known = REASONS.filter(({ says }) => says.test(said)).map(({ remedy }) => remedy);
  const system = process.platform === 'win32' ? ['It needs Windows 10 or newer, and a 64-bit Node or Electron.'] : [];
  return notLoaded(
    `${what} was found, but could not be loaded (${HERE}): ${said}`,
    known.length > 0 ? known.slice(0, 1) : [...system, REINSTALL],
    cause,
  );
}

/**
 * @param {string} platform
 * @param {string} found
 * @param {string} version
 */
function wrongVersion(platform, found, version) {
  return notLoaded(`version ${version} has found the addon of version ${found}, ${PACKAGE}-${platform} (${HERE}).`, [
    'An override, a lock file or a copied folder keeps them apart: both have to be of the same version.',
    'Delete node_modules and install again; when that does not help, delete the lock file as well.',
  ]);
}

module.exports = { failedToLoad, noPackage, unsupported, wrongVersion };
