import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import runtime from '../../index.js';
import { folder } from '../support/folders.js';
import { appIn, compactingAppIn } from './apps.js';
import { cli, cliOnTerminal } from './command.js';

const runningApp = () => appIn(folder());

/** Every file below a folder with its content and its times. */
function pictureOf(dir) {
  return fs.readdirSync(dir).map((name) => {
    const { mtimeMs, ino } = fs.statSync(path.join(dir, name));
    return [name, ino, mtimeMs, fs.readFileSync(path.join(dir, name), 'latin1')];
  });
}

const out = async (args, options) => (await cli(args, options)).stdout;

describe('cache', () => {
  test('stats, keys, get, prune and clear, beside the running app', async () => {
    const { cacheDir } = await runningApp();
    expect(JSON.parse(await out(['cache', cacheDir, 'stats', '--json']))).toEqual({
      diskCount: 6,
      diskSize: expect.any(Number),
      keys: 5,
    });
    expect(await out(['cache', cacheDir, 'stats'])).toMatch(/^entries +6\nbytes +\d+\nkeys +5 /);
    expect(await out(['cache', cacheDir, 'keys'])).toBe('-dash\nbytes\npage:1\npage:2\n"two\\nlines"\n');
    expect(await out(['cache', cacheDir, 'keys', 'page:', '--json'])).toBe('["page:1","page:2"]\n');
    expect(await out(['cache', cacheDir, 'get', 'page:1'])).toBe('{"text":"one"}\n');
    expect(await out(['cache', cacheDir, 'get', '--', '-dash'])).toBe('3\n');
    expect(JSON.parse(await out(['cache', cacheDir, 'get', 'page:2', '--json']))).toEqual({
      value: 'two',
      expiresAt: expect.any(Number),
    });
    expect(await out(['cache', cacheDir, 'prune'])).toBe('1 expired entries removed\n');
    expect(await out(['cache', cacheDir, 'clear', 'page:'])).toBe('2 cleared\n');
    expect(await out(['cache', cacheDir, 'clear', '--json'])).toBe('{"cleared":3}\n');
    expect(await out(['cache', cacheDir, 'keys'])).toBe('');
  });

  test('the running app sees that it was cleared', async () => {
    const { cacheDir, app } = await runningApp();
    await cli(['cache', cacheDir, 'clear', 'page:']);
    const answer = new Promise((resolve) => app.stdout.once('data', (data) => resolve(String(data))));
    app.stdin.write('page:1\n');
    expect(JSON.parse(await answer)).toEqual({ found: false });
  });

  test('bytes are written as they are, as base64 with --json, and never to a terminal', async () => {
    const { cacheDir } = await runningApp();
    expect(await out(['cache', cacheDir, 'get', 'bytes', '--json'])).toBe('{"base64":"AP8K"}\n');
    const file = path.join(folder(), 'bytes');
    const command = fileURLToPath(new URL('../../cli/bin/desktop-runtime.js', import.meta.url));
    const to = fs.openSync(file, 'w');
    const child = spawn(process.execPath, [command, 'cache', cacheDir, 'get', 'bytes'], {
      stdio: ['ignore', to, 'ignore'],
    });
    await new Promise((resolve) => child.once('exit', resolve));
    fs.closeSync(to);
    expect([...fs.readFileSync(file)]).toEqual([0, 255, 10]);
    const shown = await cliOnTerminal(['cache', cacheDir, 'get', 'bytes'], { columns: 200 }).ended;
    expect([shown.code, shown.stdout]).toEqual([1, expect.stringMatching(/holds 3 bytes.*redirect.*--json/)]);
  });

  test('a key that is not there: exit code 1', async () => {
    const { cacheDir } = await runningApp();
    const { code, stdout, stderr } = await cli(['cache', cacheDir, 'get', 'old']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/there is no entry with the key "old"/);
  });

  test('files that cannot be used: exit code 4, and no empty cache is shown as one', async () => {
    const { cacheDir, end } = await appIn(folder());
    await end();
    const file = path.join(cacheDir, 'cache.db');
    for (const suffix of ['', '-wal', '-shm']) fs.rmSync(file + suffix, { force: true });
    fs.writeFileSync(file, 'no database '.repeat(1000));
    const { code, stderr } = await cli(['cache', cacheDir, 'get', 'page:1']);
    expect([code, stderr]).toEqual([4, expect.stringMatching(/^desktop-runtime: .*cache.*\n$/)]);
  });

  test('a folder that is not there, or is none of a cache, is an error and stays as it was', async () => {
    const empty = folder();
    for (const [dir, why] of [
      [path.join(empty, 'no'), /there is no such folder/],
      [empty, /there is no cache in this folder/],
      [fileURLToPath(import.meta.url), /it is no folder/],
    ]) {
      const { code, stderr } = await cli(['cache', dir, 'clear']);
      expect([code, stderr]).toEqual([4, expect.stringMatching(why)]);
    }
    expect(fs.readdirSync(empty)).toEqual([]);
  });
});

