'use strict';

/** @typedef {import('../index.js').JobEvent} JobEvent */

/**
 * The kept events that a subscription begins with. A live event that is among them, or older, was on its way here when
 * they were looked up: it is skipped, but for what was too large to be kept.
 */
class Replayed {
  /** @param {string} snapshot the text of `[[source, reach, …], [source, number, …], [event, …]]` */
  constructor(snapshot) {
    /** @type {string | null} */
    this.snapshot = snapshot;
    /** How far the snapshot reaches, by source. @type {Map<number, number>} */
    this.reach = new Map();
    /** @type {Set<string>} */
    this.missing = new Set();
    /** While they are handed over: what is still to come, live events behind them. @type {JobEvent[] | null} */
    this.events = null;
  }

  /**
   * The first time, calls `handle` with each.
   * @param {(event: JobEvent) => void} handle
   */
  handOver(handle) {
    if (this.snapshot === null) return;
    const [reach, missing, events] = JSON.parse(this.snapshot);
    this.snapshot = null;
    for (let at = 0; at < reach.length; at += 2) this.reach.set(reach[at], reach[at + 1]);
    for (let at = 0; at < missing.length; at += 2) this.missing.add(`${missing[at]} ${missing[at + 1]}`);
    this.events = events;
    // Grows while the handler itself brings events about.
    for (const event of events) handle(event);
    this.events = null;
  }

  /**
   * A live event that came while the kept ones are handed over: it goes behind them.
   * @param {JobEvent} event
   * @returns {boolean} whether it does
   */
  postpone(event) {
    if (this.events === null) return false;
    this.events.push(event);
    return true;
  }

  /**
   * Whether a live event is to be skipped.
   * @param {number} source
   * @param {number} sequence 0: it was on no way
   */
  has(source, sequence) {
    const reach = this.reach.get(source);
    return sequence > 0 && reach !== undefined && sequence <= reach && !this.missing.has(`${source} ${sequence}`);
  }
}

module.exports = { Replayed };
