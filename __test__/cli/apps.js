import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import { gone } from '../support/processes.js';

const scriptOf = (name) => fileURLToPath(new URL(name, import.meta.url));
const ENTRIES = [
  ['page:1', { text: 'one' }],
  ['page:2', 'two', 1000],
  ['-dash', 3],
  ['two\nlines', null],
  ['bytes', Buffer.from([0, 255, 10])],
  ['old', 'gone', -1],
];
const apps = [];

afterEach(async () => {
  for (const app of apps.splice(0)) await endOf(app);
});

async function endOf(app) {
  app.kill('SIGKILL');
  await gone(app.pid);
}

/** An app that says when it is ready. */
async function readyApp(script, ...args) {
  const app = spawn(process.execPath, [scriptOf(script), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  apps.push(app);
  await new Promise((resolve) => app.stdout.once('data', resolve));
  return app;
}

/** An app that is running, with entries in its cache and jobs in its recovery folder, both below `home`. */
export async function appIn(home) {
  const app = await readyApp('app-with-folders.cjs', home, JSON.stringify(ENTRIES));
  const end = () => endOf(app);
  return { cacheDir: path.join(home, 'cache'), stateDir: path.join(home, 'recovery'), app, end };
}

/** An app that compacts that recovery folder again and again. */
export function compactingAppIn(stateDir) {
  return readyApp('compacts-all-the-time.cjs', stateDir);
}

/** What such an app leaves behind when it is killed. */
export async function appEndedIn(home) {
  const { end } = await appIn(home);
  await end();
}
