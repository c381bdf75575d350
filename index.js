'use strict';

const { CacheManager } = require('./lib/cache-manager.js');
const { CrashRecovery } = require('./lib/crash-recovery.js');
const { EngineClient } = require('./lib/engine-client.js');
const { EngineError, ErrorCodes } = require('./lib/errors.js');
const { JobManager } = require('./lib/job-manager.js');
const { createJobStream } = require('./lib/job-stream.js');
const { ProgressTracker } = require('./lib/progress-tracker.js');
const { StreamHandler } = require('./lib/stream-handler.js');

module.exports = {
  CacheManager,
  CrashRecovery,
  EngineClient,
  EngineError,
  ErrorCodes,
  JobManager,
  ProgressTracker,
  StreamHandler,
  createJobStream,
};
