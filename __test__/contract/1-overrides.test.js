import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { engine, startedEngine } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { failureOf, quietly } from '../support/job-engines.js';

const { CrashRecovery, EngineClient, JobManager, StreamHandler, createJobStream } = runtime;
consoleErrors();

const FIXTURE = 'runs-jobs-on-command.js';
const DONE = { behind: [['result', 'done']] };

/** The method is for the app alone: no class of the package calls it. */
const ALONE = { by: 'nobody else' };

/**
 * A subclass that overrides one method. `calls` has the arguments of each call; `instead` may take the place of the method
 * and gets it as its first argument.
 */
function overriding(Base, name, instead = (base, ...args) => base(...args)) {
  const calls = [];
  class Class extends Base {}
  Class.prototype[name] = function override(...args) {
    calls.push(args);
    return instead.call(this, Base.prototype[name].bind(this), ...args);
  };
  return { Class, calls };
}

const started = (Client, options) => startedEngine(FIXTURE, { Client, ...options });

/** A folder in which an earlier process has left these jobs. */
async function stateWith(...ids) {
  const stateDir = `${folder()}/state`;
  const before = new CrashRecovery(engine(FIXTURE), { stateDir, autoRecover: false });
  await before.init();
  for (const id of ids) before.trackJob({ id, type: 't', payload: DONE, priority: 'high' });
  await before.shutdown();
  return stateDir;
}

/** Runs `body` with a recovery that is shut down behind it. */
async function withRecovery(client, options, body, Recovery = CrashRecovery) {
  const recovery = new Recovery(client, options);
  try {
    await recovery.init();
    await body(recovery);
  } finally {
    await recovery.shutdown();
  }
}

/** A job through a followed manager, from its submission to its end. */
async function followedJob(Recovery) {
  const client = await started();
  const manager = new JobManager(client);
  const options = { stateDir: `${folder()}/state`, manager };
  await withRecovery(
    client,
    options,
    async (recovery) => {
      await manager.submit('t', DONE, { id: 'a' });
      await eventually(() => recovery.getStats().runningJobs === 0, 'the end of the job');
    },
    Recovery,
  );
}

