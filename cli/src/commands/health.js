'use strict';

const { performance } = require('perf_hooks');
const { ExitCode, Failure } = require('../failure');
const { ENGINE_HELP, ENGINE_OPTIONS, told, withEngine } = require('../session');
const { print, printJson, styled } = require('../terminal');

const MEBIBYTE = 1024 * 1024;
const inMebibytes = (bytes) => (typeof bytes === 'number' ? `${Math.round(bytes / MEBIBYTE)} MiB` : '?');

function table({ status, version, uptime, memory }, { pid, startMs, answerMs }) {
  const colour = status === 'ok' ? 'green' : 'yellow';
  const rows = [
    ['status', styled(process.stdout, colour, String(status))],
    ['version', version],
    ['uptime', typeof uptime === 'number' ? `${uptime} ms` : uptime],
    ['memory', memory && `${inMebibytes(memory.used)} of ${inMebibytes(memory.total)}`],
    ['process', pid],
    ['first answer', `${startMs} ms after the start`],
    ['next answer', `${answerMs} ms`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(14)}${value === undefined ? 'not told' : value}\n`).join('');
}

module.exports = {
  command: 'health <engine>',
  describe: 'Start an engine and ask how it is',
  builder: (yargs) =>
    yargs
      .usage(
        '$0 health ENGINE [options] [-- ENGINE ARGUMENTS]\n\nStarts an engine and asks engine.health. Exit code 0: status ok; 1: any other answer; 3: no answer.',
      )
      .positional('engine', { type: 'string', describe: ENGINE_HELP })
      .options({ json: { type: 'boolean', describe: '{health, pid, startMs, answerMs} as JSON' }, ...ENGINE_OPTIONS })
      .example('# As a table\n$0 health engine.py', '')
      .example('# For a program\n$0 health engine.py --json | jq .health.memory.used', ''),
  async handler(argv) {
    const began = performance.now();
    await withEngine(argv, async (client) => {
      const asked = performance.now();
      const startMs = Math.round(asked - began);
      let health;
      try {
        health = await client.call('engine.health', undefined, { timeout: 10_000 });
      } catch (error) {
        const code = error.code === 'ENGINE_EXITED' ? ExitCode.ENGINE : ExitCode.FAILED;
        throw new Failure(code, `${argv.engine} runs, and answers engine.health with an error: ${told(error)}`, {
          cause: error,
        });
      }
      const { pid } = client.getStats();
      const figures = { pid, startMs, answerMs: Math.round((performance.now() - asked) * 10) / 10 };
      if (argv.json) printJson({ health, ...figures });
      else print(table(health || {}, figures));
      const status = health && health.status;
      if (status !== 'ok')
        throw new Failure(ExitCode.FAILED, `${argv.engine}: its status is ${JSON.stringify(status)}`);
    });
  },
};
