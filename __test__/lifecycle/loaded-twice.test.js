import { expect, test } from 'vitest';
import { app } from '../support/app.js';

test('two copies of the package in one thread run apart, the app ends by itself', async () => {
  const { code, stdout, stderr } = await app('loads-the-package-twice.js').ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(JSON.parse(stdout)).toEqual({ apart: true, right: [100, 100], after: 100, acrossCopies: 100 });
});
