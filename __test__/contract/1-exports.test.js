import { execFile } from 'node:child_process';
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';

const require = createRequire(import.meta.url);
const ROOT = new URL('../../', import.meta.url);
const manifest = JSON.parse(fs.readFileSync(new URL('package.json', ROOT), 'utf8'));
const NAME = '@niche-knack/desktop-runtime';
const EXPORTS = [
  'CacheManager',
  'CrashRecovery',
  'EngineClient',
  'EngineError',
  'ErrorCodes',
  'JobManager',
  'ProgressTracker',
  'StreamHandler',
  'createJobStream',
];

const run = promisify(execFile);
/** What a script, run as a file of this package would be, prints as JSON. */
async function printed(type, script) {
  const args = type === 'module' ? ['--input-type=module', '-e', script] : ['-e', script];
  return JSON.parse((await run(process.execPath, args, { cwd: new URL('.', import.meta.url) })).stdout);
}

describe('values', () => {
  test('under their names', () => {
    expect(Object.keys(runtime)).toEqual(expect.arrayContaining(EXPORTS));
    for (const name of EXPORTS.filter((each) => each !== 'ErrorCodes')) expect(runtime[name].name).toBe(name);
  });

  test('require works, by the package’s name', () => {
    expect(manifest.name).toBe(NAME);
    expect(Object.keys(require(NAME))).toEqual(Object.keys(runtime));
  });

  test('import (ESM, named) gives the same classes', async () => {
    const same = await printed(
      'module',
      `import { createRequire } from 'module';
       import * as all from '${NAME}';
       import { ${EXPORTS.join(', ')} } from '${NAME}';
       const required = createRequire(process.cwd() + '/x.js')('${NAME}');
       const named = { ${EXPORTS.join(', ')} };
       const names = Object.keys(required);
       console.log(JSON.stringify({
         missing: names.filter((name) => all[name] !== required[name]),
         named: Object.keys(named).every((name) => named[name] === required[name]),
       }));`,
    );
    expect(same).toEqual({ missing: [], named: true });
  });

  test('./package.json, ./dist/index.js and ./dist/types.js stay importable', async () => {
    const script = `const runtime = require('${NAME}');
      const index = require('${NAME}/dist/index.js');
      const types = require('${NAME}/dist/types.js');
      console.log(JSON.stringify({
        index: Object.keys(runtime).every((name) => index[name] === runtime[name]),
        types: types.ErrorCodes === runtime.ErrorCodes,
        version: require('${NAME}/package.json').version,
      }));`;
    const expected = { index: true, types: true, version: manifest.version };
    expect(await printed('commonjs', script)).toEqual(expected);
    const names = await printed(
      'module',
      `import { ErrorCodes } from '${NAME}/dist/types.js';
       import { EngineClient } from '${NAME}/dist/index.js';
       console.log(JSON.stringify([ErrorCodes.JOB_TIMEOUT, EngineClient.name]));`,
    );
    expect(names).toEqual([-31004, 'EngineClient']);
  });
});

describe('the files of the package', () => {
  const paths = (entry) => (typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(paths));

  test('every file that exports, main and types name exists and is packed', () => {
    const named = [manifest.main, manifest.types, ...paths(manifest.exports)].map((path) => path.replace(/^\.\//, ''));
    for (const path of named) {
      expect(fs.existsSync(new URL(path, ROOT)), path).toBe(true);
      const packed = manifest.files.some((entry) => path === entry || path.startsWith(`${entry}/`));
      expect(packed || path === 'package.json', path).toBe(true);
    }
  });

  test('real files in dist/, each with its .d.ts', () => {
    const files = fs.readdirSync(new URL('dist/', ROOT));
    const scripts = files.filter((file) => file.endsWith('.js'));
    expect(scripts.sort()).toEqual(['index.js', 'types.js']);
    for (const script of scripts) expect(files).toContain(script.replace(/\.js$/, '.d.ts'));
  });

  test('index.mjs only re-exports index.js, index.d.mts holds export * from ./index.js', () => {
    const read = (file) => fs.readFileSync(new URL(file, ROOT), 'utf8');
    expect(read('index.d.mts').trim()).toBe("export * from './index.js';");
    const code = read('index.mjs').replace(/\/\/.*$/gm, '');
    for (const name of Object.keys(runtime)) expect(code).toMatch(new RegExp(`\\b${name}\\b`));
    expect(code).not.toMatch(/\b(class|function|=>|require)\b/);
  });

  test('no run-time dependencies', () => {
    expect(manifest.dependencies).toBe(undefined);
    expect(manifest.peerDependencies).toBe(undefined);
  });
});

describe('instanceof EventEmitter (the class of require("events"))', () => {
  const noEngine = { call: () => new Promise(() => {}), isReady: () => false, onJobEvent: () => () => {} };
  const client = new runtime.EngineClient({ enginePath: 'e' });

  test.each([
    ['EngineClient', client],
    ['JobManager', new runtime.JobManager(noEngine)],
    ['JobManager over an EngineClient', new runtime.JobManager(client)],
  ])('%s', (_, object) => {
    expect(object).toBeInstanceOf(require('events'));
    expect(object).toBeInstanceOf(EventEmitter);
    const listener = () => {};
    expect(object.on('ready', listener)).toBe(object);
    expect(object.listeners('ready')).toEqual([listener]);
    expect(object.listenerCount('ready')).toBe(1);
    expect(object.off('ready', listener).eventNames()).toEqual([]);
  });

  test('emit, once, prependListener, removeAllListeners as an EventEmitter has them', () => {
    const heard = [];
    const object = new runtime.JobManager(noEngine);
    object.once('mine', (...args) => heard.push(['once', ...args]));
    object.prependListener('mine', (...args) => heard.push(['first', ...args]));
    object.addListener('mine', function own() {
      heard.push([this === object]);
    });
    expect(object.emit('mine', 1, 2)).toBe(true);
    expect(object.emit('mine')).toBe(true);
    expect(heard).toEqual([['first', 1, 2], ['once', 1, 2], [true], ['first'], [true]]);
    object.removeAllListeners('mine');
    expect(object.emit('mine')).toBe(false);
  });
});
