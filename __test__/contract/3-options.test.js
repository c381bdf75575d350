import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { commandOf, engine, stopAfterTest } from '../support/engines.js';

const { EngineClient } = runtime;

const MILLISECONDS = 'milliseconds, a number from 0 up, or Infinity for no limit';
const BYTES = 'bytes, a whole number from 1 up, or Infinity for no limit';
const NO_MILLISECONDS = ['5s', -1, NaN, -Infinity, null, true, 5n, new Date(5)];
const NO_BYTES = [0, -1, 1.5, NaN, '1024', null, 5n];
const NO_FLAG = [1, 0, 'true', null, {}];
const NO_TEXTS = ['a b', [1], [undefined], {}, null, new Set(['a'])];
const NO_RECORD = ['PATH=/bin', 1, true, null, ['PATH'], () => {}];

const WRONG = {
  enginePath: ['the path of the engine, a string', [5, true, {}, ['e'], () => {}]],
  args: ['an array of strings', NO_TEXTS],
  cwd: ['a string', [5, null, {}, true]],
  env: ['an object', NO_RECORD],
  envAllowlist: ['an array of strings', NO_TEXTS],
  requestTimeout: [MILLISECONDS, NO_MILLISECONDS],
  startupTimeout: [MILLISECONDS, NO_MILLISECONDS],
  autoRestart: ['true or false', NO_FLAG],
  maxRestarts: ['a whole number from 0 up, or Infinity', [-1, 1.5, NaN, '3', null, 3n]],
  restartDelay: [MILLISECONDS, NO_MILLISECONDS],
  restartBackoff: ['a factor, a finite number from 1 up', [0, 0.5, NaN, Infinity, '2', null]],
  maxRestartDelay: [MILLISECONDS, NO_MILLISECONDS],
  restartWindow: [MILLISECONDS, NO_MILLISECONDS],
  killTimeout: [MILLISECONDS, NO_MILLISECONDS],
  killTree: ['true or false', NO_FLAG],
  healthMethod: ['a string, or false', [true, null, 5, {}]],
  healthInterval: [MILLISECONDS, NO_MILLISECONDS],
  maxMessageBytes: [BYTES, NO_BYTES],
  maxPendingBytes: [BYTES, NO_BYTES],
  stderr: ["'log' or 'ignore'", ['inherit', 'Log', '', null, true, 1]],
};
// `null` was the same as nothing for this one: it rejects at start().
const OPTIONS = Object.keys(WRONG);

function thrown(act) {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('an option of a wrong type or range throws TypeError at construction, naming class and option, what it takes and what it got', () => {
  test.each(OPTIONS)('%s', (option) => {
    const [takes, values] = WRONG[option];
    for (const value of values) {
      const error = thrown(() => new EngineClient({ enginePath: 'e', [option]: value }));
      expect(error, `${option}: ${String(value)}`).toBeInstanceOf(TypeError);
      expect(error.message.startsWith(`EngineClient: ${option} takes ${takes}; got `)).toBe(true);
      expect(error.message.endsWith(` (${typeof value})`)).toBe(true);
    }
  });

  test('word by word', () => {
    const message = (options) => thrown(() => new EngineClient(options)).message;
    expect(message({ enginePath: 'e', killTimeout: '5s' })).toBe(
      `EngineClient: killTimeout takes ${MILLISECONDS}; got '5s' (string)`,
    );
    expect(message({ enginePath: 'e', restartDelay: -1 })).toBe(
      `EngineClient: restartDelay takes ${MILLISECONDS}; got -1 (number)`,
    );
    expect(message({ enginePath: 'e', autoRestart: null })).toBe(
      'EngineClient: autoRestart takes true or false; got null (object)',
    );
    expect(message({ enginePath: 5 })).toBe(
      'EngineClient: enginePath takes the path of the engine, a string; got 5 (number)',
    );
  });

  test('what is inside an object, or at the end of a long text, is not shown: it may be secret', () => {
    for (const env of [['secret'], `${'x'.repeat(100)}secret`]) {
      expect(thrown(() => new EngineClient({ enginePath: 'e', env })).message).not.toContain('secret');
    }
  });

  test('options that are no object', () => {
    for (const options of [null, 'engine', 5, []]) {
      const error = thrown(() => new EngineClient(options));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/^EngineClient: options takes an object; got .+ \(\w+\)$/);
    }
  });
});

test('`undefined` means the default', async () => {
  const options = Object.fromEntries(
    OPTIONS.filter((option) => !['enginePath', 'args'].includes(option)).map((option) => [option, undefined]),
  );
  const client = engine('does-as-told.js', options);
  await client.start();
  await expect(client.call('heard')).resolves.toEqual(['engine.health', 'heard']);
});

test('unknown options are ignored', async () => {
  const client = engine('does-as-told.js', { restart: 'always', shell: true, detached: 5 });
  await client.start();
  await expect(client.call('echo', { a: 1 })).resolves.toEqual({ a: 1 });
});

test('the least and the greatest values are taken', () => {
  const least = {
    requestTimeout: 0,
    startupTimeout: 0,
    maxRestarts: 0,
    restartDelay: 0,
    restartBackoff: 1,
    killTimeout: 0,
  };
  const sizes = { maxMessageBytes: 1, maxPendingBytes: 1, healthInterval: 0, maxRestartDelay: 0, restartWindow: 0 };
  const unlimited = Object.fromEntries(Object.keys({ ...least, ...sizes }).map((option) => [option, Infinity]));
  new EngineClient({ enginePath: 'e', ...least, ...sizes });
  new EngineClient({ enginePath: 'e', ...unlimited, restartBackoff: Number.MAX_VALUE });
});

test('*fixed:* `Infinity` means no limit', async () => {
  const unlimited = {
    requestTimeout: Infinity,
    startupTimeout: Infinity,
    killTimeout: Infinity,
    healthInterval: Infinity,
  };
  const sizes = {
    maxMessageBytes: Infinity,
    maxPendingBytes: Infinity,
    maxRestarts: Infinity,
    restartWindow: Infinity,
  };
  const client = engine('does-as-told.js', { ...unlimited, ...sizes, maxRestartDelay: Infinity });
  await client.start();
  await expect(client.call('after', { ms: 100 })).resolves.toBe('late');
  await client.stop();
});

test('*fixed:* a `restartDelay` of `Infinity` is no delay of 1 ms', async () => {
  const client = engine('does-as-told.js', { restartDelay: Infinity, restartBackoff: 2, maxRestartDelay: Infinity });
  await client.start();
  await expect(client.call('exit', {})).rejects.toThrow('Engine process exited');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(client.getStats()).toMatchObject({ state: 'restarting', restarts: 0, pid: null });
});

test('options are read at construction: a later change of the object counts for nothing', async () => {
  const options = { ...commandOf('does-as-told.js', ['before']), env: { NAME: 'before' } };
  const client = stopAfterTest(new EngineClient(options));
  options.enginePath = '/nothing/here';
  options.args = [];
  await client.start();
  expect((await client.call('self')).argv).toEqual(['before']);
});

test('a missing or empty `enginePath` rejects at `start()`, not in the constructor', async () => {
  for (const options of [undefined, {}, { enginePath: undefined }, { enginePath: '' }]) {
    const client = new EngineClient(options);
    const error = await client.start().catch((reason) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toMatch(/^EngineClient: enginePath takes .+; got .+ \(\w+\)$/);
    expect(client.getStats().state).toBe('idle');
    await client.stop();
  }
});
