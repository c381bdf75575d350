import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { gone, processesWith } from '../support/processes.js';
import { cli, cliOnTerminal, engine, fixture, started } from './command.js';

const ENGINE = engine('misbehaves.js');
const JOB = ['--job', 'count:{"text":"one two"}'];
const SLOW = ['--slow-job', 'count:{"text":"a b c d e f","secondsPerWord":0.4}'];
const FAIL = ['--failing-job', 'count'];
const FAST = ['--settle', '100ms', '--timeout', '3s'];

/** An engine that ignores the end of its stdin and SIGTERM, found by its environment. */
async function stubborn(mark) {
  const args = ['conformance', fixture('ignores-sigterm.js'), '--env', `CLI_TEST=${mark}`, '--end-timeout', '60s'];
  const command = started([...args, '--startup-timeout', '30s']);
  const [pid] = await eventually(() => {
    const pids = processesWith('CLI_TEST', mark);
    return pids.length > 0 && pids;
  }, 'the engine');
  return { ...command, pid: Number(pid) };
}

describe('conformance', () => {
  test('a table by group with every check, and exit code 0 when none fails', async () => {
    const { code, stdout, stderr } = await cli([
      'conformance',
      ENGINE,
      ...JOB,
      ...SLOW,
      ...FAIL,
      ...FAST,
      '--model',
      'eng',
    ]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^\nHealth\n {2}pass {9}health\.answers +§3 {2}comes up/);
    const [, passed, rest] = /\n(\d+) passed, (0 failed, 0 not offered, 0 not tried)\n$/.exec(stdout);
    expect([Number(passed), rest]).toEqual([stdout.match(/^ {2}pass /gm).length, expect.any(String)]);
  });

  test('a check that fails: what was seen, a hint, and exit code 1', async () => {
    const { code, stdout, stderr } = await cli(['conformance', ENGINE, ...FAST, '--', 'health.shape']);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^ {2}FAIL {9}health\.shape +§1 .*\n {15}"memory" of the health answer takes an object; got nothing/m,
    );
    expect(stdout).toMatch(/^ {15}hint: Answer \{"status":"ok"/m);
    expect(stderr).toMatch(/desktop-runtime: .*misbehaves\.js health\.shape fails 1 of \d+ checks\n$/);
  });

  test('what an engine does not offer and what there was no job for is told apart from what fails', async () => {
    const { code, stdout } = await cli(['conformance', engine('counts.py'), ...FAST, '--json']);
    const { engine: name, summary, checks } = JSON.parse(stdout);
    expect([code, name, summary.fail]).toEqual([0, engine('counts.py'), 0]);
    const of = (id) => checks.find((check) => check.id === id);
    expect(of('cache.get')).toEqual({
      id: 'cache.get',
      section: '1',
      says: expect.any(String),
      outcome: 'not offered',
    });
    expect(of('jobs.result')).toMatchObject({ outcome: 'not tried', detail: 'no --job' });
    expect(Object.values(summary).reduce((sum, count) => sum + count, 0)).toBe(checks.length);
  });

  test('an engine in Python, started by a program, tried with --type and --payload', async () => {
    const args = ['conformance', 'python3', '-t', 'count', '-p', '-', ...SLOW, ...FAST, '--json', '--', '-u'];
    const { code, stdout } = await cli([...args, engine('counts.py')], { input: '{"text":"one two"}' });
    const failed = JSON.parse(stdout).checks.filter(({ outcome }) => outcome === 'fail');
    expect([failed, code]).toEqual([[], 0]);
  });

  test.each([
    [['no-such-program'], /no-such-program does not come up: .*ENOENT/],
    [[fixture('exits-at-once.js')], /does not come up: .*the engine ended/],
  ])('%j does not come up: exit code 3', async (args, why) => {
    const { code, stdout, stderr } = await cli(['conformance', ...args, ...FAST, '-q']);
    expect([code, stderr]).toEqual([3, expect.stringMatching(why)]);
    expect(stdout.match(/^ {2}(?:FAIL|not tried)/gm)).toHaveLength(1);
  });

  test.each([40, 100])('the table fits a terminal of %i columns', async (columns) => {
    const { stdout } = await cliOnTerminal(['conformance', ENGINE, ...FAST, '--', 'jobs.list'], { columns }).ended;
    const lines = stdout.replace(/\x1b\[\d+m/g, '').split('\r\n');
    // A word may be longer than the line; two of them may not.
    const long = lines.filter((line) => line.length >= columns && line.trim().includes(' ', 7));
    expect([lines.length > 50, long]).toEqual([true, []]);
  });

  test('Ctrl-C ends it and the engine', async () => {
    const { child, pid, ended } = await stubborn('interrupted');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, stderr: expect.stringMatching(/ended by SIGINT\n$/) });
    await gone(pid);
  });

  test('killed, it leaves no engine behind, however stubborn', async () => {
    const { child, pid, ended } = await stubborn('killed');
    child.kill('SIGKILL');
    await ended;
    await gone(pid);
  });
});
