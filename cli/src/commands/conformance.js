'use strict';

const { duration, jsonValue, once } = require('../arguments');
const { Lab } = require('../conformance/lab');
const { summaryOf, table } = require('../conformance/report');
const { runChecks } = require('../conformance/run');
const { ExitCode, Failure, usage } = require('../failure');
const { ENGINE_HELP, ENGINE_OPTIONS, engineOptions, interrupted, interruptions } = require('../session');
const { print, remark } = require('../terminal');

/** `TYPE:JSON`, `TYPE:@file`, `TYPE:-`, or a type alone. */
async function jobOf(name, text) {
  if (text === undefined) return undefined;
  const at = text.indexOf(':');
  const type = at < 0 ? text : text.slice(0, at);
  if (type === '') throw usage(`--${name} takes TYPE:JSON; got ${JSON.stringify(text)}`);
  return { type, payload: at < 0 ? null : await jsonValue(`--${name}`, text.slice(at + 1)) };
}

async function quickJob(argv) {
  const job = once('job', argv.job);
  const type = once('type', argv.type);
  if (job !== undefined && type !== undefined) throw usage('give either --job TYPE:JSON, or --type and --payload');
  if (type === undefined) {
    if (argv.payload !== undefined) throw usage('--payload belongs to --type');
    return jobOf('job', job);
  }
  return { type, payload: (await jsonValue('--payload', once('payload', argv.payload))) ?? null };
}

function timeouts(argv) {
  const of = (name, key, initial) => duration(name, once(name, argv[key])) ?? initial;
  return {
    start: of('startup-timeout', 'startupTimeout', 10_000),
    answer: of('timeout', 'timeout', 5000),
    job: of('job-timeout', 'jobTimeout', 60_000),
    end: of('end-timeout', 'endTimeout', 5000),
    settle: of('settle', 'settle', 1000),
    quiet: Math.min(300, of('settle', 'settle', 1000)),
  };
}

function commandOf(argv) {
  const { enginePath, args, cwd, env } = engineOptions(argv);
  const merged = { ...process.env, ...env };
  for (const [name, value] of Object.entries(env)) if (value === undefined) delete merged[name];
  return { enginePath, args, cwd, env: merged };
}

module.exports = {
  command: 'conformance <engine>',
  describe: "Try every line of the engine's side of the contract",
  builder: (yargs) =>
    yargs
      .usage(
        '$0 conformance ENGINE [--job TYPE:JSON] [--slow-job TYPE:JSON] [options] [-- ENGINE ARGUMENTS]\n\nStarts the engine, several times, and tries it against the contract. Each check passes, fails with a hint, or was not offered (the engine answers -32601, as it may) or not tried (an option is missing). The exit code is 1 if one fails.',
      )
      .positional('engine', { type: 'string', describe: ENGINE_HELP })
      .options({
        job: {
          alias: 'j',
          type: 'string',
          requiresArg: true,
          describe: 'TYPE:JSON of a quick job that succeeds; @file or - for JSON',
        },
        type: { alias: 't', type: 'string', requiresArg: true, describe: 'The same in two options: its type' },
        payload: { alias: 'p', type: 'string', requiresArg: true, describe: 'and its payload: JSON, @file, or -' },
        'slow-job': {
          alias: 's',
          type: 'string',
          requiresArg: true,
          describe: 'TYPE:JSON of a job that works for two seconds or more',
        },
        'failing-job': { alias: 'f', type: 'string', requiresArg: true, describe: 'TYPE:JSON of a job that fails' },
        model: { type: 'string', requiresArg: true, describe: 'A model that may be loaded and unloaded' },
        timeout: { type: 'string', requiresArg: true, describe: 'For each answer (default 5s)' },
        'job-timeout': { type: 'string', requiresArg: true, describe: 'For the end of a job (default 60s)' },
        'end-timeout': { type: 'string', requiresArg: true, describe: 'For the end of the engine (default 5s)' },
        settle: { type: 'string', requiresArg: true, describe: 'How long to wait for what must not come (default 1s)' },
        json: { type: 'boolean', describe: 'One JSON object at the end: {engine, summary, checks}' },
        ...ENGINE_OPTIONS,
      })
      .example('# What can be tried without a job\n$0 conformance engine.py', '')
      .example(
        '# Everything\n$0 conformance engine.py -j \'count:{"text":"one two"}\' -s \'count:{"text":"a b c d","secondsPerWord":1}\'',
        '',
      ),
  async handler(argv) {
    const given = {
      job: await quickJob(argv),
      slowJob: await jobOf('slow-job', once('slow-job', argv.slowJob)),
      failingJob: await jobOf('failing-job', once('failing-job', argv.failingJob)),
      model: once('model', argv.model),
      timeouts: timeouts(argv),
      onStderr: (line) => remark(`engine | ${line}`),
    };
    const lab = new Lab(commandOf(argv), given);
    // However this process ends, no engine outlives it; the lab's guard sees to what no handler sees.
    process.on('exit', () => lab.close());
    const interrupts = interruptions(() => lab.close());
    let results;
    try {
      const quietly = { isOver: () => interrupts.signal !== null };
      results = await runChecks(lab, argv.json ? quietly : { ...table, ...quietly });
    } finally {
      lab.close();
      interrupts.done();
    }
    if (interrupts.signal) throw interrupted(interrupts.signal);
    const summary = summaryOf(results);
    const name = [argv.engine, ...(argv['--'] || [])].join(' ');
    if (argv.json) print(`${JSON.stringify({ engine: name, summary, checks: results }, null, 2)}\n`);
    else table.end(results);
    const [first] = results;
    if (first.outcome === 'fail') throw new Failure(ExitCode.ENGINE, `${name} does not come up: ${first.detail}`);
    if (summary.fail > 0)
      throw new Failure(ExitCode.FAILED, `${name} fails ${summary.fail} of ${results.length} checks`);
  },
};
