// An app as it was written for version 1: every call, option and event of its manual, in the way it shows them, and
// nothing newer. It prints what it saw.
import {
  CacheManager,
  CrashRecovery,
  EngineClient,
  ErrorCodes,
  JobManager,
  StreamHandler,
  createJobStream,
} from '@niche-knack/desktop-runtime';
import type {
  EngineEvent,
  HealthStatus,
  JobEvent,
  JobPriority,
  JobStartResult,
  JobStatus,
} from '@niche-knack/desktop-runtime';

const ENGINE = process.env.ENGINE_PATH as string;
const FOLDER = process.env.APP_FOLDER as string;

type Report = Record<string, unknown>;

const failure = (promise: Promise<unknown>): Promise<{ message: string; code?: number }> =>
  promise.then(
    () => ({ message: 'resolved' }),
    ({ message, code }) => ({ message, code }),
  );

async function quickStart(): Promise<Report> {
  const engine = new EngineClient({ enginePath: ENGINE, autoRestart: true });
  await engine.start();
  const jobManager = new JobManager(engine, { concurrency: 2, retryOnFailure: true });
  const result = await jobManager.submit('ocr', { imagePath: 'image.png' });
  await engine.stop();
  return { result };
}

async function engineClient(): Promise<Report> {
  const client = new EngineClient({
    enginePath: ENGINE,
    cwd: FOLDER,
    env: { LANG: 'C' },
    requestTimeout: 30000,
    startupTimeout: 10000,
    autoRestart: true,
    maxRestarts: 3,
    restartDelay: 10,
  });
  const seen: Array<[string, unknown]> = [];
  const data = (event: EngineEvent): unknown => event.data;
  client.on('ready', (event) => seen.push(['ready', data(event)]));
  client.on('error', (event) => seen.push(['error', (event.data as Error).message]));
  client.on('exit', (event) => seen.push(['exit', (event.data as { code: number }).code]));
  client.on('job:progress', (event) => seen.push(['job:progress', (event.data as JobEvent).type]));
  client.on('job:complete', (event) => seen.push(['job:complete', (event.data as JobEvent).type]));
  client.on('job:error', (event) => seen.push(['job:error', (event.data as JobEvent).type]));
  const restarted = new Promise<unknown>((resolve) => {
    client.on('restart', (event) => resolve(event.data));
  });

  const before = client.isReady();
  await client.start();
  const ready = client.isReady();
  const health = await client.call<HealthStatus>('engine.health');
  const { jobId } = await client.call<JobStartResult>('jobs.start', { type: 'translate', payload: { text: 'Hallo' } });
  const status = await client.call<JobStatus>('jobs.status', { jobId });
  const cancelled = await client.call('jobs.cancel', { jobId });
  const ended = new Promise<void>((resolve) => {
    client.on('job:error', () => resolve());
  });
  const own: string[] = [];
  const read = await client.call<JobStartResult>('jobs.start', { type: 'ocr', payload: { imagePath: 'a.png' } });
  const unsubscribe = client.onJobEvent(read.jobId, ({ type }) => own.push(type));
  await client.call('jobs.start', { type: 'summarize', payload: {} });
  await ended;
  unsubscribe();
  const unknown = await failure(client.call('no.such.method', {}));
  const crashed = await failure(client.call('crash'));
  const restart = await restarted;
  await client.stop();
  const late = await failure(client.call('engine.health'));

  const missing = new EngineClient({ enginePath: `${ENGINE}-missing` });
  missing.on('error', (event) => seen.push(['error', (event.data as { code: string }).code]));
  const refused = await failure(missing.start());
  return {
    ...{ before, ready, health: [health.status, health.version, health.memory.total], status, cancelled, own },
    ...{ unknown, crashed, restart, late, refused: refused.code, after: client.isReady(), seen },
  };
}

