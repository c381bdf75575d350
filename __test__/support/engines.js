import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import runtime from '../../index.js';

const FOLDER = new URL('../fixtures/engines/', import.meta.url);
const PYTHON = process.platform === 'win32' ? 'python' : 'python3';
const running = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((client) => client.stop()));
});

/** The path of a fixture engine. */
export function fixture(file) {
  return fileURLToPath(new URL(file, FOLDER));
}

/** The options that run a fixture engine: `name` with its ending, `args` behind it. */
export function commandOf(name, args = []) {
  const enginePath = name.endsWith('.py') ? PYTHON : process.execPath;
  return { enginePath, args: [fixture(name), ...args] };
}

/** Stops a client after the test. */
export function stopAfterTest(client) {
  running.push(client);
  return client;
}

/** A client, not started, on a fixture engine; stopped after the test. `args` go to the engine. */
export function engine(name, { args = [], Client = runtime.EngineClient, ...options } = {}) {
  return stopAfterTest(new Client({ ...commandOf(name, args), ...options }));
}

/** The same, started. */
export async function startedEngine(name, options) {
  const client = engine(name, options);
  await client.start();
  return client;
}
