/// <reference types="node" />
import { EventEmitter } from 'events';

// ---- The wire -------------------------------------------------------------------------------------------------------

/** A request as it goes to the engine: one line of ASCII JSON on its stdin (JSON-RPC 2.0, section 4). */
export interface JsonRpcRequest {
  jsonrpc: '2.0';
  /** A v4 UUID, unique for the life of the client. */
  id: string;
  method: string;
  /** Left out when the caller gave `undefined`. */
  params?: Record<string, unknown>;
}

/** A response as the engine writes it on its stdout (JSON-RPC 2.0, section 5). */
export interface JsonRpcResponse<T = unknown> {
  jsonrpc: '2.0';
  /** The id of the request. */
  id: string;
  result?: T;
  error?: JsonRpcError;
}

/** An error of the engine's (JSON-RPC 2.0, section 5.1). */
export interface JsonRpcError {
  code: number;
  message: string;
  data?: unknown;
}

/** The usual answer to `engine.health`. */
export interface HealthStatus {
  status: 'ok' | 'error' | 'degraded';
  version: string;
  /** As the engine counts it. */
  uptime: number;
  /** Bytes. */
  memory: { used: number; total: number };
}

// ---- Jobs -----------------------------------------------------------------------------------------------------------

/** Where a job is. `pending` also while its `jobs.start` is unanswered and while it waits for a retry. */
export type JobState = 'pending' | 'running' | 'done' | 'failed' | 'cancelled';

/** Strict: a `normal` job starts only when no `high` one waits. */
export type JobPriority = 'low' | 'normal' | 'high';

/** The parameters of `jobs.start`; sent with exactly these keys. */
export interface JobStartParams {
  type: string;
  payload: unknown;
  priority?: JobPriority;
}

/** The engine's answer to `jobs.start`. */
export interface JobStartResult {
  /** The engine's own id of the job, unique within one run of the engine. */
  jobId: string;
}

/** What is known of a job. Times are milliseconds since the epoch. */
export interface JobStatus {
  state: JobState;
  /** The `percent` of the last `progress` event. */
  progress?: number;
  /** The `message` of the last `progress` event. */
  message?: string;
  /** When the engine took the last attempt. */
  startedAt?: number;
  /** When the job ended. */
  completedAt?: number;
  /** The engine's id of the last attempt. */
  engineJobId?: string;
}

/** What `submit` resolves with. */
export interface JobResult<T = unknown> {
  success: boolean;
  /** The `data` of the engine's `result` event. */
  data?: T;
  error?: JsonRpcError;
}

/** The engine's answer to `jobs.cancel`. */
export interface JobCancelResult {
  /** `false`: the job runs on, and keeps its slot. */
  success: boolean;
  reason?: string;
}

/** A job in the engine's answer to `jobs.list`. */
export interface JobInfo {
  jobId: string;
  type: string;
  state: JobState;
  progress?: number;
}

/** The types of job events. Others are passed on as `job:progress`. */
export type JobEventType = 'progress' | 'log' | 'partial' | 'result' | 'error';

/** A job event, as the engine writes it on its stdout: one line of JSON. */
export interface JobEvent<T = unknown> {
  type: JobEventType;
  /** The engine's id in events of the engine; the manager's in events of a manager. */
  jobId: string;
  /** Milliseconds since the epoch. */
  timestamp: number;
  data: T;
}

/** The data of a `progress` event. */
export interface ProgressData {
  /** 0 to 100. */
  percent: number;
  message?: string;
}

/** The data of a `log` event. */
export interface LogData {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  context?: Record<string, unknown>;
}

// ---- An engine's cache and models -----------------------------------------------------------------------------------

/** The answer of a cache to `get`. */
export interface CacheGetResult<T = unknown> {
  found: boolean;
  value?: T;
  /** Milliseconds since the epoch. */
  expiresAt?: number;
}

/** The parameters of `cache.set`. */
export interface CacheSetParams {
  key: string;
  value: unknown;
  /** Seconds. */
  ttl?: number;
}

/** The answer to `cache.set`. */
export interface CacheSetResult {
  success: boolean;
}

/** The answer to `cache.delete`. */
export interface CacheDeleteResult {
  success: boolean;
}

/** The parameters of `cache.clear`. */
export interface CacheClearParams {
  /** Only keys that begin with it. */
  prefix?: string;
}

/** The answer to `cache.clear`. */
export interface CacheClearResult {
  success: boolean;
  /** How many keys. */
  cleared: number;
}

/** A model in the answer to `models.list`. */
export interface ModelInfo {
  id: string;
  name: string;
  type: string;
  loaded: boolean;
  /** Bytes. */
  size: number;
}

/** The parameters of `models.load`. */
export interface ModelLoadParams {
  modelId: string;
  options?: Record<string, unknown>;
}

/** The answer to `models.load`. */
export interface ModelLoadResult {
  success: boolean;
  /** Milliseconds. */
  loadTime: number;
}

/** The answer to `models.unload`. */
export interface ModelUnloadResult {
  success: boolean;
}

/** The answer to `models.status`. */
export interface ModelStatus {
  loaded: boolean;
  /** Bytes. */
  memoryUsage?: number;
  /** Milliseconds since the epoch. */
  lastUsed?: number;
}

