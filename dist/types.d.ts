import type * as runtime from '../index.js';

export { ErrorCodes } from '../index.js';
export type {
  JsonRpcRequest,
  JsonRpcResponse,
  JsonRpcError,
  HealthStatus,
  JobState,
  JobPriority,
  JobStartParams,
  JobStartResult,
  JobStatus,
  JobResult,
  JobCancelResult,
  JobInfo,
  JobEventType,
  JobEvent,
  ProgressData,
  LogData,
  CacheGetResult,
  CacheSetParams,
  CacheSetResult,
  CacheDeleteResult,
  CacheClearParams,
  CacheClearResult,
  ModelInfo,
  ModelLoadParams,
  ModelLoadResult,
  ModelUnloadResult,
  ModelStatus,
  EngineContract,
  ErrorCode,
  EngineClientConfig,
  CallOptions,
  EngineEventType,
  EngineExtraEventType,
  EngineEvent,
  EngineEventHandler,
  EngineExit,
  EngineRequest,
  EngineStats,
  JobManagerConfig,
  SubmitOptions,
  JobManagerStats,
  JobEngine,
  CacheManagerConfig,
  CacheStats,
  StreamEventType,
  StreamSource,
  SubscribeOptions,
  StreamStats,
  JobStreamOptions,
  TrackedJob,
  RecoverableJob,
  CrashRecoveryConfig,
  RecoveryStats,
  RecoveryEngine,
  ProgressStats,
  CallTrace,
  JobTrace,
  CacheTrace,
  DiagnosticsMessages,
} from '../index.js';

// The classes are in dist/index.js; here they are types alone.
export type EngineError = runtime.EngineError;
export type EngineClient = runtime.EngineClient;
export type JobManager = runtime.JobManager;
export type CacheManager = runtime.CacheManager;
export type StreamHandler = runtime.StreamHandler;
export type ProgressTracker = runtime.ProgressTracker;
export type CrashRecovery = runtime.CrashRecovery;
