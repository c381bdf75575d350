'use strict';

const { EngineClient } = require('./lib/engine-client.js');
const { EngineError, ErrorCodes } = require('./lib/errors.js');
const { JobManager } = require('./lib/job-manager.js');

module.exports = { EngineClient, EngineError, ErrorCodes, JobManager };
