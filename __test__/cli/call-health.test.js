import { describe, expect, test } from 'vitest';
import { cli, engine, fixture } from './command.js';

const GOOD = engine('misbehaves.js');
const DOES = fixture('does-as-told.js');

describe('call', () => {
  test('prints the result as JSON', async () => {
    const params = '{"key":"Grüße 😀"}';
    const { code, stdout, stderr } = await cli(['call', DOES, 'echo', params]);
    expect([code, JSON.parse(stdout), stderr]).toEqual([0, JSON.parse(params), '']);
  });

  test('without parameters sends none, and takes them from standard input with -', async () => {
    expect((await cli(['call', DOES, 'echo'])).stdout).toBe('null\n');
    expect((await cli(['call', DOES, 'echo', '-'], { input: '{"a":[1]}' })).stdout).toBe('{"a":[1]}\n');
  });

  test("an engine's error: exit code 1, its message, code and data on one line", async () => {
    const params = '{"error":{"code":-30003,"message":"too big","data":{"limit":5}}}';
    const plain = await cli(['call', DOES, 'fail', params]);
    const line = 'desktop-runtime: fail: too big (code -30003)';
    expect(plain).toMatchObject({ code: 1, stdout: '', stderr: `${line}; data: {"limit":5}\n` });
    const json = await cli(['call', DOES, 'fail', params, '--json']);
    expect(json).toMatchObject({ code: 1, stdout: `${params}\n`, stderr: `${line}\n` });
  });

  test('--timeout bounds the wait for the answer', async () => {
    const { code, stderr } = await cli(['call', DOES, 'no.answer', '--timeout', '50ms']);
    expect([code, stderr]).toEqual([1, 'desktop-runtime: no.answer: Request timeout: no.answer\n']);
  });

  test('an engine that ends instead of answering: exit code 3', async () => {
    const { code, stderr } = await cli(['call', DOES, 'exit', '{"code":4}', '--quiet']);
    expect([code, stderr]).toEqual([3, 'desktop-runtime: exit: Engine process exited\n']);
  });

  test('arguments behind --, --env and --cwd reach the engine', async () => {
    const args = ['call', DOES, 'self', '--env', 'ONE=1=1', '--env', 'HOME', '--cwd', '/', '--', '--type', 'x y'];
    const { argv, env, cwd } = JSON.parse((await cli(args)).stdout);
    expect([argv, env.ONE, env.HOME, cwd]).toEqual([['--type', 'x y'], '1=1', undefined, '/']);
  });
});

describe('how an engine is started', () => {
  test('a script by its interpreter, a program by PATH with its arguments behind --', async () => {
    for (const args of [[DOES], ['node', '--', DOES]]) {
      const [first, ...rest] = args;
      expect((await cli(['call', first, 'ping', ...rest])).stdout).toBe('{}\n');
    }
    expect((await cli(['health', fixture('prints-nan.py'), '--', 'result'])).stdout).toMatch(/^status /);
  });

  test.each([
    [['no-such-program'], 3, /cannot start no-such-program: there is no program .*PATH.*\.\/no-such-program/],
    [['./no-such-program'], 3, /cannot start .*there is no program \/.*\/no-such-program/],
    [['no-such-script.js'], 2, /there is no script no-such-script\.js/],
    [[fixture('exits-at-once.js')], 3, /it ended before it answered the health request/],
    [[fixture('never-answers.js'), '--startup-timeout', '200'], 3, /did not answer .* in time; --startup-timeout/],
    [[GOOD, '--cwd', '/no/such/folder'], 3, /or no folder \/no\/such\/folder/],
  ])('%j cannot be started: exit code %i and why', async (args, expected, why) => {
    const { code, stdout, stderr } = await cli(['health', ...args, '-q']);
    expect([code, stdout]).toEqual([expected, '']);
    expect(stderr).toMatch(why);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('who ended the engine: itself, or the wait for its answer', async () => {
    const end = async (...args) => (await cli(['health', ...args])).stderr;
    expect(await end(fixture('exits-at-once.js'))).toMatch(/the engine ended by itself: exit code \d/);
    expect(await end(fixture('never-answers.js'), '--startup-timeout', '200')).not.toContain('by itself');
  });

  test('DESKTOP_RUNTIME_LOG shows where an error comes from', async () => {
    const { stderr } = await cli(['health', 'no-such-program'], { env: { DESKTOP_RUNTIME_LOG: 'debug' } });
    expect(stderr).toMatch(/\n {4}at .*session\.js/);
  });
});

describe('health', () => {
  test('shows the answer and how long it took', async () => {
    const { code, stdout } = await cli(['health', GOOD]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^status +ok\nversion +1\.0\.0\nuptime +\d+ ms\nmemory .*\nprocess +\d+\nfirst answer +\d+ ms/,
    );
  });

  test('--json gives it to a program', async () => {
    const { stdout } = await cli(['health', GOOD, '--json']);
    expect(JSON.parse(stdout)).toEqual({
      health: { status: 'ok', version: '1.0.0', uptime: expect.any(Number), memory: { used: 1, total: 2 } },
      pid: expect.any(Number),
      startMs: expect.any(Number),
      answerMs: expect.any(Number),
    });
  });

  test('a status that is not ok, or an error: exit code 1', async () => {
    const silent = await cli(['health', fixture('runs-jobs-on-command.js')]);
    expect(silent).toMatchObject({ code: 1, stderr: expect.stringMatching(/its status is undefined/) });
    const error = await cli(['health', fixture('health-error.js'), '-q']);
    expect(error).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/answers engine.health with an error/),
    });
  });
});
