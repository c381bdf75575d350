import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { nodes, skipUnlessHere } from '../support/hosts.js';
import { NAME, awkwardFolder, ended, packedInto, platformName, platforms, remove, unpack } from './support.js';

const here = platformName();
const addonOf = (platform) => `desktop-runtime.${platform}.node`;

let work;
let main;
let own;
let version;
let app;
let count = 0;

beforeAll(async () => {
  work = awkwardFolder();
  const { folder, packed } = await packedInto(path.join(work, 'tarballs'));
  const fileOf = (platform) => path.join(folder, packed.find((each) => each.platform === platform).filename);
  main = await unpack(fileOf(null), path.join(work, 'main'));
  own = await unpack(fileOf(here), path.join(work, 'own'));
  version = packed[0].manifest.version;
});
afterAll(() => remove(work));

const placeOf = (name) => path.join(app, 'node_modules', name);

/** An app with the main package; `platform` adds that platform's package, with the addon of this machine in it. */
function install(platform, { addon = true, version: its = version } = {}) {
  const folder = placeOf(`${NAME}-${platform}`);
  fs.cpSync(own, folder, { recursive: true });
  if (platform !== here) fs.renameSync(path.join(folder, addonOf(here)), path.join(folder, addonOf(platform)));
  if (!addon) fs.rmSync(path.join(folder, addonOf(platform)));
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  Object.assign(manifest, { name: `${NAME}-${platform}`, main: addonOf(platform), version: its });
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
  return path.join(folder, addonOf(platform));
}

beforeEach(() => {
  app = path.join(work, `app ${(count += 1)}`);
  fs.cpSync(main, placeOf(NAME), { recursive: true });
});

