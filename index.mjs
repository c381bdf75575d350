import runtime from './index.js';

export const {
  CrashRecovery,
  EngineClient,
  EngineError,
  ErrorCodes,
  JobManager,
  ProgressTracker,
  StreamHandler,
  createJobStream,
} = runtime;
