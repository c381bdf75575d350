import { markdownTable } from 'markdown-table';
import { median, ratio, shown, valuesOf } from './statistics.js';

/** Medians of one figure, and what that is of the baseline (the second contestant), with the spread of the rounds. */
function cell(row, baseline, figure) {
  const values = valuesOf(row, figure);
  if (values.length === 0) return '–';
  const value = shown(median(values));
  if (row === baseline) return value;
  const against = ratio(row, baseline, figure);
  return against ? `${value} (${shown(against.median)}×, ${shown(against.low)}–${shown(against.high)})` : value;
}

/** A case as a Markdown table: a row per contestant, or per contestant and size. */
export function caseTable({ sizes, figures, rows }) {
  const names = Object.keys(figures);
  const head = ['', ...(sizes ? ['size'] : []), ...names.map((name) => figures[name].unit)];
  const second = [...new Set(rows.map(({ contestant }) => contestant))][1];
  const body = rows.map((row) => {
    const baseline = rows.find(({ contestant, size }) => contestant === second && size === row.size);
    const label = [row.contestant, ...(sizes ? [row.size.toLocaleString('en-US').replace(/,/g, ' ')] : [])];
    return [
      ...label,
      ...names.map((name) => (baseline ? cell(row, baseline, name) : shown(median(valuesOf(row, name))))),
    ];
  });
  const align = head.map((_, column) => (column === 0 ? 'l' : 'r'));
  return markdownTable([head, ...body], { align });
}

export function terminalTable(result) {
  return `${result.name}\n${caseTable(result)}`;
}
