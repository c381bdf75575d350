import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
// Hooks run in the order opposite to their making: folders go behind the apps that work in them.
import './folders.js';

const FOLDER = new URL('../fixtures/apps/', import.meta.url);
const running = new Set();

function killed(child) {
  return new Promise((resolve) => {
    child.once('exit', resolve);
    if (!child.kill('SIGKILL')) resolve();
  });
}

afterEach(() => Promise.all(Array.from(running, killed)));

/**
 * Runs a script of `fixtures/apps/` in a Node of its own. `said` is the first line that it prints, as JSON; `ended` is
 * how it ended and all that it printed.
 */
export function app(file, ...args) {
  return appIn((script) => ({ command: process.execPath, args: [script] }), file, ...args);
}

/** The same in another program: `commandOf(script)` gives the command and the arguments that run a script in it. */
export function appIn(commandOf, file, ...args) {
  const host = commandOf(fileURLToPath(new URL(file, FOLDER)));
  const child = spawn(host.command, [...host.args, ...args]);
  running.add(child);
  let stdout = '';
  let stderr = '';
  const ended = new Promise((resolve) => {
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal, stdout, stderr });
    });
  });
  const said = new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      const end = stdout.indexOf('\n');
      if (end >= 0) resolve(JSON.parse(stdout.slice(0, end)));
    });
    ended.then(() => reject(new Error(`the app said nothing; on stderr: ${stderr}`)));
  });
  said.catch(() => {});
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  return { child, said, ended };
}
