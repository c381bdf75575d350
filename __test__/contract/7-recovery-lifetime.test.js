import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { appIn } from '../support/app.js';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { elsewhere, ids, job, openRecovery, readIn } from '../support/recovery-folders.js';

consoleErrors();
const ENDS_MS = 5000;

async function lives(way, ...more) {
  const stateDir = folder();
  const node = (script) => ({ command: process.execPath, args: ['--expose-gc', script] });
  const { child, ended } = appIn(node, 'recovery-lives.js', way, stateDir, ...more);
  const late = setTimeout(() => child.kill('SIGKILL'), ENDS_MS);
  const end = await ended;
  clearTimeout(late);
  return { ...end, stateDir };
}

describe('the process exits by itself with nothing pending, and what was tracked is there', () => {
  test.each([
    ['never opened', []],
    ['opened, nothing tracked', []],
    ['opened and dirty', ['a']],
    ['opened and dirty, a short interval', ['a']],
    ['opened and shut down', ['a']],
    ['dropped and collected', ['a']],
    ['process.exit() behind trackJob', ['a']],
    ['process.exit() during init()', []],
    ['process.exit() during shutdown()', ['a']],
    ['process.exit() in a callback', ['a']],
    ['shutdown() in the process’s exit', ['a']],
    ['tracked in the process’s exit', ['a']],
    ['an uncaught error behind trackJob', ['a']],
    ['with a manager and an engine that never started', ['a']],
    ['in a worker: opened and dirty', ['a']],
    ['in a worker: opened and shut down', ['a']],
  ])('%s', async (way, expected) => {
    const { code, signal, stdout, stderr, stateDir } = await lives(way);
    expect({ code, signal, stdout, stderr: way.includes('uncaught') ? '' : stderr }).toEqual({
      code: 0,
      signal: null,
      stdout: expect.stringMatching(/^(true\n)+$/),
      stderr: '',
    });
    expect(ids((await readIn(stateDir)).jobs)).toEqual(expected);
  });

  test('a worker that is terminated', async () => {
    const { code, stdout, stateDir } = await lives('in a worker: opened and dirty', 'terminate');
    expect([code, stdout]).toEqual([0, 'true\n']);
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['a']);
  });

  // A callback that waits for nothing keeps nothing alive either: its `init()` stays open, the process ends.
  test('a callback that never settles', async () => {
    const { code, signal, stateDir } = await lives('a callback that never settles');
    expect([code, signal]).toEqual([0, null]);
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['a']);
  });
});

describe.runIf(process.platform === 'linux')('resources', () => {
  test('no descriptor and no thread is left behind', async () => {
    const stateDir = folder();
    const app = elsewhere(stateDir);
    await app.said;
    const cycle = async () => {
      await app.ask('trackJob', job('a'));
      await app.ask('clearState');
      await app.ask('trackJob', job('b'));
      await app.ask('shutdown');
      await app.ask('init');
    };
    for (let round = 0; round < 5; round += 1) await cycle();
    const count = async () => [await app.ask('descriptors'), await app.ask('threads')];
    const [descriptors, threads] = await count();
    for (let round = 0; round < 30; round += 1) await cycle();
    // A thread that has told its end has a last step to go.
    const settled = async (most) => (await count()).every((each, index) => each <= most[index]);
    await eventually(() => settled([descriptors, threads]), 'the end of the earlier threads');
    await app.ask('shutdown');
    await eventually(() => settled([descriptors - 1, threads]), 'the end of all');
  });

  test('a folder that is taken over again and again costs one set of them', async () => {
    const stateDir = folder();
    const count = () => [fs.readdirSync('/proc/self/fd').length, fs.readdirSync('/proc/self/task').length];
    for (let round = 0; round < 3; round += 1) await openRecovery({ stateDir, autoRecover: false });
    const before = count();
    for (let round = 0; round < 40; round += 1) await openRecovery({ stateDir, autoRecover: false });
    await eventually(() => count().every((each, index) => each <= before[index] + 3), 'the end of the earlier ones');
  });

  test('nothing polls while idle', async () => {
    const app = elsewhere(folder(), { persistInterval: 5 });
    await app.said;
    await app.ask('trackJob', job('a'));
    const tasks = `/proc/${app.child.pid}/task`;
    const switches = () =>
      fs
        .readdirSync(tasks)
        .map((task) => fs.readFileSync(`${tasks}/${task}/status`, 'latin1'))
        .map((status) => Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)[1]))
        .reduce((sum, each) => sum + each, 0);
    // Whatever polls does so in every second.
    await eventually(async () => {
      const before = switches();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return switches() - before < 20;
    }, 'a second of rest');
  });
});
