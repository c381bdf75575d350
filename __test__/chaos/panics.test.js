import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { app, appIn } from '../support/app.js';

const EVERYWHERE = 'panics-everywhere.js';
const withGc =
  (env = {}) =>
  (script) => ({
    command: process.execPath,
    args: ['-e', RUN, JSON.stringify(env), script],
  });
/** Runs a script with variables of its own, and with a garbage collector to call. */
const RUN = `
  const [env, script] = process.argv.slice(1);
  Object.assign(process.env, JSON.parse(env));
  require('v8').setFlagsFromString('--expose-gc');
  global.gc = require('vm').runInNewContext('gc');
  process.argv = [process.argv[0], script];
  require(script);
`;
const CODES = Array.from({ length: 5 }, () => 'INTERNAL_PANIC');

test('a defect in each class, on its threads and in a finalizer: the app goes on, ends by itself, and nothing is printed', async () => {
  const { ended } = appIn(withGc(), EVERYWHERE);
  expect(await ended).toEqual({ code: 0, signal: null, stdout: `${JSON.stringify(CODES)}\n`, stderr: '' });
});

test('message and place of a panic go to tracing', async () => {
  const { ended } = appIn(withGc({ DESKTOP_RUNTIME_LOG: 'error' }), EVERYWHERE);
  const { code, stderr } = await ended;
  expect(code).toBe(0);
  for (const place of ['Queue', 'Message', 'Disk', 'Append', 'Export', 'Drop']) {
    expect(stderr).toMatch(
      new RegExp(
        `ERROR .*panic place="crates[/\\\\\\\\]+core.*fault\\.rs:\\d+:\\d+" text="a fault that was asked for: ${place}"`,
      ),
    );
  }
});

test('a stderr that nobody reads any more turns no line of the log into a defect', async () => {
  const file = fileURLToPath(new URL(`../fixtures/apps/${EVERYWHERE}`, import.meta.url));
  const child = spawn(process.execPath, ['-e', RUN, JSON.stringify({ DESKTOP_RUNTIME_LOG: 'trace' }), file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.destroy();
  let stdout = '';
  child.stdout.on('data', (text) => (stdout += text));
  const [code, signal] = await new Promise((resolve) => child.on('close', (...ended) => resolve(ended)));
  expect({ code, signal, stdout }).toEqual({ code: 0, signal: null, stdout: `${JSON.stringify(CODES)}\n` });
});

test("a defect in a worker's engine, on the shared spawner and timer too, does not touch the main thread's", async () => {
  const { ended, said } = app('panics-in-a-worker.js');
  expect(await said).toEqual({ codes: CODES.slice(1), timedOut: 'REQUEST_TIMEOUT', echoed: '1', same: true });
  expect(await ended).toMatchObject({ code: 0, signal: null, stderr: '' });
});

test('no name of the hook is in what an app is given: types, documents, the facade', () => {
  const root = new URL('../../', import.meta.url);
  for (const file of [
    'index.d.ts',
    'binding.d.ts',
    'README.md',
    'index.js',
    ...fs.readdirSync(new URL('lib/', root)).map((it) => `lib/${it}`),
  ]) {
    expect([file, fs.readFileSync(new URL(file, root), 'utf8').match(/\bfault\(/)]).toEqual([file, null]);
  }
});
