import { markdownTable } from 'markdown-table';
import { median, ratio, shown, valuesOf } from './statistics.js';

/** Looks figures up in the results of a run. */
class Figures {
  constructor(cases, addonBytes) {
    this.cases = cases;
    this.addonBytes = addonBytes;
  }

  row(caseName, contestant, size) {
    const found = this.cases.find(({ name }) => name === caseName);
    // A peer that could not be installed has no row.
    return found.rows.find((row) => row.contestant === contestant && row.size === size) || { rounds: [] };
  }

  value(caseName, figure, size, contestant = 'ours') {
    return median(valuesOf(this.row(caseName, contestant, size), figure));
  }

  ratio(caseName, figure, peer, size) {
    const found = ratio(this.row(caseName, 'ours', size), this.row(caseName, peer, size), figure);
    return found ? found.median : NaN;
  }
}

const RESULTS = {
  atMost: (value, limit, unit) => ({ value, unit, met: value <= limit }),
  atLeast: (value, limit, unit) => ({ value, unit, met: value >= limit }),
};
const times = (limit, sign) => `${sign} ${limit}×`;

/** Ours is at most this many times what a peer has in the same run. */
const ratioAtMost = (title, limit, caseName, figure, peer, size) => ({
  title,
  target: times(limit, '≤'),
  read: (figures) => RESULTS.atMost(figures.ratio(caseName, figure, peer, size), limit, '×'),
});
const ratioAtLeast = (title, limit, caseName, figure, peer, size) => ({
  title,
  target: times(limit, '≥'),
  read: (figures) => RESULTS.atLeast(figures.ratio(caseName, figure, peer, size), limit, '×'),
});
const atMost = (title, limit, unit, read) => ({
  title,
  target: `≤ ${limit}${unit}`,
  read: (figures) => RESULTS.atMost(read(figures), limit, unit),
});
const atLeast = (title, limit, unit, read) => ({
  title,
  target: `≥ ${limit.toLocaleString('en-US').replace(/,/g, ' ')}${unit}`,
  read: (figures) => RESULTS.atLeast(read(figures), limit, unit),
});

const PLAIN = 'plain Node';
const SEQUENTIAL = 'calls, one after another';
const SMALL = 'small events, one listener';
const LARGE = 'events of 1 KB, one listener';
const UNHEARD = 'events that nobody hears';
const JOBS = 'jobs through the queue, 16 at a time';
const QUEUED = 'queued jobs';
const FILES = 'plain files';
const TEXT = 'one reply, a long text';
const VALUES = 'one reply, many values';
const MIB = 1024 * 1024;
/** As in the scenario: with its envelope a line of just under `maxMessageBytes`. */
const LARGEST = 256 * MIB - 1024;

