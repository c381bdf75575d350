import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import {
  elsewhere,
  eventsOf,
  filesOf,
  ids,
  job,
  leftIn,
  openRecovery,
  readIn,
  recovery,
  snapshotOf,
} from '../support/recovery-folders.js';

const logged = consoleErrors();

describe('in a second process', () => {
  test('`init()` resolves; `console.error` and recovery:locked report `STATE_LOCKED`', async () => {
    const stateDir = folder();
    const first = elsewhere(stateDir);
    await first.said;
    await first.ask('trackJob', job('theirs'));
    const handed = [];
    const one = recovery({ stateDir, onJobRecovery: (each) => handed.push(each.id) });
    const events = eventsOf(one);
    expect(await one.init()).toBeUndefined();
    expect(events.map(([name]) => name)).toEqual(['locked']);
    expect(Object.keys(events[0][1])).toEqual(['error']);
    const { error } = events[0][1];
    expect(error).toBeInstanceOf(runtime.EngineError);
    expect(error).toBeInstanceOf(Error);
    expect(error.code).toBe('STATE_LOCKED');
    expect(error.message).toContain(stateDir);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain(stateDir);
    expect(handed).toEqual([]);
    expect(one.getRecoverableJobs()).toEqual([]);
  });

  test('the object works in memory only: it changes no file, whatever it does', async () => {
    const stateDir = folder();
    const first = elsewhere(stateDir);
    await first.said;
    await first.ask('trackJob', job('theirs'));
    const before = filesOf(stateDir);
    const handed = [];
    const one = recovery({ stateDir, persistInterval: 1, onJobRecovery: (each) => handed.push(each.id) });
    one.trackJob(job('early'));
    await one.init();
    expect(handed).toEqual(['early']);
    one.trackJob(job('mine'));
    one.updateJobState('mine', 'running', 5);
    expect(ids(one.getRecoverableJobs())).toEqual(['mine']);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(filesOf(stateDir)).toEqual(before);
    await one.recover();
    await one.clearState();
    await one.shutdown();
    expect(filesOf(stateDir)).toEqual(before);
    expect(ids((await first.ask('getRecoverableJobs')) || [])).toEqual(['theirs']);
    await first.kill();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['theirs']);
  });

  test('a listener of recovery:locked that throws changes nothing', async () => {
    const stateDir = folder();
    await elsewhere(stateDir).said;
    const one = recovery({ stateDir, autoRecover: false });
    one.on('recovery:locked', () => {
      throw new Error('a defect');
    });
    await one.init();
    one.trackJob(job('a'));
    expect(ids(one.getRecoverableJobs())).toEqual(['a']);
  });

  test.each(['SIGKILL', 'SIGTERM', 'process.exit()', 'shutdown()'])(
    'the folder is free when the first has ended: %s',
    async (way) => {
      const stateDir = folder();
      const first = elsewhere(stateDir);
      await first.said;
      await first.ask('trackJob', job('theirs'));
      if (way === 'shutdown()') await first.ask('shutdown');
      else if (way === 'process.exit()') first.child.stdin.write('["exit"]\n');
      else first.child.kill(way);
      if (way !== 'shutdown()') await first.ended;
      const one = await openRecovery({ stateDir, autoRecover: false });
      expect(ids(one.getRecoverableJobs())).toEqual(['theirs']);
      expect(logged).toEqual([]);
    },
  );

  test('one that was locked out gets the folder with `shutdown()` and `init()`, and brings its jobs along', async () => {
    const stateDir = folder();
    const first = elsewhere(stateDir);
    await first.said;
    await first.ask('trackJob', job('theirs'));
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('mine'));
    await first.kill();
    await one.shutdown();
    await one.init();
    expect(ids(one.getRecoverableJobs()).sort()).toEqual(['mine', 'theirs']);
    expect(ids((await leftIn(stateDir)).jobs).sort()).toEqual(['mine', 'theirs']);
  });

  test('of eight that begin at once one has the folder', async () => {
    const stateDir = folder();
    const all = Array.from({ length: 8 }, () => elsewhere(stateDir));
    const found = await Promise.all(all.map(({ said }) => said));
    expect(found.filter(({ locked }) => locked.length === 0)).toHaveLength(1);
    expect(found.filter(({ locked }) => locked.length === 1 && locked[0].code === 'STATE_LOCKED')).toHaveLength(7);
  });

  test('a process that the app started, and that outlives it, does not hold the folder', async () => {
    const stateDir = folder();
    const script = `
      const { CrashRecovery } = require(${JSON.stringify(path.resolve('index.js'))});
      const { EventEmitter } = require('events');
      const one = new CrashRecovery(new EventEmitter(), { stateDir: ${JSON.stringify(stateDir)} });
      one.init().then(() => {
        one.trackJob({ id: 'theirs', type: 't', payload: 1, priority: 'low' });
        const child = require('child_process').spawn('sleep', ['30'], { detached: true, stdio: 'ignore' });
        require('fs').writeSync(1, String(child.pid));
        process.kill(process.pid, 'SIGKILL');
      });`;
    const child = spawn(process.execPath, ['-e', script]);
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    await new Promise((resolve) => child.on('close', resolve));
    try {
      const one = await openRecovery({ stateDir, autoRecover: false });
      expect(ids(one.getRecoverableJobs())).toEqual(['theirs']);
      expect(logged).toEqual([]);
    } finally {
      process.kill(Number(text), 'SIGKILL');
    }
  });
});

