import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { gone } from '../support/processes.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const running = new Set();
afterEach(() => running.forEach((child) => child.kill('SIGKILL')));

const PRELUDE = `
const path = require('path');
const { createJobStream, EngineClient, JobManager, StreamHandler } = require(${JSON.stringify(ROOT)});
console.error = () => {};
const engine = (name) => new EngineClient({
  enginePath: process.execPath, args: [path.join(${JSON.stringify(ROOT)}, '__test__/fixtures/engines', name)],
});
const event = (type, data, jobId = 'j') => ({ type, jobId, timestamp: 1, data });
const say = (...what) => process.stdout.write(JSON.stringify(what) + '\\n');
const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const flood = (count) => Array.from({ length: count }, (_, n) => JSON.stringify(event('partial', n)) + '\\n').join('');
`;

/** Runs a script in a Node of its own: how it ended, how long that took, and the lines that it said. */
function run(script, ...flags) {
  const began = performance.now();
  const child = spawn(process.execPath, [...flags, '-e', `${PRELUDE}\n${script}`], { cwd: ROOT });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      running.delete(child);
      const said = stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
      resolve({ code, signal, said, stderr, took: performance.now() - began });
    });
  });
}

describe('nothing keeps the process alive when nothing is pending', () => {
  test('a StreamHandler with subscribers, listeners, a waiting loop, and what it keeps for 60 s', async () => {
    const { code, took, said } = await run(`
      const stream = new StreamHandler();
      const client = engine('does-as-told.js');
      stream.attach(client);
      stream.attach(new JobManager(client));
      stream.subscribe('j', () => {}, undefined, { replay: true });
      stream.on('event', () => {});
      (async () => { for await (const each of createJobStream(stream, 'k')) say(each); say('ended'); })();
      for (const type of ['partial', 'result']) stream.dispatch(event(type));
      say(stream.getStats().replayBytes > 0);
    `);
    expect([code, said]).toEqual([0, [[true]]]);
    expect(took).toBeLessThan(20_000);
  });

  test('after an engine that was attached has stopped', async () => {
    const { code, took, said } = await run(`
      const stream = new StreamHandler();
      const client = engine('does-as-told.js');
      const detach = stream.attach(client);
      stream.subscribe('j', ({ type }) => say(type));
      client.start()
        .then(() => client.call('print', { stdout: JSON.stringify(event('result', 1)) + '\\n' }))
        .then(() => client.stop())
        .then(() => say('stopped', stream.getStats().replayBytes > 0));
    `);
    expect([code, said]).toEqual([0, [['result'], ['stopped', true]]]);
    expect(took).toBeLessThan(20_000);
  });
});

test('`process.exit()` in a handler in the middle of a flood: the code is kept, and the engine is gone', async () => {
  const { code, said, stderr } = await run(`
    const stream = new StreamHandler();
    const client = engine('writes-raw-job-events.js');
    stream.attach(client);
    stream.subscribe('j', ({ data }) => {
      if (data !== 1000) return;
      say(client.getStats().pid);
      process.exit(5);
    }, undefined, { replay: true });
    client.start().then(() => client.call('print', { stdout: flood(50000) }));
  `);
  expect([code, said.length, stderr]).toEqual([5, 1, '']);
  await gone(said[0][0], 5000);
});

test('worker threads: one that is terminated in a flood takes nothing of the main thread’s along', async () => {
  const { code, said, took } = await run(`
    const { Worker, isMainThread } = require('worker_threads');
    const worker = new Worker(${JSON.stringify(PRELUDE)} + \`
      const stream = new StreamHandler();
      const client = engine('writes-raw-job-events.js');
      stream.attach(client);
      let count = 0;
      const { parentPort } = require('worker_threads');
      stream.subscribe('j', () => { count += 1; if (count === 1000) parentPort.postMessage(client.getStats().pid); }, undefined, { replay: true });
      client.start().then(() => { client.call('print', { stdout: flood(200000) }); });
    \`, { eval: true });
    // A message that comes before somebody listens is lost.
    const flooded = new Promise((resolve) => worker.once('message', resolve));
    const stream = new StreamHandler();
    const client = engine('writes-raw-job-events.js');
    stream.attach(client);
    let count = 0;
    stream.subscribe('j', () => (count += 1));
    (async () => {
      await client.start();
      const pid = await flooded;
      await worker.terminate();
      await client.call('print', { stdout: flood(5000) });
      say(pid, count);
      await client.stop();
    })();
  `);
  expect([code, said[0][1]]).toEqual([0, 5000]);
  expect(took).toBeLessThan(25_000);
  await gone(said[0][0], 5000);
});

