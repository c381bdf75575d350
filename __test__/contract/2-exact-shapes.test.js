import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine, stopAfterTest } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';

const { EngineClient, JobManager } = runtime;
const logged = consoleErrors();

/** Its own `call` makes the manager go through JavaScript. */
class Overriding extends EngineClient {
  call(...args) {
    return super.call(...args);
  }
}

const PATHS = [
  ['native path', EngineClient],
  ['JavaScript path', Overriding],
];

/** The requests of that method as the engine read them, each its raw line. */
async function requests(client, method) {
  const lines = Buffer.from(await client.call('told'), 'base64')
    .toString('latin1')
    .split('\n');
  return lines.filter((line) => line.includes(`"method":"${method}"`));
}

/** What stands behind `"params":` in a request. */
const paramsOf = (line) => line.slice(line.indexOf('"params":') + 9, -1);

describe.each(PATHS)('on the %s', (_, Client) => {
  test('jobs.start is sent exactly {type, payload, priority}; no new option adds a key', async () => {
    const client = await startedEngine('keeps-jobs-running.js', { Client });
    const jobs = new JobManager(client, { concurrency: Infinity, cancelGrace: 10 });
    const controller = new AbortController();
    jobs.submit('plain', { a: 1 }).catch(() => {});
    jobs
      .submit('full', null, { priority: 'high', timeout: 60_000, id: 'mine', signal: controller.signal, retries: 2 })
      .catch(() => {});
    jobs.submit('low', [1, 'ü'], { priority: 'low' }).catch(() => {});
    await eventually(async () => (await requests(client, 'jobs.start')).length === 3);
    expect((await requests(client, 'jobs.start')).map(paramsOf).sort()).toEqual([
      '{"type":"full","payload":null,"priority":"high"}',
      '{"type":"low","payload":[1,"\\u00fc"],"priority":"low"}',
      '{"type":"plain","payload":{"a":1},"priority":"normal"}',
    ]);
  });

  test.each([
    ['a string', '"job 1"'],
    ['a number', '7'],
    ['one with a wide character', '"j\\u00f6b"'],
  ])('jobs.cancel is sent exactly {jobId}, the engine’s id as it gave it: %s', async (__, id) => {
    const client = await startedEngine('keeps-jobs-running.js', { Client, args: [id] });
    const jobs = new JobManager(client);
    const job = jobs.submit('slow', {}, { id: 'the-managers-own' });
    job.catch(() => {});
    await eventually(() => jobs.getStatus('the-managers-own').state === 'running');
    await expect(job.cancel()).resolves.toBe(true);
    await expect(job).rejects.toThrow('Job cancelled');
    expect((await requests(client, 'jobs.cancel')).map(paramsOf)).toEqual([`{"jobId":${id}}`]);
  });
});

describe('the health request', () => {
  test('has no params, at start() and later', async () => {
    const client = await startedEngine('keeps-jobs-running.js', { healthInterval: 20 });
    const seen = await eventually(async () => {
      const lines = await requests(client, 'engine.health');
      return lines.length >= 3 && lines;
    });
    for (const line of seen) expect(line).toBe(shapeOf(line, 'engine.health'));
  });

  test('has no params when healthMethod names another', async () => {
    const client = await startedEngine('keeps-jobs-running.js', { healthMethod: 'are.you.ön' });
    const told = Buffer.from(await client.call('told'), 'base64')
      .toString('latin1')
      .split('\n');
    expect(told[0]).toBe(shapeOf(told[0], 'are.you.\\u00f6n'));
  });

  test('is the first thing that is sent', async () => {
    const client = engine('keeps-jobs-running.js');
    await client.start();
    const told = Buffer.from(await client.call('told'), 'base64')
      .toString('latin1')
      .split('\n');
    expect(told[0]).toBe(shapeOf(told[0], 'engine.health'));
  });
});

/** How a request without params looks that has the id of this one. */
function shapeOf(line, method) {
  return `{"jsonrpc":"2.0","id":"${JSON.parse(line).id}","method":"${method}"}`;
}

describe('one that echoes a pending id settles that call with undefined', () => {
  test('an engine that echoes its stdin starts, and its calls resolve', async () => {
    const client = await startedEngine('echoes-its-stdin.js');
    const asked = collect(client, 'request');
    await expect(client.call('anything', { a: 1 })).resolves.toBe(undefined);
    await expect(Promise.all([client.call('x'), client.call('y', null)])).resolves.toEqual([undefined, undefined]);
    expect(asked).toEqual([]);
    expect(logged).toEqual([]);
  });

  test.skipIf(process.platform === 'win32')('/bin/cat itself', async () => {
    const client = stopAfterTest(new EngineClient({ enginePath: '/bin/cat' }));
    await client.start();
    await expect(client.call('jobs.start', { type: 'x' })).resolves.toBe(undefined);
    expect(logged).toEqual([]);
  });

  test('a notification that comes back is a notification', async () => {
    const client = await startedEngine('echoes-its-stdin.js');
    const heard = next(client, 'notification');
    await client.notify('hello', { a: 1 });
    expect((await heard).data).toEqual({ method: 'hello', params: { a: 1 } });
  });
});
