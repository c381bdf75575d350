'use strict';

const fs = require('fs');
const path = require('path');
const { spawn } = require('child_process');
const { IN_CI, ROOT, Stop, capture, main, mustRun } = require('./setup/process');
const { checkRust } = require('./setup/toolchain');

// `npm run fuzz` runs every target, two at a time; `npm run fuzz -- wire journal --seconds 1800` some of them for longer.

const FUZZ = path.join(ROOT, 'fuzz');
/** In CI, where the inputs are the same each time, less: all of it together is to stay under half an hour. */
const SECONDS = IN_CI ? 40 : 60;
const AT_ONCE = 2;
/** No input may take longer, in seconds, or more memory, in MiB. */
const LIMITS = ['-timeout=20', '-rss_limit_mb=1024'];

/** In CI the inputs are the same each time, so what crashes there is the doing of a change. */
const SEED = IN_CI ? ['-seed=1'] : [];

/** `maxLen` in bytes; `dict` helps with texts; `share` of the time, for what the others cover in part. */
const TARGETS = {
  wire: { maxLen: 4096, dict: 'json.dict' },
  journal: { maxLen: 1024 },
  jobs: { maxLen: 1024 },
  scan_v8: { maxLen: 512, dict: 'json.dict' },
  cache_v1: { maxLen: 4096, dict: 'json.dict' },
  snapshot: { maxLen: 4096, dict: 'json.dict', share: 1 / 3 },
  cache_database: { maxLen: 256, share: 1 / 3 },
  lifecycle: { maxLen: 512, share: 1 / 3 },
  request: { maxLen: 1024, dict: 'json.dict', share: 1 / 3 },
  stderr: { maxLen: 512, share: 1 / 3 },
};

function options(args) {
  const names = [];
  let seconds = SECONDS;
  for (let at = 0; at < args.length; at += 1) {
    if (args[at] === '--seconds') {
      at += 1;
      seconds = Number(args[at]);
    } else if (TARGETS[args[at]]) {
      names.push(args[at]);
    } else {
      throw new Stop(`There is no target ${args[at]}: ${Object.keys(TARGETS).join(', ')}`);
    }
  }
  if (!(seconds >= 1)) throw new Stop('--seconds takes a number from 1 up');
  // Who names a target wants all of the time for it.
  return names.length > 0 ? { names, seconds, named: true } : { names: Object.keys(TARGETS), seconds, named: false };
}

function checkTools() {
  checkRust();
  if (!capture('cargo', ['fuzz', '--version']).ok) {
    throw new Stop('cargo-fuzz is missing: cargo install --locked cargo-fuzz (.ci/run says which version)');
  }
  if (!capture('c++', ['--version']).ok) {
    throw new Stop('A C++ compiler is missing (libFuzzer is written in C++): install g++ or clang');
  }
}

const hostTriple = () => /^host: (\S+)$/m.exec(capture('rustc', ['-vV']).text)[1];

/** Runs a target; what it printed is in `fuzz/artifacts/<target>.log`. */
function fuzz(name, folder, seconds) {
  const { maxLen, dict } = TARGETS[name];
  const found = path.join(FUZZ, 'target', 'corpus', name);
  const artifacts = path.join(FUZZ, 'artifacts', name);
  fs.mkdirSync(found, { recursive: true });
  fs.mkdirSync(artifacts, { recursive: true });
  const log = path.join(FUZZ, 'artifacts', `${name}.log`);
  const output = fs.openSync(log, 'w');
  const args = [
    ...LIMITS,
    ...SEED,
    `-max_len=${maxLen}`,
    `-max_total_time=${seconds}`,
    '-print_final_stats=1',
    `-artifact_prefix=${artifacts}${path.sep}`,
    ...(dict ? [`-dict=${path.join(FUZZ, dict)}`] : []),
    // What is found goes to the first folder; the second is the committed one.
    found,
    path.join(FUZZ, 'corpus', name),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(path.join(folder, name), args, { cwd: FUZZ, stdio: ['ignore', output, output] });
    child.once('error', (error) => reject(new Stop(`${name} could not be started: ${error.message}`)));
    child.once('close', (code) => {
      fs.closeSync(output);
      resolve({ name, code, text: fs.readFileSync(log, 'utf8') });
    });
  });
}

function row({ name, code, text }) {
  const last = (pattern) => ([...text.matchAll(pattern)].pop() || [])[1];
  return {
    target: name,
    executions: Number(last(/^stat::number_of_executed_units: (\d+)/gm) || 0),
    corpus: Number(last(/ corp: (\d+)\//g) || 0),
    crashes: code === 0 ? 0 : 1,
  };
}

main(async () => {
  const { names, seconds, named } = options(process.argv.slice(2));
  checkTools();
  // One build for all. The core has no `unsafe` outside of `sys`, which no target reaches, so no sanitizer slows it down.
  const only = names.length === 1 ? names : [];
  await mustRun('the targets do not build', 'cargo', ['fuzz', 'build', '--sanitizer', 'none', ...only]);
  const folder = path.join(FUZZ, 'target', hostTriple(), 'release');
  const waiting = [...names];
  const results = [];
  const work = async () => {
    for (let name = waiting.shift(); name; name = waiting.shift()) {
      const share = named ? 1 : TARGETS[name].share || 1;
      const result = await fuzz(name, folder, Math.max(1, Math.round(seconds * share)));
      results.push(result);
      console.log(`${name}: ${result.code === 0 ? 'no crash' : 'CRASHED'}`);
      if (result.code !== 0) console.log(result.text.split('\n').slice(-60).join('\n'));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  console.table(names.map((name) => row(results.find((result) => result.name === name))));
  if (results.some(({ code }) => code !== 0)) throw new Stop('a target crashed: its input is in fuzz/artifacts');
});
