import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { GROUPS } from '../../cli/src/conformance/run.js';
import { ExitCode, SIGNAL_CODES } from '../../cli/src/failure.js';
import { folder } from '../support/folders.js';
import { COMMAND, engine } from './command.js';
import { appEndedIn } from './apps.js';

const page = fs.readFileSync(new URL('../../docs/command-line.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, text]) => text);

describe('docs/command-line.md', () => {
  test('every shell block runs', async () => {
    const cwd = folder();
    await appEndedIn(cwd);
    fs.copyFileSync(engine('counts.py'), path.join(cwd, 'engine.py'));
    fs.mkdirSync(path.join(cwd, 'bin'));
    fs.symlinkSync(COMMAND, path.join(cwd, 'bin', 'desktop-runtime'));
    const env = { ...process.env, PATH: `${path.join(cwd, 'bin')}${path.delimiter}${process.env.PATH}` };
    expect(blocks.length).toBeGreaterThan(5);
    for (const text of blocks) {
      const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', text], { cwd, env });
      expect(stdout, text).not.toBe('');
    }
  }, 120_000);

  test('names every check as the command does', () => {
    const rows = [...page.matchAll(/^\| `([\w.-]+)` +\| (\d) +\| (.*?) +\|$/gm)].map(([, ...cells]) => cells.join(' '));
    const checks = GROUPS.flatMap((group) => group.checks);
    expect(rows).toEqual(checks.map(({ id, section, says }) => `${id} ${section} ${says}`));
  });

  test('names every exit code', () => {
    const [, table] = page.split('## Exit codes\n');
    const codes = [...table.split('##')[0].matchAll(/^\| ([\d, ]+?) +\|/gm)].flatMap(([, cell]) => cell.split(', '));
    const all = [...Object.values(ExitCode), ...Object.values(SIGNAL_CODES)];
    expect(codes.map(Number).sort()).toEqual(all.sort());
  });
});
