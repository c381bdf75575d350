'use strict';

const { Engine } = require('./lib/engine');
const { ErrorCodes, JobError } = require('./lib/errors');

module.exports = { Engine, ErrorCodes, JobError };
