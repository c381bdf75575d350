'use strict';

const fs = require('fs');
const path = require('path');
const { pack, stage } = require('.');
const { platformManifest, platforms } = require('./manifest');
const { ROOT } = require('../setup/process');

const NAME = '@niche-knack/desktop-runtime';
const SOURCE = path.join(ROOT, '__test__/package/app');

/**
 * What a registry needs of packed packages. The platforms whose addon is not there are named too, as they will be
 * published; nobody can download them.
 * @param {{ filename: string, manifest: object, platform: string | null }[]} packed by `packAll`
 * @param {string} folder where they are
 * @returns {{ manifest: object, file: string | null, platform: string | null }[]}
 */
function packagesOf(packed, folder) {
  const there = packed.map(({ platform }) => platform);
  const absent = platforms().filter((platform) => !there.includes(platform));
  return [
    ...packed.map((each) => ({ ...each, file: path.join(folder, each.filename) })),
    ...absent.map((platform) => ({ platform, manifest: platformManifest(platform), file: null })),
  ];
}

/** The same with hollow packages for those platforms: enough to see which one a package manager takes. */
function withHollowPackages(packages, folder) {
  return packages.map(({ manifest, file, platform }) => {
    if (file) return { manifest, file, platform };
    const at = path.join(folder, 'hollow', platform);
    stage(at, manifest, [['README.md', path.join(ROOT, `npm/${platform}/README.md`)]]);
    return { manifest, platform, file: path.join(folder, pack(at, folder).filename) };
  });
}

/** The app of `__test__/package/app`, which names the package as its one dependency, and where its scope comes from. */
function writeApp(folder, registry, manifest = {}) {
  fs.mkdirSync(folder, { recursive: true });
  for (const name of fs.readdirSync(SOURCE)) fs.copyFileSync(path.join(SOURCE, name), path.join(folder, name));
  const { version } = platformManifest(platforms()[0]);
  const own = { name: 'fresh-app', version: '1.0.0', private: true, main: 'electron.js' };
  fs.writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ ...own, ...manifest, dependencies: { [NAME]: version } }, null, 2),
  );
  fs.writeFileSync(path.join(folder, '.npmrc'), `@niche-knack:registry=${registry}\n`);
  return folder;
}

/** The platforms whose packages lie in an app's node_modules, whatever the layout, or in the cache of Plug'n'Play. */
function installedIn(folder) {
  const found = new Set();
  const cache = path.join(folder, '.yarn/cache');
  const archives = fs.existsSync(path.join(folder, '.pnp.cjs')) ? fs.readdirSync(cache) : [];
  archives.forEach((name) => {
    const platform = platforms().find((each) => name.includes(`desktop-runtime-${each}-npm-`));
    if (platform) found.add(platform);
  });
  const look = (at) => {
    for (const entry of fs.existsSync(at) ? fs.readdirSync(at, { withFileTypes: true }) : []) {
      const place = path.join(at, entry.name);
      const match = /^desktop-runtime-(.+)$/.exec(entry.name);
      if (match && platforms().includes(match[1])) {
        // A package that was left out may have a folder all the same, and in it no more than a manifest.
        if (fs.existsSync(path.join(place, 'README.md'))) found.add(match[1]);
      } else if (entry.isDirectory()) {
        look(place);
      }
    }
  };
  look(path.join(folder, 'node_modules'));
  return [...found].sort();
}

module.exports = { NAME, installedIn, packagesOf, withHollowPackages, writeApp };
