import { describe, expect, onTestFinished, test, vi } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { ENGINES, managed } from '../support/job-engines.js';

const { EngineClient, JobManager } = runtime;
const NATIVE = ENGINES[0];
consoleErrors();

const DONE = { behind: [['result', 'done']] };

/** Replaces a method of an object by one that notes its arguments and forwards; gives the notes. */
function noting(object, name) {
  const notes = [];
  const method = object[name];
  object[name] = function forward(...args) {
    notes.push(args);
    return method.apply(this, args);
  };
  return notes;
}

describe('the fast path is used while none of call, isReady, onJobEvent, emit is overridden or patched', () => {
  test.each(['call', 'isReady', 'onJobEvent', 'emit'])('a %s patched on the object is used', async (name) => {
    const { client, jobs } = await managed(NATIVE);
    const notes = noting(client, name);
    await expect(jobs.submit('t', DONE)).resolves.toEqual({ success: true, data: 'done' });
    expect(notes.length).toBeGreaterThan(0);
    if (name === 'call') expect(notes[0]).toEqual(['jobs.start', { type: 't', payload: DONE, priority: 'normal' }]);
    if (name === 'emit') expect(notes.map(([event]) => event)).toEqual(['job:complete']);
    if (name === 'onJobEvent') expect(notes).toEqual([['e1', expect.any(Function)]]);
  });

  test.each(['call', 'isReady', 'onJobEvent', 'emit'])('a %s of a subclass is used', async (name) => {
    const notes = [];
    class Noting extends EngineClient {}
    Object.defineProperty(Noting.prototype, name, {
      value(...args) {
        notes.push(args);
        return EngineClient.prototype[name].apply(this, args);
      },
    });
    const client = await startedEngine('runs-jobs-on-command.js', { Client: Noting });
    notes.length = 0;
    await expect(new JobManager(client).submit('t', DONE)).resolves.toEqual({ success: true, data: 'done' });
    expect(notes.length).toBeGreaterThan(0);
  });

  test.each(['call', 'isReady', 'onJobEvent'])('a %s patched on EngineClient.prototype is used', async (name) => {
    const { jobs } = await managed(NATIVE);
    const spy = vi.spyOn(EngineClient.prototype, name);
    onTestFinished(() => spy.mockRestore());
    await jobs.submit('t', DONE);
    expect(spy).toHaveBeenCalled();
  });

  test('otherwise no JavaScript method of the engine is visited', async () => {
    class Watched extends EngineClient {
      get watched() {
        return true;
      }
    }
    const client = await startedEngine('runs-jobs-on-command.js', { Client: Watched });
    const jobs = new JobManager(client);
    const heard = [];
    client.on('ready', () => heard.push('ready'));
    await expect(jobs.submit('t', DONE)).resolves.toEqual({ success: true, data: 'done' });
    expect(heard).toEqual([]);
    // The payload is read inside submit: that is the fast path.
    const payload = { n: 1, ...DONE };
    jobs.pause();
    const promise = jobs.submit('t', payload);
    payload.n = 2;
    jobs.resume();
    await promise;
    const sent = (await client.call('asked')).map(([, params]) => params.payload);
    expect(sent[1].n).toBe(1);
  });

  test('an override that answers itself replaces the engine', async () => {
    class Offline extends EngineClient {
      isReady() {
        return true;
      }
      call(method) {
        setImmediate(() => {
          this.emit('job:complete', { type: 'result', jobId: 'mine', timestamp: 1, data: method });
        });
        return Promise.resolve({ jobId: 'mine' });
      }
    }
    const jobs = new JobManager(new Offline({ enginePath: 'nothing' }));
    await expect(jobs.submit('t', {})).resolves.toEqual({ success: true, data: 'jobs.start' });
  });

  test('a subclass whose isReady is false keeps jobs waiting', async () => {
    class Gated extends EngineClient {
      open = false;
      isReady() {
        return this.open && super.isReady();
      }
    }
    const client = await startedEngine('runs-jobs-on-command.js', { Client: Gated });
    const jobs = new JobManager(client);
    const promise = jobs.submit('t', DONE);
    expect(jobs.getActiveCount()).toBe(0);
    client.open = true;
    await expect(promise).resolves.toEqual({ success: true, data: 'done' });
  });
});

