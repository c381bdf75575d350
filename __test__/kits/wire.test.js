import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { KITS, buildEngines } from './engines.js';
import { piped } from './piped.js';

beforeAll(buildEngines, 300_000);

const UNANSWERED = { timeout: 60_000 };

/** Lines that are sent, and the errors that answer them: `[id, code]`, none for a line that is not answered. */
const LINES = {
  'a line that is no JSON': ['{"jsonrpc":', [null, -32700]],
  'NaN, which is no JSON': ['{"jsonrpc":"2.0","id":1,"method":"engine.health","params":{"a":NaN}}', [null, -32700]],
  'bytes that are no UTF-8': [Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), [null, -32700]],
  'a batch': ['[{"jsonrpc":"2.0","id":1,"method":"engine.health"}]', [null, -32600]],
  'no object': ['42', [null, -32600]],
  'another protocol': ['{"id":1,"method":"engine.health"}', [1, -32600]],
  'no method': ['{"jsonrpc":"2.0","id":"a"}', ['a', -32600]],
  'an id that is none': ['{"jsonrpc":"2.0","id":{},"method":"engine.health"}', [null, -32600]],
  'an unknown method': ['{"jsonrpc":"2.0","id":7,"method":"no.such"}', [7, -32601]],
  'params that are no object': ['{"jsonrpc":"2.0","id":"b","method":"jobs.list","params":[1]}', ['b', -32602]],
  'an unknown method as a notification': ['{"jsonrpc":"2.0","method":"no.such"}', undefined],
  'an answer to nothing': ['{"jsonrpc":"2.0","id":"c","result":1}', undefined],
  'an empty line': ['', undefined],
};

