'use strict';

const fs = require('fs');
const path = require('path');
const { ROOT } = require('./setup/process');

/** Documents that tell a reader what holds a promise, and how to check it. */
const DOCUMENTS = ['RELIABILITY.md', 'SECURITY.md'];
const FOLDERS = [
  '__test__',
  '.ci',
  'benchmark',
  'cli',
  'crates',
  'dist',
  'docs',
  'examples',
  'fuzz',
  'kits',
  'lib',
  'npm',
  'scripts',
  'src',
];
const PATH = new RegExp(`^(?:${FOLDERS.map((folder) => folder.replace('.', '\\.')).join('|')})/`);
const CORE = 'crates/core/';

const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');

/** The names that a filter of `cargo test` may hit: of the core's tests, of their modules and files. */
function rustNames(files) {
  const names = [];
  for (const file of files.filter((name) => name.startsWith(CORE) && name.endsWith('.rs'))) {
    names.push(...file.slice(CORE.length, -'.rs'.length).split('/'));
    for (const [, name] of read(file).matchAll(/\b(?:fn|mod) (\w+)/g)) names.push(name);
  }
  return names;
}

/** The words of a command that name nothing. */
function wrongWords(command, files, names) {
  const words = command.split(/\s+/).filter((word) => !/^[A-Z_]+=/.test(word));
  const known = (word) => files.some((file) => file === word || file.startsWith(word.replace(/\/?$/, '/')));
  if (words[0] === 'npm') {
    const { scripts } = JSON.parse(read('package.json'));
    const script = words[1] === 'run' ? words[2] : words[1];
    const filters = words.includes('--') ? words.slice(words.indexOf('--') + 1) : [];
    const missing = filters.filter((word) => word.includes('/') && !files.some((file) => file.includes(word)));
    return scripts[script] === undefined ? [script, ...missing] : missing;
  }
  if (words[0] === 'cargo' && words[1] === 'test') {
    const target = words.indexOf('--test') + 1;
    const takesValue = new Set(['-p', '--target', '--test']);
    const filters = words.slice(2).filter((word, at, all) => !word.startsWith('-') && !takesValue.has(all[at - 1]));
    const wrong = filters.filter(
      (word) => !word.split('::').every((part) => names.some((name) => name.includes(part))),
    );
    if (target > 0 && !['.rs', '/main.rs'].some((end) => known(`${CORE}tests/${words[target]}${end}`))) {
      wrong.push(words[target]);
    }
    return wrong;
  }
  return words.filter((word) => PATH.test(word) && !known(word));
}

/** Where those documents name a file, a script or a test that is not there. */
function documentsNameWhatIsThere(files) {
  const names = rustNames(files);
  const broken = [];
  for (const document of DOCUMENTS.filter((name) => files.includes(name))) {
    const text = read(document);
    const lineOf = (index) => text.slice(0, index).split('\n').length;
    for (const { 1: command, index } of text.matchAll(/`([^`\n]+)`/g)) {
      broken.push(...wrongWords(command, files, names).map((word) => `${document}:${lineOf(index)}: ${word}`));
    }
    for (const { 1: target, index } of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
      if (!fs.existsSync(path.join(ROOT, target))) broken.push(`${document}:${lineOf(index)}: ${target}`);
    }
  }
  return broken;
}

module.exports = { documentsNameWhatIsThere };