describe('asked anew at every submit; a job stays on the path it was submitted on', () => {
  test('patched between two submits', async () => {
    const { client, jobs, submit, say, inState } = await managed(NATIVE);
    const native = submit('native', { id: 'n', cancel: { code: 1, message: 'no' } });
    const notes = noting(client, 'call');
    const script = submit('script', { id: 's', cancel: { code: 1, message: 'no' } });
    await inState(native.jobId, 'running');
    await inState(script.jobId, 'running');
    await jobs.cancel(native.jobId);
    await jobs.cancel(script.jobId);
    const about = notes
      .filter(([method]) => method.startsWith('jobs.'))
      .map(([method, params]) => [method, params.jobId]);
    expect(about).toEqual([
      ['jobs.start', undefined],
      ['jobs.cancel', 's'],
    ]);
    await say(['result', 's', 'of script'], ['result', 'n', 'of native']);
    expect((await Promise.all([native, script])).map(({ data }) => data)).toEqual(['of native', 'of script']);
  });

  test('patched while a job waits: it starts on its own path, with the payload of its submit', async () => {
    const { client, submit, say } = await managed(NATIVE, { concurrency: 1 });
    const first = submit('t', { id: 'e' });
    const payload = { ...DONE, pages: 1 };
    const waiting = submit('t', payload);
    payload.pages = 2;
    const notes = noting(client, 'call');
    const script = submit('t', DONE);
    await say(['result', 'e', 1]);
    await Promise.all([first, waiting, script]);
    const started = notes.filter(([method]) => method === 'jobs.start').map(([, params]) => params.payload);
    expect(started).toEqual([DONE]);
    const sent = (await client.call('asked')).map(([, params]) => params.payload);
    expect(sent.map(({ pages }) => pages)).toEqual([undefined, 1, undefined]);
  });

  test('unpatched while a job waits: its own object is handed over; the next takes the fast path', async () => {
    const { client, submit, say } = await managed(NATIVE, { concurrency: 1 });
    const notes = noting(client, 'call');
    const first = submit('t', { id: 'e' });
    const payload = { ...DONE, pages: 1 };
    const waiting = submit('t', payload);
    payload.pages = 2;
    delete client.call;
    const native = submit('t', { ...DONE, last: true });
    await say(['result', 'e', 1]);
    await Promise.all([first, waiting, native]);
    expect(notes.filter(([method]) => method === 'jobs.start')).toHaveLength(1);
    const sent = (await client.call('asked')).map(([, params]) => params.payload);
    expect(sent).toEqual([{ id: 'e' }, { ...DONE, pages: 2 }, { ...DONE, last: true }]);
  });

  test('both paths share one queue: priorities, slots and order', async () => {
    const { client, submit, say, asked } = await managed(NATIVE, { concurrency: 1 });
    const first = submit('gate', { id: 'gate' });
    const jobs = [];
    for (const [n, priority] of ['low', 'normal', 'high', 'low', 'normal', 'high'].entries()) {
      if (n % 2 === 1) noting(client, 'call');
      jobs.push(submit(`${n}`, { n, ...DONE }, { priority }));
      delete client.call;
    }
    await say(['result', 'gate', 1]);
    await Promise.all([first, ...jobs]);
    expect((await asked('jobs.start')).map(({ type }) => type)).toEqual(['gate', '2', '5', '1', '4', '0', '3']);
  });

  test('two managers over one engine, one on each path', async () => {
    const { client, jobs } = await managed(NATIVE);
    const native = jobs.submit('t', { id: 'a' });
    noting(client, 'call');
    const other = new JobManager(client);
    const script = other.submit('t', { id: 'b' });
    await client.call('say', { events: [] });
    await eventually(() => other.getStatus(script.jobId).state === 'running', 'the other’s start');
    await client.call('say', {
      events: [
        ['result', 'b', 'b'],
        ['result', 'a', 'a'],
      ],
    });
    expect([(await native).data, (await script).data]).toEqual(['a', 'b']);
  });
});

test('a patched call is not asked while the engine is down, and is when it is up', async () => {
  const { client, jobs } = await managed(NATIVE);
  const notes = noting(client, 'call');
  await client.stop();
  const promise = jobs.submit('t', DONE);
  expect(notes).toEqual([]);
  await client.start();
  await expect(promise).resolves.toEqual({ success: true, data: 'done' });
  expect(notes.map(([method]) => method)).toEqual(['jobs.start']);
});
