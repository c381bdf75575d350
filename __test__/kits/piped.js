import { spawn } from 'node:child_process';
import process from 'node:process';
import { afterEach } from 'vitest';
import { eventually } from '../support/eventually.js';

const running = new Set();

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});

/**
 * An engine behind raw pipes: nothing of the runtime stands between. `messages` are the lines of stdout, parsed; a line
 * that is no JSON text is an error of the test. `reading: false` leaves stdout alone until `read()`.
 */
export function piped({ enginePath, args, env }, { reading = true, extraEnv = {} } = {}) {
  const child = spawn(enginePath, args, { env: { ...process.env, ...env, ...extraEnv } });
  running.add(child);
  const engine = { child, pid: child.pid, messages: [], stderr: '', faults: [] };
  let pieces = [];
  const read = () => {
    child.stdout.on('data', (chunk) => {
      const [first, ...others] = chunk.toString('latin1').split('\n');
      pieces.push(first);
      if (others.length === 0) return;
      const lines = [pieces.join(''), ...others];
      pieces = [lines.pop()];
      for (const line of lines) {
        try {
          engine.messages.push(JSON.parse(Buffer.from(line, 'latin1').toString('utf8')));
        } catch {
          engine.faults.push(line);
        }
      }
    });
  };
  child.stderr.setEncoding('utf8').on('data', (text) => (engine.stderr += text));
  child.stdin.on('error', () => {}); // the engine may be gone
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
  if (reading) read();

  let last = 0;
  const answerTo = (id) => engine.messages.find((message) => message.jsonrpc && message.id === id);
  return Object.assign(engine, {
    ended,
    read,
    write: (text) => child.stdin.write(text),
    /** Sends a request; its answer, whole. */
    async ask(method, params) {
      last += 1;
      const id = `q${last}`;
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
      return eventually(() => answerTo(id), `the answer to ${method}`);
    },
    /** Starts a job; its id. */
    async start(type, payload = {}) {
      const { result, error } = await engine.ask('jobs.start', { type, payload, priority: 'normal' });
      if (error) throw new Error(error.message);
      return result.jobId;
    },
    eventsOf: (jobId) => engine.messages.filter((message) => message.jobId === jobId && message.type),
    /** The job's last event. */
    end: (jobId) =>
      eventually(
        () => engine.eventsOf(jobId).find(({ type }) => type === 'result' || type === 'error'),
        `the end of ${jobId}`,
        20_000,
      ),
  });
}
