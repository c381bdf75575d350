// The app of the trial, for any Node from 12.14 on and for Electron's main process. Its last arguments are what to do and a
// folder. What it finds goes to the driver over TCP, a line of JSON each: its stdout may be no pipe (Wine).
'use strict';

const net = require('net');
const path = require('path');

const [way, folder] = process.argv.slice(-2);
const socket = net.connect(Number(process.env.TRIAL_PORT), '127.0.0.1');
const say = (value) => new Promise((resolve) => socket.write(`${JSON.stringify(value)}\n`, resolve));

const failure = (promise) =>
  promise.then(
    () => 'resolved',
    (error) => [error.code, error.message],
  );

const runtime = () => require('@niche-knack/desktop-runtime');

function newEngine(env) {
  const { EngineClient } = runtime();
  const [enginePath, ...args] = JSON.parse(process.env.TRIAL_COMMAND);
  const asNode = process.versions.electron ? { ELECTRON_RUN_AS_NODE: '1' } : {};
  // Emulated, a Node takes many seconds to start.
  const patient = { startupTimeout: 120000, requestTimeout: 120000, killTimeout: 20000 };
  return new EngineClient({
    enginePath,
    args: [...args, path.join(__dirname, 'engine.js'), 'engine'],
    env: { ...env, ...asNode },
    ...patient,
  });
}

const ways = {
  /** Load, engine, calls, jobs, stop. */
  async works() {
    const { EngineClient, JobManager } = runtime();
    const engine = newEngine();
    const found = {};
    if (!process.env.TRIAL_SPAWNS_ANYTHING) {
      const nowhere = new EngineClient({ enginePath: path.join(folder, 'nothing here') });
      found.noEngine = (await failure(nowhere.on('error', () => {}).start()))[0];
    }
    await engine.start();
    found.version = (await engine.call('version')) === process.versions.node;
    found.echo = await engine.call('echo', { text: 'Zoë 🦜\u2028', list: [1.5, null] });
    found.unknown = (await failure(engine.call('no/such')))[0];
    const jobs = new JobManager(engine, { concurrency: 4 });
    const progress = [];
    jobs.on('job:progress', (job) => progress.push(job.progress));
    found.job = await jobs.submit('echo', { page: 1 });
    found.progress = progress.slice();
    found.failed = await failure(jobs.submit('translate', null));
    const started = new Promise((resolve) => jobs.once('job:started', resolve));
    const staying = jobs.submit('stay', null);
    const ended = failure(staying);
    await started;
    found.cancelled = [await staying.cancel(), (await ended)[0]];
    const all = await Promise.all(Array.from({ length: 100 }, (_, index) => jobs.submit('echo', index)));
    found.results = all.filter((result, index) => result.data === index).length;
    const large = 'x'.repeat(3 * 1024 * 1024);
    found.large = (await engine.call('echo', { large })).large === large;
    await engine.stop();
    found.afterStop = engine.isReady();
    await say({ found });
  },

  /** Sets entries until it is killed, and says each that was acknowledged. */
  async 'fills a cache'() {
    const { CacheManager } = runtime();
    const cache = new CacheManager({ cacheDir: folder });
    for (let at = 0; ; at += 1) {
      const { success } = await cache.set(`key ${at}`, { at, text: 'ü'.repeat(2000) });
      await say({ acknowledged: at, success });
    }
  },

  async 'reads the cache'() {
    const { CacheManager } = runtime();
    const cache = new CacheManager({ cacheDir: folder });
    const keys = await cache.keys();
    const values = await Promise.all(keys.map((key) => cache.get(key)));
    const whole = values.filter(({ value }, index) => value && `key ${value.at}` === keys[index]);
    const again = await cache.set('again', 1);
    await cache.close();
    await say({ found: { keys, whole: whole.length, again: again.success } });
  },

  /** Submits jobs that do not end, tells of them, and waits for its own end. */
  async 'leaves jobs'() {
    const { CrashRecovery, JobManager } = runtime();
    const engine = newEngine({ TRIAL_HOLDS: '1' });
    const manager = new JobManager(engine, { concurrency: 2 });
    await new CrashRecovery(engine, { stateDir: folder, manager }).init();
    await engine.start();
    const started = new Promise((resolve) => manager.once('job:started', resolve));
    const ids = Array.from({ length: 5 }, (_, index) => {
      const job = manager.submit('echo', { index });
      job.catch(() => {});
      return job.jobId;
    });
    await started;
    await say({ left: ids });
  },

  /** The same folder and another engine, which ends what it is given. */
  async 'recovers jobs'() {
    const { CrashRecovery, JobManager } = runtime();
    const engine = newEngine();
    const manager = new JobManager(engine, { concurrency: 2 });
    const recovery = new CrashRecovery(engine, { stateDir: folder, manager });
    const ended = [];
    manager.on('job:completed', ({ jobId, success }) => success && ended.push(jobId));
    await recovery.init();
    await engine.start();
    await manager.onIdle();
    await new Promise(setImmediate);
    const left = recovery.getRecoverableJobs().length;
    await recovery.shutdown();
    await engine.stop();
    await say({ found: { ended: ended.sort(), left } });
  },
};

async function main() {
  if (process.versions.electron && process.type === 'browser') await require('electron').app.whenReady();
  await say({ role: 'app', pid: process.pid });
  await ways[way]();
}

function leave(code) {
  socket.end(() => {
    process.exitCode = code;
    if (process.type === 'browser') require('electron').app.exit(code);
  });
}

main().then(
  () => way !== 'leaves jobs' && leave(0),
  (error) => say({ thrown: String(error && error.stack) }).then(() => leave(3)),
);