/** The standard methods of an engine. Each is optional but the one that `healthMethod` names. */
export interface EngineContract {
  'engine.health': () => Promise<HealthStatus>;
  'jobs.start': (params: JobStartParams) => Promise<JobStartResult>;
  'jobs.status': (params: { jobId: string }) => Promise<JobStatus>;
  'jobs.result': (params: { jobId: string }) => Promise<JobResult>;
  'jobs.cancel': (params: { jobId: string }) => Promise<JobCancelResult>;
  'jobs.list': () => Promise<JobInfo[]>;
  'cache.get': (params: { key: string }) => Promise<CacheGetResult>;
  'cache.set': (params: CacheSetParams) => Promise<CacheSetResult>;
  'cache.delete': (params: { key: string }) => Promise<CacheDeleteResult>;
  'cache.clear': (params: CacheClearParams) => Promise<CacheClearResult>;
  'models.list': () => Promise<ModelInfo[]>;
  'models.load': (params: ModelLoadParams) => Promise<ModelLoadResult>;
  'models.unload': (params: { modelId: string }) => Promise<ModelUnloadResult>;
  'models.status': (params: { modelId: string }) => Promise<ModelStatus>;
}

// ---- Errors ---------------------------------------------------------------------------------------------------------

/** The numbers of JSON-RPC 2.0 (section 5.1) and those that engines use. */
export declare const ErrorCodes: {
  readonly PARSE_ERROR: -32700;
  readonly INVALID_REQUEST: -32600;
  readonly METHOD_NOT_FOUND: -32601;
  readonly INVALID_PARAMS: -32602;
  readonly INTERNAL_ERROR: -32603;
  readonly JOB_NOT_FOUND: -31001;
  readonly JOB_ALREADY_RUNNING: -31002;
  readonly JOB_CANCELLED: -31003;
  readonly JOB_TIMEOUT: -31004;
  readonly MODEL_NOT_FOUND: -30001;
  readonly MODEL_LOAD_FAILED: -30002;
  readonly INSUFFICIENT_MEMORY: -30003;
  readonly CACHE_MISS: -29001;
  readonly CACHE_FULL: -29002;
};

/** One of the numbers of {@link ErrorCodes}. */
export type ErrorCode = (typeof ErrorCodes)[keyof typeof ErrorCodes];

/**
 * What everything here rejects with, but for spawn errors and `TypeError`s. Branch on `code`; `name` is `'Error'`.
 *
 * @example
 * try {
 *   await engine.call('models.load', { modelId: 'eng' });
 * } catch (error) {
 *   if (error.code === ErrorCodes.MODEL_NOT_FOUND) await download();
 *   else throw error;
 * }
 */
export declare class EngineError extends Error {
  constructor(message: string, code: number | string, details?: { data?: unknown; method?: string; jobId?: string });
  /**
   * The engine's own code, the number of an {@link ErrorCodes} name, or one of `NOT_READY`, `ALREADY_RUNNING`,
   * `STARTUP_TIMEOUT`, `REQUEST_TIMEOUT`, `ENGINE_EXITED`, `SHUTTING_DOWN`, `ABORTED`, `BACKPRESSURE`,
   * `MESSAGE_TOO_LARGE`, `RESTART_LIMIT`, `STATE_LOCKED`, `QUEUE_FULL`, `DUPLICATE_ID`, `INTERNAL_PANIC`.
   */
  code: number | string;
  /** The `data` of the engine's error. */
  data?: unknown;
  /** The method of the call. */
  method?: string;
  /** The job. */
  jobId?: string;
}

// ---- EngineClient ---------------------------------------------------------------------------------------------------

/**
 * Options of {@link EngineClient}. Checked at construction: a wrong type or range throws `TypeError`. `undefined` means
 * the default, `Infinity` no limit, unknown options are ignored. Durations are milliseconds, sizes bytes.
 */
export interface EngineClientConfig {
  /**
   * The engine: a path, relative to `cwd`, or a bare name that is searched in the engine's `PATH`. Inside `app.asar` it
   * is taken from `app.asar.unpacked`. On Windows `.cmd` and `.bat` files run too. Never given to a shell otherwise.
   */
  enginePath: string;
  /** The engine's arguments. Default none. */
  args?: string[];
  /** The engine's working directory. Default the app's. */
  cwd?: string;
  /**
   * Merged over `process.env` as it is at `start()` and before each restart. `undefined` removes a name, other values
   * become strings.
   */
  env?: Record<string, string>;
  /** Of `process.env`, only these names reach the engine; `env` is not concerned. Default all. */
  envAllowlist?: string[];
  /** How long a call waits for its answer, from its sending. Default 30 000. */
  requestTimeout?: number;
  /** The whole time from `start()` to the answer of the health method. Default 10 000. */
  startupTimeout?: number;
  /** Whether an exit that nobody asked for is followed by a restart; begins with the first `ready`. Default true. */
  autoRestart?: boolean;
  /** Restart attempts since the engine was last ready for `restartWindow`. Default 3. */
  maxRestarts?: number;
  /** From the exit to the first attempt. Default 1000. */
  restartDelay?: number;
  /** The factor from one attempt's delay to the next. Default 1. */
  restartBackoff?: number;
  /** Bounds the growth of the delay; never shorter than `restartDelay`. Default 30 000. */
  maxRestartDelay?: number;
  /** An engine that stayed ready this long has all its attempts again. Default 60 000. */
  restartWindow?: number;
  /** From asking the engine to end to ending it. Default 5000; on Windows at most 1000. */
  killTimeout?: number;
  /**
   * Whether the engine's tree ends with it: its process group (Unix) or job object (Windows). A descendant that leaves
   * the group has left the tree. Default true.
   */
  killTree?: boolean;
  /** What is called to see that the engine is up; an error is an answer too. `false`: up once spawned. Default `'engine.health'`. */
  healthMethod?: string | false;
  /** From one health call of a running engine to the next. Default 0: none. */
  healthInterval?: number;
  /** The longest line of stdout. A longer one is dropped and reported as `MESSAGE_TOO_LARGE`. Default 256 MiB. */
  maxMessageBytes?: number;
  /** What may wait for a slow engine. Past it calls reject with `BACKPRESSURE`. Default 64 MiB. */
  maxPendingBytes?: number;
  /** What happens to stderr lines that no `stderr` listener takes: `console.error`, or nothing. Default `'log'`. */
  stderr?: 'log' | 'ignore';
}

