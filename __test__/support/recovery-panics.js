import path from 'node:path';
import { app } from './app.js';
import { folder } from './folders.js';

/** A new folder for crash recovery. */
export const recoveryFolder = () => path.join(folder(), 'state');

/** An app that tracks a job, survives a panic at that place, tracks another one and is killed at once. */
export async function tracksAndDies(stateDir, place) {
  const { ended } = app('tracks-around-a-panic.js', stateDir, place);
  const { signal, stderr } = await ended;
  if (signal !== 'SIGKILL') throw new Error(`ended otherwise: ${stderr}`);
}
