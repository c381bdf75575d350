import { afterEach, describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { cacheIn } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { next } from '../support/events.js';
import { job, openRecovery, readIn } from '../support/recovery-folders.js';
import { folder } from '../support/folders.js';

consoleErrors();

const KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'then'];
const POISON = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toJSON":1,"then":null}';
const poison = () => JSON.parse(POISON);
const text = (value) => JSON.stringify(value);

const own = [Object, Array, Function, Promise, Error, Map, String, runtime.EngineError, runtime.EngineClient];
const shape = () => own.map(({ prototype }) => Reflect.ownKeys(prototype).map(String).sort());
const before = shape();

afterEach(() => {
  expect({}.polluted).toBeUndefined();
  expect([].polluted).toBeUndefined();
  expect(shape()).toEqual(before);
});

describe('Prototype pollution is impossible: what looks like a prototype stays data', () => {
  test('in params, results, errors, notifications and requests', async () => {
    const client = await startedEngine('says-what-it-is-told.js');
    const say = (line) => [Buffer.from(`${line}\n`).toString('base64')];
    const answer = await client.call('say', {
      pieces: say(`{"jsonrpc":"2.0","id":"@ID@","result":${POISON}}`),
      poison: poison(),
    });
    expect(text(answer)).toBe(POISON);
    expect(Object.getPrototypeOf(answer)).toBe(Object.prototype);
    const error = await client
      .call('say', {
        pieces: say(`{"jsonrpc":"2.0","id":"@ID@","error":{"__proto__":{"code":5},"message":"m","data":${POISON}}}`),
      })
      .catch((caught) => caught);
    expect(error).toBeInstanceOf(runtime.EngineError);
    expect([error.message, error.code, text(error.data)]).toEqual(['m', runtime.ErrorCodes.INTERNAL_ERROR, POISON]);
    const [told, asked] = [next(client, 'notification'), next(client, 'request')];
    client.notify('say', { pieces: say(`{"jsonrpc":"2.0","method":"__proto__","params":${POISON}}`) });
    client.notify('say', {
      pieces: say(`{"jsonrpc":"2.0","id":"__proto__","method":"constructor","params":${POISON}}`),
    });
    expect((await told).data).toEqual({ method: '__proto__', params: poison() });
    expect(text((await asked).data.params)).toBe(POISON);
  });

  test('in options: what a parsed text inherits is no option', async () => {
    const given = '{"enginePath":"e","__proto__":{"args":"no array","requestTimeout":"no number"}}';
    expect(() => new runtime.EngineClient(JSON.parse(given))).not.toThrow();
    const client = engine('does-as-told.js', {
      env: JSON.parse('{"__proto__":"a value","constructor":"b"}'),
      envAllowlist: KEYS,
    });
    await client.start();
    const { env } = await client.call('self');
    expect(Object.entries(env).sort()).toEqual([
      ['__proto__', 'a value'],
      ['constructor', 'b'],
    ]);
  });

  test.each(KEYS)('as the name of a method, an event or a job: %s', async (name) => {
    const client = await startedEngine('says-what-it-is-told.js');
    const error = await client.call(name, {}, { timeout: 50 }).catch((caught) => caught);
    expect(error.message).toBe(`Request timeout: ${name}`);
    const heard = [];
    client.on(name, (...args) => heard.push(args));
    client.onJobEvent(name, (event) => heard.push(event));
    const event = `${text({ type: name, jobId: name, timestamp: 1, data: poison() })}\n`;
    client.notify('say', { pieces: [Buffer.from(event).toString('base64')] });
    await client.call('told');
    expect(heard).toEqual([{ type: name, jobId: name, timestamp: 1, data: poison() }]);
  });

  test.each(KEYS)('as the id and the type of a job: %s', async (name) => {
    const client = await startedEngine('runs-jobs-on-command.js');
    const manager = new runtime.JobManager(client);
    const done = manager.submit(name, { id: name, behind: [['result', poison()]] }, { id: name });
    expect(text((await done).data)).toBe(POISON);
    expect(manager.getStatus(name).state).toBe('done');
    expect(manager.getStatus(`${name}s`)).toBeNull();
  });

  test('as keys and values of the cache', async () => {
    const cacheDir = folder();
    const cache = cacheIn(cacheDir);
    for (const key of KEYS) {
      expect(await cache.get(key)).toEqual({ found: false });
      expect(await cache.set(key, poison())).toEqual({ success: true });
    }
    await cache.close();
    const again = cacheIn(cacheDir);
    for (const key of KEYS) expect(text((await again.get(key)).value)).toBe(POISON);
    expect((await again.keys()).sort()).toEqual([...KEYS].sort());
  });

  test('as ids, fields and payloads of tracked jobs, also of those that JSON cannot hold', async () => {
    const stateDir = folder();
    const one = await openRecovery({ stateDir });
    for (const id of KEYS) one.trackJob({ ...job(id), ...poison(), payload: poison() });
    const big = { ...job('big'), ...poison(), payload: { size: 1n } };
    one.trackJob(big);
    expect(one.getRecoverableJobs().find(({ id }) => id === 'big').polluted).toBeUndefined();
    await one.shutdown();
    const { jobs } = await readIn(stateDir);
    for (const id of KEYS) expect(text(jobs.find((each) => each.id === id).payload)).toBe(POISON);
    expect(jobs.every((each) => Object.getPrototypeOf(each) === Object.prototype)).toBe(true);
  });

  test('as types and ids of subscriptions', () => {
    const stream = new runtime.StreamHandler();
    const heard = [];
    for (const id of KEYS) stream.subscribe(id, (event) => heard.push(event.jobId), ['data', 'partial']);
    for (const id of KEYS) stream.dispatch({ type: id, jobId: id, timestamp: 1, data: poison() });
    expect(heard).toEqual(KEYS);
    expect(stream.getActiveJobIds().sort()).toEqual([...KEYS].sort());
  });
});
