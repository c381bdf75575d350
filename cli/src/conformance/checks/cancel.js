'use strict';

const { isObject } = require('../lines');
const { expectShape, boolean, optional, string } = require('../shapes');
const { expect, shown } = require('../verdicts');

/** Cancels a running job; gives the answer, and its place among what the engine wrote. */
async function cancelled(lab, engine, jobId) {
  const { result, error, at } = await lab.answer(engine, 'jobs.cancel', { jobId });
  const end = engine.eventsOf(jobId).find(({ type }) => type === 'result' || type === 'error');
  if (end && end.at < at && !(isObject(result) && result.success)) throw lab.tooShort();
  expect(!error, `jobs.cancel of a running job was answered with the error ${shown(error)}`);
  return { result, at };
}

module.exports = {
  title: 'Cancelling',
  checks: [
    {
      id: 'cancel.answer',
      section: '4',
      says: 'jobs.cancel gives {success, reason?}',
      hint: 'Answer {"success":true} when the job is over with it, {"success":false,"reason":"…"} when it runs on.',
      run: (lab) =>
        lab.withSlowJob(async (engine, jobId) => {
          const { result } = await cancelled(lab, engine, jobId);
          expectShape('the answer to jobs.cancel', result, { success: boolean, reason: optional(string) });
        }),
    },
    {
      id: 'cancel.kept',
      section: '4',
      says: 'behind success:true comes no result; behind success:false the job goes on to its end',
      hint: 'Answer success:true when the work has stopped, or drop its result: the user was told that it is over. Behind success:false the job must end with a result or error, or its slot stays taken.',
      run: (lab) =>
        lab.withSlowJob(async (engine, jobId) => {
          const { result, at } = await cancelled(lab, engine, jobId);
          const success = isObject(result) ? result.success : undefined;
          if (success === false) await engine.endOf(jobId);
          if (success !== true) return;
          await engine.quiet(lab.timeouts.settle);
          // One that came with the answer counts, too.
          const late = engine.eventsOf(jobId).find((event) => event.type === 'result' && event.at > at);
          expect(!late, `behind success:true came ${shown(late)}`);
        }),
    },
    {
      id: 'cancel.unknown',
      section: '4',
      says: 'a job that is not known cannot be cancelled',
      hint: 'Answer {"success":false,"reason":"…"} or an error (-31001); success:true would be a lie.',
      async run(lab) {
        const engine = await lab.engine();
        const { result } = await lab.answer(engine, 'jobs.cancel', { jobId: 'conformance-no-such-job' });
        const isTrue = isObject(result) && result.success === true;
        expect(!isTrue, `it was answered with ${shown(result)}`);
      },
    },
    {
      id: 'cancel.ended',
      section: '4',
      says: 'a job that has ended: the cancellation is answered, and nothing follows',
      hint: 'A cancellation may cross the end of its job on the way: answer it and write no further event.',
      async run(lab) {
        const params = lab.job();
        const engine = await lab.engine();
        const jobId = await lab.start(engine, params);
        await engine.endOf(jobId);
        const { length } = engine.eventsOf(jobId);
        await lab.answer(engine, 'jobs.cancel', { jobId });
        await engine.quiet();
        const more = engine.eventsOf(jobId)[length];
        expect(!more, `behind its end came ${shown(more)}`);
      },
    },
  ],
};
