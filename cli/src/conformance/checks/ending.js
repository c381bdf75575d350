'use strict';

const { membersOf } = require('../groups');
const { NotTried, expect } = require('../verdicts');

const isWindows = process.platform === 'win32';
/** Descendants that were told by a closed pipe need a moment. */
const LINGER_MS = 1000;

function expectExit(lab, isGone, after) {
  expect(isGone, `it still ran ${lab.timeouts.end} ms after ${after}; the runtime would kill it`);
}

async function isEmptySoon(group) {
  const end = Date.now() + LINGER_MS;
  for (;;) {
    const left = membersOf(group);
    if (left.length === 0 || Date.now() > end) return left;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

module.exports = {
  title: 'Ending',
  checks: [
    {
      id: 'end.stdin',
      section: '3',
      says: 'ends when its stdin ends',
      hint: 'The end of stdin says that the app has gone: leave the reading loop, end threads, exit.',
      async run(lab) {
        const engine = await lab.fresh();
        engine.closeStdin();
        expectExit(lab, await engine.exits(lab.timeouts.end), 'the end of its stdin');
      },
    },
    {
      id: 'end.sigterm',
      section: '3',
      says: 'ends on SIGTERM',
      hint: 'Leave SIGTERM as it is, or exit in its handler. A handler that waits for stdin waits for ever.',
      async run(lab) {
        if (isWindows) throw new NotTried('Windows has no SIGTERM');
        const engine = await lab.fresh();
        engine.signal('SIGTERM');
        expectExit(lab, await engine.exits(lab.timeouts.end), 'SIGTERM');
      },
    },
    {
      id: 'end.with-job',
      section: '3',
      says: 'ends when its stdin ends, with a job at work',
      hint: 'Cancel the jobs then, or make their threads daemons: a result that nobody reads is not worth waiting for.',
      async run(lab) {
        const { slowJob } = lab.given;
        if (!slowJob) throw new NotTried('no --slow-job');
        const engine = await lab.fresh();
        const jobId = await lab.start(engine, { ...slowJob, priority: 'normal' });
        if (lab.hasEnded(engine, jobId)) throw lab.tooShort();
        engine.closeStdin();
        expectExit(lab, await engine.exits(lab.timeouts.end), 'the end of its stdin');
      },
    },
    {
      id: 'end.no-children',
      section: '3',
      says: 'leaves no child process behind',
      hint: 'End the processes that the engine started before it exits: on SIGTERM, at the end of stdin, and when a job ends.',
      async run(lab) {
        if (isWindows) throw new NotTried('process groups are looked at on Linux and macOS only');
        const engine = await lab.fresh();
        if (lab.given.job) {
          const { result } = await engine.request('jobs.start', lab.job());
          if (result && result.jobId !== undefined) await engine.endOf(result.jobId);
        }
        engine.closeStdin();
        engine.signal('SIGTERM');
        if (!(await engine.exits(lab.timeouts.end))) engine.signal('SIGKILL');
        const left = await isEmptySoon(engine.pid);
        expect(left.length === 0, `processes of its group still run: ${left.join(', ')}`);
      },
    },
  ],
};
