'use strict';

const { format } = require('util');
const { CacheManager } = require('@niche-knack/desktop-runtime');
const { ExitCode, Failure, usage } = require('../failure');
const { checkCacheFolder } = require('../folders');
const { print, printJson } = require('../terminal');

const isBinary = (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer;

function bytesOf(value) {
  return ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : Buffer.from(value);
}

/** A key on a line of its own: as it is, or as JSON where it would not stay on it, or could be taken for JSON. */
const keyLine = (key) => (key === '' || /[\x00-\x1f\x7f-\x9f\u2028\u2029]|^"/.test(key) ? JSON.stringify(key) : key);

const actions = {
  async stats(cache, _name, argv) {
    // The first look at the disk; before it the figures are not known.
    const keys = await cache.keys();
    const { diskSize, diskCount } = cache.getStats();
    if (argv.json) printJson({ diskCount, diskSize, keys: keys.length });
    else print(`entries  ${diskCount}\nbytes    ${diskSize}\nkeys     ${keys.length} that have not expired\n`);
  },

  async get(cache, key, argv) {
    const { found, value, expiresAt } = await cache.get(key);
    if (!found)
      throw new Failure(ExitCode.FAILED, `${argv.dir}: there is no entry with the key ${JSON.stringify(key)}`);
    if (argv.json) {
      const shown = isBinary(value) ? { base64: bytesOf(value).toString('base64') } : { value: value ?? null };
      printJson({ ...shown, ...(expiresAt === undefined ? {} : { expiresAt }) });
    } else if (!isBinary(value)) {
      printJson(value);
    } else if (process.stdout.isTTY) {
      throw new Failure(
        ExitCode.FAILED,
        `${JSON.stringify(key)} holds ${value.byteLength} bytes, which are not for a terminal: redirect standard output, or use --json`,
      );
    } else {
      print(bytesOf(value));
    }
  },

  async keys(cache, prefix, argv) {
    const keys = (await cache.keys(prefix)).sort();
    if (argv.json) printJson(keys);
    else print(keys.map((key) => `${keyLine(key)}\n`).join(''));
  },

  async clear(cache, prefix, argv) {
    const { success, cleared } = await cache.clear(prefix);
    if (!success) throw new Failure(ExitCode.FOLDER, `${argv.dir}: not everything could be cleared; the disk refused`);
    if (argv.json) printJson({ cleared });
    else print(`${cleared} cleared\n`);
  },

  async prune(cache, _name, argv) {
    const pruned = await cache.prune();
    if (argv.json) printJson({ pruned });
    else print(`${pruned} expired entries removed\n`);
  },
};

/** What each action takes behind its name: nothing, something, or one thing that must be there. */
const TAKES = { stats: 'nothing', prune: 'nothing', keys: 'a prefix', clear: 'a prefix', get: 'KEY' };

function nameFor(action, argv) {
  const given = [...(argv.key === undefined ? [] : [argv.key]), ...(argv['--'] || []).map(String)];
  if (given.length > 1 || (given.length === 1 && TAKES[action] === 'nothing')) {
    throw usage(`cache DIR ${action} takes ${TAKES[action]}; got ${given.join(' ')}`);
  }
  if (given.length === 0 && action === 'get') throw usage('cache DIR get takes KEY');
  return given[0];
}

module.exports = {
  command: 'cache <dir> <action> [key]',
  describe: "Look into an app's cache, or empty it",
  builder: (yargs) =>
    yargs
      .usage(
        '$0 cache DIR stats\n$0 cache DIR get KEY\n$0 cache DIR keys [PREFIX]\n$0 cache DIR clear [PREFIX]\n$0 cache DIR prune\n\nThe app may be running: it sees a change within a second.',
      )
      .positional('dir', { type: 'string', describe: "The cacheDir of an app's CacheManager" })
      .positional('action', { type: 'string', choices: Object.keys(actions) })
      .positional('key', { type: 'string', describe: 'A key, or the beginning of keys; behind -- if it begins with -' })
      .options({ json: { type: 'boolean', describe: 'As one JSON value; bytes as {"base64":…}' } })
      .example('# The keys that begin with page:\n$0 cache ~/.config/app/cache keys page:', '')
      .example('# A value\n$0 cache ~/.config/app/cache get page:1 | jq .', '')
      .example('# Remove what has expired\n$0 cache ~/.config/app/cache prune', ''),
  async handler(argv) {
    const name = nameFor(argv.action, argv);
    const cacheDir = checkCacheFolder(argv.dir);
    const cache = new CacheManager({ cacheDir, maxMemorySize: 0 });
    // A cache whose files cannot be used goes on in memory and logs it. Nobody must take that for an empty cache.
    const logged = [];
    console.error = (...args) => logged.push(format(...args));
    try {
      await cache.init();
      await actions[argv.action](cache, name, argv);
    } catch (error) {
      if (logged.length === 0) throw error;
    } finally {
      await cache.close();
    }
    if (logged.length > 0) throw new Failure(ExitCode.FOLDER, `${argv.dir}: ${logged[0].split('\n')[0]}`);
  },
};
