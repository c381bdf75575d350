import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';

const lines = consoleErrors();

const jobEvent = (type, jobId, data = {}) => ({ type, jobId, timestamp: 7, data });

/** Makes the engine write these, and waits until they are here. */
async function tell(client, ...events) {
  const stdout = events.map((event) => `${typeof event === 'string' ? event : JSON.stringify(event)}\n`).join('');
  await client.call('print', { stdout });
}

describe('`onJobEvent(jobId, handler)`', () => {
  test('*fixed:* the handler fires, and gets the plain `JobEvent`, of every type, in wire order', async () => {
    const client = await startedEngine('does-as-told.js');
    const heard = [];
    client.onJobEvent('j', (...args) => heard.push(args));
    const events = ['progress', 'log', 'partial', 'made-up', 'result', 'error', 'progress'].map((type) =>
      jobEvent(type, 'j', { percent: 5, message: 'ü' }),
    );
    await tell(client, ...events);
    expect(heard).toEqual(events.map((event) => [event]));
  });

  test('only its own job’s', async () => {
    const client = await startedEngine('does-as-told.js');
    const heard = [];
    client.onJobEvent('a', () => heard.push('a'));
    client.onJobEvent('b', () => heard.push('b'));
    await tell(
      client,
      jobEvent('progress', 'b'),
      jobEvent('progress', 'c'),
      jobEvent('result', 'a'),
      jobEvent('result', ''),
    );
    expect(heard).toEqual(['b', 'a']);
  });

  test('gives an unsubscribe function, which may be called twice and leaves the others', async () => {
    const client = await startedEngine('does-as-told.js');
    const heard = [];
    const handler = () => heard.push('same');
    const first = client.onJobEvent('j', handler);
    client.onJobEvent('j', handler);
    await tell(client, jobEvent('progress', 'j'));
    expect(heard).toHaveLength(2);
    first();
    first();
    await tell(client, jobEvent('progress', 'j'));
    expect(heard).toHaveLength(3);
  });

  test('after the last unsubscribing nothing comes, and a new subscription works', async () => {
    const client = await startedEngine('does-as-told.js');
    const heard = [];
    client.onJobEvent('j', () => heard.push('first'))();
    await tell(client, jobEvent('progress', 'j'));
    expect(heard).toEqual([]);
    client.onJobEvent('j', () => heard.push('second'));
    await tell(client, jobEvent('progress', 'j'));
    expect(heard).toEqual(['second']);
  });

  test('a handler may unsubscribe itself and subscribe others while it runs', async () => {
    const client = await startedEngine('does-as-told.js');
    const heard = [];
    const off = client.onJobEvent('j', () => {
      heard.push('once');
      off();
      client.onJobEvent('j', () => heard.push('new'));
    });
    client.onJobEvent('j', () => heard.push('always'));
    await tell(client, jobEvent('progress', 'j'));
    expect(heard).toEqual(['once', 'always']);
    await tell(client, jobEvent('progress', 'j'));
    expect(heard).toEqual(['once', 'always', 'always', 'new']);
  });

  test('a handler that throws is logged and changes nothing else', async () => {
    const client = await startedEngine('does-as-told.js');
    const heard = [];
    client.onJobEvent('j', () => {
      throw new Error('from a handler');
    });
    client.onJobEvent('j', ({ type }) => heard.push(type));
    await tell(client, jobEvent('progress', 'j'), jobEvent('result', 'j'));
    expect(heard).toEqual(['progress', 'result']);
    expect(lines.filter((line) => line.includes('from a handler'))).toHaveLength(2);
  });

  test('subscribed before `start()`, it survives restarts', async () => {
    const client = engine('does-as-told.js', { restartDelay: 0 });
    const heard = [];
    client.onJobEvent('j', ({ data }) => heard.push(data));
    await client.start();
    await tell(client, jobEvent('result', 'j', 1));
    const restarted = next(client, 'restart');
    client.call('exit', {}).catch(() => {});
    await restarted;
    await tell(client, jobEvent('result', 'j', 2));
    expect(heard).toEqual([1, 2]);
  });

  test('engine ids are compared as JSON values: `1` is not `"1"`, and spelling does not count', async () => {
    const client = await startedEngine('does-as-told.js');
    const heard = [];
    for (const id of [1, '1', 'job/é', null, true]) client.onJobEvent(id, ({ jobId }) => heard.push([id, jobId]));
    const raw = (id) => `{"type":"progress","jobId":${id},"timestamp":1,"data":{}}`;
    await tell(
      client,
      raw('1'),
      raw('"1"'),
      raw('1.0'),
      raw('10e-1'),
      raw('"\\u0031"'),
      raw('"job\\/\\u00e9"'),
      raw('2'),
    );
    expect(heard).toEqual([
      [1, 1],
      ['1', '1'],
      [1, 1],
      [1, 1],
      ['1', '1'],
      ['job/é', 'job/é'],
    ]);
  });

  test('what is no handler is refused by name', () => {
    const client = new runtime.EngineClient({ enginePath: 'e' });
    expect(() => client.onJobEvent('j')).toThrow(/^EngineClient\.onJobEvent: handler takes a function; got undefined/);
  });
});

