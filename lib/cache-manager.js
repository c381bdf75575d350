'use strict';

const fs = require('fs');
const { setImmediate } = require('timers');
const { NativeCache } = require('./native.js');
const { CacheMemory } = require('./cache-memory.js');
const { cacheOptions, factoryRule, keyRule, prefixRule, ttlRule, wrongArgument } = require('./cache-options.js');
const { JSON_TEXT, UNDEFINED, decodeBytes, encode } = require('./cache-values.js');
const { Op, hold, kBatchDone, kItem, nextId, port, receivers } = require('./delivery.js');
const { errorOf } = require('./errors.js');
const { hide } = require('./hide.js');

const kState = Symbol('state');
const kAsk = Symbol('ask');
const kClear = Symbol('clear');
const kDelete = Symbol('delete');
const kDetach = Symbol('detach');
const kFresh = Symbol('fresh');
const kHas = Symbol('has');
const kHit = Symbol('hit');
const kKeys = Symbol('keys');
const kLand = Symbol('land');
const kLog = Symbol('log');
const kLookUp = Symbol('lookUp');
const kLose = Symbol('lose');
const kMake = Symbol('make');
const kPrune = Symbol('prune');
const kSet = Symbol('set');
const kStart = Symbol('start');
const kTooMuch = Symbol('tooMuch');
const kTouch = Symbol('touch');

/** The answer of the native `set`, as bits. */
const TAKEN = 1;
const GONE = 2;
/** How long memory is served without asking whether another process changed something. */
const LOOK_MS = 1000;
/** Hits without a look at the clock. */
const CREDIT = 16;
/** Used keys that are noted before they are handed over. */
const NOTED_KEYS = 1024;

/** @typedef {{ resolve: (value: any) => void, reject: (error: any) => void }} Waiter */
/** @typedef {{ key: string, current: boolean, waiters: Waiter[] }} Flight */
/** @typedef {{ settle: (op: number, value: any, ticket: number) => void, reject: (error: any) => void }} Pending */

class CacheManager {
  /** @param {import('../index.js').CacheManagerConfig} config */
  constructor(config) {
    const checked = cacheOptions(config);
    const persists = checked.persistToDisk;
    const id = nextId();
    const native = new NativeCache(port, id, {
      folder: persists ? checked.cacheDir : undefined,
      maxMemorySize: checked.maxMemorySize,
      maxDiskSize: checked.maxDiskSize === null ? undefined : checked.maxDiskSize,
    });
    /** @type {any} */ (native).onPanic = () => this[kState].memory.forgetAll();
    this[kState] = {
      id,
      native,
      persists,
      folder: checked.cacheDir,
      defaultTtl: checked.defaultTtl,
      maxMemorySize: checked.maxMemorySize,
      memory: new CacheMemory(native, checked.maxMemorySize !== Infinity),
      /** What waits for the disk, by ticket. @type {Map<number, Pending>} */
      pending: new Map(),
      ticket: 0,
      flushing: false,
      /** Reads from disk that later callers may join, by key. @type {Map<string, Flight>} */
      flights: new Map(),
      /** Values that are being made, by key. @type {Map<string, Promise<any>>} */
      making: new Map(),
      /** Keys that memory used, least recently first; `null`: nobody wants to know. @type {Set<string> | null} */
      touched: persists && checked.maxDiskSize !== null ? new Set() : null,
      /** When it was last known that memory is as new as the disk. */
      lookedAt: -Infinity,
      /** Hits of entries that do not expire, until the clock is read again; at most in this turn of the event loop. */
      credit: persists ? 0 : Infinity,
      turnEnds: false,
      started: false,
      /** Whether the app's own `init` is on its way. */
      starting: false,
      tooMuchTold: false,
      hits: 0,
      misses: 0,
    };
    hide(this, kState);
  }

  /** @returns {Promise<void>} */
  init() {
    const state = this[kState];
    if (!state.persists) return Promise.resolve();
    return fs.promises.mkdir(state.folder, { recursive: true, mode: 0o700 }).then(() => {
      state.started = true;
    });
  }

  /**
   * @template [T=unknown]
   * @param {string} key
   * @returns {Promise<import('../index.js').CacheGetResult<T>>}
   */
  get(key) {
    const state = this[kState];
    if (state.credit > 0) {
      const entry = state.memory.entries.get(key);
      if (entry !== undefined && entry.expiresAt === null) {
        state.credit -= 1;
        return Promise.resolve(this[kHit](entry));
      }
    }
    const wrong = wrongArgument('get', 'key', keyRule, key);
    if (wrong) return Promise.reject(wrong);
    this[kStart]();
    return this[kLookUp](key);
  }

