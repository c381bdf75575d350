import { expect, test } from 'vitest';
import { app } from '../support/app.js';

test.each(['a client', 'an object'])(
  'over %s: a job under way outlives its dropped manager, and the manager is collected once idle',
  async (kind) => {
    const { code, stdout, stderr } = await app('drops-its-managers.js', kind).ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toEqual({
      result: { success: true, data: 'done' },
      collected: true,
      alive: { still: 'there' },
    });
  },
);

test.each(['a client', 'an object'])(
  'over %s: a manager that took no job, and refused one, is collected',
  async (kind) => {
    const { code, stdout, stderr } = await app('drops-its-managers.js', kind, 'refused').ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toEqual({ code: 'SHUTTING_DOWN', collected: true });
  },
);
