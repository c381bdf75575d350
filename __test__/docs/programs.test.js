import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import vm from 'node:vm';

import { beforeAll, describe, expect, test, vi } from 'vitest';

import { BLOCKS, ENVIRONMENT, ROOT, blocks, isEngine, readersFolder } from '../support/documents.js';
import { commandOf } from '../support/engines.js';
import { installOcr } from '../support/ocr.js';

const { installPackages } = createRequire(import.meta.url)('../../scripts/setup/packages.js');
const { enginePath: PYTHON } = commandOf('.py');

// A program may start many engines, which takes a while on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const unsaved = ([, { label }]) => label === null;
const saved = ([, { label }]) => label !== null;

/** Runs it in its reader's folder, stdin closed; rejects unless it exits by itself with code 0. */
async function output(program, args, document) {
  const cwd = readersFolder(document);
  args.filter(({ text }) => text).forEach(({ name, text }) => writeFileSync(join(cwd, name), text));
  const run = promisify(execFile)(
    program,
    args.map((arg) => arg.name ?? arg),
    { cwd, env: ENVIRONMENT, timeout: 110_000 },
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
    const printed = await output(process.execPath, [{ name: 'program.js', text }], document);
    // A configuration gives its reader an object, an engine waits for requests; every other program shows something.
    expect(printed !== '' || isEngine({ text }) || /^module\.exports/m.test(text)).toBe(true);
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

/** A program that is saved is not run by itself: it must be one that the page has its reader start. */
const SAVED = BLOCKS.filter(
  ({ kind, label, text }) => label && /^(?:js|python)/.test(kind) && !/^module\.exports/m.test(text),
);

test.each(SAVED.map((block) => [`${block.document}: ${block.label}`, block]))(
  '%s is a file that its page speaks of',
  (name, { document, label, line, text }) => {
    const page = readFileSync(join(ROOT, document), 'utf8').replace(text, '').split('\n');
    page.splice(line - 1, 1);
    const names = [label, label.replace(/\.\w+$/, '')].map((it) => it.replace(/^.*\//, ''));
    expect(names.some((it) => page.join('\n').includes(it))).toBe(true);
  },
);
