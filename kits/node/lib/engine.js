'use strict';

const os = require('os');
const { Cache, cacheMethods } = require('./cache');
const { encode } = require('./json');
const { readLines } = require('./input');
const { Jobs, within } = require('./jobs');
const { Model, modelMethods } = require('./models');
const { Output } = require('./output');
const { answer } = require('./rpc');

const STATES = ['ok', 'degraded', 'error'];
/** How long what was written may take to leave, and what still runs then to end by itself. */
const LAST_MS = 1000;

/** An engine: the process that an app's `EngineClient` starts. One to a process. */
class Engine {
  #version;
  #status = () => 'ok';
  #models = new Map();
  #methods = new Map();
  #jobs;
  #output;
  #stop = null;

  constructor({ version = '0.0.0' } = {}) {
    if (typeof version !== 'string') throw new TypeError(`Engine: version takes a string; got ${String(version)}`);
    this.#version = version;
    this.cache = new Cache();
    this.#output = new Output(process.stdout, () => this.#stop && this.#stop());
    this.#jobs = new Jobs(this.#output);
    const standard = {
      'engine.health': () => this.#health(),
      ...this.#jobs.methods(),
      ...cacheMethods(this.cache),
      ...modelMethods(this.#models),
    };
    for (const name of Object.keys(standard)) this.#methods.set(name, standard[name]);
  }

  /** Registers a job type: `fn(payload, job)` returns the result, or a promise of it. */
  job(type, fn) {
    mustBe(fn, `Engine.job(${type})`);
    this.#jobs.register(type, fn);
    return this;
  }

  /** Answers a further method, or a standard one in its own way: `fn(params)` returns the result, or a promise of it. */
  method(name, fn) {
    mustBe(fn, `Engine.method(${name})`);
    this.#methods.set(name, fn);
    return this;
  }

  /** Registers a model for `models.*`. `await model.get()` in a job gives what `load` returned. */
  model(id, options) {
    if (this.#models.has(id)) throw new Error(`Engine.model: the model ${id} is there already`);
    mustBe(options && options.load, `Engine.model(${id}): load`);
    const model = new Model(id, options);
    this.#models.set(id, model);
    return model;
  }

  /** Says how the engine is: `fn()` returns 'ok', 'degraded' or 'error'. */
  health(fn) {
    mustBe(fn, 'Engine.health');
    this.#status = fn;
    return this;
  }

  /** Sends the app a notification: its `notification` event. */
  notify(method, params) {
    const given = params === undefined ? '' : `,"params":${encode(params, `The params of ${method}`)}`;
    this.#output.writeBounded(`{"jsonrpc":"2.0","method":${JSON.stringify(method)}${given}}`);
  }

  /**
   * Answers the app until stdin closes, SIGTERM comes, or nobody reads stdout. Then every job is told to stop, and the
   * promise resolves when they have or after a second; a second later the process ends with code 0 if it still runs.
   */
  async run() {
    if (this.#stop) throw new Error('Engine.run: the engine runs already');
    const stopped = new Promise((resolve) => (this.#stop = resolve));
    // stdout belongs to messages. From here on a stray console.log, in a worker thread too, goes to stderr. So does what
    // is written to the stream itself: `console` and others that used it before keep it.
    this.#output.keepFor(process.stderr);
    Object.defineProperty(process, 'stdout', { value: process.stderr, configurable: true });
    process.stderr.on('error', () => {});
    for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, this.#stop);
    readLines(process.stdin, (line) => this.#answer(line), this.#stop);

    await stopped;
    process.stdin.pause();
    await this.#jobs.stop();
    await within(LAST_MS, this.#output.flush());
    process.exitCode = process.exitCode || 0;
    setTimeout(() => process.exit(), LAST_MS).unref();
    // Node lets go of the signals early in an end without this call, and a late SIGTERM would be told as the cause.
    process.once('beforeExit', () => process.exit());
    process.stdin.destroy();
  }

  #answer(line) {
    answer(line, this.#methods, (text) => this.#output.write(text));
    // An app that asks without reading the answers is not asked for more questions.
    if (!this.#output.isFull || process.stdin.isPaused()) return;
    process.stdin.pause();
    this.#output.drain().then(() => process.stdin.resume());
  }

  async #health() {
    let status = 'error';
    try {
      status = await this.#status();
      if (!STATES.includes(status))
        throw new TypeError(`Engine.health: must be one of ${STATES.join(', ')}; got ${status}`);
    } catch (error) {
      console.error(error);
      status = 'error';
    }
    return {
      status,
      version: this.#version,
      uptime: Math.round(process.uptime() * 1000),
      memory: { used: process.memoryUsage.rss(), total: os.totalmem() },
    };
  }
}

function mustBe(fn, what) {
  if (typeof fn !== 'function') throw new TypeError(`${what} takes a function; got ${String(fn)}`);
}

module.exports = { Engine };
