// Does all that an engine may offer, and one thing wrong: its first argument is a check of `desktop-runtime conformance`
// that must find it, or nothing. The job `count` counts the words of `text`, `secondsPerWord` for each.
'use strict';

const { spawn } = require('child_process');
const fs = require('fs');

const began = Date.now();
const jobs = new Map();
const cache = new Map();
const asked = {};
let started = 0;
let unknownMethods = 0;

/** What a fault takes the place of. */
const engine = {
  write: (text) => fs.writeSync(1, text),
  send: (message) => engine.write(`${JSON.stringify(message)}\n`),
  event: (jobId, type, data, more) => engine.send({ type, jobId, timestamp: Date.now(), data, ...more }),
  answer: (id, body) => engine.send({ jsonrpc: '2.0', id, ...body }),
  idOf: (number) => `job-${number}`,
  delay: (seconds, next) => setTimeout(next, seconds * 1000),
  extras() {},
  ended(jobId, words) {
    engine.event(jobId, 'result', { words });
  },
  failed(jobId, message) {
    engine.event(jobId, 'error', { code: -32603, message });
  },
  chunk: (lines) => lines.forEach(engine.line),
  line(text) {
    const { id, method, params } = JSON.parse(text);
    engine.request(id, method, params);
  },
  request(id, method, params) {
    asked[method] = (asked[method] || 0) + 1;
    const handler = engine.methods[method];
    if (!handler) engine.unknown(id, method);
    else if (id !== undefined) engine.answered(id, method, handler(params));
  },
  answered: (id, _method, body) => engine.answer(id, body && body.error ? body : { result: body }),
  unknown(id, method) {
    unknownMethods += 1;
    if (id !== undefined) engine.answer(id, { error: { code: -32601, message: `Method not found: ${method}` } });
  },
  stdinEnded: () => process.exit(),
};

const refused = (code, message) => ({ error: { code, message } });

engine.methods = {
  'engine.health': () => ({
    status: 'ok',
    version: '1.0.0',
    uptime: Date.now() - began,
    memory: { used: 1, total: 2 },
  }),
  'jobs.start': ({ type, payload, priority }) => {
    started += 1;
    const jobId = engine.idOf(started);
    jobs.set(jobId, { jobId, type, state: 'running', priority });
    setImmediate(work, jobId, type, payload);
    return { jobId };
  },
  'jobs.cancel': ({ jobId }) => {
    const job = jobs.get(jobId);
    if (!job || job.state !== 'running') return { success: false, reason: 'not running' };
    job.state = 'cancelled';
    return { success: true };
  },
  'jobs.status': ({ jobId }) => {
    const job = jobs.get(jobId);
    return job ? { state: job.state, startedAt: began } : refused(-31001, 'Job not found');
  },
  'jobs.result': ({ jobId }) => ({ success: true, data: jobs.get(jobId).data }),
  'jobs.list': () => [...jobs.values()].map(({ jobId, type, state }) => ({ jobId, type, state })),
  'cache.set': ({ key, value }) => ({ success: Boolean(cache.set(key, value)) }),
  'cache.get': ({ key }) => (cache.has(key) ? { found: true, value: cache.get(key) } : { found: false }),
  'cache.delete': ({ key }) => ({ success: cache.delete(key) || true }),
  'cache.clear': ({ prefix = '' }) => {
    const keys = [...cache.keys()].filter((key) => key.startsWith(prefix));
    keys.forEach((key) => cache.delete(key));
    return { success: true, cleared: keys.length };
  },
  'models.list': () => [{ id: 'eng', name: 'English', type: 'ocr', loaded: true, size: 9 }],
  'models.load': ({ modelId }) =>
    modelId === 'eng' ? { success: true, loadTime: 1 } : refused(-30001, 'Model not found'),
  'models.unload': ({ modelId }) => (modelId === 'eng' ? { success: true } : refused(-30001, 'Model not found')),
  'models.status': ({ modelId }) => (modelId === 'eng' ? { loaded: true } : refused(-30001, 'Model not found')),
};

function work(jobId, type, payload) {
  const job = jobs.get(jobId);
  if (type !== 'count' || !payload) {
    job.state = 'failed';
    engine.failed(jobId, `no job type ${type}`, type);
    return;
  }
  const words = payload.text.split(' ');
  engine.extras(jobId);
  const step = (done) => {
    if (job.state !== 'running') return;
    if (done === words.length) {
      Object.assign(job, { state: 'done', data: { words: done } });
      engine.ended(jobId, done, job);
      return;
    }
    engine.event(jobId, 'progress', { percent: (100 * done) / words.length, message: words[done] });
    engine.event(jobId, 'log', { level: 'debug', message: words[done] });
    engine.event(jobId, 'partial', done);
    engine.delay(payload.secondsPerWord || 0, () => step(done + 1));
  };
  step(0);
}