/** Options of one call. */
export interface CallOptions {
  /** Milliseconds from the sending. Default the client's `requestTimeout`. */
  timeout?: number;
  /** Aborted, the call rejects with its `reason`, or with the code `ABORTED`; a late answer is dropped. */
  signal?: { readonly aborted: boolean; addEventListener(type: 'abort', listener: () => void): void };
  /**
   * The W3C `traceparent` of the span that calls: sent as `params._meta.traceparent`. Other keys of `_meta` and the params
   * object itself stay as they are. The methods `jobs.*` and the health method go without it.
   *
   * Rejects with a `TypeError` for what is no traceparent, and where `params` or its `_meta` is no object.
   */
  traceparent?: string;
  /** The W3C `tracestate` beside the `traceparent`: sent as `params._meta.tracestate`. Alone it is not sent. */
  tracestate?: string;
}

/** The events of version 1. */
export type EngineEventType = 'ready' | 'error' | 'exit' | 'restart' | 'job:progress' | 'job:complete' | 'job:error';

/** Events that came with version 2. */
export type EngineExtraEventType = 'stderr' | 'stdout' | 'notification' | 'request' | 'unhealthy';

/**
 * What every engine event's listener gets. `data` is, for
 * - `ready`: `null`;
 * - `error`: an `Error`; without a listener it is logged;
 * - `exit`: {@link EngineExit};
 * - `restart`: `{attempt}`, from 1;
 * - `job:progress`, `job:complete`, `job:error`: the {@link JobEvent}, with the engine's `jobId`;
 * - `stderr`, `stdout`: one line, a string;
 * - `notification`: `{method, params?}`;
 * - `request`: {@link EngineRequest};
 * - `unhealthy`: `{missed, silentFor}`: health calls without an answer, milliseconds without output.
 */
export interface EngineEvent {
  type: EngineEventType;
  /** Milliseconds since the epoch. */
  timestamp: number;
  data?: unknown;
}

/** A listener of an engine event. */
export type EngineEventHandler = (event: EngineEvent) => void;

/** The data of an `exit` event. */
export interface EngineExit {
  /** `null` when a signal ended the engine. */
  code: number | null;
  /** As in `'SIGKILL'`. */
  signal: string | null;
  /** The last 32 KiB of stderr. */
  stderrTail?: string;
}

/** The data of a `request` event: the engine asks the app. Unheard, it is answered with −32601. */
export interface EngineRequest {
  id: unknown;
  method: string;
  params?: unknown;
  /** Answers, once; `false` when it was answered already or cannot be sent. */
  respond(result?: unknown): boolean;
  /** Answers with an error, once; `false` as above. */
  fail(code: number, message: string, data?: unknown): boolean;
}

/** What {@link EngineClient.getStats} tells. */
export interface EngineStats {
  pid: number | null;
  state: 'idle' | 'starting' | 'ready' | 'stopping' | 'restarting';
  /** Calls without an answer. */
  pendingCalls: number;
  /** Bytes that wait for the engine. */
  pendingBytes: number;
  /** Restarts attempted since construction. */
  restarts: number;
  /** Milliseconds since `ready`. */
  uptime: number;
  /** What was read from stdout: messages and lines. */
  received: number;
  /** What of it nobody heard or knew. */
  dropped: number;
}

/**
 * Starts an engine and speaks JSON-RPC with it over its stdin and stdout.
 *
 * The engine ends with the app, however the app ends. While it runs the event loop stays alive, unless {@link unref}.
 *
 * @example
 * const engine = new EngineClient({ enginePath: process.execPath, args: ['engine.js'] });
 * await engine.start();
 * const models = await engine.call('models.list');
 * await engine.stop();
 */
export declare class EngineClient extends EventEmitter {
  /** @throws TypeError naming an option of a wrong type or range. */
  constructor(config: EngineClientConfig);

  /**
   * Starts the engine; resolves when its health method is answered.
   *
   * After a failed start nothing is left running, and it can be called again. Rejects with `Engine already running`,
   * `Engine startup timeout`, `Engine process exited`, `Engine shutting down`, or with the spawn error as Node gives it
   * (`code`, `errno`, `syscall`, `path`, `spawnargs`), which is also emitted as `error`.
   */
  start(): Promise<void>;

  /**
   * Stops the engine: SIGTERM, end of its stdin, `killTimeout` later SIGKILL. Resolves once the process is gone; at once
   * when none runs. Pending calls reject with `Engine shutting down`, and nothing is delivered any more but `exit`.
   */
  stop(): Promise<void>;

  /** Whether calls are taken, as far as events have told: false in listeners of `exit` and from `stop()` on. */
  isReady(): boolean;

  /**
   * Calls a method of the engine.
   *
   * Rejects with the engine's own error, `Engine not ready`, `Request timeout: <method>`, `Engine process exited`,
   * `Engine shutting down`, the codes `BACKPRESSURE`, `ABORTED`, `PARSE_ERROR`, `MESSAGE_TOO_LARGE`, or with the
   * `TypeError` of `JSON.stringify` for parameters that JSON cannot hold.
   *
   * @param params left out of the request when `undefined`
   */
  call<T = unknown>(method: string, params?: Record<string, unknown>, options?: CallOptions): Promise<T>;

  /** Sends a notification; resolves once it is handed over. Rejects as {@link call} does, but for answers. */
  notify?(method: string, params?: Record<string, unknown>): Promise<void>;

  /** Listens to an event; see {@link EngineEvent}. A listener that throws is logged and changes nothing else. */
  on(event: EngineEventType | EngineExtraEventType, handler: EngineEventHandler): this;

