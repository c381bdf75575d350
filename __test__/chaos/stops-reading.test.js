import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { app } from '../support/app.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { folder } from '../support/folders.js';
import { rounds, timeFor } from '../support/rounds.js';

const { EngineClient, JobManager } = runtime;
consoleErrors();

const MIB = 1024 * 1024;
const LIMIT = 64 * MIB;
const ROUNDS = rounds(2);
const deadline = timeFor(ROUNDS, 10_000);

class Overriding extends EngineClient {
  call(...args) {
    return super.call(...args);
  }
}

const newGate = () => path.join(folder(), 'gate');

/** The rounds of `calls-a-deaf-engine.js`, each with its calls told apart: those that the limit refused, and the others. */
async function callsOf(size, then) {
  const told = await app('calls-a-deaf-engine.js', newGate(), String(size), then, String(ROUNDS)).said;
  expect(told).toHaveLength(ROUNDS);
  const most = (name) => Math.round(Math.max(...told.map((round) => round[name])));
  console.log(
    `${ROUNDS} × ${LIMIT / MIB} MiB in calls of ${size} bytes, the engine ${then}: memory grew by ${most('grew') >> 20} MiB at ` +
      `most, the longest stall of a timer was ${most('stallMs')} ms, the last call settled ${most('lateMs')} ms behind the exit`,
  );
  return told.map((round) => {
    const isRefused = (text) => text.startsWith('More than maxPendingBytes');
    return {
      ...round,
      refused: round.settled.filter(isRefused),
      settled: round.settled.filter((text) => !isRefused(text)),
    };
  });
}

describe('an engine that stops reading (64 MiB of calls): bounded memory, BACKPRESSURE', () => {
  test.each([[64 * 1024], [4 * 1024]])(
    'when it reads again, all that was accepted is answered, in order, once: calls of %i bytes',
    async (size) => {
      for (const { grew, left, pendingBytes, refused, settled } of await callsOf(size, 'reads on')) {
        expect(refused.length).toBeGreaterThan(0);
        expect(pendingBytes).toBeLessThanOrEqual(LIMIT);
        expect(pendingBytes).toBeGreaterThan(LIMIT - 2 * size);
        expect(settled.length * size).toBeGreaterThan(pendingBytes - 200 * settled.length);
        expect(settled).toEqual(settled.map((_, n) => `m${n}`));
        expect(left).toEqual([0, 0]);
        // What waits, twice for the way an allocator grows, and what V8 keeps for so many promises.
        expect(grew).toBeLessThan(3 * LIMIT);
      }
    },
    deadline,
  );

  test(
    'killed while it is full: every call settles, and the next run begins empty',
    async () => {
      for (const { left, refused, settled } of await callsOf(16 * 1024, 'is killed')) {
        expect(refused.length).toBeGreaterThan(0);
        expect(settled.length).toBeGreaterThan(3000);
        expect(new Set(settled)).toEqual(new Set(['Engine process exited']));
        expect(left).toEqual([0, 0]);
      }
    },
    deadline,
  );
});

describe.each([
  ['native path', EngineClient],
  ['JavaScript path', Overriding],
])('a jobs.start that meets the limit goes back to the head of its queue, on the %s', (_, Client) => {
  async function deafManager(gate) {
    const options = { Client, args: [gate], maxPendingBytes: 200_000, restartDelay: 1, requestTimeout: Infinity };
    const client = await startedEngine('stops-reading.js', options);
    const jobs = new JobManager(client, { concurrency: 20 });
    const started = [];
    jobs.on('job:started', ({ type }) => started.push(type));
    await client.call('stop-reading');
    return { client, jobs, started };
  }
  const payload = 'x'.repeat(30_000);
  const types = Array.from({ length: 40 }, (__, n) => `t${n}`);

  test('whatever of its calls were refused besides: all jobs run, in order, once', async () => {
    const gate = newGate();
    const { client, jobs, started } = await deafManager(gate);
    const results = types.map((type) => jobs.submit(type, payload));
    const calls = await Promise.allSettled([client.call('one', { payload }), client.notify('two', { payload })]);
    expect(calls.map(({ reason }) => reason.code)).toEqual(['BACKPRESSURE', 'BACKPRESSURE']);
    expect(jobs.getQueueLength() + jobs.getActiveCount()).toBe(40);
    expect(client.getStats().pendingBytes).toBeLessThanOrEqual(200_000);
    fs.writeFileSync(gate, '');
    expect(await Promise.all(results)).toEqual(types.map((data) => ({ success: true, data })));
    expect(started).toEqual(types);
  });

  test('killed while it is full: what was sent rejects, what went back runs on the next run, in order', async () => {
    const gate = newGate();
    const { client, jobs, started } = await deafManager(gate);
    const results = types.map((type) => jobs.submit(type, payload));
    await new Promise(setImmediate);
    const sent = jobs.getActiveCount();
    expect(sent).toBeGreaterThan(3);
    expect(sent).toBeLessThan(20);
    process.kill(client.getStats().pid, 'SIGKILL');
    const outcomes = await Promise.allSettled(results);
    const ends = outcomes.map(({ value, reason }) => (value ? value.data : reason.message));
    expect(ends).toEqual(types.map((type, n) => (n < sent ? 'Engine process exited' : type)));
    expect(started).toEqual(types.slice(sent));
  });
});
