'use strict';

const fs = require('fs');
const { setImmediate } = require('timers');
const { NativeCache } = require('./native.js');
const { Ask, CacheCrossing } = require('./cache-crossing.js');
const { CacheMemory } = require('./cache-memory.js');
const { cacheOptions, factoryRule, keyRule, prefixRule, ttlRule, wrongArgument } = require('./cache-options.js');
const { FAILED, Flight, Question, Write, parting } = require('./cache-requests.js');
const { JSON_TEXT, UNDEFINED, decodeBytes, encode } = require('./cache-values.js');
const { cacheOperations } = require('./channels.js');
const { Op, hold, kBatchDone, kItem, nextId, port, receivers } = require('./delivery.js');
const { errorOf } = require('./errors.js');
const { hide } = require('./hide.js');

const kState = Symbol('state');
const kAnswer = Symbol('answer');
const kAsk = Symbol('ask');
const kClear = Symbol('clear');
const kDelete = Symbol('delete');
const kDetach = Symbol('detach');
const kDetachAll = Symbol('detachAll');
const kExpect = Symbol('expect');
const kFlush = Symbol('flush');
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
const kQuestion = Symbol('question');
const kSet = Symbol('set');
const kStart = Symbol('start');
const kTooMuch = Symbol('tooMuch');
const kTouch = Symbol('touch');
const kTrace = Symbol('trace');
const kUse = Symbol('use');