  /**
   * Calls `handler` with every event of one job.
   * @param jobId the engine's, as in the answer to `jobs.start`
   * @returns a function that ends it
   */
  onJobEvent(jobId: string, handler: (event: JobEvent) => void): () => void;

  /** The running engine keeps the process alive. The default. */
  ref?(): this;

  /** The running engine does not keep the process alive. */
  unref?(): this;

  /** Figures of this moment. */
  getStats?(): EngineStats;
}

// ---- JobManager -----------------------------------------------------------------------------------------------------

/** Options of {@link JobManager}, checked at construction like those of {@link EngineClient}. */
export interface JobManagerConfig {
  /** Jobs that hold a slot at the same time; `Infinity` is allowed. Default 2. */
  concurrency?: number;
  /** Milliseconds an attempt may take, from the sending of its `jobs.start`. Default 300 000. */
  defaultTimeout?: number;
  /** Whether start errors, `error` events and engine exits are tried again. Default false. */
  retryOnFailure?: boolean;
  /** Retries of one job, behind its first attempt. Default 3. */
  maxRetries?: number;
  /** Milliseconds from the failure to the first retry. Default 1000. */
  retryDelay?: number;
  /** The factor from one retry's delay to the next. Default 1. */
  retryBackoff?: number;
  /** Jobs that may wait; past it `submit` rejects with `QUEUE_FULL`. Default no limit. */
  maxQueueSize?: number;
  /** Ended jobs that `getStatus` remembers. Default 1000. */
  maxCompleted?: number;
  /** Milliseconds that a job keeps its slot after a timeout or a refused cancel, unless it ends before. Default 5000. */
  cancelGrace?: number;
  /** Asked before each retry; `attempt` is the one that failed, from 1. One that throws is logged, and the job is retried. */
  shouldRetry?: (error: Error, attempt: number) => boolean;
}

/** Options of one job. */
export interface SubmitOptions {
  /** Default `'normal'`. */
  priority?: JobPriority;
  /** Milliseconds an attempt may take. Default `defaultTimeout`. */
  timeout?: number;
  /** An id of the app's own; rejects with `DUPLICATE_ID` while a job of that id is queued or active. Default a UUID. */
  id?: string;
  /** Aborted, the job is cancelled. */
  signal?: { readonly aborted: boolean; addEventListener(type: 'abort', listener: () => void): void };
  /** Retries of this job, in place of `retryOnFailure` and `maxRetries`. */
  retries?: number;
}

/** What {@link JobManager.getStats} tells. */
export interface JobManagerStats {
  /** Waiting, also for a retry. */
  queued: number;
  /** Started and not ended. */
  active: number;
  /** Of the waiting, those that wait for a retry. */
  retrying: number;
  /** Ended here, but still holding a slot. */
  lingering: number;
  /** Ended with a result, since construction. */
  completed: number;
  /** Ended with an error, since construction. */
  failed: number;
  /** Cancelled, since construction. */
  cancelled: number;
  paused: boolean;
}

/** The part of an engine that a {@link JobManager} needs. `on` is used where it is there. */
export interface JobEngine {
  call(method: string, params?: Record<string, unknown>): Promise<unknown>;
  isReady(): boolean;
  onJobEvent(jobId: string, handler: (event: JobEvent) => void): () => void;
}

/**
 * Queues jobs for an engine: priorities, concurrency, timeouts, retries, cancellation. Every job that started settles
 * exactly once; queued jobs wait for the engine.
 *
 * Events (`on`): `job:queued` `{jobId, type, priority}`, `job:started` `{jobId, type, engineJobId}`, `job:progress`
 * `{jobId, progress, message}`, `job:retry` `{jobId, attempt, delay, error}`, `job:completed` `{jobId, success,
 * duration}`: once for every job that started, before its promise settles.
 *
 * @example
 * const jobs = new JobManager(engine, { concurrency: 4 });
 * const { data } = await jobs.submit('ocr', { imagePath: 'scan.png' });
 */
export declare class JobManager extends EventEmitter {
  /** @throws TypeError naming an option of a wrong type or range. */
  constructor(engine: JobEngine, config?: JobManagerConfig);

  /**
   * Queues a job. The promise has the job's `jobId` and `cancel()`.
   *
   * Rejects with the engine's error, `Job timeout`, `Job cancelled`, `Engine process exited`, `Engine shutting down`,
   * the start error, or the codes `QUEUE_FULL`, `DUPLICATE_ID`, `SHUTTING_DOWN` (after {@link drain}).
   *
   * @param payload read once, here, when the engine is an {@link EngineClient}
   */
  submit<T = unknown>(
    type: string,
    payload: unknown,
    options?: SubmitOptions,
  ): Promise<JobResult<T>> & { readonly jobId?: string; cancel?(): Promise<boolean> };

  /** What is known of a job; `null` when it is unknown or forgotten. */
  getStatus(jobId: string): JobStatus | null;

  /**
   * Cancels a job. `false`: unknown, ended, or the engine did not take the cancellation.
   */
  cancel(jobId: string): Promise<boolean>;

  /** The queued jobs, then the active ones. */
  getJobs(): Array<{ id: string; type: string; state: JobState; progress?: number }>;

  /** How many jobs wait. */
  getQueueLength(): number;

  /** How many jobs are started and not ended. */
  getActiveCount(): number;

  /** Forgets the ended jobs. */
  clearCompleted(): void;

  /** No job starts until {@link resume}; running ones go on. */
  pause?(): void;

  /** Starts jobs again, and takes new ones again after {@link drain}. */
  resume?(): void;

  /** Resolves when nothing is queued or active. */
  onIdle?(): Promise<void>;

