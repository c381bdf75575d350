import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { fixture, stopAfterTest } from '../support/engines.js';
import { executable, folder } from '../support/folders.js';
import { childrenOf } from '../support/processes.js';

consoleErrors();

const ARGUMENTS = [
  '$(touch pwned)',
  '`touch pwned`',
  '; touch pwned',
  '\ntouch pwned\n',
  '| touch pwned',
  '&& touch pwned',
];
const read = (pid, name) => fs.readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0').filter(Boolean);

test.runIf(process.platform === 'linux')(
  'no shell: of what the app says nothing becomes part of a command, the watchdog’s included',
  async () => {
    const cwd = path.join(folder(), 'it\'s; $(touch pwned) `touch pwned`\ntouch pwned\n& "co"');
    const enginePath = executable(
      path.join(cwd, 'an engine; touch pwned'),
      `#!${process.execPath}\n${fs.readFileSync(fixture('does-as-told.js'), 'utf8')}`,
    );
    const client = stopAfterTest(
      new runtime.EngineClient({ enginePath, args: ARGUMENTS, cwd, env: { MARKER: ARGUMENTS.join(' ') } }),
    );
    await client.start();
    const self = await client.call('self');
    expect([self.argv, self.cwd, self.env.MARKER]).toEqual([ARGUMENTS, cwd, ARGUMENTS.join(' ')]);
    const children = childrenOf(process.pid).filter((pid) => read(pid, 'cmdline').length > 0);
    const shells = children.filter((pid) => /\/(?:ba|da|k|z)?sh$/.test(read(pid, 'cmdline')[0]));
    expect(shells).toHaveLength(1);
    const [shell, option, script, ...more] = read(shells[0], 'cmdline');
    expect([shell, option, more, read(shells[0], 'environ')]).toEqual(['/bin/sh', '-c', [], []]);
    expect(script).not.toMatch(/pwned|MARKER|\d{2}/);
    await client.stop();
    expect(fs.readdirSync(cwd)).toEqual(['an engine; touch pwned']);
    expect(fs.existsSync('pwned')).toBe(false);
  },
);
