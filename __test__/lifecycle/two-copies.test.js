import { expect, test } from 'vitest';
import { app } from '../support/app.js';
import { folder } from '../support/folders.js';
import { rounds } from '../support/rounds.js';

const ROUNDS = rounds(3);

// SQLite's locks hold between processes, not between two copies of it in one: there the second takes the first one's shared
// memory for its own, and the process may die of SIGBUS. So one copy at a time has the database open, where that can be
// known (Linux); the other waits for it, and past that says `success: false`.
test('two copies of the addon in one process: no wrong value from one cache folder, a state folder belongs to one', async () => {
  const { code, signal, stdout, stderr } = await app('runs-two-copies.js', folder(), String(ROUNDS)).ended;
  expect({ code, signal, stderr }).toMatchObject({ code: 0 });
  const told = JSON.parse(stdout);
  expect(told).toMatchObject({ apart: true, wrong: [], locked: [[1, 'STATE_LOCKED']], handed: ['a'] });
  // What was acknowledged in the last round is there.
  if (process.platform === 'linux') expect(told.found).toBeGreaterThanOrEqual(100 - told.refused[0] - told.refused[1]);
}, 120_000);
