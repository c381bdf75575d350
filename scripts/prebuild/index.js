'use strict';

const { ROOT, Stop, main } = require('../setup/process');
const { build } = require('./build');
const { HOSTS_OF } = require('./hosts');
const { recordBuilds, recordRun } = require('./platforms');
const { targetsNamed } = require('./targets');
const { buildTools } = require('./tools');
const { trial } = require('./trial');
const { verify, writeChecksums } = require('./verify');

const USAGE = `node scripts/prebuild [--test | --verify] [target…]

Builds the addons of the platform packages into npm/, all eight or those named, on Debian 12 for x64: no other machine has
the compilers. Verifies each, and writes npm/SHA256SUMS and the tables of PLATFORMS.md.

--verify  reads what is in npm/ and builds nothing
--test    runs what is in npm/ wherever it can run on this machine, and builds nothing`;

/** Runs each verified addon in all of its hosts; a failure does not keep the others from running. */
async function test(verified, tools) {
  const failures = [];
  for (const { target, sha256 } of verified) {
    for (const host of await HOSTS_OF[target.platform](tools)) {
      const name = `${target.platform} in ${host.name}${host.through ? ` through ${host.through}` : ''}`;
      const { parts, log } = await trial(target, host);
      const wrong = Object.keys(parts).filter((part) => parts[part] !== 'ok');
      console.log(`${wrong.length === 0 ? 'ok' : 'FAILED'}  ${name}`);
      for (const part of wrong) failures.push(`${name}, ${part}: ${parts[part]} (its output: ${log})`);
      recordRun(target, host, parts, sha256);
    }
  }
  if (failures.length > 0) throw new Stop(failures.join('\n'));
}

main(async () => {
  const words = process.argv.slice(2);
  const flags = words.filter((word) => word.startsWith('-'));
  const names = words.filter((word) => !word.startsWith('-'));
  if (flags[0] === '--help') {
    console.log(USAGE);
    return;
  }
  if (flags.length > 1 || flags.some((flag) => !['--test', '--verify'].includes(flag))) throw new Stop(USAGE);
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Stop('scripts/prebuild runs on Debian 12 for x64');
  process.chdir(ROOT);
  const targets = targetsNamed(names);
  const tools = await buildTools();
  if (flags[0] === '--test') {
    const [runnable, others] = [true, false].map((can) =>
      targets.filter(({ platform }) => platform in HOSTS_OF === can),
    );
    const verified = await verify(runnable, tools);
    for (const { platform } of others) console.log(`--    ${platform} cannot run on this machine`);
    await test(verified, tools);
    return;
  }
  if (flags[0] !== '--verify') {
    const changed = Object.keys(process.env).filter((name) => name.startsWith('CARGO_PROFILE_'));
    for (const target of targets) {
      await build(target, tools);
      // At once: a build that is no good should not be found out behind seven others.
      const verified = await verify([target], tools);
      if (changed.length === 0) recordBuilds(verified);
      else console.log(`Not recorded in PLATFORMS.md: ${changed.join(', ')} made it other than what ships`);
    }
  }
  for (const { target, size, sha256 } of await verify(targets, tools)) {
    console.log(`${sha256}  ${target.addon}  ${size} bytes`);
  }
  writeChecksums();
});
