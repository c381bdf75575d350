'use strict';

const { Fault } = require('../verdicts');

/** Passes when no line of the whole run had a fault of that kind. */
const none = (about) => (lab) => {
  const found = lab.record.faults.filter((fault) => fault.about === about);
  const more = found.length > 1 ? ` (and ${found.length - 1} more)` : '';
  if (found.length > 0) throw new Fault(`${found[0].detail}${more}`);
};

module.exports = {
  title: 'Standard output, of the whole run',
  checks: [
    {
      id: 'output.messages-only',
      section: '2',
      says: 'holds answers and job events, nothing else',
      hint: 'Send every print, log and progress bar of the engine and its libraries to stderr; in Python: sys.stdout = sys.stderr behind a copy for the messages.',
      run: none('noise'),
    },
    {
      id: 'output.json',
      section: '2',
      says: 'each message is strict JSON',
      hint: 'NaN, Infinity, single quotes and trailing commas are no JSON: json.dumps(…, allow_nan=False) in Python.',
      run: none('json'),
    },
    {
      id: 'output.one-per-line',
      section: '2',
      says: 'one message per line',
      hint: 'Write the message and its line break in one call, under a lock.',
      run: none('glued'),
    },
    {
      id: 'output.utf8',
      section: '2',
      says: 'UTF-8 without a byte order mark',
      hint: 'Set the encoding of stdout, whatever the code page: PYTHONIOENCODING or sys.stdout.reconfigure(encoding="utf-8").',
      run: none('utf8'),
    },
    {
      id: 'output.last-line',
      section: '2',
      says: 'the last line ends with a line break, too',
      hint: 'End each message with \\n: what has none is not read.',
      run: none('newline'),
    },
  ],
};
