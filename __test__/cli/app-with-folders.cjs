// An app with a cache and a recovery folder below its first argument; answers keys of the cache on its stdin.
'use strict';

const { EventEmitter } = require('events');
const path = require('path');
const readline = require('readline');
const { CacheManager, CrashRecovery } = require('../..');

const [home, entries] = process.argv.slice(2);

async function main() {
  const cache = new CacheManager({ cacheDir: path.join(home, 'cache') });
  for (const [key, value, ttl] of JSON.parse(entries)) {
    await cache.set(key, value && value.type === 'Buffer' ? Buffer.from(value.data) : value, ttl);
  }
  const recovery = new CrashRecovery(new EventEmitter(), { stateDir: path.join(home, 'recovery'), autoRecover: false });
  await recovery.init();
  recovery.trackJob({ id: 'a', type: 'scan', payload: { page: 1 } });
  recovery.trackJob({ id: 'b', type: 'scan', payload: { page: 2 } });
  recovery.updateJobState('b', 'running', 40);
  readline.createInterface({ input: process.stdin }).on('line', async (key) => {
    // As long as it may take until another process's change is seen.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    console.log(JSON.stringify(await cache.get(key)));
  });
  console.log('ready');
}

main();
