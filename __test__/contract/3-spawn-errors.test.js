import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { collect } from '../support/events.js';
import { executable, folder } from '../support/folders.js';

consoleErrors();

const { EngineClient } = runtime;
let bin;
beforeEach(() => {
  bin = folder();
});

/** What Node itself says about the same command. */
function errorOfNode({ enginePath, args = [], ...options }) {
  return new Promise((resolve) => {
    let child;
    try {
      child = spawn(enginePath, args, options);
    } catch (error) {
      return resolve(error);
    }
    return child.once('error', resolve);
  });
}

const fieldsOf = ({ message, code, errno, syscall, path: file, spawnargs }) => ({
  message,
  code,
  errno,
  syscall,
  path: file,
  spawnargs,
});

const COMMANDS = {
  'a missing path': () => ({ enginePath: path.join(bin, 'missing') }),
  'a missing bare name': () => ({ enginePath: 'no-such-engine-anywhere', args: ['a', 'b c'] }),
  'a missing `cwd`': () => ({ enginePath: process.execPath, args: ['-e', '0'], cwd: path.join(bin, 'missing') }),
  'a file as `cwd`': () => ({ enginePath: process.execPath, cwd: executable(path.join(bin, 'file'), '') }),
  'a folder': () => ({ enginePath: bin }),
  'a file that is not executable': () => {
    fs.writeFileSync(path.join(bin, 'engine'), '#!/bin/sh\n', { mode: 0o644 });
    return { enginePath: path.join(bin, 'engine') };
  },
  'a path through a file': () => ({ enginePath: path.join(executable(path.join(bin, 'file'), ''), 'engine') }),
  'an interpreter that is missing': () => ({
    enginePath: executable(path.join(bin, 'engine'), '#!/nothing/here/python\n'),
  }),
  'a name that is too long': () => ({ enginePath: path.join(bin, 'x'.repeat(300)) }),
};

describe("rejects with the spawn error itself, with Node's `code`, `errno`, `syscall`, `path`, `spawnargs`", () => {
  test.each(Object.keys(COMMANDS))('%s', async (what) => {
    const options = COMMANDS[what]();
    const expected = fieldsOf(await errorOfNode(options));
    expect(expected.code).toMatch(/^E[A-Z]+$/);
    // For rarer numbers Node's spawn throws, and says nothing of the path.
    if (expected.path === undefined) {
      const { enginePath } = options;
      const spawning = { syscall: `spawn ${enginePath}`, path: enginePath, spawnargs: [] };
      Object.assign(expected, spawning, { message: `spawn ${enginePath} ${expected.code}` });
    }
    const error = await new EngineClient(options).start().catch((reason) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(fieldsOf(error)).toEqual(expected);
  });
});

test('message `spawn <path> ENOENT`', async () => {
  await expect(new EngineClient({ enginePath: '/nothing/here' }).start()).rejects.toThrow(
    /^spawn \/nothing\/here ENOENT$/,
  );
});

test('a spawn error also emits `error` before the rejection', async () => {
  const client = new EngineClient({ enginePath: path.join(bin, 'missing') });
  const order = [];
  client.on('error', (event) => order.push(event));
  const error = await client.start().catch((reason) => {
    order.push('rejected');
    return reason;
  });
  expect(order).toEqual([{ type: 'error', timestamp: expect.any(Number), data: error }, 'rejected']);
  expect(order[0].data).toBe(error);
});

test('there was no process: no `exit`', async () => {
  const client = new EngineClient({ enginePath: path.join(bin, 'missing') });
  const exits = collect(client, 'exit');
  await client.start().catch(() => {});
  expect(exits).toEqual([]);
  expect(client.getStats()).toMatchObject({ state: 'idle', pid: null });
});

test('nothing is restarted, and `start()` can be called again', async () => {
  const enginePath = path.join(bin, 'engine');
  const client = new EngineClient({ enginePath, restartDelay: 0, healthMethod: false });
  const errors = collect(client, 'error');
  for (let round = 1; round <= 3; round += 1) {
    await expect(client.start()).rejects.toMatchObject({ code: 'ENOENT' });
    expect(errors).toHaveLength(round);
    expect(client.getStats()).toMatchObject({ state: 'idle', restarts: 0 });
  }
  executable(enginePath, `#!${process.execPath}\nprocess.stdin.resume()`);
  await client.start();
  expect(client.isReady()).toBe(true);
  await client.stop();
});

test('`stop()` after a spawn error resolves at once, and during the spawn it comes first', async () => {
  const client = new EngineClient({ enginePath: path.join(bin, 'missing') });
  const errors = collect(client, 'error');
  const started = client.start().catch((reason) => reason);
  await client.stop();
  await expect(started).resolves.toMatchObject({ message: 'Engine shutting down', code: 'SHUTTING_DOWN' });
  expect(errors).toEqual([]);
  await client.stop();
});
