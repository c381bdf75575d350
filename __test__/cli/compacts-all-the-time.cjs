// An app whose recovery folder (its argument) is compacted again and again; the jobs `keep-0` to `keep-9` are always there.
'use strict';

const { EventEmitter } = require('events');
const { CrashRecovery } = require('../..');

async function main() {
  const options = { stateDir: process.argv[2], autoRecover: false, persistInterval: 20 };
  const recovery = new CrashRecovery(new EventEmitter(), options);
  await recovery.init();
  const payload = 'x'.repeat(2000);
  for (let number = 0; number < 10; number += 1) recovery.trackJob({ id: `keep-${number}`, type: 'scan', payload });
  setInterval(() => {
    for (let number = 0; number < 50; number += 1) {
      recovery.trackJob({ id: `passing-${number}`, type: 'scan', payload });
      recovery.removeJob(`passing-${number}`);
    }
  }, 1);
  console.log('ready');
}

main();
