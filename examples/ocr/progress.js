'use strict';

// Shows one line per job on stderr: bars that move on a terminal, plain lines elsewhere (a log file, CI).

const { MultiBar, Presets } = require('cli-progress');

/** Without a terminal a job prints a line for every so many percent. */
const STEP = 25;

/**
 * @param {string[]} names one per job
 * @returns {{update(index: number, note: string, percent?: number): void, stop(): void}} no percent: as it was
 */
function showProgress(names) {
  const width = Math.max(...names.map((name) => name.length));
  return process.stderr.isTTY ? bars(names, width) : lines(names, width);
}

function bars(names, width) {
  const multi = new MultiBar(
    {
      format: '{name}  {bar} {percentage}%  {note}',
      barsize: 30,
      hideCursor: true,
      // The runner itself answers Ctrl-C, and stops the bars then.
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  const all = names.map((name) => multi.create(100, 0, { name: name.padEnd(width), note: 'waiting' }));
  return {
    update: (index, note, percent = all[index].value) => all[index].update(percent, { note }),
    stop: () => multi.stop(),
  };
}

function lines(names, width) {
  const steps = names.map(() => 0);
  const shown = names.map(() => '');
  return {
    update(index, note, percent = steps[index]) {
      steps[index] = Math.floor(percent / STEP) * STEP;
      const line = `${names[index].padEnd(width)}  ${String(steps[index]).padStart(3)}%  ${note}`;
      if (shown[index] === line) return;
      shown[index] = line;
      process.stderr.write(`${line}\n`);
    },
    stop() {},
  };
}

module.exports = { showProgress };
