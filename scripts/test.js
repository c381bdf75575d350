'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { installHosts } = require('./hosts');
const { setup } = require('./setup');
const { installPackages } = require('./setup/packages');
const { ROOT, main, run } = require('./setup/process');
const { typeTests } = require('./types');

const tool = (name) => path.join(ROOT, 'node_modules', name);

/** Every suite returns what it counted; a suite that fails without a failed test (it did not compile) counts as one. */
function counted(code, { passed, failed, skipped }) {
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, skipped };
}

async function cargoTest() {
  let output = '';
  const args = ['test', '--workspace'];
  if (process.stdout.isTTY) args.push('--', '--color=always');
  const code = await run('cargo', args, { onOutput: (text) => (output += text) });
  const results = { passed: 0, failed: 0, skipped: 0 };
  const plain = output.replace(/\x1b\[[\d;]*m/g, '');
  for (const [, passed, failed, ignored] of plain.matchAll(
    /^test result: .* (\d+) passed; (\d+) failed; (\d+) ignored;/gm,
  )) {
    results.passed += Number(passed);
    results.failed += Number(failed);
    results.skipped += Number(ignored);
  }
  return counted(code, results);
}

async function vitest(args) {
  const report = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'desktop-runtime-')), 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await run(process.execPath, [tool('vitest/vitest.mjs'), 'run', ...reporters, ...args]);
  if (!fs.existsSync(report)) return counted(code, { passed: 0, failed: 0, skipped: 0 });
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(fs.readFileSync(report, 'utf8'));
  fs.rmSync(path.dirname(report), { recursive: true });
  return counted(code, { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests });
}

main(async () => {
  const args = process.argv.slice(2);
  await setup();
  await installPackages('examples/ocr');
  await installPackages('__test__/package/tools');
  await installPackages('examples/electron');
  await installPackages('__test__/electron-app');
  await installPackages('docs');
  await installPackages('cli');
  await installHosts();
  // Arguments are vitest's, so they ask for vitest alone.
  const all = { 'cargo test': cargoTest, 'type tests': typeTests, vitest: () => vitest(args) };
  const names = args.length > 0 ? ['vitest'] : Object.keys(all);
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const name of names) {
    const results = await all[name]();
    Object.keys(total).forEach((key) => (total[key] += results[key]));
    if (results.failed > 0) {
      console.log(`\nfailed: ${name}; what comes after it was not run`);
      process.exitCode = 1;
      break;
    }
  }
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
});
