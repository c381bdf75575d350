import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { engine, startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { fault, outcome } from '../support/faults.js';
import { gone } from '../support/processes.js';
import { rounds } from '../support/rounds.js';
import { threadsNamed } from '../support/threads.cjs';

const ROUNDS = rounds(3);
const PANICKED = 'INTERNAL_PANIC';
/** Restarts at once, as often as it takes. */
const RESTARTS = { maxRestarts: Infinity, restartDelay: 0 };

/** Whether it answers: that is all a next call has to show. */
const echo = (client) => client.call('echo', { works: true });
const works = { works: true };

const threads = () => threadsNamed('engine ');

describe('a panic during a call: it rejects with INTERNAL_PANIC, so does what else is pending, and the engine is restarted', () => {
  test.each(['export', 'lock', 'unlock', 'push', 'message'])('%s', async (place) => {
    const client = await startedEngine('does-as-told.js', RESTARTS);
    const exits = collect(client, 'exit');
    const { pid } = client.getStats();
    const pending = client.call('never');
    const settled = [];
    pending.catch((error) => settled.push(error.code));
    await echo(client);
    const restarted = next(client, 'restart');
    fault(client, place);
    expect(await outcome(echo(client))).toBe(PANICKED);
    expect(await outcome(pending)).toBe(PANICKED);
    await restarted;
    await gone(pid);
    expect(await echo(client)).toEqual(works);
    expect(settled).toEqual([PANICKED]);
    expect(exits).toHaveLength(1);
  });
});

describe('a panic during a start: start() rejects with INTERNAL_PANIC, nothing is left running, and start() works again', () => {
  const places = ['export', 'lock', 'unlock', 'spawner', 'spawned', 'stdout', 'stderr', 'stdin', 'waiter'];
  test.each(places)('%s', async (place) => {
    const client = engine('does-as-told.js', RESTARTS);
    const restarts = collect(client, 'restart');
    fault(client, place);
    expect(await outcome(client.start())).toBe(PANICKED);
    expect(client.getStats()).toMatchObject({ pid: null, state: 'idle' });
    await client.start();
    expect(await echo(client)).toEqual(works);
    expect(restarts).toEqual([]);
  });
});

test('a panic as the exit is told: `exit` comes once, and the restart with it', async () => {
  const client = await startedEngine('does-as-told.js', RESTARTS);
  const exits = collect(client, 'exit');
  fault(client, 'exit', 3);
  const restarted = next(client, 'restart');
  expect(await outcome(client.call('exit', {}))).not.toBe(null);
  await restarted;
  expect(exits).toHaveLength(1);
  expect(await echo(client)).toEqual(works);
});

test('a panic in the timer thread: timeouts of this engine and of all others go on', async () => {
  const client = await startedEngine('does-as-told.js', RESTARTS);
  const other = await startedEngine('does-as-told.js');
  const restarted = next(client, 'restart');
  fault(client, 'timer');
  const its = outcome(client.call('never', {}, { timeout: 50 }));
  const others = outcome(other.call('never', {}, { timeout: 300 }));
  expect(await its).toBe(PANICKED);
  expect(await others).toBe('REQUEST_TIMEOUT');
  await restarted;
  expect(await outcome(client.call('never', {}, { timeout: 50 }))).toBe('REQUEST_TIMEOUT');
  expect(await echo(other)).toEqual(works);
});

test('a panic in the wake-up or in the handing over loses nothing, a hundred times in a row', async () => {
  const client = await startedEngine('does-as-told.js', RESTARTS);
  for (const place of ['take', 'wake']) {
    fault(client, place, 100);
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => client.call('echo', { n })));
    expect(answers).toEqual(Array.from({ length: 200 }, (_, n) => ({ n })));
  }
  expect(client.getStats().restarts).toBe(0);
});

test('a panic while nothing is pending is an `error` event with the code INTERNAL_PANIC', async () => {
  const client = await startedEngine('does-as-told.js', RESTARTS);
  const told = next(client, 'error');
  const restarted = next(client, 'restart');
  fault(client, 'lock');
  // A listener of a job's event is told to the native half under no promise.
  client.emit('job:complete', { type: 'result', jobId: 'j', timestamp: 0, data: null });
  expect((await told).data.code).toBe(PANICKED);
  await restarted;
  expect(await echo(client)).toEqual(works);
});

test('with autoRestart: false the engine ends, and start() works again', async () => {
  const client = await startedEngine('does-as-told.js', { autoRestart: false });
  const exited = next(client, 'exit');
  fault(client, 'unlock');
  expect(await outcome(echo(client))).toBe(PANICKED);
  await exited;
  await eventually(() => client.getStats().state === 'idle', 'the end');
  await client.start();
  expect(await echo(client)).toEqual(works);
});

describe('stop() ends the engine in spite of a panic', () => {
  test.each(['export', 'lock', 'unlock', 'exit', 'rebuild'])('%s', async (place) => {
    const client = await startedEngine('does-as-told.js', RESTARTS);
    const { pid } = client.getStats();
    if (place === 'rebuild') fault(client, 'lock');
    fault(client, place);
    await client.stop();
    await gone(pid);
    expect(client.getStats()).toMatchObject({ pid: null, state: 'idle', restarts: 0 });
    await client.start();
    expect(await echo(client)).toEqual(works);
  });
});

test('a panic during the recovery from a panic, and a hundred in a row, end neither the app nor the engine', async () => {
  const client = await startedEngine('does-as-told.js', RESTARTS);
  for (const [place, times] of [
    ['rebuild', 2],
    ['unlock', 100],
    ['lock', 100],
    ['push', 100],
  ]) {
    if (place === 'rebuild') fault(client, 'lock');
    const restarted = next(client, 'restart');
    fault(client, place, times);
    expect(await outcome(echo(client))).toBe(PANICKED);
    await restarted;
    // What is left of the hundred strikes the next calls.
    await eventually(async () => (await outcome(echo(client))) === undefined || client.isReady(), place);
    await eventually(async () => JSON.stringify(await outcome(echo(client))) === JSON.stringify(works), place, 20_000);
  }
});

test('one panic after another: no thread, no descriptor and no process is left', async () => {
  const places = ['lock', 'unlock', 'message', 'push', 'export'];
  const client = await startedEngine('does-as-told.js', RESTARTS);
  const descriptors = () => fs.readdirSync('/proc/self/fd').length;
  await echo(client);
  const before = descriptors();
  const pids = [];
  let count = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const place of places) {
      pids.push(client.getStats().pid);
      const restarted = next(client, 'restart');
      fault(client, place);
      expect(await outcome(echo(client))).toBe(PANICKED);
      await restarted;
      expect(await echo(client)).toEqual(works);
      count += 1;
    }
  }
  for (const pid of pids) await gone(pid);
  await eventually(() => threads().length <= 4, 'the threads of one engine alone');
  await eventually(() => descriptors() <= before, 'no descriptor more');
  await client.stop();
  await eventually(() => threads().length === 0, 'the end of the threads');
  console.log(`panics survived by one engine: ${count}`);
}, 600_000);
