/** Of nothing: NaN. @param {number[]} values */
export function median(values) {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The rounds' values of one figure in one row; empty when the contestant has no such figure. */
export function valuesOf(row, figure) {
  return row.rounds.map((round) => round[figure]).filter((value) => value !== undefined);
}

/**
 * What `row` has of `other`, round by round: the machine's noise meets both.
 * @returns {{ median: number, low: number, high: number } | null}
 */
export function ratio(row, other, figure) {
  const ratios = row.rounds.map((round, index) => round[figure] / (other.rounds[index] || {})[figure]);
  const known = ratios.filter(Number.isFinite);
  if (known.length === 0) return null;
  return { median: median(known), low: Math.min(...known), high: Math.max(...known) };
}

/** Three significant digits, thousands apart. */
export function shown(value) {
  if (Number.isNaN(value)) return '–';
  if (value === 0) return '0';
  const rounded = Number(value.toPrecision(3));
  return Math.abs(rounded) >= 10_000 ? rounded.toLocaleString('en-US').replace(/,/g, ' ') : String(rounded);
}
