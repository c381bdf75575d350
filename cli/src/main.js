'use strict';

const yargs = require('yargs');
const { version } = require('../package.json');
const { ExitCode, Failure, usage } = require('./failure');
const { beQuiet, columnsOf, complain, surviveClosedStreams, takeRuntimeLog } = require('./terminal');

const COMMANDS = ['run', 'call', 'health', 'conformance', 'cache', 'recovery', 'completion'];

const EXIT_CODES = `Exit codes:
    0  all went well
    1  the job, the call or a check failed; no such key or job
    2  the command line is wrong
    3  the engine could not be started, or ended by itself
    4  the folder is not there, is not an app's, or is in use
  130  ended by Ctrl-C (129, 143: by SIGHUP, SIGTERM)`;

function parser(args) {
  const built = yargs(args)
    .scriptName('desktop-runtime')
    .usage('$0 COMMAND\n\nFor engines of @niche-knack/desktop-runtime, and for the folders of apps that use it.')
    .detectLocale(false)
    .parserConfiguration({
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'populate--': true,
    })
    .strict()
    .demandCommand(1, 'Which command?')
    .recommendCommands()
    .showHelpOnFail(false)
    .exitProcess(false)
    .wrap(Math.min(110, columnsOf(process.stdout)))
    .version(version)
    .help()
    .alias({ help: 'h', version: 'V' })
    .epilogue(EXIT_CODES)
    .example('# Does it start, and answer?\n$0 health engine.py', '')
    .example('# Does it keep the contract?\n$0 conformance engine.py --job \'count:{"text":"one two"}\'', '')
    .example('# Run a job\n$0 run engine.py --type count --payload @job.json', '')
    .middleware((argv) => {
      if (argv.quiet) beQuiet();
    })
    .fail((message, error) => {
      throw (
        error ||
        usage(
          `${message.replace(/^Not enough non-option.*/, 'an argument is missing').replace(/\n+/g, '; ')} (--help tells more)`,
        )
      );
    });
  for (const name of COMMANDS) {
    const command = require(`./commands/${name}`);
    built.command({ ...command, builder: (y) => command.builder(y).epilogue(EXIT_CODES) });
  }
  return built;
}

function tell(error) {
  if (!(error instanceof Failure)) {
    complain(`a defect of this command: ${error && error.message ? error.message : error}`);
    process.exitCode = ExitCode.DEFECT;
  } else {
    if (error.message) complain(error.message);
    process.exitCode = error.exitCode;
  }
  if (process.env.DESKTOP_RUNTIME_LOG) process.stderr.write(`${error.stack}\n`);
}

/** yargs loses a positional `-`, so PARAMS goes to it in the other spelling of standard input. */
function withoutDash(args) {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  return args.map((arg, at) => (args[0] === 'call' && arg === '-' && at < end ? '@-' : arg));
}

/** @param {string[]} args */
async function main(args) {
  surviveClosedStreams();
  takeRuntimeLog();
  try {
    await parser(withoutDash(args)).parseAsync();
  } catch (error) {
    tell(error);
  }
}

module.exports = { main };