test('collected: a StreamHandler that was detached, and one that is dropped together with its engine and manager', async () => {
  const { code, said } = await run(
    `
      const finished = [];
      const registry = new FinalizationRegistry((name) => finished.push(name));
      const client = engine('does-as-told.js');
      const jobs = new JobManager(client);
      const used = (stream, ...sources) => {
        const detaches = sources.map((source) => stream.attach(source));
        stream.subscribe('j', () => stream, undefined, { replay: true });
        stream.on('event', () => stream);
        stream.dispatch(event('partial'));
        createJobStream(stream, 'j').cancel();
        return () => detaches.forEach((detach) => detach());
      };
      (() => {
        const detached = new StreamHandler();
        used(detached, client, jobs)();
        registry.register(detached, 'detached');
        const own = engine('does-as-told.js');
        const dropped = new StreamHandler();
        used(dropped, own, new JobManager(own));
        registry.register(dropped, 'dropped');
        registry.register(own, 'its engine');
      })();
      (async () => {
        for (let n = 0; n < 100 && finished.length < 3; n += 1) { await delay(20); global.gc(); }
        say(...finished.sort());
      })();
    `,
    '--expose-gc',
  );
  expect([code, said]).toEqual([0, [['detached', 'dropped', 'its engine']]]);
});

test.runIf(process.platform === 'linux')(
  'an idle one wakes nobody: what it keeps costs no turn of any thread',
  async () => {
    const { said } = await run(`
    const fs = require('fs');
    const switches = () => fs.readdirSync('/proc/self/task').reduce((sum, task) => {
      const status = fs.readFileSync('/proc/self/task/' + task + '/status', 'utf8');
      return sum + Number(/^voluntary_ctxt_switches:\\s+(\\d+)/m.exec(status)[1]);
    }, 0);
    const stream = new StreamHandler();
    const client = engine('writes-raw-job-events.js');
    stream.attach(client);
    stream.attach(new JobManager(client));
    stream.subscribe('j', () => {}, undefined, { replay: true });
    (async () => {
      await client.start();
      await client.call('print', { stdout: flood(100) + JSON.stringify(event('result', 1)) + '\\n' });
      await delay(500);
      const before = switches();
      await delay(1500);
      say(switches() - before);
      await client.stop();
    })();
  `);
    // Those of Node itself for the two timers, and for reading the files.
    expect(said[0][0]).toBeLessThan(40);
  },
);

test('a thousand StreamHandlers come and go on one engine: no listener, no subscription, no descriptor is left', async () => {
  const { said } = await run(`
    const fs = require('fs');
    const client = engine('writes-raw-job-events.js');
    const jobs = new JobManager(client);
    const descriptors = () => (process.platform === 'linux' ? fs.readdirSync('/proc/self/fd').length : 0);
    const threads = () => (process.platform === 'linux' ? fs.readdirSync('/proc/self/task').length : 0);
    (async () => {
      await client.start();
      const once = async () => {
        const stream = new StreamHandler();
        const detaches = [stream.attach(client), stream.attach(jobs)];
        stream.on('event', () => {});
        stream.subscribe('j', () => {}, undefined, { replay: true });
        await null;
        detaches.forEach((detach) => detach());
      };
      await once();
      const before = [client.eventNames(), jobs.eventNames(), descriptors(), threads()];
      for (let n = 0; n < 1000; n += 1) await once();
      const { dropped } = client.getStats();
      say(before, [client.eventNames(), jobs.eventNames(), descriptors(), threads()]);
      await client.stop();
    })();
  `);
  expect(said[0][1]).toEqual(said[0][0]);
});