/** Runs `script` and then loads the package in a process of its own: its error, or `loaded`. */
async function loads(script = '', { env = {}, node = process.execPath, entry = NAME } = {}) {
  const file = path.join(app, 'main.js');
  const told = '({ message: error.message, code: error.code, cause: error.cause && String(error.cause.message) })';
  fs.writeFileSync(
    file,
    `${script}\ntry { require(${JSON.stringify(entry)}); console.log('"loaded"'); }
     catch (error) { console.log(JSON.stringify(${told})); }`,
  );
  const { stdout, stderr } = await ended(node, [file], { cwd: app, env: { ...process.env, ...env } });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

const pretend = (platform, arch) =>
  `for (const [key, value] of [['platform', '${platform}'], ['arch', '${arch}']]) Object.defineProperty(process, key, { value });`;
/** A kernel's list of what is mapped into the process, and Node's report, as they are on a musl system. */
const MUSL = `const fs = require('fs'); const read = fs.readFileSync;
  fs.readFileSync = (file, ...rest) => file === '/proc/self/maps' ? '7f1 r-xp 0 08:01 1 /lib/ld-musl-x86_64.so.1\\n' : read(file, ...rest);`;
/** The dynamic loader's complaint, instead of loading anything. */
const complains = (message) =>
  `process.dlopen = () => { throw Object.assign(new Error(${JSON.stringify(message)}), { code: 'ERR_DLOPEN_FAILED' }); };`;

test('with the package of this platform it loads', async () => {
  install(here);
  expect(await loads()).toBe('loaded');
});

describe('the package that is looked for', () => {
  const WANTED = [
    ['darwin', 'arm64', 'darwin-arm64'],
    ['darwin', 'x64', 'darwin-x64'],
    ['linux', 'arm64', 'linux-arm64-gnu'],
    ['linux', 'x64', 'linux-x64-gnu'],
    ['linux', 'arm64', 'linux-arm64-musl', MUSL],
    ['linux', 'x64', 'linux-x64-musl', MUSL],
    ['linux', 'x64', 'linux-x64-musl', MUSL.replace('/lib/ld-musl-x86_64.so.1', '/usr/lib/x86_64-linux-musl/libc.so')],
    ['win32', 'arm64', 'win32-arm64-gnullvm'],
    ['win32', 'x64', 'win32-x64-gnullvm'],
  ];
  const GLIBC = MUSL.replace('/lib/ld-musl-x86_64.so.1', '/lib/x86_64-linux-gnu/libc.so.6');

  test.each(WANTED)('of %s %s is %s', async (platform, arch, wanted, libc = GLIBC) => {
    install(wanted);
    expect(await loads(`${libc}\n${pretend(platform, arch)}`)).toBe('loaded');
  });

  test('are all that there are', () => {
    expect([...new Set(WANTED.map(([, , wanted]) => wanted))].sort()).toEqual(platforms());
  });

  test('without /proc, the report says which C library it is', async () => {
    const noProc = MUSL.replace("? '7f1 r-xp 0 08:01 1 /lib/ld-musl-x86_64.so.1\\n'", "? read('/nothing/here')");
    const report = (header) => `process.report.getReport = () => ({ header: ${JSON.stringify(header)} });`;
    install('linux-x64-musl');
    expect(await loads(noProc + report({}) + pretend('linux', 'x64'))).toBe('loaded');
    const { message } = await loads(noProc + report({ glibcVersionRuntime: '2.36' }) + pretend('linux', 'x64'));
    expect(message).toContain('addon for linux-x64-gnu is not installed, only that for linux-x64-musl');
  });
});

describe('a platform without an addon', () => {
  test('says which there are', async () => {
    const { message, code } = await loads(pretend('freebsd', 'x64'));
    expect(code).toBe('ADDON_NOT_LOADED');
    expect(message).toMatch(
      `${NAME}: there is no native addon for freebsd-x64 (Node ${process.versions.node} for freebsd-x64).`,
    );
    for (const platform of platforms()) expect(message).toContain(platform);
    expect(message).toContain('DESKTOP_RUNTIME_ADDON');
    expect(message).not.toContain('32-bit');
  });

  test('of 32 bits: says to take the 64-bit program', async () => {
    const { message } = await loads(pretend('win32', 'ia32'));
    expect(message).toContain('no native addon for win32-ia32-gnullvm');
    expect(message).toContain('use the 64-bit Node or Electron');
  });
});

describe('the package of the platform is missing', () => {
  test('none is there: names it, the traps of package managers, and keeps the cause', async () => {
    const { message, code, cause } = await loads();
    expect(code).toBe('ADDON_NOT_LOADED');
    expect(message).toContain(
      `${NAME}: the native addon for ${here} is not installed: the package ${NAME}-${here} is missing`,
    );
    expect(message).toContain('without --omit=optional, --no-optional, --ignore-optional');
    expect(message).toContain('delete it and node_modules, and install again');
    expect(message).not.toContain('asar');
    expect(cause).toContain(`Cannot find module '${NAME}-${here}/package.json'`);
  });

  test('dist/types.js is there all the same: a page that shows an error has no addon', async () => {
    expect(await loads('', { entry: `${NAME}/dist/types.js` })).toBe('loaded');
  });

  test('that of another platform is there: says that node_modules came from it', async () => {
    install('darwin-arm64');
    install('win32-x64-gnullvm');
    const { message } = await loads(pretend('linux', 'arm64') + MUSL);
    expect(message).toContain(
      'addon for linux-arm64-musl is not installed, only that for darwin-arm64, win32-x64-gnullvm',
    );
    expect(message).toContain('npm install --os=linux --cpu=arm64 --libc=musl;');
  });

  test('there are hollow packages beside that of another platform, as yarn leaves them', async () => {
    install('linux-x64-gnu');
    install('linux-arm64-musl', { addon: false });
    install('darwin-x64', { addon: false });
    const { message } = await loads(pretend('linux', 'arm64') + MUSL);
    expect(message).toContain('addon for linux-arm64-musl is not installed, only that for linux-x64-gnu (');
  });

  test('the addon has been left out of it', async () => {
    install(here, { addon: false });
    const { message } = await loads();
    expect(message).toContain(`${placeOf(`${NAME}-${here}`)} lacks the addon, ${addonOf(here)}`);
    expect(message).toContain('filters must let *.node files pass');
  });

  test('in an archive: says how to leave the addon out of it', async () => {
    app = path.join(app, 'resources', 'app.asar');
    fs.cpSync(main, placeOf(NAME), { recursive: true });
    expect((await loads()).message).toContain('asarUnpack "**/*.node"');
  });

  test('the code runs in a bundle: says to keep it out', async () => {
    const bundle = path.join(app, 'dist', 'package.json');
    fs.cpSync(placeOf(NAME), path.dirname(bundle), { recursive: true });
    fs.writeFileSync(bundle, JSON.stringify({ name: 'my-app', version }));
    const { message } = await loads('', { entry: './dist/index.js' });
    expect(message).toContain(`its code runs out of ${path.dirname(bundle)}, where a bundler put it`);
    expect(message).toContain(`external: ['${NAME}']`);
  });
});

test('versions that differ', async () => {
  install(here, { version: '1.9.9' });
  const { message } = await loads();
  expect(message).toContain(`version ${version} has found the addon of version 1.9.9, ${NAME}-${here}`);
  expect(message).toContain('both have to be of the same version');
});

describe('the addon is there and does not load', () => {
  test('a file that is no addon: the system’s words, and to install again', async () => {
    fs.writeFileSync(install(here), 'not an addon');
    const { message, code, cause } = await loads();
    expect(code).toBe('ADDON_NOT_LOADED');
    expect(message).toContain(`the package ${NAME}-${here} was found, but could not be loaded`);
    expect(message).toContain(cause);
    expect(message).toContain(process.platform === 'win32' ? 'Windows 10' : 'damaged, or for another platform');
  });

  test.each([
    ["/lib/libc.so.6: version `GLIBC_2.17' not found (required by addon)", 'needs glibc 2.17'],
    ['/a/addon.node: wrong ELF class: ELFCLASS32', 'damaged, or for another platform'],
    [
      "dlopen(/a/addon.node, 0x1): tried: (mach-o file, but is an incompatible architecture (have 'x86_64'))",
      'for another',
    ],
    ['Error relocating /a/addon.node: __res_init: symbol not found', 'other C library (glibc or musl)'],
    [
      'libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory',
      'other C library (glibc or musl)',
    ],
    ['/a/addon.node: failed to map segment from shared object', 'may not hold programs (a mount with noexec'],
    [
      "dlopen(/A.app/app.asar.unpacked/a.node, 0x1): tried: '/A.app/app.asar.unpacked/a.node' (code signature not valid for use in process: mapping process and mapped file have different Team IDs), '/System/a.node' (no such file)",
      'sign the addon',
    ],
    [
      '/opt/x/app.asar.unpacked/addon.node: cannot open shared object file: No such file or directory',
      'app.asar.unpacked. Leave the addon out',
    ],
    ['something never heard of', 'Delete node_modules and install again'],
  ])('%s', async (said, remedy) => {
    install(here);
    const { message, cause } = await loads(complains(said));
    expect(cause).toBe(said);
    expect(message).toContain(said);
    expect(message).toContain(remedy);
    expect(message.split('\n').filter((line) => line.startsWith('- '))).toHaveLength(
      process.platform === 'win32' && /never/.test(said) ? 2 : 1,
    );
  });
});

describe('DESKTOP_RUNTIME_ADDON', () => {
  test('names the addon, from the working folder, before anything that is installed', async () => {
    fs.copyFileSync(path.join(own, addonOf(here)), path.join(app, 'mine.node'));
    expect(await loads('', { env: { DESKTOP_RUNTIME_ADDON: 'mine.node' } })).toBe('loaded');
  });

  test('names nothing that can be loaded: that is said, and nothing else is tried', async () => {
    install(here);
    const { message } = await loads('', { env: { DESKTOP_RUNTIME_ADDON: './no such.node' } });
    expect(message).toContain('./no such.node, which the variable DESKTOP_RUNTIME_ADDON names,');
  });

  test('another package’s variable does not steer it', async () => {
    install(here);
    expect(await loads('', { env: { NAPI_RS_NATIVE_LIBRARY_PATH: '/nothing/here.node' } })).toBe('loaded');
  });
});

test('the oldest Node says the same', async (context) => {
  skipUnlessHere(context, nodes.length > 0, 'no Node programs: "node scripts/hosts.js" fetches them on linux-x64');
  const node = nodes[0].path;
  expect((await loads('', { node })).message).toContain(`the package ${NAME}-${here} is missing (Node 12.14.1 for`);
  fs.writeFileSync(install(here), 'not an addon');
  expect((await loads('', { node })).message).toContain('damaged, or for another platform');
});
