/** The numbers of JSON-RPC 2.0, and those that engines use. The same as the runtime's `ErrorCodes`. */
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

/** An error whose code, message and data reach the app as they are, from a job as from a method. */
export declare class JobError extends Error {
  constructor(code: number, message: string, data?: unknown);
  readonly code: number;
  readonly data?: unknown;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What a job's function is given: the way to report, and to learn of a cancellation. */
export interface Job {
  /** The job's id on the wire. */
  readonly id: string;
  readonly type: string;
  readonly priority: 'low' | 'normal' | 'high';
  /** Aborts when the app cancels the job, or the engine ends. Hand it on to `fetch`, timers, workers. */
  readonly signal: AbortSignal;
  readonly cancelled: boolean;
  /** Throws when the job is cancelled: the shortest way out of a loop. */
  check(): void;
  /** Waits, at most until the job is cancelled; resolves with whether it is. */
  wait(milliseconds: number): Promise<boolean>;
  /**
   * `percent` is brought into 0–100. The same again is not sent; while the app does not read, only the newest is kept.
   */
  progress(percent: number, message?: string): void;
  log(level: LogLevel, message: string, context?: Record<string, unknown>): void;
  /** A part of the result that the app may show already. */
  partial(data: unknown): void;
  /** Settles when the app has read what this engine wrote: `await` it between large parts. */
  drain(): Promise<void>;
}

export interface ModelOptions<T> {
  /** For people. Default: the id. */
  name?: string;
  /** What it is for: `ocr`, `llm`. Default: `model`. */
  type?: string;
  /** Bytes. Default: 0. */
  size?: number;
  /** `options` are those of `models.load`, or of `get`. */
  load(options: Record<string, unknown>): T | Promise<T>;
  unload?(instance: T): unknown;
  /** Bytes, for `models.status`. */
  memoryUsage?(): number;
}

/** A model that is loaded when it is needed, by a job or by the app, and only once. */
export interface Model<T> {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly loaded: boolean;
  /** What `load` returned; loads first where that is still to be done. */
  get(options?: Record<string, unknown>): Promise<T>;
  /** Lets go of it; the next `get` loads anew. */
  unload(): Promise<void>;
}

/** The values of `cache.*`, in memory: at most 64 MiB, the least recently used leaves for space. */
export interface Cache {
  get<T = unknown>(key: string): { found: true; value: T; expiresAt?: number } | { found: false };
  /** `ttl` in seconds: none or 0 never expires. */
  set(key: string, value: unknown, ttl?: number | null): { success: boolean };
  delete(key: string): { success: true };
  clear(prefix?: string): { success: true; cleared: number };
}

/** An engine: the process that an app's `EngineClient` starts. One to a process. */
export declare class Engine {
  constructor(options?: { version?: string });
  readonly cache: Cache;
  /** Registers a job type: `fn` returns the result, or a promise of it. */
  job<P = any>(type: string, fn: (payload: P, job: Job) => unknown): this;
  /** Answers a further method, or a standard one in its own way. */
  method<P = any>(name: string, fn: (params: P) => unknown): this;
  /** Registers a model for `models.*`. */
  model<T>(id: string, options: ModelOptions<T>): Model<T>;
  /** Says how the engine is. */
  health(fn: () => HealthState | Promise<HealthState>): this;
  /** Sends the app a notification: its `notification` event. */
  notify(method: string, params?: unknown): void;
  /**
   * Answers the app until stdin closes, SIGTERM comes, or nobody reads stdout. Then every job is told to stop, and the
   * promise resolves when they have, or after a second; a second later the process ends if it still runs.
   */
  run(): Promise<void>;
}

export type HealthState = 'ok' | 'degraded' | 'error';
