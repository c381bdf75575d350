'use strict';

/** Numbers in a row, and rows that cross at once: `several` of src/cache_manager.rs. */
const ROW = 7;
const ROWS = 64;
/** Text that crosses at once: V8 has longer strings in a space of their own. */
const TEXT = 64 * 1024;

/** What a row asks for: `Ask` of src/cache_manager.rs. */
const Ask = Object.freeze({ Get: 0, GetKnown: 1, Has: 2, Set: 3, SetUndefined: 4, Delete: 5, Promote: 6 });

/** What a write answers, as bits. */
const TAKEN = 1;
const GONE = 2;
const REFUSED = 4;

/** Hits that are noted before they are handed over. */
const NOTED = 1024;

/**
 * What one turn of the event loop asks of the native half of a cache: a crossing costs more than most of what it asks
 * for, so they cross together.
 *
 * The order holds: rows first, then the hits noted behind them. Whoever asks the native half for anything else, or is
 * about to look into memory, hands them over before.
 */
class CacheCrossing {
  /**
   * @param {any} native
   * @param {{ makeRoom(): void, refused(isRefused: boolean): void,
   *   lost(tickets: number[], error: any): void }} owner
   */
  constructor(native, owner) {
    this.native = native;
    this.owner = owner;
    this.rows = new Float64Array(ROW * ROWS);
    this.count = 0;
    this.keys = '';
    this.texts = '';
    this.noted = new Uint32Array(NOTED);
    this.notedCount = 0;
  }

  /**
   * @param {number} ask
   * @param {number} ticket
   * @param {number} now
   * @param {string} key
   */
  question(ask, ticket, now, key) {
    this.row(ask, ticket, now, key, -1, 0, null);
  }

  /**
   * Whether what waits has to be handed over before this text: by whoever sets it, before its entry takes a place.
   * @param {string | undefined} text
   */
  isFull(text) {
    return text !== undefined && this.texts !== '' && this.texts.length + text.length > TEXT;
  }

  /**
   * @param {number} ticket
   * @param {number} now
   * @param {string} key
   * @param {number} slot
   * @param {string | undefined} text without line ends
   * @param {number | null} expiresAt
   */
  set(ticket, now, key, slot, text, expiresAt) {
    if (text === undefined) {
      this.row(Ask.SetUndefined, ticket, now, key, slot, 0, expiresAt);
      return;
    }
    this.texts += text + '\n';
    this.row(Ask.Set, ticket, now, key, slot, text.length, expiresAt);
  }

  /**
   * An entry from disk has a place in memory.
   * @param {number} slot
   * @param {number} kind
   * @param {number} length
   * @param {number | null} expiresAt
   * @param {number} createdAt
   */
  promote(slot, kind, length, expiresAt, createdAt) {
    this.row(Ask.Promote, kind, createdAt, '', slot, length, expiresAt);
  }

  /**
   * @param {number} ask
   * @param {number} ticket
   * @param {number} now
   * @param {string} key
   * @param {number} slot
   * @param {number} length
   * @param {number | null} expiresAt
   */
  row(ask, ticket, now, key, slot, length, expiresAt) {
    const { rows } = this;
    const at = this.count * ROW;
    rows[at] = ask;
    rows[at + 1] = ticket;
    rows[at + 2] = now;
    rows[at + 3] = key.length;
    rows[at + 4] = slot;
    rows[at + 5] = length;
    rows[at + 6] = expiresAt === null ? NaN : expiresAt;
    this.keys += key;
    this.count += 1;
    if (this.count === ROWS || this.keys.length > TEXT) this.handOver();
  }

  /** @param {number} slot */
  hit(slot) {
    this.noted[this.notedCount] = slot;
    this.notedCount += 1;
    if (this.notedCount === NOTED) this.handOver();
  }

  handOver() {
    if (this.count > 0) this.handOverRows();
    const { notedCount } = this;
    if (notedCount === 0) return;
    this.notedCount = 0;
    this.native.hits(this.noted, notedCount);
  }

  handOverRows() {
    const { rows, count, keys, texts } = this;
    this.count = 0;
    this.keys = '';
    this.texts = '';
    let answer;
    try {
      answer = this.native.several(rows, count, keys, texts);
    } catch (error) {
      const tickets = [];
      for (let at = 0; at < count * ROW; at += ROW) {
        if (rows[at] !== Ask.Promote) tickets.push(rows[at + 1]);
      }
      this.owner.lost(tickets, error);
      return;
    }
    this.wrote(answer);
  }

  /** @param {number} answer of a write */
  wrote(answer) {
    if ((answer & GONE) !== 0) this.owner.makeRoom();
    if ((answer & (TAKEN | REFUSED)) !== 0) this.owner.refused((answer & REFUSED) !== 0);
  }

  /** Memory begins anew: what is on its way to the disk has no slot any more. */
  forgetSlots() {
    this.notedCount = 0;
    for (let at = 0; at < this.count * ROW; at += ROW) this.rows[at + 4] = -1;
  }
}

module.exports = { Ask, CacheCrossing };
