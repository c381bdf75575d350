'use strict';

const { logThrown } = require('./emitter.js');
const { jsonOf } = require('./errors.js');

/** @typedef {import('../index.js').JobEvent} JobEvent */

/** By the number that comes with an event of the engine's. */
const JOB_EVENTS = ['job:progress', 'job:complete', 'job:error'];

/**
 * The job event in what was emitted: in an envelope, or bare.
 * @param {any} emitted
 * @returns {JobEvent | null}
 */
function jobEventOf(emitted) {
  // An envelope has no jobId of its own; an event's data may hold anything, also what looks like an event.
  const isEvent = (/** @type {any} */ value) =>
    value !== null && typeof value === 'object' && value.jobId !== undefined && value.type !== undefined;
  if (isEvent(emitted)) return emitted;
  return emitted !== null && typeof emitted === 'object' && isEvent(emitted.data) ? emitted.data : null;
}

/** The handlers of `onJobEvent`. An engine's job ids are compared as JSON values: by their texts. */
class JobHandlers {
  /** @param {(jobId: string) => void} changed told of the first and the last handler of a job */
  constructor(changed) {
    this.changed = changed;
    /** @type {Map<string, Array<{ handler: (event: JobEvent) => void }>>} */
    this.byJob = new Map();
  }

  /**
   * @param {string} jobId a JSON text
   * @param {(event: JobEvent) => void} handler
   * @returns {() => void} takes it away again
   */
  add(jobId, handler) {
    const entry = { handler };
    const before = this.byJob.get(jobId);
    this.byJob.set(jobId, before ? before.concat(entry) : [entry]);
    if (!before) this.changed(jobId);
    return () => {
      const left = (this.byJob.get(jobId) || []).filter((other) => other !== entry);
      if (left.length > 0) this.byJob.set(jobId, left);
      else if (this.byJob.delete(jobId)) this.changed(jobId);
    };
  }

  /** @param {string} jobId a JSON text */
  has(jobId) {
    return this.byJob.has(jobId);
  }

  /** @param {JobEvent} event */
  call(event) {
    if (this.byJob.size === 0) return;
    for (const { handler } of this.byJob.get(String(jsonOf(event.jobId))) || []) {
      try {
        handler(event);
      } catch (error) {
        logThrown(error);
      }
    }
  }
}

module.exports = { JOB_EVENTS, JobHandlers, jobEventOf };