  /** Takes no new jobs, and resolves when nothing is queued or active. */
  drain?(): Promise<void>;

  /** Figures of this moment. */
  getStats?(): JobManagerStats;
}

// ---- CacheManager ---------------------------------------------------------------------------------------------------

/** Options of a {@link CacheManager}. */
export interface CacheManagerConfig {
  /** The folder of the cache; made, with those above it, when it is missing. Not needed with `persistToDisk: false`. */
  cacheDir: string;
  /**
   * Bytes of entries in memory; the least recently used go first, and stay on disk. `Infinity` for no limit.
   * Default 50 MiB.
   */
  maxMemorySize?: number;
  /** Seconds until an entry expires that is set without a `ttl`. `null`: never. Default null. */
  defaultTtl?: number | null;
  /** Whether entries are stored in `cacheDir`; `false`: they live in memory only, no folder is made. Default true. */
  persistToDisk?: boolean;
  /**
   * Bytes of keys and values on disk; the least recently used go first, and a larger entry is not stored. `null` for no
   * limit. Default null.
   */
  maxDiskSize?: number | null;
}

/** What {@link CacheManager.getStats} tells. */
export interface CacheStats {
  /** Bytes of the entries in memory. */
  memorySize: number;
  /** Entries in memory. */
  memoryCount: number;
  /** The option. */
  maxMemorySize: number;
  /** Bytes of keys and values on disk, as last known here; 0 before the first look. */
  diskSize?: number;
  /** Entries on disk, as last known here; 0 before the first look. */
  diskCount?: number;
  /** `get` calls that found an entry, since construction. */
  hits?: number;
  /** `get` calls that found none, since construction. */
  misses?: number;
  /** Entries that had to leave memory for space, since construction. */
  evictions?: number;
}

/**
 * Keeps values in memory and on disk. What a promise acknowledged survives the end of the process, however it ends.
 * Several processes may share a folder; what one changes, the others see within a second. The folder of a version 1 is
 * read, and its entries move into the database when they are used.
 *
 * Values are whatever JSON holds, `undefined`, and `Buffer`, `ArrayBuffer`, `DataView` and typed arrays, which come back
 * as such. What JSON cannot hold (cycles, BigInt, functions) stays in memory.
 *
 * A disk that fails rejects nothing: the cache goes on in memory, and says so once with `console.error`. Methods reject
 * with a `TypeError` for a key that is no string or a `ttl` that is no number, and with the code `INTERNAL_PANIC`.
 *
 * @example
 * const cache = new CacheManager({ cacheDir: path.join(app.getPath('userData'), 'cache') });
 * await cache.set('page:1', { text: 'Hello' }, 3600);
 * const { found, value } = await cache.get('page:1');
 */
export declare class CacheManager {
  /** @throws TypeError naming an option of a wrong type or range. */
  constructor(config: CacheManagerConfig);

  /**
   * Makes the folder. Every call does that by itself; this one tells what is wrong.
   *
   * Rejects with Node's own error when the folder cannot be made.
   */
  init(): Promise<void>;

  /**
   * The entry of a key: from memory the very value that was set, else a copy from disk, which memory then has.
   * `expiresAt` (milliseconds since the epoch) is there when the entry expires.
   */
  get<T = unknown>(key: string): Promise<CacheGetResult<T>>;

  /**
   * Stores a value, as it is at the call. Resolves when it is written.
   *
   * @param ttl seconds until it expires; 0: never; negative: it has expired. Default `defaultTtl`.
   * @returns `success: false` when it is not stored where the options say: the disk failed, or JSON cannot hold it. It
   * is in memory all the same, and an older value of the key does not come back.
   */
  set(key: string, value: unknown, ttl?: number): Promise<CacheSetResult>;

  /** Removes an entry. `success: false` when the disk did not let go of it; it does not come back in this process. */
  delete(key: string): Promise<CacheDeleteResult>;

  /**
   * Removes all entries, or those whose key begins with a prefix. `cleared` is the number of keys.
   *
   * Files of version 1 do not hold their key: one may go that only looks alike.
   */
  clear(prefix?: string): Promise<CacheClearResult>;

  /** Figures of this moment. */
  getStats(): CacheStats;

  /** Removes what has expired, in memory and on disk. Resolves with the number of keys. */
  prune(): Promise<number>;

  /** Whether there is an entry that has not expired. */
  has?(key: string): Promise<boolean>;

  /**
   * The keys of all entries that have not expired, or of those that begin with a prefix, in no order. Files of version 1
   * that were not read yet are left out.
   */
  keys?(prefix?: string): Promise<string[]>;

  /**
   * The value of a key; when there is none, the factory makes it and it is set. While it is being made, all who ask for
   * the key wait for it. Calls {@link get} and {@link set}.
   *
   * Rejects, for all who wait, with what the factory throws; then nothing is stored.
   *
   * @param ttl seconds, as in {@link set}
   */
  getOrSet?<T>(key: string, factory: () => T | Promise<T>, ttl?: number): Promise<T>;

  /** Resolves when everything is written and the files are closed. Memory is empty then; a later call opens them again. */
  close?(): Promise<void>;
}

// ---- Streams --------------------------------------------------------------------------------------------------------

/**
 * Under which type an event is handed on: `result` events as `complete`; `progress`, `log`, `partial` and `error` under
 * their own; every other one as `data`. `close` may be named and never comes.
 */
export type StreamEventType = 'data' | 'progress' | 'log' | 'partial' | 'complete' | 'error' | 'close';

/** What a {@link StreamHandler} can be attached to. */
export type StreamSource = EngineClient | JobManager | Pick<JobEngine, 'onJobEvent'>;