  /**
   * @param {string} key
   * @param {unknown} value
   * @param {number | null} [ttl]
   * @returns {Promise<import('../index.js').CacheSetResult>}
   */
  set(key, value, ttl) {
    const wrong = wrongArgument('set', 'key', keyRule, key) || wrongArgument('set', 'ttl', ttlRule, ttl);
    if (wrong) return Promise.reject(wrong);
    this[kStart]();
    return this[kSet](key, value, ttl);
  }

  /**
   * @param {string} key
   * @returns {Promise<import('../index.js').CacheDeleteResult>}
   */
  delete(key) {
    const wrong = wrongArgument('delete', 'key', keyRule, key);
    if (wrong) return Promise.reject(wrong);
    this[kStart]();
    return this[kDelete](key);
  }

  /**
   * @param {string} [prefix]
   * @returns {Promise<import('../index.js').CacheClearResult>}
   */
  clear(prefix) {
    const wrong = wrongArgument('clear', 'prefix', prefixRule, prefix);
    if (wrong) return Promise.reject(wrong);
    this[kStart]();
    return this[kClear](prefix || '');
  }

  /** @returns {Promise<number>} */
  prune() {
    this[kStart]();
    return this[kPrune]();
  }

  /**
   * @param {string} key
   * @returns {Promise<boolean>}
   */
  has(key) {
    const wrong = wrongArgument('has', 'key', keyRule, key);
    if (wrong) return Promise.reject(wrong);
    this[kStart]();
    return this[kHas](key);
  }

  /**
   * @param {string} [prefix]
   * @returns {Promise<string[]>}
   */
  keys(prefix) {
    const wrong = wrongArgument('keys', 'prefix', prefixRule, prefix);
    if (wrong) return Promise.reject(wrong);
    this[kStart]();
    return this[kKeys](prefix || '');
  }

  /**
   * @template T
   * @param {string} key
   * @param {() => T | Promise<T>} factory
   * @param {number | null} [ttl]
   * @returns {Promise<T>}
   */
  getOrSet(key, factory, ttl) {
    const wrong =
      wrongArgument('getOrSet', 'key', keyRule, key) ||
      wrongArgument('getOrSet', 'factory', factoryRule, factory) ||
      wrongArgument('getOrSet', 'ttl', ttlRule, ttl);
    if (wrong) return Promise.reject(wrong);
    const { making } = this[kState];
    const under = making.get(key);
    if (under) return under;
    const made = this[kMake](key, factory, ttl);
    making.set(key, made);
    const over = () => making.delete(key);
    made.then(over, over);
    return made;
  }

  /** @returns {Promise<void>} */
  close() {
    const state = this[kState];
    state.memory.dropAll();
    this[kDetach](() => true);
    if (!state.persists) return Promise.resolve();
    this[kTouch]();
    state.lookedAt = -Infinity;
    state.credit = 0;
    return new Promise((resolve, reject) => {
      this[kAsk](
        () => resolve(),
        reject,
        (ticket) => state.native.close(ticket),
      );
    });
  }

  /** @returns {import('../index.js').CacheStats} */
  getStats() {
    const { native, memory, maxMemorySize, hits, misses } = this[kState];
    const { memorySize, diskSize, diskCount, evictions } = native.stats();
    const memoryCount = memory.entries.size;
    return { memorySize, memoryCount, maxMemorySize, diskSize, diskCount, hits, misses, evictions };
  }

  /**
   * Every call makes the folder first. That is the disk thread's work, but an `init` of the app's own is called, once it
   * is known to have succeeded not again. Nothing waits for it: it may itself call what would wait.
   */
  [kStart]() {
    const state = this[kState];
    if (!state.started && state.persists && this.init !== CacheManager.prototype.init && !state.starting) {
      state.starting = true;
      Promise.resolve()
        .then(() => this.init())
        .then(
          () => {
            state.started = true;
          },
          (error) => this[kLog](`init() failed, entries are kept in memory: ${error}`),
        )
        .then(() => {
          state.starting = false;
        });
    }
  }

  /**
   * Whether memory may be served without asking the disk. Reading the clock costs as much as the rest of a hit: the
   * answer holds for some more hits, but never into the next turn of the event loop.
   * @param {number} now
   */
  [kFresh](now) {
    const state = this[kState];
    if (!state.persists) return true;
    const age = now - state.lookedAt;
    const isFresh = age >= 0 && age < LOOK_MS;
    if (isFresh) {
      state.credit = CREDIT;
      if (!state.turnEnds) {
        state.turnEnds = true;
        setImmediate(() => {
          state.turnEnds = false;
          state.credit = 0;
        });
      }
    }
    return isFresh;
  }

