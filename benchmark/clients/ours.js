import { createRequire } from 'module';
import { ENGINE } from '../engine.js';

const { EngineClient } = createRequire(import.meta.url)('../../index.js');

/** The runtime itself, with its defaults. */
export async function ours() {
  const client = new EngineClient({ enginePath: ENGINE });
  await client.start();
  return client;
}
