import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach } from 'vitest';
import runtime from '../../index.js';
import { appIn } from './app.js';
import { folder } from './folders.js';

const opened = [];

// Runs before the folders are removed: hooks end in the order opposite to their making.
afterEach(async () => {
  await Promise.all(opened.splice(0).map((cache) => cache.close().catch(() => {})));
});

/** A manager, by itself on a new folder; closed after the test. */
export function cacheIn(cacheDir = folder(), options = {}, Class = runtime.CacheManager) {
  const cache = new Class({ cacheDir, ...options });
  opened.push(cache);
  return cache;
}

/** What version 1 called the file of a key. */
export function v1Name(key) {
  const readable = key.replace(/[^A-Za-z0-9\-_]/g, '_').slice(0, 64);
  return `${readable}-${createHash('sha256').update(key, 'utf8').digest('hex').slice(0, 16)}.json`;
}

/** Writes a key as version 1 did; gives the path. */
export function writeV1(cacheDir, key, value, { expiresAt = null, createdAt = Date.now() - 60_000 } = {}) {
  const file = path.join(cacheDir, v1Name(key));
  fs.writeFileSync(file, JSON.stringify({ value, expiresAt, createdAt }));
  return file;
}

/** 2 × the length of the JSON text of `{value, expiresAt, createdAt}`, both times of today's thirteen digits. */
export function sizeOf(value, expires = false) {
  const time = 1_700_000_000_000;
  return 2 * JSON.stringify({ value, expiresAt: expires ? time : null, createdAt: time }).length;
}

/** The files of the process that are open in a folder; found on Linux alone. */
export function openIn(cacheDir) {
  return fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = fs.readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(cacheDir) ? [target] : [];
    } catch {
      return []; // closed meanwhile
    }
  });
}

/** A sequence of numbers from 0 up to 1, the same for the same seed. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/**
 * A manager in a process of its own: `ask(method, ...args)`, `kill()`, and `end()` which ends its stdin. `before` are a
 * command and its arguments that run Node.
 */
export function remoteCache(cacheDir, options = {}, before = []) {
  const commandOf = (script) => {
    const [command, ...args] = [...before, process.execPath, script];
    return { command, args };
  };
  const running = appIn(commandOf, 'cache-serves.js', cacheDir, JSON.stringify(options));
  const waiting = [];
  let rest = '';
  let gone = null;
  running.child.stdout.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const { value, error } = JSON.parse(line);
      const { resolve, reject } = waiting.shift();
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    }
  });
  running.ended.then(({ code, signal, stderr }) => {
    gone = new Error(`the process of the cache has ended: ${code} ${signal} ${stderr}`);
    for (const { reject } of waiting.splice(0)) reject(gone);
  });
  const ask = (method, ...args) =>
    new Promise((resolve, reject) => {
      if (gone) throw gone;
      waiting.push({ resolve, reject });
      running.child.stdin.write(`${JSON.stringify([method, args])}\n`);
    });
  running.child.stdin.on('error', () => {});
  return { ...running, ask, kill: () => running.child.kill('SIGKILL'), end: () => running.child.stdin.end() };
}
