'use strict';

const fs = require('fs');
const path = require('path');
const { platforms } = require('./manifest');
const { ROOT, Stop, main } = require('../setup/process');

/** Where a package says its version: JSON, or the first `version = "…"` of a TOML file. */
function files() {
  const json = ['package.json', 'kits/node/package.json', 'cli/package.json'];
  return [
    ...json,
    ...platforms().map((name) => `npm/${name}/package.json`),
    'Cargo.toml',
    'kits/python/pyproject.toml',
  ];
}

function versionIn(file) {
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
  return file.endsWith('.json') ? JSON.parse(text).version : (/^version = "([^"]+)"/m.exec(text) || [])[1];
}

/** What is released together has one version. Gives the files that have another one. */
function differing(version) {
  const there = files().filter((file) => fs.existsSync(path.join(ROOT, file)));
  return there.filter((file) => versionIn(file) !== version).map((file) => `${file}: ${versionIn(file)}`);
}

module.exports = { differing };

if (require.main === module) {
  main(async () => {
    const [version] = process.argv.slice(2);
    const wrong = differing(version);
    if (wrong.length > 0) throw new Stop(`not of version ${version}:\n${wrong.join('\n')}`);
  });
}
