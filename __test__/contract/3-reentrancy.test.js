import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import runtime from '../../index.js';
import { busyUntil } from '../support/busy.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect } from '../support/events.js';
import { folder } from '../support/folders.js';
import { failureOf } from '../support/job-engines.js';
import { gone } from '../support/processes.js';

const { JobManager } = runtime;
// A promise that never settles is what these tests look for.
vi.setConfig({ testTimeout: 10_000 });
consoleErrors();

/** The names of a client's events as they come. */
function events(client) {
  const told = [];
  for (const name of ['ready', 'exit', 'error', 'restart']) client.on(name, () => told.push(name));
  return told;
}

/** Keeps JavaScript from hearing anything until the runtime has got so far. */
const inState = (client, state) => busyUntil(() => client.getStats().state === state, state);

test.each([
  ['getStats()', (client) => client.getStats()],
  ['stop()', (client) => client.stop()],
  ['submit()', (client) => new JobManager(client).submit('t', {}).catch(() => {})],
])(
  'a call made while ready, the exit close behind, ends with it, also when an `exit` listener uses %s',
  async (_, use) => {
    const client = await startedEngine('does-as-told.js', { autoRestart: false });
    let late;
    client.on('notification', () => (late = failureOf(client.call('late'))));
    const exited = new Promise((resolve) => client.on('exit', resolve));
    client.on('exit', () => use(client));
    client.call('exit', { stdout: '{"jsonrpc":"2.0","method":"last words"}\n' }).catch(() => {});
    await inState(client, 'idle');
    await exited;
    expect(await late).toMatchObject({ code: 'ENGINE_EXITED', message: 'Engine process exited' });
  },
);

describe('start() while the exit of the run before is on its way to JavaScript', () => {
  /** A client whose engine has ended, which only the runtime knows; the calls that were open. */
  async function endedUnheard(fixture = 'does-as-told.js') {
    const client = await startedEngine(fixture, { autoRestart: false });
    const told = events(client);
    const calls = [client.call('exit', { code: 3 }), client.call('unanswered'), client.call('unanswered')];
    const failures = calls.map(failureOf);
    await inState(client, 'idle');
    expect(told).toEqual([]);
    return { client, told, failures };
  }

  test('the old run ends first: `exit`, then its calls reject, then `ready` of the new run', async () => {
    const { client, told, failures } = await endedUnheard();
    const exits = collect(client, 'exit');
    const order = [];
    for (const failure of failures) failure.then(({ code }) => order.push(code));
    client.on('ready', () => order.push('ready'));
    await client.start();
    expect(order).toEqual(['ENGINE_EXITED', 'ENGINE_EXITED', 'ENGINE_EXITED', 'ready']);
    expect(told).toEqual(['exit', 'ready']);
    expect(exits.map(({ data }) => data.code)).toEqual([3]);
  });

  test('a call of the same turn ends with the old run: the new one never hears of it', async () => {
    const { client } = await endedUnheard();
    const late = failureOf(client.call('late'));
    const started = client.start();
    const next = failureOf(client.call('next'));
    expect((await late).code).toBe('ENGINE_EXITED');
    expect((await next).code).toBe('NOT_READY');
    await started;
    await expect(Promise.all([client.call('echo', { n: 1 }), client.call('heard')])).resolves.toEqual([
      { n: 1 },
      ['engine.health', 'echo', 'heard'],
    ]);
  });

  test('isReady() is false until the new run is: a call rejects with `Engine not ready`, also when that is near', async () => {
    const { client } = await endedUnheard();
    const started = client.start();
    expect(client.isReady()).toBe(false);
    expect((await failureOf(client.call('echo', {}))).message).toBe('Engine not ready');
    await inState(client, 'ready');
    expect(client.isReady()).toBe(false);
    expect((await failureOf(client.call('echo', {}))).message).toBe('Engine not ready');
    await started;
    expect(client.isReady()).toBe(true);
  });

  test('each call of the new run gets its own answer, and none is left', async () => {
    const { client } = await endedUnheard();
    const started = client.start();
    await inState(client, 'ready');
    // Meant for the new run, as an app may that does not wait for `start()`.
    const early = [0, 1].map((n) => client.call('echo', { n }).catch(({ code }) => code));
    await started;
    const numbers = Array.from({ length: 10 }, (_, n) => n);
    const answers = numbers.map((n) => client.call('echo', { n }));
    expect(await Promise.all(answers)).toEqual(numbers.map((n) => ({ n })));
    expect(await Promise.all(early)).toEqual(['NOT_READY', 'NOT_READY']);
    expect(client.getStats().pendingCalls).toBe(0);
  });

  test('an `exit` listener that starts: that start counts, the outer one rejects with `Engine already running`', async () => {
    const { client, told } = await endedUnheard();
    let inner;
    client.once('exit', () => (inner = client.start()));
    expect((await failureOf(client.start())).message).toBe('Engine already running');
    await inner;
    expect(told).toEqual(['exit', 'ready']);
    await expect(client.call('echo', { on: 1 })).resolves.toEqual({ on: 1 });
  });

  test('an `exit` listener that stops: the new run starts all the same', async () => {
    const { client, told } = await endedUnheard();
    let stopped;
    client.once('exit', () => (stopped = client.stop()));
    await client.start();
    await stopped;
    expect(told).toEqual(['exit', 'ready']);
    await expect(client.call('echo', { on: 1 })).resolves.toEqual({ on: 1 });
  });

  test('the job of the old run rejects with `Engine process exited`, the next one runs', async () => {
    const client = await startedEngine('runs-jobs-on-command.js', { autoRestart: false });
    const jobs = new JobManager(client);
    const old = failureOf(jobs.submit('t', {}));
    client.call('exit').catch(() => {});
    await inState(client, 'idle');
    const started = client.start();
    const next = jobs.submit('t', { behind: [['result', 'of the next']] });
    await started;
    expect((await old).message).toBe('Engine process exited');
    await expect(next).resolves.toEqual({ success: true, data: 'of the next' });
  });
});

