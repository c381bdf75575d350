import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { busyUntil } from '../support/busy.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { settled } from '../support/engine-doubles.js';

const { EngineClient, JobManager, StreamHandler } = runtime;
consoleErrors();

const COUNT = 20_000;
const flood = (jobId, from, to) => {
  let text = '';
  for (let n = from; n <= to; n += 1) text += `{"type":"partial","jobId":"${jobId}","timestamp":1,"data":${n}}\n`;
  return text;
};

class Forwarding extends EngineClient {
  onJobEvent(...args) {
    return super.onJobEvent(...args);
  }
  call(...args) {
    return super.call(...args);
  }
}

/** Each number is one more than the one before it: none is missing, none came twice, none out of order. */
function expectUnbroken(numbers, what) {
  for (let n = 1; n < numbers.length; n += 1) {
    if (numbers[n] !== numbers[n - 1] + 1) {
      expect.fail(`${what}: ${numbers[n]} behind ${numbers[n - 1]}, at ${n} of ${numbers.length}`);
    }
  }
}

const SOURCES = {
  'an engine': async () => {
    const client = await startedEngine('writes-raw-job-events.js');
    return { client, source: client, jobId: 'e' };
  },
  'an engine that overrides onJobEvent': async () => {
    const client = await startedEngine('writes-raw-job-events.js', { Client: Forwarding });
    return { client, source: client, jobId: 'e' };
  },
  'a manager': async () => {
    const client = await startedEngine('writes-raw-job-events.js');
    const jobs = new JobManager(client);
    jobs.submit('t', { id: '"e"' }, { id: 'mine' }).catch(() => {});
    await settled();
    return { client, source: jobs, jobId: 'mine' };
  },
  'a manager on the other path': async () => {
    const client = await startedEngine('writes-raw-job-events.js', { Client: Forwarding });
    const jobs = new JobManager(client);
    jobs.submit('t', { id: '"e"' }, { id: 'mine' }).catch(() => {});
    await settled();
    return { client, source: jobs, jobId: 'mine' };
  },
};

describe.each(Object.keys(SOURCES))(
  'while %s floods, subscriptions with replay come and go: no gap, no duplicate',
  (name) => {
    test.each([
      ['a listener beside them', true],
      ['nobody beside them', false],
    ])('%s', async (_, listens) => {
      const { client, source, jobId } = await SOURCES[name]();
      const stream = new StreamHandler();
      stream.attach(source);
      if (name.includes('overrides')) stream.subscribe(jobId, () => {}); // such a one is heard while it is subscribed to
      await client.call('print', { stdout: flood('e', 1, 10) });
      const all = [];
      if (listens) stream.on('event', ({ data }) => all.push(data));
      const subscriptions = [];
      const begin = () => {
        const numbers = [];
        const id = stream.subscribe(jobId, ({ data }) => numbers.push(data), undefined, { replay: true });
        subscriptions.push({ id, numbers });
      };
      begin();
      let over = false;
      const said = client.call('print', { stdout: flood('e', 11, COUNT) }).then(() => (over = true));
      for (let turn = 0; !over; turn += 1) {
        begin();
        // Now and then the event loop is late, and much waits for it.
        if (turn % 5 === 0) await busyUntil(busyFor(3));
        if (turn % 3 === 0) stream.unsubscribe(subscriptions[turn + 1].id);
        await settled();
      }
      await said;
      begin();
      await settled();
      subscriptions.forEach(({ numbers }, n) => expectUnbroken(numbers, `subscription ${n}`));
      if (listens) expectUnbroken(all, 'the listener');
      expect(subscriptions[0].numbers.slice(0, 1)).toEqual([1]);
      const last = subscriptions[subscriptions.length - 1].numbers;
      expect([last.length, last[0], last[last.length - 1]]).toEqual([64, COUNT - 63, COUNT]);
      expect(subscriptions.length).toBeGreaterThan(3);
    });

    test('subscribed with replay while what is kept waits for JavaScript as well', async () => {
      const { client, source, jobId } = await SOURCES[name]();
      const stream = new StreamHandler();
      const detach = stream.attach(source);
      const early = [];
      stream.subscribe(jobId, ({ data }) => early.push(data));
      const { received } = client.getStats();
      const said = client.call('print', { stdout: flood('e', 1, 40) });
      await busyUntil(() => client.getStats().received >= received + 41, 'the events and the answer');
      expect(early).toEqual([]);
      const late = [];
      stream.subscribe(jobId, ({ data }) => late.push(data), undefined, { replay: true });
      await said;
      await settled();
      expectUnbroken(late, 'the late one');
      expect([late.length, early.length]).toEqual([40, 40]);
      detach();
    });
  },
);

function busyFor(ms) {
  const end = performance.now() + ms;
  return () => performance.now() > end;
}
