import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach } from 'vitest';
import runtime from '../../index.js';
import { folder } from './folders.js';

const made = [];

afterEach(async () => {
  for (const cache of made.splice(0)) await cache.close();
});

/** A cache in a folder of its own, or in a given one; closed after the test. */
export function cache(options = {}, Class = runtime.CacheManager) {
  const created = new Class({ cacheDir: path.join(folder(), 'cache'), ...options });
  made.push(created);
  return created;
}

/** A new folder for caches, which are to share it. */
export function cacheFolder() {
  return path.join(folder(), 'cache');
}

/** The name of version 1's file for a key. */
export function version1Name(key) {
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 16);
  return `${key.replace(/[^A-Za-z0-9\-_]/g, '_').slice(0, 64)}-${hash}.json`;
}

/** Writes an entry as version 1 did; gives the file's path. */
export function writeVersion1(cacheDir, key, value, { expiresAt = null, createdAt = Date.now() - 1000 } = {}) {
  fs.mkdirSync(cacheDir, { recursive: true });
  const file = path.join(cacheDir, version1Name(key));
  fs.writeFileSync(file, JSON.stringify({ value, expiresAt, createdAt }));
  return file;
}
