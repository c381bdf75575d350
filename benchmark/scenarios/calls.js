import { performance } from 'perf_hooks';
import { clients } from '../clients/index.js';
import { cost, inFlight, percentile, perOperation, residentBytes } from '../measure.js';

const PARAMS = { path: 'scan-0001.png', page: 1, languages: ['deu', 'eng'] };
const WARM_UP = 20_000;
const MAIN_THREAD = { unit: 'µs of main thread each', better: 'less' };
const THROUGHPUT = { unit: 'calls/s', better: 'more' };

const manyAtOnce = (atOnce) => ({
  name: `calls, ${atOnce} in flight`,
  contestants: Object.keys(clients),
  figures: { mainThread: MAIN_THREAD, throughput: THROUGHPUT },
  async measure(contestant) {
    const client = await clients[contestant]();
    const count = 80_000;
    const call = () => client.call('echo', PARAMS);
    await inFlight(WARM_UP, atOnce, call);
    const spent = await cost(() => inFlight(count, atOnce, call));
    await client.stop();
    return perOperation(spent, count);
  },
});

export default {
  name: 'calls',
  cases: [
    {
      name: 'calls, one after another',
      contestants: Object.keys(clients),
      figures: {
        p50: { unit: 'µs p50', better: 'less' },
        p99: { unit: 'µs p99', better: 'less' },
        mainThread: MAIN_THREAD,
      },
      async measure(contestant) {
        const client = await clients[contestant]();
        const latencies = new Float64Array(8_000);
        await inFlight(WARM_UP / 4, 1, () => client.call('echo', PARAMS));
        const spent = await cost(async () => {
          for (let index = 0; index < latencies.length; index += 1) {
            const start = performance.now();
            await client.call('echo', PARAMS);
            latencies[index] = performance.now() - start;
          }
        });
        await client.stop();
        const { mainThread } = perOperation(spent, latencies.length);
        return { p50: percentile(latencies, 0.5) * 1000, p99: percentile(latencies, 0.99) * 1000, mainThread };
      },
    },
    manyAtOnce(64),
    manyAtOnce(512),
    {
      name: 'pending calls',
      contestants: ['ours', 'plain Node', 'tuned Node'],
      sizes: [10, 100, 1_000, 10_000, 100_000],
      figures: { mainThread: MAIN_THREAD },
      async measure(contestant, size) {
        const client = await clients[contestant]();
        const rounds = Math.ceil(50_000 / size);
        const all = () => Promise.all(Array.from({ length: size }, () => client.call('echo', PARAMS)));
        for (let round = 0; round < Math.ceil(rounds / 4); round += 1) await all();
        const spent = await cost(async () => {
          for (let round = 0; round < rounds; round += 1) await all();
        });
        await client.stop();
        return perOperation(spent, rounds * size);
      },
    },
    {
      name: 'memory of 100 000 pending calls',
      contestants: ['ours', 'plain Node', 'tuned Node'],
      figures: { resident: { unit: 'bytes resident each', better: 'less' } },
      async measure(contestant) {
        const count = 100_000;
        const client = await clients[contestant]();
        await inFlight(WARM_UP, 512, () => client.call('echo', PARAMS));
        const before = residentBytes();
        const never = () => {};
        for (let index = 0; index < count; index += 1) client.call('hold', PARAMS).catch(never);
        // Behind all of them: by then nothing waits to be written.
        await client.call('echo', PARAMS);
        const resident = (residentBytes() - before) / count;
        await client.stop();
        return { resident };
      },
    },
  ],
};
