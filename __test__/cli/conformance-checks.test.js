import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { Lab } from '../../cli/src/conformance/lab.js';
import { GROUPS, runChecks } from '../../cli/src/conformance/run.js';

const ENGINE = fileURLToPath(new URL('engines/misbehaves.js', import.meta.url));
const CHECKS = GROUPS.flatMap(({ checks }) => checks);
/** Checks that find more than one fault. */
const MORE = ['cancel.kept/refused'];

// Most of the time is spent waiting for what must not come; on a busy machine, ten at once wait for each other as well.
vi.setConfig({ maxConcurrency: 10, testTimeout: 120_000 });

/** The checks of endings start engines of their own: a third of the time, where no other fault matters. */
const ENDINGS = GROUPS.filter(({ checks }) => checks.some(({ id }) => /^(?:end|output)\./.test(id)));
const OTHERS = GROUPS.filter((group) => group.title !== 'Ending');
const groupsFor = (fault) => (ENDINGS.some(({ checks }) => checks.some(({ id }) => id === fault)) ? GROUPS : OTHERS);

const GIVEN = {
  job: { type: 'count', payload: { text: 'one two three' } },
  slowJob: { type: 'count', payload: { text: 'a b c d e f', secondsPerWord: 0.4 } },
  failingJob: { type: 'count', payload: null },
  onStderr() {},
};

// What is right is answered at once; only what the fault at hand concerns is waited for.
const TIMEOUTS = { start: 60_000, answer: 3000, job: 5000, end: 3000, settle: 400, quiet: 400 };

async function outcomes(fault, { timeouts = TIMEOUTS, ...given } = GIVEN, groups = GROUPS) {
  const command = { enginePath: process.execPath, args: [ENGINE, fault], env: process.env };
  const lab = new Lab(command, { ...given, timeouts });
  try {
    return await runChecks(lab, { groups });
  } finally {
    lab.close();
  }
}

const idsOf = (results, wanted) => results.filter(({ outcome }) => outcome === wanted).map(({ id }) => id);

describe('what `conformance` tries', () => {
  test.concurrent('an engine that does everything right passes every check', async () => {
    const results = await outcomes('nothing', { ...GIVEN, model: 'eng' });
    expect(results.filter(({ outcome }) => outcome !== 'pass')).toEqual([]);
    expect(results).toHaveLength(CHECKS.length);
  });

  test.concurrent('an engine that does not come up fails one check, and the others are not tried', async () => {
    const results = await outcomes('health.answers', { ...GIVEN, timeouts: { ...TIMEOUTS, start: 500 } });
    expect(idsOf(results, 'fail')).toEqual(['health.answers']);
    expect(idsOf(results, 'not tried')).toHaveLength(CHECKS.length - 1);
  });

  const faults = [...CHECKS.map(({ id }) => id), ...MORE].filter((id) => id !== 'health.answers');
  test.concurrent.each(faults)('the fault of %s is found by that check alone, with a hint', async (fault) => {
    const failed = (await outcomes(fault, GIVEN, groupsFor(fault))).filter(({ outcome }) => outcome === 'fail');
    const [id] = fault.split('/');
    expect(failed.map((result) => [result.id, result.detail])).toEqual([[id, expect.any(String)]]);
    expect(failed[0].hint).toMatch(/\w.*[.…)]$/);
  });

  test.concurrent('without jobs to try them with, the checks of jobs are not tried, and none fails', async () => {
    const results = await outcomes('nothing', { onStderr() {}, timeouts: TIMEOUTS });
    expect(idsOf(results, 'fail')).toEqual([]);
    expect(idsOf(results, 'not tried')).toContain('jobs.start');
    expect(idsOf(results, 'pass')).toContain('cache.get');
  });
});
