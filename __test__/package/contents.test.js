import fs from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awkwardFolder, ended, npm, packedInto, platformName, platforms, remove, unpack } from './support.js';

const load = createRequire(import.meta.url);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TOOLS = fileURLToPath(new URL('tools/node_modules/', import.meta.url));
const { thirdPartyLicences } = load('../../scripts/pack/licenses.js');
const here = platformName();

let work;
let packages;
beforeAll(async () => {
  work = awkwardFolder();
  const { folder, packed } = await packedInto(path.join(work, 'tarballs'));
  packages = packed.map((each) => ({ ...each, file: path.join(folder, each.filename) }));
  for (const each of packages) each.folder = await unpack(each.file, path.join(work, each.filename, 'package'));
});
afterAll(() => remove(work));

function filesIn(folder) {
  const entries = fs.readdirSync(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  return files
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replace(/\\/g, '/'))
    .sort();
}

const manifestOf = ({ folder }) => JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
const main = () => packages.find(({ platform }) => platform === null);
const own = () => packages.find(({ platform }) => platform === here);

describe('the main package', () => {
  test('holds what an app needs and nothing else', () => {
    expect(filesIn(main().folder)).toEqual(
      [
        'CHANGELOG.md',
        'LICENSE',
        'README.md',
        'THIRD-PARTY-LICENSES',
        'dist/index.d.ts',
        'dist/index.js',
        'dist/types.d.ts',
        'dist/types.js',
        'index.d.mts',
        'index.d.ts',
        'index.js',
        'index.mjs',
        'package.json',
      ].sort(),
    );
  });

  test('has its code in one file, that names its parts and loads no other but the codes, the manifest and the platform packages', () => {
    const code = fs.readFileSync(path.join(main().folder, 'index.js'), 'utf8');
    const lib = fs.readdirSync(path.join(ROOT, 'lib')).filter((name) => name.endsWith('.js'));
    const parts = [...code.matchAll(/^\/\/ (\S+\.js)$/gm)].map(([, name]) => name);
    expect(parts).toEqual(expect.arrayContaining(['index.js', 'binding.js', ...lib.map((name) => `lib/${name}`)]));
    const loaded = new Set([...code.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name));
    const own = platforms().map((platform) => `@niche-knack/desktop-runtime-${platform}`);
    const known = [
      ...builtinModules,
      ...own,
      ...own.map((name) => `${name}/package.json`),
      './dist/types.js',
      './package.json',
    ];
    expect([...loaded].filter((name) => !known.includes(name))).toEqual([]);
    expect([...loaded]).toEqual(expect.arrayContaining(own));
    // A file that says where something is in the repository would say where it was built.
    expect(code).not.toContain(ROOT);
  });

  test('depends on nothing but the platform packages, of its own version, and runs no scripts', () => {
    const manifest = manifestOf(main());
    expect(Object.keys(manifest).sort()).toEqual([
      'description',
      'engines',
      'exports',
      'keywords',
      'license',
      'main',
      'name',
      'optionalDependencies',
      'type',
      'types',
      'version',
    ]);
    const wanted = platforms().map((platform) => [`${manifest.name}-${platform}`, manifest.version]);
    expect(Object.entries(manifest.optionalDependencies)).toEqual(wanted);
    expect(wanted).toHaveLength(8);
  });
});

describe('a platform package', () => {
  test('holds the addon and the licences', () => {
    const addon = `desktop-runtime.${here}.node`;
    expect(filesIn(own().folder)).toEqual(
      ['LICENSE', 'README.md', 'THIRD-PARTY-LICENSES', addon, 'package.json'].sort(),
    );
    expect(manifestOf(own())).toMatchObject({ main: addon, version: manifestOf(main()).version });
    expect(manifestOf(own())).not.toHaveProperty('scripts');
    expect(manifestOf(own())).not.toHaveProperty('dependencies');
  });

  test('names the one system, processor and C library that it is for', () => {
    const [os, cpu, abi] = here.split('-');
    const libc = { gnu: ['glibc'], musl: ['musl'] }[abi];
    expect(manifestOf(own())).toMatchObject({ os: [os], cpu: [cpu] });
    expect(manifestOf(own()).libc).toEqual(libc);
  });
});

test('the same files give the same tarballs, and SHA256SUMS says which', async () => {
  const sums = (folder) => fs.readFileSync(path.join(folder, 'SHA256SUMS'), 'utf8');
  const again = await packedInto(path.join(work, 'again'));
  expect(sums(again.folder)).toBe(sums(path.dirname(main().file)));
  expect(sums(again.folder).trim().split('\n')).toHaveLength(packages.length);
});

test('THIRD-PARTY-LICENSES is that of the crates in Cargo.lock ("npm run licenses" writes it)', () => {
  expect(fs.readFileSync(path.join(ROOT, 'THIRD-PARTY-LICENSES'), 'utf8')).toBe(thirdPartyLicences());
});

test.each([['pack'], ['publish', '--dry-run']])('npm refuses to %s the repository itself', async (...args) => {
  const { code, stderr } = await npm(args, ROOT);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/npm run pack|"private": true/);
  expect(fs.readdirSync(ROOT).filter((name) => name.endsWith('.tgz'))).toEqual([]);
});

test('publint finds nothing', async () => {
  for (const { folder } of packages) {
    const { code, stdout } = await ended(process.execPath, [
      path.join(TOOLS, 'publint/src/cli.js'),
      '--strict',
      folder,
    ]);
    const found = stdout.split('\n').filter((line) => /^\s*\d+\. /.test(line));
    expect({ code, found }, stdout).toEqual({ code: 0, found: [] });
  }
});

test('dist/types.d.ts has every type of index.d.ts', () => {
  const read = (file) => fs.readFileSync(path.join(main().folder, file), 'utf8');
  const names = [...read('index.d.ts').matchAll(/^export (?:interface|type|declare class) (\w+)/gm)].map(
    ([, name]) => name,
  );
  const types = read('dist/types.d.ts');
  expect(names.filter((name) => !new RegExp(`^(?:  ${name},|export type ${name} =.*)$`, 'm').test(types))).toEqual([]);
  expect(names).toContain('EngineClient');
});

test('its types are found and right under every module resolution (are the types wrong?)', async () => {
  const attw = path.join(TOOLS, '@arethetypeswrong/cli/dist/index.js');
  const { code, stdout, stderr } = await ended(process.execPath, [attw, '--format', 'json', main().file]);
  const { analysis } = JSON.parse(stdout);
  expect({ code, problems: analysis.problems, stderr }).toEqual({ code: 0, problems: [], stderr: '' });
  expect(Object.keys(analysis.entrypoints)).toEqual(
    expect.arrayContaining(['.', './dist/index.js', './dist/types.js']),
  );
});