/** Options of {@link StreamHandler.subscribe}. */
export interface SubscribeOptions {
  /**
   * Whether the handler first gets the kept events of the job, of its types, oldest first: in a microtask, and before any
   * that comes then. None comes twice, none between is missing. Default false.
   *
   * Kept are the last 64 events of each of the 256 jobs that were heard of last, 16 MiB of text in all (the oldest goes
   * first; an event above 1 MiB is not kept), until 60 s after the job's end. Nothing is kept before the first `attach`.
   */
  replay?: boolean;
}

/** What {@link StreamHandler.getStats} tells. */
export interface StreamStats {
  /** Subscriptions of this moment. */
  subscriptions: number;
  /** Jobs that have one. */
  jobs: number;
  /** Bytes of event text that are kept for replay. */
  replayBytes: number;
}

/**
 * Hands job events to those who subscribed to a job. Events come by {@link dispatch}, or by themselves from what it is
 * attached to.
 *
 * Events (`on`): each event under its {@link StreamEventType} and as `event`, with the {@link JobEvent}, whether or not
 * anybody subscribed to its job. An `error` without a listener is ignored. With a listener, or an overridden `emit` or
 * `dispatch`, the events of all jobs come; otherwise what nobody subscribed to never reaches JavaScript.
 *
 * @example
 * const stream = new StreamHandler();
 * stream.attach!(jobs);
 * const job = jobs.submit('ocr', { imagePath: 'scan.png' });
 * stream.subscribe(job.jobId!, ({ data }) => console.log(data), ['progress']);
 */
export declare class StreamHandler extends EventEmitter {
  constructor();

  /**
   * Calls the handler with each event of the job, of these types. As with an EventEmitter, a handler that is added or
   * removed while an event is handed on counts from the next one.
   *
   * @param jobId of the engine or of the manager, whichever this is attached to; compared as a JSON value
   * @param eventTypes default `data`, `progress`, `partial`, `complete`, `error`
   * @returns the subscription's id, `sub_<n>`
   * @throws TypeError naming the argument that is wrong.
   */
  subscribe(
    jobId: string,
    handler: (data: JobEvent) => void,
    eventTypes?: StreamEventType[],
    options?: SubscribeOptions,
  ): string;

  /** Ends a subscription. `false`: there is none of this id. */
  unsubscribe(id: string): boolean;

  /** Ends all subscriptions of a job; returns how many there were. */
  unsubscribeAll(jobId: string): number;

  /** Hands an event to the subscribers of its job, then to the listeners of its type, then to those of `event`. */
  dispatch(event: JobEvent): void;

  /** A tracker whose events are dispatched here. */
  createProgressTracker(jobId: string): ProgressTracker;

  /** How many subscriptions a job has. */
  getSubscriptionCount(jobId: string): number;

  /** The ids of the jobs that have a subscription. */
  getActiveJobIds(): string[];

  /**
   * Lets events flow in by themselves. Of an engine: its job events, under its own job ids. Of a manager: those of its
   * jobs, under the manager's ids, over all attempts of a job, and one last event for each: the `result` or `error` that
   * settles it; when a job ends without one (timeout, cancellation, the engine's exit, a start error), an `error` with
   * `data: {code, message}`.
   *
   * An engine that is not ours, or whose `onJobEvent` is overridden, is heard through its methods `onJobEvent` and, where
   * it has it, `on`.
   *
   * @returns lets go again; the events of what was attached several times come once, until the last has let go
   * @throws TypeError when it is none of these.
   */
  attach?(source: StreamSource): () => void;

  /** Figures of this moment. */
  getStats?(): StreamStats;
}

/**
 * Makes job events out of what a job reports: for jobs that run in the app itself. One that throws, of the dispatcher, is
 * logged. What comes behind the end is sent like everything else; who reads by {@link createJobStream} stops at the end.
 */
export declare class ProgressTracker {
  /**
   * @param dispatcher called with each event
   * @throws TypeError naming the argument that is wrong.
   */
  constructor(jobId: string, dispatcher: (event: JobEvent) => void);

  /** Clamped to 0–100; sends `progress` only when it is more than before. What is no number is ignored. */
  setProgress(percent: number, message?: string): void;

  /** {@link setProgress}, from where it stands. */
  incrementProgress(delta: number, message?: string): void;

  /** Sends `log`. */
  log(level: LogData['level'], message: string, context?: Record<string, unknown>): void;

  /** Sends `partial`. */
  emitPartial(data: unknown): void;

  /** Sends `progress` 100 unless it stands there, then `result`. */
  complete(data: unknown): void;

  /** Sends `error`, with `data: {message}`, and the `code` and `data` that an Error has. */
  error(error: string | Error): void;

  /** Milliseconds since construction. */
  getElapsedTime(): number;

  /** 0–100. */
  getCurrentProgress(): number;

  /** Figures of this moment. */
  getStats?(): ProgressStats;
}

/** What {@link ProgressTracker.getStats} tells. */
export interface ProgressStats {
  /** 0–100. */
  progress: number;
  /** Milliseconds since construction. */
  elapsedTime: number;
  /** Events that were handed to the dispatcher. */
  events: number;
}

/** Options of {@link createJobStream}. */
export interface JobStreamOptions {
  /**
   * How many `progress` events wait for a slow loop, from 1 up, or Infinity; past it a new one takes the place of the
   * newest that waits. Nothing else is ever dropped. Default 1024.
   */
  highWaterMark?: number;
  /** Aborted, it is cancelled; aborted before, it has ended and nothing is subscribed. */
  signal?: { readonly aborted: boolean; addEventListener(type: 'abort', listener: () => void): void };
}

