import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { fixture } from '../support/engines.js';
import { executable, folder } from '../support/folders.js';
import { nodes } from '../support/hosts.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCE = fs.readFileSync(new URL('version-1-app.ts', import.meta.url), 'utf8');

/** An app's folder with the package installed in it, and its program, compiled to this module format. */
function appOf(module) {
  const app = folder();
  fs.mkdirSync(path.join(app, 'node_modules/@niche-knack'), { recursive: true });
  fs.symlinkSync(ROOT, path.join(app, 'node_modules/@niche-knack/desktop-runtime'), 'junction');
  const compilerOptions = { target: ts.ScriptTarget.ES2019, module };
  const program = path.join(app, module === ts.ModuleKind.CommonJS ? 'app.js' : 'app.mjs');
  fs.writeFileSync(program, ts.transpileModule(SOURCE, { compilerOptions }).outputText);
  return { app, program };
}

/** Version 1 gave an engine no arguments: what needs some was wrapped in a script. */
function wrappedEngine(app) {
  const engine = fixture('answers-as-the-manual-says.js');
  if (process.platform === 'win32') {
    return executable(path.join(app, 'engine.cmd'), `@"${process.execPath}" "${engine}"\r\n`);
  }
  return executable(path.join(app, 'engine'), `#!/bin/sh\nexec '${process.execPath}' '${engine}'\n`);
}

/** What a part of the program prints when it ran to its end by itself. */
async function reportOf(node, module, part) {
  const { app, program } = appOf(module);
  const env = { ...process.env, ENGINE_PATH: wrappedEngine(app), APP_FOLDER: app };
  const { stdout } = await promisify(execFile)(node, [program, part], { cwd: app, env, timeout: 25_000 });
  return JSON.parse(stdout);
}

const byText = (list) => list.map((entry) => JSON.stringify(entry)).sort();
const CANCELLED = { message: 'Job cancelled', code: -31003 };

const EXPECTED = {
  quickStart: { result: { success: true, data: { text: 'Invoice of image.png' } } },
  engineClient: {
    before: false,
    ready: true,
    health: ['ok', '1.0.0', 5000],
    status: { state: 'running', progress: 45 },
    cancelled: { success: true },
    own: ['progress', 'log', 'partial', 'result'],
    unknown: { message: 'Method not found: no.such.method', code: -32601 },
    crashed: { message: 'Engine process exited', code: 'ENGINE_EXITED' },
    restart: { attempt: 1 },
    late: { message: 'Engine not ready', code: 'NOT_READY' },
    refused: 'ENOENT',
    after: false,
    seen: byText([
      ...[1, 2].map(() => ['ready', null]),
      ...['progress', 'progress', 'log', 'partial', 'progress', 'log', 'partial'].map((type) => ['job:progress', type]),
      ['job:complete', 'result'],
      ['job:error', 'error'],
      ['exit', 3],
      ['exit', null],
      ['error', 'ENOENT'],
    ]),
  },
  jobManager: {
    listed: [
      ['ocr', 'pending'],
      ['translate', 'pending'],
      ['translate', 'pending'],
    ],
    counts: [2, 1],
    running: ['running', 45, 'Reading'],
    cancelled: [true, true, false],
    status: ['done', 'cancelled', null],
    endless: CANCELLED,
    waiting: CANCELLED,
    success: true,
    text: 'Invoice of b.png',
    failed: { message: 'no model for summarize', code: -30001 },
    timedOut: { message: 'Job timeout', code: -31004 },
    forgotten: null,
    seen: [
      ['job:queued', 'translate', 'normal'],
      ['job:queued', 'translate', 'normal'],
      ['job:queued', 'ocr', 'high'],
      ['job:started', 'translate'],
      ['job:progress', 45, 'Reading'],
      ['job:completed', false, 'number'],
      ['job:started', 'ocr'],
      ['job:progress', 45, 'Reading'],
      ['job:completed', true, 'number'],
      ['job:queued', 'summarize', 'normal'],
      ['job:started', 'summarize'],
      ['job:progress', 45, 'Reading'],
      ['job:completed', false, 'number'],
      ['job:queued', 'translate', 'normal'],
      ['job:started', 'translate'],
      ['job:progress', 45, 'Reading'],
      ['job:completed', false, 'number'],
    ],
  },
  cacheManager: {
    stored: [{ success: true }, { success: true }, { success: true }],
    found: { found: true, value: { text: 'Invoice' } },
    timed: [true, [1, 2], 'number'],
    missed: { found: false },
    pruned: 1,
    stats: [true, 1024 * 1024, true],
    again: { found: true, value: { text: 'Invoice' } },
    deleted: { success: true },
    cleared: { success: true, cleared: 1 },
    nothing: { success: true, cleared: 0 },
    memory: { found: true, value: 1 },
  },
  streams: {
    heard: ['progress', 'progress', 'progress', 'progress', 'result'],
    all: ['progress', 'progress', 'progress', 'log', 'partial', 'progress', 'result', 'error'],
    counts: [2, ['job-1']],
    types: ['progress', 'progress', 'progress', 'partial', 'progress', 'result'],
    progress: 60,
    elapsed: true,
    ended: [true, false, 1],
    last: ['error'],
    left: [],
  },
  crashRecovery: {
    kept: [
      ['two', 'pending', 0],
      ['one', 'pending', 1],
    ],
    counts: [1, 1],
    recovered: [
      ['two', 'ocr', { id: 'two' }, 'normal'],
      ['one', 'ocr', { id: 'one' }, 'normal'],
    ],
    seen: [
      ['recovery:start', 2],
      ['recovery:job', 'two', true],
      ['recovery:job', 'one', true],
      ['recovery:complete', 2, 2],
    ],
    left: 0,
    cleared: [0, 0, 0],
  },
  errorCodes: {
    PARSE_ERROR: -32700,
    INVALID_REQUEST: -32600,
    METHOD_NOT_FOUND: -32601,
    INVALID_PARAMS: -32602,
    INTERNAL_ERROR: -32603,
    JOB_NOT_FOUND: -31001,
    JOB_ALREADY_RUNNING: -31002,
    JOB_CANCELLED: -31003,
    JOB_TIMEOUT: -31004,
    MODEL_NOT_FOUND: -30001,
    MODEL_LOAD_FAILED: -30002,
    INSUFFICIENT_MEMORY: -30003,
    CACHE_MISS: -29001,
    CACHE_FULL: -29002,
  },
};

// The oldest host beside the one that runs the tests; its module format is the only one that Node 12.14 has.
const { CommonJS, ESNext } = ts.ModuleKind;
const HOSTS = [
  ['CommonJS', process.execPath, CommonJS],
  ['ECMAScript modules', process.execPath, ESNext],
  ...nodes.slice(0, 1).map(({ version, path: program }) => [`Node ${version}`, program, CommonJS]),
];

describe.each(HOSTS)('every call of version 1’s manual, in the way it shows it: %s', (_, node, module) => {
  test.each(Object.keys(EXPECTED))('%s', async (part) => {
    const report = await reportOf(node, module, part);
    // Events of several jobs meet in any order.
    if (part === 'engineClient') report.seen = byText(report.seen);
    expect(report).toEqual(EXPECTED[part]);
  });
});
