import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { BLOCKS, ROOT, blocks, savedFiles } from '../support/documents.js';
import { commandOf } from '../support/engines.js';

const load = createRequire(import.meta.url);
const { installPackages } = load('../../scripts/setup/packages.js');
const { enginePath: PYTHON } = commandOf('.py');

/** What may stand behind a fence. Everything but `text` is run, compiled, type-checked or parsed by a test here. */
const KINDS = [
  'bash',
  'html',
  'js',
  'js electron',
  'js electron run',
  'json',
  'python',
  'python run',
  'rust',
  'sh',
  'text',
  'toml',
  'ts',
  'xml',
  'yaml',
];

beforeAll(() => installPackages('docs'), 300_000);

test('every block says what it is', () => {
  const unknown = BLOCKS.filter(({ kind }) => !KINDS.includes(kind));
  expect(unknown.map(({ document, line, kind }) => `${document}:${line}: \`\`\`${kind}`)).toEqual([]);
});

test.each(blocks('json'))('%s is JSON, or JSON lines', (at, { text }) => {
  const whole = () => JSON.parse(text);
  const lines = () => text.trim().split('\n').map(JSON.parse);
  expect(text.trim().includes('\n') && text.startsWith('{"') ? lines : whole).not.toThrow();
});

test.each(blocks('yaml'))('%s is YAML', (at, { text }) => {
  expect(load('../../docs/node_modules/yaml').parse(text, { strict: true })).toBeTypeOf('object');
});

test.each(blocks('toml'))('%s is TOML', (at, { text }) => {
  const { status, stderr } = spawnSync(PYTHON, ['-c', 'import sys, tomllib; tomllib.loads(sys.stdin.read())'], {
    input: text,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test.each(blocks('html'))('%s is HTML', (at, { text }) => {
  const faults = [];
  load('../../docs/node_modules/@vue/compiler-dom').parse(text, { onError: ({ message }) => faults.push(message) });
  expect(faults).toEqual([]);
});

test.each(blocks('xml'))('%s is XML', (at, { text }) => {
  const check = 'import sys, xml.dom.minidom; xml.dom.minidom.parseString(sys.stdin.buffer.read())';
  const { status, stderr } = spawnSync(PYTHON, ['-c', check], { input: text, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

/** The commands of a shell block as words; remarks, variables and continued lines are taken care of. */
function commands(text) {
  const lines = text.replace(/\\\n/g, ' ').replace(/(^|\s)#.*$/gm, '');
  return lines
    .split(/\n|&&|\|\||;|\|/)
    .map((line) =>
      line
        .trim()
        .split(/\s+/)
        .filter((word) => !/^[A-Z_]+=/.test(word)),
    )
    .filter(([first]) => first);
}

/** The words of a command that name a script or a file that is not there. */
function missing([program, ...words], files) {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  if (program === 'npm' && ['run', 'start', 'test'].includes(words[0])) {
    const script = words[0] === 'run' ? words[1] : words[0];
    if (!scripts[script]) return [`npm run ${script}`];
  }
  const OURS = /^(?:\.\/)?(?:examples|kits|cli|scripts|docs|benchmark|__test__|crates)\//;
  const opened = ['node', 'python', 'python3'].includes(program)
    ? words.filter((word) => /\.(?:c?js|mjs|py)$/.test(word))
    : [];
  const named = [...opened, ...words.filter((word) => OURS.test(word))];
  return named.filter((word) => !files.has(word) && !existsSync(join(ROOT, word.replace(/^['"]|['"]$/g, ''))));
}

describe.skipIf(process.platform === 'win32')('shell', () => {
  test.each(blocks('sh', 'bash'))('%s is good shell, and names what is there', (at, { document, text }) => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const files = savedFiles(document);
    expect(commands(text).flatMap((command) => missing(command, files))).toEqual([]);
  });
});
