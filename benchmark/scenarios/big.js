import { performance } from 'perf_hooks';
import { clients } from '../clients/index.js';
import { cost, inFlight } from '../measure.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** With its envelope the largest is a line of just under `maxMessageBytes`, 256 MiB. */
const LARGEST = 256 * MIB - KIB;
/** As many replies are measured as bring so much, within bounds. */
const BYTES = 64 * MIB;
const MOST = 2_000;
/** From here on a reply is long enough for its stall, and its share of the memory, to be seen. */
const SEEN = MIB;

const FIGURES = {
  wall: { unit: 'ms each', better: 'less' },
  mainThread: { unit: 'ms of main thread each', better: 'less' },
  beyondParse: { unit: 'ms longest stall beyond JSON.parse', better: 'less' },
  peak: { unit: 'bytes of peak memory a byte', better: 'less' },
};

/** What one `JSON.parse` of the value's text takes here, in milliseconds. */
function parseTime(value) {
  const text = JSON.stringify(value);
  const times = Array.from({ length: 3 }, () => {
    globalThis.gc();
    const start = performance.now();
    JSON.parse(text);
    return performance.now() - start;
  });
  return times.sort((one, other) => one - other)[1];
}

/** How far the resident memory rose above what it is before `work`, at its highest. */
async function peakBytes(work) {
  globalThis.gc();
  const before = process.memoryUsage().rss;
  await work();
  return process.resourceUsage().maxRSS * KIB - before;
}

const replies = (name, method, sizes) => ({
  name,
  contestants: ['ours', 'plain Node', 'tuned Node'],
  sizes,
  figures: FIGURES,
  async measure(contestant, size) {
    const client = await clients[contestant]();
    let last = null;
    const call = async (bytes = size) => (last = await client.call(method, { size: bytes }));
    await inFlight(MOST / 10, 1, () => call(Math.min(size, 100 * KIB)));
    const peak = await peakBytes(() => call());
    last = null;
    const count = Math.max(1, Math.min(MOST, Math.floor(BYTES / size)));
    const { wall, active, stall } = await cost(() => inFlight(count, 1, () => call()));
    await client.stop();
    const figures = { wall: wall / count, mainThread: active / count };
    if (size < SEEN) return figures;
    return { ...figures, beyondParse: Math.max(0, stall - parseTime(last)), peak: peak / size };
  },
});

export default {
  name: 'big',
  cases: [
    replies('one reply, a long text', 'text', [...[100, KIB, 10 * KIB, 100 * KIB, MIB, 16 * MIB, 64 * MIB], LARGEST]),
    replies('one reply, many values', 'reply', [100 * KIB, MIB, 16 * MIB, 64 * MIB]),
  ],
};
