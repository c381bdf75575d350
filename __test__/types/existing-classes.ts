// Subclasses, stubs and switches of version 1's cache, streams and crash recovery: they must go on compiling.
import { EventEmitter } from 'events';
import {
  CacheManager,
  CrashRecovery,
  EngineClient,
  JobManager,
  ProgressTracker,
  StreamHandler,
  createJobStream,
} from '@niche-knack/desktop-runtime';
import type {
  CacheClearResult,
  CacheDeleteResult,
  CacheGetResult,
  CacheSetResult,
  JobEvent,
  JobPriority,
  JobState,
  LogData,
} from '@niche-knack/desktop-runtime';
import type { All, Same } from './exactly';

type CacheOptions = ConstructorParameters<typeof CacheManager>[0];
type RecoveryOptions = ConstructorParameters<typeof CrashRecovery>[1];
type RecoveredJob = ReturnType<CrashRecovery['getRecoverableJobs']>[number];
type TrackedJob = { id: string; type: string; payload: unknown; priority: JobPriority };

export class CountingCache extends CacheManager {
  hits = 0;
  constructor(options: { cacheDir: string; maxMemorySize?: number; defaultTtl?: number | null }) {
    super(options);
  }
  async init(): Promise<void> {
    await super.init();
  }
  async get<T>(key: string): Promise<CacheGetResult<T>> {
    const found = await super.get<T>(key);
    if (found.found) this.hits += 1;
    return found;
  }
  async set(key: string, value: unknown, ttl?: number): Promise<CacheSetResult> {
    return super.set(`app:${key}`, value, ttl);
  }
  async delete(key: string): Promise<CacheDeleteResult> {
    return super.delete(key);
  }
  async clear(prefix?: string): Promise<CacheClearResult> {
    return super.clear(prefix);
  }
  getStats() {
    return { ...super.getStats(), memoryCount: this.hits };
  }
  async prune(): Promise<number> {
    return super.prune();
  }
}

export class NoCache implements CacheManager {
  async init(): Promise<void> {}
  async get<T>(_key: string): Promise<CacheGetResult<T>> {
    return { found: false };
  }
  async set(_key: string, _value: unknown, _ttl?: number): Promise<CacheSetResult> {
    return { success: false };
  }
  async delete(_key: string): Promise<CacheDeleteResult> {
    return { success: true };
  }
  async clear(_prefix?: string): Promise<CacheClearResult> {
    return { success: true, cleared: 0 };
  }
  getStats(): { memorySize: number; memoryCount: number; maxMemorySize: number } {
    return { memorySize: 0, memoryCount: 0, maxMemorySize: 0 };
  }
  async prune(): Promise<number> {
    return 0;
  }
}

export class LoggingStreams extends StreamHandler {
  subscribe(jobId: string, handler: (data: JobEvent) => void): string {
    return super.subscribe(jobId, handler, ['progress', 'complete']);
  }
  unsubscribe(id: string): boolean {
    return super.unsubscribe(id);
  }
  unsubscribeAll(jobId: string): number {
    return super.unsubscribeAll(jobId);
  }
  dispatch(event: JobEvent): void {
    super.dispatch(event);
  }
  createProgressTracker(jobId: string): ProgressTracker {
    return new LoggingTracker(jobId, (event) => this.dispatch(event));
  }
  getSubscriptionCount(jobId: string): number {
    return super.getSubscriptionCount(jobId);
  }
  getActiveJobIds(): string[] {
    return super.getActiveJobIds();
  }
}

export class StubStreams extends EventEmitter implements StreamHandler {
  subscribe(_jobId: string, _handler: (data: JobEvent) => void): string {
    return 'sub_1';
  }
  unsubscribe(_id: string): boolean {
    return true;
  }
  unsubscribeAll(_jobId: string): number {
    return 0;
  }
  dispatch(_event: JobEvent): void {}
  createProgressTracker(jobId: string): ProgressTracker {
    return new ProgressTracker(jobId, () => {});
  }
  getSubscriptionCount(_jobId: string): number {
    return 0;
  }
  getActiveJobIds(): string[] {
    return [];
  }
}

export class LoggingTracker extends ProgressTracker {
  constructor(jobId: string, dispatcher: (event: JobEvent) => void) {
    super(jobId, dispatcher);
  }
  setProgress(percent: number, message?: string): void {
    super.setProgress(percent, message);
  }
  incrementProgress(delta: number, message?: string): void {
    super.incrementProgress(delta, message);
  }
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, context?: Record<string, unknown>): void {
    super.log(level, message, context);
  }
  emitPartial(data: unknown): void {
    super.emitPartial(data);
  }
  complete(data: unknown): void {
    super.complete(data);
  }
  error(error: string | Error): void {
    super.error(error);
  }
  getElapsedTime(): number {
    return super.getElapsedTime();
  }
  getCurrentProgress(): number {
    return super.getCurrentProgress();
  }
}

export class SilentTracker implements ProgressTracker {
  setProgress(_percent: number, _message?: string): void {}
  incrementProgress(_delta: number, _message?: string): void {}
  log(_level: LogData['level'], _message: string, _context?: Record<string, unknown>): void {}
  emitPartial(_data: unknown): void {}
  complete(_data: unknown): void {}
  error(_error: string | Error): void {}
  getElapsedTime(): number {
    return 0;
  }
  getCurrentProgress(): number {
    return 0;
  }
}

