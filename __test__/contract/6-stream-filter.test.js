import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { quietly } from '../support/job-engines.js';

const { JobManager, StreamHandler } = runtime;
consoleErrors();

const MARK = 'crosses-the-boundary';
const TYPES = ['progress', 'log', 'partial', 'made-up', 'result', 'error'];
const DEFAULTS = ['progress', 'partial', 'made-up', 'result', 'error'];
const NAMES = { data: 'made-up', complete: 'result' };
const eventOf = (type, jobId, n = '') => ({ type, jobId, timestamp: 1, data: `${MARK} ${jobId} ${type} ${n}.` });
const texts = (events) => events.map((event) => `${JSON.stringify(event)}\n`).join('');

/**
 * What an engine's event costs in JavaScript begins with its text: whatever was handed over is parsed here. Gives the
 * `<job> <type>` of all that came.
 */
function crossings() {
  const seen = [];
  const { parse } = JSON;
  const spy = vi.spyOn(JSON, 'parse').mockImplementation((text, ...rest) => {
    for (const [, what] of String(text).matchAll(new RegExp(`${MARK} (\\S+ \\S+) `, 'g'))) seen.push(what);
    return parse(text, ...rest);
  });
  onTestFinished(() => spy.mockRestore());
  return seen;
}

/**
 * The engine writes these without being called: what stands behind an answer may be let through, because who awaits the
 * answer may subscribe. Settles when they have been delivered.
 */
function speech(client) {
  let heard = () => {};
  client.onJobEvent('marker', () => heard());
  const print = (stdout) =>
    new Promise((resolve) => {
      heard = resolve;
      client.notify('print', { stdout: `${stdout}{"type":"partial","jobId":"marker"}\n` });
    });
  return async (...events) => {
    await print('');
    await print(texts(events));
  };
}

async function attachedToEngine() {
  const client = await startedEngine('writes-raw-job-events.js');
  const stream = new StreamHandler();
  const detach = stream.attach(client);
  return { client, stream, detach, say: speech(client) };
}

/** A manager with a running job `mine`, `e` on the engine. */
async function attachedToManager() {
  const client = await startedEngine('writes-raw-job-events.js');
  const jobs = new JobManager(client);
  const stream = new StreamHandler();
  const detach = stream.attach(jobs);
  const job = quietly(jobs.submit('t', { id: '"e"' }, { id: 'mine' }));
  await eventually(() => jobs.getStatus('mine').state === 'running');
  return { client, stream, detach, jobs, job, say: speech(client) };
}

describe('`attach(engine)`: events nobody subscribed to never reach JavaScript', () => {
  test('the measure itself: what is heard crosses', async () => {
    const { client, say } = await attachedToEngine();
    client.on('job:progress', () => {});
    const seen = crossings();
    await say(eventOf('progress', 'j'));
    expect(seen).toEqual(['j progress']);
  });

  test('with nobody at all', async () => {
    const { say } = await attachedToEngine();
    const seen = crossings();
    await say(...TYPES.map((type) => eventOf(type, 'j')));
    expect(seen).toEqual([]);
  });

  test('per job', async () => {
    const { stream, say } = await attachedToEngine();
    stream.subscribe('j', () => {});
    const seen = crossings();
    await say(...['i', 'j', 'k'].flatMap((jobId) => TYPES.map((type) => eventOf(type, jobId))));
    expect(seen).toEqual(DEFAULTS.map((type) => `j ${type}`));
  });

  test('per type, as subscriptions come and go', async () => {
    const { stream, say } = await attachedToEngine();
    const seen = crossings();
    const all = TYPES.map((type) => eventOf(type, 'j'));
    const told = async () => {
      seen.length = 0;
      await say(...all);
      return seen.map((each) => each.slice(2));
    };
    const first = stream.subscribe('j', () => {}, ['complete']);
    expect(await told()).toEqual(['result']);
    const second = stream.subscribe('j', () => {}, ['log', 'data']);
    expect(await told()).toEqual(['log', 'made-up', 'result']);
    stream.unsubscribe(first);
    expect(await told()).toEqual(['log', 'made-up']);
    stream.unsubscribe(second);
    expect(await told()).toEqual([]);
    stream.subscribe('j', () => {}, []);
    stream.subscribe('j', () => {}, ['close']);
    expect(await told()).toEqual([]);
  });

  test('after detach', async () => {
    const { stream, say, detach } = await attachedToEngine();
    stream.subscribe('j', () => {});
    stream.on('event', () => {});
    detach();
    const seen = crossings();
    await say(eventOf('progress', 'j'));
    expect(seen).toEqual([]);
  });

  test('a global listener that has gone', async () => {
    const { stream, say } = await attachedToEngine();
    const listener = () => {};
    stream.on('event', listener).once('progress', listener);
    const seen = crossings();
    await say(eventOf('log', 'j'), eventOf('progress', 'j'));
    expect(seen).toHaveLength(2);
    stream.off('event', listener);
    await say(eventOf('log', 'j'), eventOf('progress', 'j'));
    expect(seen).toHaveLength(2);
  });

  test('not by being kept for a replay', async () => {
    const { stream, say } = await attachedToEngine();
    const seen = crossings();
    await say(...TYPES.map((type) => eventOf(type, 'j')));
    expect(stream.getStats().replayBytes).toBeGreaterThan(0);
    expect(seen).toEqual([]);
  });

  test('they count as `dropped` in the engine’s stats, as what nobody hears', async () => {
    const { client, stream, say } = await attachedToEngine();
    stream.subscribe('j', () => {}, ['complete']);
    const before = client.getStats().dropped;
    await say(...Array.from({ length: 500 }, () => eventOf('progress', 'j')), eventOf('result', 'j'));
    expect(client.getStats().dropped - before).toBe(500);
  });

  // Who awaits an answer may subscribe in that turn. When it is over nobody does.
  test('also behind an answer, once its turn is over', async () => {
    const { client } = await attachedToEngine();
    const seen = crossings();
    const stdout = Array.from({ length: 20 }, (_, n) => JSON.stringify(eventOf('progress', 'j', n))).join('\n');
    await client.call('nothing');
    await delay(50);
    const { received } = client.getStats();
    client.notify('print', { stdout: `${stdout}\n` });
    await eventually(() => client.getStats().received >= received + 20);
    await delay(20);
    expect(seen).toEqual([]);
  });

  test('a flood that nobody asked for costs the event loop nothing', async () => {
    const { stream, say } = await attachedToEngine();
    stream.subscribe('j', () => {}, ['complete']);
    const flood = Array.from({ length: 50_000 }, (_, n) => eventOf(n % 2 ? 'progress' : 'log', n % 3 ? 'j' : 'k', n));
    const seen = crossings();
    await say(...flood, eventOf('result', 'j'));
    expect(seen).toEqual(['j result']);
  });
});

