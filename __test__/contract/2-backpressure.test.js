import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { eventually } from '../support/eventually.js';

const { EngineClient, EngineError, JobManager } = runtime;
consoleErrors();

const MIB = 1024 * 1024;
const BACKPRESSURE = { code: 'BACKPRESSURE' };

class Overriding extends EngineClient {
  call(...args) {
    return super.call(...args);
  }
}

let folder;
let gate;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'desktop-runtime-'));
  gate = path.join(folder, 'gate');
});

afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** An engine that has stopped reading, until `readsOn()`. Of what is sent from now on the pipe takes some 64 KiB. */
async function deafEngine(options) {
  const client = await startedEngine('stops-reading.js', { args: [gate], requestTimeout: 20_000, ...options });
  await client.call('stop-reading');
  return client;
}

const readsOn = () => fs.writeFileSync(gate, '');

/** A call whose parameters are about so many bytes. */
const sized = (client, bytes, method = 'sized') => client.call(method, { x: 'x'.repeat(bytes) });

describe('at most maxPendingBytes wait for a slow engine', () => {
  test('past it call rejects with BACKPRESSURE, and what was accepted is answered, in order', async () => {
    const client = await deafEngine({ maxPendingBytes: MIB });
    const accepted = [];
    const answered = [];
    let refusal;
    for (let n = 0; n < 100 && !refusal; n += 1) {
      const call = sized(client, 64 * 1024, `m${n}`);
      const first = await Promise.race([call.catch((error) => error), new Promise(setImmediate)]);
      if (first instanceof Error) refusal = first;
      else accepted.push(call.then(({ method }) => answered.push(method)));
      expect(client.getStats().pendingBytes).toBeLessThanOrEqual(MIB);
    }
    expect(refusal).toBeInstanceOf(EngineError);
    expect(refusal).toMatchObject({ ...BACKPRESSURE, method: `m${accepted.length}` });
    // Of what was accepted, all but the limit and the pipe’s own room is with the engine.
    expect(accepted.length).toBeGreaterThanOrEqual(15);
    expect(accepted.length).toBeLessThanOrEqual(40);
    expect(client.getStats().pendingCalls).toBe(accepted.length);
    readsOn();
    await Promise.all(accepted);
    expect(answered).toEqual(accepted.map((_, n) => `m${n}`));
    await expect(sized(client, 1000)).resolves.toMatchObject({ method: 'sized' });
    expect(client.getStats()).toMatchObject({ pendingCalls: 0, pendingBytes: 0 });
  });

  test('many small calls of one turn meet it, too', async () => {
    const client = await deafEngine({ maxPendingBytes: 100_000 });
    const calls = Array.from({ length: 5000 }, () => sized(client, 100));
    const settled = Promise.allSettled(calls);
    expect(client.getStats().pendingBytes).toBeLessThanOrEqual(100_000);
    readsOn();
    const outcomes = await settled;
    const refused = outcomes.filter(({ reason }) => reason && reason.code === 'BACKPRESSURE').length;
    const fulfilled = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(refused).toBeGreaterThan(1000);
    expect(fulfilled).toBeGreaterThan(400);
    expect(refused + fulfilled).toBe(5000);
  });

  test('notify rejects likewise', async () => {
    const client = await deafEngine({ maxPendingBytes: 1000 });
    await client.notify('n', { x: 'x'.repeat(MIB) });
    await expect(client.notify('n', { x: 'x'.repeat(1000) })).rejects.toMatchObject(BACKPRESSURE);
  });

  test('an engine that ends meanwhile rejects what waits', async () => {
    const client = await deafEngine({ autoRestart: false });
    const waiting = sized(client, 4 * MIB);
    const rejected = expect(waiting).rejects.toThrow('Engine process exited');
    process.kill(client.getStats().pid, 'SIGKILL');
    await rejected;
    await eventually(() => client.getStats().pendingBytes === 0, 'nothing waits');
  });

  test('stop() drops what waits', async () => {
    const client = await deafEngine({ killTimeout: 200 });
    const waiting = sized(client, 4 * MIB);
    const rejected = expect(waiting).rejects.toThrow('Engine shutting down');
    await client.stop();
    await rejected;
    expect(client.getStats().pendingBytes).toBe(0);
  });
});

describe('when nothing waits, a message of any size is accepted', () => {
  test('the next one is not', async () => {
    const client = await deafEngine({ maxPendingBytes: 1000 });
    const big = sized(client, 3 * MIB);
    await expect(sized(client, 2000)).rejects.toMatchObject(BACKPRESSURE);
    readsOn();
    await expect(big).resolves.toMatchObject({ method: 'sized' });
    expect((await big).bytes).toBeGreaterThan(3 * MIB);
  });

  test('with a limit of one byte, one after the other', async () => {
    const client = await startedEngine('stops-reading.js', { args: [gate], maxPendingBytes: 1 });
    for (let n = 0; n < 5; n += 1) await expect(sized(client, 200_000)).resolves.toMatchObject({ method: 'sized' });
  });
});

describe('writes never block the event loop', () => {
  test('64 MiB for an engine that does not read: timers run on', async () => {
    const client = await deafEngine({ maxPendingBytes: Infinity });
    const x = 'x'.repeat(64 * MIB);
    const big = client.call('big', { x });
    let turns = 0;
    while (turns < 50) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      turns += 1;
    }
    expect(client.getStats().pendingBytes).toBeGreaterThan(60 * MIB);
    readsOn();
    expect((await big).bytes).toBeGreaterThan(64 * MIB);
  });
});

describe.each([
  ['native path', EngineClient],
  ['JavaScript path', Overriding],
])('a jobs.start that meets the limit goes back to the head of its queue, on the %s', (_, Client) => {
  test('all run later, in order, each once', async () => {
    const client = await deafEngine({ Client, maxPendingBytes: 100_000 });
    const jobs = new JobManager(client, { concurrency: 8 });
    const started = [];
    const completed = [];
    jobs.on('job:started', ({ type }) => started.push(type));
    jobs.on('job:completed', ({ success }) => completed.push(success));
    const payload = 'x'.repeat(80_000);
    const types = Array.from({ length: 12 }, (__, n) => `t${n}`);
    const results = types.map((type) => jobs.submit(type, payload));
    await new Promise(setImmediate);
    expect(client.getStats().pendingBytes).toBeLessThanOrEqual(100_000);
    expect(jobs.getQueueLength() + jobs.getActiveCount()).toBe(12);
    expect(jobs.getQueueLength()).toBeGreaterThan(4);
    readsOn();
    expect(await Promise.all(results)).toEqual(types.map((data) => ({ success: true, data })));
    expect(started).toEqual(types);
    expect(completed).toEqual(types.map(() => true));
  });
});