const isRunning = () => [...jobs.values()].some(({ state }) => state === 'running');
const stays = () => setInterval(() => {}, 1000);

/** Replaces a method's answer. */
const gives = (method, answer) => () => {
  const right = engine.methods[method];
  engine.methods[method] = (params) => answer(params, right);
};

/** Does something more with each event of a type. */
const eventsOf = (wanted, change) => () => {
  const { event } = engine;
  engine.event = (jobId, type, data) => (type === wanted ? change(jobId, data, event) : event(jobId, type, data));
};

/** Leaves the lines that match without an answer. */
const deafTo = (matches) => () => {
  const { line } = engine;
  engine.line = (text) => matches(text) || line(text);
};

const faults = {
  nothing() {},
  'health.answers': deafTo(() => true),
  'health.shape': gives('engine.health', (_params, right) => ({ ...right(), memory: undefined })),
  'health.uptime': gives('engine.health', (_params, right) => ({ ...right(), uptime: 1e6 - asked['engine.health'] })),
  'ids.echo'() {
    const { unknown } = engine;
    let heard = 0;
    // No other check asks as often for that method under a UUID.
    engine.unknown = (id, method) => {
      if (method === 'conformance.no-such-method' && /^[\da-f-]{36}$/.test(id)) heard += 1;
      unknown(heard === 4 ? id.toUpperCase() : id, method);
    };
  },
  'ids.strings'() {
    const { answer } = engine;
    engine.answer = (id, body) => answer(/^\d+$/.test(id) ? Number(id) : id, body);
  },
  'answers.once'() {
    const { answered } = engine;
    engine.answered = (id, method, body) => {
      answered(id, method, body);
      if (method === 'engine.health' && asked[method] === 6) answered(id, method, body);
    };
  },
  'answers.form'() {
    engine.unknown = (id) => id !== undefined && engine.answer(id, { error: { code: -32601 } });
  },
  'methods.unknown'() {
    engine.unknown = (id) => id !== undefined && engine.answer(id, { result: null });
  },
  'methods.code'() {
    engine.unknown = (id) => id !== undefined && engine.answer(id, { error: { code: -32000, message: 'what?' } });
  },
  'params.null': deafTo((text) => text.includes('"params":null')),
  'notifications.silent'() {
    engine.unknown = (id = null) => engine.answer(id, { error: { code: -32601, message: 'Method not found' } });
  },
  'text.escaped': deafTo((text) => text.includes('\\u65e5')),
  'text.astral': deafTo((text) => text.includes('\\ud83d\\udc68')),
  'text.lone-surrogate': deafTo((text) => text.includes('\\ud800 ') && process.exit(1)),
  'text.large': deafTo((text) => text.length > 1e6),
  'lines.several'() {
    engine.chunk = (lines) => (lines.length > 5 ? [lines[0]] : lines).forEach(engine.line);
  },
  'lines.split'() {
    engine.isCutOff = (chunk) => chunk.length < 150 && !chunk.endsWith('\n');
    // To an engine that a busy machine keeps waiting, the pieces of this come as one.
    deafTo((text) => text.includes('caf\\u00e8'))();
  },
  'jobs.start'() {
    engine.idOf = (number) => number;
  },
  'jobs.result'() {
    engine.ended = (jobId) => engine.failed(jobId, 'too many words');
  },
  'jobs.error'() {
    engine.failed = (jobId) => engine.event(jobId, 'result', null);
  },
  'jobs.unique-ids'() {
    engine.idOf = (number) => `job-${number === 5 ? 4 : number}`;
  },
  'jobs.priorities'() {
    engine.ended = (jobId, words, { priority }) => priority === 'high' || engine.event(jobId, 'result', { words });
  },
  'jobs.unknown-type'() {
    const { failed } = engine;
    engine.failed = (jobId, message, type) => type === 'count' && failed(jobId, message);
  },
  'jobs.ends-once'() {
    engine.ended = (jobId, words) => {
      // By one write: on a busy machine the second event would come too late to be seen.
      const { write } = engine;
      let both = '';
      engine.write = (text) => (both += text);
      engine.event(jobId, 'result', { words });
      engine.event(jobId, 'progress', { percent: 100 });
      engine.write = write;
      write(both);
    };
  },
  'jobs.concurrent'() {
    engine.event = (jobId, type, data) => {
      const line = `${JSON.stringify({ type, jobId, timestamp: Date.now(), data })}\n`;
      const running = [...jobs.values()].filter(({ state }) => state === 'running').length;
      const half = running > 1 ? 20 : line.length;
      engine.write(line.slice(0, half));
      if (half < line.length) setTimeout(engine.write, 5, line.slice(half));
    };
  },
  'jobs.health-meanwhile'() {
    engine.delay = (seconds, next) => {
      const end = Date.now() + seconds * 1000;
      while (Date.now() < end);
      next();
    };
  },
  'cancel.answer': gives('jobs.cancel', (params, right) => ({ cancelled: right(params).success })),
  'cancel.kept'() {
    const { answered, methods } = engine;
    let kept = null;
    const right = methods['jobs.cancel'];
    methods['jobs.cancel'] = (params) => {
      const answer = right(params);
      if (answer.success) kept = params.jobId;
      return answer;
    };
    engine.answered = (id, method, body) => {
      answered(id, method, body);
      // At once: on a busy machine it would come too late to be seen.
      if (kept !== null) engine.event(kept, 'result', { words: 0 });
      kept = null;
    };
  },
  'cancel.kept/refused': gives('jobs.cancel', (params, right) => ({ success: right(params).success && false })),
  'cancel.unknown': gives('jobs.cancel', (params, right) => ({ ...right(params), success: true })),
  'cancel.ended': gives('jobs.cancel', (params, right) => {
    if (jobs.has(params.jobId) && !isRunning()) engine.failed(params.jobId, 'cancelled');
    return right(params);
  }),
  'jobs.status': gives('jobs.status', (params, right) => {
    const answer = right(params);
    return answer.error ? answer : { ...answer, state: 'working' };
  }),
  'jobs.status-unknown': gives('jobs.status', () => ({ state: 'pending' })),
  'jobs.list': gives('jobs.list', () => []),
  'jobs.result-method': gives('jobs.result', (params, right) => right(params).data),
  'cache.set': gives('cache.set', (params, right) => right(params).success),
  'cache.get': gives('cache.get', (params, right) => ({ value: right(params).value })),
  'cache.delete': gives('cache.delete', () => ({ success: true })),
  'cache.clear': gives('cache.clear', (_params, right) => right({})),
  'models.list': gives('models.list', (_params, right) => right().map((info) => ({ ...info, size: '9 MB' }))),
  'models.load': gives('models.load', () => ({ success: true, loadTime: 1 })),
  'models.status': gives('models.status', () => ({ loaded: 'yes' })),
  'models.unload': gives('models.unload', () => ({ success: true })),
  'events.types'() {
    engine.extras = (jobId) => engine.event(jobId, 'status', 'reading');
  },
  'events.job-id'() {
    engine.extras = () => engine.event('nobody', 'partial', 1);
  },
  'events.timestamp': eventsOf('partial', (jobId, data, event) =>
    event(jobId, 'partial', data, { timestamp: Math.floor(Date.now() / 1000) }),
  ),
  'events.data': eventsOf('partial', (jobId, _data, event) => event(jobId, 'partial')),
  'events.progress': eventsOf('progress', (jobId, data, event) =>
    event(jobId, 'progress', { percent: data.percent + 101 }),
  ),
  'events.log': eventsOf('log', (jobId, data, event) => event(jobId, 'log', { ...data, level: 'warning' })),
  'events.error': eventsOf('error', (jobId, data, event) => event(jobId, 'error', { text: data.message })),
  'end.stdin'() {
    engine.stdinEnded = () => (isRunning() ? process.exit() : stays());
  },
  'end.sigterm'() {
    process.on('SIGTERM', () => {});
  },
  'end.with-job'() {
    engine.stdinEnded = () => (isRunning() ? stays() : process.exit());
  },
  'end.no-children'() {
    spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
  },
  'output.messages-only'() {
    engine.write('loading the model: 100%\n');
  },
  'output.json'() {
    engine.extras = (jobId) =>
      engine.write(`{"type":"partial","jobId":"${jobId}","timestamp":${Date.now()},"data":NaN}\n`);
  },
  'output.one-per-line'() {
    engine.ended = (jobId, words) => {
      const line = (type, data) => JSON.stringify({ type, jobId, timestamp: Date.now(), data });
      engine.write(`${line('partial', 1)}${line('result', { words })}\n\n`);
    };
  },
  'output.utf8'() {
    engine.extras = (jobId) => {
      const line = `{"type":"partial","jobId":"${jobId}","timestamp":${Date.now()},"data":"Gr\u00fc\u00dfe"}\n`;
      engine.write(Buffer.from(line, 'latin1'));
    };
  },
  'output.last-line'() {
    engine.stdinEnded = () => {
      engine.write('{"jsonrpc":"2.0","method":"bye"}');
      process.exit(0);
    };
  },
};

faults[process.argv[2] || 'nothing']();

let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  if (engine.isCutOff && engine.isCutOff(chunk)) return;
  const lines = (rest + chunk).split('\n');
  rest = lines.pop();
  engine.chunk(lines);
});
process.stdin.on('end', () => engine.stdinEnded());
