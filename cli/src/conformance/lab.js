'use strict';

const { Guard } = require('./guard');
const { isObject } = require('./lines');
const { Fault, NotOffered, NotTried, shown } = require('./verdicts');
const { Record, WireEngine } = require('./wire-engine');

const METHOD_NOT_FOUND = -32601;

/** What the checks work with: an engine that is up, jobs, and everything that was heard. */
class Lab {
  #command;
  #run;
  #engine = null;
  #all = new Set();
  #offered = new Set();
  #isClosed = false;

  /**
   * @param {{enginePath: string, args: string[], cwd?: string, env: NodeJS.ProcessEnv}} command
   * @param {{job?: {type: string, payload: unknown}, slowJob?: {type: string, payload: unknown}, failingJob?: {type: string, payload: unknown}, model?: string, timeouts: Record<string, number>, onStderr(line: string): void}} given
   */
  constructor(command, given) {
    this.#command = command;
    this.given = given;
    this.timeouts = given.timeouts;
    this.record = new Record();
    this.guard = new Guard();
    this.#run = { record: this.record, guard: this.guard, timeouts: given.timeouts, onStderr: given.onStderr };
  }

  /** The engine of the checks before, or a new one where that is gone. */
  async engine() {
    if (!this.#engine || this.#engine.ended || this.#engine.exit) this.#engine = await this.fresh();
    return this.#engine;
  }

  /** An engine of one's own, up. */
  async fresh() {
    this.discard();
    if (this.#isClosed) throw new Fault('the run was ended');
    const engine = new WireEngine(this.#command, this.#run);
    this.#all.add(engine);
    // As the runtime does: the health request at once, and any answer says that it is up.
    await engine.request('engine.health', undefined, { timeout: this.timeouts.start });
    return engine;
  }

  /** The engine at hand is in a state that would disturb the next check. */
  discard() {
    for (const engine of this.#all) engine.kill();
    this.#all.clear();
    this.#engine = null;
  }

  close() {
    this.#isClosed = true;
    this.discard();
    this.guard.close();
  }

  /** A method's result; −32601 says that it is not offered, every other error is a fault. */
  async result(engine, method, params) {
    const { result, error } = await this.answer(engine, method, params);
    if (error) throw new Fault(`${method} was answered with the error ${shown(error)}`);
    return result;
  }

  /** A method's answer, unless it is not offered. */
  async answer(engine, method, params) {
    const response = await engine.request(method, params);
    const isUnknown = isObject(response.error) && response.error.code === METHOD_NOT_FOUND;
    // Some engines say the same of a job that they do not know.
    if (isUnknown && !this.#offered.has(method)) throw new NotOffered();
    if (!isUnknown) this.#offered.add(method);
    return response;
  }

  /** The job of --job, as jobs.start takes it. */
  job(priority = 'normal') {
    if (!this.given.job) throw new NotTried('no --job');
    return { ...this.given.job, priority };
  }

  /** Starts a job; gives its id. */
  async start(engine, params) {
    const result = await this.result(engine, 'jobs.start', params);
    if (!isObject(result) || result.jobId === undefined) {
      throw new Fault(`jobs.start was answered with ${shown(result)}; it takes {"jobId":"…"}`);
    }
    return result.jobId;
  }

  /**
   * Lets `use` work while the job of --slow-job runs, and ends it then. Where `use` cannot tell because the job was over
   * too soon, it is not tried.
   */
  async withSlowJob(use) {
    const { slowJob } = this.given;
    if (!slowJob) throw new NotTried('no --slow-job');
    const engine = await this.engine();
    const jobId = await this.start(engine, { ...slowJob, priority: 'normal' });
    try {
      return await use(engine, jobId);
    } finally {
      await this.#endSlowJob(engine, jobId);
    }
  }

  hasEnded(engine, jobId) {
    return engine.eventsOf(jobId).some(({ type }) => type === 'result' || type === 'error');
  }

  tooShort() {
    return new NotTried('the job of --slow-job ended too soon: give it work for two seconds or more');
  }

  async #endSlowJob(engine, jobId) {
    if (this.hasEnded(engine, jobId)) return;
    const response = await engine.request('jobs.cancel', { jobId }).catch(() => ({}));
    // One that runs on would keep the next jobs waiting.
    if (!isObject(response.result) || response.result.success !== true) this.discard();
  }
}

module.exports = { Lab, METHOD_NOT_FOUND };
