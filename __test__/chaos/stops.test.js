import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, stopAfterTest } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { next } from '../support/events.js';
import { folder } from '../support/folders.js';
import { processesWith } from '../support/processes.js';
import { numbersOf } from '../support/random.js';
import { rounds, timeFor } from '../support/rounds.js';

consoleErrors();

const COUNT = rounds(3);
const AT_ONCE = 6;
const MESSAGES = [
  'job:progress',
  'job:complete',
  'job:error',
  'stdout',
  'stderr',
  'notification',
  'ready',
  'restart',
  'error',
];

const outcomeOf = (promise) =>
  promise.then(
    () => 'done',
    ({ code }) => code,
  );
const noneLeft = (mark) => eventually(() => processesWith('MARK', mark).length === 0, 'the end of every process', 1000);

/** A shell script as an engine; light enough for many at once. */
function light(script, options) {
  return stopAfterTest(
    new runtime.EngineClient({ enginePath: '/bin/sh', args: ['-c', script], killTimeout: 300, ...options }),
  );
}

/** What a client says from now on, but for `exit`, which is counted. */
function heardOf(client) {
  const heard = { exits: 0, messages: [] };
  client.on('exit', () => (heard.exits += 1));
  for (const name of MESSAGES) client.on(name, () => heard.messages.push(name));
  return heard;
}

describe('stop() under load', () => {
  test.each(Array.from({ length: COUNT }, (_, seed) => seed))(
    'each call and job settles, nothing but `exit` is delivered, queued jobs wait (seed %i)',
    async (seed) => {
      const random = numbersOf(seed);
      const mark = randomUUID();
      const client = engine('runs-jobs.js', { env: { MARK: mark }, killTimeout: 1000 });
      const jobs = new runtime.JobManager(client, { concurrency: 20 });
      await client.start();
      const running = Array.from({ length: 20 }, () => outcomeOf(jobs.submit('chatter', null, { priority: 'high' })));
      const queued = Array.from({ length: 20 }, (_, index) => jobs.submit('echo', { index }));
      const calls = [];
      const end = Date.now() + random() * 60;
      do {
        for (let index = 0; index < 50; index += 1)
          calls.push(outcomeOf(client.call('echo', { index, text: 'x'.repeat(random() * 3000) })));
        await pause(random() * 5);
      } while (Date.now() < end);

      const stops = [client.stop()];
      const heard = heardOf(client);
      client.on('exit', () => stops.push(client.stop()));
      stops.push(client.stop());
      await expect(client.start()).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });
      await expect(client.call('echo')).rejects.toMatchObject({ code: 'NOT_READY' });
      await Promise.all(stops);
      expect(heard).toEqual({ exits: 1, messages: [] });
      await noneLeft(mark);
      expect([...new Set(await Promise.all(calls))].filter((it) => it !== 'done' && it !== 'SHUTTING_DOWN')).toEqual(
        [],
      );
      expect(new Set(await Promise.all(running))).toEqual(new Set(['SHUTTING_DOWN']));
      expect(client.getStats()).toMatchObject({ pid: null, state: 'idle', pendingCalls: 0, pendingBytes: 0 });
      expect([jobs.getQueueLength(), jobs.getActiveCount()]).toEqual([20, 0]);

      await client.start();
      const results = await Promise.all(queued);
      expect(results.map(({ data }) => data.index)).toEqual(results.map((_, index) => index));
    },
  );
});

/** How a client comes to the phase in which it is stopped. */
const phases = {
  'during start()': (random, options) => {
    const client = light('exec cat', options);
    const started = client.start();
    return { client, started, within: 15 };
  },
  'before the health request is answered': (random, options) => {
    const client = light('sleep 600 & trap "" TERM; exec sleep 600', options);
    const started = client.start();
    return { client, started, within: 30 };
  },
  'during a restart': async (random, options) => {
    // Ends at once behind each `ready`: it waits, spawns, starts, or is ready.
    const client = light('exec head -n 1', { ...options, restartDelay: 5, maxRestarts: Infinity });
    await client.start();
    await next(client, 'restart');
    return { client, within: 30 };
  },
  'during a restart that does not answer': async (random, options) => {
    const file = path.join(folder(), 'started');
    const script = 'if [ -e "$0" ]; then trap "" TERM; sleep 600 & exec sleep 600; fi; : > "$0"; exec head -n 1';
    const client = stopAfterTest(
      new runtime.EngineClient({
        enginePath: '/bin/sh',
        args: ['-c', script, file],
        killTimeout: 300,
        restartDelay: 5,
        ...options,
      }),
    );
    const exited = next(client, 'exit');
    await client.start();
    await exited;
    return { client, within: 30 };
  },
};

/** The engines that never answer again. */
const mute = new Set(['before the health request is answered', 'during a restart that does not answer']);

describe('stop() at any moment, twice, from two places: it resolves, no process is left, and start() works again', () => {
  test.each(Object.keys(phases))('%s', { timeout: timeFor(COUNT, 5000) }, async (phase) => {
    for (let seed = 1; seed <= COUNT; seed += 1) {
      const mark = randomUUID();
      const random = numbersOf(seed);
      const one = async () => {
        const { client, started, within } = await phases[phase](random, { env: { MARK: mark } });
        const outcome = started && outcomeOf(started);
        if (random() < 0.8) await pause(random() * within);
        const stops = [client.stop()];
        const again = outcomeOf(client.start());
        let isRefused = false;
        again.then((code) => (isRefused = code === 'ALREADY_RUNNING'));
        let heard = heardOf(client);
        client.once('exit', () => stops.push(client.stop()));
        if (random() < 0.5) {
          await pause(random() * 5);
          // A restart that waits is cancelled at once: what came since is of the new start, until it is stopped, too.
          if (!isRefused) heard = heardOf(client);
        }
        stops.push(client.stop());
        await Promise.all(stops);
        expect(heard.messages).toEqual([]);
        expect(heard.exits).toBeLessThanOrEqual(1);
        if (outcome) expect(['done', 'SHUTTING_DOWN']).toContain(await outcome);
        return { client, again };
      };
      const clients = await Promise.all(Array.from({ length: AT_ONCE }, one));
      for (const { client, again } of clients) {
        // Then the new start came behind the stop.
        if ((await again) === 'done') await client.stop();
      }
      await noneLeft(mark).catch((error) => expect.fail(`${error.message} (seed ${seed})`));
      for (const { client } of clients) {
        expect(client.getStats()).toMatchObject({ pid: null, state: 'idle', pendingCalls: 0, pendingBytes: 0 });
        const second = client.start();
        if (mute.has(phase)) client.stop();
        expect(['done', 'SHUTTING_DOWN', 'ENGINE_EXITED']).toContain(await outcomeOf(second));
        await client.stop();
      }
      await noneLeft(mark);
    }
  });
});
