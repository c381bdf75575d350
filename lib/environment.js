'use strict';

const WINDOWS = process.platform === 'win32';

/**
 * The engine's environment, names and values in turn: the app's as it is now, and `env` over it.
 * @param {{ env?: Record<string, unknown>, envAllowlist?: string[] }} options
 * @returns {string[]}
 */
function environmentOf({ env, envAllowlist }) {
  /** @type {Map<string, [string, string]>} */
  const entries = new Map();
  const keyOf = (/** @type {string} */ name) => (WINDOWS ? name.toUpperCase() : name);
  // Without SystemRoot hardly any Windows program can open a socket.
  const allowed = envAllowlist && new Set(envAllowlist.concat(WINDOWS ? 'SystemRoot' : []).map(keyOf));
  for (const name of Object.keys(process.env)) {
    if (!allowed || allowed.has(keyOf(name))) entries.set(keyOf(name), [name, String(process.env[name])]);
  }
  for (const name of Object.keys(env || {})) {
    const value = /** @type {Record<string, unknown>} */ (env)[name];
    if (value === undefined) entries.delete(keyOf(name));
    else entries.set(keyOf(name), [name, String(value)]);
  }
  const flat = [];
  for (const entry of entries.values()) flat.push(entry[0], entry[1]);
  return flat;
}

module.exports = { environmentOf };
