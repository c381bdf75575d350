import { clients } from '../clients/index.js';
import { busyShare, cost, perOperation } from '../measure.js';

const CONTESTANTS = ['ours', 'plain Node', 'tuned Node'];
const FIGURES = {
  throughput: { unit: 'events/s', better: 'more' },
  mainThread: { unit: 'µs of main thread each', better: 'less' },
  stall: { unit: 'ms longest stall', better: 'less' },
};

/** Resolves behind `count` events of the job. */
function arrived(client, count) {
  let left = count;
  return new Promise((resolve) => {
    const listener = () => {
      left -= 1;
      if (left > 0) return;
      client.removeListener('job:progress', listener);
      resolve();
    };
    client.on('job:progress', listener);
  });
}

async function heard(client, events, size) {
  const all = arrived(client, events);
  await client.call('flood', { events, jobId: 'job-0', size });
  await all;
}

const heardCase = (name, events, size) => ({
  name,
  contestants: CONTESTANTS,
  figures: FIGURES,
  async measure(contestant) {
    const client = await clients[contestant]();
    await heard(client, Math.ceil(events / 4), size);
    const spent = await cost(() => heard(client, events, size));
    await client.stop();
    return perOperation(spent, events);
  },
});

export default {
  name: 'events',
  cases: [
    heardCase('small events, one listener', 400_000, 0),
    heardCase('events of 1 KB, one listener', 100_000, 950),
    {
      name: 'events that nobody hears',
      contestants: CONTESTANTS,
      figures: { ...FIGURES, busy: { unit: '% of the time busy', better: 'less' } },
      async measure(contestant) {
        const client = await clients[contestant]();
        const events = 1_000_000;
        const flood = async (count) => {
          await client.call('flood', { events: count, jobId: 'job-0', size: 0 });
          // Answered behind the flood's last event.
          await client.call('echo', {});
        };
        await flood(events / 4);
        const spent = await cost(() => flood(events));
        const busy = await busyShare(() => flood(4 * events));
        await client.stop();
        return { ...perOperation(spent, events), busy: 100 * busy };
      },
    },
    {
      name: 'subscribed jobs',
      contestants: CONTESTANTS,
      sizes: [1, 10, 100, 1_000, 10_000],
      figures: { mainThread: FIGURES.mainThread },
      async measure(contestant, size) {
        const client = await clients[contestant]();
        const events = 200_000;
        let left = 0;
        let done = () => {};
        for (let index = 0; index < size; index += 1) {
          client.onJobEvent(`job-${index}`, () => {
            left -= 1;
            if (left === 0) done();
          });
        }
        const flood = async (count) => {
          left = count;
          const all = new Promise((resolve) => (done = resolve));
          await client.call('flood', { events: count, jobId: `job-${size - 1}`, size: 0 });
          await all;
        };
        await flood(events / 4);
        const spent = await cost(() => flood(events));
        await client.stop();
        return perOperation(spent, events);
      },
    },
  ],
};
