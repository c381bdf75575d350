'use strict';

const { spawn } = require('child_process');
const { randomUUID } = require('crypto');
const { EventEmitter } = require('events');
const { createInterface } = require('readline');
const { readLine } = require('./lines');
const { Fault } = require('./verdicts');

const isWindows = process.platform === 'win32';
/** A descendant may hold the pipe open behind the engine's end. */
const LAST_WORDS_MS = 200;
/** The runtime's `maxMessageBytes`. */
const LONGEST_LINE = 256 * 1024 * 1024;
const MOST_FAULTS = 10_000;

/** A request as the runtime writes it: ASCII, everything else as `\uXXXX`. */
function asciiLine(message) {
  const escape = (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `${JSON.stringify(message).replace(/[\u007f-\uffff]/g, escape)}\n`;
}

/** What all engines of a run wrote: read by the checks that judge everything. */
class Record {
  responses = [];
  events = [];
  /** Ids as JSON texts. */
  jobIds = new Set();
  faults = [];

  fault(fault) {
    // An engine may write nothing else, without end.
    const isNew = this.faults.length < MOST_FAULTS || !this.faults.some(({ about }) => about === fault.about);
    if (isNew) this.faults.push(fault);
  }
}

/** An engine with its raw pipes: nothing stands between the checks and its bytes. */
class WireEngine extends EventEmitter {
  #child;
  #rest = [];
  #restBytes = 0;
  #isTooLong = false;
  #record;
  #timeouts;
  #guard;
  responses = [];
  events = [];
  /** How it ended; `null`: it runs. */
  ended = null;

  /**
   * @param {{enginePath: string, args: string[], cwd?: string, env: NodeJS.ProcessEnv}} command
   * @param {{record: Record, guard: import('./guard').Guard, timeouts: Record<string, number>, onStderr(line: string): void}} run
   */
  constructor({ enginePath, args, cwd, env }, { record, guard, timeouts, onStderr }) {
    super();
    this.setMaxListeners(0);
    this.#record = record;
    this.#guard = guard;
    this.#timeouts = timeouts;
    // A group of its own, as under the runtime: Ctrl-C is ours, and what it leaves behind can be found.
    this.#child = spawn(enginePath, args, { cwd, env, detached: !isWindows, windowsHide: true });
    if (this.#child.pid !== undefined) guard.watch(this.#child.pid);
    this.#child.stdin.on('error', () => {});
    this.#child.stdout.on('data', (bytes) => this.#read(bytes));
    createInterface({ input: this.#child.stderr }).on('line', onStderr);
    this.#child.on('error', (error) => {
      if (this.#child.pid === undefined) this.#end({ error });
    });
    this.#child.on('exit', (code, signal) => {
      this.emit('exited');
      this.exit = { code, signal };
      const timer = setTimeout(() => this.#end({ code, signal }), LAST_WORDS_MS);
      this.#child.stdout.once('close', () => {
        clearTimeout(timer);
        this.#end({ code, signal });
      });
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** Writes bytes as they are. */
  write(text) {
    this.#child.stdin.write(text);
  }

  /** Sends a request and waits for its answer. */
  request(method, params, { id = randomUUID(), timeout = this.#timeouts.answer } = {}) {
    const isJob = method === 'jobs.start' ? ` of type ${params.type}` : '';
    this.write(asciiLine({ jsonrpc: '2.0', id, method, params }));
    return this.answerTo(id, `${method}${isJob}`, timeout);
  }

  /** The answer to that id, sent or to come. */
  answerTo(id, what, timeout = this.#timeouts.answer) {
    return this.until(() => this.responses.find((response) => response.id === id), timeout, `no answer to ${what}`);
  }

  eventsOf(jobId) {
    const wanted = JSON.stringify(jobId);
    return this.events.filter((event) => JSON.stringify(event.jobId) === wanted);
  }

  /** The `result` or `error` of a job, sent or to come. */
  endOf(jobId) {
    const look = () => this.eventsOf(jobId).find(({ type }) => type === 'result' || type === 'error');
    return this.until(look, this.#timeouts.job, `no result or error of the job ${JSON.stringify(jobId)}`);
  }

  /**
   * Waits until `look()` gives something.
   * @param {() => any} look
   * @param {number} ms
   * @param {string} missing what to say when it does not come
   */
  until(look, ms, missing) {
    return new Promise((resolve, reject) => {
      const over = (settle, value) => {
        clearTimeout(timer);
        this.off('change', check);
        settle(value);
      };
      const check = () => {
        const found = look();
        if (found !== undefined) over(resolve, found);
        else if (this.ended) over(reject, new Fault(`${missing}: the engine ended (${this.endText()})`));
      };
      const timer = setTimeout(() => over(reject, new Fault(`${missing} within ${ms} ms`)), ms);
      this.on('change', check);
      check();
    });
  }

  /** Waits a while in which nothing is expected. */
  quiet(ms = this.#timeouts.quiet) {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  closeStdin() {
    this.#child.stdin.end();
  }

  signal(name) {
    this.#child.kill(name);
  }

  /** Whether the process ends by itself in that time. */
  exits(ms) {
    if (this.exit || this.ended) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.once('exited', () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** Ends what there is of it. */
  kill() {
    if (this.pid === undefined) return;
    try {
      if (isWindows) this.#child.kill('SIGKILL');
      else process.kill(-this.pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
    this.#guard.rest();
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }

  endText() {
    const { error, code, signal } = this.ended;
    if (error) return error.message;
    return signal ? `by ${signal}` : `exit code ${code}`;
  }

  #read(bytes) {
    let from = 0;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
      this.#rest.push(bytes.subarray(from, at));
      if (!this.#isTooLong) this.#line(Buffer.concat(this.#rest));
      this.#rest = [];
      this.#restBytes = 0;
      this.#isTooLong = false;
      from = at + 1;
    }
    if (from < bytes.length && !this.#isTooLong) this.#keep(bytes.subarray(from));
    this.emit('change');
  }

  #keep(bytes) {
    this.#rest.push(bytes);
    this.#restBytes += bytes.length;
    if (this.#restBytes <= LONGEST_LINE) return;
    const detail = `a line of more than ${LONGEST_LINE / 1024 / 1024} MiB, which the runtime drops`;
    this.#record.fault({ about: 'noise', detail });
    this.#rest = [];
    this.#isTooLong = true;
  }

  #line(bytes) {
    const { messages, faults } = readLine(bytes);
    faults.forEach((fault) => this.#record.fault(fault));
    for (const { kind, value } of messages) {
      const message = this.#numbered(value);
      if (kind === 'response') this.#response(message);
      else if (kind === 'event') {
        this.events.push(message);
        this.#record.events.push(message);
      }
    }
  }

  /** Its place among what the engine wrote: the order of events and answers counts. Not shown with the message. */
  #numbered(message) {
    const at = this.responses.length + this.events.length;
    return Object.defineProperty(message, 'at', { value: at, enumerable: false });
  }

  #response(response) {
    this.responses.push(response);
    this.#record.responses.push(response);
    const { result } = response;
    if (result && result.jobId !== undefined) this.#record.jobIds.add(JSON.stringify(result.jobId));
  }

  #end(how) {
    if (this.ended) return;
    const rest = Buffer.concat(this.#rest);
    if (rest.length > 0 && how.code !== undefined && how.signal === null) {
      this.#record.fault({
        about: 'newline',
        detail: `the last line has no line break: ${rest.toString('utf8', 0, 80)}`,
      });
    }
    this.ended = how;
    this.emit('change');
  }
}

module.exports = { Record, WireEngine, asciiLine };
