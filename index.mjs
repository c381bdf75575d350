import runtime from './index.js';

export const { EngineClient, EngineError, ErrorCodes, JobManager } = runtime;
