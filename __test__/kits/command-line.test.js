import { beforeAll, expect, test } from 'vitest';
import { cli } from '../cli/command.js';
import { KITS, buildEngines } from './engines.js';

beforeAll(buildEngines, 300_000);

/** All that can be tried of an engine: jobs that succeed, take long and fail, and a model. */
const ALL = ['-j', 'reports:{}', '-s', 'waits:{}', '-f', 'fails:{}', '--model', 'eng', '--settle', '200ms'];

async function conformance(kit) {
  const { enginePath, args, env } = KITS[kit].trial;
  const { code, stdout, stderr } = await cli(['conformance', enginePath, ...ALL, '--json', '--', ...args], { env });
  expect(stdout, stderr).toMatch(/^\{/);
  const { checks } = JSON.parse(stdout);
  return { code, ids: checks.map(({ id }) => id), others: checks.filter(({ outcome }) => outcome !== 'pass') };
}

// Beside each other: most of the time is waiting.
test('the same conformance run passes on all kits, with no check left out', { timeout: 60_000 }, async () => {
  const kits = Object.keys(KITS);
  const runs = await Promise.all(kits.map(conformance));
  const { ids } = runs[0];
  expect(ids.length).toBeGreaterThan(50);
  expect(Object.fromEntries(runs.map((run, at) => [kits[at], run]))).toEqual({
    node: { code: 0, ids, others: [] },
    python: { code: 0, ids, others: [] },
    rust: { code: 0, ids, others: [] },
  });
});