describe('recovery', () => {
  const listed = async (stateDir) => JSON.parse(await out(['recovery', stateDir, 'list', '--json']));

  test('list shows the jobs of a running app and changes nothing there', async () => {
    const { stateDir } = await runningApp();
    const before = pictureOf(stateDir);
    const { jobs, lastHealthCheck } = await listed(stateDir);
    expect(jobs.map(({ list, id, progress, payload }) => [list, id, progress, payload])).toEqual([
      ['running', 'b', 40, { page: 2 }],
      ['pending', 'a', 0, { page: 1 }],
    ]);
    expect(lastHealthCheck).toBe(0);
    const table = await out(['recovery', stateDir, 'list']);
    expect(table).toMatch(
      /^running {2}b {2}scan\n {9}normal, 40%, handed over 0 times, since 20[^]*payload \{"page":2\}/,
    );
    expect(table).toMatch(/1 running, 1 pending, 0 parked; the engine was last ready: never\n$/);
    expect(pictureOf(stateDir)).toEqual(before);
  });

  test('list shows a whole state while the app compacts its files', async () => {
    const stateDir = folder();
    await compactingAppIn(stateDir);
    const generation = () => Math.max(...fs.readdirSync(stateDir).map((name) => Number(/\d+/.exec(name))));
    const first = generation();
    for (let count = 0; count < 5; count += 1) {
      const { code, stdout, stderr } = await cli(['recovery', stateDir, 'list', '--json']);
      const kept = JSON.parse(stdout).jobs.filter(({ id }) => id.startsWith('keep-'));
      expect([code, kept.length, stderr]).toEqual([0, 10, '']);
    }
    expect(generation()).toBeGreaterThan(first);
  });

  test('drop refuses while the app runs, with exit code 4, and drops behind its end', async () => {
    const { stateDir, end } = await runningApp();
    const refused = await cli(['recovery', stateDir, 'drop', 'a']);
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toMatch(/^desktop-runtime: .*: a running app has this folder; end the app first\..*\n$/);
    expect((await listed(stateDir)).jobs).toHaveLength(2);
    await end();
    expect(await out(['recovery', stateDir, 'drop', 'a'])).toBe('1 dropped, 1 left\n');
    const recovery = new runtime.CrashRecovery(new EventEmitter(), { stateDir, autoRecover: false });
    await recovery.init();
    expect(recovery.getRecoverableJobs().map(({ id }) => id)).toEqual(['b']);
    await recovery.shutdown();
  });

  test('parked jobs are listed as such, and dropped', async () => {
    const stateDir = folder();
    // It logs what the callback throws.
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const recovery = new runtime.CrashRecovery(new EventEmitter(), {
      stateDir,
      autoRecover: false,
      maxAttempts: 1,
      onJobRecovery: () => Promise.reject(new Error('no')),
    });
    await recovery.init();
    recovery.trackJob({ id: 'poison', type: 'scan', payload: null });
    await recovery.recover();
    await recovery.recover();
    await recovery.shutdown();
    vi.restoreAllMocks();
    expect((await listed(stateDir)).jobs.map(({ list, id }) => [list, id])).toEqual([['parked', 'poison']]);
    expect(await out(['recovery', stateDir, 'drop', 'poison', '--json'])).toBe('{"dropped":["poison"],"left":0}\n');
    expect((await listed(stateDir)).jobs).toEqual([]);
  });

  test('an id that is not there: exit code 1, and nothing is dropped', async () => {
    const { stateDir } = await runningApp();
    const { code, stderr } = await cli(['recovery', stateDir, 'drop', 'a', 'zz']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/there is no job zz; nothing was dropped/)]);
  });

  test('damage is told, and what can be read is listed', async () => {
    const { stateDir, end } = await runningApp();
    await end();
    const [journal] = fs.readdirSync(stateDir).filter((name) => name.endsWith('.log'));
    const file = path.join(stateDir, journal);
    const bytes = fs.readFileSync(file);
    // Inside of the first job's record.
    bytes[bytes.indexOf('"a"')] ^= 1;
    fs.writeFileSync(file, bytes);
    const { stdout, stderr } = await cli(['recovery', stateDir, 'list', '--json']);
    expect(JSON.parse(stdout).jobs.map(({ id }) => id)).toEqual(['b']);
    expect(stderr).toMatch(/the files are damaged; this is what can be read of them/);
    expect(fs.readFileSync(file).equals(bytes)).toBe(true);
  });

  test('a folder without a recovery state is an error and stays as it was', async () => {
    const empty = folder();
    for (const action of [['list'], ['drop', 'a']]) {
      const { code, stderr } = await cli(['recovery', empty, ...action]);
      expect([code, stderr]).toEqual([4, expect.stringMatching(/there is no recovery state in this folder/)]);
    }
    expect(fs.readdirSync(empty)).toEqual([]);
  });
});
