import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { collect } from '../support/events.js';
import { ENGINES, HEARD_ENGINES, managed } from '../support/job-engines.js';

const { JobManager, StreamHandler } = runtime;
const lines = consoleErrors();

// Those in between go the same ways.
const EVERY_PATH = [ENGINES[0], ENGINES[1], ENGINES[4]];
const HEARD_PATHS = [HEARD_ENGINES[0], HEARD_ENGINES[1], HEARD_ENGINES[3]];
const TYPES = ['data', 'progress', 'log', 'partial', 'complete', 'error'];
const FLOW = [
  ['progress', { percent: 10, message: 'ü' }],
  ['log', { level: 'info', message: 'hello' }],
  ['partial', { jobId: 'e1', chunk: [1, null, '𝄞'] }],
  ['made-up', null],
  ['result', { type: 'result', jobId: 'e1' }],
];
const events = (jobId, flow = FLOW) => flow.map(([type, data]) => ({ type, jobId, timestamp: 1, data }));

/** A manager over that kind of engine, a stream attached to it, and what a job's subscription hears. */
async function attached(kind, config, options) {
  const given = await managed(kind, config, options);
  const stream = new StreamHandler();
  const detach = stream.attach(given.jobs);
  const hear = (jobId, types = TYPES) => {
    const heard = [];
    stream.subscribe(jobId, (each) => heard.push(each), types);
    return heard;
  };
  return { ...given, stream, detach, hear };
}

describe.each(EVERY_PATH)('`attach(manager)`: the manager’s job ids, %s', (kind) => {
  test('every event of a job, in wire order, under the manager’s id, and not otherwise changed', async () => {
    const { submit, say, inState, hear } = await attached(kind);
    const job = submit('t', { id: 'e1' });
    const [heard, ofEngine] = [hear(job.jobId), hear('e1')];
    await inState(job.jobId, 'running');
    await say(...FLOW.map(([type, data]) => [type, 'e1', data]));
    await job;
    expect(heard).toStrictEqual(events(job.jobId));
    expect(ofEngine).toEqual([]);
  });

  test('those that come with or right behind the `jobs.start` answer', async () => {
    const { submit, hear } = await attached(kind);
    const jobs = Array.from({ length: 20 }, (_, n) => submit('t', { n, behind: FLOW }));
    const heard = jobs.map(({ jobId }) => hear(jobId));
    await Promise.all(jobs);
    expect(heard).toStrictEqual(jobs.map(({ jobId }) => events(jobId)));
  });

  test('only the types asked for', async () => {
    const { submit, hear } = await attached(kind);
    const job = submit('t', { behind: FLOW });
    const heard = [hear(job.jobId, ['log', 'complete']), hear(job.jobId, ['data']), hear(job.jobId, [])];
    await job;
    expect(heard.map((list) => list.map(({ type }) => type))).toEqual([['log', 'result'], ['made-up'], []]);
  });

  test('subscribed under an `id` of the app’s own, before the submit', async () => {
    const { jobs, hear } = await attached(kind);
    for (const id of ['mine', '__proto__', 'q"\\\n\u2028', 'ü𝄞', 'e1', 'constructor']) {
      const heard = hear(id);
      await jobs.submit('t', { n: id, behind: FLOW }, { id });
      expect([id, heard]).toStrictEqual([id, events(id)]);
    }
  });

  test('global listeners hear of all jobs, subscribed to or not, each event once', async () => {
    const { stream, submit, hear } = await attached(kind);
    const all = collect(stream, 'event');
    const complete = collect(stream, 'complete');
    const [first, second] = [submit('t', { n: 1, behind: FLOW }), submit('t', { n: 2, behind: FLOW })];
    const heard = hear(first.jobId);
    await Promise.all([first, second]);
    expect(heard).toStrictEqual(events(first.jobId));
    for (const { jobId } of [first, second]) {
      expect(all.filter((each) => each.jobId === jobId)).toStrictEqual(events(jobId));
    }
    expect(all).toHaveLength(FLOW.length * 2);
    expect(complete).toHaveLength(2);
  });

  test('attached while a job runs: from then on; detached: no more', async () => {
    const { jobs, submit, say, inState } = await managed(kind);
    const job = submit('t', { id: 'e' });
    await inState(job.jobId, 'running');
    await say(['partial', 'e', 'before']);
    const stream = new StreamHandler();
    const heard = [];
    stream.subscribe(job.jobId, ({ data }) => heard.push(data));
    const detach = stream.attach(jobs);
    const again = stream.attach(jobs);
    await say(['partial', 'e', 'with both']);
    detach();
    detach();
    await say(['partial', 'e', 'with one']);
    again();
    await say(['partial', 'e', 'after'], ['result', 'e', 'end']);
    await job;
    expect(heard).toEqual(['with both', 'with one']);
  });

  test('of a second manager on the same engine nothing comes', async () => {
    const { engine, stream, submit, hear } = await attached(kind);
    const other = new JobManager(engine);
    const job = submit('t', { n: 1, behind: FLOW });
    const foreign = other.submit('t', { n: 2, behind: FLOW }, { id: 'foreign' });
    const all = collect(stream, 'event');
    const [heard, strange] = [hear(job.jobId), hear('foreign')];
    await Promise.all([job, foreign]);
    expect([heard.length, strange.length, all.length]).toEqual([FLOW.length, 0, FLOW.length]);
  });

  test('attached to the manager and to its engine: each event under both ids, each once', async () => {
    const { engine, stream, submit, say, inState, hear } = await attached(kind);
    stream.attach(engine);
    const job = submit('t', { id: 'of the engine' });
    const [mine, engines] = [hear(job.jobId), hear('of the engine')];
    await inState(job.jobId, 'running');
    await say(...FLOW.map(([type, data]) => [type, 'of the engine', data]));
    await job;
    expect(mine).toStrictEqual(events(job.jobId));
    expect(engines).toStrictEqual(events('of the engine'));
  });

  test('the manager itself does what it did: its events, its status, its results', async () => {
    const { jobs, submit, stream } = await attached(kind);
    const order = [];
    for (const name of ['job:queued', 'job:started', 'job:progress', 'job:completed'])
      jobs.on(name, () => order.push(name));
    stream.on('event', () => {
      throw new Error('from a listener');
    });
    const job = submit('t', { behind: FLOW });
    stream.subscribe(job.jobId, () => {
      throw new Error('from a handler');
    });
    await expect(job).resolves.toEqual({ success: true, data: FLOW[4][1] });
    expect(order).toEqual(['job:queued', 'job:started', 'job:progress', 'job:completed']);
    expect(jobs.getStatus(job.jobId)).toMatchObject({ state: 'done' });
    expect(lines.filter((line) => /from a (handler|listener)/.test(line)).length).toBeGreaterThanOrEqual(8);
  });
});

