import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { beforeAll, describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';
import { collect, next } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { executable, folder } from '../support/folders.js';
import { EXAMPLE, installOcr, sample, startedOcr } from '../support/ocr.js';
import { childrenOf, gone, isAlive } from '../support/processes.js';

const { ErrorCodes, JobManager } = runtime;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc');

const SAMPLES = {
  'invoice.png': ['Blue Harbour Supplies', 'Invoice 2041', 'Total due 314.64'],
  'letter.png': ['Northfield Town Library', 'The reading room will be closed from Monday to'],
  'receipt.png': ['CORNER BAKERY', 'TOTAL 16.45'],
};

// Tesseract takes a second of a whole core for an image: several on a busy machine.
const DEADLINE_MS = 60_000;
const PATIENTLY = { timeout: 2 * DEADLINE_MS };

const log = consoleErrors();

beforeAll(installOcr, 300_000);

/** The job's first progress event that says that tesseract works on it. */
function recognizing(manager, jobId) {
  const accepts = (job) => job.jobId === jobId && job.message === 'recognizing text';
  return next(manager, 'job:progress', accepts, DEADLINE_MS);
}

function runner(...args) {
  return runnerWith(folder(), ...args);
}

/** @param {string} data where it keeps its cache and its unfinished jobs */
function runnerWith(data, ...args) {
  const command = [path.join(EXAMPLE, 'run.js'), '--data', data, ...args];
  const child = spawn(process.execPath, command, { cwd: folder() });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (said[name] += text));
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, ...said })));
  return { child, said, ended };
}

/** How many jobs a start says that it recovered: of three, on a busy machine the first may have ended before the kill. */
function recoveredBy({ stderr }) {
  const [, count] = /^Recovered (\d) unfinished jobs? of an earlier run$/m.exec(stderr) || [];
  expect(['1', '2', '3'], stderr).toContain(count);
  return Number(count);
}

/** The engine as one executable file, as apps of version 1 had it: there was no `args`. */
function wrappedEngine() {
  const engine = path.join(EXAMPLE, 'engine.js');
  if (process.platform === 'win32') {
    return executable(path.join(folder(), 'engine.cmd'), `@"${process.execPath}" "${engine}"\r\n`);
  }
  return executable(path.join(folder(), 'ocr engine'), `#!/bin/sh\nexec '${process.execPath}' '${engine}'\n`);
}

/** An app's folder with `quick-start.ts`, and this package in its node_modules. */
function quickStartApp() {
  const app = folder();
  const scope = path.join(app, 'node_modules', '@niche-knack');
  fs.mkdirSync(scope, { recursive: true });
  fs.symlinkSync(ROOT, path.join(scope, 'desktop-runtime'), 'junction');
  fs.copyFileSync(fileURLToPath(new URL('quick-start.ts', import.meta.url)), path.join(app, 'quick-start.ts'));
  fs.writeFileSync(path.join(app, 'package.json'), JSON.stringify({ type: 'module' }));
  const compilerOptions = { strict: true, target: 'es2022', module: 'nodenext', types: [] };
  fs.writeFileSync(path.join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['quick-start.ts'] }));
  return app;
}

