import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);
const hosts = load('../../scripts/hosts.js');
const { IN_CI } = load('../../scripts/setup/process.js');

const MUST_BE_HERE = IN_CI && process.platform === 'linux' && process.arch === 'x64';

/** `electronCommand(electron, app)`: how to start an Electron app without a screen. */
export const { electronCommand } = hosts;

/** The Node programs to try the package in, oldest first: `{version, path}`. */
export const nodes = hosts.nodeBinaries();

/** The Electron to try the package in: `{path, reason}`, one of them null. */
export const electron = hosts.electronBinary();

/** Skips a test whose host is missing, and says why; where CI must have it, the test goes on and fails. */
export function skipUnlessHere(context, host, reason) {
  if (!host && !MUST_BE_HERE) context.skip(reason);
}
