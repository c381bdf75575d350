import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { folder } from '../support/folders.js';
import { COMMAND, cli, cliOnTerminal, engine, onTerminal } from './command.js';

const COMMANDS = ['run', 'call', 'health', 'conformance', 'cache', 'recovery', 'completion'];
const ENGINE = engine('misbehaves.js');
const manifest = JSON.parse(fs.readFileSync(new URL('../../cli/package.json', import.meta.url), 'utf8'));
const hasZsh = spawnSync('zsh', ['--version']).status === 0;

describe('help', () => {
  test('--help names every command and the exit codes; --version is that of the package', async () => {
    const { code, stdout } = await cli(['--help']);
    expect(code).toBe(0);
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}desktop-runtime ${name} `, 'm'));
    expect(stdout).toMatch(/Exit codes:\n +0 /);
    expect((await cli(['--version'])).stdout).toBe(`${manifest.version}\n`);
  });

  test.each(COMMANDS)('%s --help has examples and the exit codes', async (name) => {
    const { code, stdout } = await cli([name, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`^desktop-runtime ${name} [^]*Examples:\\n +# .*\\n +desktop-runtime ${name} [^]*Exit codes:`),
    );
  });

  test('the help fits a narrow terminal', async () => {
    const { stdout } = await cliOnTerminal(['run', '--help'], { columns: 60 }).ended;
    const long = stdout.split('\r\n').filter((line) => line.length > 60);
    expect(long).toEqual([]);
  });
});

describe('a wrong command line: exit code 2 and one line that says why', () => {
  test.each([
    [[], /Which command\?/],
    [['helth', 'x'], /Did you mean health\?/],
    [['run', ENGINE], /Missing required argument: type/],
    [['run', ENGINE, '-t', 'a', '-t', 'b'], /--type is given 2 times; it takes one value/],
    [['run', ENGINE, '-t', 'a', '--priority', 'urgent'], /Given: "urgent", Choices: "low", "normal", "high"/],
    [['run', ENGINE, '-t', 'a', '--timeout', 'soon'], /--timeout takes a duration .*; got "soon"/],
    [
      ['run', ENGINE, '-t', 'a', '--retries', '-1'],
      /--retries takes a whole number|Not enough arguments following: retries/,
    ],
    [['run', ENGINE, '-t', 'a', '--paylod', '{}'], /Unknown arguments?: paylod/],
    [['run', ENGINE, '-t', 'a', '-p', '{text:1}'], /--payload: the text is not JSON: .*single quotes/],
    [['run', ENGINE, '-t', 'a', '-p', '@no.json'], /--payload: cannot read no\.json: there is no such file/],
    [['call', ENGINE, 'a', '[1]'], /PARAMS takes a JSON object, or null; got \[1\]/],
    [['call', ENGINE], /an argument is missing/],
    [['conformance', ENGINE, '-j', 'a:-', '-s', 'a:-'], /both take standard input/],
    [['conformance', ENGINE, '-j', 'a', '-t', 'b'], /give either --job TYPE:JSON, or --type/],
    [['health', ENGINE, '--env', '=x'], /--env takes NAME=VALUE; got "=x"/],
    [['cache', '/tmp', 'shake'], /Given: "shake", Choices:/],
    [['cache', '/tmp', 'get'], /cache DIR get takes KEY/],
    [['cache', '/tmp', 'stats', 'x'], /cache DIR stats takes nothing; got x/],
    [['recovery', '/tmp', 'drop'], /takes the ids of the jobs/],
    [['completion', 'fish'], /Given: "fish", Choices: "bash", "zsh"/],
  ])('%j', async (args, why) => {
    const { code, stdout, stderr } = await cli(args, { input: 'null' });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(why);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('completion', () => {
  /** A folder for PATH with the command under its name. */
  function inPath() {
    const bin = folder();
    fs.symlinkSync(COMMAND, path.join(bin, 'desktop-runtime'));
    return { PATH: `${bin}${path.delimiter}${process.env.PATH}` };
  }

  const inBash = (words) => {
    const script = `source <(desktop-runtime completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      _desktop_runtime; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const env = { ...process.env, ...inPath() };
    return execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8', env })
      .trim()
      .split('\n');
  };

  test('bash completes commands, actions, options and their values', () => {
    expect(inBash(['desktop-runtime', ''])).toEqual(COMMANDS);
    expect(inBash(['desktop-runtime', 'con'])).toEqual(['conformance']);
    expect(inBash(['desktop-runtime', 'cache', '/tmp', 'p'])).toEqual(['prune']);
    expect(inBash(['desktop-runtime', 'run', 'engine', '--pri'])).toEqual(['--priority']);
    expect(inBash(['desktop-runtime', 'run', 'engine', '--priority', ''])).toEqual(['low', 'normal', 'high']);
  });

  test('bash completes a command that is typed, by Tab', async () => {
    const { type, shows, child } = onTerminal('bash', ['--norc', '--noprofile'], { env: inPath(), columns: 120 });
    type('source <(desktop-runtime completion bash); echo re""ady\n');
    await shows(/[\r\n]ready/);
    type('desktop-runtime conf\t');
    await shows(/conformance/);
    child.kill();
  });

  test.skipIf(!hasZsh)('zsh completes a command that is typed, by Tab', async () => {
    const { type, shows, child } = onTerminal('zsh', ['-f'], { env: inPath(), columns: 120 });
    type('autoload -Uz compinit; compinit -u -D; source <(desktop-runtime completion zsh); echo re""ady\n');
    await shows(/[\r\n]ready/);
    type('desktop-runtime conf\t');
    await shows(/conformance/);
    type('\x15desktop-runtime run engine --prio\t');
    await shows(/run engine --priority/);
    child.kill();
  });
});

describe('the package', () => {
  test('holds what a user needs and nothing else', () => {
    const cwd = fileURLToPath(new URL('../../cli', import.meta.url));
    const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const names = JSON.parse(packed)[0].files.map(({ path: name }) => name);
    expect(names.filter((name) => !name.startsWith('src/'))).toEqual([
      'LICENSE',
      'README.md',
      'bin/desktop-runtime.js',
      'package.json',
    ]);
    expect(names.filter((name) => name.startsWith('src/')).every((name) => name.endsWith('.js'))).toBe(true);
  });

  test('needs the runtime of its own version, exact versions of the rest, and installs nothing by scripts', () => {
    const root = JSON.parse(fs.readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect([manifest.version, manifest.dependencies[root.name]]).toEqual([root.version, root.version]);
    expect(Object.values(manifest.dependencies).every((version) => /^\d+\.\d+\.\d+$/.test(version))).toBe(true);
    expect(manifest.scripts).toBeUndefined();
  });
});
