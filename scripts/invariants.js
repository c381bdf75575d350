'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { documentsNameWhatIsThere } = require('./documents');
const { nodeBinaries } = require('./hosts');
const { ROOT, capture } = require('./setup/process');
const { filesBelow } = require('./setup/stamp');

// Each check returns the places where its invariant is broken, one line each; an empty list is good.

const CORE = 'crates/core/src';
const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const lineOf = (text, index) => text.slice(0, index).split('\n').length;

/** Where a pattern (global) is found in a file's text. */
function places(file, text, pattern) {
  return [...text.matchAll(pattern)].map((match) => `${file}:${lineOf(text, match.index)}: ${match[0].trim()}`);
}

function coreKnowsNoNapi() {
  const tree = capture('cargo', ['tree', '-p', 'desktop-runtime-core', '--target=all', '--edges=all', '--prefix=none']);
  if (!tree.ok) return [tree.text];
  return [...new Set(tree.text.split('\n').filter((line) => /^napi/.test(line)))];
}

/** Rust source with comments and strings blanked, so that only code is searched; lines keep their numbers. */
function rustCode(text) {
  const token = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|r(#*)"[\s\S]*?"\1|"(?:\\[\s\S]|[^"\\])*"|'(?:\\.[^']*|[^\\'])'/g;
  return text.replace(token, (found) => found.replace(/[^\n]/g, ' '));
}

/** The text between the bracket that opens at `start` and its partner. */
function insideBrackets(text, start) {
  let depth = 0;
  for (let i = start; i < text.length; i += 1) {
    if (text[i] === '(') depth += 1;
    if (text[i] === ')') depth -= 1;
    if (depth === 0) return text.slice(start + 1, i);
  }
  return text.slice(start + 1);
}

function platformCodeIsInSys() {
  const broken = [];
  for (const file of filesBelow(CORE)) {
    if (!file.endsWith('.rs') || file.startsWith(`${CORE}/sys/`)) continue;
    const code = rustCode(read(file));
    broken.push(...places(file, code, /\bunsafe\b/g));
    for (const match of code.matchAll(/\bcfg(?:_attr)?!?\s*\(/g)) {
      const condition = insideBrackets(code, match.index + match[0].length - 1);
      const asksPlatform = /\b(?:unix|windows|target_(?:os|family|vendor|env))\b/.test(condition);
      // A test may speak of the platform that it runs on.
      if (asksPlatform && !/\btest\b/.test(condition)) {
        broken.push(`${file}:${lineOf(code, match.index)}: ${match[0]}${condition})`);
      }
    }
  }
  return broken;
}

/** The core's tests and the addon, where a lint cannot say it: the macros of napi write `unsafe` of their own. */
function unsafeIsInItsPlaces() {
  const files = [...filesBelow('crates/core/tests'), ...filesBelow('src')];
  const searched = files.filter((file) => file.endsWith('.rs') && file !== 'src/text.rs');
  return searched.reduce((broken, file) => [...broken, ...places(file, rustCode(read(file)), /\bunsafe\b/g)], []);
}

/**
 * SQL is constant text, and values are parameters. The compiler holds it: what takes SQL takes `&'static str`. This holds
 * that nothing goes around the compiler.
 */
function sqlIsConstant() {
  const speakers = ['changes', 'database', 'failure', 'rows'].map((name) => `${CORE}/cache/${name}.rs`);
  const broken = [];
  for (const file of filesBelow(CORE).filter((name) => name.endsWith('.rs') && !name.endsWith('_tests.rs'))) {
    const text = read(file);
    if (!speakers.includes(file)) broken.push(...places(file, rustCode(text), /\brusqlite\b/g));
    broken.push(
      ...places(file, text, /\bsql: &(?!'static str\b)\w+/g),
      ...places(file, text, /\bconnection\s*\.(?:prepare\w*|execute\w*|query\w*)\((?!sql\b|")[^,)]*/g),
      ...places(file, text, /\w+!\s*\(\s*"\s*(?:ALTER|ATTACH|BEGIN|CREATE|DELETE|DROP|INSERT|PRAGMA|SELECT|UPDATE)\b/g),
      ...places(file, rustCode(text), /\b(?:leak|from_utf8_unchecked)\s*\(/g),
    );
  }
  return broken;
}

/** What an app's Node or Electron loads. */
function shippedScripts() {
  const folders = ['lib', 'dist'].filter((folder) => fs.existsSync(path.join(ROOT, folder)));
  const inside = folders.reduce((all, folder) => [...all, ...filesBelow(folder)], []);
  return ['index.js', 'binding.js', ...inside].filter((file) => file.endsWith('.js'));
}

function oldestNodeParses() {
  const oldest = nodeBinaries()[0];
  return shippedScripts().reduce((broken, file) => {
    const parsed = capture(oldest.path, ['--check', file]);
    return parsed.ok ? broken : [...broken, parsed.text.trim()];
  }, []);
}

function noNodePrefix() {
  const pattern = /(?:require|import)\s*\(\s*['"`]node:[^)]*\)/g;
  return shippedScripts().reduce((broken, file) => [...broken, ...places(file, read(file), pattern)], []);
}

function noRunTimeDependencies() {
  const manifest = JSON.parse(read('package.json'));
  const platformPackage = (name) => name.startsWith(`${manifest.name}-`);
  const optional = Object.keys(manifest.optionalDependencies || {}).filter((name) => !platformPackage(name));
  const kinds = ['dependencies', 'peerDependencies', 'bundleDependencies', 'bundledDependencies'];
  return [...kinds.filter((kind) => manifest[kind] !== undefined), ...optional].map((name) => `package.json: ${name}`);
}

/** README.md says how many crates are in the addon besides the project's own. */
function cratesAreCounted() {
  const said = read('README.md').match(/addon is built from (\d+) crates/);
  const target = '--target=x86_64-unknown-linux-gnu';
  const edges = '--edges=normal,no-proc-macro';
  const tree = capture('cargo', ['tree', '-p', 'desktop-runtime-node', target, edges, '--prefix=none', '--no-dedupe']);
  if (!tree.ok) return [tree.text];
  const lines = tree.text.split('\n').filter((line) => /^\S+ v\d/.test(line) && !line.startsWith('desktop-runtime-'));
  const count = new Set(lines.map((line) => line.split(' ', 2).join(' '))).size;
  return said && Number(said[1]) === count ? [] : [`README.md: the addon is built from ${count} crates`];
}

/** Each rule of SECURITY.md names its tests; those are there. */
function securityTestsAreThere() {
  const named = [...read('SECURITY.md').matchAll(/`([\w./-]+\.(?:test\.js|rs))`/g)].map((match) => match[1]);
  const place = (file) => (file.startsWith('crates/') || file.startsWith('src/') ? file : `__test__/${file}`);
  return named.map(place).filter((file) => !fs.existsSync(path.join(ROOT, file)));
}

function trackedFiles() {
  const listed = capture('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z']);
  const files = listed.ok ? listed.text.split('\0').filter(Boolean) : [];
  return files.filter((file) => fs.existsSync(path.join(ROOT, file)));
}

function panicsUnwind() {
  const manifests = trackedFiles().filter((file) => /(?:^|\/)(?:Cargo\.toml|config\.toml)$/.test(file));
  const pattern = /panic\s*=\s*["']abort["']|panic=abort/g;
  return manifests.reduce((broken, file) => [...broken, ...places(file, read(file), pattern)], []);
}

/** What napi calls: a panic that passes it ends the host. */
function exportsCatchPanics() {
  const broken = [];
  for (const file of filesBelow('src').filter((name) => name.endsWith('.rs'))) {
    const code = rustCode(read(file));
    for (const match of code.matchAll(/#\[napi(?:\(([^\]]*)\))?\]\s*(?:#\[[^\]]*\]\s*)*(?:pub\s+)?(\w+)/g)) {
      const isCalled = match[2] === 'fn' || match[2] === 'unsafe' || match[2] === 'async';
      if (isCalled && !/\bcatch_unwind\b/.test(match[1] || '')) {
        broken.push(`${file}:${lineOf(code, match.index)}: ${match[0].replace(/\s+/g, ' ')}`);
      }
    }
  }
  return broken;
}

/** A thread that ends by a panic tells nobody: who waits for it waits for ever. */
function threadsCatchPanics() {
  const broken = [];
  const files = [...filesBelow(CORE), ...filesBelow('src')].filter(
    (file) => file.endsWith('.rs') && !/tests?\b/.test(file),
  );
  for (const file of files) {
    const code = rustCode(read(file));
    for (const match of code.matchAll(/\bspawn\s*\(\s*move\s*\|\|/g)) {
      const body = insideBrackets(code, match.index + match[0].indexOf('('));
      if (!/\b(?:caught|guarded|insisted|work_guarded)\b/.test(body)) {
        broken.push(`${file}:${lineOf(code, match.index)}: ${match[0]}`);
      }
    }
  }
  return broken;
}

const HOSTS =
  /\b(?:registry\.npmjs\.org|registry\.yarnpkg\.com|(?:index|static)\.crates\.io|pypi\.org|files\.pythonhosted\.org|deb\.debian\.org)\b/g;

/** No file says where packages come from, or where this machine keeps its files. */
function namesNoMachine() {
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const folders = [ROOT, os.homedir()].filter((folder) => folder !== '/').map(escaped);
  const paths = new RegExp(`(?<=^|[\\s"'\`(=:])(?:${folders.join('|')})/[\\w.]`, 'gm');
  const broken = [];
  for (const file of trackedFiles()) {
    const text = read(file);
    if (text.includes('\0')) continue;
    broken.push(...places(file, text, HOSTS), ...places(file, text, paths));
    if (file.endsWith('package-lock.json')) broken.push(...places(file, text, /"resolved": "http.*/g));
  }
  return broken;
}

/** Name of each invariant → its check, or the reason why it cannot be checked on this machine. */
function invariants() {
  return {
    'the core does not depend on napi': coreKnowsNoNapi,
    'cfg(platform) and unsafe of the core are in sys/ only': platformCodeIsInSys,
    'unsafe of the addon is in src/text.rs only': unsafeIsInItsPlaces,
    'SQL is constant text': sqlIsConstant,
    'what ships parses in the oldest Node': nodeBinaries().length > 0 ? oldestNodeParses : 'needs the test hosts',
    'what ships requires no node: name': noNodePrefix,
    'no run-time dependencies': noRunTimeDependencies,
    'the crates in the addon are counted in README.md': cratesAreCounted,
    'the tests that SECURITY.md names are there': securityTestsAreThere,
    'panics unwind': panicsUnwind,
    'every export catches panics': exportsCatchPanics,
    'every thread catches panics': threadsCatchPanics,
    'no registry host and no path of this machine in any file': namesNoMachine,
    'what RELIABILITY.md and SECURITY.md name is there': () => documentsNameWhatIsThere(trackedFiles()),
  };
}

module.exports = { invariants };
