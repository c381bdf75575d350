'use strict';

const { columnsOf, harmless, print, styled, wrapped } = require('../terminal');

const STYLES = { pass: 'green', fail: 'red', 'not offered': 'dim', 'not tried': 'yellow' };
const OUTCOMES = Object.keys(STYLES);
const OUTCOME_WIDTH = 13;
const ID_WIDTH = 23;

/** Below this the columns go under each other. */
const NARROW = 70;

function indented(label, text, indent) {
  const width = Math.max(20, columnsOf(process.stdout) - 1 - indent - label.length);
  const [first, ...more] = wrapped(text, width);
  const pad = ' '.repeat(indent);
  const rest = more.map((line) => `${pad}${' '.repeat(label.length)}${line}\n`);
  return `${pad}${label}${first}\n${rest.join('')}`;
}

function row({ id, section, says, outcome, detail, hint }) {
  const word = outcome === 'fail' ? 'FAIL' : outcome;
  const head = `  ${styled(process.stdout, STYLES[outcome], word.padEnd(OUTCOME_WIDTH))}`;
  const isNarrow = columnsOf(process.stdout) < NARROW;
  const indent = isNarrow ? 4 : 2 + OUTCOME_WIDTH;
  return (
    (isNarrow ? `${head}${id}\n${indented('', says, indent)}` : rowOnWide(head, id, section, says)) +
    (detail ? indented('', harmless(detail), indent) : '') +
    (hint ? indented('hint: ', hint, indent) : '')
  );
}

function rowOnWide(head, id, section, says) {
  const left = 2 + OUTCOME_WIDTH + ID_WIDTH + 4;
  const width = Math.max(20, columnsOf(process.stdout) - 1 - left);
  const [first, ...more] = wrapped(says, width);
  const rest = more.map((line) => `${' '.repeat(left)}${line}\n`);
  return `${head}${id.padEnd(ID_WIDTH)}§${section}  ${first}\n${rest.join('')}`;
}

/** How many checks came out in which way. */
function summaryOf(results) {
  return Object.fromEntries(OUTCOMES.map((word) => [word, results.filter(({ outcome }) => outcome === word).length]));
}

/** Prints each result when it is there. */
const table = {
  onGroup: (title) => print(`\n${styled(process.stdout, 'bold', title)}\n`),
  onResult: (result) => print(row(result)),
  end(results) {
    const { pass, fail, ...others } = summaryOf(results);
    const rest = Object.entries(others).map(([word, count]) => `${count} ${word}`);
    const failed = styled(process.stdout, fail > 0 ? 'red' : 'green', `${fail} failed`);
    const sums = [`${pass} passed`, failed, ...rest];
    const isNarrow = columnsOf(process.stdout) < NARROW;
    print(`\n${sums.join(isNarrow ? '\n' : ', ')}\n`);
  },
};

module.exports = { summaryOf, table };
