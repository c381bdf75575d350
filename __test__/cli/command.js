import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, vi } from 'vitest';
import { eventually } from '../support/eventually.js';
import { end } from '../support/processes.js';

// A command may start an engine thirty times, and each start takes a while on a busy machine.
vi.setConfig({ testTimeout: 120_000 });
const PATIENCE_MS = 60_000;

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));

export const COMMAND = pathOf('../../cli/bin/desktop-runtime.js');
const TERMINAL = pathOf('terminal.py');
const running = [];

afterEach(() => {
  for (const { pid } of running.splice(0)) end(pid);
});

/** Engines of the other tests, and of these. */
export const fixture = (name) => pathOf(`../fixtures/engines/${name}`);
export const engine = (name) => pathOf(`engines/${name}`);

/** A command that runs: its streams as texts so far, and its end. */
function watched(program, args, { env, cwd } = {}) {
  const child = spawn(program, args, { cwd, env: { ...process.env, DESKTOP_RUNTIME_LOG: '', ...env } });
  running.push(child);
  const state = { child, stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8');
    child[name].on('data', (text) => (state[name] += text));
  }
  child.stdin.on('error', () => {});
  state.ended = new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout: state.stdout, stderr: state.stderr }));
  });
  /** Waits until that stream holds what matches; gives the match. */
  state.shows = (pattern, name = 'stdout') =>
    eventually(
      () => pattern.exec(state[name]),
      `${pattern} on ${name}, which holds ${JSON.stringify(state[name])}`,
      PATIENCE_MS,
    );
  return state;
}

/** Starts `desktop-runtime`, its streams pipes. */
export function started(args, options) {
  return watched(process.execPath, [COMMAND, ...args], options);
}

/** Runs it to its end. */
export function cli(args, { input = '', ...options } = {}) {
  const { child, ended } = started(args, options);
  child.stdin.end(input);
  return ended;
}

/** Runs a script of the shell; `args` are its `$0`, `$1`, … */
export function runShell(script, args) {
  const { child, ended } = watched('sh', ['-c', script, ...args]);
  child.stdin.end();
  return ended;
}

/** Starts a program on a terminal; what it shows is `stdout`, also its standard error. */
export function onTerminal(program, args, { columns = 80, ...options } = {}) {
  const env = { TERM: 'xterm-256color', NO_COLOR: undefined, CI: undefined, ...options.env };
  const state = watched('python3', [TERMINAL, String(columns), program, ...args], { ...options, env });
  return { ...state, type: (text) => state.child.stdin.write(text) };
}

/** Starts `desktop-runtime` on a terminal. */
export function cliOnTerminal(args, options) {
  return onTerminal(process.execPath, [COMMAND, ...args], options);
}

/** The lines of a text, each parsed. */
export const jsonLines = (text) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
