import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { startedEngine } from '../support/engines.js';
import { eventually } from '../support/eventually.js';

describe('an override of `dispatch` is honoured, also one that comes after `attach`', () => {
  async function attached(Handler = runtime.StreamHandler) {
    const client = await startedEngine('runs-jobs.js');
    const manager = new runtime.JobManager(client);
    const stream = new Handler();
    stream.attach(manager);
    return { manager, stream };
  }

  const seenBy = async ({ manager }, seen) => {
    await manager.submit('echo', { n: 1 });
    await eventually(() => seen.length === 2, 'the events of a job that nobody subscribed to');
    expect(seen.map(({ type }) => type)).toEqual(['progress', 'result']);
  };

  test('on the object', async () => {
    const it = await attached();
    const seen = [];
    it.stream.dispatch = (event) => seen.push(event);
    await seenBy(it, seen);
  });

  test('on the object of a subclass, which calls the class’s own', async () => {
    const it = await attached(class extends runtime.StreamHandler {});
    const { dispatch } = it.stream;
    const [seen, heard] = [[], []];
    it.stream.dispatch = function (event) {
      seen.push(event);
      return dispatch.call(this, event);
    };
    it.stream.on('complete', (event) => heard.push(event.type));
    await seenBy(it, seen);
    expect(heard).toEqual(['result']);
  });

  test('one that was taken away again costs nothing', async () => {
    const it = await attached();
    const seen = [];
    it.stream.dispatch = (event) => seen.push(event);
    it.stream.dispatch = runtime.StreamHandler.prototype.dispatch;
    it.stream.subscribe('other', () => {});
    await it.manager.submit('echo', { n: 1 });
    expect(seen).toEqual([]);
  });
});

describe('engine job ids are unique only within one run: an engine that is not ours', () => {
  class Engine extends EventEmitter {
    constructor() {
      super();
      this.handlers = new Map();
    }
    onJobEvent(jobId, handler) {
      this.handlers.set(jobId, handler);
      return () => this.handlers.delete(jobId);
    }
    tell(event) {
      this.emit('job:progress', { type: 'job:progress', timestamp: 1, data: event });
      const handler = this.handlers.get(event.jobId);
      if (handler) handler(event);
    }
  }
  const progress = (percent) => ({ type: 'progress', jobId: 'job-1', timestamp: 1, data: { percent } });

  test('a job of the next run does not replay one of the run before', async () => {
    const engine = new Engine();
    const stream = new runtime.StreamHandler();
    stream.attach(engine);
    for (const percent of [1, 2]) engine.tell(progress(percent));
    engine.emit('exit', { type: 'exit', timestamp: 1, data: { code: 1, signal: null } });
    engine.tell(progress(3));
    const replayed = [];
    stream.subscribe('job-1', ({ data }) => replayed.push(data.percent), undefined, { replay: true });
    await new Promise((resolve) => setImmediate(resolve));
    engine.tell(progress(4));
    expect(replayed).toEqual([3, 4]);
  });

  test('until then all of it is replayed, and the app’s own events stay', async () => {
    const engine = new Engine();
    const stream = new runtime.StreamHandler();
    stream.attach(engine);
    stream.dispatch(progress(0));
    engine.tell(progress(1));
    engine.emit('exit', { type: 'exit', timestamp: 1, data: { code: 1, signal: null } });
    const replayed = [];
    stream.subscribe('job-1', ({ data }) => replayed.push(data.percent), undefined, { replay: true });
    await new Promise((resolve) => setImmediate(resolve));
    expect(replayed).toEqual([0, 1]);
  });

  test('what is detached hears no exit', () => {
    const engine = new Engine();
    const stream = new runtime.StreamHandler();
    const detach = stream.attach(engine);
    expect(engine.listenerCount('exit')).toBe(1);
    detach();
    expect(engine.eventNames()).toEqual([]);
  });
});
