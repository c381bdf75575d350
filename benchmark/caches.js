import crypto from 'crypto';
import fs from 'fs';
import path from 'path';
import { CacheManager } from '../index.mjs';

/**
 * A cache as the scenario drives it: `set` is done when the entry survives a SIGKILL of the process.
 * @typedef {{
 *   set(key: string, value: any): Promise<any>, get(key: string): any, close(): Promise<any> | any
 * }} Cache
 */

async function ours(cacheDir, options) {
  const cache = new CacheManager({ cacheDir, ...options });
  await cache.init();
  return {
    set: (key, value) => cache.set(key, value),
    get: (key) => cache.get(key),
    close: () => cache.close(),
  };
}

/** What version 1 does: one JSON file per entry. */
async function plainFiles(folder) {
  await fs.promises.mkdir(folder, { recursive: true });
  const fileOf = (key) => {
    const hash = crypto.createHash('sha256').update(key).digest('hex').slice(0, 16);
    return path.join(folder, `${key.replace(/[^a-zA-Z0-9-_]/g, '_').slice(0, 64)}-${hash}.json`);
  };
  return {
    set: (key, value) =>
      fs.promises.writeFile(fileOf(key), JSON.stringify({ value, expiresAt: null, createdAt: Date.now() })),
    async get(key) {
      try {
        const { value } = JSON.parse(await fs.promises.readFile(fileOf(key), 'utf8'));
        return { found: true, value };
      } catch {
        return { found: false };
      }
    },
    close() {},
  };
}

/** With a write-ahead log and `synchronous=NORMAL`, as ours has: without them each `set` waits for the disk twice. */
async function keyvSqlite(folder) {
  const [{ default: Keyv }, { KeyvSqlite }] = await Promise.all([import('keyv'), import('@keyv/sqlite')]);
  await fs.promises.mkdir(folder, { recursive: true });
  const store = new KeyvSqlite({ uri: `sqlite://${path.join(folder, 'keyv.sqlite')}`, busyTimeout: 5000 });
  await store.query('PRAGMA journal_mode=WAL');
  await store.query('PRAGMA synchronous=NORMAL');
  const keyv = new Keyv({ store, useKeyPrefix: false });
  return {
    set: (key, value) => keyv.set(key, value),
    get: (key) => keyv.get(key),
    close: () => keyv.disconnect(),
  };
}

async function cacache(folder) {
  const { default: store } = await import('cacache');
  return {
    set: (key, value) => store.put(folder, key, JSON.stringify(value)),
    async get(key) {
      try {
        return JSON.parse((await store.get(folder, key, { memoize: false })).data.toString());
      } catch (error) {
        if (error.code !== 'ENOENT') throw error;
        return undefined;
      }
    },
    close() {},
  };
}

/** Its `put` is done behind the commit, which a kill survives; syncing the disk comes later, as with ours. */
async function lmdb(folder) {
  const { open } = await import('lmdb');
  const store = open({ path: folder, encoding: 'json' });
  return {
    set: (key, value) => store.put(key, value),
    get: (key) => store.get(key),
    close: () => store.close(),
  };
}

/** `sqlite3` is compiled when it is installed, or is not there. */
export const hasSqlite = await import('sqlite3').then(
  () => true,
  () => false,
);
const sqlite = hasSqlite ? { 'keyv-sqlite': keyvSqlite } : {};

/** On disk; `options` are for ours. @type {Record<string, (folder: string, options?: object) => Promise<Cache>>} */
export const stores = { ours, 'plain files': plainFiles, lmdb, ...sqlite, cacache };

/** In memory: what a hit costs. @type {Record<string, (folder: string, options?: object) => Promise<Cache>>} */
export const memories = {
  ours,
  async 'Map behind an async function'() {
    const map = new Map();
    return {
      set: async (key, value) => map.set(key, value),
      get: async (key) => map.get(key),
      close() {},
    };
  },
  async 'lru-cache behind an async function'() {
    const { LRUCache } = await import('lru-cache');
    const cache = new LRUCache({ max: 2_000_000 });
    return {
      set: async (key, value) => cache.set(key, value),
      get: async (key) => cache.get(key),
      close() {},
    };
  },
  ...sqlite,
  lmdb,
};
