import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { folder } from '../support/folders.js';

const require = createRequire(import.meta.url);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const KIT = path.join(ROOT, 'kits/node');
const PYTHON = process.env.PYTHON || (process.platform === 'win32' ? 'python' : 'python3');
const { nodeBinaries } = require('../../scripts/hosts');

const kit = require('../../kits/node');

/** An app's folder in which the kit for Node is installed. */
function appWithKit(files) {
  const app = fs.realpathSync(folder());
  const scope = path.join(app, 'node_modules/@niche-knack');
  fs.mkdirSync(scope, { recursive: true });
  fs.symlinkSync(KIT, path.join(scope, 'engine-kit'), 'junction');
  fs.symlinkSync(path.join(ROOT, 'node_modules/@types'), path.join(app, 'node_modules/@types'), 'junction');
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(app, name), text);
  return app;
}

const HEALTH = '{"jsonrpc":"2.0","id":1,"method":"engine.health"}\n';

describe('the kit for Node as a package', () => {
  test('ErrorCodes are those of the runtime', () => {
    expect(kit.ErrorCodes).toEqual(runtime.ErrorCodes);
  });

  test('import and require give the same, in the oldest Node that it is for and in the newest', () => {
    const nodes = nodeBinaries().filter(({ version }) => parseInt(version, 10) >= 16);
    const hosts = nodes.length > 0 ? [nodes[0].path, nodes.at(-1).path] : [process.execPath];
    const app = appWithKit({
      'engine.mjs': "import { Engine } from '@niche-knack/engine-kit';\nnew Engine({ version: '1.0.0' }).run();\n",
      'engine.cjs': "const { Engine } = require('@niche-knack/engine-kit');\nnew Engine({ version: '1.0.0' }).run();\n",
    });
    for (const host of hosts) {
      for (const file of ['engine.mjs', 'engine.cjs']) {
        const { stdout, stderr, status } = spawnSync(host, [path.join(app, file)], { input: HEALTH, encoding: 'utf8' });
        expect({ stderr, status }, `${file} in ${host}`).toEqual({ stderr: '', status: 0 });
        expect(JSON.parse(stdout)).toMatchObject({ id: 1, result: { status: 'ok', version: '1.0.0' } });
      }
    }
  });

  test('its types: what an engine does compiles, what it must not does not', () => {
    const program = `
      import { Engine, ErrorCodes, JobError, type Job } from '@niche-knack/engine-kit';
      const engine = new Engine({ version: '1.0.0' });
      const model = engine.model('eng', { load: async () => new Map<string, number>(), unload: (words) => words.clear() });
      engine.job('count', async ({ text }: { text: string }, job: Job) => {
        const words = await model.get();
        job.progress(50, 'half');
        job.log('info', 'so far', { words: words.size });
        job.partial([1]);
        await job.drain();
        if (await job.wait(10)) job.check();
        await fetch('', { signal: job.signal });
        if (text === '') throw new JobError(ErrorCodes.INVALID_PARAMS, 'no text', { text });
        return words.get(text);
      });
      engine.method('double', ({ number }: { number: number }) => number * 2).health(() => 'degraded');
      engine.notify('news');
      const found = engine.cache.get<string>('a');
      if (found.found) found.value.length;
      const ended: Promise<void> = engine.run();
      // @ts-expect-error
      engine.job('count', (payload, job) => job.log('loud', 'no level'));
      // @ts-expect-error
      engine.health(() => 'fine');
      // @ts-expect-error
      engine.model('eng', {});
      export { ended };
    `;
    const app = appWithKit({ 'esm.mts': program, 'commonjs.cts': program });
    const compilerOptions = {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      target: 'es2022',
      module: 'nodenext',
      types: ['node'],
    };
    fs.writeFileSync(
      path.join(app, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['esm.mts', 'commonjs.cts'] }),
    );
    const tsc = require.resolve('typescript/bin/tsc');
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', app], { encoding: 'utf8' });
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
  }, 60_000);

  test('npm pack holds what a user needs and nothing else', () => {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const options = {
      cwd: KIT,
      encoding: 'utf8',
      shell: process.platform === 'win32',
      stdio: ['ignore', 'pipe', 'ignore'],
    };
    const [{ files }] = JSON.parse(execFileSync(npm, ['pack', '--dry-run', '--json'], options));
    expect(files.map(({ path: file }) => file).sort()).toEqual([
      'LICENSE',
      'README.md',
      'examples/count.js',
      'index.d.mts',
      'index.d.ts',
      'index.js',
      'index.mjs',
      ...fs.readdirSync(path.join(KIT, 'lib')).map((file) => `lib/${file}`),
      'package.json',
    ]);
  });

  test('mistakes are named', () => {
    // Each engine listens to this process's stdout; one will do.
    const engine = new kit.Engine();
    engine.job('count', () => {});
    expect(() => engine.job('count', () => {})).toThrow('the job type count is there already');
    expect(() => engine.job('other')).toThrow('Engine.job(other) takes a function; got undefined');
    expect(() => engine.model('eng', {})).toThrow('Engine.model(eng): load takes a function; got undefined');
    expect(() => engine.cache.set(5, 'five')).toThrow('Engine.cache: the key must be a string; got 5');
    expect(() => engine.cache.set('fn', () => {})).toThrow(
      'The value of fn cannot be written as JSON: it is a function',
    );
    engine.cache.set('a', 1);
    expect(engine.cache.get('a')).toEqual({ found: true, value: 1 });
    expect(() => new kit.Engine({ version: 2 })).toThrow('Engine: version takes a string; got 2');
  });
});

