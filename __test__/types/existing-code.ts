// Subclasses, stubs, records and switches as apps wrote them for version 1: they must go on compiling.
import { EventEmitter } from 'events';
import { CacheManager, EngineClient, JobManager } from '@niche-knack/desktop-runtime';
import type {
  EngineContract,
  EngineEvent,
  EngineEventHandler,
  EngineEventType,
  JobEvent,
  JobEventType,
  JobManagerConfig,
  JobPriority,
  JobResult,
  JobState,
  JobStatus,
} from '@niche-knack/desktop-runtime';
import type { All, Same } from './exactly';

export class LoggingClient extends EngineClient {
  constructor(path: string) {
    super({ enginePath: path });
  }
  async start(): Promise<void> {
    await super.start();
  }
  async stop(): Promise<void> {
    await super.stop();
  }
  isReady(): boolean {
    return super.isReady();
  }
  async call<T>(method: string, params?: Record<string, unknown>): Promise<T> {
    return super.call<T>(method, params);
  }
  on(event: EngineEventType, handler: EngineEventHandler): this {
    return super.on(event, handler);
  }
  onJobEvent(jobId: string, handler: (event: JobEvent) => void): () => void {
    return super.onJobEvent(jobId, handler);
  }
}

/** A stub of the whole client, with what version 1's had. */
export class StubClient extends EventEmitter implements EngineClient {
  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  isReady(): boolean {
    return true;
  }
  async call<T>(_method: string, _params?: Record<string, unknown>): Promise<T> {
    return undefined as unknown as T;
  }
  on(event: EngineEventType, handler: EngineEventHandler): this {
    return super.on(event, handler);
  }
  onJobEvent(_jobId: string, _handler: (event: JobEvent) => void): () => void {
    return () => {};
  }
}

export class LoggingManager extends JobManager {
  constructor(engine: EngineClient, config: JobManagerConfig = {}) {
    super(engine, config);
  }
  async submit<T>(
    type: string,
    payload: unknown,
    options: { priority?: JobPriority; timeout?: number } = {},
  ): Promise<JobResult<T>> {
    return super.submit<T>(type, payload, options);
  }
  getStatus(jobId: string): JobStatus | null {
    return super.getStatus(jobId);
  }
}

export class StubManager extends EventEmitter implements JobManager {
  async submit<T>(_type: string, _payload: unknown): Promise<JobResult<T>> {
    return { success: true };
  }
  getStatus(_jobId: string): JobStatus | null {
    return { state: 'done', startedAt: 1, completedAt: 2 };
  }
  async cancel(_jobId: string): Promise<boolean> {
    return false;
  }
  getJobs(): Array<{ id: string; type: string; state: JobState; progress?: number }> {
    return [];
  }
  getQueueLength(): number {
    return 0;
  }
  getActiveCount(): number {
    return 0;
  }
  clearCompleted(): void {}
}

export class LoggingCache extends CacheManager {
  async get<T>(key: string): Promise<{ found: boolean; value?: T; expiresAt?: number }> {
    return super.get<T>(key);
  }
  async set(key: string, value: unknown, ttl?: number): Promise<{ success: boolean }> {
    return super.set(key, value, ttl);
  }
  getStats(): { memorySize: number; memoryCount: number; maxMemorySize: number } {
    return super.getStats();
  }
}

export class StubCache implements CacheManager {
  async init(): Promise<void> {}
  async get<T>(_key: string): Promise<{ found: boolean; value?: T; expiresAt?: number }> {
    return { found: false };
  }
  async set(_key: string, _value: unknown, _ttl?: number): Promise<{ success: boolean }> {
    return { success: true };
  }
  async delete(_key: string): Promise<{ success: boolean }> {
    return { success: true };
  }
  async clear(_prefix?: string): Promise<{ success: boolean; cleared: number }> {
    return { success: true, cleared: 0 };
  }
  getStats(): { memorySize: number; memoryCount: number; maxMemorySize: number } {
    return { memorySize: 0, memoryCount: 0, maxMemorySize: 0 };
  }
  async prune(): Promise<number> {
    return 0;
  }
}