describe('a listener of a failed start that starts again', () => {
  /** A client whose first start fails; `pids` are those of its engines so far. */
  function failing() {
    const file = path.join(folder(), 'starts');
    const client = engine('healthy-from-the-second-time.js', { args: [file], stderr: 'ignore' });
    return { client, told: events(client), pids: () => fs.readFileSync(file, 'utf8').trim().split('\n').map(Number) };
  }

  test('`exit`: stop() and start() there; the first start rejects, the second is not hit by its failure', async () => {
    const { client, told, pids } = failing();
    let stopped;
    let second;
    client.once('exit', () => {
      stopped = client.stop();
      second = client.start();
    });
    expect((await failureOf(client.start())).message).toBe('Engine shutting down');
    await stopped;
    await second;
    expect(told).toEqual(['exit', 'ready']);
    expect(client.isReady()).toBe(true);
    await expect(client.call('echo', { a: 1 })).resolves.toEqual({ a: 1 });
    expect(pids()).toHaveLength(2);
    await gone(pids()[0]);
  });

  test('`exit`: start() alone there rejects with `Engine already running`, the first start with its own failure', async () => {
    const { client, told } = failing();
    let second;
    client.once('exit', () => (second = failureOf(client.start())));
    expect((await failureOf(client.start())).message).toBe('Engine process exited');
    expect((await second).message).toBe('Engine already running');
    expect(told).toEqual(['exit']);
    await client.start();
    expect(client.isReady()).toBe(true);
  });

  test('`error` of a spawn: stop() and start() there; the second start is not hit by the first one’s failure', async () => {
    const cwd = path.join(folder(), 'made later');
    const client = engine('does-as-told.js', { cwd });
    let second;
    client.once('error', () => {
      fs.mkdirSync(cwd);
      client.stop();
      second = client.start();
    });
    expect((await failureOf(client.start())).message).toBe('Engine shutting down');
    await second;
    expect(client.isReady()).toBe(true);
  });

  test('`ready`: stop() and start() there; the first start rejects with `Engine shutting down`', async () => {
    const client = engine('does-as-told.js');
    const told = events(client);
    let again;
    client.once('ready', () => {
      again = client.stop().then(() => client.start());
    });
    expect((await failureOf(client.start())).message).toBe('Engine shutting down');
    await again;
    expect(told).toEqual(['ready', 'exit', 'ready']);
    await expect(client.call('echo', { a: 1 })).resolves.toEqual({ a: 1 });
  });
});
