import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { jobEvent, response, say, sayAndAnswer } from '../support/wire.js';

const { EngineClient, EngineError, JobManager } = runtime;
const logged = consoleErrors();
const LIMIT = 300;
const UUID = '00000000-0000-4000-8000-000000000000';

const limited = () => startedEngine('says-what-it-is-told.js', { maxMessageBytes: LIMIT });

/** A response to the call of exactly so many bytes, its id first. */
function responseOf(bytes) {
  const empty = response('"result":""').replace('@ID@', UUID).length;
  return response(`"result":"${'r'.repeat(bytes - empty)}"`);
}

class Overriding extends EngineClient {
  call(...args) {
    return super.call(...args);
  }
}

describe('maxMessageBytes: a longer line is dropped up to its newline and reported', () => {
  test('a line of exactly so many bytes is taken', async () => {
    const client = await limited();
    await expect(say(client, `${responseOf(LIMIT)}\n`)).resolves.toMatch(/^r+$/);
  });

  test('one byte more, and the call rejects, when its id was readable', async () => {
    const client = await limited();
    const errors = collect(client, 'error');
    const noise = collect(client, 'stdout');
    const error = await say(client, `${responseOf(LIMIT + 1)}\n`).catch((reason) => reason);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: 'MESSAGE_TOO_LARGE', method: 'say' });
    await expect(sayAndAnswer(client)).resolves.toBe('said');
    expect(errors.map(({ data }) => [data instanceof Error, data.code])).toEqual([[true, 'MESSAGE_TOO_LARGE']]);
    expect(noise).toEqual([]);
  });

  test.each([
    [
      'the call’s error is too long',
      `{"jsonrpc":"2.0","id":"@ID@","error":{"code":1,"message":"${'m'.repeat(LIMIT)}"}}`,
    ],
    ['behind whitespace', `  \t${responseOf(LIMIT + 10)}`],
    ['the line is never ended', responseOf(100 * LIMIT).slice(0, -2)],
  ])('rejects also when %s', async (_, text) => {
    const client = await limited();
    const reported = next(client, 'error');
    await expect(say(client, `${text}\n`)).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
    expect((await reported).data.code).toBe('MESSAGE_TOO_LARGE');
  });

  test('the rejection does not wait for the newline', async () => {
    const client = await limited();
    await expect(say(client, responseOf(3 * LIMIT))).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
  });

  test('an id behind the limit is not readable: the call waits on', async () => {
    const client = await limited();
    const reported = next(client, 'error');
    const far = `{"jsonrpc":"2.0","result":"${'r'.repeat(LIMIT)}","id":"@ID@"}`;
    await expect(sayAndAnswer(client, `${far}\n`)).resolves.toBe('said');
    expect((await reported).data.code).toBe('MESSAGE_TOO_LARGE');
  });

  test('noise that is too long is reported and not delivered', async () => {
    const client = await limited();
    const reported = collect(client, 'error');
    const noise = collect(client, 'stdout');
    await sayAndAnswer(client, `${'x'.repeat(50 * LIMIT)}\nshort\n${'{'.repeat(2 * LIMIT)}\n`);
    expect(reported.map(({ data }) => data.code)).toEqual(['MESSAGE_TOO_LARGE', 'MESSAGE_TOO_LARGE']);
    expect(noise.map(({ data }) => data)).toEqual(['short']);
  });

  test('what the dropped line holds behind the limit is not taken for a message', async () => {
    const client = await limited();
    const events = collect(client, 'job:progress');
    await sayAndAnswer(client, `${'x'.repeat(LIMIT + 1)}${jobEvent('log', 'j', 1)}\n${jobEvent('log', 'j', 2)}\n`);
    expect(events.map(({ data }) => data.data)).toEqual([2]);
  });

  test('unheard, it is logged', async () => {
    const client = await limited();
    await sayAndAnswer(client, `${'x'.repeat(LIMIT + 1)}\n`);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/maxMessageBytes/);
  });
});

describe('the engine and later messages survive', () => {
  test('many too long ones between good ones, in order', async () => {
    const client = await limited();
    const events = collect(client, 'job:progress');
    const lines = [];
    for (let n = 0; n < 100; n += 1) lines.push(jobEvent('log', 'j', n), 'x'.repeat(LIMIT + 1 + n * 37));
    const { pid } = client.getStats();
    await sayAndAnswer(client, `${lines.join('\n')}\n`);
    expect(events.map(({ data }) => data.data)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(client.getStats().pid).toBe(pid);
    expect(client.isReady()).toBe(true);
  });

  test.each([
    ['native path', EngineClient, []],
    ['JavaScript path', Overriding, []],
    ['native path, before its start is answered', EngineClient, ['early']],
    ['JavaScript path, before its start is answered', Overriding, ['early']],
  ])('a job whose result is too long fails with MESSAGE_TOO_LARGE, on the %s', async (_, Client, args) => {
    const client = await startedEngine('ends-jobs-with-long-results.js', { Client, args, maxMessageBytes: LIMIT });
    const errors = collect(client, 'error');
    const jobs = new JobManager(client, { concurrency: 1, defaultTimeout: 5000 });
    await expect(jobs.submit('t', LIMIT)).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
    await expect(jobs.submit('t', 5)).resolves.toEqual({ success: true, data: 'xxxxx' });
    expect(errors.map(({ data }) => data.code)).toEqual(['MESSAGE_TOO_LARGE']);
    expect(errors[0].data.jobId).toBe('job-1');
  });

  test('an engine that floods without a newline: the client’s memory stays within bounds', async () => {
    const client = engine('floods-without-newline.js', { maxMessageBytes: 64 * 1024 });
    const reported = next(client, 'error', () => true, 20_000);
    await client.start();
    const before = process.memoryUsage().rss;
    const flood = client.call('flood', { bytes: 256 * 1024 * 1024 });
    expect((await reported).data.code).toBe('MESSAGE_TOO_LARGE');
    await expect(flood).resolves.toBe('flooded');
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024);
  });
});

describe('framing is linear: no size makes it quadratic', () => {
  test('a result of 48 MiB that comes in small writes', async () => {
    const client = engine('floods-without-newline.js', { stderr: 'ignore' });
    await client.start();
    const result = await client.call('long', { bytes: 48 * 1024 * 1024 });
    expect(result).toHaveLength(48 * 1024 * 1024);
  });

  test('a line of 8 MiB of nothing but braces', async () => {
    const client = engine('floods-without-newline.js');
    await client.start();
    const noise = next(client, 'stdout');
    await expect(client.call('braces', { bytes: 8 * 1024 * 1024 })).resolves.toBe('braced');
    expect((await noise).data).toHaveLength(8 * 1024 * 1024);
  });

  test('200 000 values on one line', async () => {
    const client = await startedEngine('floods-without-newline.js');
    const count = { events: 0 };
    client.on('job:progress', () => (count.events += 1));
    await expect(client.call('values', { count: 200_000 })).resolves.toBe('valued');
    expect(count.events).toBe(200_000);
  });
});
