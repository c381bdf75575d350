import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { beforeAll, expect, test } from 'vitest';

import { folder as newFolder } from '../support/folders.js';
import { installOcr } from '../support/ocr.js';

const ROOT = join(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** @param {string} language exactly what stands behind the fence */
function blocks(language) {
  const pattern = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return Array.from(README.matchAll(pattern), ([, text]) => text);
}

/** The folder that the README has its reader work in: the clone's root, with the Python engine saved there. */
function readersFolder() {
  const folder = newFolder();
  mkdirSync(join(folder, 'node_modules/@niche-knack'), { recursive: true });
  symlinkSync(ROOT, join(folder, 'node_modules/@niche-knack/desktop-runtime'), 'dir');
  symlinkSync(join(ROOT, 'examples'), join(folder, 'examples'), 'dir');
  const [engine] = blocks('python').filter((text) => text.startsWith('#!/usr/bin/env python3'));
  writeFileSync(join(folder, 'engine.py'), engine);
  return folder;
}

beforeAll(installOcr, 300_000);

const programs = blocks('js');

test('the README has programs', () => {
  expect(programs.length).toBeGreaterThanOrEqual(5);
});

test.each(programs.map((text, at) => [at + 1, text]))(
  'program %i of the README runs and exits by itself',
  async (at, text) => {
    const file = join(readersFolder(), `program-${at}.js`);
    writeFileSync(file, text);
    // Rejects when the exit code is not 0.
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: join(file, '..'), timeout: 60_000 });
    expect(stdout).not.toBe('');
  },
);
