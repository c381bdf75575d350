import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { failureOf, quietly } from '../support/job-engines.js';

const { EngineClient, JobManager, ProgressTracker, StreamHandler, createJobStream } = runtime;
consoleErrors();

const ENGINE_METHODS = ['start', 'stop', 'isReady', 'call', 'notify', 'on', 'onJobEvent', 'ref', 'unref', 'getStats'];
const MANAGER_METHODS = [
  ...['submit', 'getStatus', 'cancel', 'getJobs', 'getQueueLength', 'getActiveCount', 'clearCompleted'],
  ...['pause', 'resume', 'onIdle', 'drain', 'getStats'],
];
const STREAM_METHODS = [
  ...['subscribe', 'unsubscribe', 'unsubscribeAll', 'dispatch', 'createProgressTracker', 'getSubscriptionCount'],
  ...['getActiveJobIds', 'getStats', 'attach'],
];
const TRACKER_METHODS = [
  ...['setProgress', 'incrementProgress', 'log', 'emitPartial', 'complete', 'error'],
  ...['getElapsedTime', 'getCurrentProgress', 'getStats'],
];
const DONE = { behind: [['result', 'done']] };

/** A subclass that notes the calls of these methods, and of `emit`, and forwards them. */
function noting(Base, methods) {
  class Noting extends Base {
    notes = [];
  }
  for (const name of [...methods, 'emit']) {
    Noting.prototype[name] = function forward(...args) {
      // A base constructor may call methods before the fields are there.
      if (this.notes) this.notes.push([name, ...args]);
      return Base.prototype[name].apply(this, args);
    };
  }
  return Noting;
}

const asked = (object, name) => object.notes.filter(([method]) => method === name).map(([, ...args]) => args);

test('the public methods are those of the contract', () => {
  const own = (Class) =>
    Object.getOwnPropertyNames(Class.prototype).filter((name) => !['constructor', 'emit'].includes(name));
  expect(own(EngineClient).sort()).toEqual(ENGINE_METHODS.filter((name) => name !== 'on').sort());
  expect(own(JobManager).sort()).toEqual([...MANAGER_METHODS].sort());
  expect(own(StreamHandler).sort()).toEqual([...STREAM_METHODS].sort());
  expect(own(ProgressTracker).sort()).toEqual([...TRACKER_METHODS].sort());
});

