'use strict';

const { evicted } = require('./channels.js');

/**
 * @typedef {object} Entry
 * @property {string} key
 * @property {any} value
 * @property {number} slot
 * @property {number | null} expiresAt
 * @property {number} pending writes of this very value that the disk has not answered
 */

/**
 * The values in memory. Which of them stay is decided by the native half, which knows them as slots.
 *
 * Every use and every change crosses in order, so that the right ones go.
 */
class CacheMemory {
  /**
   * @param {object} cache whose memory it is
   * @param {any} native
   * @param {import('./cache-crossing.js').CacheCrossing} crossing
   */
  constructor(cache, native, crossing) {
    this.cache = cache;
    this.native = native;
    this.crossing = crossing;
    /** @type {Map<string, Entry>} */
    this.entries = new Map();
    /** @type {Array<Entry | undefined>} */
    this.slots = [];
    /** @type {number[]} */
    this.free = [];
  }

  /**
   * The entry of a key; one that has expired is dropped.
   * @param {string} key
   * @param {number} now
   * @returns {Entry | undefined}
   */
  live(key, now) {
    const entry = this.entries.get(key);
    if (entry === undefined || entry.expiresAt === null || now < entry.expiresAt) return entry;
    this.drop(entry);
    return undefined;
  }

  /**
   * The place of a new value. The native half hears of it next, and then `makeRoom` is called if something has to go.
   * @param {string} key
   * @param {any} value
   * @param {number | null} expiresAt
   * @returns {Entry}
   */
  place(key, value, expiresAt) {
    const old = this.entries.get(key);
    let slot;
    if (old) slot = old.slot;
    else if (this.free.length > 0) slot = /** @type {number} */ (this.free.pop());
    else slot = this.slots.length;
    /** @type {Entry} */
    const entry = { key, value, slot, expiresAt, pending: 0 };
    this.entries.set(key, entry);
    this.slots[slot] = entry;
    // They come before what is about to be put there.
    if (this.crossing.notedCount > 0) this.crossing.handOver();
    return entry;
  }

  /**
   * @param {Entry} entry
   * @param {number} kind
   * @param {number} length
   * @param {number} createdAt
   */
  put(entry, kind, length, createdAt) {
    const { slot, expiresAt } = entry;
    this.crossing.handOver();
    if (this.native.put(slot, kind, length, expiresAt === null ? undefined : expiresAt, createdAt)) this.makeRoom();
  }

  /** Those that were just put may be among those that go. */
  makeRoom() {
    const keys = [];
    for (const slot of this.native.takeGone()) {
      const entry = this.slots[slot];
      if (!entry) continue;
      this.forget(entry);
      keys.push(entry.key);
    }
    // When all have gone: who hears of one may set another anew.
    if (evicted.hasSubscribers) for (const key of keys) evicted.publish({ cache: this.cache, key });
  }

  /** @param {Entry} entry */
  drop(entry) {
    this.crossing.handOver();
    // It may have had to go just then.
    if (this.slots[entry.slot] !== entry) return;
    this.native.remove(entry.slot);
    this.forget(entry);
  }

  /** @param {Entry} entry */
  forget(entry) {
    this.entries.delete(entry.key);
    this.slots[entry.slot] = undefined;
    this.free.push(entry.slot);
  }

  /**
   * Drops the entries that a test chooses; says their keys.
   * @param {(entry: Entry) => boolean} chooses
   * @returns {string[]}
   */
  dropWhere(chooses) {
    this.crossing.handOver();
    const keys = [];
    for (const entry of this.entries.values()) {
      if (!chooses(entry)) continue;
      keys.push(entry.key);
      this.drop(entry);
    }
    return keys;
  }

  dropAll() {
    this.crossing.handOver();
    this.forgetAll();
    this.native.removeAll();
  }

  /** The native half has none of them any more. */
  forgetAll() {
    this.entries.clear();
    this.slots = [];
    this.free = [];
    this.crossing.forgetSlots();
  }
}

module.exports = { CacheMemory };
