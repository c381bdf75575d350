import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { gone, processesWith } from '../support/processes.js';
import { COMMAND, cli, cliOnTerminal, engine, fixture, jsonLines, runShell, started } from './command.js';

const COUNT = engine('misbehaves.js');
const RUNS = fixture('runs-jobs.js');
const countJob = (words, secondsPerWord) => JSON.stringify({ text: words, secondsPerWord });

/** The pid of the one engine that a command started. */
async function engineOf(mark) {
  const [pid] = await eventually(() => {
    const pids = processesWith('CLI_TEST', mark);
    return pids.length > 0 && pids;
  }, 'the engine');
  return Number(pid);
}

/** Arguments that let an engine be found by its environment, which the command itself does not have. */
const marked = (mark) => ['--env', `CLI_TEST=${mark}`];

describe('run', () => {
  test('in a pipe each job event is a line of JSON, the last of them the result', async () => {
    const { code, stdout, stderr } = await cli(['run', COUNT, '-t', 'count', '-p', countJob('one two')]);
    const lines = jsonLines(stdout);
    expect(lines.map(({ type }) => type)).toEqual([
      'progress',
      'log',
      'partial',
      'progress',
      'log',
      'partial',
      'result',
    ]);
    expect(lines[0]).toEqual({
      type: 'progress',
      jobId: lines[6].jobId,
      timestamp: expect.any(Number),
      data: { percent: 0, message: 'one' },
    });
    expect([lines[6].data, code, stderr]).toEqual([{ words: 2 }, 0, '']);
  });

  test('--no-json prints what the job gave, and nothing else', async () => {
    const args = ['run', COUNT, '--type', 'count', '--payload', countJob('one two'), '--no-json', '--quiet'];
    expect(await cli(args)).toMatchObject({ code: 0, stdout: '{"words":2}\n', stderr: '' });
  });

  test('a payload may come from a file or from standard input', async () => {
    const file = path.join(folder(), 'job.json');
    fs.writeFileSync(file, `\ufeff${countJob('a b c')}\n`);
    const run = (payload, input) => cli(['run', COUNT, '-t', 'count', '-p', payload, '--no-json', '-q'], { input });
    expect((await run(`@${file}`)).stdout).toBe('{"words":3}\n');
    expect((await run('-', countJob('a b'))).stdout).toBe('{"words":2}\n');
  });

  test('a job that fails: exit code 1, one line with the message and the code, and the error as the last line', async () => {
    const { code, stdout, stderr } = await cli(['run', RUNS, '-t', 'fly', '-p', '{"to":1}']);
    expect(jsonLines(stdout).pop()).toMatchObject({ type: 'error', data: { code: -30002, message: 'no fly' } });
    expect([code, stderr]).toEqual([1, 'desktop-runtime: job fly: no fly (code -30002)\n']);
  });

  test('--timeout ends a job that takes too long', async () => {
    const { code, stderr } = await cli(['run', RUNS, '-t', 'stay', '--timeout', '100ms']);
    expect([code, stderr]).toEqual([1, 'desktop-runtime: job stay: Job timeout (code -31004)\n']);
  });

  test('--retries tries again, on a new engine where the first has ended', async () => {
    const args = ['run', engine('dies-with-its-first-job.js'), '-t', 'any', '--retries', '1', '--no-json'];
    const { code, stdout, stderr } = await cli([...args, '--', path.join(folder(), 'tried')]);
    expect([code, stdout]).toEqual([0, '"second attempt"\n']);
    expect(stderr).toMatch(/the engine ended by itself: exit code 9[^]*attempt 1 in \d+ ms: Engine process exited/);
  });

  test('an engine that ends with the job at work: exit code 3', async () => {
    const args = ['run', engine('dies-with-its-first-job.js'), '-t', 'any', '-q', '--', path.join(folder(), 'tried')];
    expect(await cli(args)).toMatchObject({ code: 3, stderr: 'desktop-runtime: job any: Engine process exited\n' });
  });

  test("the engine's standard error is shown as such, and not with --quiet", async () => {
    const args = ['run', engine('dies-with-its-first-job.js'), '-t', 'any'];
    const file = path.join(folder(), 'tried');
    fs.writeFileSync(file, '');
    expect((await cli([...args, '--', file])).stderr).toBe('engine | here I am\\x1b[2J\n');
    expect((await cli([...args, '-q', '--', file])).stderr).toBe('');
  });
});