  /**
   * @param {import('./cache-memory.js').Entry} entry
   * @returns {any}
   */
  [kHit](entry) {
    const state = this[kState];
    state.hits += 1;
    state.memory.hit(entry);
    if (state.touched !== null) {
      state.touched.delete(entry.key);
      state.touched.add(entry.key);
      if (state.touched.size >= NOTED_KEYS) this[kTouch]();
    }
    return found(entry.value, entry.expiresAt);
  }

  /** Hands over which keys memory used: the disk evicts by it. */
  [kTouch]() {
    const { touched, native } = this[kState];
    if (touched === null || touched.size === 0) return;
    const [joined, lengths] = join(Array.from(touched));
    touched.clear();
    this[kAsk](nothing, nothing, (ticket) => native.touch(ticket, Date.now(), joined, lengths));
  }

  /**
   * @param {string} key
   * @returns {Promise<any>}
   */
  [kLookUp](key) {
    const state = this[kState];
    const now = Date.now();
    const entry = state.memory.live(key, now);
    if (entry !== undefined && this[kFresh](now)) return Promise.resolve(this[kHit](entry));
    if (!state.persists) {
      state.misses += 1;
      return Promise.resolve({ found: false });
    }
    let flight = state.flights.get(key);
    if (flight === undefined) {
      /** @type {Flight} */
      const started = { key, current: true, waiters: [] };
      flight = started;
      state.flights.set(key, flight);
      const { waiters } = flight;
      const waiting = new Promise((resolve, reject) => waiters.push({ resolve, reject }));
      this[kAsk](
        (op, value, number) => this[kLand](started, op, value, number),
        (error) => {
          if (started.current) state.flights.delete(key);
          started.waiters.forEach((waiter) => waiter.reject(error));
        },
        (ticket) => state.native.get(ticket, now, key, entry !== undefined),
      );
      return waiting;
    }
    const { waiters } = flight;
    return new Promise((resolve, reject) => waiters.push({ resolve, reject }));
  }

  /**
   * @param {Flight} flight
   * @param {number} op
   * @param {any} answer
   * @param {number} ticket
   */
  [kLand](flight, op, answer, ticket) {
    const state = this[kState];
    const { key, waiters } = flight;
    if (flight.current) state.flights.delete(key);
    const decoded = op === Op.CacheFound ? decode(state.native, ticket, answer) : null;
    let entry = state.memory.live(key, Date.now());
    if (entry === undefined && op === Op.CacheUnchanged) {
      // Memory had to make room meanwhile.
      for (const { resolve, reject } of waiters) this[kLookUp](key).then(resolve, reject);
      return;
    }
    if (entry === undefined && decoded !== null && flight.current) {
      const [kind, expiresAt, createdAt, length] = answer;
      state.memory.put(state.memory.place(key, decoded.value, expiresAt), kind, length, createdAt);
      entry = state.memory.entries.get(key);
    }
    for (const { resolve } of waiters) {
      if (entry !== undefined) {
        resolve(this[kHit](entry));
      } else if (decoded !== null) {
        state.hits += 1;
        resolve(found(decoded.value, answer[1]));
      } else {
        state.misses += 1;
        resolve({ found: false });
      }
    }
  }

  /**
   * @param {string} key
   * @param {unknown} value
   * @param {number | null | undefined} ttl
   * @returns {Promise<import('../index.js').CacheSetResult>}
   */
  [kSet](key, value, ttl) {
    const state = this[kState];
    const { native, memory } = state;
    // First of all: it may run code of the app's.
    const { kind, text, bytes, length, fits } = encode(value);
    const now = Date.now();
    const expiresAt = expiryOf(ttl === undefined || ttl === null ? state.defaultTtl : ttl, now);
    const until = expiresAt === null ? undefined : expiresAt;
    this[kDetach]((flight) => flight.key === key, key);
    const entry = memory.place(key, value, expiresAt);
    if (!state.persists) {
      return new Promise((resolve) => {
        memory.put(entry, kind, length, now);
        resolve({ success: true });
      });
    }
    this[kTouch]();
    return new Promise((resolve, reject) => {
      entry.pending += 1;
      const settle = (/** @type {number} */ _op, /** @type {boolean} */ success) => {
        entry.pending -= 1;
        resolve({ success });
      };
      const fail = (/** @type {any} */ error) => {
        entry.pending -= 1;
        // Whether the disk has it is not known: memory must not differ.
        if (memory.entries.get(key) === entry) memory.drop(entry);
        reject(error);
      };
      this[kAsk](settle, fail, (ticket) => {
        if (fits) {
          const answer =
            bytes === null
              ? native.set(ticket, now, key, text, until, entry.slot, length)
              : native.setBytes(ticket, now, key, kind, bytes, until, entry.slot);
          if ((answer & GONE) !== 0) memory.makeRoom();
          this[kTooMuch]((answer & TAKEN) === 0);
        } else {
          memory.put(entry, kind, length, now);
          native.refuse(ticket, now, key);
        }
      });
    });
  }