async function jobManager(): Promise<Report> {
  const engine = new EngineClient({ enginePath: ENGINE });
  await engine.start();
  const manager = new JobManager(engine, {
    concurrency: 1,
    defaultTimeout: 300000,
    retryOnFailure: false,
    maxRetries: 3,
    retryDelay: 1000,
  });
  const seen: unknown[] = [];
  manager.on('job:queued', ({ type, priority }) => seen.push(['job:queued', type, priority]));
  manager.on('job:started', ({ type }) => seen.push(['job:started', type]));
  manager.on('job:progress', ({ progress, message }) => seen.push(['job:progress', progress, message]));
  manager.on('job:completed', ({ success, duration }) => seen.push(['job:completed', success, typeof duration]));
  const priority: JobPriority = 'high';

  const endless = failure(manager.submit('translate', { text: 'Hallo' }, { timeout: 60000 }));
  const waiting = failure(manager.submit('translate', { text: 'Welt' }));
  const urgent = manager.submit<{ text: string }>('ocr', { imagePath: 'b.png' }, { priority });
  const listed = manager.getJobs().map(({ type, state }) => [type, state]);
  const counts = [manager.getQueueLength(), manager.getActiveCount()];
  const [high, normal, active] = manager.getJobs();
  await new Promise<void>((resolve) => {
    manager.on('job:progress', () => resolve());
  });
  const running = manager.getStatus(active.id);
  const cancelled = [await manager.cancel(normal.id), await manager.cancel(active.id), await manager.cancel('unknown')];
  const { success, data } = await urgent;
  const failed = await failure(manager.submit('summarize', {}));
  const timedOut = await failure(manager.submit('translate', {}, { timeout: 1000 }));
  const status = [manager.getStatus(high.id)?.state, manager.getStatus(active.id)?.state, manager.getStatus('unknown')];
  manager.clearCompleted();
  const forgotten = manager.getStatus(high.id);
  await engine.stop();
  return {
    ...{ listed, counts, running: running && [running.state, running.progress, running.message], cancelled, status },
    ...{
      endless: await endless,
      waiting: await waiting,
      success,
      text: data && data.text,
      failed,
      timedOut,
      forgotten,
      seen,
    },
  };
}

async function cacheManager(): Promise<Report> {
  const cacheDir = `${FOLDER}/cache`;
  const cache = new CacheManager({ cacheDir, maxMemorySize: 1024 * 1024, defaultTtl: null, persistToDisk: true });
  await cache.init();
  const stored = [
    await cache.set('ocr:a.png', { text: 'Invoice' }),
    await cache.set('ocr:b.png', [1, 2], 3600),
    await cache.set('old', 'value', -1),
  ];
  const found = await cache.get<{ text: string }>('ocr:a.png');
  const timed = await cache.get('ocr:b.png');
  const missed = await cache.get('none');
  const { memoryCount, maxMemorySize, memorySize } = cache.getStats();
  const pruned = await cache.prune();

  const next = new CacheManager({ cacheDir, defaultTtl: 60 });
  await next.init();
  const again = await next.get('ocr:a.png');
  const deleted = await next.delete('ocr:a.png');
  const cleared = await next.clear('ocr:');
  const nothing = await next.clear();
  const memory = new CacheManager({ cacheDir: `${FOLDER}/none`, persistToDisk: false });
  await memory.set('k', 1);
  return {
    ...{ stored, found, timed: [timed.found, timed.value, typeof timed.expiresAt], missed, pruned, again },
    ...{
      stats: [memoryCount >= 2, maxMemorySize, memorySize > 0],
      deleted,
      cleared,
      nothing,
      memory: await memory.get('k'),
    },
  };
}

async function streams(): Promise<Report> {
  const stream = new StreamHandler();
  const jobId = 'job-1';
  const heard: string[] = [];
  const all: string[] = [];
  stream.on('event', (event: JobEvent) => all.push(event.type));
  const subId = stream.subscribe(jobId, ({ type }) => heard.push(type), ['progress', 'complete']);
  stream.subscribe(jobId, () => {});
  const counts = [stream.getSubscriptionCount(jobId), stream.getActiveJobIds()];
  const iterator = createJobStream(stream, jobId);
  const iterated = (async () => {
    const types: string[] = [];
    for await (const event of iterator) types.push(event.type);
    return types;
  })();

  stream.dispatch({ type: 'progress', jobId, timestamp: Date.now(), data: { percent: 10 } });
  const tracker = stream.createProgressTracker(jobId);
  tracker.setProgress(50, 'Halfway');
  tracker.incrementProgress(10);
  tracker.log('info', 'Reading');
  tracker.emitPartial({ chunk: 'data' });
  const progress = tracker.getCurrentProgress();
  tracker.complete({ result: 'done' });
  const elapsed = tracker.getElapsedTime();
  const types = await iterated;
  iterator.cancel();
  const ended = [stream.unsubscribe(subId), stream.unsubscribe(subId), stream.unsubscribeAll(jobId)];

  const failing = createJobStream(stream, 'job-2');
  stream.createProgressTracker('job-2').error(new Error('no paper'));
  const last: unknown[] = [];
  for await (const event of failing) last.push(event.type);
  const endless = createJobStream(stream, 'job-3');
  endless.cancel();
  for await (const event of endless) last.push(event);
  return { heard, all, counts, types, progress, elapsed: elapsed >= 0, ended, last, left: stream.getActiveJobIds() };
}

