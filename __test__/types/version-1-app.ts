// An app as it was written for version 1: the calls and options of its manual, and nothing newer.
import { EngineClient, ErrorCodes, JobManager } from '@niche-knack/desktop-runtime';

export async function quickStart(): Promise<void> {
  const engine = new EngineClient({
    enginePath: '/path/to/engine',
    autoRestart: true,
  });
  await engine.start();

  const jobManager = new JobManager(engine, {
    concurrency: 2,
    retryOnFailure: true,
  });

  const result = await jobManager.submit('ocr', {
    imagePath: '/path/to/image.png',
  });
  console.log(result);
}

export async function everyEngineCall(method: string, params: Record<string, unknown>): Promise<void> {
  const client = new EngineClient({
    enginePath: 'engine',
    cwd: '/tmp',
    env: { LANG: 'C' },
    requestTimeout: 30000,
    startupTimeout: 10000,
    autoRestart: true,
    maxRestarts: 3,
    restartDelay: 1000,
  });
  await client.start();
  const ready: boolean = client.isReady();
  const answer = await client.call(method, params);
  const typed = await client.call<{ models: string[] }>('models.list');
  console.log(ready, answer, typed.models.length);
  client
    .on('ready', (event) => console.log(event.type, event.timestamp))
    .on('error', (event) => console.log((event.data as Error).message))
    .on('exit', (event) => console.log(event.data))
    .on('restart', (event) => console.log(event.data))
    .on('job:progress', (event) => console.log(event.data))
    .on('job:complete', (event) => console.log(event.data))
    .on('job:error', (event) => console.log(event.data));
  const unsubscribe = client.onJobEvent('abc-123', (event) => console.log(event.type, event.jobId, event.data));
  unsubscribe();
  await client.stop();
}

export async function everyManagerCall(engine: EngineClient): Promise<void> {
  const manager = new JobManager(engine, {
    concurrency: 2,
    defaultTimeout: 300000,
    retryOnFailure: false,
    maxRetries: 3,
    retryDelay: 1000,
  });
  const { success, data, error } = await manager.submit<{ text: string }>('ocr', ['any', 'payload'], {
    priority: 'high',
    timeout: 1000,
  });
  console.log(success, data && data.text, error && error.code);

  for (const { id, type, state, progress } of manager.getJobs()) {
    const status = manager.getStatus(id);
    if (status) console.log(type, state, progress, status.message, status.startedAt, status.completedAt);
    const cancelled: boolean = await manager.cancel(id);
    console.log(cancelled);
  }
  const counts: number = manager.getQueueLength() + manager.getActiveCount();
  manager.clearCompleted();
  manager.on('job:queued', ({ jobId, type, priority }) => console.log(jobId, type, priority, counts));
  manager.on('job:started', ({ jobId, type }) => console.log(jobId, type));
  manager.on('job:progress', ({ jobId, progress, message }) => console.log(jobId, progress, message));
  manager.on('job:completed', ({ jobId, success: good, duration }) => console.log(jobId, good, duration));
}

export const numbers: number[] = [
  ErrorCodes.PARSE_ERROR,
  ErrorCodes.INVALID_REQUEST,
  ErrorCodes.METHOD_NOT_FOUND,
  ErrorCodes.INVALID_PARAMS,
  ErrorCodes.INTERNAL_ERROR,
  ErrorCodes.JOB_NOT_FOUND,
  ErrorCodes.JOB_ALREADY_RUNNING,
  ErrorCodes.JOB_CANCELLED,
  ErrorCodes.JOB_TIMEOUT,
  ErrorCodes.MODEL_NOT_FOUND,
  ErrorCodes.MODEL_LOAD_FAILED,
  ErrorCodes.INSUFFICIENT_MEMORY,
  ErrorCodes.CACHE_MISS,
  ErrorCodes.CACHE_FULL,
];