/**
 * The events of a job, of the default types of {@link StreamHandler.subscribe}, from here on. Ends behind the `result` or
 * `error`, which it delivers. `cancel()` drops what waits and ends the loop, also one that waits. Every end unsubscribes.
 * All loops over it share one position.
 *
 * @example
 * for await (const event of createJobStream(stream, job.jobId)) console.log(event.type, event.data);
 */
export declare function createJobStream(
  streamHandler: StreamHandler,
  jobId: string,
  options?: JobStreamOptions,
): AsyncIterable<JobEvent> & { cancel: () => void };

// ---- CrashRecovery --------------------------------------------------------------------------------------------------

/** A job as {@link CrashRecovery.trackJob} takes it. What is left out gets its first value; further fields are kept. */
export interface TrackedJob {
  /** Tracked again, it replaces the job of that id. */
  id: string;
  type: string;
  /** Whatever JSON holds. What it cannot hold stays in memory, is logged, and is lost with the process. */
  payload: unknown;
  /** Default `'normal'`. */
  priority?: JobPriority;
  /** `'running'`, or else it is pending. */
  state?: JobState;
  /** Default 0. */
  progress?: number;
  /** Milliseconds since the epoch. Default now. */
  createdAt?: number;
  startedAt?: number;
  /** Default 0. */
  retries?: number;
  [field: string]: unknown;
}

/** A job as {@link CrashRecovery} gives it back: a fresh copy. Times are milliseconds since the epoch. */
export interface RecoverableJob {
  id: string;
  type: string;
  payload: unknown;
  priority: JobPriority;
  /** Of recoverable and parked jobs always `'pending'`. */
  state: JobState;
  /** As it was last told. */
  progress: number;
  createdAt: number;
  /** When it was last told to be running. */
  startedAt?: number;
  /** How often it was handed over, or put back after its engine's exit. */
  retries: number;
  [field: string]: unknown;
}

/** Options of {@link CrashRecovery}, checked at construction like those of {@link EngineClient}. */
export interface CrashRecoveryConfig {
  /** The folder of the state; made when it is missing, for its owner alone. One for each process. */
  stateDir: string;
  /** Milliseconds from a change to its sync: what a power cut can take. A kill takes nothing. Default 5000. */
  persistInterval?: number;
  /** Jobs that one recovery hands over; the others wait for the next. Default 100. */
  maxRecoveredJobs?: number;
  /** Whether {@link CrashRecovery.recover} runs inside `init()` and on every `restart` of the engine. Default true. */
  autoRecover?: boolean;
  /** Takes a job over: once its promise resolves the job leaves the state. One that throws or rejects keeps it there. */
  onJobRecovery?: (job: RecoverableJob) => Promise<void>;
  /**
   * Its jobs are tracked by themselves, and recovered by submitting them again under their ids. A running one whose
   * engine exits is put back by the manager instead of rejecting. With `onJobRecovery` that decides on the recovery.
   */
  manager?: JobManager;
  /** Hand-overs of one job, engine exits included, before it is parked. Default 3. */
  maxAttempts?: number;
}

/** What {@link CrashRecovery.getStats} tells. */
export interface RecoveryStats {
  pendingJobs: number;
  runningJobs: number;
  /** When the engine was last ready, milliseconds since the epoch; 0: never; `null`: there is no state yet. */
  lastHealthCheck: number | null;
}

/** The part of an engine that {@link CrashRecovery} needs. `off` or `removeListener` is used where it is there. */
export interface RecoveryEngine {
  on(event: 'ready' | 'restart', handler: EngineEventHandler): unknown;
}

/**
 * Keeps track of jobs across crashes of the engine and of the app. A change survives the end of the process, SIGKILL
 * included, as soon as the call returns.
 *
 * Events (`on`): `recovery:start` `{jobCount}`, `recovery:job` `{job, success, error?}`, `recovery:complete`
 * `{recovered, total}`, `recovery:parked` `{job}`, `recovery:locked` `{error}` with `error.code` `'STATE_LOCKED'`:
 * another process has the folder, and this object works in memory only.
 *
 * An orderly end is `await recovery.shutdown()`, then `await engine.stop()`.
 *
 * @example
 * const recovery = new CrashRecovery(engine, { stateDir, manager: jobs });
 * await engine.start();
 * await recovery.init();
 */
export declare class CrashRecovery extends EventEmitter {
  /** @throws TypeError naming an option of a wrong type or range. */
  constructor(engine: RecoveryEngine, config: CrashRecoveryConfig);

  /**
   * Opens the folder, merges what was tracked before, and recovers when `autoRecover`. Called again it is the same
   * promise. A later one in this process takes the folder over. Rejects with Node's error when the folder cannot be
   * made; damage, a lock or a full disk are logged, and jobs are then tracked in memory.
   */
  init(): Promise<void>;

  /**
   * Writes a snapshot, lets the folder go, and follows engine and manager no more. From here on changes stay in memory,
   * until another {@link init}. Does not wait for a recovery under way: that hands nothing more over.
   */
  shutdown(): Promise<void>;

  /** Tracks a job. @throws TypeError without a string `id` and a string `type`. */
  trackJob(job: TrackedJob): void;

  /**
   * Tells where a job is; ended ones (`done`, `failed`, `cancelled`) leave the state. Unknown ids are ignored.
   * @param progress kept as it was when left out
   */
  updateJobState(jobId: string, state: JobState, progress?: number): void;

  /** A job leaves the state. Unknown ids are ignored. */
  removeJob(jobId: string): void;

  /**
   * What a recovery would hand over, at most `maxRecoveredJobs`: the pending jobs, then the running ones as pending with
   * a retry more. Changes nothing.
   */
  getRecoverableJobs(): RecoverableJob[];

  /** The jobs that are handed over no more, after `maxAttempts`. */
  getParkedJobs?(): RecoverableJob[];

