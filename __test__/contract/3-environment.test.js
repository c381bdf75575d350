import { afterEach, expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { next } from '../support/events.js';

consoleErrors();

const NAMES = ['ENGINE_TEST_A', 'ENGINE_TEST_B'];
afterEach(() => NAMES.forEach((name) => delete process.env[name]));

const environment = async (client) => (await client.call('self')).env;

test("`env` is merged over JavaScript's `process.env` as it is at `start()`", async () => {
  process.env.ENGINE_TEST_A = 'from before construction';
  const client = engine('does-as-told.js', { env: { ENGINE_TEST_B: 'from env' } });
  process.env.ENGINE_TEST_A = 'from before start';
  process.env.ENGINE_TEST_B = 'covered';
  await client.start();
  const env = await environment(client);
  expect(env).toMatchObject({ ENGINE_TEST_A: 'from before start', ENGINE_TEST_B: 'from env', PATH: process.env.PATH });
});

test('without `env` the engine has the environment of the app', async () => {
  process.env.ENGINE_TEST_A = 'ünïcode = with, signs\nand lines';
  const env = await environment(await startedEngine('does-as-told.js'));
  expect(env).toEqual({ ...process.env });
});

test('… and before each restart', async () => {
  process.env.ENGINE_TEST_A = 'first';
  const client = await startedEngine('does-as-told.js', { restartDelay: 0 });
  expect((await environment(client)).ENGINE_TEST_A).toBe('first');
  for (const value of ['second', 'third']) {
    process.env.ENGINE_TEST_A = value;
    const restarted = next(client, 'restart');
    client.call('exit', {}).catch(() => {});
    await restarted;
    expect((await environment(client)).ENGINE_TEST_A).toBe(value);
  }
});

test('… and at a second `start()`', async () => {
  const client = await startedEngine('does-as-told.js');
  expect(await environment(client)).not.toHaveProperty('ENGINE_TEST_A');
  await client.stop();
  process.env.ENGINE_TEST_A = 'new';
  await client.start();
  expect((await environment(client)).ENGINE_TEST_A).toBe('new');
});

test('`undefined` removes a name', async () => {
  process.env.ENGINE_TEST_A = 'of the app';
  const env = await environment(await startedEngine('does-as-told.js', { env: { ENGINE_TEST_A: undefined } }));
  expect(env).not.toHaveProperty('ENGINE_TEST_A');
});

test('other values become strings', async () => {
  const values = { N: 8, ZERO: 0, YES: true, NO: false, NIL: null, EMPTY: '' };
  const env = await environment(await startedEngine('does-as-told.js', { env: values }));
  expect(env).toMatchObject({ N: '8', ZERO: '0', YES: 'true', NO: 'false', NIL: 'null', EMPTY: '' });
});

test('`envAllowlist`: of the app’s environment only these names go to the engine', async () => {
  process.env.ENGINE_TEST_A = 'allowed';
  process.env.ENGINE_TEST_B = 'not allowed';
  const client = await startedEngine('does-as-told.js', {
    envAllowlist: ['ENGINE_TEST_A', 'ENGINE_TEST_MISSING'],
    env: { OWN: 'always' },
  });
  expect(await environment(client)).toEqual({ ENGINE_TEST_A: 'allowed', OWN: 'always' });
});

test('an empty `envAllowlist` lets nothing through', async () => {
  const client = await startedEngine('does-as-told.js', { envAllowlist: [] });
  expect(await environment(client)).toEqual({});
});