describe('within one process a later `init()` on the same folder takes it over', () => {
  const takenOver = async (laterDir = (stateDir) => stateDir) => {
    const stateDir = folder();
    const earlier = await openRecovery({ stateDir, autoRecover: false, persistInterval: 1 });
    earlier.trackJob(job('a'));
    const events = eventsOf(earlier);
    const later = await openRecovery({ stateDir: laterDir(stateDir), autoRecover: false });
    return { stateDir, earlier, later, events };
  };

  test.each([
    ['the same name', (stateDir) => stateDir],
    ['a slash behind it', (stateDir) => `${stateDir}/`],
    ['a way round', (stateDir) => `${stateDir}/../${path.basename(stateDir)}/.`],
    ['relative', (stateDir) => path.relative(process.cwd(), stateDir)],
    [
      'a link',
      (stateDir) => {
        const link = path.join(folder(), 'link');
        fs.symlinkSync(stateDir, link);
        return link;
      },
    ],
  ])('%s: it finds everything, and the folder is its own', async (_, laterDir) => {
    const { stateDir, earlier, later, events } = await takenOver(laterDir);
    expect(ids(later.getRecoverableJobs())).toEqual(['a']);
    later.trackJob(job('b'));
    earlier.trackJob(job('in memory'));
    earlier.removeJob('a');
    expect(ids(earlier.getRecoverableJobs())).toEqual(['in memory']);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['a', 'b']);
    expect(events).toEqual([]);
    expect(logged).toEqual([]);
  });

  test('`shutdown()` and `clearState()` of the earlier one leave the folder and its lock alone', async () => {
    const { stateDir, earlier, later } = await takenOver();
    await earlier.clearState();
    await earlier.shutdown();
    const second = elsewhere(stateDir);
    expect((await second.said).locked).toHaveLength(1);
    later.trackJob(job('b'));
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['a', 'b']);
    await later.shutdown();
    expect(ids(snapshotOf(stateDir).pendingJobs)).toEqual(['a', 'b']);
    expect((await elsewhere(stateDir).said).locked).toEqual([]);
  });

  test('the earlier one’s `init()` behind its `shutdown()` takes it back', async () => {
    const { stateDir, earlier, later } = await takenOver();
    later.trackJob(job('b'));
    await earlier.shutdown();
    await earlier.init();
    expect(ids(earlier.getRecoverableJobs())).toEqual(['a', 'b']);
    later.trackJob(job('in memory'));
    earlier.trackJob(job('c'));
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['a', 'b', 'c']);
  });

  test('ten at once: one has it in the end, and no job is lost or doubled', async () => {
    const stateDir = folder();
    const first = await openRecovery({ stateDir, autoRecover: false });
    first.trackJob(job('a'));
    await first.shutdown();
    const all = await Promise.all(Array.from({ length: 10 }, () => openRecovery({ stateDir, autoRecover: false })));
    for (const [index, one] of all.entries()) one.trackJob(job(`own ${index}`));
    const found = ids((await leftIn(stateDir)).jobs);
    expect(found).toContain('a');
    expect(found.filter((id) => id.startsWith('own '))).toHaveLength(1);
    await Promise.all(all.map((one) => one.shutdown()));
    expect(ids((await readIn(stateDir)).jobs)).toEqual(found);
    expect(logged).toEqual([]);
  });

  test('across worker threads; a terminated worker holds nothing', async () => {
    const stateDir = folder();
    const script = `
      const { parentPort, workerData } = require('worker_threads');
      const { CrashRecovery } = require(workerData.index);
      const { EventEmitter } = require('events');
      const one = new CrashRecovery(new EventEmitter(), { stateDir: workerData.stateDir, autoRecover: false });
      one.init().then(() => {
        const found = one.getRecoverableJobs().map(({ id }) => id);
        one.trackJob({ id: 'from the worker', type: 't', payload: 1, priority: 'low' });
        parentPort.postMessage(found);
      });
      parentPort.on('message', () => one.trackJob({ id: 'late', type: 't', payload: 1, priority: 'low' }));`;
    const one = await openRecovery({ stateDir, autoRecover: false });
    one.trackJob(job('a'));
    const worker = new Worker(script, { eval: true, workerData: { index: path.resolve('index.js'), stateDir } });
    const found = await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
    expect(found).toEqual(['a']);
    one.trackJob(job('in memory'));
    expect(ids((await leftIn(stateDir)).jobs)).toEqual(['a', 'from the worker']);
    await worker.terminate();
    const next = await openRecovery({ stateDir, autoRecover: false });
    expect(ids(next.getRecoverableJobs())).toEqual(['a', 'from the worker']);
    expect(logged).toEqual([]);
  });
});