  /** @param {boolean} refused */
  [kTooMuch](refused) {
    const state = this[kState];
    if (refused && !state.tooMuchTold) {
      this[kLog](`256 MiB wait for the disk of ${state.folder}; what comes now is kept in memory only`);
    }
    state.tooMuchTold = refused;
  }

  /**
   * @param {string} key
   * @returns {Promise<import('../index.js').CacheDeleteResult>}
   */
  [kDelete](key) {
    const state = this[kState];
    const entry = state.memory.entries.get(key);
    if (entry !== undefined) state.memory.drop(entry);
    this[kDetach]((flight) => flight.key === key, key);
    if (!state.persists) return Promise.resolve({ success: true });
    return new Promise((resolve, reject) => {
      const settle = (/** @type {number} */ _op, /** @type {boolean} */ success) => resolve({ success });
      this[kAsk](settle, reject, (ticket) => state.native.delete(ticket, Date.now(), key));
    });
  }

  /**
   * @param {string} prefix
   * @returns {Promise<import('../index.js').CacheClearResult>}
   */
  [kClear](prefix) {
    const state = this[kState];
    const keys = state.memory.dropWhere((entry) => entry.key.startsWith(prefix));
    this[kDetach]((flight) => flight.key.startsWith(prefix));
    if (!state.persists) return Promise.resolve({ success: true, cleared: keys.length });
    const [joined, lengths] = join(keys);
    return new Promise((resolve, reject) => {
      const settle = (/** @type {number} */ _op, /** @type {any} */ [success, cleared]) =>
        resolve({ success, cleared });
      this[kAsk](settle, reject, (ticket) =>
        state.native.clear(ticket, Date.now(), prefix === '' ? undefined : prefix, joined, lengths),
      );
    });
  }

  /** @returns {Promise<number>} */
  [kPrune]() {
    const state = this[kState];
    const now = Date.now();
    const keys = state.memory.dropWhere(({ expiresAt }) => expiresAt !== null && now >= expiresAt);
    if (!state.persists) return Promise.resolve(keys.length);
    const [joined, lengths] = join(keys);
    return new Promise((resolve, reject) => {
      const settle = (/** @type {number} */ _op, /** @type {any} */ [, count]) => resolve(count);
      this[kAsk](settle, reject, (ticket) => state.native.prune(ticket, now, joined, lengths));
    });
  }

  /**
   * @param {string} key
   * @returns {Promise<boolean>}
   */
  [kHas](key) {
    const state = this[kState];
    const now = Date.now();
    const entry = state.memory.live(key, now);
    if (!state.persists || (entry !== undefined && this[kFresh](now))) return Promise.resolve(entry !== undefined);
    return new Promise((resolve, reject) => {
      const settle = (/** @type {number} */ _op, /** @type {any} */ stored) =>
        resolve(stored || state.memory.live(key, Date.now()) !== undefined);
      this[kAsk](settle, reject, (ticket) => state.native.has(ticket, now, key));
    });
  }

  /**
   * @param {string} prefix
   * @returns {Promise<string[]>}
   */
  [kKeys](prefix) {
    const state = this[kState];
    const now = Date.now();
    const inMemory = () => {
      const keys = [];
      for (const { key, expiresAt } of state.memory.entries.values()) {
        if ((expiresAt === null || now < expiresAt) && key.startsWith(prefix)) keys.push(key);
      }
      return keys;
    };
    if (!state.persists) return Promise.resolve(inMemory());
    return new Promise((resolve, reject) => {
      const settle = (/** @type {number} */ _op, /** @type {string[]} */ stored) =>
        resolve(Array.from(new Set(stored.concat(inMemory()))));
      this[kAsk](settle, reject, (ticket) => state.native.keys(ticket, now, prefix));
    });
  }

  /**
   * @param {string} key
   * @param {() => any} factory
   * @param {number | null | undefined} ttl
   * @returns {Promise<any>}
   */
  async [kMake](key, factory, ttl) {
    const cached = await this.get(key);
    if (cached.found) return cached.value;
    const value = await factory();
    await this.set(key, value, ttl === null ? undefined : ttl);
    return value;
  }