describe('`attach(manager)`: events nobody subscribed to never reach JavaScript', () => {
  test.each([
    [[], []],
    [['log'], ['log']],
    [
      ['data', 'partial'],
      ['partial', 'made-up'],
    ],
  ])('subscribed to %j: %j come', async (asked, expected) => {
    const { stream, say } = await attachedToManager();
    stream.subscribe('mine', () => {}, asked);
    stream.subscribe('e', () => {}, ['progress']);
    stream.subscribe('other', () => {});
    const seen = crossings();
    await say(...TYPES.slice(0, 4).map((type) => eventOf(type, 'e')));
    expect(seen.filter((each) => !each.endsWith('progress'))).toEqual(expected.map((type) => `e ${type}`));
    // A job's progress is part of its status; whether its text comes along is not told here.
    expect(seen.filter((each) => each.endsWith('progress'))).toEqual([]);
  });

  test('a flood for nobody, on a job that is attached', async () => {
    const { job, say } = await attachedToManager();
    const seen = crossings();
    const flood = Array.from({ length: 20_000 }, (_, n) => eventOf(['progress', 'log', 'partial'][n % 3], 'e', n));
    await say(...flood);
    expect(seen).toEqual([]);
    await say({ type: 'result', jobId: 'e', timestamp: 1, data: 'end' });
    await expect(job).resolves.toEqual({ success: true, data: 'end' });
  });

  test('unsubscribed, detached: nothing comes', async () => {
    const { stream, say, detach } = await attachedToManager();
    const id = stream.subscribe('mine', () => {});
    const seen = crossings();
    await say(eventOf('partial', 'e'));
    stream.unsubscribe(id);
    await say(eventOf('partial', 'e'));
    expect(seen).toHaveLength(1);
    stream.subscribe('mine', () => {});
    detach();
    await say(eventOf('partial', 'e'));
    expect(seen).toHaveLength(1);
  });

  test('`complete` costs one text: the job’s own end and its stream’s', async () => {
    const { stream, job, say } = await attachedToManager();
    const heard = [];
    stream.subscribe('mine', (each) => heard.push(each));
    await say(eventOf('result', 'e'));
    await job;
    expect(heard).toStrictEqual([{ ...eventOf('result', 'e'), jobId: 'mine' }]);
  });
});

test.each(Object.entries(NAMES))('a global `%s` listener asks for `%s` events alone', async (name, type) => {
  const { stream, say } = await attachedToEngine();
  const heard = [];
  stream.on(name, (each) => heard.push(each.type));
  await say(...TYPES.map((each) => eventOf(each, 'j')));
  expect(heard).toEqual([type]);
});