describe('the OCR engine through JobManager', PATIENTLY, () => {
  test('the three samples: texts, confidence, progress and the events in order', async () => {
    const manager = new JobManager(await startedOcr(), { concurrency: 2 });
    const events = [];
    for (const name of ['queued', 'started', 'progress', 'completed']) {
      manager.on(`job:${name}`, (event) => events.push({ name, ...event }));
    }
    const jobs = Object.keys(SAMPLES).map((name) => manager.submit('ocr', { imagePath: sample(name) }));
    const results = await Promise.all(jobs);
    Object.values(SAMPLES).forEach((phrases, index) => {
      const { success, data } = results[index];
      expect(success).toBe(true);
      for (const phrase of phrases) expect(data.text).toContain(phrase);
      expect(data.confidence).toBeGreaterThanOrEqual(80);
    });
    for (const { jobId } of jobs) {
      const own = events.filter((event) => event.jobId === jobId);
      const names = own.map(({ name }) => name);
      expect(names.filter((name, index) => name !== names[index - 1])).toEqual([
        'queued',
        'started',
        'progress',
        'completed',
      ]);
      const percents = own.filter(({ name }) => name === 'progress').map(({ progress }) => progress);
      expect(percents).toEqual([...percents].sort((a, b) => a - b));
      expect(percents.at(-1)).toBe(100);
      expect(own.at(-1)).toMatchObject({ success: true, duration: expect.any(Number) });
      expect(manager.getStatus(jobId)).toMatchObject({ state: 'done', engineJobId: expect.any(String) });
    }
  });

  test('cancel of a running job: true, the promise rejects, and the engine stops working on it', async () => {
    const engine = await startedOcr();
    const manager = new JobManager(engine, { concurrency: 1 });
    const job = manager.submit('ocr', { imagePath: sample('invoice.png') });
    const running = recognizing(manager, job.jobId);
    const rejected = expect(job).rejects.toMatchObject({ message: 'Job cancelled', code: ErrorCodes.JOB_CANCELLED });
    await running;
    const { engineJobId } = manager.getStatus(job.jobId);
    const heard = collect(engine, 'job:progress');
    await expect(job.cancel()).resolves.toBe(true);
    await rejected;
    expect(manager.getStatus(job.jobId).state).toBe('cancelled');
    await expect(engine.call('jobs.status', { jobId: engineJobId })).resolves.toMatchObject({ state: 'cancelled' });

    heard.length = 0;
    const after = await manager.submit('ocr', { imagePath: sample('receipt.png') });
    expect(after.data.text).toContain('TOTAL 16.45');
    expect(heard.filter(({ data }) => data.jobId === engineJobId)).toEqual([]);
  });

  test('a missing file and a file that is no image reject with a sentence for the user; the engine works on', async () => {
    const manager = new JobManager(await startedOcr());
    const missing = path.join(folder(), 'nothing.png');
    const noImage = path.join(folder(), 'text.png');
    fs.writeFileSync(noImage, 'not an image');
    await expect(manager.submit('ocr', { imagePath: missing })).rejects.toMatchObject({
      message: `No such file: ${missing}`,
      code: ErrorCodes.INVALID_PARAMS,
    });
    await expect(manager.submit('ocr', { imagePath: noImage })).rejects.toMatchObject({
      message: `Not an image that tesseract can read: ${noImage}`,
      code: ErrorCodes.INVALID_PARAMS,
    });
    await expect(manager.submit('ocr', {})).rejects.toMatchObject({ code: ErrorCodes.INVALID_PARAMS });
    await expect(manager.submit('translate', {})).rejects.toThrow('Unknown job type: translate');
    const { data } = await manager.submit('ocr', { imagePath: sample('receipt.png') });
    expect(data.text).toContain('CORNER BAKERY');
  });

  test('an engine that is killed in mid-job is restarted: the job rejects, the next one works', async () => {
    const engine = await startedOcr({ restartDelay: 0 });
    const manager = new JobManager(engine, { concurrency: 1 });
    const { pid } = engine.getStats();
    const job = manager.submit('ocr', { imagePath: sample('invoice.png') });
    const queued = manager.submit('ocr', { imagePath: sample('letter.png') });
    const restarted = next(engine, 'restart', () => true, DEADLINE_MS);
    const rejected = expect(job).rejects.toMatchObject({ message: 'Engine process exited', code: 'ENGINE_EXITED' });
    await recognizing(manager, job.jobId);
    process.kill(pid, 'SIGKILL');
    await rejected;
    expect((await restarted).data).toEqual({ attempt: 1 });
    expect(engine.getStats().pid).not.toBe(pid);
    expect((await queued).data.text).toContain('Northfield Town Library');
    expect(log).toContain('[Engine] Attempting restart 1/3');
  });

  test('models.list by call()', async () => {
    const engine = await startedOcr();
    const models = await engine.call('models.list');
    expect(models).toEqual([expect.objectContaining({ id: 'eng', type: 'ocr', size: expect.any(Number) })]);
  });
});

