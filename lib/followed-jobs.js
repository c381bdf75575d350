'use strict';

const { logThrown } = require('./emitter.js');

/**
 * Hears of a manager's jobs, so that crash recovery can keep them (contract section 7, "With `manager`"). What it throws
 * is logged and changes nothing else.
 * @typedef {object} Follower
 * @property {(job: FollowedJob) => void} queued inside `submit`, before `job:queued`; live jobs when it begins to follow
 * @property {(id: string) => number} exitsLeft asked behind `queued`: how many engine exits put the job back
 * @property {(id: string) => void} started the engine runs it
 * @property {(id: string) => void} putBack its engine exited, and it waits in its queue again
 * @property {(id: string, how: Ending) => void} ended once, behind the app's own reaction to the promise
 */

/** @typedef {'done' | 'failed' | 'cancelled' | 'stopped' | 'exited'} Ending */

/**
 * @typedef {object} FollowedJob
 * @property {string} id
 * @property {string} type
 * @property {unknown} payload
 * @property {string | undefined} payloadText its JSON, where the manager has it already
 * @property {string} priority
 * @property {number} [timeout] where `submit` was given one
 * @property {number} [retries] where `submit` was given some
 */

/**
 * Up to which attempt the follower was told of a job: items about earlier ones were on their way when it began to follow.
 * Under one id there may be two jobs: one ended on the engine, and JavaScript has yet to hear of it. The tickets differ.
 * @typedef {{ ticket: number, started: number, retried: number }} Told
 */

/** The jobs of one manager, as its follower sees them. */
class FollowedJobs {
  /** @param {import('../binding.js').NativeJobs} jobs */
  constructor(jobs) {
    this.jobs = jobs;
    /** @type {Follower | null} */
    this.follower = null;
    /** By job id. @type {Map<string, Told>} */
    this.told = new Map();
    /** Jobs that settled, and whose end the follower is yet to hear of. @type {Map<string, Ending>} */
    this.ends = new Map();
  }

  /** @param {Follower | null} follower */
  begin(follower) {
    this.flush();
    this.told.clear();
    this.follower = follower;
    if (follower === null) this.jobs.unfollow();
  }

  /** @param {(follower: Follower) => void} tell */
  tell(tell) {
    if (this.follower === null) return;
    try {
      tell(this.follower);
    } catch (error) {
      logThrown(error);
    }
  }

  /**
   * A job that is new to the follower.
   * @param {FollowedJob} job
   * @param {number} ticket
   * @param {number} [started] the last attempt that started before, or failed before
   * @param {number} [retried]
   */
  queued(job, ticket, started = 0, retried = 0) {
    if (this.follower === null) return;
    const { id } = job;
    // The job that had this id before, and settled just now, is another one.
    this.flush(id);
    this.told.set(id, { ticket, started, retried });
    this.tell((follower) => follower.queued(job));
    let exits = 0;
    this.tell((follower) => {
      exits = Number(follower.exitsLeft(id));
    });
    this.jobs.grantExits(id, exits > 0 ? exits : 0);
  }

  /**
   * @param {string} id
   * @param {number} ticket
   * @param {number} attempt
   */
  started(id, ticket, attempt) {
    const told = this.told.get(id);
    if (!told || told.ticket !== ticket || attempt <= told.started) return;
    told.started = attempt;
    this.tell((follower) => follower.started(id));
  }

  /**
   * @param {string} id
   * @param {number} ticket
   * @param {number} attempt
   * @param {boolean} exited whether its engine did
   */
  retried(id, ticket, attempt, exited) {
    const told = this.told.get(id);
    if (!told || told.ticket !== ticket || attempt <= told.retried) return;
    told.retried = attempt;
    if (exited) this.tell((follower) => follower.putBack(id));
  }

  /**
   * Its promise settles in this turn. The follower hears of it behind all that the app does about it at once: whoever dies while
   * it takes the result has not taken it.
   * @param {string} id
   * @param {number} ticket
   * @param {Ending} how
   */
  ended(id, ticket, how) {
    const told = this.told.get(id);
    if (!told || told.ticket !== ticket) return;
    this.told.delete(id);
    this.ends.set(id, how);
    if (this.ends.size === 1) setImmediate(() => this.flush());
  }

  /** @param {string} [only] the end of this job; else all */
  flush(only) {
    const ends = only === undefined ? Array.from(this.ends) : Array.from(this.ends).filter(([id]) => id === only);
    for (const [id, how] of ends) {
      this.ends.delete(id);
      this.tell((follower) => follower.ended(id, how));
    }
  }
}

module.exports = { FollowedJobs };
