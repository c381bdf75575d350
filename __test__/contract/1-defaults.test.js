import fs from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';

const require = createRequire(import.meta.url);
const { cacheOptions } = require('../../lib/cache-options.js');
const { engineOptions } = require('../../lib/engine-options.js');
const { managerOptions, submitOptions } = require('../../lib/job-options.js');
const { Op } = require('../../lib/delivery.js');

const read = (file) => fs.readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const MIB = 1024 * 1024;

const CONTRACT = {
  EngineClientConfig: {
    requestTimeout: 30000,
    startupTimeout: 10000,
    autoRestart: true,
    maxRestarts: 3,
    restartDelay: 1000,
    restartBackoff: 1,
    maxRestartDelay: 30000,
    restartWindow: 60000,
    killTimeout: 5000,
    killTree: true,
    healthMethod: 'engine.health',
    healthInterval: 0,
    maxMessageBytes: 256 * MIB,
    maxPendingBytes: 64 * MIB,
    stderr: 'log',
  },
  JobManagerConfig: {
    concurrency: 2,
    defaultTimeout: 300000,
    retryOnFailure: false,
    maxRetries: 3,
    retryDelay: 1000,
    retryBackoff: 1,
    maxQueueSize: Infinity,
    maxCompleted: 1000,
    cancelGrace: 5000,
  },
  SubmitOptions: { priority: 'normal' },
  CacheManagerConfig: { maxMemorySize: 50 * MIB, defaultTtl: null, persistToDisk: true, maxDiskSize: null },
};
const FACADE = {
  EngineClientConfig: engineOptions({}),
  JobManagerConfig: managerOptions({}),
  SubmitOptions: submitOptions('t', {}),
  CacheManagerConfig: cacheOptions({ cacheDir: 'c' }),
};

/** A default as the documentation writes it: `30 000`, `256 MiB`, `'log'`, `true`, `no limit`. */
function valueOf(text) {
  if (text === 'no limit') return Infinity;
  if (text === 'null') return null;
  if (/^'.*'$/.test(text)) return text.slice(1, -1);
  if (text === 'true' || text === 'false') return text === 'true';
  const number = /^([\d ]+?)( MiB)?$/.exec(text);
  return number ? Number(number[1].replace(/ /g, '')) * (number[2] ? MIB : 1) : text;
}

/** The defaults that the comments of an interface of index.d.ts tell, by option. */
function documented(name) {
  const body = new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(read('index.d.ts'))[1];
  const defaults = {};
  for (const [, comment, option] of body.matchAll(/\/\*\*([\s\S]*?)\*\/\n {2}(\w+)\??:/g)) {
    const found = /Default `?([^`.;:]+(?:\.[^`.;: ]+)*)`?[.;:]/.exec(comment.replace(/\s*\n\s*\*?\s*/g, ' '));
    if (found) defaults[option] = valueOf(found[1].trim());
  }
  return defaults;
}

describe.each(Object.keys(CONTRACT))('defaults of %s', (name) => {
  test('the facade’s are the contract’s', () => {
    expect(FACADE[name]).toMatchObject(CONTRACT[name]);
  });

  test('index.d.ts tells the same', () => {
    const told = documented(name);
    for (const [option, value] of Object.entries(CONTRACT[name]))
      expect([option, told[option]]).toEqual([option, value]);
  });
});

test('Op of lib/delivery.js and of crates/core/src/delivery/op.rs agree', () => {
  const rust = {};
  const body = /pub enum Op \{([\s\S]*?)\n\}/.exec(read('crates/core/src/delivery/op.rs'))[1];
  for (const [, name, number] of body.matchAll(/^ {4}(\w+) = (\d+),$/gm)) rust[name] = Number(number);
  expect(Object.keys(rust).length).toBeGreaterThan(30);
  expect(Op).toEqual(rust);
  expect(new Set(Object.values(Op)).size).toBe(Object.keys(Op).length);
});