describe.each(HEARD_PATHS)('events before the `jobs.start` answer are not lost either: %s', (kind) => {
  test('they come first, in order, once', async () => {
    const { submit, hear, stream } = await attached(kind);
    const all = collect(stream, 'event');
    const before = FLOW.slice(0, 4);
    const job = submit('t', {
      before,
      behind: [
        ['log', 'behind'],
        ['result', 1],
      ],
    });
    const heard = hear(job.jobId);
    await job;
    const expected = events(job.jobId, [...before, ['log', 'behind'], ['result', 1]]);
    expect(heard).toStrictEqual(expected);
    expect(all).toStrictEqual(expected);
  });

  test('also the last one', async () => {
    const { submit, hear } = await attached(kind);
    const job = submit('t', { before: FLOW });
    const heard = hear(job.jobId);
    await job;
    expect(heard).toStrictEqual(events(job.jobId));
  });

  test('with several starts unanswered each goes to its own job', async () => {
    const { submit, say, answer, askedTimes, hear } = await attached(kind, { concurrency: 3 });
    const jobs = ['a', 'b', 'c'].map((id) => submit('t', { id, start: 'later' }));
    const heard = jobs.map(({ jobId }) => hear(jobId));
    await askedTimes('jobs.start', 3);
    await say(['partial', 'c', 1], ['partial', 'a', 2], ['partial', 'b', 3], ['result', 'c', 4], ['partial', 'x', 0]);
    for (const id of ['b', 'c', 'a']) await answer(id, { jobId: id });
    await say(['result', 'a', 5], ['result', 'b', 6]);
    await Promise.all(jobs);
    expect(heard.map((list) => list.map(({ data }) => data))).toEqual([
      [2, 5],
      [3, 6],
      [1, 4],
    ]);
    expect(heard.map((list) => new Set(list.map(({ jobId }) => jobId)).size)).toEqual([1, 1, 1]);
  });
});

test('several StreamHandlers on one manager, one of them detached by a handler of the other', async () => {
  const { jobs, submit } = await managed(ENGINES[0]);
  const [one, other] = [new StreamHandler(), new StreamHandler()];
  one.attach(jobs);
  const detach = other.attach(jobs);
  const job = submit('t', { behind: FLOW });
  const heard = [[], []];
  one.subscribe(job.jobId, ({ type }) => {
    heard[0].push(type);
    if (type === 'partial') detach();
  });
  other.subscribe(job.jobId, ({ type }) => heard[1].push(type));
  await job;
  expect(heard[0]).toEqual(['progress', 'partial', 'made-up', 'result']);
  expect(heard[1].slice(0, 1)).toEqual(['progress']);
  expect(heard[1]).not.toContain('result');
});
