import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { electron, electronCommand, nodes, skipUnlessHere } from '../support/hosts.js';
import {
  NAME,
  RESULT,
  awkwardFolder,
  ended,
  installedIn,
  npm,
  packagesOf,
  packedInto,
  platformName,
  platforms,
  remove,
  serve,
  writeApp,
} from './support.js';

const load = createRequire(new URL('tools/package.json', import.meta.url));
const here = platformName();
const NOBODY = 65534;
const QUIET = ['--no-audit', '--no-fund'];

let work;
let tarballs;
let registry;
let app;

beforeAll(async () => {
  work = awkwardFolder();
  tarballs = await packedInto(path.join(work, 'tarballs'));
  registry = await serve(packagesOf(tarballs.packed, tarballs.folder));
  app = writeApp(path.join(work, 'app'), registry.url);
  const installed = await npm(['install', ...QUIET], app);
  expect(installed, installed.stderr).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await registry.close();
  remove(work);
});

const result = ({ code, stdout, stderr }) => ({
  code,
  stderr: code === 0 ? '' : stderr,
  result: code === 0 && JSON.parse(stdout),
});
const GOOD = { code: 0, stderr: '', result: RESULT };
const runs = async (file, node = process.execPath, options = {}) =>
  result(await ended(node, [file], { cwd: app, ...options }));

describe('npm install into a fresh app, in a folder with spaces, an umlaut and a quote', () => {
  test('brings the one platform package and no other package', () => {
    expect(installedIn(app)).toEqual([here]);
    expect(fs.readdirSync(path.join(app, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      '@niche-knack',
    ]);
  });

  test('the lock file names all of them: it serves every platform', () => {
    const lock = JSON.parse(fs.readFileSync(path.join(app, 'package-lock.json'), 'utf8'));
    const names = Object.keys(lock.packages)
      .filter((name) => name !== '')
      .sort();
    expect(names).toEqual(
      ['', ...platforms().map((platform) => `-${platform}`)].map((end) => `node_modules/${NAME}${end}`),
    );
  });

  test('CommonJS: an engine, a job, a cache on the disk', async () => {
    expect(await runs('main.js')).toEqual(GOOD);
  });

  test('ESM', async () => {
    expect(await runs('main.mjs')).toEqual(GOOD);
  });

  test('each path that it exports gives the same, by require and by import', async () => {
    const written = (name, text) => {
      fs.writeFileSync(path.join(app, name), text);
      return runs(name);
    };
    const required = await written(
      'deep.js',
      `const all = require('${NAME}');
       const names = Object.keys(all);
       const types = require('${NAME}/dist/types.js');
       const same = (other) => names.filter((name) => other[name] !== all[name]);
       console.log(JSON.stringify([same(require('${NAME}/dist/index.js')), types.ErrorCodes === all.ErrorCodes]));`,
    );
    expect(required).toMatchObject({ stderr: '', result: [[], true] });
    const imported = await written(
      'deep.mjs',
      `import * as all from '${NAME}';
       import { EngineClient } from '${NAME}/dist/index.js';
       import { ErrorCodes } from '${NAME}/dist/types.js';
       console.log(JSON.stringify([EngineClient === all.EngineClient, ErrorCodes === all.ErrorCodes]));`,
    );
    expect(imported).toMatchObject({ stderr: '', result: [true, true] });
  });

  test('in Node 12.14.1', async (context) => {
    skipUnlessHere(context, nodes.length > 0, 'no Node programs: "node scripts/hosts.js" fetches them on linux-x64');
    expect(await runs('main.js', nodes[0].path)).toEqual(GOOD);
  });

  test('from a folder that cannot be written to', async (context) => {
    if (process.platform === 'win32') context.skip('modes of folders mean nothing on Windows');
    // Root may write anywhere, so there the app is run by a user who owns nothing.
    const who = process.getuid() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    const all = [work, app, ...fs.readdirSync(app, { recursive: true }).map((name) => path.join(app, name))];
    const folders = all.filter((name) => fs.lstatSync(name).isDirectory());
    folders.forEach((name) => fs.chmodSync(name, 0o555));
    try {
      const { stderr } = await ended(process.execPath, ['-e', 'fs.writeFileSync("here", "")'], { cwd: app, ...who });
      expect(stderr).toContain('EACCES');
      expect(await runs('main.js', process.execPath, who)).toEqual(GOOD);
    } finally {
      folders.forEach((name) => fs.chmodSync(name, 0o755));
    }
  });
});

test('npm install --omit=optional: the package says so', async () => {
  const folder = writeApp(path.join(work, 'omits'), registry.url);
  expect(await npm(['install', '--omit=optional', ...QUIET], folder)).toMatchObject({ code: 0 });
  expect(installedIn(folder)).toEqual([]);
  const { code, stderr } = await ended(process.execPath, ['main.js'], { cwd: folder });
  expect(code).toBe(1);
  expect(stderr).toContain(`the native addon for ${here} is not installed: the package ${NAME}-${here} is missing`);
  expect(stderr).toContain('--omit=optional');
});

test('without any registry, from the two tarballs', async () => {
  const folder = writeApp(path.join(work, 'offline'), 'http://127.0.0.1:9/');
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }');
  const files = tarballs.packed.filter(({ platform }) => platform === null || platform === here);
  const paths = files.map(({ filename }) => path.join(tarballs.folder, filename));
  const installed = await npm(['install', '--offline', ...QUIET, ...paths], folder);
  expect(installed, installed.stderr).toMatchObject({ code: 0 });
  expect(await runs('main.js', process.execPath, { cwd: folder })).toEqual(GOOD);
});

describe('app.asar, in Electron', () => {
  async function archive(unpack) {
    const resources = fs.mkdtempSync(path.join(work, 'resources '));
    const file = path.join(resources, 'app.asar');
    await load('@electron/asar').createPackageWithOptions(app, file, { unpack });
    return file;
  }

  async function electronRuns(file) {
    const { command, args } = electronCommand(electron.path, file);
    return ended(command, args, { cwd: work });
  }

  test('with the addon unpacked it works', async (context) => {
    skipUnlessHere(context, electron.path, electron.reason);
    const file = await archive('**/*.node');
    expect(
      fs.existsSync(path.join(`${file}.unpacked`, 'node_modules', `${NAME}-${here}`, `desktop-runtime.${here}.node`)),
    ).toBe(true);
    expect(result(await electronRuns(file))).toEqual(GOOD);
  });

  test('with the unpacked addon left behind it says so', async (context) => {
    skipUnlessHere(context, electron.path, electron.reason);
    const file = await archive('**/*.node');
    remove(`${file}.unpacked`);
    const { code, stderr } = await electronRuns(file);
    expect(code).toBe(1);
    expect(stderr).toContain('does not lie beside it in app.asar.unpacked');
  });
});