async function crashRecovery(): Promise<Report> {
  const stateDir = `${FOLDER}/state`;
  const engine = new EngineClient({ enginePath: ENGINE });
  const before = new CrashRecovery(engine, {
    stateDir,
    persistInterval: 5000,
    maxRecoveredJobs: 100,
    autoRecover: false,
  });
  await before.init();
  const priority: JobPriority = 'normal';
  for (const id of ['one', 'two', 'three']) before.trackJob({ id, type: 'ocr', payload: { id }, priority });
  before.updateJobState('one', 'running', 45);
  before.updateJobState('three', 'done');
  before.trackJob({ id: 'four', type: 'ocr', payload: {}, priority });
  before.removeJob('four');
  const kept = before.getRecoverableJobs().map(({ id, state, retries }) => [id, state, retries]);
  const { pendingJobs, runningJobs } = before.getStats();
  await before.shutdown();

  const recovered: unknown[] = [];
  const seen: unknown[] = [];
  const recovery = new CrashRecovery(engine, {
    stateDir,
    autoRecover: true,
    onJobRecovery: async (job) => {
      recovered.push([job.id, job.type, job.payload, job.priority]);
    },
  });
  recovery.on('recovery:start', ({ jobCount }) => seen.push(['recovery:start', jobCount]));
  recovery.on('recovery:job', ({ job, success }) => seen.push(['recovery:job', job.id, success]));
  recovery.on('recovery:complete', ({ recovered: count, total }) => seen.push(['recovery:complete', count, total]));
  await recovery.init();
  const left = await recovery.recover();
  recovery.trackJob({ id: 'five', type: 'ocr', payload: {}, priority });
  await recovery.clearState();
  const { pendingJobs: pending, runningJobs: running, lastHealthCheck } = recovery.getStats();
  await recovery.shutdown();
  return {
    kept,
    counts: [pendingJobs, runningJobs],
    recovered,
    seen,
    left,
    cleared: [pending, running, Number(lastHealthCheck)],
  };
}

const codes = {
  PARSE_ERROR: ErrorCodes.PARSE_ERROR,
  INVALID_REQUEST: ErrorCodes.INVALID_REQUEST,
  METHOD_NOT_FOUND: ErrorCodes.METHOD_NOT_FOUND,
  INVALID_PARAMS: ErrorCodes.INVALID_PARAMS,
  INTERNAL_ERROR: ErrorCodes.INTERNAL_ERROR,
  JOB_NOT_FOUND: ErrorCodes.JOB_NOT_FOUND,
  JOB_ALREADY_RUNNING: ErrorCodes.JOB_ALREADY_RUNNING,
  JOB_CANCELLED: ErrorCodes.JOB_CANCELLED,
  JOB_TIMEOUT: ErrorCodes.JOB_TIMEOUT,
  MODEL_NOT_FOUND: ErrorCodes.MODEL_NOT_FOUND,
  MODEL_LOAD_FAILED: ErrorCodes.MODEL_LOAD_FAILED,
  INSUFFICIENT_MEMORY: ErrorCodes.INSUFFICIENT_MEMORY,
  CACHE_MISS: ErrorCodes.CACHE_MISS,
  CACHE_FULL: ErrorCodes.CACHE_FULL,
};

/** A part of the manual, by its name: each is a test of its own. */
const parts: Record<string, () => Promise<Report>> = {
  quickStart,
  engineClient,
  jobManager,
  cacheManager,
  streams,
  crashRecovery,
  errorCodes: async () => codes,
};

parts[process.argv[2]]().then(
  (report) => console.log(JSON.stringify(report)),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