  /**
   * Reads on their way are too old for who asks from here on, and must not be promoted over what comes now.
   * @param {(flight: Flight) => boolean} concerns
   * @param {string} [key] the only one that is concerned
   */
  [kDetach](concerns, key) {
    const { flights } = this[kState];
    if (flights.size === 0) return;
    const one = key === undefined ? undefined : flights.get(key);
    for (const flight of key === undefined ? Array.from(flights.values()) : one ? [one] : []) {
      if (!concerns(flight)) continue;
      flight.current = false;
      flights.delete(flight.key);
    }
  }

  /**
   * A question to the disk, which is handed over with the others of this turn.
   * @param {Pending['settle']} settle
   * @param {Pending['reject']} reject
   * @param {(ticket: number) => void} ask
   */
  [kAsk](settle, reject, ask) {
    const state = this[kState];
    if (state.pending.size === 0) {
      receivers.set(state.id, this);
      hold(this, true);
    }
    state.ticket = (state.ticket + 1) >>> 0;
    const { ticket } = state;
    state.pending.set(ticket, { settle, reject });
    if (!state.flushing) {
      state.flushing = true;
      Promise.resolve()
        .then(() => {
          state.flushing = false;
          state.native.flush();
        })
        .catch((error) => this[kLose](Array.from(state.pending.keys()), error));
    }
    try {
      ask(ticket);
    } catch (error) {
      this[kLose]([ticket], error);
    }
  }

  /**
   * What the disk will not answer, or not be heard with.
   * @param {number[]} tickets
   * @param {any} error
   */
  [kLose](tickets, error) {
    const { pending } = this[kState];
    for (const ticket of tickets) {
      const lost = pending.get(ticket);
      pending.delete(ticket);
      if (lost) lost.reject(error);
    }
    this[kBatchDone]();
  }

  /** @param {string} line */
  [kLog](line) {
    console.error(`[Cache] ${line}`);
  }

  /**
   * @param {number} op
   * @param {number} _target
   * @param {number} number
   * @param {any} value
   */
  [kItem](op, _target, number, value) {
    const state = this[kState];
    switch (op) {
      case Op.Log:
        return this[kLog](value);
      case Op.CacheLooked:
        state.lookedAt = number;
        return undefined;
      case Op.CacheChanged: {
        // A write of ours that is not answered comes behind the change.
        const keys = value === null ? null : new Set(value);
        state.memory.dropWhere((entry) => entry.pending === 0 && (keys === null || keys.has(entry.key)));
        return undefined;
      }
      case Op.Panicked: {
        const error = errorOf('INTERNAL_PANIC');
        if (!value.some((/** @type {number} */ ticket) => state.pending.has(ticket))) this[kLog](error.message);
        return this[kLose](value, error);
      }
      default: {
        const pending = state.pending.get(number);
        state.pending.delete(number);
        try {
          if (pending) pending.settle(op, value, number);
          // Nobody fetches its bytes any more.
          else if (op === Op.CacheFound) decode(state.native, number, value);
        } catch (error) {
          if (pending) pending.reject(error);
        }
        return undefined;
      }
    }
  }

  [kBatchDone]() {
    const state = this[kState];
    if (state.pending.size > 0) return;
    receivers.delete(state.id);
    hold(this, false);
  }
}

const nothing = () => {};

/**
 * @param {any} value
 * @param {number | null} expiresAt
 */
function found(value, expiresAt) {
  return expiresAt === null ? { found: true, value } : { found: true, value, expiresAt };
}

/**
 * @param {any} native
 * @param {number} ticket
 * @param {any[]} answer kind, expiresAt, createdAt, length, value
 * @returns {{ value: any } | null}
 */
function decode(native, ticket, answer) {
  const kind = answer[0];
  if (kind === JSON_TEXT) return { value: answer[4] };
  return kind === UNDEFINED ? { value: undefined } : decodeBytes(kind, native.takeBytes(ticket));
}

/**
 * @param {number | null} ttl seconds
 * @param {number} now
 * @returns {number | null}
 */
function expiryOf(ttl, now) {
  if (ttl === null || ttl === 0) return null;
  const expiresAt = Math.round(now + ttl * 1000);
  // Later than any date, and then only approximate: never.
  return expiresAt > Number.MAX_SAFE_INTEGER ? null : Math.max(expiresAt, 0);
}

/**
 * Keys on their way to the disk: one text, and the length of each.
 * @param {string[]} keys
 * @returns {[string, Uint32Array]}
 */
function join(keys) {
  return [keys.join(''), Uint32Array.from(keys, (key) => key.length)];
}

module.exports = { CacheManager };
