import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import runtime from '../../index.js';
import { stopAfterTest } from './engines.js';

const { installPackages } = createRequire(import.meta.url)('../../scripts/setup/packages.js');

export const EXAMPLE = fileURLToPath(new URL('../../examples/ocr/', import.meta.url));

/** Installs the packages of `examples/ocr` unless they are there: as `npm start` does. */
export function installOcr() {
  return installPackages('examples/ocr');
}

/** The path of a sample image. */
export function sample(name) {
  return path.join(EXAMPLE, 'samples', name);
}

/** A started client on the OCR engine; stopped after the test. */
export async function startedOcr(options) {
  const args = [path.join(EXAMPLE, 'engine.js')];
  const client = new runtime.EngineClient({ enginePath: process.execPath, args, stderr: 'ignore', ...options });
  await stopAfterTest(client).start();
  return client;
}
