'use strict';

const { EventEmitter } = require('events');
const { CrashRecovery } = require('@niche-knack/desktop-runtime');
const { ExitCode, Failure, usage } = require('../failure');
const { recoveryPicture } = require('../recovery-picture');
const { columnsOf, harmless, print, printJson, styled } = require('../terminal');

const when = (ms) => (ms > 0 ? new Date(ms).toISOString() : 'never');

function table({ lastHealthCheck, jobs }) {
  const width = columnsOf(process.stdout);
  const colours = { running: 'green', pending: 'yellow', parked: 'red' };
  const lines = jobs.map(({ list, id, type, priority, progress, retries, createdAt, payload }) => {
    const head = `${styled(process.stdout, colours[list], list.padEnd(7))}  ${id}  ${type}`;
    const facts = `${priority}, ${progress}%, handed over ${retries} times, since ${when(createdAt)}`;
    const text = `payload ${JSON.stringify(payload)}`;
    const short = process.stdout.isTTY && text.length > width - 9 ? `${text.slice(0, width - 10)}…` : text;
    return `${harmlessHead(head, id, type)}\n         ${facts}\n         ${harmless(short)}\n`;
  });
  const counts = ['running', 'pending', 'parked'].map(
    (list) => `${jobs.filter((job) => job.list === list).length} ${list}`,
  );
  return `${lines.join('')}${counts.join(', ')}; the engine was last ready: ${when(lastHealthCheck)}\n`;
}

/** Ids and types are an app's own, and may hold anything. */
function harmlessHead(head, id, type) {
  return head.replace(`${id}  ${type}`, () => harmless(`${id}  ${type}`));
}

async function list(dir, argv) {
  const picture = await recoveryPicture(dir);
  if (argv.json) printJson(picture);
  else print(table(picture));
}

async function drop(dir, ids, argv) {
  const { jobs } = await recoveryPicture(dir);
  const unknown = ids.filter((id) => !jobs.some((job) => job.id === id));
  if (unknown.length > 0) {
    throw new Failure(ExitCode.FAILED, `${dir}: there is no job ${unknown.join(', ')}; nothing was dropped`);
  }
  const recovery = new CrashRecovery(new EventEmitter(), { stateDir: dir, autoRecover: false });
  let isLocked = false;
  recovery.on('recovery:locked', () => {
    isLocked = true;
  });
  // What it logs of the lock is said below.
  const log = console.error;
  console.error = (...args) => isLocked || String(args[0]).startsWith('[Recovery] Another process') || log(...args);
  try {
    await recovery.init();
    if (isLocked) {
      throw new Failure(
        ExitCode.FOLDER,
        `${dir}: a running app has this folder; end the app first. Nothing was dropped`,
      );
    }
    for (const id of ids) recovery.removeJob(id);
  } finally {
    await recovery.shutdown();
    console.error = log;
  }
  const left = await recoveryPicture(dir);
  const stay = ids.filter((id) => left.jobs.some((job) => job.id === id));
  if (stay.length > 0) throw new Failure(ExitCode.FOLDER, `${dir}: cannot be written; still there: ${stay.join(', ')}`);
  if (argv.json) printJson({ dropped: ids, left: left.jobs.length });
  else print(`${ids.length} dropped, ${left.jobs.length} left\n`);
}

module.exports = {
  command: 'recovery <dir> <action> [ids..]',
  describe: "List or drop the jobs in an app's recovery folder",
  builder: (yargs) =>
    yargs
      .usage(
        '$0 recovery DIR list\n$0 recovery DIR drop ID...\n\nThe jobs that an app would recover. list changes nothing and works beside a running app. drop takes the folder, so the app must have ended (exit code 4 otherwise).',
      )
      .positional('dir', { type: 'string', describe: "The stateDir of an app's CrashRecovery" })
      .positional('action', { type: 'string', choices: ['list', 'drop'] })
      .positional('ids', {
        type: 'string',
        array: true,
        default: [],
        defaultDescription: 'none',
        describe: 'Jobs to drop',
      })
      .options({ json: { type: 'boolean', describe: 'As one JSON object' } })
      .example('# What would be recovered\n$0 recovery ~/.config/app/recovery list', '')
      .example('# A job that must not come back\n$0 recovery ~/.config/app/recovery drop scan-17', ''),
  async handler(argv) {
    const ids = [...argv.ids, ...(argv['--'] || [])].map(String);
    if (argv.action === 'list') {
      if (ids.length > 0) throw usage('recovery DIR list takes no ids');
      await list(argv.dir, argv);
    } else {
      if (ids.length === 0) throw usage('recovery DIR drop takes the ids of the jobs; recovery DIR list shows them');
      await drop(argv.dir, ids, argv);
    }
  },
};