describe('the events', () => {
  test.each([
    ['job:progress', ['progress', 'log', 'partial', 'made-up']],
    ['job:complete', ['result']],
    ['job:error', ['error']],
  ])('`%s`: the `JobEvent` of types %s', async (name, types) => {
    const client = await startedEngine('does-as-told.js');
    const all = ['job:progress', 'job:complete', 'job:error'].map((each) => collect(client, each));
    const events = types.map((type) => jobEvent(type, 'j', { a: [1] }));
    await tell(client, ...events);
    const heard = all.flat();
    expect(heard).toEqual(events.map((data) => ({ type: name, timestamp: expect.any(Number), data })));
  });
});

class Forwarding extends runtime.EngineClient {
  emit(name, ...args) {
    this.forwarded = (this.forwarded || []).concat(name);
    return super.emit(name, ...args);
  }
}

describe('what an app itself emits on the engine reaches `onJobEvent` handlers and managers like the engine’s own, once', () => {
  const classes = [
    ['EngineClient', runtime.EngineClient],
    ['a subclass that overrides `emit` and forwards', Forwarding],
  ];
  const emitted = [
    ['as envelope', (name, event) => ({ type: name, timestamp: 1, data: event })],
    ['as bare `JobEvent`', (name, event) => event],
  ];
  const cases = classes.flatMap(([what, Client]) => emitted.map(([how, wrap]) => [what, how, Client, wrap]));

  test.each(cases)('%s, %s', async (_, __, Client, wrap) => {
    const client = await startedEngine('starts-jobs-and-falls-silent.js', { Client });
    const manager = new runtime.JobManager(client);
    const [progress, completed, heard, listened] = [
      collect(manager, 'job:progress'),
      collect(manager, 'job:completed'),
      [],
      [],
    ];
    client.onJobEvent('first', (event) => heard.push(event));
    client.on('job:complete', (event) => listened.push(event));
    const [first, second] = [manager.submit('first', {}), manager.submit('second', {})];
    await eventually(
      () => ['first', 'second'].every((_, index) => manager.getJobs()[index]?.state === 'running'),
      'two jobs',
    );

    const events = [jobEvent('progress', 'first', { percent: 40 }), jobEvent('result', 'first', { a: 1 })];
    const names = ['job:progress', 'job:complete'];
    const wrapped = events.map((event, index) => wrap(names[index], event));
    wrapped.forEach((event, index) => client.emit(names[index], event));
    client.emit('job:error', wrap('job:error', jobEvent('error', 'second', 'it broke')));

    await expect(first).resolves.toEqual({ success: true, data: { a: 1 } });
    await expect(second).rejects.toThrow(/^it broke$/);
    expect(heard).toEqual(events);
    expect(listened).toEqual([wrapped[1]]);
    expect(progress).toHaveLength(1);
    expect(completed).toHaveLength(2);
  });

  test.each(classes)('%s: the engine’s own come once too', async (_, Client) => {
    const client = await startedEngine('does-as-told.js', { Client });
    const heard = [];
    client.onJobEvent('j', ({ type }) => heard.push(type));
    client.on('job:complete', ({ type }) => heard.push(type));
    await tell(client, jobEvent('progress', 'j'), jobEvent('result', 'j'));
    expect(heard).toEqual(['progress', 'job:complete', 'result']);
  });

  test('other values under those names reach listeners, and no handler', async () => {
    const client = await startedEngine('does-as-told.js');
    const heard = collect(client, 'job:complete');
    client.onJobEvent('j', () => heard.push('handler'));
    for (const value of [undefined, null, 'text', 5, {}, { data: null }, { data: 'text' }]) {
      expect(client.emit('job:complete', value)).toBe(true);
    }
    expect(heard).toHaveLength(7);
    await expect(client.call('echo')).resolves.toBeNull();
  });

  test('… nor does one that JSON cannot hold do harm', async () => {
    const client = await startedEngine('does-as-told.js');
    const event = jobEvent('result', 'j');
    event.data.self = event.data;
    const heard = [];
    client.onJobEvent('j', (each) => heard.push(each));
    client.emit('job:complete', event);
    expect(heard).toEqual([event]);
  });
});
