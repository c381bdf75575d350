import { describe, expect, test } from 'vitest';
import { appIn } from '../support/app.js';
import { nodes, skipUnlessHere } from '../support/hosts.js';
import { gone } from '../support/processes.js';

const MAJORS = [12, 14, 16, 18, 20, 22, 24, 26];
const OLDEST = '12.14.1';

const majorOf = ({ version }) => Number(version.split('.')[0]);
const under = ({ path }, app, ...args) => appIn((script) => ({ command: path, args: [script] }), app, ...args);

/** What `smoke.js` prints, whatever runs it. */
const SUMMARY = {
  events: [
    ['ready', null],
    ['exit', { code: null, signal: 'SIGTERM', stderrTail: '' }],
  ],
  beforeStart: { message: 'Engine not ready', code: 'NOT_READY', ours: true },
  noEngine: { message: 'spawn ./nothing here ENOENT', code: 'ENOENT', ours: false },
  engineRunsHere: true,
  echo: { text: 'Zoë 🦜\u2028', list: [1.5, null, { deep: true }] },
  unknownMethod: { message: 'Method not found: no/such', code: -32601, data: ['no/such'], ours: true },
  job: { success: true, data: { page: 1 } },
  progress: [50],
  failedJob: { message: 'no translate', code: -30002, data: { page: 2 }, ours: true },
  cancelled: [true, { message: 'Job cancelled', code: -31003, ours: true }],
  ownResults: 200,
  codes: 14,
  pendingAtStop: { message: 'Engine shutting down', code: 'SHUTTING_DOWN', ours: true },
  afterStop: { message: 'Engine not ready', code: 'NOT_READY', ours: true },
  pid: 'ESRCH',
};

test('the hosts: Node 12.14.1 and one of every even line since', (context) => {
  skipUnlessHere(context, nodes.length > 0, 'no Node programs: "node scripts/hosts.js" fetches them on linux-x64');
  expect(nodes.map(majorOf)).toEqual(MAJORS);
  expect(nodes[0].version).toBe(OLDEST);
});

describe.each(nodes)('Node $version', (node) => {
  test('the same addon and facade: engine, call, job, error, stop, and the app ends by itself', async () => {
    const { code, signal, stdout, stderr } = await under(node, 'smoke.js').ended;
    expect({ code, signal, stderr }).toEqual({
      code: 0,
      signal: null,
      stderr: '[Engine] Process exited with code null, signal SIGTERM\n',
    });
    expect(JSON.parse(stdout)).toEqual(SUMMARY);
  });

  test('worker threads, each with an engine: they are terminated, the app runs on and ends by itself', async () => {
    const { code, signal, stdout } = await under(node, 'runs-engines-in-workers.js', 'the workers are terminated')
      .ended;
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    const [news, later] = stdout.split('\n').map((line) => line && JSON.parse(line));
    expect([news.right, later]).toEqual([[100, 100, 100, 100, 100], 100]);
    await Promise.all(news.pids.map((pid) => gone(pid, 1000)));
  });
});

describe.each(nodes.filter(({ version }) => version !== OLDEST))('Node $version', (node) => {
  test('import by name where the host has it (Node ≥ 12.17)', async () => {
    const { code, stdout, stderr } = await under(node, 'imports.mjs').ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const names = ['EngineClient', 'EngineError', 'ErrorCodes', 'JobManager'];
    expect(JSON.parse(stdout)).toMatchObject({
      version: expect.stringMatching(/^2\./),
      names: expect.arrayContaining(names),
      sameAsRequired: expect.arrayContaining(names),
      sameInDist: expect.arrayContaining(names),
    });
  });
});