describe('examples/ocr/run.js', PATIENTLY, () => {
  test('prints the texts of the samples, its progress on stderr, and ends with code 0', async () => {
    const { code, stdout, stderr } = await runner().ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    for (const phrase of Object.values(SAMPLES).flat()) expect(stdout).toContain(phrase);
    expect(stdout).toMatch(/^3 read, 0 failed, \d+\.\d s$/m);
    for (const name of Object.keys(SAMPLES)) expect(stderr).toMatch(new RegExp(`^${name} +100%  read in `, 'm'));
  });

  test('one image that cannot be read: the others are, and the code is 1', async () => {
    const { code, stdout } = await runner(sample('receipt.png'), 'nothing.png').ended;
    expect(code).toBe(1);
    expect(stdout).toContain('TOTAL 16.45');
    expect(stdout).toMatch(/^No such file: .*nothing\.png$/m);
    expect(stdout).toMatch(/^1 read, 1 failed, /m);
  });

  test('a second time the texts come from the cache; `--fresh` forgets them', async () => {
    const data = folder();
    const letter = sample('letter.png');
    expect((await runnerWith(data, letter).ended).stdout).toMatch(/^1 read, 0 failed, /m);

    const copy = path.join(folder(), 'copy.png');
    fs.copyFileSync(letter, copy);
    const again = await runnerWith(data, copy).ended;
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('Northfield Town Library');
    expect(again.stdout).toMatch(/^1 read, 1 of them from the cache, 0 failed, /m);
    expect(again.stderr).toMatch(/^copy.png +100%  from the cache$/m);

    const fresh = await runnerWith(data, '--fresh', letter).ended;
    expect(fresh.stdout).toMatch(/^1 read, 0 failed, /m);
  });

  test('killed half-way: the next start says how many jobs it recovered, and finishes them', async () => {
    const data = folder();
    const { child, said, ended } = runnerWith(data);
    await eventually(() => said.stderr.includes('recognizing text'), 'the first progress', DEADLINE_MS);
    child.kill('SIGKILL');
    await ended;

    // Asked for another image, it still finishes what was left.
    const again = await runnerWith(data, 'nothing.png').ended;
    const count = recoveredBy(again);
    const read = Object.values(SAMPLES).filter((phrases) => phrases.every((phrase) => again.stdout.includes(phrase)));
    expect(read).toEqual(Object.values(SAMPLES).slice(-count));
    expect(again.stdout).toMatch(new RegExp(`^${count} read, 1 failed, `, 'm'));
    expect(again.code).toBe(1);

    const next = await runnerWith(data).ended;
    expect(next.stderr).not.toContain('Recovered');
    expect(next.stdout).toMatch(/^3 read, 3 of them from the cache, 0 failed, /m);
  });

  test('`--fresh` after a kill: the jobs are forgotten', async () => {
    const data = folder();
    const { child, said, ended } = runnerWith(data);
    await eventually(() => said.stderr.includes('recognizing text'), 'the first progress', DEADLINE_MS);
    child.kill('SIGKILL');
    await ended;
    const { stdout, stderr } = await runnerWith(data, '--fresh', sample('receipt.png')).ended;
    expect(stderr).not.toContain('Recovered');
    expect(stdout).toMatch(/^1 read, 0 failed, /m);
  });

  test('wrong arguments: the help, and code 2', async () => {
    const { code, stderr } = await runner('--colour').ended;
    expect(code).toBe(2);
    expect(stderr).toContain('npm start -- photo.png');
  });

  test('Ctrl-C: code 130, the engine is gone, and the next start goes on', async () => {
    const data = folder();
    const { child, said, ended } = runnerWith(data);
    await eventually(() => said.stderr.includes('recognizing text'), 'the first progress', DEADLINE_MS);
    const children = childrenOf(child.pid);
    expect(children.length).toBeGreaterThan(0);
    child.kill('SIGINT');
    await expect(ended).resolves.toMatchObject({ code: 130 });
    for (const pid of children) await gone(pid, 1000);
    recoveredBy(await runnerWith(data, sample('receipt.png')).ended);
  });
});

describe("version 1's README quick start", PATIENTLY, () => {
  test('compiled by tsc in an app of its own, it prints { success: true, data: { text: … } }', async () => {
    const app = quickStartApp();
    const compiled = spawnSync(process.execPath, [TSC, '-p', app], { encoding: 'utf8' });
    expect(compiled).toMatchObject({ stdout: '', status: 0 });

    const child = spawn(process.execPath, [path.join(app, 'quick-start.js')], {
      env: { ...process.env, ENGINE_PATH: wrappedEngine(), IMAGE_PATH: sample('invoice.png') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal)));
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
    // What `console.log` prints of an object is JavaScript again.
    const result = await eventually(
      () => printed.endsWith('}\n') && vm.runInNewContext(`(${printed})`),
      'the result',
      DEADLINE_MS,
    );
    expect(result).toMatchObject({ success: true, data: { text: expect.stringContaining('Total due 314.64') } });

    // It never stops its engine: as in version 1 it runs on, until the app is ended.
    const children = childrenOf(child.pid);
    expect(children.length).toBeGreaterThan(0);
    expect(isAlive(child.pid)).toBe(true);
    child.kill('SIGTERM');
    expect(await ended).toBe('SIGTERM');
    for (const pid of children) await gone(pid, 5000);
  });
});