describe('the kit for Python', () => {
  test('its own tests', () => {
    const args = ['-W', 'error', '-m', 'unittest', 'discover', '-s', 'tests', '-p', 'test_*.py'];
    const env = { ...process.env, PYTHONPATH: 'src', PYTHONDONTWRITEBYTECODE: '1' };
    const { stderr, status } = spawnSync(PYTHON, args, { cwd: path.join(ROOT, 'kits/python'), env, encoding: 'utf8' });
    expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringMatching(/Ran \d+ tests[^]*OK/) });
  });

  test('every file is Python 3.9', () => {
    const program = [
      'import ast, pathlib, sys',
      'for file in pathlib.Path(sys.argv[1]).rglob("*.py"):',
      '    ast.parse(file.read_text("utf-8"), str(file), feature_version=(3, 9))',
      '    print(file.name)',
    ].join('\n');
    const output = execFileSync(PYTHON, ['-c', program, path.join(ROOT, 'kits/python')], { encoding: 'utf8' });
    expect(output.split(/\r?\n/)).toContain('_engine.py');
  });
});

test('the kits and the runtime have one version', () => {
  const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const read = (file) => fs.readFileSync(path.join(ROOT, 'kits', file), 'utf8');
  expect(JSON.parse(read('node/package.json')).version).toBe(version);
  expect(read('python/pyproject.toml')).toContain(`\nversion = "${version}"\n`);
  expect(read('python/src/niche_knack_engine/__init__.py')).toContain(`__version__ = "${version}"`);
  expect(read('rust/Cargo.toml')).toContain('version.workspace = true');
});

test('the examples are those of the pages, line for line', () => {
  const page = fs.readFileSync(path.join(ROOT, 'docs/engines/kits.md'), 'utf8');
  const blocks = (text, language) => [...text.matchAll(new RegExp(`\`\`\`${language}[^\\n]*\\n([^]*?)\`\`\``, 'g'))];
  const own = { node: 'js', python: 'python', rust: 'rust' };
  const ends = { node: 'js', python: 'py', rust: 'rs' };
  for (const [name, language] of Object.entries(own)) {
    const readme = fs.readFileSync(path.join(ROOT, 'kits', name, 'README.md'), 'utf8');
    expect(blocks(page, language)[0][1], name).toBe(blocks(readme, language)[0][1]);
    const example = fs.readFileSync(path.join(KIT, '..', name, `examples/count.${ends[name]}`), 'utf8');
    const lines = blocks(readme, language)[0][1].split('\n').slice(1);
    for (const line of lines) expect(example, line).toContain(line);
  }
});
