// Every type name of version 1 that belongs to the engine and its jobs, with the shape that apps rely on.
import type {
  CacheClearParams,
  CacheClearResult,
  CacheDeleteResult,
  CacheGetResult,
  CacheSetParams,
  CacheSetResult,
  EngineClientConfig,
  EngineContract,
  EngineEvent,
  EngineEventHandler,
  EngineEventType,
  EngineExtraEventType,
  ErrorCode,
  HealthStatus,
  JobCancelResult,
  JobEvent,
  JobEventType,
  JobInfo,
  JobManagerConfig,
  JobPriority,
  JobResult,
  JobStartParams,
  JobStartResult,
  JobState,
  JobStatus,
  JsonRpcError,
  JsonRpcRequest,
  JsonRpcResponse,
  LogData,
  ModelInfo,
  ModelLoadParams,
  ModelLoadResult,
  ModelStatus,
  ModelUnloadResult,
  ProgressData,
} from '@niche-knack/desktop-runtime';
import type { All, Same } from './exactly';

type Params = Record<string, unknown>;

export type Wire = All<
  [
    Same<JsonRpcRequest, { jsonrpc: '2.0'; id: string; method: string; params?: Params }>,
    Same<JsonRpcResponse, { jsonrpc: '2.0'; id: string; result?: unknown; error?: JsonRpcError }>,
    Same<JsonRpcResponse<number>['result'], number | undefined>,
    Same<JsonRpcError, { code: number; message: string; data?: unknown }>,
    Same<
      HealthStatus,
      {
        status: 'ok' | 'error' | 'degraded';
        version: string;
        uptime: number;
        memory: { used: number; total: number };
      }
    >,
  ]
>;

export type Jobs = All<
  [
    Same<JobState, 'pending' | 'running' | 'done' | 'failed' | 'cancelled'>,
    Same<JobPriority, 'low' | 'normal' | 'high'>,
    Same<JobStartParams, { type: string; payload: unknown; priority?: JobPriority }>,
    Same<JobStartResult, { jobId: string }>,
    Same<
      Omit<JobStatus, 'engineJobId'>,
      { state: JobState; progress?: number; message?: string; startedAt?: number; completedAt?: number }
    >,
    Same<JobResult['success'], boolean>,
    Same<JobResult['data'], unknown>,
    Same<JobResult<string>['data'], string | undefined>,
    Same<JobCancelResult, { success: boolean; reason?: string }>,
    Same<JobInfo, { jobId: string; type: string; state: JobState; progress?: number }>,
    Same<JobEventType, 'progress' | 'log' | 'partial' | 'result' | 'error'>,
    Same<JobEvent, { type: JobEventType; jobId: string; timestamp: number; data: unknown }>,
    Same<JobEvent<ProgressData>['data'], ProgressData>,
    Same<ProgressData, { percent: number; message?: string }>,
    Same<LogData, { level: 'debug' | 'info' | 'warn' | 'error'; message: string; context?: Params }>,
  ]
>;

export type CacheAndModels = All<
  [
    Same<CacheGetResult, { found: boolean; value?: unknown; expiresAt?: number }>,
    Same<CacheGetResult<Date>['value'], Date | undefined>,
    Same<CacheSetParams, { key: string; value: unknown; ttl?: number }>,
    Same<CacheSetResult, { success: boolean }>,
    Same<CacheDeleteResult, { success: boolean }>,
    Same<CacheClearParams, { prefix?: string }>,
    Same<CacheClearResult, { success: boolean; cleared: number }>,
    Same<ModelInfo, { id: string; name: string; type: string; loaded: boolean; size: number }>,
    Same<ModelLoadParams, { modelId: string; options?: Params }>,
    Same<ModelLoadResult, { success: boolean; loadTime: number }>,
    Same<ModelUnloadResult, { success: boolean }>,
    Same<ModelStatus, { loaded: boolean; memoryUsage?: number; lastUsed?: number }>,
  ]
>;

export type Contract = All<
  [
    Same<
      EngineContract,
      {
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
    >,
  ]
>;

export type Events = All<
  [
    Same<EngineEventType, 'ready' | 'error' | 'exit' | 'restart' | 'job:progress' | 'job:complete' | 'job:error'>,
    Same<EngineExtraEventType, 'stderr' | 'stdout' | 'notification' | 'request' | 'unhealthy'>,
    Same<EngineEvent, { type: EngineEventType; timestamp: number; data?: unknown }>,
    Same<EngineEventHandler, (event: EngineEvent) => void>,
    Same<
      ErrorCode,
      | -32700
      | -32600
      | -32601
      | -32602
      | -32603
      | -31001
      | -31002
      | -31003
      | -31004
      | -30001
      | -30002
      | -30003
      | -29001
      | -29002
    >,
  ]
>;

type OldEngineOptions =
  'enginePath' | 'cwd' | 'env' | 'requestTimeout' | 'startupTimeout' | 'autoRestart' | 'maxRestarts' | 'restartDelay';
type OldManagerOptions = 'concurrency' | 'defaultTimeout' | 'retryOnFailure' | 'maxRetries' | 'retryDelay';

export type Options = All<
  [
    Same<
      Pick<EngineClientConfig, OldEngineOptions>,
      {
        enginePath: string;
        cwd?: string;
        env?: Record<string, string>;
        requestTimeout?: number;
        startupTimeout?: number;
        autoRestart?: boolean;
        maxRestarts?: number;
        restartDelay?: number;
      }
    >,
    // Whatever else there is may be left out.
    Same<Omit<EngineClientConfig, 'enginePath'>, Partial<Omit<EngineClientConfig, 'enginePath'>>>,
    Same<
      Pick<JobManagerConfig, OldManagerOptions>,
      {
        concurrency?: number;
        defaultTimeout?: number;
        retryOnFailure?: boolean;
        maxRetries?: number;
        retryDelay?: number;
      }
    >,
    Same<JobManagerConfig, Partial<JobManagerConfig>>,
  ]
>;