export class AuditedRecovery extends CrashRecovery {
  constructor(engine: EngineClient, stateDir: string, manager: JobManager) {
    super(engine, {
      stateDir,
      onJobRecovery: async (job) => {
        await manager.submit(job.type, job.payload, { priority: job.priority });
      },
    });
  }
  async init(): Promise<void> {
    await super.init();
  }
  async shutdown(): Promise<void> {
    await super.shutdown();
  }
  trackJob(job: TrackedJob): void {
    super.trackJob(job);
  }
  updateJobState(jobId: string, state: JobState, progress?: number): void {
    super.updateJobState(jobId, state, progress);
  }
  removeJob(jobId: string): void {
    super.removeJob(jobId);
  }
  async recover(): Promise<number> {
    return super.recover();
  }
  async clearState(): Promise<void> {
    await super.clearState();
  }
  getRecoverableJobs() {
    return super.getRecoverableJobs().filter(({ retries }) => retries < 3);
  }
}

export class NoRecovery extends EventEmitter implements CrashRecovery {
  async init(): Promise<void> {}
  async shutdown(): Promise<void> {}
  trackJob(_job: TrackedJob): void {}
  updateJobState(_jobId: string, _state: JobState, _progress?: number): void {}
  removeJob(_jobId: string): void {}
  getRecoverableJobs(): RecoveredJob[] {
    return [];
  }
  async recover(): Promise<number> {
    return 0;
  }
  async clearState(): Promise<void> {}
  getStats(): { pendingJobs: number; runningJobs: number; lastHealthCheck: number | null } {
    return { pendingJobs: 0, runningJobs: 0, lastHealthCheck: null };
  }
}

export const caches: CacheManager[] = [new NoCache(), new CountingCache({ cacheDir: 'c' })];
export const streams: StreamHandler[] = [new StubStreams(), new LoggingStreams()];
export const recovery: CrashRecovery = new NoRecovery();
export const options: [CacheOptions, RecoveryOptions] = [{ cacheDir: 'c', defaultTtl: null }, { stateDir: 's' }];

/** A job as an app wrote it by hand, in a test or a migration. */
export const job: RecoveredJob = {
  id: 'j',
  type: 't',
  payload: { path: 'p' },
  priority: 'normal',
  state: 'pending',
  progress: 0,
  createdAt: 0,
  retries: 0,
};

const never = (value: never): never => {
  throw new Error(String(value));
};

export async function lastText(streamHandler: StreamHandler, jobId: string): Promise<string> {
  let text = '';
  const iterator = createJobStream(streamHandler, jobId);
  for await (const event of iterator) {
    switch (event.type) {
      case 'progress':
      case 'log':
      case 'partial':
        break;
      case 'error':
      case 'result':
        text = (event as JobEvent<{ text: string }>).data.text;
        break;
      default:
        never(event.type);
    }
  }
  iterator.cancel();
  return text;
}

/** What tools derive from the methods: none has become overloaded, and what is new is behind what was there. */
export type Derived = All<
  [
    Same<Awaited<ReturnType<CacheManager['get']>>['found'], boolean>,
    Same<Parameters<CacheManager['get']>[0], string>,
    Same<Parameters<CacheManager['set']>[1], unknown>,
    Same<Parameters<CacheManager['set']>[2], number | undefined>,
    Same<Awaited<ReturnType<CacheManager['set']>>, CacheSetResult>,
    Same<Awaited<ReturnType<CacheManager['clear']>>, CacheClearResult>,
    Same<Parameters<CacheManager['clear']>[0], string | undefined>,
    Same<ReturnType<CacheManager['prune']>, Promise<number>>,
    Same<ReturnType<CacheManager['getStats']>['maxMemorySize'], number>,
    Same<Parameters<StreamHandler['subscribe']>[0], string>,
    Same<Parameters<StreamHandler['subscribe']>[1], (data: JobEvent) => void>,
    Same<ReturnType<StreamHandler['subscribe']>, string>,
    Same<Parameters<StreamHandler['dispatch']>, [event: JobEvent]>,
    Same<ReturnType<StreamHandler['createProgressTracker']>, ProgressTracker>,
    Same<ConstructorParameters<typeof ProgressTracker>[1], (event: JobEvent) => void>,
    Same<Parameters<ProgressTracker['error']>, [error: string | Error]>,
    Same<Parameters<ProgressTracker['log']>[0], LogData['level']>,
    Same<Parameters<typeof createJobStream>[1], string>,
    Same<ReturnType<typeof createJobStream>['cancel'], () => void>,
    Same<Parameters<CrashRecovery['updateJobState']>[1], JobState>,
    Same<ReturnType<CrashRecovery['recover']>, Promise<number>>,
    Same<ReturnType<CrashRecovery['getStats']>['lastHealthCheck'], number | null>,
    Same<RecoveredJob['payload'], unknown>,
    Same<RecoveredJob['priority'], JobPriority>,
  ]
>;
