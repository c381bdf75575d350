'use strict';

/** Hits that are noted before they are handed over. */
const NOTED = 1024;

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
 * A hit is noted here and crosses with the next change, so that the order is exact when something must go.
 */
class CacheMemory {
  /**
   * @param {any} native
   * @param {boolean} isBounded
   */
  constructor(native, isBounded) {
    this.native = native;
    this.isBounded = isBounded;
    /** @type {Map<string, Entry>} */
    this.entries = new Map();
    /** @type {Array<Entry | undefined>} */
    this.slots = [];
    /** @type {number[]} */
    this.free = [];
    this.noted = new Uint32Array(NOTED);
    this.notedCount = 0;
  }

  /** @param {Entry} entry */
  hit(entry) {
    if (!this.isBounded) return;
    this.noted[this.notedCount] = entry.slot;
    this.notedCount += 1;
    if (this.notedCount === NOTED) this.handOver();
  }

  handOver() {
    if (this.notedCount === 0) return;
    this.native.hits(this.noted, this.notedCount);
    this.notedCount = 0;
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
    this.handOver();
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
    if (this.native.put(slot, kind, length, expiresAt === null ? undefined : expiresAt, createdAt)) this.makeRoom();
  }

  /** The entry that was just put may be among those that go. */
  makeRoom() {
    for (const slot of this.native.takeGone()) {
      const entry = this.slots[slot];
      if (entry) this.forget(entry);
    }
  }

  /** @param {Entry} entry */
  drop(entry) {
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
    const keys = [];
    for (const entry of this.entries.values()) {
      if (!chooses(entry)) continue;
      keys.push(entry.key);
      this.drop(entry);
    }
    return keys;
  }

  dropAll() {
    this.forgetAll();
    this.native.removeAll();
  }

  /** The native half has none of them any more. */
  forgetAll() {
    this.entries.clear();
    this.slots = [];
    this.free = [];
    this.notedCount = 0;
  }
}

module.exports = { CacheMemory };
