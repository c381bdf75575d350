import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { cpuTime } from '../support/cpu-time.js';
import { startedEngine } from '../support/engines.js';
import { settled } from '../support/engine-doubles.js';
import { eventually } from '../support/eventually.js';
import { quietly } from '../support/job-engines.js';

const { EngineClient, JobManager, StreamHandler } = runtime;
const lines = consoleErrors();

const COUNT = 12_000;
const KINDS = ['partial', 'progress', 'log', 'made-up'];
const ALL = ['data', 'progress', 'log', 'partial', 'complete', 'error'];

class Forwarding extends EngineClient {
  onJobEvent(...args) {
    return super.onJobEvent(...args);
  }
  call(...args) {
    return super.call(...args);
  }
}

function flood(from, to) {
  let text = '';
  for (let n = from; n <= to; n += 1) text += `{"type":"${KINDS[n % 4]}","jobId":"e","timestamp":1,"data":${n}}\n`;
  return text;
}

/** A generator of numbers below `limit`, the same in every run. */
function numbers(seed) {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % limit;
  };
}

/** Things that come and go, at random; what they hear does not matter, but that nobody else hears less or more of it. */
function comings(stream, source, client, jobId, below) {
  const kept = [];
  const begin = [
    () => stream.attach(source),
    () => {
      const id = stream.subscribe(jobId, () => {}, [ALL[below(6)]], { replay: below(2) === 0 });
      return () => stream.unsubscribe(id);
    },
    () => {
      const name = ['event', ...ALL][below(7)];
      const listener = () => {};
      stream.on(name, listener);
      return () => stream.off(name, listener);
    },
    () => client.onJobEvent('e', () => {}),
    () => {
      const listener = () => {};
      client.on('job:progress', listener);
      return () => client.off('job:progress', listener);
    },
    () => {
      const other = new StreamHandler();
      other.on('event', () => {});
      other.subscribe(jobId, () => {}, undefined, { replay: true });
      return other.attach(source);
    },
    () => {
      const id = stream.subscribe('another job', () => {});
      return () => stream.unsubscribe(id);
    },
  ];
  return {
    step() {
      if (kept.length > 5 || (kept.length > 0 && below(2) === 0)) kept.splice(below(kept.length), 1)[0]();
      else kept.push(begin[below(begin.length)]());
    },
    end: () => kept.splice(0).forEach((leave) => leave()),
  };
}

const SOURCES = {
  'an engine': [EngineClient, (client) => client, 'e'],
  'an engine with overrides': [Forwarding, (client) => client, 'e'],
  'a manager': [EngineClient, (client) => new JobManager(client), 'mine'],
  'a manager on the other path': [Forwarding, (client) => new JobManager(client), 'mine'],
};

describe.each(Object.keys(SOURCES))(
  'while others come and go on %s, in every way and in the middle of batches',
  (name) => {
    test.each([1, 2])('who stays hears each event once, in order (%i)', async (seed) => {
      const [Client, sourceOf, jobId] = SOURCES[name];
      const client = await startedEngine('writes-raw-job-events.js', { Client });
      const source = sourceOf(client);
      if (source instanceof JobManager) {
        quietly(source.submit('t', { id: '"e"' }, { id: 'mine' }));
        await eventually(() => source.getStatus('mine').state === 'running');
      }
      const below = numbers(seed);
      const stream = new StreamHandler();
      stream.attach(source);
      const others = comings(stream, source, client, jobId, below);
      const heard = { all: [], partials: [], listener: [] };
      stream.subscribe(
        jobId,
        ({ data }) => {
          heard.all.push(data);
          if (data % 7 === 0) others.step();
        },
        ALL,
      );
      stream.subscribe(jobId, ({ data }) => heard.partials.push(data), ['partial']);
      const second = new StreamHandler();
      second.attach(source);
      second.on('event', ({ data }) => heard.listener.push(data));
      let over = false;
      const said = client.call('print', { stdout: flood(1, COUNT) }).then(() => (over = true));
      while (!over) {
        others.step();
        await settled();
      }
      await said;
      others.end();
      const expected = Array.from({ length: COUNT }, (_, n) => n + 1);
      expectSame(heard.all, expected);
      expectSame(heard.listener, expected);
      expectSame(
        heard.partials,
        expected.filter((n) => n % 4 === 0),
      );
      expect(stream.getStats()).toMatchObject({ subscriptions: 2, jobs: 1 });
      expect(lines).toEqual([]);
    });
  },
);

/** As `toEqual`, with a difference that can be read. */
function expectSame(got, expected) {
  const at = expected.findIndex((each, n) => got[n] !== each);
  if (at >= 0) expect.fail(`at ${at}: ${got.slice(at, at + 4)} in place of ${expected.slice(at, at + 4)}`);
  expect(got).toHaveLength(expected.length);
}

test('20 000 subscriptions of as many jobs, and 5000 of one, come and go on an attached engine in no time', async () => {
  const client = await startedEngine('writes-raw-job-events.js');
  const stream = new StreamHandler();
  stream.attach(client);
  stream.attach(new JobManager(client));
  const began = cpuTime();
  const ids = Array.from({ length: 20_000 }, (_, n) => stream.subscribe(`job-${n}`, () => {}));
  for (let n = 0; n < 5000; n += 1) ids.push(stream.subscribe('one', () => {}, [ALL[n % 6]]));
  ids.forEach((id) => stream.unsubscribe(id));
  expect(cpuTime() - began).toBeLessThan(5000);
  expect(stream.getStats().subscriptions).toBe(0);
});
