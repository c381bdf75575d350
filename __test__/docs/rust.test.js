import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { ROOT, blocks } from '../support/documents.js';
import { folder } from '../support/folders.js';

const BLOCKS = blocks('rust');
const PROGRAMS = BLOCKS.filter(([, { text }]) => /^(?:async )?fn main\(/m.test(text));
const PARTS = BLOCKS.filter((block) => !PROGRAMS.includes(block));

const MANIFEST = `[package]
name = "blocks"
version = "0.0.0"
edition = "2024"
[workspace]
[dependencies]
niche-knack-engine = { path = ${JSON.stringify(join(ROOT, 'kits/rust'))} }
serde = { version = "1", features = ["derive"] }
serde_json = "1"
`;

describe.skipIf(PROGRAMS.length === 0)('programs', () => {
  let said = [];

  /** All as examples of one crate, so that the kit is compiled once, with the versions of our own lock file. */
  beforeAll(() => {
    const crate = folder();
    for (const name of ['src', 'examples']) mkdirSync(join(crate, name));
    writeFileSync(join(crate, 'Cargo.toml'), MANIFEST);
    writeFileSync(join(crate, 'src/lib.rs'), '');
    copyFileSync(join(ROOT, 'Cargo.lock'), join(crate, 'Cargo.lock'));
    PROGRAMS.forEach(([, { text }], index) => writeFileSync(join(crate, `examples/block_${index}.rs`), text));
    const args = [
      'check',
      '--examples',
      '--keep-going',
      '--message-format=json',
      '--target-dir',
      join(ROOT, 'target/docs'),
    ];
    const { stdout, stderr } = spawnSync('cargo', args, { cwd: crate, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
    said = stdout.trim().split('\n').filter(Boolean).map(JSON.parse);
    // Without a word about an example cargo did not come that far, and says on stderr why.
    if (!said.some(({ target }) => target?.kind.includes('example'))) throw new Error(stderr);
  }, 300_000);

  test.each(PROGRAMS.map(([at], index) => [at, `block_${index}`]))('%s compiles', (at, name) => {
    const wrong = said.filter(({ target, message }) => target?.name === name && message?.level === 'error');
    expect(wrong.map(({ message }) => message.rendered)).toEqual([]);
    expect(said.some(({ reason, target }) => reason === 'compiler-artifact' && target.name === name)).toBe(true);
  });
});

describe.skipIf(PARTS.length === 0)('parts of programs', () => {
  test.each(PARTS)('%s is Rust', (at, { text }) => {
    const input = `fn part() {\n${text}\n}\n`;
    const { status, stderr } = spawnSync('rustfmt', ['--edition', '2024'], { input, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
