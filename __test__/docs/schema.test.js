import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import runtime from '../../index.js';
import { ENVIRONMENT, ROOT, savedFiles } from '../support/documents.js';
import { commandOf, stopAfterTest } from '../support/engines.js';
import { folder } from '../support/folders.js';
import { SCHEMAS, validators } from '../support/schemas.js';

const { installPackages } = createRequire(import.meta.url)('../../scripts/setup/packages.js');
const { enginePath: PYTHON } = commandOf('.py');

let schema;

beforeAll(async () => {
  await installPackages('docs');
  schema = validators();
}, 300_000);

/** Engines of ours that have the job type `count`, each with what starts it. */
const ENGINES = [
  ['the Python engine of the contract page', (at) => [PYTHON, join(at, 'engine.py')]],
  ['the example of the Node kit', () => [process.execPath, join(ROOT, 'kits/node/examples/count.js')]],
  ['the example of the Python kit', () => [PYTHON, join(ROOT, 'kits/python/examples/count.py')]],
];

/** What both sides wrote while an app called, ran jobs, cancelled one, and failed: `{requests, lines}`. */
async function transcript(command) {
  const at = folder();
  writeFileSync(join(at, 'engine.py'), savedFiles('docs/engines/contract.md').get('engine.py'));
  const words = command(at);
  expect(existsSync(words[1]), `${words[1]} is there`).toBe(true);
  const pipes = ['-c', 'tee requests | "$@" | tee lines', 'sh', ...words];
  const engine = stopAfterTest(
    new runtime.EngineClient({ enginePath: 'sh', args: pipes, cwd: at, env: ENVIRONMENT, stderr: 'ignore' }),
  );
  await engine.start();
  const jobs = new runtime.JobManager(engine);
  await jobs.submit('count', { text: 'vier kleine Vögel 🦜 "\\' }, { priority: 'high' });
  await expect(jobs.submit('count', { text: 5 })).rejects.toThrow();
  const slow = jobs.submit('count', { text: 'a b', secondsPerWord: 60 });
  jobs.once('job:started', () => slow.cancel());
  await expect(slow).rejects.toThrow('Job cancelled');
  await expect(engine.call('no.such.method', { any: ['thing'] })).rejects.toMatchObject({ code: -32601 });
  for (const method of ['jobs.list', 'models.list'])
    await engine.call(method).catch(({ code }) => expect(code).toBe(-32601));
  await engine.call('cache.set', { key: 'a', value: { b: 1 }, ttl: 60 }).catch(({ code }) => expect(code).toBe(-32601));
  await engine.call('cache.get', { key: 'a' }).catch(({ code }) => expect(code).toBe(-32601));
  await engine.stop();
  const read = (name) => readFileSync(join(at, name), 'utf8').trim().split('\n').map(JSON.parse);
  return { requests: read('requests'), lines: read('lines') };
}

describe.skipIf(process.platform === 'win32')('real transcripts', () => {
  test.each(ENGINES)('%s: every line of both sides is as the schemas say', async (name, command) => {
    const { requests, lines } = await transcript(command);
    const methods = new Map(requests.map(({ id, method }) => [id, method]));
    expect(requests.map(schema('request.json')).filter(Boolean)).toEqual([]);
    expect(lines.map(schema('line.json')).filter(Boolean)).toEqual([]);
    for (const { id, result } of lines.filter((line) => line.result !== undefined)) {
      // It says on its page that it leaves `memory` out.
      if (command === ENGINES[0][1] && methods.get(id) === 'engine.health') continue;
      expect(schema(`methods.json#/$defs/${methods.get(id)}.result`)(result), methods.get(id)).toBe(null);
    }
    const kinds = lines.map(({ type, error }) => type ?? (error ? 'failure' : 'answer'));
    expect(new Set(kinds)).toEqual(new Set(['answer', 'failure', 'progress', 'result', 'error']));
  });
});

const EVENT = { type: 'progress', jobId: 'a', timestamp: 1699900000000, data: { percent: 1 } };
const ANSWER = { jsonrpc: '2.0', id: 'a', result: {} };

