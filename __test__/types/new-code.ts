// What version 2 adds, as new code writes it.
import { subscribe } from 'diagnostics_channel';
import {
  CacheManager,
  EngineClient,
  EngineError,
  ErrorCodes,
  JobManager,
  StreamHandler,
  createJobStream,
} from '@niche-knack/desktop-runtime';
import type {
  CacheStats,
  CacheTrace,
  CallOptions,
  CallTrace,
  DiagnosticsMessages,
  EngineExit,
  EngineRequest,
  EngineStats,
  ErrorCode,
  JobEngine,
  JobManagerStats,
  JobStreamOptions,
  JobTrace,
  ProgressStats,
  ProgressTracker,
  StreamEventType,
  StreamSource,
  StreamStats,
  SubmitOptions,
  SubscribeOptions,
} from '@niche-knack/desktop-runtime';
import type { All, Same } from './exactly';

export const engine = new EngineClient({
  enginePath: 'python3',
  args: ['engine.py'],
  killTimeout: Infinity,
  killTree: true,
  healthMethod: false,
  healthInterval: 1000,
  restartBackoff: 2,
  maxRestartDelay: 1,
  restartWindow: 1,
  maxMessageBytes: 1,
  maxPendingBytes: 1,
  stderr: 'ignore',
  envAllowlist: ['PATH'],
});

export const manager = new JobManager(engine, {
  maxQueueSize: 10,
  maxCompleted: 10,
  retryBackoff: 2,
  shouldRetry: (error: Error, attempt: number) => error.message !== '' && attempt < 3,
  cancelGrace: 1,
});

export async function calls(): Promise<void> {
  const controller = new AbortController();
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const options: CallOptions = { timeout: 1, signal: controller.signal, traceparent, tracestate: 'a=b' };
  await engine.call<number>('m', { a: 1 }, options);
  await engine.notify?.('m', {});
  engine.ref?.();
  engine.unref?.();
  const stats: EngineStats | undefined = engine.getStats?.();
  console.log(stats?.pid, stats?.state === 'ready');
  engine.on('stderr', ({ data }) => console.log(data as string));
  engine.on('stdout', () => {}).on('notification', () => {});
  engine.on('unhealthy', () => {});
  engine.on('request', ({ data }) => {
    const request = data as EngineRequest;
    if (!request.respond({ roots: [] })) request.fail(1, 'too late', {});
  });
  engine.on('exit', ({ data }) => console.log((data as EngineExit).stderrTail));
}

export async function jobs(): Promise<void> {
  const options: SubmitOptions = { id: 'a', signal: new AbortController().signal, retries: 2, priority: 'low' };
  const job = manager.submit<string>('t', null, options);
  const id: string | undefined = job.jobId;
  const cancelled: boolean | undefined = await job.cancel?.();
  const text: string | undefined = (await job).data;
  console.log(id, cancelled, text, manager.getStatus('a')?.engineJobId);
  manager.pause?.();
  manager.resume?.();
  await manager.onIdle?.();
  await manager.drain?.();
  const stats: JobManagerStats | undefined = manager.getStats?.();
  console.log(stats?.lingering);
}

export async function entries(): Promise<void> {
  const cache = new CacheManager({ cacheDir: 'c', maxMemorySize: Infinity, defaultTtl: null, maxDiskSize: 1e9 });
  const known: boolean | undefined = await cache.has?.('key');
  const keys: string[] | undefined = await cache.keys?.('user:');
  const made: number | undefined = await cache.getOrSet?.('key', async () => 5, 60);
  const stats: CacheStats = cache.getStats();
  await cache.close?.();
  console.log(known, keys, made, stats.diskSize, stats.hits, stats.evictions);
}

export function errors(error: unknown): string {
  if (!(error instanceof EngineError)) return '';
  const code: number | string = error.code;
  if (code === ErrorCodes.JOB_TIMEOUT) return `${error.method} ${error.jobId} ${error.data}`;
  return error.message;
}

export const code: ErrorCode = ErrorCodes.CACHE_FULL;
export const remote: JobEngine = engine;
export type Literal = All<[Same<typeof ErrorCodes.JOB_TIMEOUT, -31004>]>;

export async function streams(): Promise<void> {
  const stream = new StreamHandler();
  const types: StreamEventType[] = ['log', 'close'];
  const options: SubscribeOptions = { replay: true };
  stream.subscribe('j', ({ data }) => console.log(data), types, options);
  const sources: StreamSource[] = [engine, manager, { onJobEvent: () => () => {} }];
  const detach: Array<(() => void) | undefined> = sources.map((source) => stream.attach?.(source));
  detach[0]?.();
  const stats: StreamStats | undefined = stream.getStats?.();
  console.log(stats?.replayBytes);
  const signal = new AbortController().signal;
  const loop: JobStreamOptions = { highWaterMark: Infinity, signal };
  for await (const event of createJobStream(stream, 'j', loop)) console.log(event.type);
}

export function progress(tracker: ProgressTracker): ProgressStats | undefined {
  const stats: ProgressStats | undefined = tracker.getStats?.();
  return stats && { progress: stats.progress, elapsedTime: stats.elapsedTime, events: stats.events };
}

/** Messages by the names of their channels. */
export function hear<Name extends keyof DiagnosticsMessages>(
  name: Name,
  listener: (message: DiagnosticsMessages[Name]) => void,
): void {
  subscribe(name, (message) => listener(message as DiagnosticsMessages[Name]));
}

export function diagnostics(): void {
  hear('tracing:desktop-runtime:call:asyncEnd', ({ engine: caller, method, duration, error }: CallTrace) =>
    console.log(caller.getStats?.().pid, method, duration, error),
  );
  hear('tracing:desktop-runtime:job:asyncEnd', ({ manager: of, jobId, type, priority, outcome }: JobTrace) =>
    console.log(of.getStatus(jobId), type, priority, outcome === 'refused'),
  );
  hear('tracing:desktop-runtime:cache:asyncEnd', ({ cache, operation, key, prefix, hit, success, count }: CacheTrace) =>
    console.log(cache.getStats(), operation === 'get', key, prefix, hit, success, count),
  );
  hear('desktop-runtime:job:retry', ({ job, attempt, delay }) => console.log(job.jobId, attempt + delay));
  hear('desktop-runtime:engine:exit', ({ code: exitCode, signal, expected }) =>
    console.log(exitCode, signal, !expected),
  );
  hear('desktop-runtime:cache:evict', ({ key }) => console.log(key.length));
}