/** How long memory is served without asking whether another process changed something. */
const LOOK_MS = 1000;
/** Hits without a look at the clock. */
const CREDIT = 16;
/** The same where there is nothing to look for. */
const MUCH_CREDIT = 0x3fffffff;
/** Used keys that are noted before they are handed over. */
const NOTED_KEYS = 1024;

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
    const crossing = new CacheCrossing(native, {
      makeRoom: () => this[kState].memory.makeRoom(),
      refused: (isRefused) => this[kTooMuch](isRefused),
      lost: (tickets, error) => this[kLose](tickets, error),
    });
    /** @type {any} */ (native).onPanic = () => this[kState].memory.forgetAll();
    this[kState] = {
      id,
      native,
      crossing,
      persists,
      folder: checked.cacheDir,
      defaultTtl: checked.defaultTtl,
      maxMemorySize: checked.maxMemorySize,
      memory: new CacheMemory(this, native, crossing),
      isBounded: checked.maxMemorySize !== Infinity,
      /** What waits for the disk, by ticket. @type {Map<number, import('./cache-requests.js').Request>} */
      pending: new Map(),
      ticket: 0,
      flushing: false,
      /** Whether it is about to be seen that nothing is pending. */
      leaving: false,
      /** Reads from disk that later callers may join, by key. @type {Map<string, Flight>} */
      flights: new Map(),
      land: (
        /** @type {Flight} */ flight,
        /** @type {number} */ op,
        /** @type {any} */ answer,
        /** @type {number} */ ticket,
      ) => this[kLand](flight, op, answer, ticket),
      /** Values that are being made, by key. @type {Map<string, Promise<any>>} */
      making: new Map(),
      /** Keys that memory used, least recently first; `null`: nobody wants to know. @type {Set<string> | null} */
      touched: persists && checked.maxDiskSize !== null ? new Set() : null,
      /** When it was last known that memory is as new as the disk. */
      lookedAt: -Infinity,
      /** Hits of entries that do not expire, until the clock is read again; at most in this turn of the event loop. */
      credit: 0,
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
    const isHeard = cacheOperations.isHeard();
    if (state.credit > 0 && !isHeard) {
      const entry = state.memory.entries.get(key);
      if (entry !== undefined && entry.expiresAt === null) {
        state.credit -= 1;
        state.hits += 1;
        if (state.isBounded) state.crossing.hit(entry.slot);
        if (state.touched !== null) this[kUse](state.touched, key);
        return Promise.resolve({ found: true, value: entry.value });
      }
    }
    const wrong = wrongArgument('get', 'key', keyRule, key);
    if (wrong) return Promise.reject(wrong);
    this[kStart]();
    return isHeard ? this[kTrace]('get', { key }, () => this[kLookUp](key)) : this[kLookUp](key);
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
    if (!cacheOperations.isHeard()) return this[kSet](key, value, ttl);
    return this[kTrace]('set', { key }, () => this[kSet](key, value, ttl));
  }

  /**
   * @param {string} key
   * @returns {Promise<import('../index.js').CacheDeleteResult>}
   */
  delete(key) {
    const wrong = wrongArgument('delete', 'key', keyRule, key);
    if (wrong) return Promise.reject(wrong);
    this[kStart]();
    if (!cacheOperations.isHeard()) return this[kDelete](key);
    return this[kTrace]('delete', { key }, () => this[kDelete](key));
  }

  /**
   * @param {string} [prefix]
   * @returns {Promise<import('../index.js').CacheClearResult>}
   */
  clear(prefix) {
    const wrong = wrongArgument('clear', 'prefix', prefixRule, prefix);
    if (wrong) return Promise.reject(wrong);
    this[kStart]();
    if (!cacheOperations.isHeard()) return this[kClear](prefix || '');
    return this[kTrace]('clear', { prefix: prefix || '' }, () => this[kClear](prefix || ''));
  }

  /** @returns {Promise<number>} */
  prune() {
    this[kStart]();
    return cacheOperations.isHeard() ? this[kTrace]('prune', {}, () => this[kPrune]()) : this[kPrune]();
  }

  /**
   * @param {string} key
   * @returns {Promise<boolean>}
   */
  has(key) {
    const wrong = wrongArgument('has', 'key', keyRule, key);
    if (wrong) return Promise.reject(wrong);
    this[kStart]();
    return cacheOperations.isHeard() ? this[kTrace]('has', { key }, () => this[kHas](key)) : this[kHas](key);
  }

  /**
   * @param {string} [prefix]
   * @returns {Promise<string[]>}
   */
  keys(prefix) {
    const wrong = wrongArgument('keys', 'prefix', prefixRule, prefix);
    if (wrong) return Promise.reject(wrong);
    this[kStart]();
    if (!cacheOperations.isHeard()) return this[kKeys](prefix || '');
    return this[kTrace]('keys', { prefix: prefix || '' }, () => this[kKeys](prefix || ''));
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
    this[kDetachAll]('');
    if (!state.persists) return Promise.resolve();
    this[kTouch]();
    state.lookedAt = -Infinity;
    state.credit = 0;
    return this[kAsk](nothing, (ticket) => state.native.close(ticket));
  }

  /** @returns {import('../index.js').CacheStats} */
  getStats() {
    const { native, crossing, memory, maxMemorySize, hits, misses } = this[kState];
    crossing.handOver();
    const { memorySize, diskSize, diskCount, evictions } = native.stats();
    const memoryCount = memory.entries.size;
    return { memorySize, memoryCount, maxMemorySize, diskSize, diskCount, hits, misses, evictions };
  }

  /**
   * @template T
   * @param {keyof typeof OUTCOMES} operation
   * @param {{ key?: string, prefix?: string }} what
   * @param {() => Promise<T>} run
   * @returns {Promise<T>}
   */
  [kTrace](operation, what, run) {
    const context = { cache: this, operation, ...what };
    return cacheOperations.trace(context, run, (result) => Object.assign(context, OUTCOMES[operation](result)));
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
    if (!state.persists) {
      state.credit = MUCH_CREDIT;
      return true;
    }
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
    if (state.isBounded) state.crossing.hit(entry.slot);
    if (state.touched !== null) this[kUse](state.touched, entry.key);
    return found(entry.value, entry.expiresAt);
  }

  /**
   * @param {Set<string>} touched
   * @param {string} key
   */
  [kUse](touched, key) {
    touched.delete(key);
    touched.add(key);
    if (touched.size >= NOTED_KEYS) this[kTouch]();
  }

  /** Hands over which keys memory used: the disk evicts by it. */
  [kTouch]() {
    const { touched, native } = this[kState];
    if (touched === null || touched.size === 0) return;
    const [joined, lengths] = join(Array.from(touched));
    touched.clear();
    this[kAsk](nothing, (ticket) => native.touch(ticket, Date.now(), joined, lengths)).catch(nothing);
  }

  /**
   * @param {string} key
   * @returns {Promise<any>}
   */
  [kLookUp](key) {
    const state = this[kState];
    const { crossing } = state;
    const now = Date.now();
    if (crossing.count > 0) crossing.handOver();
    const entry = state.memory.live(key, now);
    if (entry !== undefined && this[kFresh](now)) return Promise.resolve(this[kHit](entry));
    if (!state.persists) {
      state.misses += 1;
      return Promise.resolve({ found: false });
    }
    const under = state.flights.get(key);
    if (under !== undefined) return under.join();
    const waiting = new Promise(parting);
    const flight = new Flight(key, state.land);
    state.flights.set(key, flight);
    crossing.question(entry === undefined ? Ask.Get : Ask.GetKnown, this[kExpect](flight), now, key);
    this[kFlush]();
    return waiting;
  }

  /**
   * @param {Flight} flight
   * @param {number} op
   * @param {any} answer
   * @param {number} ticket
   */
  [kLand](flight, op, answer, ticket) {
    const state = this[kState];
    const { key, isCurrent } = flight;
    if (isCurrent) state.flights.delete(key);
    if (op === FAILED) {
      flight.each((waiter) => waiter.reject(answer));
      return;
    }
    let decoded;
    try {
      decoded = op === Op.CacheFound ? decode(state.native, ticket, answer) : null;
    } catch (error) {
      flight.each((waiter) => waiter.reject(error));
      return;
    }
    const { memory, crossing } = state;
    const entry = memory.entries.has(key) ? memory.live(key, Date.now()) : undefined;
    if (entry !== undefined) {
      flight.each((waiter) => waiter.resolve(this[kHit](entry)));
    } else if (op === Op.CacheUnchanged) {
      // Memory had to make room meanwhile.
      flight.each((waiter) => this[kLookUp](key).then(waiter.resolve, waiter.reject));
    } else if (decoded !== null) {
      const [kind, expiresAt, createdAt, length] = answer;
      const { value } = decoded;
      if (isCurrent) {
        const { slot } = memory.place(key, value, expiresAt);
        crossing.promote(slot, kind, length, expiresAt, createdAt);
      }
      flight.each((waiter) => {
        state.hits += 1;
        if (isCurrent && state.touched !== null) this[kUse](state.touched, key);
        waiter.resolve(found(value, expiresAt));
      });
    } else {
      flight.each((waiter) => {
        state.misses += 1;
        waiter.resolve({ found: false });
      });
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
    const { native, memory, crossing } = state;
    // First of all: it may run code of the app's.
    const { kind, text, bytes, length, fits } = encode(value);
    const now = Date.now();
    const expiresAt = expiryOf(ttl === undefined || ttl === null ? state.defaultTtl : ttl, now);
    this[kDetach](key);
    if (!state.persists) {
      return new Promise((resolve) => {
        memory.put(memory.place(key, value, expiresAt), kind, length, now);
        resolve({ success: true });
      });
    }
    this[kTouch]();
    // What this turn asked before may evict; once the new entry has its place, it would be the one that is lost.
    if (!fits || bytes !== null || crossing.isFull(text)) crossing.handOver();
    const entry = memory.place(key, value, expiresAt);
    const stored = new Promise(parting);
    const ticket = this[kExpect](new Write(memory, entry));
    // Whether it stays in memory is not decided.
    state.credit = 0;
    if (fits && bytes === null) {
      crossing.set(ticket, now, key, entry.slot, text, expiresAt);
      this[kFlush]();
      return stored;
    }
    this[kFlush]();
    try {
      if (bytes !== null) {
        const until = expiresAt === null ? undefined : expiresAt;
        crossing.wrote(native.setBytes(ticket, now, key, kind, bytes, until, entry.slot));
      } else {
        memory.put(entry, kind, length, now);
        native.refuse(ticket, now, key);
      }
    } catch (error) {
      this[kLose]([ticket], error);
    }
    return stored;
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
    this[kDetach](key);
    if (!state.persists) return Promise.resolve({ success: true });
    return this[kQuestion](Ask.Delete, key, Date.now(), (success) => ({ success }));
  }

  /**
   * @param {string} prefix
   * @returns {Promise<import('../index.js').CacheClearResult>}
   */
  [kClear](prefix) {
    const state = this[kState];
    const keys = state.memory.dropWhere((entry) => entry.key.startsWith(prefix));
    this[kDetachAll](prefix);
    if (!state.persists) return Promise.resolve({ success: true, cleared: keys.length });
    const [joined, lengths] = join(keys);
    return this[kAsk](
      ([success, cleared]) => ({ success, cleared }),
      (ticket) => state.native.clear(ticket, Date.now(), prefix === '' ? undefined : prefix, joined, lengths),
    );
  }

  /** @returns {Promise<number>} */
  [kPrune]() {
    const state = this[kState];
    const now = Date.now();
    const keys = state.memory.dropWhere(({ expiresAt }) => expiresAt !== null && now >= expiresAt);
    if (!state.persists) return Promise.resolve(keys.length);
    const [joined, lengths] = join(keys);
    return this[kAsk](
      ([, count]) => count,
      (ticket) => state.native.prune(ticket, now, joined, lengths),
    );
  }

  /**
   * @param {string} key
   * @returns {Promise<boolean>}
   */
  [kHas](key) {
    const state = this[kState];
    const now = Date.now();
    state.crossing.handOver();
    const entry = state.memory.live(key, now);
    if (!state.persists || (entry !== undefined && this[kFresh](now))) return Promise.resolve(entry !== undefined);
    const answered = (/** @type {boolean} */ isStored) => isStored || state.memory.live(key, Date.now()) !== undefined;
    return this[kQuestion](Ask.Has, key, now, answered);
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
    return this[kAsk](
      (stored) => Array.from(new Set(stored.concat(inMemory()))),
      (ticket) => state.native.keys(ticket, now, prefix),
    );
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
   * A read on its way is too old for who asks from here on, and must not be promoted over what comes now.
   * @param {string} key
   */
  [kDetach](key) {
    const { flights } = this[kState];
    if (flights.size === 0) return;
    const flight = flights.get(key);
    if (flight === undefined) return;
    flight.isCurrent = false;
    flights.delete(key);
  }

  /** @param {string} prefix */
  [kDetachAll](prefix) {
    for (const key of Array.from(this[kState].flights.keys())) {
      if (key.startsWith(prefix)) this[kDetach](key);
    }
  }

  /**
   * A question about a key.
   * @param {number} ask
   * @param {string} key
   * @param {number} now
   * @param {(value: any) => any} answered
   * @returns {Promise<any>}
   */
  [kQuestion](ask, key, now, answered) {
    const promise = new Promise(parting);
    this[kState].crossing.question(ask, this[kExpect](new Question(answered)), now, key);
    this[kFlush]();
    return promise;
  }

  /**
   * Any other, which crosses by itself.
   * @param {(value: any) => any} answered
   * @param {(ticket: number) => void} ask
   * @returns {Promise<any>}
   */
  [kAsk](answered, ask) {
    const promise = new Promise(parting);
    const ticket = this[kExpect](new Question(answered));
    this[kFlush]();
    try {
      this[kState].crossing.handOver();
      ask(ticket);
    } catch (error) {
      this[kLose]([ticket], error);
    }
    return promise;
  }

  /**
   * The ticket of what is about to be asked.
   * @param {import('./cache-requests.js').Request} request
   */
  [kExpect](request) {
    const state = this[kState];
    if (state.pending.size === 0) {
      receivers.set(state.id, this);
      hold(this, true);
    }
    const ticket = (state.ticket + 1) >>> 0;
    state.ticket = ticket;
    state.pending.set(ticket, request);
    return ticket;
  }

  /** What this turn asks reaches the disk together. The first crosses at once: often there is no other. */
  [kFlush]() {
    const state = this[kState];
    if (state.flushing) return;
    state.flushing = true;
    state.crossing.handOver();
    Promise.resolve()
      .then(() => {
        state.flushing = false;
        state.crossing.handOver();
        state.native.flush();
      })
      .catch((error) => this[kLose](Array.from(state.pending.keys()), error));
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
      if (lost) lost.fail(error);
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
      case Op.CacheAllDone:
        for (let left = value, ticket = number; left > 0; left -= 1) {
          this[kAnswer](Op.CacheDone, ticket, true);
          ticket = (ticket + 1) >>> 0;
        }
        return undefined;
      default:
        return this[kAnswer](op, number, value);
    }
  }

  /**
   * @param {number} op
   * @param {number} ticket
   * @param {any} value
   */
  [kAnswer](op, ticket, value) {
    const state = this[kState];
    const request = state.pending.get(ticket);
    if (request !== undefined) {
      state.pending.delete(ticket);
      request.settle(op, value, ticket);
    } else if (op === Op.CacheFound) {
      // Nobody fetches its bytes any more.
      decode(state.native, ticket, value);
    }
  }

  [kBatchDone]() {
    const state = this[kState];
    state.crossing.handOver();
    if (state.pending.size > 0 || state.leaving) return;
    // Code behind an `await` runs first: often it asks for the next.
    state.leaving = true;
    Promise.resolve().then(() => {
      state.leaving = false;
      if (state.pending.size > 0) return;
      receivers.delete(state.id);
      hold(this, false);
    });
  }
}

const nothing = () => {};

/** What the diagnostics channel tells of an operation's result. */
const OUTCOMES = {
  get: (/** @type {any} */ { found: hit }) => ({ hit }),
  has: (/** @type {any} */ hit) => ({ hit }),
  set: (/** @type {any} */ { success }) => ({ success }),
  delete: (/** @type {any} */ { success }) => ({ success }),
  clear: (/** @type {any} */ { success, cleared }) => ({ success, count: cleared }),
  prune: (/** @type {any} */ count) => ({ count }),
  keys: (/** @type {any} */ { length }) => ({ count: length }),
};

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