describe('run, ended from outside', () => {
  test('Ctrl-C cancels the job: the engine is told, and the exit code is 130', async () => {
    const { child, shows, ended } = started(['run', RUNS, '-t', 'stay', ...marked('cancel')]);
    await shows(/"percent":50/);
    const pid = await engineOf('cancel');
    child.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    expect(jsonLines(stdout).pop()).toMatchObject({ type: 'error', data: { code: -31003 } });
    expect(code).toBe(130);
    expect(stderr).toBe('cancelling; Ctrl-C again ends it at once\ndesktop-runtime: ended by SIGINT\n');
    await gone(pid);
  });

  test('a Ctrl-C that comes twice, as through npx, cancels once', async () => {
    const { child, shows, ended } = started(['run', RUNS, '-t', 'stay']);
    await shows(/"percent":50/);
    child.kill('SIGINT');
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect([code, jsonLines(stdout).pop().data.code]).toEqual([130, -31003]);
  });

  test('a second Ctrl-C ends it at once, with an engine that never answers', async () => {
    const payload = JSON.stringify({ cancel: 'later', behind: [['progress', { percent: 1 }]] });
    const args = ['run', fixture('runs-jobs-on-command.js'), '-t', 'any', '-p', payload, ...marked('twice')];
    const { child, shows, ended } = started(args);
    await shows(/"percent":1/);
    const pid = await engineOf('twice');
    child.kill('SIGINT');
    await shows(/cancelling/, 'stderr');
    // One that comes too soon is taken for the same one.
    const again = setInterval(() => child.kill('SIGINT'), 50);
    expect((await ended).code).toBe(130);
    clearInterval(again);
    await gone(pid);
  });

  test('SIGTERM ends the engine, and the exit code is 143', async () => {
    const { child, shows, ended } = started(['run', RUNS, '-t', 'stay', ...marked('term')]);
    await shows(/"percent":50/);
    const pid = await engineOf('term');
    child.kill('SIGTERM');
    expect((await ended).code).toBe(143);
    await gone(pid);
  });

  test('killed, it leaves no engine behind, not even one that ignores the end of its stdin', async () => {
    const args = ['run', COUNT, '-t', 'count', '-p', countJob('a b', 600), ...marked('kill'), '--', 'end.with-job'];
    const { child, shows, ended } = started(args);
    await shows(/"percent":0/);
    const pid = await engineOf('kill');
    child.kill('SIGKILL');
    await ended;
    await gone(pid);
  });

  test('when the reader of its output has gone it ends quietly, and the engine with it', async () => {
    const { child, shows, ended } = started(['run', RUNS, '-t', 'chatter', ...marked('pipe')]);
    await shows(/still here/);
    const pid = await engineOf('pipe');
    child.stdout.destroy();
    expect(await ended).toMatchObject({ code: 141, stderr: '' });
    await gone(pid);
  });
});

describe.skipIf(!fs.existsSync('/dev/full'))('run, into a full disk', () => {
  test('says so, and ends with exit code 1', async () => {
    const script = `"$0" "$1" run "$2" -t echo -p 1 > /dev/full`;
    const { code, stderr } = await runShell(script, [process.execPath, COMMAND, RUNS]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/standard output cannot be written: ENOSPC/)]);
  });
});

describe('run, on a terminal', () => {
  const plain = (text) => text.replace(/\x1b\[1G/g, '\r').replace(/\x1b\[[?\d;]*[A-Za-z]/g, '');
  /** The bar, each time that it was drawn. */
  const bars = (text) =>
    plain(text)
      .split(/[\r\n]/)
      .filter((line) => /[█░]/.test(line));

  test('shows a bar that moves, the logs above it, and prints the result for eyes', async () => {
    // A second is what a busy machine may keep the command from drawing.
    const { ended } = cliOnTerminal(['run', COUNT, '-t', 'count', '-p', countJob('one two three', 1)]);
    const { code, stdout } = await ended;
    const shown = bars(stdout);
    expect(shown.some((line) => /^count █+░+ +33% {2}two/.test(line))).toBe(true);
    expect(shown.at(-1)).toMatch(/^count █+ 100% {2}done/);
    expect(plain(stdout)).toMatch(/debug: two[^]*"words": 3/);
    expect(stdout.lastIndexOf('\x1b[?25h')).toBeGreaterThan(stdout.lastIndexOf('\x1b[?25l'));
    expect(code).toBe(0);
  });

  test('with --quiet there is no bar', async () => {
    const { stdout } = await cliOnTerminal(['run', COUNT, '-t', 'count', '-p', countJob('one'), '-q']).ended;
    expect(stdout).toBe('{\r\n  "words": 1\r\n}\r\n');
  });

  test.each([20, 40])('the bar fits a terminal of %i columns', async (columns) => {
    const payload = countJob('a-rather-long-word-for-such-a-terminal and another', 0.1);
    const { stdout } = await cliOnTerminal(['run', COUNT, '-t', 'count', '-p', payload], { columns }).ended;
    const shown = bars(stdout);
    expect(shown.length).toBeGreaterThan(1);
    expect(Math.max(...shown.map((line) => line.length))).toBeLessThan(columns);
  });

  test('has colours there, and none with NO_COLOR', async () => {
    const failing = ['run', COUNT, '-t', 'nothing', '-p', '1', '-q'];
    const colour = /\x1b\[\d+m/;
    expect((await cliOnTerminal(failing).ended).stdout).toMatch(colour);
    expect((await cliOnTerminal(failing, { env: { NO_COLOR: '1' } }).ended).stdout).not.toMatch(colour);
  });

  test('Ctrl-C there cancels, and the cursor is back', async () => {
    const { type, shows, ended } = cliOnTerminal(['run', COUNT, '-t', 'count', '-p', countJob('a b', 60)]);
    await shows(/ 0%/);
    type('\x03');
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(stdout.lastIndexOf('\x1b[?25h')).toBeGreaterThan(stdout.lastIndexOf('\x1b[?25l'));
  });
});
