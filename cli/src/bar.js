'use strict';

const { MultiBar, Presets } = require('cli-progress');
const { columnsOf, oneLine, writeAbove } = require('./terminal');

const NO_BAR = { update() {}, stop() {} };
const WIDEST = 30;

/** One line that fits the terminal as it is now: name, bar, percent, message. */
function drawn(name, { progress }, { note }) {
  // The last column stays free: some terminals break the line there.
  const columns = columnsOf(process.stderr) - 1;
  const percent = `${String(Math.floor(progress * 100)).padStart(3)}%`;
  const size = Math.max(4, Math.min(WIDEST, columns - name.length - percent.length - 20));
  const full = Math.round(progress * size);
  const { barCompleteString, barIncompleteString } = SHADES;
  const bar = barCompleteString.slice(0, full) + barIncompleteString.slice(0, size - full);
  return [...`${name} ${bar} ${percent}  ${note}`].slice(0, columns).join('');
}

const SHADES = {
  barCompleteString: Presets.shades_classic.barCompleteChar.repeat(WIDEST),
  barIncompleteString: Presets.shades_classic.barIncompleteChar.repeat(WIDEST),
};

/**
 * A job's progress bar on standard error. Lines that are written there meanwhile appear above it.
 * @returns {{update(percent: unknown, note: unknown): void, stop(): void}}
 */
function progressBar(name) {
  if (!process.stderr.isTTY) return NO_BAR;
  const options = {
    hideCursor: true,
    gracefulExit: false,
    fps: 20,
    format: (_options, params, payload) => drawn(name, params, payload),
  };
  const multi = new MultiBar(options, Presets.shades_classic);
  const bar = multi.create(100, 0, { note: '' });
  writeAbove((text) => multi.log(text));
  // Cursor and line breaks come back however this ends.
  const restore = () => process.stderr.write('\x1b[?25h\x1b[?7h');
  process.on('exit', restore);
  return {
    update(percent, note) {
      // An engine may put anything there.
      const isPercent = typeof percent === 'number' && percent >= 0;
      bar.update(isPercent ? Math.min(100, percent) : bar.value, {
        note: typeof note === 'string' ? oneLine(note) : '',
      });
    },
    stop() {
      multi.update();
      multi.stop();
      writeAbove(null);
      process.off('exit', restore);
    },
  };
}

module.exports = { NO_BAR, progressBar };
