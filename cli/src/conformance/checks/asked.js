'use strict';

const {
  anything,
  boolean,
  expectList,
  expectShape,
  number,
  object,
  optional,
  percent,
  state,
  string,
} = require('../shapes');
const { NotTried, expect, shown } = require('../verdicts');

const STATUS = {
  state,
  progress: optional(percent),
  message: optional(string),
  startedAt: optional(number),
  completedAt: optional(number),
};
const INFO = { jobId: anything, type: string, state, progress: optional(percent) };
const RESULT = { success: boolean, data: anything, error: optional(object) };

/** A job that runs where there is a slow one, else one that has just ended. */
async function withJob(lab, use) {
  if (lab.given.slowJob) return lab.withSlowJob((engine, jobId) => use(engine, jobId, true));
  const params = lab.job();
  const engine = await lab.engine();
  const jobId = await lab.start(engine, params);
  await engine.endOf(jobId);
  return use(engine, jobId, false);
}

module.exports = {
  title: 'What an app may ask of jobs',
  checks: [
    {
      id: 'jobs.status',
      section: '1',
      says: 'jobs.status gives {state, progress?, message?, startedAt?, completedAt?}',
      hint: 'The state is pending, running, done, failed or cancelled; times are milliseconds since the epoch.',
      run: (lab) =>
        withJob(lab, async (engine, jobId, isRunning) => {
          const { result, error } = await lab.answer(engine, 'jobs.status', { jobId });
          // An engine may forget a job with its end.
          if (error && !isRunning)
            throw new NotTried(`it was answered with ${shown(error)}; --slow-job has it asked for a running job`);
          expect(!error, `jobs.status of a running job was answered with the error ${shown(error)}`);
          expectShape('the answer to jobs.status', result, STATUS);
        }),
    },
    {
      id: 'jobs.status-unknown',
      section: '1',
      says: 'jobs.status of a job that is not known is an error',
      hint: 'Answer with the error -31001 (JOB_NOT_FOUND).',
      async run(lab) {
        const { result, error } = await lab.answer(await lab.engine(), 'jobs.status', {
          jobId: 'conformance-no-such-job',
        });
        expect(error, `it was answered with ${shown(result)}`);
      },
    },
    {
      id: 'jobs.list',
      section: '1',
      says: 'jobs.list gives [{jobId, type, state, progress?}] with the running job',
      hint: 'An array, also when there is no job; ids as jobs.start gave them.',
      run: (lab) =>
        withJob(lab, async (engine, jobId, isRunning) => {
          const list = await lab.result(engine, 'jobs.list');
          expectList('the answer to jobs.list', list, INFO);
          if (!isRunning || lab.hasEnded(engine, jobId)) return;
          const isThere = list.some((info) => JSON.stringify(info.jobId) === JSON.stringify(jobId));
          expect(isThere, `the running job ${shown(jobId)} is not in it`);
        }),
    },
    {
      id: 'jobs.result-method',
      section: '1',
      says: 'jobs.result gives {success, data?, error?} of a job that has ended',
      hint: 'Answer {"success":true,"data":…} or {"success":false,"error":{"code":…,"message":"…"}}.',
      async run(lab) {
        const params = lab.job();
        const engine = await lab.engine();
        const jobId = await lab.start(engine, params);
        await engine.endOf(jobId);
        const { result, error } = await lab.answer(engine, 'jobs.result', { jobId });
        expect(!error, `jobs.result of a job that has just ended was answered with the error ${shown(error)}`);
        expectShape('the answer to jobs.result', result, RESULT);
      },
    },
  ],
};