describe('a line that an engine must not write is refused', () => {
  test('while its good form passes', () => {
    for (const line of [EVENT, ANSWER, { jsonrpc: '2.0', method: 'model.ready' }])
      expect(schema('line.json')(line)).toBe(null);
  });

  test.each([
    ['a bare text', 'progress 5'],
    ['an array', [ANSWER]],
    ['nothing', null],
    ['no version', { ...ANSWER, jsonrpc: undefined }],
    ['another version', { ...ANSWER, jsonrpc: 2 }],
    ['an id that became a number', { ...ANSWER, id: 1 }],
    ['a result beside an error', { ...ANSWER, error: { code: 1, message: 'no' } }],
    ['neither result nor error', { jsonrpc: '2.0', id: 'a' }],
    ['a result for nobody', { ...ANSWER, id: null }],
    ['an error that is a text', { jsonrpc: '2.0', id: 'a', error: 'no' }],
    ['an error without a code', { jsonrpc: '2.0', id: 'a', error: { message: 'no' } }],
    ['a code that is a text', { jsonrpc: '2.0', id: 'a', error: { code: 'ENOENT', message: 'no' } }],
    ['an event without a job', { ...EVENT, jobId: undefined }],
    ['an event of a job with a number for a name', { ...EVENT, jobId: 7 }],
    ['an event of an unknown type', { ...EVENT, type: 'complete' }],
    ['a time in seconds', { ...EVENT, timestamp: 1699900000 }],
    ['a time as a text', { ...EVENT, timestamp: '2023-11-13T18:26:40Z' }],
    ['a percent above 100', { ...EVENT, data: { percent: 101 } }],
    ['a percent as a text', { ...EVENT, data: { percent: '5%' } }],
    ['progress without a percent', { ...EVENT, data: {} }],
    ['a log of an unknown level', { ...EVENT, type: 'log', data: { level: 'fatal', message: 'no' } }],
    ['an event without data', { ...EVENT, data: undefined }],
    ['an error event without a message', { ...EVENT, type: 'error', data: { code: 1 } }],
    ['an event that claims to be JSON-RPC', { ...EVENT, jsonrpc: '2.0' }],
  ])('%s', (name, line) => {
    const written = line === null ? null : JSON.parse(JSON.stringify(line));
    expect(schema('line.json')(written)).not.toBe(null);
  });

  test.each([
    ['jobs.start.params', { type: 'a', payload: 1, priority: 'urgent' }],
    ['jobs.start.params', { type: 'a', payload: 1, traceparent: 'b' }],
    ['jobs.start.params', { type: 'a' }],
    ['jobs.start.result', { jobId: '' }],
    ['jobs.start.result', { job_id: 'a' }],
    ['jobs.cancel.result', { success: 'yes' }],
    ['jobs.status.result', { state: 'completed' }],
    ['engine.health.result', { status: 'ok', version: '1.0.0', uptime: 1 }],
    ['models.list.result', { models: [] }],
    ['cache.get.result', { value: 1 }],
  ])('%s %j', (part, value) => {
    expect(schema(`methods.json#/$defs/${part}`)(value)).not.toBe(null);
  });

  test.each([
    ['an id that is no UUID', { jsonrpc: '2.0', id: '1', method: 'a' }],
    [
      'a health request with params',
      { jsonrpc: '2.0', id: '6f1c2b9e-0d52-4a57-9e0b-3a1c64a8d7f1', method: 'engine.health', params: {} },
    ],
    [
      'jobs.start with another key',
      {
        jsonrpc: '2.0',
        id: '6f1c2b9e-0d52-4a57-9e0b-3a1c64a8d7f1',
        method: 'jobs.start',
        params: { type: 'a', payload: 1, _meta: {} },
      },
    ],
  ])('a request: %s', (name, request) => {
    expect(schema('request.json')(request)).not.toBe(null);
  });
});

test('every schema says which draft it is written in, and names itself', () => {
  for (const [name, { $schema, $id }] of Object.entries(SCHEMAS)) {
    expect({ $schema, $id }).toEqual({ $schema: 'https://json-schema.org/draft/2020-12/schema', $id: name });
  }
});
