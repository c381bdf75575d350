'use strict';

const fs = require('fs');
const path = require('path');
const { ROOT, Stop, capture, main } = require('../setup/process');

// THIRD-PARTY-LICENSES: the licences of what is linked into the addon. It is committed, so that packing needs no crates.

const FILE = 'THIRD-PARTY-LICENSES';
const ADDON = 'desktop-runtime-node';
/** What the compiler and the linker add: their licences lie beside this script, title and licence first. */
const TOOLCHAIN = path.join(__dirname, 'licenses');
const RULE = '='.repeat(80);

function cargo(args) {
  const { ok, text } = capture('cargo', args);
  if (!ok) throw new Stop(`cargo ${args.join(' ')} failed:\n${text}`);
  return text;
}

/** The crates in the addon, of all platforms together. Macros and build scripts leave nothing of themselves in it. */
function linkedCrates() {
  const { napi } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const targets = napi.targets.map((target) => `--target=${target}`);
  const shape = ['--edges=normal,no-proc-macro', '--prefix=none', '--no-dedupe', '--format={p}'];
  const lines = cargo(['tree', '--locked', '-p', ADDON, ...targets, ...shape]).split('\n');
  const linked = new Set(lines.map((line) => line.split(' ', 2).join(' ')));
  const { packages } = JSON.parse(cargo(['metadata', '--locked', '--format-version=1']));
  return packages.filter(({ name, source, version }) => source && linked.has(`${name} v${version}`));
}

/** The text of the MIT licence behind its line of copyright; some crates name the licence and do not bring it. */
function mitFor(holders) {
  const own = fs.readFileSync(path.join(ROOT, 'LICENSE'), 'utf8');
  return `Copyright (c) ${holders}\n\n${own.slice(own.indexOf('Permission is hereby granted')).trim()}`;
}

/** Where a crate may be had under several licences, MIT is taken. */
function licenceOf({ name, authors, license, manifest_path }) {
  const folder = path.dirname(manifest_path);
  const files = fs.readdirSync(folder).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file));
  const isMit = /\bMIT\b/.test(license);
  if (files.length === 0 && isMit) return mitFor(authors.join(', ') || `the authors of ${name}`);
  if (files.length === 0) throw new Stop(`${FILE}: the crate ${name} (${license}) has no file with its licence`);
  const mit = files.filter((file) => /mit/i.test(file));
  const texts = (isMit && mit.length > 0 ? mit : files).sort().map((file) => {
    return fs.readFileSync(path.join(folder, file), 'utf8').replace(/\r\n/g, '\n').trim();
  });
  return texts.join('\n\n');
}

/** SQLite comes as C source in a crate that has its own licence. */
function sqlite(crates) {
  const crate = crates.find(({ name }) => name === 'libsqlite3-sys');
  const header = fs.readFileSync(path.join(path.dirname(crate.manifest_path), 'sqlite3/sqlite3.h'), 'utf8');
  const [, version] = /#define SQLITE_VERSION\s+"([\d.]+)"/.exec(header);
  return [
    `SQLite ${version}`,
    'public domain',
    '',
    'The author disclaims copyright to this source code. In place of a legal notice, here is a blessing:',
    '',
    '   May you do good and not evil.',
    '   May you find forgiveness for yourself and forgive others.',
    '   May you share freely, never taking more than you give.',
  ].join('\n');
}

function thirdPartyLicences() {
  const crates = linkedCrates();
  const sections = new Map();
  for (const crate of crates.sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1))) {
    const text = licenceOf(crate);
    const title = `${crate.name} ${crate.version} (${crate.license.replace(/\//g, ' OR ')})`;
    sections.set(text, [...(sections.get(text) || []), title]);
  }
  const toolchain = fs.readdirSync(TOOLCHAIN).sort();
  return [
    'The native addon of @niche-knack/desktop-runtime contains the software below. "npm run licenses" writes this list.',
    sqlite(crates),
    ...toolchain.map((file) => fs.readFileSync(path.join(TOOLCHAIN, file), 'utf8').trim()),
    ...[...sections].map(([text, titles]) => `${titles.join('\n')}\n\n${text}`),
  ]
    .join(`\n\n${RULE}\n\n`)
    .concat('\n');
}

module.exports = { FILE, thirdPartyLicences };

if (require.main === module) {
  main(async () => {
    fs.writeFileSync(path.join(ROOT, FILE), thirdPartyLicences());
    console.log(`${FILE} is written`);
  });
}
