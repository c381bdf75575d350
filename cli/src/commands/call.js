'use strict';

const { duration, jsonValue, once } = require('../arguments');
const { ExitCode, Failure, usage } = require('../failure');
const { ENGINE_HELP, ENGINE_OPTIONS, told, withEngine } = require('../session');
const { printJson } = require('../terminal');

module.exports = {
  command: 'call <engine> <method> [params]',
  describe: 'Call a method of an engine',
  builder: (yargs) =>
    yargs
      .usage(
        '$0 call ENGINE METHOD [PARAMS|@file|-] [options] [-- ENGINE ARGUMENTS]\n\nCalls a method and prints its result as JSON.',
      )
      .positional('engine', { type: 'string', describe: ENGINE_HELP })
      .positional('method', { type: 'string', describe: 'For example models.list' })
      .positional('params', { type: 'string', describe: 'JSON, @file, or - for standard input; left out: none' })
      .options({
        timeout: { type: 'string', requiresArg: true, describe: 'For the answer: 500, 30s, 5m, none (default 30s)' },
        json: { type: 'boolean', describe: 'An error as {"error":{code,message,data}} on standard output as well' },
        ...ENGINE_OPTIONS,
      })
      .example('# A method without parameters\n$0 call engine.js models.list', '')
      .example('# With parameters\n$0 call engine.js cache.get \'{"key":"page-1"}\'', ''),
  async handler(argv) {
    const timeout = duration('timeout', once('timeout', argv.timeout)) ?? 30_000;
    const params = await jsonValue('PARAMS', argv.params);
    if (params !== undefined && (typeof params !== 'object' || Array.isArray(params))) {
      throw usage(`PARAMS takes a JSON object, or null; got ${JSON.stringify(params)}`);
    }
    await withEngine(argv, async (client, interrupts) => {
      try {
        printJson(await client.call(argv.method, params, { timeout }));
      } catch (error) {
        if (interrupts.signal) throw error;
        const { code, message, data } = error;
        if (argv.json) printJson({ error: { code, message, data } });
        const isEngines = code === 'ENGINE_EXITED';
        const more = data === undefined || argv.json ? '' : `; data: ${JSON.stringify(data)}`;
        throw new Failure(isEngines ? ExitCode.ENGINE : ExitCode.FAILED, `${argv.method}: ${told(error)}${more}`, {
          cause: error,
        });
      }
    });
  },
};
