import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { settled } from '../support/engine-doubles.js';
import { managed, ENGINES } from '../support/job-engines.js';

const { createJobStream, ProgressTracker, StreamHandler } = runtime;
const lines = consoleErrors();

const ALL = ['data', 'progress', 'log', 'partial', 'complete', 'error'];
const METHODS = [
  ...['subscribe', 'unsubscribe', 'unsubscribeAll', 'dispatch', 'createProgressTracker', 'getSubscriptionCount'],
  ...['getActiveJobIds', 'attach', 'getStats'],
];
const event = (type, jobId = 'j', data = {}) => ({ type, jobId, timestamp: 7, data });
const tell = (client, ...events) =>
  client.call('print', { stdout: events.map((each) => `${JSON.stringify(each)}\n`).join('') });

/** A StreamHandler that notes the calls of all its public methods, and of `emit`, and forwards them. */
class Noting extends StreamHandler {
  notes = [];
}
for (const name of [...METHODS, 'emit']) {
  Noting.prototype[name] = function forward(...args) {
    if (this.notes) this.notes.push([name, ...args]);
    return StreamHandler.prototype[name].apply(this, args);
  };
}
const noted = (stream, name) => stream.notes.filter(([each]) => each === name).map(([, ...args]) => args);

test('the public methods are those of the contract', () => {
  const own = (Class) =>
    Object.getOwnPropertyNames(Class.prototype)
      .filter((name) => !['constructor', 'emit'].includes(name))
      .sort();
  expect(own(StreamHandler)).toEqual([...METHODS].sort());
  expect(own(ProgressTracker)).toEqual(
    [
      ...['setProgress', 'incrementProgress', 'log', 'emitPartial', 'complete', 'error'],
      ...['getElapsedTime', 'getCurrentProgress', 'getStats'],
    ].sort(),
  );
});

