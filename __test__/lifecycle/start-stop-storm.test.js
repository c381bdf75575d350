import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { engine } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { processesWith } from '../support/processes.js';
import { numbersOf } from '../support/random.js';

consoleErrors();

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test.each([1, 2, 3, 4])(
  'whatever is asked in whatever order, each promise settles and nothing stays behind (%i)',
  async (seed) => {
    const random = numbersOf(seed);
    const MARK = randomUUID();
    const client = engine('does-as-told.js', { restartDelay: 5, maxRestarts: 2, killTimeout: 300, env: { MARK } });
    const [asked, story] = [[], []];
    for (const name of ['ready', 'exit', 'restart', 'error']) client.on(name, () => story.push(name));
    const ways = [
      () => client.start(),
      () => client.start(),
      () => client.stop(),
      () => client.call('echo', { a: 1 }),
      () => client.call('exit', {}),
      () => client.call('die', { signal: 'SIGKILL' }),
      () => client.call('unanswered', {}, { timeout: 40 }),
    ];
    for (let step = 0; step < 60; step += 1) {
      const way = Math.floor(random() * ways.length);
      asked.push(
        ways[way]().then(
          () => 'done',
          (error) => error.code,
        ),
      );
      if (random() < 0.6) await pause(random() * 60);
    }
    await client.stop();
    const outcomes = new Set(await Promise.all(asked));
    const known = ['done', 'ALREADY_RUNNING', 'NOT_READY', 'ENGINE_EXITED', 'SHUTTING_DOWN', 'REQUEST_TIMEOUT'];
    expect([...outcomes].filter((outcome) => !known.includes(outcome))).toEqual([]);
    expect(client.getStats()).toMatchObject({ pid: null, state: 'idle', pendingCalls: 0, pendingBytes: 0 });
    await eventually(() => processesWith('MARK', MARK).length === 0, 'the end of every engine', 1000);
    // Each engine is ready once at most, and ends once.
    let up = 0;
    for (const name of story) {
      if (name === 'ready') expect((up += 1)).toBe(1);
      if (name === 'exit') up = 0;
    }
    expect(up).toBe(0);
    await client.start();
    await expect(client.call('echo', { a: 2 })).resolves.toEqual({ a: 2 });
  },
);

test('twenty engines at once start, answer and stop', async () => {
  const MARK = randomUUID();
  const clients = Array.from({ length: 20 }, () =>
    engine('does-as-told.js', { env: { MARK }, startupTimeout: 20_000 }),
  );
  await Promise.all(clients.map((client) => client.start()));
  const pids = await Promise.all(clients.map(async (client) => (await client.call('self')).pid));
  expect(new Set(pids).size).toBe(20);
  await Promise.all(clients.map((client) => client.stop()));
  expect(processesWith('MARK', MARK)).toEqual([]);
});
