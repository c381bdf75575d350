import { fileURLToPath } from 'url';
import { caseTable } from './table.js';
import { drawPlots } from './plots.js';
import { readFileSync, writeFileSync } from 'fs';
import { targetsOf } from './targets.js';

/** What is known of targets that were missed; written by hand, from profiles. */
const LIMITS = new URL('limits.md', import.meta.url);
const REPORT = fileURLToPath(new URL('../../BENCHMARKS.md', import.meta.url));

/** Writes BENCHMARKS.md and its plots. */
export async function writeReport(results) {
  const plots = await drawPlots(results);
  const sections = results.cases.map((result) => {
    const plot = plots.get(result.name);
    const picture = plot ? `\n![${result.name}](${plot})\n` : '';
    return `### ${result.name}\n\n${caseTable(result)}\n${picture}`;
  });
  const { date, processor, memory, system, node, rust, versions } = results.machine;
  const text = `# Benchmarks

Written by \`npm run bench\`; not to be edited. Each contestant ran ${results.rounds} times (${Math.max(1, Math.floor(results.rounds / 2))} at each of
many sizes) in turn with the others, each time in a process of its own. Figures are medians; in brackets what that is of the baseline, which is the second row, with the lowest
and the highest ratio of a round. Only ratios count: the machine is shared.

Measured on ${date}: ${processor}, ${memory}, ${system}, Node ${node}, ${rust}.
Versions: ${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}.

## Targets

${targetsOf(results)}

${readFileSync(LIMITS, 'utf8').trim()}

## Measurements

${sections.join('\n')}`;
  writeFileSync(REPORT, text);
  console.log(`\nWritten: ${REPORT}`);
}