export const cache: CacheManager = new StubCache();
export const client: EngineClient = new StubClient();
export const manager: JobManager = new StubManager();
export const overStub: JobManager = new JobManager(new StubClient());

/** Doubles of three methods, typed as narrowly or as widely as tests do. */
export const doubles: JobManager[] = [
  new JobManager({ call: async () => ({ jobId: '1' }), isReady: () => true, onJobEvent: () => () => {} }),
  new JobManager({
    call: (method: string, params?: Record<string, unknown>): Promise<unknown> => Promise.resolve([method, params]),
    isReady: () => false,
    onJobEvent: (jobId: string, handler: (event: JobEvent) => void) => {
      handler({ type: 'result', jobId, timestamp: 0, data: null });
      return () => {};
    },
  }),
  new JobManager({
    call: async <T>(_method: string): Promise<T> => ({}) as T,
    isReady: () => true,
    onJobEvent: () => () => {},
  }),
  new JobManager({ call: async (): Promise<any> => 1, isReady: () => true, onJobEvent: () => () => {} }, {}),
];

export const labels: Record<EngineEventType, string> = {
  ready: 'Ready',
  error: 'Error',
  exit: 'Exited',
  restart: 'Restarted',
  'job:progress': 'Progress',
  'job:complete': 'Complete',
  'job:error': 'Failed',
};
export const colours: Record<JobState, string> = { pending: '', running: '', done: '', failed: '', cancelled: '' };

const never = (value: never): never => {
  throw new Error(String(value));
};

export function describeEvent(event: EngineEvent): string {
  switch (event.type) {
    case 'ready':
    case 'error':
    case 'exit':
    case 'restart':
      return event.type;
    case 'job:progress':
    case 'job:complete':
    case 'job:error':
      return (event.data as JobEvent).jobId;
    default:
      return never(event.type);
  }
}

export function weight(type: JobEventType, priority: JobPriority): number {
  switch (type) {
    case 'progress':
    case 'log':
    case 'partial':
    case 'result':
    case 'error':
      break;
    default:
      never(type);
  }
  return { low: 0, normal: 1, high: 2 }[priority];
}

/** A typed wrapper over the contract. */
export function typed<M extends keyof EngineContract>(
  engine: EngineClient,
  method: M,
  ...params: Parameters<EngineContract[M]>
): ReturnType<EngineContract[M]> {
  return engine.call(method, params[0] as Record<string, unknown> | undefined) as ReturnType<EngineContract[M]>;
}

/** What tools derive from the methods: no method has become overloaded. */
export type Derived = All<
  [
    Same<Parameters<EngineClient['start']>, []>,
    Same<ReturnType<EngineClient['stop']>, Promise<void>>,
    Same<Parameters<EngineClient['call']>[0], string>,
    Same<Parameters<EngineClient['call']>[1], Record<string, unknown> | undefined>,
    Same<Parameters<EngineClient['on']>[1], EngineEventHandler>,
    Same<ReturnType<EngineClient['onJobEvent']>, () => void>,
    Same<Parameters<JobManager['submit']>[0], string>,
    Same<Parameters<JobManager['submit']>[1], unknown>,
    Same<Awaited<ReturnType<JobManager['submit']>>, JobResult<unknown>>,
    Same<ReturnType<JobManager['getStatus']>, JobStatus | null>,
    Same<ReturnType<JobManager['cancel']>, Promise<boolean>>,
    Same<ReturnType<JobManager['getJobs']>, Array<{ id: string; type: string; state: JobState; progress?: number }>>,
    EngineEventType extends Parameters<EngineClient['on']>[0] ? true : false,
  ]
>;

export const promise: Promise<JobResult<{ text: string }>> = overStub.submit<{ text: string }>('ocr', {});
export const results: Promise<JobResult[]> = Promise.all(['a', 'b'].map((path) => overStub.submit('ocr', { path })));
