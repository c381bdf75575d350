import { expect, test } from 'vitest';
import { app } from '../support/app.js';
import { folder } from '../support/folders.js';
import { rounds } from '../support/rounds.js';

const ROUNDS = rounds(3);

// SQLite's locks hold between processes, not between two copies of it in one: what one copy writes, the other may lose.
test('two copies of the addon in one process: no wrong value from one cache folder, a state folder belongs to one', async () => {
  const { code, stdout, stderr } = await app('runs-two-copies.js', folder(), String(ROUNDS)).ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(JSON.parse(stdout)).toMatchObject({ apart: true, wrong: [], locked: [[1, 'STATE_LOCKED']], handed: ['a'] });
}, 120_000);
