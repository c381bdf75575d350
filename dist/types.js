'use strict';

const { ErrorCodes } = require('../lib/errors.js');

module.exports = { ErrorCodes };