  /** A parked job is pending again, with all its attempts. `false`: it is not parked. */
  unpark?(jobId: string): boolean;

  /**
   * Hands the recoverable jobs over, one after the other: to `onJobRecovery`, else to `manager`, else to the listeners of
   * `recovery:job`. With none of them all stay. A call during another joins it.
   * @returns how many the callback or the manager took; parked jobs are in no count
   */
  recover(): Promise<number>;

  /** Forgets every job, parked ones included; resolves once the folder has, too. */
  clearState(): Promise<void>;

  /** Figures of this moment. */
  getStats(): RecoveryStats;
}

// ---- Diagnostics channels -------------------------------------------------------------------------------------------

/**
 * The message of `tracing:desktop-runtime:call:*`: one object for each {@link EngineClient.call}. Neither parameters nor
 * result are in it.
 */
export interface CallTrace {
  engine: EngineClient;
  method: string;
  /** Milliseconds; from `error` and `asyncStart` on. */
  duration?: number;
  /** What the call rejects with; from `error` on. */
  error?: unknown;
}

/** The message of `tracing:desktop-runtime:job:*`: one object for each {@link JobManager.submit}. */
export interface JobTrace {
  manager: JobManager;
  jobId: string;
  type: string;
  /** Not there for a refused job. */
  priority?: JobPriority;
  /**
   * How it ended; from `error` and `asyncStart` on. `stopped`: by `stop()`; `exited`: its engine did; `refused`: it was not
   * taken. A timeout is a failure.
   */
  outcome?: 'done' | 'failed' | 'cancelled' | 'stopped' | 'exited' | 'refused';
  /** Milliseconds from `submit` to its end, waiting included. */
  duration?: number;
  /** What the job rejects with. */
  error?: unknown;
}

/** The message of `tracing:desktop-runtime:cache:*`: one object for each operation. Values are not in it. */
export interface CacheTrace {
  cache: CacheManager;
  operation: 'get' | 'set' | 'delete' | 'clear' | 'prune' | 'has' | 'keys';
  /** Of `get`, `set`, `delete` and `has`. */
  key?: string;
  /** Of `clear` and `keys`; empty for all. */
  prefix?: string;
  /** Of `get` and `has`; from `asyncStart` on, as all below. */
  hit?: boolean;
  /** Of `set`, `delete` and `clear`. */
  success?: boolean;
  /** How many keys `clear` or `prune` removed, or `keys` found. */
  count?: number;
  /** Milliseconds. */
  duration?: number;
  /** What the operation rejects with. */
  error?: unknown;
}

/**
 * The messages of the channels of `diagnostics_channel`, by name. Those in `tracing:` are the five of a `TracingChannel`:
 * `start` and `end` around the synchronous part, `error` where it fails, `asyncStart` and `asyncEnd` when it settles.
 *
 * A subscriber of the job channels hears of jobs that are submitted after it subscribed.
 *
 * @example
 * import { subscribe } from 'diagnostics_channel';
 *
 * subscribe('desktop-runtime:engine:exit', (message) => {
 *   const { code, expected } = message as DiagnosticsMessages['desktop-runtime:engine:exit'];
 *   if (!expected) console.log('the engine crashed', code);
 * });
 */
export interface DiagnosticsMessages {
  'tracing:desktop-runtime:call:start': CallTrace;
  'tracing:desktop-runtime:call:end': CallTrace;
  'tracing:desktop-runtime:call:asyncStart': CallTrace;
  'tracing:desktop-runtime:call:asyncEnd': CallTrace;
  'tracing:desktop-runtime:call:error': CallTrace;
  'tracing:desktop-runtime:job:start': JobTrace;
  'tracing:desktop-runtime:job:end': JobTrace;
  'tracing:desktop-runtime:job:asyncStart': JobTrace;
  'tracing:desktop-runtime:job:asyncEnd': JobTrace;
  'tracing:desktop-runtime:job:error': JobTrace;
  'tracing:desktop-runtime:cache:start': CacheTrace;
  'tracing:desktop-runtime:cache:end': CacheTrace;
  'tracing:desktop-runtime:cache:asyncStart': CacheTrace;
  'tracing:desktop-runtime:cache:asyncEnd': CacheTrace;
  'tracing:desktop-runtime:cache:error': CacheTrace;
  /** The engine took an attempt, the first being 1. */
  'desktop-runtime:job:started': { job: JobTrace; engineJobId: string; attempt: number };
  /** A `progress` event of the engine's. */
  'desktop-runtime:job:progress': { job: JobTrace; progress?: number };
  /** An attempt failed, and the job is tried again after `delay` milliseconds. */
  'desktop-runtime:job:retry': { job: JobTrace; attempt: number; delay: number; error: unknown };
  /** A process is about to be started: by `start()` with `attempt` 0, or as the restart of that number. */
  'desktop-runtime:engine:start': { engine: EngineClient; attempt: number };
  /** `pid` is `null` when it has ended already. */
  'desktop-runtime:engine:ready': { engine: EngineClient; pid: number | null };
  /** Behind the `ready` of a restart. */
  'desktop-runtime:engine:restart': { engine: EngineClient; attempt: number };
  /** As the `unhealthy` event: health calls without an answer, milliseconds without output. */
  'desktop-runtime:engine:unhealthy': { engine: EngineClient; missed: number; silentFor: number };
  /** What the `error` event tells, and what `start()` rejects with. */
  'desktop-runtime:engine:error': { engine: EngineClient; error: unknown };
  /** `expected`: `stop()` asked for it. */
  'desktop-runtime:engine:exit': {
    engine: EngineClient;
    code: number | null;
    signal: string | null;
    expected: boolean;
  };
  /** An entry had to leave memory for space. */
  'desktop-runtime:cache:evict': { cache: CacheManager; key: string };
}
