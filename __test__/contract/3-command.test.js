import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { fixture, startedEngine, stopAfterTest } from '../support/engines.js';
import { executable, folder } from '../support/folders.js';

consoleErrors();

// An engine that is a file of its own.
const PROGRAM = `#!${process.execPath}\n${fs.readFileSync(fixture('does-as-told.js'), 'utf8')}`;

async function started(options) {
  const client = stopAfterTest(new runtime.EngineClient({ autoRestart: false, ...options }));
  await client.start();
  return client;
}

const failure = (options) => started(options).catch((error) => error);

test("a bare name is searched in the engine's PATH", async () => {
  const bin = folder();
  executable(path.join(bin, 'engine-of-this-test'), PROGRAM);
  const PATH = `/nothing/here:${bin}:${process.env.PATH}`;
  const client = await started({ enginePath: 'engine-of-this-test', env: { PATH } });
  await expect(client.call('echo', { a: 1 })).resolves.toEqual({ a: 1 });
  expect((await failure({ enginePath: 'engine-of-this-test' })).code).toBe('ENOENT');
});

test("… not in the app's: a name that only the app's PATH has is not found", async () => {
  expect((await failure({ enginePath: 'sh', env: { PATH: folder() } })).code).toBe('ENOENT');
});

test('… passing over folders and files that are not executable', async () => {
  const [first, second, third] = [folder(), folder(), folder()];
  fs.mkdirSync(path.join(first, 'engine-x'));
  fs.writeFileSync(path.join(second, 'engine-x'), PROGRAM, { mode: 0o644 });
  executable(path.join(third, 'engine-x'), PROGRAM);
  const client = await started({ enginePath: 'engine-x', env: { PATH: `${first}:${second}:${third}` } });
  await expect(client.call('echo')).resolves.toBeNull();
});

test('a bare name is not searched in `cwd`', async () => {
  const cwd = folder();
  executable(path.join(cwd, 'engine-y'), PROGRAM);
  expect((await failure({ enginePath: 'engine-y', cwd })).code).toBe('ENOENT');
});

test('a relative path from `cwd`', async () => {
  const cwd = folder();
  executable(path.join(cwd, 'bin', 'engine'), PROGRAM);
  for (const enginePath of ['./bin/engine', 'bin/engine', 'bin/../bin/engine']) {
    const client = await started({ enginePath, cwd });
    expect((await client.call('self')).cwd).toBe(cwd);
  }
});

test('a path inside `app.asar` in `app.asar.unpacked`', async () => {
  const resources = folder();
  executable(path.join(resources, 'app.asar.unpacked', 'bin', 'engine'), PROGRAM);
  fs.writeFileSync(path.join(resources, 'app.asar'), 'an archive');
  const client = await started({ enginePath: path.join(resources, 'app.asar', 'bin', 'engine') });
  await expect(client.call('echo', { a: 1 })).resolves.toEqual({ a: 1 });
});

test('arguments arrive verbatim: no engine path or argument ever reaches a shell', async () => {
  const args = [
    '$(touch /tmp/never)',
    '`id`',
    '; exit 1',
    '| cat',
    '> out',
    'two words',
    '"double"',
    "'single'",
    '\\',
    '\\"',
    '*',
    '~',
    '$HOME',
    '%PATH%',
    '^',
    '',
    ' ',
    'ünïcode 🙂',
    'line\nbreak',
    '--flag=a b',
  ];
  const client = await startedEngine('does-as-told.js', { args });
  expect((await client.call('self')).argv).toEqual(args);
});

test('… nor does the path', async () => {
  const odd = path.join(folder(), "an engine; $(exit 1) 'quoted' & co");
  executable(odd, PROGRAM);
  const client = await started({ enginePath: odd });
  await expect(client.call('echo')).resolves.toBeNull();
});

test('… a script without `#!` line is no program', async () => {
  const trace = path.join(folder(), 'trace');
  const script = executable(path.join(folder(), 'engine'), `touch '${trace}'\n`);
  expect(await failure({ enginePath: script })).toMatchObject({ code: 'ENOEXEC', message: `spawn ${script} ENOEXEC` });
  const name = { enginePath: 'engine', env: { PATH: path.dirname(script) } };
  expect(await failure(name)).toMatchObject({ code: 'ENOEXEC' });
  expect(fs.existsSync(trace)).toBe(false);
});

test('what no system call can take is refused, not cut short', async () => {
  for (const options of [
    { enginePath: `${process.execPath}\0rest` },
    { enginePath: process.execPath, args: ['-e', '0\0rest'] },
    { enginePath: process.execPath, env: { NAME: 'value\0rest' } },
    { enginePath: process.execPath, cwd: '/tmp\0rest' },
  ]) {
    expect(await failure(options)).toMatchObject({ code: 'EINVAL' });
  }
});

test('`args` defaults to none', async () => {
  const client = await started({ enginePath: executable(path.join(folder(), 'engine'), PROGRAM) });
  expect((await client.call('self')).argv).toEqual([]);
});
