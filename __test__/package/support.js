import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';

// npm alone takes seconds, and more on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const load = createRequire(import.meta.url);
const { packAll } = load('../../scripts/pack');
const run = promisify(execFile);

export const { installedIn, packagesOf, writeApp, NAME } = load('../../scripts/pack/fresh-app.js');
export const { platforms } = load('../../scripts/pack/manifest.js');
export const { serve } = load('../../scripts/pack/registry.js');
export const { npmCommand } = load('../../scripts/setup/packages.js');
export const { platformName } = load('../../lib/addon-platform.js');

/** What the app in `app/` prints when all went well. */
export const RESULT = { data: 42, progress: [50], cached: 42 };

/** A folder whose name has what breaks careless programs: spaces, an umlaut, a quote. */
export function awkwardFolder() {
  return fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), `Zoë's fresh äpp `)));
}

export const remove = (folder) => fs.rmSync(folder, { recursive: true, force: true });

/** Packs what has been built here into a folder: `{folder, packed}`. */
export async function packedInto(folder) {
  return { folder, packed: await packAll({ out: folder, built: true }) };
}

/** How a program ended, and what it printed. */
export async function ended(command, args, options = {}) {
  try {
    return { code: 0, ...(await run(command, args, { maxBuffer: 64 * 1024 * 1024, ...options })) };
  } catch (error) {
    if (typeof error.code !== 'number') throw error;
    return { code: error.code, stdout: error.stdout, stderr: error.stderr };
  }
}

export function npm(args, cwd) {
  const command = npmCommand();
  // The variables that npm sets for its scripts are settings for the npm inside of one.
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('npm_')));
  return ended(command.command, [...command.args, ...args], { cwd, env, shell: command.shell });
}

/** Unpacks a tarball as a package manager does. */
export async function unpack(tarball, folder) {
  fs.mkdirSync(folder, { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);
  return folder;
}