/** What is promised, and how it is read off a run. A peer stands in the title, unless it is plain Node, the baseline. */
const TARGETS = [
  ratioAtMost('Sequential call, p50', 1, SEQUENTIAL, 'p50', PLAIN),
  ratioAtMost('Sequential call, p99', 1, SEQUENTIAL, 'p99', PLAIN),
  ...[64, 512].flatMap((atOnce) => {
    const name = `calls, ${atOnce} in flight`;
    return [
      ratioAtMost(`${atOnce} calls in flight, main thread`, 0.5, name, 'mainThread', PLAIN),
      ratioAtMost('… against tuned Node', 0.8, name, 'mainThread', 'tuned Node'),
      ratioAtLeast(`${atOnce} calls in flight, throughput`, 1.7, name, 'throughput', PLAIN),
      ratioAtLeast('… against tuned Node', 1.1, name, 'throughput', 'tuned Node'),
      ratioAtLeast('… against vscode-jsonrpc', 3, name, 'throughput', 'vscode-jsonrpc'),
    ];
  }),
  ratioAtLeast('Small events with a listener, throughput', 1.3, SMALL, 'throughput', PLAIN),
  atMost('… longest stall', 10, ' ms', (figures) => figures.value(SMALL, 'stall')),
  ratioAtLeast('Events of 1 KB with a listener, throughput', 1.5, LARGE, 'throughput', PLAIN),
  atMost('… longest stall', 10, ' ms', (figures) => figures.value(LARGE, 'stall')),
  ratioAtLeast('Events that nobody hears, throughput', 4, UNHEARD, 'throughput', PLAIN),
  atMost('… main thread busy', 2, ' %', (figures) => figures.value(UNHEARD, 'busy')),
  atLeast('Jobs through the queue, 16 at a time', 50_000, ' jobs/s', (figures) => figures.value(JOBS, 'throughput')),
  atMost('… lost', 0, '', (figures) => figures.value(JOBS, 'lost')),
  ratioAtLeast('… against p-queue over plain Node', 1, JOBS, 'throughput', 'p-queue over plain Node'),
  ratioAtLeast('… against fastq over plain Node', 1, JOBS, 'throughput', 'fastq over plain Node'),
  atMost('Memory of a queued job, of 1 000 000', 500, ' B', (figures) => figures.value(QUEUED, 'resident', 1_000_000)),
  atMost(
    '… main thread of a submit, 1 000 000 against 1 000 (1.5× is read as flat)',
    1.5,
    '×',
    (figures) => figures.value(QUEUED, 'mainThread', 1_000_000) / figures.value(QUEUED, 'mainThread', 1_000),
  ),
  atMost('Memory of a pending call, of 100 000', 1024, ' B', (figures) =>
    figures.value('memory of 100 000 pending calls', 'resident'),
  ),
  ratioAtLeast('Cache set, 64 at a time, against plain files', 10, 'cache set, 64 at a time', 'throughput', FILES),
  ratioAtLeast('… against lmdb', 0.5, 'cache set, 64 at a time', 'throughput', 'lmdb'),
  ...[
    'cache get from disk, 64 at a time',
    'cache get of 4 KB from disk, 64 at a time',
    'cache get from disk, one at a time',
    'cache miss, 64 at a time',
    'cache miss, one at a time',
  ].flatMap((name) => [
    ratioAtLeast(`${name[0].toUpperCase()}${name.slice(1)}, against plain files`, 5, name, 'throughput', FILES),
    ratioAtLeast('… against keyv-sqlite', 1, name, 'throughput', 'keyv-sqlite'),
  ]),
  ratioAtLeast(
    'Cache hit in memory, against a Map behind an async function',
    1,
    'cache hit in memory',
    'throughput',
    'Map behind an async function',
  ),
  ...[TEXT, VALUES].map((name) =>
    atMost(`${name.replace('one reply', 'A reply of 64 MiB')}`, 450, ' ms', (figures) =>
      figures.value(name, 'wall', 64 * MIB),
    ),
  ),
  // The target is "only that": a thousandth of a second of anything else would be seen.
  atMost('… stall beyond its one `JSON.parse`, of a long text', 1, ' ms', (figures) =>
    figures.value(TEXT, 'beyondParse', 64 * MIB),
  ),
  atMost(
    '… a byte of 256 MiB against one of 64 MiB (1.25× is read as linear)',
    1.25,
    '×',
    (figures) => figures.value(TEXT, 'wall', LARGEST) / LARGEST / (figures.value(TEXT, 'wall', 64 * MIB) / (64 * MIB)),
  ),
  atMost(
    '… a byte of 64 MiB against one of 16 MiB (1.25× is read as linear)',
    1.25,
    '×',
    (figures) => figures.value(TEXT, 'wall', 64 * MIB) / (4 * figures.value(TEXT, 'wall', 16 * MIB)),
  ),
  atMost('1 000 cache sets in a burst, stall', 5, ' ms', (figures) => figures.value('burst of 1 000 sets', 'stall')),
  atMost('1 000 tracked jobs in a burst, stall', 5, ' ms', (figures) =>
    figures.value('1 000 jobs tracked at once', 'stall'),
  ),
  atMost(
    'Start to `ready`, above a plain spawn and its first answer',
    5,
    ' ms',
    (figures) => figures.value('start to ready', 'ready') - figures.value('start to ready', 'ready', undefined, PLAIN),
  ),
  atMost('`require` of the package', 10, ' ms', (figures) => figures.value('require', 'load')),
  atMost('The addon', 4, ' MB', (figures) => figures.addonBytes / 1e6),
  atMost('Idle with an engine running', 0, ' wake-ups/s', (figures) =>
    figures.value('idle, an engine running', 'wakeUps'),
  ),
];

/** The targets beside what this run measured, those that were missed by their titles. */
export function targetsOf({ cases, machine }) {
  const figures = new Figures(cases, machine.addonBytes);
  const read = TARGETS.map(({ title, target, read }) => ({ title, target, ...read(figures) }));
  const verdict = ({ value, met }) => (Number.isNaN(value) ? 'not run' : met ? 'met' : '**not met**');
  const rows = read.map((one) => [one.title, one.target, `${shown(one.value)}${one.unit}`, verdict(one)]);
  return markdownTable([['', 'target', 'measured', ''], ...rows], { align: ['l', 'r', 'r', 'l'] });
}
