import runtime from './index.js';

export const {
  CacheManager,
  CrashRecovery,
  EngineClient,
  EngineError,
  ErrorCodes,
  JobManager,
  ProgressTracker,
  StreamHandler,
  createJobStream,
} = runtime;
