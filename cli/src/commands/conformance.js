module.exports = { command: 'conformance', handler() {} };