describe('an override of any public method of StreamHandler is honoured by the others', () => {
  test('all overridden and forwarding: a whole life with an engine, a tracker and a job stream', async () => {
    const client = await startedEngine('does-as-told.js');
    const stream = new Noting();
    const detach = stream.attach(client);
    const jobStream = createJobStream(stream, 'j');
    stream.createProgressTracker('j').setProgress(5);
    await tell(client, event('partial'), event('result'));
    const types = [];
    for await (const { type } of jobStream) types.push(type);
    detach();
    expect(types).toEqual(['progress', 'partial', 'result']);
    expect(noted(stream, 'subscribe').map(([jobId]) => jobId)).toEqual(['j']);
    expect(noted(stream, 'unsubscribe')).toEqual([[expect.stringMatching(/^sub_\d+$/)]]);
    expect(noted(stream, 'dispatch').map(([{ type }]) => type)).toEqual(types);
    expect(noted(stream, 'emit').map(([name]) => name)).toEqual([
      'progress',
      'event',
      'partial',
      'event',
      'complete',
      'event',
    ]);
    expect(lines).toEqual([]);
  });

  test('`dispatch`: what comes from an engine, a manager and a tracker goes through it, and may be changed there', async () => {
    class Stamping extends StreamHandler {
      dispatch(each) {
        super.dispatch({ ...each, stamped: true });
      }
    }
    const { client, jobs, submit } = await managed(ENGINES[0]);
    const stream = new Stamping();
    stream.attach(client);
    stream.attach(jobs);
    const heard = [];
    const note = ({ type, stamped }) => heard.push([type, stamped]);
    stream.subscribe('of the engine', note);
    await client.call('say', { events: [['partial', 'of the engine', 1]] });
    const job = submit('t', { behind: [['result', 1]] });
    stream.subscribe(job.jobId, note);
    await job;
    stream.subscribe('tracked', note);
    stream.createProgressTracker('tracked').setProgress(1);
    expect(heard).toEqual([
      ['partial', true],
      ['result', true],
      ['progress', true],
    ]);
  });

  test('`dispatch` as a field, patched on the object, and one that swallows', async () => {
    const seen = [];
    class Field extends StreamHandler {
      dispatch = (each) => {
        seen.push(each.type);
        StreamHandler.prototype.dispatch.call(this, each);
      };
    }
    const client = await startedEngine('does-as-told.js');
    const [field, patched] = [new Field(), new StreamHandler()];
    patched.dispatch = (each) => seen.push(`patched ${each.type}`);
    const heard = [];
    for (const stream of [field, patched]) {
      stream.attach(client);
      stream.subscribe('j', ({ type }) => heard.push(type));
      stream.createProgressTracker('j').setProgress(1);
    }
    await tell(client, event('partial'));
    expect(seen).toEqual(['progress', 'patched progress', 'partial', 'patched partial']);
    expect(heard).toEqual(['progress', 'partial']);
  });

  test('`dispatch` that throws: logged, and the batch goes on', async () => {
    class Failing extends StreamHandler {
      dispatch(each) {
        super.dispatch(each);
        throw new Error('from dispatch');
      }
    }
    const client = await startedEngine('does-as-told.js');
    const stream = new Failing();
    stream.attach(client);
    const heard = [];
    stream.subscribe('j', ({ type }) => heard.push(type));
    await tell(client, event('progress'), event('result'));
    stream.createProgressTracker('j').setProgress(1);
    expect(heard).toEqual(['progress', 'result', 'progress']);
    expect(lines.filter((line) => line.includes('from dispatch'))).toHaveLength(3);
  });

  test.each([
    [
      'hands an event of its own over before each',
      (stream, each, pass) => {
        pass({ ...each, type: 'log', data: `before ${each.data}` });
        pass(each);
      },
    ],
    ['hands each over a turn later', (stream, each, pass) => void setImmediate(() => pass(each))],
    ['hands over a copy', (stream, each, pass) => pass({ ...each })],
    ['holds events back', (stream, each, pass) => each.data % 2 === 0 && pass(each)],
  ])('`dispatch` that %s: what is replayed holds no event twice, and all of the engine’s', async (_, act) => {
    class Own extends StreamHandler {
      dispatch(each) {
        act(this, each, (other) => super.dispatch(other));
      }
    }
    const client = await startedEngine('does-as-told.js');
    const stream = new Own();
    stream.attach(client);
    stream.subscribe('j', () => {});
    await tell(client, ...[1, 2, 3].map((n) => event('partial', 'j', n)));
    await settled();
    await settled();
    const heard = [];
    stream.subscribe('j', ({ data }) => heard.push(data), ALL, { replay: true });
    await settled();
    expect(heard.filter((data) => typeof data === 'number')).toEqual([1, 2, 3]);
    expect(heard).toEqual([...new Set(heard)]);
  });

  test('`emit`: called for the mapped type and for `event`, with the event; what it gives and throws changes nothing', async () => {
    const seen = [];
    class Own extends StreamHandler {
      emit(...args) {
        seen.push(args);
        if (args[0] === 'partial') throw new Error('from emit');
        return false;
      }
    }
    const client = await startedEngine('does-as-told.js');
    const stream = new Own();
    stream.attach(client);
    const heard = [];
    stream.subscribe('j', ({ type }) => heard.push(type));
    await tell(client, event('error'), event('partial'), event('result'));
    expect(heard).toEqual(['error', 'partial', 'result']);
    expect(seen.filter(([name]) => name !== 'event')).toEqual([
      ['error', event('error')],
      ['partial', event('partial')],
      ['complete', event('result')],
    ]);
  });

  test('`emit` overridden or patched is a listener to everything: the events of all jobs come', async () => {
    for (const patches of [false, true]) {
      const client = await startedEngine('does-as-told.js');
      const stream = patches ? new StreamHandler() : new Noting();
      stream.attach(client);
      const names = [];
      if (patches) stream.emit = (name) => names.push(name) > 0;
      await tell(client, event('log', 'nobody’s'));
      expect(patches ? names : noted(stream, 'emit').map(([name]) => name)).toEqual(['log', 'event']);
    }
  });

  test('`subscribe` and `unsubscribe` that rename the job', async () => {
    class Prefixing extends StreamHandler {
      subscribe(jobId, ...rest) {
        return `own ${super.subscribe(`app/${jobId}`, ...rest)}`;
      }
      unsubscribe(id) {
        return super.unsubscribe(id.slice(4));
      }
    }
    const stream = new Prefixing();
    const jobStream = createJobStream(stream, 'j');
    expect(stream.getActiveJobIds()).toEqual(['app/j']);
    stream.dispatch(event('result', 'app/j'));
    const got = [];
    for await (const each of jobStream) got.push(each.jobId);
    expect([got, stream.getActiveJobIds()]).toEqual([['app/j'], []]);
  });

  test('a `subscribe` that hands over the last event, or is aborted, before it gives the id', async () => {
    const controller = new AbortController();
    class Eager extends StreamHandler {
      subscribe(jobId, handler, ...rest) {
        const id = super.subscribe(jobId, handler, ...rest);
        if (jobId === 'ended') handler(event('result', jobId));
        else controller.abort();
        return id;
      }
    }
    const stream = new Eager();
    const got = [];
    for await (const { type } of createJobStream(stream, 'ended')) got.push(type);
    for await (const { type } of createJobStream(stream, 'aborted', { signal: controller.signal })) got.push(type);
    expect([got, stream.getActiveJobIds()]).toEqual([['result'], []]);
  }, 3000);

  test('an `unsubscribe` that throws: the loop ends all the same', async () => {
    class Failing extends StreamHandler {
      unsubscribe() {
        throw new Error('from unsubscribe');
      }
    }
    const stream = new Failing();
    const jobStream = createJobStream(stream, 'j');
    stream.dispatch(event('result'));
    const got = [];
    for await (const { type } of jobStream) got.push(type);
    const other = createJobStream(stream, 'j');
    expect(() => other.cancel()).not.toThrow();
    for await (const { type } of other) got.push(type);
    expect(got).toEqual(['result']);
  });

  test('any object with `subscribe` and `unsubscribe` serves a job stream', async () => {
    const asked = [];
    let give;
    const source = {
      subscribe: (jobId, handler, ...rest) => (asked.push([jobId, ...rest]), (give = handler), 'mine'),
      unsubscribe: (id) => asked.push(id) > 0,
    };
    const jobStream = createJobStream(source, 'j');
    give(event('result'));
    const got = [];
    for await (const { type } of jobStream) got.push(type);
    expect([got, asked[0][0], asked[asked.length - 1]]).toEqual([['result'], 'j', 'mine']);
  });
});

describe('an override of ProgressTracker is honoured', () => {
  class Own extends ProgressTracker {
    setProgress(percent, message) {
      super.setProgress(percent, `own ${message}`);
    }
  }

  test('`setProgress` by incrementProgress and complete', () => {
    const sent = [];
    const tracker = new Own('j', (each) => sent.push(each));
    tracker.incrementProgress(10, 'a');
    tracker.complete('done');
    expect(sent.map(({ type, data }) => [type, data])).toEqual([
      ['progress', { percent: 10, message: 'own a' }],
      ['progress', { percent: 100, message: expect.stringMatching(/^own/) }],
      ['result', 'done'],
    ]);
  });

  test('a `setProgress` that does nothing: complete still ends', () => {
    class Silent extends ProgressTracker {
      setProgress() {}
    }
    const sent = [];
    new Silent('j', ({ type }) => sent.push(type)).complete(1);
    expect(sent).toEqual(['result']);
  });
});
