'use strict';

const { invalid } = require('./errors');
const { encode } = require('./json');

const LIMIT_BYTES = 64 * 1024 * 1024;

/** Values by key, in memory: `cache.*` of the app, and the engine's own. The least recently used leaves for space. */
class Cache {
  /** In the order of their last use. */
  #entries = new Map();
  #size = 0;
  #limit;

  constructor(limit = LIMIT_BYTES) {
    this.#limit = limit;
  }

  get(key) {
    const entry = this.#live(key);
    if (!entry) return { found: false };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const { value, expiresAt } = entry;
    return expiresAt === null ? { found: true, value } : { found: true, value, expiresAt };
  }

  /** `ttl` in seconds: none or 0 never expires, a negative one has expired. False: it is larger than the whole cache. */
  set(key, value, ttl = null) {
    // The length of what is none would spoil the sum of all for good.
    if (typeof key !== 'string') throw new TypeError(`Engine.cache: the key must be a string; got ${String(key)}`);
    const size = (key.length + encode(value, `The value of ${key}`).length) * 2;
    this.delete(key);
    if (size > this.#limit) return { success: false };
    const expiresAt = ttl === null || ttl === 0 ? null : Date.now() + ttl * 1000;
    this.#entries.set(key, { value: value === undefined ? null : value, expiresAt, size });
    this.#size += size;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#limit) break;
      this.delete(oldest);
    }
    return { success: true };
  }

  delete(key) {
    const entry = this.#entries.get(key);
    if (entry) this.#size -= entry.size;
    this.#entries.delete(key);
    return { success: true };
  }

  clear(prefix = '') {
    let cleared = 0;
    for (const key of [...this.#entries.keys()].filter((name) => name.startsWith(prefix))) {
      if (this.#live(key)) cleared += 1;
      this.delete(key);
    }
    return { success: true, cleared };
  }

  #live(key) {
    const entry = this.#entries.get(key);
    if (!entry || entry.expiresAt === null || entry.expiresAt > Date.now()) return entry;
    this.delete(key);
    return undefined;
  }
}

function keyOf({ key }) {
  if (typeof key !== 'string') throw invalid('key must be a string');
  return key;
}

function ttlOf({ ttl }) {
  if (ttl === undefined || ttl === null) return null;
  if (typeof ttl !== 'number') throw invalid('ttl must be a number of seconds');
  return ttl;
}

function prefixOf({ prefix }) {
  if (prefix === undefined || prefix === null) return '';
  if (typeof prefix !== 'string') throw invalid('prefix must be a string');
  return prefix;
}

const cacheMethods = (cache) => ({
  'cache.get': (params) => cache.get(keyOf(params)),
  'cache.set': (params) => cache.set(keyOf(params), params.value, ttlOf(params)),
  'cache.delete': (params) => cache.delete(keyOf(params)),
  'cache.clear': (params) => cache.clear(prefixOf(params)),
});

module.exports = { Cache, cacheMethods };
