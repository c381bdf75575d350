import { describe, expect, test } from 'vitest';
import { app } from '../support/app.js';

describe('a client that nobody holds and that runs nothing is collected', () => {
  test.each(['never started', 'with listeners and a manager', 'stopped', 'crashed'])('%s', async (way) => {
    const { ended } = app('drops-its-clients.js', way);
    expect(await ended).toMatchObject({ code: 0, signal: null, stdout: 'true\n' });
  });
});

test('a client whose engine runs works on while everything is collected around it', async () => {
  const { ended } = app('drops-its-clients.js', 'running');
  expect(await ended).toMatchObject({ code: 0, signal: null, stdout: '["late",["result"]]\n' });
});
