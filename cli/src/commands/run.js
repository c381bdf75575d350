'use strict';

const { JobManager, StreamHandler } = require('@niche-knack/desktop-runtime');
const { count, duration, jsonValue, once } = require('../arguments');
const { NO_BAR, progressBar } = require('../bar');
const { ExitCode, Failure, usage } = require('../failure');
const { ENGINE_HELP, ENGINE_OPTIONS, interrupted, told, withEngine } = require('../session');
const { print, printJson, remark } = require('../terminal');

const EVENTS = ['data', 'progress', 'log', 'partial', 'complete', 'error'];

/** Each event as a line of JSON, the end included. */
const jsonLines = {
  show: (event) => print(`${JSON.stringify(event)}\n`),
  done() {},
  stop() {},
};

/** A bar and remarks on standard error, and what the job gave on standard output. */
function forPeople(type, isQuiet) {
  const bar = isQuiet ? NO_BAR : progressBar(type);
  return {
    show({ type: kind, data }) {
      if (kind === 'progress' && data) bar.update(data.percent, data.message);
      else if (kind === 'log' && data) remark(`${data.level}: ${data.message}`);
      else if (kind === 'result') bar.update(100, 'done');
    },
    done: (data) => printJson(data),
    stop: () => bar.stop(),
  };
}

function jobFailure(type, error, interrupts) {
  if (interrupts.signal) return interrupted(interrupts.signal);
  const code = ['ENGINE_EXITED', 'SHUTTING_DOWN'].includes(error.code) ? ExitCode.ENGINE : ExitCode.FAILED;
  return new Failure(code, `job ${type}: ${told(error)}`, { cause: error });
}

async function runJob(client, interrupts, type, payload, options, output) {
  const jobs = new JobManager(client, { concurrency: 1 });
  jobs.on('job:retry', ({ attempt, delay, error }) =>
    remark(`attempt ${attempt} in ${delay} ms: ${error && error.message ? error.message : error}`),
  );
  const stream = new StreamHandler();
  const detach = stream.attach(jobs);
  const job = jobs.submit(type, payload, options);
  const ended = new Promise((resolve) => {
    const show = (event) => {
      output.show(event);
      if (event.type === 'result' || event.type === 'error') resolve();
    };
    stream.subscribe(job.jobId, show, EVENTS);
  });
  interrupts.onSignal = (signal) => {
    if (signal !== 'SIGINT') return client.stop();
    remark('cancelling; Ctrl-C again ends it at once');
    return job.cancel().then((isCancelled) => {
      if (!isCancelled && jobs.getActiveCount() > 0) remark('the engine does not cancel this job; it goes on');
    });
  };
  try {
    const { data } = await job;
    await ended;
    return data;
  } catch (error) {
    await ended;
    throw jobFailure(type, error, interrupts);
  } finally {
    output.stop();
    detach();
  }
}

module.exports = {
  command: 'run <engine>',
  describe: 'Run one job on an engine',
  builder: (yargs) =>
    yargs
      .usage(
        '$0 run ENGINE --type TYPE [--payload JSON|@file|-] [options] [-- ENGINE ARGUMENTS]\n\nRuns one job and prints what it gave. On a terminal with a progress bar; in a pipe each job event is one line of JSON, the last of them the result or the error.',
      )
      .positional('engine', { type: 'string', describe: ENGINE_HELP })
      .options({
        type: { alias: 't', type: 'string', requiresArg: true, demandOption: true, describe: "The job's type" },
        payload: { alias: 'p', type: 'string', requiresArg: true, describe: 'JSON, @file, or - for standard input' },
        priority: {
          type: 'string',
          choices: ['low', 'normal', 'high'],
          describe: 'Told to the engine (default normal)',
        },
        timeout: { type: 'string', requiresArg: true, describe: 'For each attempt: 500, 30s, 5m (default none)' },
        retries: { type: 'string', requiresArg: true, describe: 'Further attempts after a failure (default 0)' },
        json: {
          type: 'boolean',
          describe: 'A line of JSON for each event (default in a pipe); --no-json: the result alone',
        },
        ...ENGINE_OPTIONS,
      })
      .example('# One job\n$0 run engine.py -t count -p \'{"text":"one two three"}\'', '')
      .example('# What it gave, for a program\n$0 run engine.js -t ocr -p @job.json --no-json | jq -r .text', '')
      .example('# With arguments for the engine\n$0 run python3 -t count -p - --timeout 30s -- -u engine.py', ''),
  async handler(argv) {
    const { engine } = argv;
    const type = once('type', argv.type);
    if (type === '') throw usage('--type takes the name of a job type; got an empty text');
    const priority = once('priority', argv.priority);
    const timeout = duration('timeout', once('timeout', argv.timeout)) ?? Infinity;
    const retries = count('retries', once('retries', argv.retries)) ?? 0;
    const payload = (await jsonValue('--payload', once('payload', argv.payload))) ?? null;
    const isLines = argv.json ?? !process.stdout.isTTY;
    const options = { priority, timeout, retries };
    // A job whose engine ends is tried again on a new one.
    const more = retries > 0 ? { autoRestart: true, maxRestarts: retries } : {};
    const use = async (client, interrupts) => {
      const output = isLines ? jsonLines : forPeople(type, argv.quiet);
      output.done(await runJob(client, interrupts, type, payload, options, output));
    };
    await withEngine({ ...argv, engine }, use, more);
  },
};
