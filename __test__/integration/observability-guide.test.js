import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { folder } from '../support/folders.js';

const ROOT = path.join(import.meta.dirname, '../..');
const GUIDE = fs.readFileSync(path.join(ROOT, 'docs/guide/observability.md'), 'utf8');

const blocks = (language) =>
  Array.from(GUIDE.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm')), ([, text]) => text);

/** Runs the one program of the guide that has this text in it, beside the guide's engine; gives its lines. */
async function run(text, ...before) {
  const home = folder();
  const modules = path.join(home, 'node_modules');
  fs.mkdirSync(path.join(modules, '@niche-knack'), { recursive: true });
  fs.symlinkSync(ROOT, path.join(modules, '@niche-knack/desktop-runtime'), 'dir');
  fs.symlinkSync(path.join(ROOT, 'node_modules/@opentelemetry'), path.join(modules, '@opentelemetry'), 'dir');
  const [engine] = blocks('python');
  fs.writeFileSync(path.join(home, 'engine.py'), engine);
  const programs = blocks('js').filter((program) => program.includes(text));
  expect(programs).toHaveLength(1);
  fs.writeFileSync(path.join(home, 'program.js'), programs[0]);
  const { stdout } = await promisify(execFile)(process.execPath, [...before, 'program.js'], { cwd: home });
  return stdout.trim().split('\n');
}

test('the counter prints what the guide says', async () => {
  const [line] = await run('const failures');
  expect(line).toBe("[ [ 'job fail: failed', 1 ], [ 'call unknown', 1 ] ]");
  expect(GUIDE).toContain(line);
});

test('the OpenTelemetry program: spans under the caller’s, and a trace that the Python engine sees', async () => {
  const recorder = path.join(ROOT, '__test__/fixtures/apps/records-spans.js');
  const lines = await run('@opentelemetry/api', '--require', recorder);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-0000000000000001-01';
  expect(lines.join('\n')).toContain(traceparent);
  const common = { parent: 'greeting', ended: 1 };
  expect(JSON.parse(lines[lines.length - 1])).toEqual([
    { name: 'greeting', attributes: {}, events: [], ended: 1, parent: null },
    { ...common, name: 'hello', attributes: { 'rpc.system': 'jsonrpc', 'rpc.method': 'hello' }, events: [] },
    {
      ...common,
      name: 'job greet',
      attributes: { 'job.id': expect.any(String), 'job.outcome': 'done' },
      events: ['started'],
    },
  ]);
});

test('the OpenTelemetry program runs without an SDK, too', async () => {
  expect((await run('@opentelemetry/api')).join(' ')).toContain("hello: 'Zoë'");
});

test('the program with figures', async () => {
  const lines = await run('jobs.getStats().completed');
  expect(lines[lines.length - 1]).toBe('3 3');
});
