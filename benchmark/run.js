import { fork } from 'child_process';
import { writeFileSync } from 'fs';
import { fileURLToPath } from 'url';
import { parseArgs } from 'util';
import { machine } from './report/machine.js';
import { terminalTable } from './report/table.js';
import { scenarios } from './scenarios/index.js';
import { writeReport } from './report/report.js';

const USAGE = `npm run bench -- [NAME...] [--rounds N] [--json FILE]

Measures the runtime beside what one would use in its place: all scenarios, or those that are named.
With all of them BENCHMARKS.md and its plots are written anew.

  --rounds N   how often each contestant runs, half as often at each of many sizes; the tables show medians (default 5)
  --json FILE  writes every single measurement
`;
const SHOWN_STDERR = 2_000;
const CONTESTANT = fileURLToPath(new URL('contestant.js', import.meta.url));

/** One measurement in a process of its own. */
function measure(scenario, { name }, contestant, size) {
  return new Promise((resolve, reject) => {
    const args = [scenario.name, name, contestant, ...(size === undefined ? [] : [String(size)])];
    const child = fork(CONTESTANT, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--expose-gc', '--max-old-space-size=8192'],
    });
    let figures = null;
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr = (stderr + chunk).slice(-SHOWN_STDERR)));
    child.on('message', (message) => (figures = message));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (figures) return resolve(figures);
      reject(new Error(`${args.join(', ')}: ended with ${signal || code}, without figures\n${stderr}`));
    });
  });
}

/** A run of all is long: what fails leaves its figures out, and is told. */
async function measureOrTell(...what) {
  try {
    return await measure(...what);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
    return {};
  }
}

/** In turn, so that a noisy moment meets all of them. Growth is told by many sizes: half the rounds do. */
async function runCase(scenario, one, most) {
  const rounds = one.sizes ? Math.max(1, Math.floor(most / 2)) : most;
  const rows = (one.sizes || [undefined]).flatMap((size) =>
    one.contestants.map((contestant) => ({ contestant, size, rounds: [] })),
  );
  for (let round = 0; round < rounds; round += 1) {
    for (const row of rows) row.rounds.push(await measureOrTell(scenario, one, row.contestant, row.size));
  }
  const { name, sizes, figures } = one;
  return { scenario: scenario.name, name, sizes, figures, rows };
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' }, help: { type: 'boolean' } },
  });
  const all = await scenarios();
  const names = all.map(({ name }) => name);
  const unknown = positionals.filter((name) => !names.includes(name));
  const rounds = Number(values.rounds);
  if (values.help) return void process.stdout.write(USAGE);
  if (unknown.length > 0) throw new Error(`No such scenario: ${unknown.join(', ')}; there are ${names.join(', ')}`);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds takes a whole number from 1 up; got ${values.rounds}`);

  const chosen = positionals.length > 0 ? all.filter(({ name }) => positionals.includes(name)) : all;
  const cases = [];
  for (const scenario of chosen) {
    for (const one of scenario.cases) {
      const result = await runCase(scenario, one, rounds);
      cases.push(result);
      console.log(`\n${await terminalTable(result)}`);
    }
  }
  const results = { machine: machine(), rounds, cases };
  if (values.json) writeFileSync(values.json, JSON.stringify(results, null, 2));
  if (chosen.length < all.length) return;
  if (process.exitCode) throw new Error('BENCHMARKS.md is as it was: not all of it could be measured');
  await writeReport(results);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