describe('all may be subclassed, and an override of any public method is honoured by the other classes', () => {
  test('EngineClient, every method overridden: a whole life', async () => {
    const Client = noting(EngineClient, ENGINE_METHODS);
    const client = await startedEngine('runs-jobs-on-command.js', { Client });
    const jobs = new JobManager(client);
    await expect(jobs.submit('t', DONE)).resolves.toEqual({ success: true, data: 'done' });
    const running = quietly(jobs.submit('t', { id: 'x' }));
    await client.call('asked');
    await running.cancel();
    expect(asked(client, 'call').map(([method]) => method)).toEqual([
      'jobs.start',
      'jobs.start',
      'asked',
      'jobs.cancel',
    ]);
    expect(asked(client, 'onJobEvent').map(([jobId]) => jobId)).toEqual(['e1', 'x']);
    expect(asked(client, 'isReady').length).toBeGreaterThan(1);
    expect(asked(client, 'emit').map(([name]) => name)).toEqual(['ready', 'job:complete']);
    await client.notify('nothing');
    expect(client.ref().unref()).toBe(client);
    expect(client.getStats().state).toBe('ready');
    await client.stop();
    expect(asked(client, 'emit').map(([name]) => name)).toEqual(['ready', 'job:complete', 'exit']);
  });

  test.each(['call', 'isReady'])('an override of %s is what the manager gets, not the base’s', async (name) => {
    class Refusing extends EngineClient {}
    Refusing.prototype[name] = () => (name === 'call' ? Promise.reject(new Error('overridden')) : false);
    const client = await startedEngine('does-as-told.js', { Client: Refusing });
    const jobs = new JobManager(client);
    const promise = quietly(jobs.submit('t', {}));
    if (name === 'call') expect((await failureOf(promise)).message).toBe('overridden');
    else expect(jobs.getActiveCount()).toBe(0);
  });

  test('call asks an overridden isReady', async () => {
    class Closed extends EngineClient {
      isReady() {
        return false;
      }
    }
    const client = await startedEngine('does-as-told.js', { Client: Closed });
    expect((await failureOf(client.call('ping'))).message).toBe('Engine not ready');
    expect((await failureOf(client.notify('ping'))).message).toBe('Engine not ready');
  });

  test('JobManager, every method overridden: a whole life', async () => {
    const Manager = noting(JobManager, MANAGER_METHODS);
    const client = await startedEngine('runs-jobs-on-command.js');
    const jobs = new Manager(client, { concurrency: 1 });
    jobs.pause();
    const done = jobs.submit('t', DONE, { priority: 'high' });
    expect(jobs.getStatus(done.jobId).state).toBe('pending');
    jobs.resume();
    await done;
    jobs.pause();
    const controller = new AbortController();
    const cancelled = quietly(jobs.submit('t', {}));
    const aborted = quietly(jobs.submit('t', {}, { signal: controller.signal }));
    expect([jobs.getQueueLength(), jobs.getActiveCount(), jobs.getJobs().length]).toEqual([2, 0, 2]);
    // The promise and the signal go through the override, too.
    await cancelled.cancel();
    controller.abort();
    await failureOf(aborted);
    expect(asked(jobs, 'cancel')).toEqual([[cancelled.jobId], [aborted.jobId]]);
    jobs.resume();
    jobs.clearCompleted();
    await jobs.drain();
    expect(asked(jobs, 'onIdle')).toHaveLength(1);
    expect(jobs.getStats().cancelled).toBe(2);
    const names = asked(jobs, 'emit').map(([name]) => name);
    expect(names).toEqual(['job:queued', 'job:started', 'job:completed', 'job:queued', 'job:queued']);
  });

  test('StreamHandler, every method overridden: a whole life', async () => {
    const Stream = noting(StreamHandler, STREAM_METHODS);
    const client = await startedEngine('runs-jobs-on-command.js');
    const jobs = new JobManager(client);
    const stream = new Stream();
    const detach = stream.attach(jobs);
    const job = jobs.submit('t', {
      behind: [
        ['progress', 1],
        ['log', 2],
        ['result', 3],
      ],
    });
    const heard = [];
    for await (const { data } of createJobStream(stream, job.jobId)) heard.push(data);
    expect(heard).toEqual([1, 3]);
    stream.createProgressTracker('by hand').complete(4);
    stream.subscribe('by hand', () => {});
    expect([stream.getSubscriptionCount('by hand'), stream.getActiveJobIds()]).toEqual([1, ['by hand']]);
    expect([stream.unsubscribeAll('by hand'), stream.getStats().subscriptions]).toEqual([1, 0]);
    detach();
    expect(asked(stream, 'dispatch').map(([{ type }]) => type)).toEqual([
      'progress',
      'log',
      'result',
      'progress',
      'result',
    ]);
    expect(asked(stream, 'emit').map(([name]) => name)).toEqual(
      ['progress', 'log', 'complete', 'progress', 'complete'].flatMap((name) => [name, 'event']),
    );
    expect(asked(stream, 'subscribe').map(([jobId]) => jobId)).toEqual([job.jobId, 'by hand']);
    expect(asked(stream, 'unsubscribe')).toEqual([['sub_1'], ['sub_2']]);
  });

  test('fields of a subclass in place of methods', async () => {
    class Wrapped extends EngineClient {
      sent = [];
      call = (method, params) => {
        this.sent.push(method);
        return EngineClient.prototype.call.call(this, method, params);
      };
    }
    const client = await startedEngine('runs-jobs-on-command.js', { Client: Wrapped });
    await expect(new JobManager(client).submit('t', DONE)).resolves.toMatchObject({ data: 'done' });
    expect(client.sent).toEqual(['jobs.start']);
  });

  test('EngineError and Promise-like uses: a subclass keeps its prototype', () => {
    class Mine extends JobManager {
      hello() {
        return this.getQueueLength();
      }
    }
    const jobs = new Mine(new EngineClient({ enginePath: 'e' }));
    expect(jobs.hello()).toBe(0);
    expect(jobs).toBeInstanceOf(JobManager);
  });
});
