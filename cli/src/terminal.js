'use strict';

const { format } = require('util');
const { ExitCode } = require('./failure');

// Both streams are the user's: results on standard output, everything else on standard error.

const STYLES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] };

/** Whether that stream shows colours: a terminal that has them, and nobody set NO_COLOR. */
function hasColours(stream) {
  return Boolean(stream.isTTY && stream.hasColors());
}

function styled(stream, style, text) {
  const [on, off] = STYLES[style];
  return hasColours(stream) ? `\x1b[${on}m${text}\x1b[${off}m` : text;
}

/** Text of others must not move the cursor or clear the screen: what controls a terminal is shown as `\x1b`. */
function harmless(text) {
  return text.replace(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** The same, without line breaks. */
function oneLine(text) {
  return harmless(text.replace(/\s*[\r\n]\s*/g, ' '));
}

let isQuiet = false;
let above = null;

/** No remarks from here on; errors are still told. */
function beQuiet() {
  isQuiet = true;
}

/** Where lines of standard error go while a bar is drawn there; `null`: straight on. */
function writeAbove(write) {
  above = write;
}

function line(text) {
  if (above) above(`${text}\n`);
  else process.stderr.write(`${text}\n`);
}

/** A dimmed line on standard error, unless `--quiet`. */
function remark(text) {
  if (!isQuiet) line(styled(process.stderr, 'dim', harmless(text)));
}

/** One line that says what is wrong. */
function complain(text) {
  line(`${styled(process.stderr, 'red', 'desktop-runtime:')} ${oneLine(text)}`);
}

function print(text) {
  process.stdout.write(text);
}

/** A JSON text: for eyes on a terminal, one line for a program. */
function printJson(value) {
  const text = JSON.stringify(value === undefined ? null : value, null, process.stdout.isTTY ? 2 : 0);
  print(`${text}\n`);
}

/** The columns of that stream; a log file takes longer lines than a terminal. */
function columnsOf(stream) {
  if (stream.columns > 0) return stream.columns;
  return stream.isTTY ? 80 : 120;
}

/** Breaks a text at its spaces so that each line fits. */
function wrapped(text, width) {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines[lines.length - 1];
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** The reader of standard output may go at any time; so may that of standard error, which changes nothing. */
function surviveClosedStreams() {
  process.stdout.on('error', (error) => {
    // The engine ends with this process.
    if (error.code === 'EPIPE') process.exit(ExitCode.OUTPUT_CLOSED);
    complain(`standard output cannot be written: ${error.message}`);
    process.exit(ExitCode.FAILED);
  });
  process.stderr.on('error', () => {});
}

/** What the runtime logs. Its word of the engine's exit is left to us, who know whether it was asked for. */
function takeRuntimeLog() {
  console.error = (...args) => {
    const text = format(...args);
    if (!text.startsWith('[Engine] Process exited with')) remark(text);
  };
}

module.exports = {
  beQuiet,
  columnsOf,
  complain,
  harmless,
  oneLine,
  print,
  printJson,
  remark,
  styled,
  surviveClosedStreams,
  takeRuntimeLog,
  wrapped,
  writeAbove,
};
