'use strict';

const { randomUUID } = require('crypto');
const { NotTried, expect, shown } = require('../verdicts');
const { asciiLine } = require('../wire-engine');

const AT_ONCE = 4;

/** Runs the job of --job; gives its last event. */
async function ran(lab, priority) {
  const params = lab.job(priority);
  const engine = await lab.engine();
  const jobId = await lab.start(engine, params);
  return { engine, jobId, end: await engine.endOf(jobId) };
}

/** Starts jobs in one write; gives their answers. */
async function startedAtOnce(lab, engine, count) {
  const requests = Array.from({ length: count }, () => randomUUID());
  const line = (id) => asciiLine({ jsonrpc: '2.0', id, method: 'jobs.start', params: lab.job() });
  engine.write(requests.map(line).join(''));
  const answers = [];
  for (const id of requests) answers.push(await engine.answerTo(id, 'jobs.start, one of several in one write'));
  return answers;
}

module.exports = {
  title: 'Jobs',
  checks: [
    {
      id: 'jobs.start',
      section: '4',
      says: 'jobs.start gives {jobId}, a string',
      hint: 'Answer {"jobId":"…"} at once; the work goes on in a thread, a task or a process of its own.',
      async run(lab) {
        const params = lab.job();
        const engine = await lab.engine();
        const jobId = await lab.start(engine, params);
        expect(typeof jobId === 'string' && jobId !== '', `the jobId is ${shown(jobId)}`);
        await engine.endOf(jobId);
      },
    },
    {
      id: 'jobs.result',
      section: '4',
      says: 'a job that succeeds ends with a result event',
      hint: 'Write {"type":"result","jobId":…,"timestamp":…,"data":…}. If the job is wrong: give one that succeeds to --job.',
      async run(lab) {
        const { end } = await ran(lab);
        expect(end.type === 'result', `the job of --job ended with ${shown(end)}`);
      },
    },
    {
      id: 'jobs.error',
      section: '4',
      says: 'a job that fails ends with an error event',
      hint: 'Catch what the work throws, and write {"type":"error","jobId":…,"timestamp":…,"data":{"code":-32603,"message":"…"}}.',
      async run(lab) {
        const { failingJob } = lab.given;
        if (!failingJob) throw new NotTried('no --failing-job');
        const engine = await lab.engine();
        const { result, error } = await lab.answer(engine, 'jobs.start', { ...failingJob, priority: 'normal' });
        // Refused at once, which is as good.
        if (error) return;
        expect(result && result.jobId !== undefined, `jobs.start was answered with ${shown(result)}`);
        const end = await engine.endOf(result.jobId);
        expect(end.type === 'error', `the job of --failing-job ended with ${shown(end)}`);
      },
    },
    {
      id: 'jobs.unique-ids',
      section: '4',
      says: 'each job has an id of its own',
      hint: 'Take a UUID or a counter; never the type, a hash of the payload, or a number that begins anew.',
      async run(lab) {
        const ids = [];
        for (let count = 0; count < 3; count += 1) ids.push((await ran(lab)).jobId);
        expect(new Set(ids.map(String)).size === ids.length, `three jobs had the ids ${shown(ids)}`);
      },
    },
    {
      id: 'jobs.priorities',
      section: '4',
      says: 'takes the priorities low and high',
      hint: 'Take the three parameters type, payload, priority. The runtime orders the jobs; an engine may ignore it.',
      async run(lab) {
        for (const priority of ['low', 'high']) await ran(lab, priority);
      },
    },
    {
      id: 'jobs.unknown-type',
      section: '4',
      says: 'a job of an unknown type is answered with an error or ends with one',
      hint: 'Answer jobs.start with an error, or start the job and write its error event; silence lets the app wait.',
      async run(lab) {
        const engine = await lab.engine();
        const params = { type: 'conformance-no-such-type', payload: null, priority: 'normal' };
        const { result, error } = await lab.answer(engine, 'jobs.start', params);
        if (error) return;
        expect(result && result.jobId !== undefined, `jobs.start was answered with ${shown(result)}`);
        await engine.endOf(result.jobId);
      },
    },
    {
      id: 'jobs.ends-once',
      section: '4',
      says: 'the last event is one result or one error; nothing follows',
      hint: 'Write no progress behind the result, and no error behind a result whose clean-up failed.',
      async run(lab) {
        const { engine, jobId } = await ran(lab);
        await engine.quiet();
        const types = engine.eventsOf(jobId).map(({ type }) => type);
        const end = types.findIndex((type) => type === 'result' || type === 'error');
        expect(end === types.length - 1, `the events of one job were ${types.join(', ')}`);
      },
    },
    {
      id: 'jobs.concurrent',
      section: '4',
      says: `${AT_ONCE} jobs at once all end, and their lines stay whole`,
      hint: 'Hold a lock around each line, line break and flush included: two threads that print mix their lines.',
      async run(lab) {
        lab.job();
        const engine = await lab.engine();
        const { faults } = lab.record;
        const before = faults.length;
        const known = new Set(faults.map(({ about }) => about));
        let mixed;
        try {
          const answers = await startedAtOnce(lab, engine, AT_ONCE);
          for (const { result, error } of answers) {
            expect(!error, `jobs.start was answered with the error ${shown(error)}`);
            await engine.endOf(result && result.jobId);
          }
        } finally {
          // Told here; what a single job does as well is judged at the end.
          mixed = faults.splice(before).filter(({ about }) => !known.has(about));
        }
        expect(mixed.length === 0, mixed.length > 0 && mixed[0].detail);
      },
    },
    {
      id: 'jobs.health-meanwhile',
      section: '4',
      says: 'reads stdin while a job runs',
      hint: 'Do the work away from the thread that reads stdin: else nobody can cancel, and the engine looks dead.',
      async run(lab) {
        await lab.withSlowJob(async (engine, jobId) => {
          const before = lab.hasEnded(engine, jobId);
          const { at } = await engine.request('engine.health', undefined, { timeout: lab.timeouts.job });
          const end = engine.eventsOf(jobId).find(({ type }) => type === 'result' || type === 'error');
          if (before) throw lab.tooShort();
          expect(!end || at <= end.at, 'the health request was answered behind the end of the job only');
        });
      },
    },
  ],
};
