import { expect, test } from 'vitest';
import { collect } from '../support/events.js';
import { HEARD_ENGINES, managed } from '../support/job-engines.js';

// While a start is unanswered all events of the engine are looked at, and those of a running job come by `onJobEvent` too.
test.each(HEARD_ENGINES)(
  'an event of a running job comes once, also while another jobs.start is unanswered: %s',
  async (kind) => {
    const { jobs, submit, say, inState, askedTimes } = await managed(kind, { concurrency: 2 });
    const running = submit('t', { id: 'a' });
    await inState(running.jobId, 'running');
    submit('t', { id: 'b', start: 'later' });
    await askedTimes('jobs.start', 2);
    const progress = collect(jobs, 'job:progress');
    const completed = collect(jobs, 'job:completed');
    await say(['progress', 'a', { percent: 1 }], ['progress', 'a', { percent: 2 }], ['result', 'a', 'done']);
    await expect(running).resolves.toEqual({ success: true, data: 'done' });
    expect(progress.map((event) => event.progress)).toEqual([1, 2]);
    expect(completed).toHaveLength(1);
  },
);
