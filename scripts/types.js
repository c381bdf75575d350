'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { ROOT, run } = require('./setup/process');

const TYPES = '__test__/types';
/** Programs that are run elsewhere, and are an app's code all the same. */
const PROGRAMS = ['__test__/integration/quick-start.ts', '__test__/integration/version-1-app.ts'];

/**
 * How an app's compiler finds the package. `without`: what the module format has no syntax for; `until`: the first
 * version of TypeScript that does not have it any more.
 */
const RESOLUTIONS = {
  node10: { module: 'commonjs', without: ['named-imports.mts', 'quick-start.ts'], until: 7 },
  node16: { module: 'node16', without: ['quick-start.ts'] },
  nodenext: { module: 'nodenext', without: ['quick-start.ts'] },
  bundler: { module: 'esnext', without: ['required.cts'] },
};

/** The compilers among our packages: `typescript`, and older and newer ones under names of their own. */
function compilers() {
  const { devDependencies } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const names = Object.keys(devDependencies).filter((name) => /^typescript(?:-|$)/.test(name));
  return names.map((name) => {
    const folder = path.join(ROOT, 'node_modules', name);
    const { version } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
    return { version, tsc: path.join(folder, 'bin/tsc') };
  });
}

/** An app's folder, with the package installed in it as npm would: only what ships, under its name. */
function appFolder() {
  // A compiler gives paths as they are on disk.
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'desktop-runtime-types-')));
  const installed = path.join(folder, 'node_modules/@niche-knack/desktop-runtime');
  fs.mkdirSync(path.join(installed, 'dist'), { recursive: true });
  for (const file of ['package.json', 'index.d.ts', 'index.d.mts', 'dist/index.d.ts', 'dist/types.d.ts']) {
    fs.copyFileSync(path.join(ROOT, file), path.join(installed, file));
  }
  fs.symlinkSync(path.join(ROOT, 'node_modules/@types'), path.join(folder, 'node_modules/@types'), 'junction');
  const tests = fs.readdirSync(path.join(ROOT, TYPES)).filter((name) => /\.[cm]?ts$/.test(name));
  for (const file of [...tests.map((name) => `${TYPES}/${name}`), ...PROGRAMS]) {
    fs.copyFileSync(path.join(ROOT, file), path.join(folder, path.basename(file)));
  }
  return folder;
}

/** One test for each compiler and each way in which it looks the types up: everything there compiles. */
async function typeTests() {
  const results = { passed: 0, failed: 0, skipped: 0 };
  const folder = appFolder();
  const { compilerOptions } = JSON.parse(fs.readFileSync(path.join(ROOT, TYPES, 'tsconfig.json'), 'utf8'));
  for (const { version, tsc } of compilers()) {
    for (const [resolution, { module, without, until = Infinity }] of Object.entries(RESOLUTIONS)) {
      if (parseInt(version, 10) >= until) continue;
      const project = path.join(folder, `tsconfig.${resolution}.json`);
      const config = {
        compilerOptions: { ...compilerOptions, skipLibCheck: false, module, moduleResolution: resolution },
        include: ['*.ts', '*.mts', '*.cts'],
        exclude: without,
      };
      fs.writeFileSync(project, JSON.stringify(config));
      const code = await run(process.execPath, [tsc, '-p', project]);
      console.log(`types, TypeScript ${version}, ${resolution}: ${code === 0 ? 'ok' : 'FAILED'}`);
      results[code === 0 ? 'passed' : 'failed'] += 1;
    }
  }
  fs.rmSync(folder, { recursive: true });
  return results;
}

module.exports = { typeTests };
