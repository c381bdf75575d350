// Every name of the contract, as a type, from each of the three files that apps import.
import type * as root from '@niche-knack/desktop-runtime';
import type * as index from '@niche-knack/desktop-runtime/dist/index.js';
import type * as types from '@niche-knack/desktop-runtime/dist/types.js';
import type { Same } from './exactly';

type Thrice<A, B, C> = [Same<A, B>, Same<B, C>] extends [true, true] ? true : never;

/** A name that is missing does not compile; one that differs is `never`. */
export interface Names {
  JsonRpcRequest: Thrice<root.JsonRpcRequest, index.JsonRpcRequest, types.JsonRpcRequest>;
  JsonRpcResponse: Thrice<root.JsonRpcResponse, index.JsonRpcResponse, types.JsonRpcResponse>;
  JsonRpcError: Thrice<root.JsonRpcError, index.JsonRpcError, types.JsonRpcError>;
  HealthStatus: Thrice<root.HealthStatus, index.HealthStatus, types.HealthStatus>;
  JobState: Thrice<root.JobState, index.JobState, types.JobState>;
  JobPriority: Thrice<root.JobPriority, index.JobPriority, types.JobPriority>;
  JobStartParams: Thrice<root.JobStartParams, index.JobStartParams, types.JobStartParams>;
  JobStartResult: Thrice<root.JobStartResult, index.JobStartResult, types.JobStartResult>;
  JobStatus: Thrice<root.JobStatus, index.JobStatus, types.JobStatus>;
  JobResult: Thrice<root.JobResult, index.JobResult, types.JobResult>;
  JobCancelResult: Thrice<root.JobCancelResult, index.JobCancelResult, types.JobCancelResult>;
  JobInfo: Thrice<root.JobInfo, index.JobInfo, types.JobInfo>;
  JobEventType: Thrice<root.JobEventType, index.JobEventType, types.JobEventType>;
  JobEvent: Thrice<root.JobEvent, index.JobEvent, types.JobEvent>;
  ProgressData: Thrice<root.ProgressData, index.ProgressData, types.ProgressData>;
  LogData: Thrice<root.LogData, index.LogData, types.LogData>;
  CacheGetResult: Thrice<root.CacheGetResult, index.CacheGetResult, types.CacheGetResult>;
  CacheSetParams: Thrice<root.CacheSetParams, index.CacheSetParams, types.CacheSetParams>;
  CacheSetResult: Thrice<root.CacheSetResult, index.CacheSetResult, types.CacheSetResult>;
  CacheDeleteResult: Thrice<root.CacheDeleteResult, index.CacheDeleteResult, types.CacheDeleteResult>;
  CacheClearParams: Thrice<root.CacheClearParams, index.CacheClearParams, types.CacheClearParams>;
  CacheClearResult: Thrice<root.CacheClearResult, index.CacheClearResult, types.CacheClearResult>;
  ModelInfo: Thrice<root.ModelInfo, index.ModelInfo, types.ModelInfo>;
  ModelLoadParams: Thrice<root.ModelLoadParams, index.ModelLoadParams, types.ModelLoadParams>;
  ModelLoadResult: Thrice<root.ModelLoadResult, index.ModelLoadResult, types.ModelLoadResult>;
  ModelUnloadResult: Thrice<root.ModelUnloadResult, index.ModelUnloadResult, types.ModelUnloadResult>;
  ModelStatus: Thrice<root.ModelStatus, index.ModelStatus, types.ModelStatus>;
  EngineContract: Thrice<root.EngineContract, index.EngineContract, types.EngineContract>;
  EngineClientConfig: Thrice<root.EngineClientConfig, index.EngineClientConfig, types.EngineClientConfig>;
  JobManagerConfig: Thrice<root.JobManagerConfig, index.JobManagerConfig, types.JobManagerConfig>;
  EngineEventType: Thrice<root.EngineEventType, index.EngineEventType, types.EngineEventType>;
  EngineEvent: Thrice<root.EngineEvent, index.EngineEvent, types.EngineEvent>;
  EngineEventHandler: Thrice<root.EngineEventHandler, index.EngineEventHandler, types.EngineEventHandler>;
  EngineExtraEventType: Thrice<root.EngineExtraEventType, index.EngineExtraEventType, types.EngineExtraEventType>;
  ErrorCode: Thrice<root.ErrorCode, index.ErrorCode, types.ErrorCode>;
  EngineClient: Thrice<root.EngineClient, index.EngineClient, types.EngineClient>;
  JobManager: Thrice<root.JobManager, index.JobManager, types.JobManager>;
  CacheManager: Thrice<root.CacheManager, index.CacheManager, types.CacheManager>;
  StreamHandler: Thrice<root.StreamHandler, index.StreamHandler, types.StreamHandler>;
  ProgressTracker: Thrice<root.ProgressTracker, index.ProgressTracker, types.ProgressTracker>;
  CrashRecovery: Thrice<root.CrashRecovery, index.CrashRecovery, types.CrashRecovery>;
  EngineError: Thrice<root.EngineError, index.EngineError, types.EngineError>;
  createJobStream: Same<typeof root.createJobStream, typeof index.createJobStream>;
  ErrorCodes: Thrice<typeof root.ErrorCodes, typeof index.ErrorCodes, typeof types.ErrorCodes>;
}

export type AllAreThere = Same<Names[keyof Names], true>;
export const allAreThere: AllAreThere = true;

/** Every `T` is `unknown` where it is left out. */
export type Defaults = [
  Same<root.JsonRpcResponse, root.JsonRpcResponse<unknown>>,
  Same<root.JobResult, root.JobResult<unknown>>,
  Same<root.JobEvent, root.JobEvent<unknown>>,
  Same<root.CacheGetResult, root.CacheGetResult<unknown>>,
];
export const defaults: Defaults = [true, true, true, true];
