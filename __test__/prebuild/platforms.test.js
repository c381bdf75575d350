import fs from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';

const load = createRequire(import.meta.url);
const { TARGETS } = load('../../scripts/prebuild/targets.js');
const { withRows } = load('../../scripts/prebuild/platforms.js');
const root = load('../../package.json');

test('the targets are those of package.json', () => {
  expect(TARGETS.map(({ triple }) => triple).sort()).toEqual([...root.napi.targets].sort());
});

test('each folder of npm/ is a target', () => {
  const folders = fs.readdirSync(new URL('../../npm', import.meta.url), { withFileTypes: true });
  const names = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(names.sort()).toEqual(TARGETS.map(({ platform }) => platform).sort());
});

test.each(TARGETS)('npm/$platform says where it is to be installed, and holds the addon alone', ({ platform }) => {
  const [os, cpu, libc] = platform.split('-');
  const libcs = { gnu: ['glibc'], musl: ['musl'], gnullvm: undefined };
  const addon = `desktop-runtime.${platform}.node`;
  const manifest = load(`../../npm/${platform}/package.json`);
  expect(manifest).toMatchObject({
    name: `${root.name}-${platform}`,
    version: root.version,
    license: root.license,
    main: addon,
    files: [addon],
    os: [os],
    cpu: [cpu],
    engines: root.engines,
  });
  expect(manifest.libc).toEqual(libcs[libc]);
  expect(manifest.dependencies || manifest.scripts).toBeUndefined();
});

test('a row of PLATFORMS.md replaces the one of the same platform and program, and leaves the others', () => {
  const page = 'before\n<!-- runs -->\n\n<!-- end of runs -->\nbehind\n';
  const head = ['platform', 'in', 'result'];
  const first = withRows(page, 'runs', head, 2, [
    ['linux-x64-musl', 'Node 24', 'ok'],
    ['linux-x64-gnu', 'Node 12', '**failed**'],
  ]);
  const second = withRows(first, 'runs', head, 2, [['linux-x64-gnu', 'Node 12', 'ok']]);
  expect(second.split('\n')).toEqual([
    'before',
    '<!-- runs -->',
    '',
    '| platform       | in      | result |',
    '| -------------- | ------- | ------ |',
    '| linux-x64-gnu  | Node 12 | ok     |',
    '| linux-x64-musl | Node 24 | ok     |',
    '',
    '<!-- end of runs -->',
    'behind',
    '',
  ]);
  expect(() => withRows('no marks', 'runs', head, 2, [])).toThrow('lost its marks');
});