const ROWS = {
  EngineClient: {
    start: ALONE,
    stop: {
      by: 'the client, when a restart finds no environment',
      async check(over) {
        const { Class, calls } = over();
        let isBroken = false;
        const value = {
          toString() {
            if (isBroken) throw new Error('no text');
            return 'text';
          },
        };
        const client = await started(Class, { env: { VALUE: value }, restartDelay: 0 });
        isBroken = true;
        await failureOf(client.call('exit'));
        await eventually(() => calls.length > 0, 'stop()');
      },
    },
    isReady: {
      by: 'call, notify and JobManager',
      async check(over) {
        const client = await started(over(() => false).Class);
        const jobs = new JobManager(client);
        quietly(jobs.submit('t', DONE));
        expect(jobs.getActiveCount()).toBe(0);
        for (const asked of [client.call('asked'), client.notify('asked')]) {
          expect((await failureOf(asked)).message).toBe('Engine not ready');
        }
      },
    },
    call: {
      by: 'JobManager',
      async check(over) {
        const { Class, calls } = over();
        const jobs = new JobManager(await started(Class));
        await jobs.submit('t', DONE);
        const running = quietly(jobs.submit('t', { id: 'x' }));
        await eventually(() => jobs.getStatus(running.jobId).state === 'running', 'the start');
        await running.cancel();
        expect(calls.map(([method]) => method)).toEqual(['jobs.start', 'jobs.start', 'jobs.cancel']);
      },
    },
    notify: ALONE,
    onJobEvent: {
      by: 'JobManager and StreamHandler.attach',
      async check(over) {
        const { Class, calls } = over();
        const client = await started(Class);
        await new JobManager(client).submit('t', DONE);
        expect(calls.map(([jobId]) => jobId)).toEqual(['e1']);
        const stream = new StreamHandler();
        const detach = stream.attach(client);
        stream.subscribe('mine', () => {});
        expect(calls.map(([jobId]) => jobId)).toEqual(['e1', 'mine']);
        detach();
      },
    },
    on: {
      by: 'CrashRecovery',
      async check(over) {
        const { Class, calls } = over();
        const client = await started(Class);
        await withRecovery(client, { stateDir: `${folder()}/state` }, () => {
          expect(calls.map(([name]) => name)).toEqual(expect.arrayContaining(['ready', 'restart']));
        });
      },
    },
    emit: {
      by: 'every event',
      async check(over) {
        const { Class, calls } = over();
        const client = await started(Class);
        await client.stop();
        expect(calls.map(([name]) => name)).toEqual(['ready', 'exit']);
      },
    },
    ref: ALONE,
    unref: ALONE,
    getStats: ALONE,
  },

  JobManager: {
    submit: {
      by: 'CrashRecovery with `manager`',
      async check(over) {
        const { Class, calls } = over();
        const client = await started();
        await withRecovery(client, { stateDir: await stateWith('a', 'b'), manager: new Class(client) }, () => {
          expect(calls).toMatchObject([
            ['t', DONE, { id: 'a', priority: 'high' }],
            ['t', DONE, { id: 'b', priority: 'high' }],
          ]);
        });
      },
    },
    getStatus: {
      by: 'CrashRecovery with `manager`',
      async check(over) {
        const { Class, calls } = over();
        const client = await started();
        await withRecovery(client, { stateDir: await stateWith('a'), manager: new Class(client) }, () => {
          expect(calls.map(([id]) => id)).toContain('a');
        });
      },
    },
    cancel: {
      by: 'the promise’s cancel() and `signal`',
      async check(over) {
        const { Class, calls } = over();
        const jobs = new Class(await started());
        const controller = new AbortController();
        const own = quietly(jobs.submit('t', {}));
        const aborted = quietly(jobs.submit('t', {}, { signal: controller.signal }));
        await own.cancel();
        controller.abort();
        await failureOf(aborted);
        expect(calls).toEqual([[own.jobId], [aborted.jobId]]);
      },
    },
    onIdle: {
      by: 'drain',
      async check(over) {
        const { Class, calls } = over(() => Promise.resolve('overridden'));
        await expect(new Class(engine(FIXTURE)).drain()).resolves.toBe('overridden');
        expect(calls).toEqual([[]]);
      },
    },
    emit: {
      by: 'every event',
      async check(over) {
        const { Class, calls } = over();
        await new Class(await started()).submit('t', DONE);
        expect(calls.map(([name]) => name)).toEqual(['job:queued', 'job:started', 'job:completed']);
      },
    },
    getJobs: ALONE,
    getQueueLength: ALONE,
    getActiveCount: ALONE,
    clearCompleted: ALONE,
    pause: ALONE,
    resume: ALONE,
    drain: ALONE,
    getStats: ALONE,
  },

  CacheManager: {
    get: {
      by: 'getOrSet',
      async check(over) {
        const { Class, calls } = over(async () => ({ found: true, value: 'overridden' }));
        const cache = new Class({ cacheDir: `${folder()}/cache`, persistToDisk: false });
        await expect(cache.getOrSet('k', () => 'made')).resolves.toBe('overridden');
        expect(calls).toEqual([['k']]);
      },
    },
    set: {
      by: 'getOrSet',
      async check(over) {
        const { Class, calls } = over();
        const cache = new Class({ cacheDir: `${folder()}/cache`, persistToDisk: false });
        await expect(cache.getOrSet('k', () => 'made', 60)).resolves.toBe('made');
        expect(calls).toEqual([['k', 'made', 60]]);
      },
    },
    init: ALONE,
    delete: ALONE,
    clear: ALONE,
    getStats: ALONE,
    prune: ALONE,
    has: ALONE,
    keys: ALONE,
    getOrSet: ALONE,
    close: ALONE,
  },

  StreamHandler: {
    subscribe: {
      by: 'createJobStream',
      check(over) {
        const { Class, calls } = over();
        const stream = new Class();
        const iterator = createJobStream(stream, 'j');
        expect(calls.map(([jobId]) => jobId)).toEqual(['j']);
        iterator.cancel();
      },
    },
    unsubscribe: {
      by: 'createJobStream and unsubscribeAll',
      check(over) {
        const { Class, calls } = over();
        const stream = new Class();
        createJobStream(stream, 'j').cancel();
        expect(calls).toHaveLength(1);
        const id = stream.subscribe('j', () => {});
        expect(stream.unsubscribeAll('j')).toBe(1);
        expect(calls[1]).toEqual([id]);
      },
    },
    dispatch: {
      by: 'createProgressTracker and attach',
      async check(over) {
        const { Class, calls } = over();
        const stream = new Class();
        stream.createProgressTracker('j').setProgress(50);
        expect(calls).toMatchObject([[{ type: 'progress', jobId: 'j' }]]);
        const client = await started();
        const manager = new JobManager(client);
        const detachments = [client, manager].map((source) => stream.attach(source));
        stream.subscribe('e1', () => {});
        stream.subscribe('mine', () => {});
        await manager.submit('t', DONE, { id: 'mine' });
        await eventually(() => calls.length === 3, 'both events');
        expect(calls.map(([{ jobId }]) => jobId).sort()).toEqual(['e1', 'j', 'mine']);
        detachments.forEach((detach) => detach());
      },
    },
    emit: {
      by: 'dispatch',
      check(over) {
        const { Class, calls } = over();
        const event = { type: 'result', jobId: 'j', timestamp: 1, data: null };
        new Class().dispatch(event);
        expect(calls).toEqual([
          ['complete', event],
          ['event', event],
        ]);
      },
    },
    unsubscribeAll: ALONE,
    createProgressTracker: ALONE,
    getSubscriptionCount: ALONE,
    getActiveJobIds: ALONE,
    getStats: ALONE,
    attach: ALONE,
  },

  ProgressTracker: {
    setProgress: {
      by: 'incrementProgress and complete',
      check(over) {
        const { Class, calls } = over();
        const tracker = new Class('j', () => {});
        tracker.incrementProgress(10, 'm');
        tracker.complete(null);
        expect(calls).toEqual([[10, 'm'], [100]]);
      },
    },
    getCurrentProgress: {
      by: 'incrementProgress',
      check(over) {
        const events = [];
        const tracker = new (over(() => 40).Class)('j', (event) => events.push(event));
        tracker.incrementProgress(10);
        expect(events).toMatchObject([{ type: 'progress', data: { percent: 50 } }]);
      },
    },
    log: ALONE,
    emitPartial: ALONE,
    complete: ALONE,
    error: ALONE,
    getElapsedTime: ALONE,
    getStats: ALONE,
    incrementProgress: ALONE,
  },

  CrashRecovery: {
    trackJob: {
      by: 'the jobs of `manager`',
      async check(over) {
        const { Class, calls } = over();
        await followedJob(Class);
        expect(calls).toMatchObject([[{ id: 'a', type: 't', payload: DONE, priority: 'normal' }]]);
      },
    },
    updateJobState: {
      by: 'the jobs of `manager`',
      async check(over) {
        const { Class, calls } = over();
        await followedJob(Class);
        expect(calls.map(([id, state]) => [id, state])).toEqual([
          ['a', 'running'],
          ['a', 'done'],
        ]);
      },
    },
    getRecoverableJobs: {
      by: 'recover',
      async check(over) {
        const { Class } = over((base) => base().filter(({ id }) => id === 'b'));
        const handed = [];
        const onJobRecovery = async ({ id }) => handed.push(id);
        const options = { stateDir: await stateWith('a', 'b', 'c'), onJobRecovery };
        await withRecovery(engine(FIXTURE), options, () => expect(handed).toEqual(['b']), Class);
      },
    },
    recover: {
      by: 'init and the engine’s restart',
      async check(over) {
        const { Class, calls } = over();
        const client = await started(EngineClient, { restartDelay: 0 });
        const body = async () => {
          expect(calls).toHaveLength(1);
          await failureOf(client.call('exit'));
          await eventually(() => calls.length === 2, 'recover()');
        };
        await withRecovery(client, { stateDir: await stateWith('a') }, body, Class);
      },
    },
    emit: {
      by: 'every event',
      async check(over) {
        const { Class, calls } = over();
        const options = { stateDir: await stateWith('a'), onJobRecovery: async () => {} };
        await withRecovery(engine(FIXTURE), options, () => {}, Class);
        expect(calls.map(([name]) => name)).toEqual(['recovery:start', 'recovery:job', 'recovery:complete']);
      },
    },
    init: ALONE,
    shutdown: ALONE,
    clearState: ALONE,
    removeJob: ALONE,
    getStats: ALONE,
    getParkedJobs: ALONE,
    unpark: ALONE,
  },

  EngineError: {},
};

/** What all emitters have; their overrides count as well. */
const INHERITED = ['on', 'emit'];

describe('an override of any public method is honoured by the other classes', () => {
  test('every exported class has its rows', () => {
    const classes = Object.keys(runtime).filter((name) => /^class\b/.test(String(runtime[name])));
    expect(Object.keys(ROWS).sort()).toEqual(classes.sort());
  });

  describe.each(Object.entries(ROWS))('%s', (name, rows) => {
    const Base = runtime[name];

    test('every public method has a row', () => {
      const own = Object.getOwnPropertyNames(Base.prototype);
      const methods = own.filter((method) => ![...INHERITED, 'constructor'].includes(method));
      const listed = Object.keys(rows).filter((method) => !INHERITED.includes(method));
      expect(listed.sort()).toEqual(methods.sort());
    });

    const used = Object.entries(rows).filter(([, row]) => row !== ALONE);
    test.for(used.map(([method, { by, check }]) => [method, by, check]))('%s, by %s', async ([method, , check]) => {
      await check((instead) => overriding(Base, method, instead));
    });
  });
});
