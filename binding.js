'use strict';

const fs = require('fs');
const path = require('path');
const { PLATFORMS, platformName } = require('./lib/addon-platform.js');
const { version } = require('./package.json');

/** Loaded when there is one. */
const failure = () => require('./lib/addon-failure.js');

/** As `require` does it. A bundler leaves this alone; of a `require` with a variable in it it makes something else. */
function open(file) {
  const addon = { exports: {} };
  process.dlopen(addon, path.toNamespacedPath(file));
  return addon.exports;
}

/**
 * A platform's package: its version and its addon. The names are written out for bundlers, which look for them, and they
 * are inside of `try` because only there a bundler puts up with those that are not installed.
 */
function requirePackage(platform) {
  try {
    switch (platform) {
      case 'darwin-arm64':
        return [
          require('@niche-knack/desktop-runtime-darwin-arm64/package.json'),
          require('@niche-knack/desktop-runtime-darwin-arm64'),
        ];
      case 'darwin-x64':
        return [
          require('@niche-knack/desktop-runtime-darwin-x64/package.json'),
          require('@niche-knack/desktop-runtime-darwin-x64'),
        ];
      case 'linux-arm64-gnu':
        return [
          require('@niche-knack/desktop-runtime-linux-arm64-gnu/package.json'),
          require('@niche-knack/desktop-runtime-linux-arm64-gnu'),
        ];
      case 'linux-arm64-musl':
        return [
          require('@niche-knack/desktop-runtime-linux-arm64-musl/package.json'),
          require('@niche-knack/desktop-runtime-linux-arm64-musl'),
        ];
      case 'linux-x64-gnu':
        return [
          require('@niche-knack/desktop-runtime-linux-x64-gnu/package.json'),
          require('@niche-knack/desktop-runtime-linux-x64-gnu'),
        ];
      case 'linux-x64-musl':
        return [
          require('@niche-knack/desktop-runtime-linux-x64-musl/package.json'),
          require('@niche-knack/desktop-runtime-linux-x64-musl'),
        ];
      case 'win32-arm64-gnullvm':
        return [
          require('@niche-knack/desktop-runtime-win32-arm64-gnullvm/package.json'),
          require('@niche-knack/desktop-runtime-win32-arm64-gnullvm'),
        ];
      case 'win32-x64-gnullvm':
        return [
          require('@niche-knack/desktop-runtime-win32-x64-gnullvm/package.json'),
          require('@niche-knack/desktop-runtime-win32-x64-gnullvm'),
        ];
    }
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') throw failure().noPackage(platform, __dirname, error);
    throw failure().failedToLoad(`the package @niche-knack/desktop-runtime-${platform}`, error);
  }
}

function openFile(file, what) {
  try {
    return open(file);
  } catch (error) {
    throw failure().failedToLoad(what, error);
  }
}

function load() {
  const named = process.env.DESKTOP_RUNTIME_ADDON;
  if (named) return openFile(path.resolve(named), `${named}, which the variable DESKTOP_RUNTIME_ADDON names,`);
  const platform = platformName();
  if (!PLATFORMS.includes(platform)) throw failure().unsupported(platform);
  // In a clone of the repository the build leaves it here, on Windows with the name of Microsoft's tools. A package has none.
  const names = [platform, platform.replace('gnullvm', 'msvc')].map((name) => `desktop-runtime.${name}.node`);
  const built = names.map((name) => path.join(__dirname, name)).find(fs.existsSync);
  if (built) return openFile(built, built);
  const [manifest, addon] = requirePackage(platform);
  if (manifest.version !== version) throw failure().wrongVersion(platform, manifest.version, version);
  return addon;
}

module.exports = load();
