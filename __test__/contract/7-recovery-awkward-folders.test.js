import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { consoleErrors } from '../support/console-errors.js';
import { eventually } from '../support/eventually.js';
import { folder } from '../support/folders.js';
import { filesOf, folderWith, ids, job, journalsOf, openRecovery } from '../support/recovery-folders.js';

const logged = consoleErrors();

/** A folder as a kill leaves it: one job in the snapshot, one in the journal. */
async function killedFolder() {
  const stateDir = folder();
  const first = await openRecovery({ stateDir, autoRecover: false });
  first.trackJob(job('in the snapshot'));
  await first.shutdown();
  const second = await openRecovery({ stateDir, autoRecover: false });
  second.trackJob(job('in the journal'));
  return folderWith(filesOf(stateDir));
}

test('a folder whose lock cannot be asked: nothing is touched, and it is had as soon as it can', async () => {
  const stateDir = await killedFolder();
  const lock = path.join(stateDir, 'recovery.lock');
  fs.mkdirSync(lock);
  const read = () =>
    Object.fromEntries(
      fs
        .readdirSync(stateDir, { withFileTypes: true })
        .flatMap((entry) =>
          entry.isFile() ? [[entry.name, fs.readFileSync(path.join(stateDir, entry.name), 'utf8')]] : [],
        ),
    );
  const before = read();
  const handed = [];
  const one = await openRecovery({ stateDir, persistInterval: 20, onJobRecovery: ({ id }) => void handed.push(id) });
  one.trackJob(job('meanwhile'));
  expect(ids(one.getRecoverableJobs())).toEqual(['meanwhile']);
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(read()).toEqual(before);
  expect(logged).toEqual([expect.stringContaining('cannot be used')]);
  fs.rmdirSync(lock);
  await eventually(() => handed.length === 3, 'the jobs of the folder');
  expect([...handed].sort()).toEqual(['in the journal', 'in the snapshot', 'meanwhile']);
  await one.shutdown();
  expect(ids((await openRecovery({ stateDir, autoRecover: false })).getRecoverableJobs())).toEqual([]);
});

test('shut down before it could be read: nothing is touched', async () => {
  const stateDir = await killedFolder();
  const lock = path.join(stateDir, 'recovery.lock');
  fs.mkdirSync(lock);
  const one = await openRecovery({ stateDir, persistInterval: 20 });
  await one.shutdown();
  fs.rmdirSync(lock);
  const next = await openRecovery({ stateDir, autoRecover: false });
  expect(ids(next.getRecoverableJobs()).sort()).toEqual(['in the journal', 'in the snapshot']);
});

test('a journal that cannot be read is set aside, and the rest is recovered', async () => {
  const stateDir = await killedFolder();
  const [journal] = journalsOf(stateDir);
  fs.rmSync(path.join(stateDir, journal));
  fs.mkdirSync(path.join(stateDir, journal));
  fs.writeFileSync(path.join(stateDir, journal, 'mine'), 'mine');
  const one = await openRecovery({ stateDir, autoRecover: false });
  expect(ids(one.getRecoverableJobs())).toEqual(['in the snapshot']);
  expect(logged).toEqual([expect.stringContaining(`${journal} cannot be read`)]);
  const aside = fs.readdirSync(stateDir).filter((name) => name.startsWith(`${journal}.corrupt-`));
  expect(aside).toHaveLength(1);
  expect(fs.readFileSync(path.join(stateDir, aside[0], 'mine'), 'utf8')).toBe('mine');
});
