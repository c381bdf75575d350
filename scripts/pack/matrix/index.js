'use strict';

const { execFile } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { promisify } = require('util');
const { packAll } = require('..');
const { NAME, installedIn, packagesOf, withHollowPackages, writeApp } = require('../fresh-app');
const { serve } = require('../registry');
const { platformName } = require('../../../lib/addon-platform.js');
const { electronBinary, electronCommand } = require('../../hosts');
const { installPackages } = require('../../setup/packages');
const { Stop, main } = require('../../setup/process');

// The packed package under the package managers and bundlers that people have. It prints a table; what is wrong ends it
// with 1; `npm run test:packages -- yarn vite` tries those alone. The bundlers' and package managers' own packages come from a lock file; the apps' from a registry made here.

const run = promisify(execFile);
const HERE = platformName();
const RESULT = JSON.stringify({ data: 42, progress: [50], cached: 42 });
const LIMIT_MS = 180_000;

/** Platforms that no test machine of ours is: an app for them is packed elsewhere. */
const FOREIGN = [
  { name: 'linux-arm64-musl', os: 'linux', cpu: 'arm64', libc: 'musl' },
  { name: 'win32-x64-gnullvm', os: 'win32', cpu: 'x64' },
  { name: 'darwin-arm64', os: 'darwin', cpu: 'arm64' },
];

/** Settings of this machine's user, and of the npm that runs this, are not those of a fresh app. */
function cleanEnv(work) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(?:npm_|yarn_|pnpm_|ci$)/i.test(name));
  return {
    ...Object.fromEntries(kept),
    HOME: work,
    XDG_CACHE_HOME: path.join(work, 'cache'),
    npm_config_cache: path.join(work, 'npm-cache'),
    COREPACK_ENABLE_STRICT: '0',
  };
}

/** Runs a program: what it printed last, or its error in one line. */
async function outcome(command, args, options) {
  try {
    const { stdout } = await run(command, args, { timeout: LIMIT_MS, maxBuffer: 64 * 1024 * 1024, ...options });
    return stdout.trim().split('\n').pop();
  } catch (error) {
    const said = `${error.stderr || ''}${error.stdout || ''}` || error.message;
    return said.split('\n').find((line) => /error|cannot|@niche-knack/i.test(line)) || said.trim().split('\n')[0];
  }
}

const verdict = (printed) => (printed === RESULT ? 'ok' : `FAILED: ${printed}`);

async function tryManager(manager, index, { env, url, work }) {
  const folder = writeApp(path.join(work, `app ${index}`), url);
  const options = { cwd: folder, env };
  const installed = await outcome(manager.node, manager.install(folder, url), options);
  const before = manager.preload ? ['--require', manager.preload] : [];
  const beforeModule = manager.loader ? [...before, '--experimental-loader', manager.loader] : before;
  const found = installedIn(folder);
  const expected = manager.both && HERE.startsWith('linux') ? 2 : 1;
  const right = found.includes(HERE) && found.length === expected;
  return {
    packages: right ? found.join(' ') : `FAILED: ${found.join(' ') || installed}`,
    commonjs: verdict(await outcome(process.execPath, [...before, 'main.js'], options)),
    esm: verdict(await outcome(process.execPath, [...beforeModule, 'main.mjs'], options)),
    foreign: await tryForeign(manager, index, { env, url, work }),
  };
}

/** Whether it installs what an app for another platform needs. */
async function tryForeign(manager, index, { env, url, work }) {
  if (!manager.cross) return 'not offered';
  const wrong = [];
  for (const platform of FOREIGN) {
    const { name, ...asked } = platform;
    const folder = writeApp(path.join(work, `app ${index} for ${name}`), url);
    const printed = await outcome(manager.node, manager.cross(folder, asked, url), { cwd: folder, env });
    const found = installedIn(folder);
    const right = manager.everything ? found.length === 8 : found.join() === name;
    if (!right) wrong.push(`${name}: ${found.join(' ') || printed}`);
  }
  if (wrong.length > 0) return `FAILED: ${wrong.join('; ')}`;
  return manager.everything ? 'ok, all eight' : 'ok';
}

async function tryBundler(bundler, index, { app, env, work }) {
  const out = path.join(bundler.alone ? work : app, `bundle ${index}`);
  try {
    await bundler.build(app, out);
  } catch (error) {
    const failed = `FAILED: ${error.message.split('\n').find(Boolean)}`;
    return { node: failed, electron: failed };
  }
  const options = { cwd: work, env: { ...env, FRESH_APP_ENGINE: path.join(app, 'engine.js') } };
  const { path: electron, reason } = electronBinary();
  const { command, args } = electron ? electronCommand(electron, path.join(out, 'electron.js')) : {};
  return {
    node: verdict(await outcome(process.execPath, [path.join(out, 'main.js')], options)),
    electron: electron ? verdict(await outcome(command, args, options)) : `not run: ${reason}`,
  };
}

function print(header, rows) {
  if (rows.length === 0) return;
  const line = (cells) => console.log(`| ${cells.join(' | ')} |`);
  line(header);
  line(header.map(() => '---'));
  rows.forEach(line);
  console.log();
}

/** Those whose title has one of the words that the script was called with. */
function chosen(all) {
  const words = process.argv.slice(2);
  return all.filter(({ title }) => words.length === 0 || words.some((word) => title.includes(word)));
}

main(async () => {
  await installPackages('scripts/pack/matrix');
  const { bundlers } = require('./bundlers');
  const { managers } = require('./managers');
  const work = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'packages-')));
  const tarballs = path.join(work, 'tarballs');
  const packages = withHollowPackages(packagesOf(await packAll({ out: tarballs, built: true }), tarballs), tarballs);
  const registry = await serve(packages);
  const place = { work, url: registry.url, env: cleanEnv(work) };
  try {
    const installed = [];
    for (const [index, manager] of chosen(managers()).entries()) {
      console.error(manager.title);
      const { packages: found, commonjs, esm, foreign } = await tryManager(manager, index, place);
      installed.push([manager.title, found, commonjs, esm, foreign]);
    }
    const app = writeApp(path.join(work, 'app to bundle'), place.url);
    const [npm] = managers().filter(({ title }) => title.startsWith('npm 10'));
    await outcome(npm.node, npm.install(), { cwd: app, env: place.env });
    const bundled = [];
    for (const [index, bundler] of chosen(bundlers()).entries()) {
      console.error(bundler.title);
      const { node, electron } = await tryBundler(bundler, index, { ...place, app });
      bundled.push([bundler.title, node, electron]);
    }
    console.log(`${NAME} on ${HERE}, Node ${process.versions.node}\n`);
    print(['package manager', 'platform packages', 'CommonJS', 'ESM', 'for another platform'], installed);
    print(['bundler', 'in Node', 'in Electron'], bundled);
    const failed = [...installed, ...bundled].filter((row) => row.some((cell) => cell.startsWith('FAILED')));
    if (failed.length > 0) throw new Stop(`failed: ${failed.map(([title]) => title).join('; ')}`);
  } finally {
    await registry.close();
    fs.rmSync(work, { recursive: true, force: true });
  }
});
