import { execFileSync, spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { startedEngine } from '../support/engines.js';
import { collect, next } from '../support/events.js';

consoleErrors();

test('the app’s own children end as ever while engines come and go', async () => {
  const client = await startedEngine('does-as-told.js', { restartDelay: 0, maxRestarts: Infinity });
  const codes = [];
  for (let round = 0; round < 8; round += 1) {
    const child = spawn(process.execPath, ['-e', `process.exit(${round})`]);
    codes.push(new Promise((resolve) => child.on('exit', resolve)));
    const restarted = next(client, 'restart');
    client.call('exit', {}).catch(() => {});
    await restarted;
  }
  await expect(Promise.all(codes)).resolves.toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('an engine’s stdin ends with `stop()` while a later engine and a later child of the app run on', async () => {
  const first = await startedEngine('ignores-sigterm.js', { args: ['until stdin ends'], killTimeout: 20_000 });
  await startedEngine('does-as-told.js');
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const exited = next(first, 'exit');
  await first.stop();
  child.kill();
  expect((await exited).data).toMatchObject({ code: 0, signal: null });
});

/** What a program that is no engine prints. */
async function printed(enginePath, args) {
  const client = new runtime.EngineClient({ enginePath, args });
  const lines = collect(client, 'stdout');
  await expect(client.start()).rejects.toThrow(/^Engine process exited$/);
  return lines.map(({ data }) => data);
}

// Each against what Node gives its own children; /proc is Linux's.
describe.runIf(process.platform === 'linux')('an engine begins as any child of Node', () => {
  test.each([
    ['no descriptor but its three pipes and what the app itself let through', 'ls', ['-m', '/proc/self/fd']],
    ['no signal blocked or ignored', 'grep', ['-E', '^Sig(Blk|Ign|Cgt)', '/proc/self/status']],
  ])('%s', async (_, command, args) => {
    await startedEngine('does-as-told.js');
    const expected = execFileSync(command, args, { encoding: 'utf8' }).trim().split('\n');
    expect(await printed(command, args)).toEqual(expected);
  });
});
