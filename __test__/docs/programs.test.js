import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import vm from 'node:vm';

import { beforeAll, describe, expect, test } from 'vitest';

import { BLOCKS, ENVIRONMENT, blocks, readersFolder } from '../support/documents.js';
import { commandOf } from '../support/engines.js';
import { installOcr } from '../support/ocr.js';

const { installPackages } = createRequire(import.meta.url)('../../scripts/setup/packages.js');
const { enginePath: PYTHON } = commandOf('.py');
const unsaved = ([, { label }]) => label === null;
const saved = ([, { label }]) => label !== null;

/** Runs it in its reader's folder, stdin closed; rejects unless it exits by itself with code 0. */
async function output(program, args, document) {
  const cwd = readersFolder(document);
  args.filter(({ text }) => text).forEach(({ name, text }) => writeFileSync(join(cwd, name), text));
  const run = promisify(execFile)(
    program,
    args.map((arg) => arg.name ?? arg),
    { cwd, env: ENVIRONMENT, timeout: 60_000 },
  );
  run.child.stdin.end();
  return (await run).stdout;
}

beforeAll(async () => {
  await installOcr();
  await installPackages('docs');
}, 300_000);

describe('JavaScript', () => {
  test.each(blocks('js').filter(unsaved))('%s runs and exits by itself', async (at, { document, text }) => {
    expect(await output(process.execPath, [{ name: 'program.js', text }], document)).not.toBe('');
  });

  test.each(blocks('js', 'js electron', 'js electron run').filter((block) => saved(block) || block[1].kind !== 'js'))(
    '%s is JavaScript',
    (at, { text }) => {
      new vm.Script(text, { filename: at });
    },
  );
});

describe('Python', () => {
  test.each(blocks('python', 'python run'))('%s compiles as Python 3.9', async (at, { document, text }) => {
    const check = 'import ast, sys; ast.parse(open(sys.argv[1], encoding="utf-8").read(), feature_version=(3, 9))';
    await output(PYTHON, ['-c', check, { name: 'block.py', text }], document);
  });

  test.each(blocks('python run'))('%s runs and exits by itself', async (at, { document, label, text }) => {
    await output(PYTHON, [{ name: label ?? 'program.py', text }], document);
  });
});

test.each(BLOCKS.filter(({ label }) => label !== null).map((block) => [`${block.document}: ${block.label}`, block]))(
  '%s is a file that another block of its page uses',
  (name, { document, label, line }) => {
    const others = BLOCKS.filter((block) => block.document === document && block.line !== line);
    const modules = [label, label.replace(/\.\w+$/, '')].map((name) => name.replace(/^.*\//, ''));
    expect(others.some(({ text }) => modules.some((module) => text.includes(module)))).toBe(true);
  },
);
