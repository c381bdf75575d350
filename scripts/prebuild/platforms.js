'use strict';

const fs = require('fs');
const path = require('path');
const { ROOT, capture } = require('../setup/process');
const { TARGETS } = require('./targets');

// The two tables of PLATFORMS.md are written by the commands that it describes; a row stays until its own command runs again.

const PAGE = 'PLATFORMS.md';

const read = () => fs.readFileSync(path.join(ROOT, PAGE), 'utf8');

/** What stands between the two marks of a table, and what is around it. */
function parts(text, table) {
  const [begin, end] = [`<!-- ${table} -->\n`, `<!-- end of ${table} -->`];
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  if (from < begin.length || to < from) throw new Error(`${PAGE} has lost its marks for the table "${table}"`);
  return { before: text.slice(0, from), inside: text.slice(from, to), after: text.slice(to) };
}

const cellsOf = (line) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** Rows of a table without its head, by their first `keys` cells. */
function rowsOf(inside, keys) {
  const rows = inside
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map(cellsOf);
  return new Map(rows.map((cells) => [cells.slice(0, keys).join(' '), cells]));
}

/** As prettier writes tables: a formatted page stays as it is. */
function tableText(head, rows) {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(3, ...lines.map((cells) => cells[column].length)));
  const lineOf = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |\n`;
  return `\n${lineOf(head)}${lineOf(widths.map((width) => '-'.repeat(width)))}${rows.map(lineOf).join('')}\n`;
}

const order = (cells) => TARGETS.findIndex(({ platform }) => platform === cells[0]);

/** A page with these rows in a table: they take the place of those with the same first `keys` cells. */
function withRows(text, table, head, keys, rows) {
  const { before, inside, after } = parts(text, table);
  const all = rowsOf(inside, keys);
  for (const cells of rows) all.set(cells.slice(0, keys).join(' '), cells);
  const sorted = [...all.values()].sort((one, other) => order(one) - order(other));
  return before + tableText(head, sorted) + after;
}

const record = (...change) => fs.writeFileSync(path.join(ROOT, PAGE), withRows(read(), ...change));

/** Today, and the commit that the sources are of; `+` where something is changed since. */
function when() {
  const commit = capture('git', ['rev-parse', '--short=9', 'HEAD']).text.trim();
  const changed = capture('git', [
    'status',
    '--porcelain',
    '--',
    'src',
    'crates',
    'lib',
    'dist',
    'index.js',
    'binding.js',
    'Cargo.lock',
  ]);
  return [new Date().toISOString().slice(0, 10), `${commit}${changed.text.trim() ? '+' : ''}`];
}

const sum = (sha256) => `\`${sha256.slice(0, 12)}\``;

const BUILDS = ['platform', 'loads on', 'MB', 'built', 'commit', 'SHA-256'];
const RUNS = ['platform', 'in', 'through', 'works', 'cache', 'recovery', 'run', 'commit', 'addon'];

/** @param {{ target, size, sha256 }[]} verified what `verify` gave for targets that were just built */
function recordBuilds(verified) {
  const row = ({ target, size, sha256 }) => [
    ...[target.platform, target.oldest, (size / 1e6).toFixed(1), ...when(), sum(sha256)],
  ];
  record('builds', BUILDS, 1, verified.map(row));
}

/** @param {string} sha256 of the addon that was run: it says which build it was */
function recordRun(target, host, results, sha256) {
  const cells = ['works', 'cache', 'recovery'].map((part) => (results[part] === 'ok' ? 'ok' : '**failed**'));
  record('runs', RUNS, 2, [[target.platform, host.name, host.through || '–', ...cells, ...when(), sum(sha256)]]);
}

module.exports = { recordBuilds, recordRun, withRows };