describe.each(Object.keys(KITS))('the wire of the kit for %s', UNANSWERED, (name) => {
  const { trial } = KITS[name];

  test('lines that are no requests are answered as JSON-RPC says, and the engine goes on', async () => {
    const engine = piped(trial);
    for (const [what, [line, expected]] of Object.entries(LINES)) {
      const before = engine.messages.length;
      engine.write(line);
      engine.write('\r\n');
      // Requests are answered in order, so behind this one nothing else comes.
      const health = await engine.ask('engine.health');
      expect(health.result.status, what).toBe('ok');
      const answers = engine.messages.slice(before, engine.messages.indexOf(health));
      expect(
        answers.map(({ id, error }) => [id, error.code]),
        what,
      ).toEqual(expected ? [expected] : []);
      for (const { error } of answers) expect(error.message, what).not.toBe('');
    }
  });

  test('a byte order mark, `params: null`, a number as id, and a last line without its end', async () => {
    const engine = piped(trial);
    engine.write('\uFEFF{"jsonrpc":"2.0","id":5,"method":"jobs.list","params":null}\n');
    await eventually(() => engine.messages.length === 1, 'the answer');
    expect(engine.messages).toEqual([{ jsonrpc: '2.0', id: 5, result: [] }]);
    engine.child.stdin.end('{"jsonrpc":"2.0","id":6,"method":"jobs.list"}');
    expect(await engine.ended).toEqual({ code: 0, signal: null });
    expect(engine.messages[1]).toEqual({ jsonrpc: '2.0', id: 6, result: [] });
  });

  test('UTF-8 both ways in a locale that has none, and a message of many reads', async () => {
    const engine = piped(trial, { extraEnv: { LC_ALL: 'C', LANG: 'C', PYTHONIOENCODING: 'ascii', PYTHONUTF8: '0' } });
    const text = `Grüße, 世界 🎉\u2028\u2029 ${'ä'.repeat(300_000)}`;
    const jobId = await engine.start('echo', { text });
    expect((await engine.end(jobId)).data).toEqual({ text });
    expect(engine.faults).toEqual([]);
  });

  test('by hand: stdout is a file, stderr is not', () => {
    const file = path.join(folder(), 'answers');
    const { enginePath, args, env } = trial;
    const { status, stderr } = spawnSync(enginePath, args, {
      input: '{"jsonrpc":"2.0","id":1,"method":"jobs.list"}\n',
      env: { ...process.env, ...env },
      stdio: ['pipe', fs.openSync(file, 'w'), 'pipe'],
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual({ jsonrpc: '2.0', id: 1, result: [] });
  });

  test('stray prints go to stderr', async () => {
    const engine = piped(trial);
    const jobId = await engine.start('prints');
    expect((await engine.end(jobId)).type).toBe('result');
    expect(engine.faults).toEqual([]);
    expect(engine.messages.filter(({ method }) => method === 'stray')).toEqual([]);
    await eventually(() => engine.stderr.includes('"method":"stray"'), 'the stray message');
    const printed = {
      node: ['printed by console.log'],
      python: ['printed by print', 'printed by a child', 'printed by C'],
      rust: ['printed by println', 'printed by a child'],
    };
    for (const line of printed[name]) await eventually(() => engine.stderr.includes(line), line);
  });

  test('eight threads that talk and print at once: every line is one message', async () => {
    const engine = piped(trial);
    const jobId = await engine.start('noise', { threads: 8, events: 200 });
    await engine.end(jobId);
    expect(engine.faults).toEqual([]);
    const parts = engine.eventsOf(jobId).filter(({ type }) => type === 'partial');
    expect(parts).toHaveLength(1600);
    for (let thread = 0; thread < 8; thread += 1) {
      const own = parts.filter(({ data }) => data.thread === thread);
      expect(own.map(({ data }) => data.event)).toEqual(Array.from({ length: 200 }, (_, event) => event));
    }
  });

  test('the answer to jobs.start comes before the events of the job', async () => {
    const engine = piped(trial);
    const ids = await Promise.all(Array.from({ length: 50 }, () => engine.start('reports')));
    for (const jobId of ids) {
      await engine.end(jobId);
      const answered = engine.messages.findIndex(({ result }) => result && result.jobId === jobId);
      expect(answered).toBeGreaterThanOrEqual(0);
      expect(engine.messages.findIndex((message) => message.type && message.jobId === jobId)).toBeGreaterThan(answered);
    }
  });

  test('a notification of the engine, and requests without an id', async () => {
    const engine = piped(trial);
    engine.write('{"jsonrpc":"2.0","method":"tell","params":{"method":"model.ready","params":{"id":"eng"}}}\n');
    await eventually(() => engine.messages.length > 0, 'the notification');
    expect(engine.messages).toEqual([{ jsonrpc: '2.0', method: 'model.ready', params: { id: 'eng' } }]);
  });
});

test('processes of multiprocessing in a Python job run no engine, and can be terminated', UNANSWERED, async () => {
  const engine = piped(KITS.python.trial);
  expect((await engine.end(await engine.start('spawnsWorker'))).data).toBe(0);
  expect(engine.stderr).toBe('printed by a worker\n');
  const { data } = await engine.end(await engine.start('terminatesWorkers'));
  expect(Object.keys(data)).toContain('spawn');
  const ended = process.platform === 'win32' ? expect.any(Number) : -15;
  expect(data).toEqual(Object.fromEntries(Object.keys(data).map((method) => [method, ended])));
});

describe.each(Object.keys(KITS))('the ends of the kit for %s', UNANSWERED, (name) => {
  const { trial } = KITS[name];
  const CANCELLED = { code: -31003, message: 'Job cancelled' };

  test('stdin closes: jobs are told, code 0', async () => {
    const engine = piped(trial);
    const jobId = await engine.start('waits');
    await eventually(() => engine.eventsOf(jobId).length === 1, 'the first progress');
    engine.child.stdin.end();
    expect(await engine.ended).toEqual({ code: 0, signal: null });
    expect(engine.eventsOf(jobId).map(({ type, data }) => [type, data])).toEqual([
      ['progress', { percent: 1, message: 'waiting' }],
      ['error', CANCELLED],
    ]);
  });

  test('SIGTERM: the same', async () => {
    const engine = piped(trial);
    const jobId = await engine.start('waits');
    await eventually(() => engine.eventsOf(jobId).length === 1, 'the first progress');
    engine.child.kill('SIGTERM');
    expect(await engine.ended).toEqual({ code: 0, signal: null });
    expect(engine.eventsOf(jobId).at(-1)).toMatchObject({ type: 'error', data: CANCELLED });
  });

  test.skipIf(process.platform === 'win32')(
    'stdin closes, and SIGTERM comes to the last moment: the same',
    async () => {
      const engine = piped(trial);
      await engine.ask('engine.health');
      let isOver = false;
      engine.child.on('exit', () => (isOver = true));
      engine.child.stdin.end();
      while (!isOver) {
        engine.child.kill('SIGTERM');
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await engine.ended).toEqual({ code: 0, signal: null });
    },
  );

  test('a job that does not listen delays the end by seconds at most, and the code is 0', async () => {
    const engine = piped(trial);
    const jobId = await engine.start('ignoresCancel', { seconds: 60 });
    await eventually(() => engine.eventsOf(jobId).length === 1, 'the first progress');
    const began = Date.now();
    engine.child.stdin.end();
    expect(await engine.ended).toEqual({ code: 0, signal: null });
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(engine.stderr).toBe('');
  });

  test('the app stops reading and is gone: a quiet end', async () => {
    const engine = piped(trial, { reading: false });
    engine.write(
      '{"jsonrpc":"2.0","id":1,"method":"jobs.start","params":{"type":"talks","payload":{"parts":1000,"size":10000}}}\n',
    );
    await eventually(() => engine.child.stdout.readableLength > 0 || engine.child.stdout.readable, 'the pipe');
    engine.child.stdout.destroy();
    // stdin stays open: the broken pipe alone tells.
    expect(await engine.ended).toEqual({ code: 0, signal: null });
    expect(engine.stderr).toBe('');
  });

  test('SIGTERM while the app does not read: the end comes all the same', async () => {
    const engine = piped(trial, { reading: false });
    engine.write(
      '{"jsonrpc":"2.0","id":1,"method":"jobs.start","params":{"type":"talks","payload":{"parts":1000,"size":10000}}}\n',
    );
    const exited = new Promise((resolve) => engine.child.on('exit', (code, signal) => resolve({ code, signal })));
    await stuck(engine.pid);
    engine.child.kill('SIGTERM');
    expect(await exited).toEqual({ code: 0, signal: null });
  });

  test('an app that reads slowly: everything arrives in order, and memory stays small', async () => {
    const engine = piped(trial, { reading: false });
    const payload = { parts: 60, size: 1_000_000 };
    engine.write(
      `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'jobs.start', params: { type: 'talks', payload } })}\n`,
    );
    await stuck(engine.pid);
    if (process.platform === 'linux') expect(residentBytes(engine.pid)).toBeLessThan(idleBytes(name) + 30e6);
    let parts = 0;
    engine.read();
    await eventually(
      () => {
        for (const { type, data } of engine.messages.splice(0)) {
          if (type === 'result') return true;
          if (type === 'partial') {
            expect(data.part).toBe(parts);
            parts += 1;
          }
        }
        return false;
      },
      'the result',
      50_000,
    );
    expect(parts).toBe(60);
    expect(engine.faults).toEqual([]);
  });

  test('a flood of progress that nobody reads costs no memory, and the last of it arrives', async () => {
    const engine = piped(trial, { reading: false });
    const payload = { times: 20_000, size: 10_000 };
    engine.write(
      `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'jobs.start', params: { type: 'progresses', payload } })}\n`,
    );
    await stuck(engine.pid);
    if (process.platform === 'linux') expect(residentBytes(engine.pid)).toBeLessThan(idleBytes(name) + 60e6);
    if (name !== 'node') return; // it waits for the reader, and a gigabyte would have to be read
    engine.read();
    await eventually(() => engine.messages.some(({ type }) => type === 'result'), 'the result');
    expect(engine.messages.at(-2).data.percent).toBe(100);
    expect(engine.messages.length).toBeLessThan(2000);
  });
});

/** What an engine has in memory before it does anything: Node's own is not this test's matter. */
const idleBytes = (name) => (name === 'node' ? 60e6 : 15e6);

/** Waits until a process has no more to do: its threads sleep, and its processor time stands still. */
async function stuck(pid) {
  let before = -1;
  let still = 0;
  await eventually(
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 90));
      const now = processorTicks(pid);
      still = now === before && sleeps(pid) ? still + 1 : 0;
      before = now;
      return still >= 5;
    },
    'a process that waits',
    30_000,
  );
}

/** Whether all of its threads wait for something; on a busy machine one may only wait for its turn. */
function sleeps(pid) {
  const threads = fs.readdirSync(`/proc/${pid}/task`);
  return threads.every((thread) => {
    try {
      return stat(`${pid}/task/${thread}`)[0] === 'S';
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

function processorTicks(pid) {
  const fields = stat(pid);
  return Number(fields[11]) + Number(fields[12]);
}

function residentBytes(pid) {
  return Number(stat(pid)[21]) * 4096;
}

function stat(pid) {
  const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}
