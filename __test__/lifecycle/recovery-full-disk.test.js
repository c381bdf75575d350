import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { app, appIn } from '../support/app.js';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { asideIn, idsOf, job, jobsLeftIn, journalsIn, openRecovery } from '../support/crash-recovery.js';

const lines = consoleErrors();

const LINUX = process.platform === 'linux';
const mounted = [];
afterEach(() => mounted.splice(0).forEach((place) => spawnSync('umount', ['-l', place])));

/** A disk of that size; needs the right to mount. */
function smallDisk(options) {
  const place = folder();
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', place]);
  if (status !== 0) return null;
  mounted.push(place);
  return place;
}

const CAN_MOUNT =
  LINUX &&
  (() => {
    const place = smallDisk('size=64k');
    mounted.splice(0).forEach((mount) => spawnSync('umount', ['-l', mount]));
    return place !== null;
  })();
const CAN_LIMIT = LINUX && spawnSync('prlimit', ['--version']).status === 0;

/** Sends lines to an app, and waits until it has answered the last. */
async function tell({ child, output }, ...sent) {
  const before = output.length;
  child.stdin.write(sent.map((line) => `${line}\n`).join(''));
  return eventually(() => output.length >= before + sent.length && output.slice(before), 'the answers');
}

function answering(running) {
  const output = [];
  let rest = '';
  running.child.stdout.on('data', (text) => {
    const all = (rest + text).split('\n');
    rest = all.pop();
    output.push(...all.map((line) => JSON.parse(line)));
  });
  let errors = '';
  running.child.stderr.on('data', (text) => (errors += text));
  return { ...running, output, errors: () => errors.split('\n').filter(Boolean) };
}

const many = (from, to) => Array.from({ length: to - from }, (_, n) => `job ${from + n}`);

describe('when the append fails, the change stays in memory, is logged once, and is appended again every persistInterval', () => {
  test.runIf(CAN_MOUNT)('a full disk, that has room again later', async () => {
    const disk = smallDisk('size=256k');
    const stateDir = path.join(disk, 'state');
    const running = answering(app('fills-a-disk.js', stateDir));
    await running.said;
    fs.writeFileSync(path.join(disk, 'filler'), 'x'.repeat(150_000));
    await tell(running, ...many(0, 200));
    expect((await tell(running, ''))[0]).toEqual(many(0, 200));
    await eventually(() => running.errors().length > 0, 'the line in the log');
    expect(running.errors()).toHaveLength(1);
    expect(running.errors()[0]).toMatch(
      /^\[Recovery\] Changes cannot be written to .*(No space left|the disk is full)/,
    );
    // What was appended before is there, nothing is damaged.
    const some = idsOf(await jobsLeftIn(stateDir));
    expect(some.length).toBeGreaterThan(20);
    expect(some).toEqual(many(0, some.length));
    fs.rmSync(path.join(disk, 'filler'));
    execFileSync('mount', ['-o', 'remount,size=4m', disk]);
    await eventually(async () => (await jobsLeftIn(stateDir)).length === 200, 'everything in the folder');
    await tell(running, 'job 200');
    running.child.kill('SIGKILL');
    await running.ended;
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(many(0, 201));
    expect(running.errors()).toHaveLength(1);
    expect([lines, asideIn(stateDir)]).toEqual([[], []]);
  });

  test.runIf(CAN_MOUNT)('a disk that is full from the start', async () => {
    const disk = smallDisk('size=256k,nr_inodes=3');
    const stateDir = path.join(disk, 'state');
    const running = answering(app('fills-a-disk.js', stateDir));
    await running.said;
    await tell(running, 'a', 'b');
    execFileSync('mount', ['-o', 'remount,nr_inodes=100', disk]);
    await eventually(
      async () =>
        fs.existsSync(path.join(stateDir, 'recovery-state.json')) && (await jobsLeftIn(stateDir)).length === 2,
      'both jobs in the folder',
    );
    await eventually(() => running.errors().length > 0, 'the line in the log');
    expect(running.errors()).toHaveLength(1);
    running.child.stdin.write('end\n');
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  test.runIf(CAN_LIMIT)('a file that may grow no more', async () => {
    const stateDir = folder();
    const limited = (script) => ({
      command: 'prlimit',
      args: ['--fsize=65536:unlimited', process.execPath, script],
    });
    const running = answering(appIn(limited, 'fills-a-disk.js', stateDir));
    await running.said;
    await tell(running, ...many(0, 100));
    await eventually(() => running.errors().length > 0, 'the line in the log');
    expect(running.errors()).toHaveLength(1);
    const some = idsOf(await jobsLeftIn(stateDir));
    expect(some.length).toBeGreaterThan(40);
    expect(some).toEqual(many(0, some.length));
    execFileSync('prlimit', ['--pid', String(running.child.pid), '--fsize=unlimited:unlimited']);
    await eventually(async () => (await jobsLeftIn(stateDir)).length === 100, 'everything in the folder');
    await tell(running, 'job 100');
    running.child.kill('SIGKILL');
    await running.ended;
    expect(idsOf(await jobsLeftIn(stateDir))).toEqual(many(0, 101));
    expect(running.errors()).toHaveLength(1);
    expect([lines, asideIn(stateDir)]).toEqual([[], []]);
  });
});

test.runIf(CAN_MOUNT)('a folder that may only be read: its jobs are recovered, changes stay in memory', async () => {
  const disk = smallDisk('size=256k');
  const before = await openRecovery({ stateDir: disk, autoRecover: false });
  before.trackJob(job('a'));
  await before.shutdown();
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  const recovery = await openRecovery({ stateDir: disk, autoRecover: false, persistInterval: 20 });
  recovery.trackJob(job('b'));
  recovery.removeJob('a');
  expect(idsOf(recovery.getRecoverableJobs())).toEqual(['b']);
  expect(lines).toHaveLength(1);
  execFileSync('mount', ['-o', 'remount,rw', disk]);
  await eventually(async () => idsOf(await jobsLeftIn(disk)).join() === 'b', 'the state in the folder');
  // The old one is removed behind the snapshot.
  await eventually(() => journalsIn(disk).length === 1, 'one journal');
  await recovery.shutdown();
});
