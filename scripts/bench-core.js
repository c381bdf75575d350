'use strict';

const fs = require('fs');
const path = require('path');
const { ROOT, Stop, capture, main, mustRun } = require('./setup/process');
const { checkRust } = require('./setup/toolchain');

// `npm run bench:core` counts the instructions of the core's hot paths and compares them with COUNTS.md; what takes more
// than before is a failure. `npm run bench:core -- --update` writes COUNTS.md anew.

const CRATE = path.join(ROOT, 'benchmark', 'core');
const TABLE = path.join(CRATE, 'COUNTS.md');
const TARGET = path.join(ROOT, 'target', 'counts');
/** Hash tables are seeded anew in each run, so a count may differ by itself, in percent: */
const NOISE = 3;

function options(args) {
  const unknown = args.filter((arg) => arg !== '--update');
  if (unknown.length > 0) throw new Stop(`npm run bench:core takes --update; got ${unknown.join(' ')}`);
  return { update: args.length > 0 };
}

/** What a count depends on besides the code: valgrind also says which instructions a processor has. */
function tools() {
  const rust = checkRust();
  const valgrind = capture('valgrind', ['--version']);
  if (!valgrind.ok) throw new Stop('valgrind is missing: apt-get install valgrind (it runs on Linux)');
  return `${rust}, ${valgrind.text.trim()}, ${process.arch}`;
}

function neededRunner() {
  const manifest = fs.readFileSync(path.join(CRATE, 'Cargo.toml'), 'utf8');
  return /^gungraun = "=([\d.]+)"/m.exec(manifest)[1];
}

async function installRunner() {
  const version = neededRunner();
  const installed = capture('cargo', ['install', '--list']).text;
  if (installed.includes(`gungraun-runner v${version}:`)) return;
  console.log(`Installing gungraun-runner ${version}`);
  const args = ['install', '--quiet', '--locked', '--version', version, 'gungraun-runner'];
  await mustRun('gungraun-runner could not be installed', 'cargo', args);
}

/** Instructions of one operation by the bench's name: `submit at_1_k_x100` did it a hundred times. */
function count() {
  const args = ['bench', '--quiet', '--target-dir', TARGET, '--', '--output-format=json', `--home=${TARGET}/gungraun`];
  const { ok, text: output } = capture('cargo', args, { cwd: CRATE });
  if (!ok) throw new Stop(`the counts could not be taken:\n${output}`);
  const counts = new Map();
  for (const line of output.split('\n').filter((text) => text.startsWith('{'))) {
    const { function_name: what, id, profiles } = JSON.parse(line);
    const [, when, times] = /^(.*)_x(\d+)$/.exec(id);
    const { parts } = profiles[0].data;
    const instructions = parts.reduce((sum, { metrics }) => sum + metrics.Ir.values.new, 0);
    counts.set(`${what}, ${when}`.replaceAll('_', ' '), Math.round(instructions / Number(times)));
  }
  return counts;
}

function readTable() {
  const text = fs.existsSync(TABLE) ? fs.readFileSync(TABLE, 'utf8') : '';
  const rows = [...text.matchAll(/^\| (.+?) +\| +([\d ]+) \|$/gm)];
  const counts = new Map(rows.map(([, name, number]) => [name, Number(number.replaceAll(' ', ''))]));
  return { tools: (/^Taken with (.*)\.$/m.exec(text) || [])[1], counts };
}

const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ' ');

function writeTable(used, counts) {
  const rows = [['what', 'instructions'], ...[...counts].map(([name, number]) => [name, grouped(number)])];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map(([name, number]) => `| ${name.padEnd(widths[0])} | ${number.padStart(widths[1])} |`);
  lines.splice(1, 0, `| ${'-'.repeat(widths[0])} | ${'-'.repeat(widths[1] - 1)}: |`);
  fs.writeFileSync(
    TABLE,
    `# Instructions of the core's hot paths

Counted with callgrind, of one operation each; \`npm run bench:core\` compares with them, and fails when one is more than
${NOISE} % above. \`npm run bench:core -- --update\` writes this file. The numbers hold for one compiler and one version of
valgrind: with others, take them anew on the commit before yours.

Taken with ${used}.

${lines.join('\n')}
`,
  );
}

/** Prints old and new; gives the names of those that are worse. */
function compare(before, counts) {
  const rows = [...counts].map(([what, now]) => {
    const old = before.get(what);
    const percent = old === undefined ? null : ((now - old) / old) * 100;
    return { what, old, now, percent };
  });
  console.table(
    rows.map(({ what, old, now, percent }) => ({
      what,
      old: old === undefined ? '' : grouped(old),
      new: grouped(now),
      change: percent === null ? 'new' : `${percent > 0 ? '+' : ''}${percent.toFixed(1)} %`,
    })),
  );
  for (const name of before.keys()) if (!counts.has(name)) console.log(`No longer counted: ${name}`);
  return rows.filter(({ percent }) => percent > NOISE).map(({ what }) => what);
}

main(async () => {
  const { update } = options(process.argv.slice(2));
  const used = tools();
  await installRunner();
  const before = readTable();
  const counts = count();
  const worse = compare(before.counts, counts);
  if (update) {
    writeTable(used, counts);
  } else if (before.tools !== used) {
    console.log(
      `These counts cannot be compared: those of COUNTS.md were taken with ${before.tools}, these with ${used}.`,
    );
  } else if (worse.length > 0) {
    throw new Stop(`more than ${NOISE} % above COUNTS.md: ${worse.join('; ')}`);
  }
});
