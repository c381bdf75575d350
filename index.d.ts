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
   * `MESSAGE_TOO_LARGE`, `RESTART_LIMIT`, `QUEUE_FULL`, `DUPLICATE_ID`, `INTERNAL_PANIC`.
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
   * Stops the engine: closes its stdin, SIGTERM, `killTimeout` later SIGKILL. Resolves once the process is gone; at once
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

// ---- Streams --------------------------------------------------------------------------------------------------------

// ---- CrashRecovery --------------------------------------------------------------------------------------------------
