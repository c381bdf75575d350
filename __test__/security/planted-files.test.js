import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheIn, v1Name } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { PLANTS, openFolder, plant, victim } from '../support/hostile-folders.js';
import { SNAPSHOT, ids, job, openRecovery, readIn, recovery } from '../support/recovery-folders.js';

const lines = consoleErrors();
const UNIX = process.platform !== 'win32';
const KINDS = Object.keys(PLANTS);
const DEADLINE = 20_000;

describe.runIf(UNIX)('What others put into a cache folder hangs nothing and harms no file elsewhere', () => {
  const CACHE_FILES = ['cache.db', 'cache.db-wal', 'cache.db-shm', 'cache.db-journal', 'cache.lock'];
  const cases = CACHE_FILES.flatMap((name) => KINDS.map((kind) => [kind, name]));

  test.each(cases)(
    '%s in place of %s',
    async (kind, name) => {
      for (const isMade of [false, true]) {
        lines.length = 0;
        const cacheDir = openFolder();
        if (isMade) {
          const before = cacheIn(cacheDir);
          await before.set('before', 1);
          await before.close();
        }
        const { file, untouched } = victim();
        plant(kind, path.join(cacheDir, name), file);
        const cache = cacheIn(cacheDir);
        const { success } = await cache.set('k', { secret: 'a value' });
        expect(await cache.get('k')).toEqual({ found: true, value: { secret: 'a value' } });
        expect(await cache.get('the victim')).toEqual({ found: false });
        await cache.prune();
        await cache.delete('other');
        await cache.clear('none');
        await cache.close();
        untouched();
        // Refused, it is told; or it was in nobody's way and is gone, or never opened.
        if (!success)
          expect(lines.join('\n')).toMatch(/symbolic link|hard link|not a file|directory|cannot be written/);
        if (success && isMade) expect(await cacheIn(cacheDir).get('k')).toMatchObject({ found: true });
      }
    },
    DEADLINE,
  );

  test('a rollback journal, which SQLite itself would obey, changes nothing', async () => {
    const cacheDir = openFolder();
    const cache = cacheIn(cacheDir);
    await cache.set('kept', 1);
    await cache.close();
    fs.writeFileSync(path.join(cacheDir, 'cache.db-journal'), rollbackJournal());
    const again = cacheIn(cacheDir);
    expect(await again.get('kept')).toEqual({ found: true, value: 1 });
    expect(await again.set('k', 1)).toEqual({ success: true });
    expect(lines).toEqual([]);
  });

  test('version 1’s files: a link, a pipe, a folder in their place are a miss', async () => {
    const cacheDir = openFolder();
    const found = victim();
    fs.writeFileSync(found.file, '{"value":"stolen","expiresAt":null,"createdAt":1}');
    for (const kind of ['a symbolic link', 'a named pipe', 'a folder']) {
      plant(kind, path.join(cacheDir, v1Name(kind)), found.file);
    }
    const cache = cacheIn(cacheDir);
    for (const kind of ['a symbolic link', 'a named pipe', 'a folder']) {
      expect(await cache.get(kind)).toEqual({ found: false });
      await cache.set(kind, 1);
      await cache.delete(kind);
    }
    await cache.clear();
    await cache.close();
    expect(fs.readFileSync(found.file, 'utf8')).toMatch('stolen');
  });
});

/** A journal as after a crash in the middle of a transaction, before which the database had one page. */
function rollbackJournal() {
  const header = Buffer.alloc(512);
  Buffer.from('d9d505f920a163d7', 'hex').copy(header);
  // Records, nonce, pages before the transaction, sector size, page size.
  [0, 1, 1, 512, 4096].forEach((number, at) => header.writeUInt32BE(number, 8 + 4 * at));
  return header;
}

describe.runIf(UNIX)('What others put into a state folder hangs nothing and harms no file elsewhere', () => {
  const STATE_FILES = [
    SNAPSHOT,
    `${SNAPSHOT}.tmp`,
    'recovery.lock',
    'recovery-journal-1.log',
    'recovery-journal-2.log',
    'recovery-journal-3.log',
  ];
  const cases = STATE_FILES.flatMap((name) => KINDS.map((kind) => [kind, name]));

  test.each(cases)(
    '%s in place of %s',
    async (kind, name) => {
      for (const isMade of [false, true]) {
        lines.length = 0;
        const stateDir = openFolder();
        if (isMade) {
          const before = await openRecovery({ stateDir });
          before.trackJob(job('before'));
          await before.shutdown();
        }
        const { file, untouched } = victim();
        plant(kind, path.join(stateDir, name), file);
        const one = recovery({ stateDir, autoRecover: false, persistInterval: 20 });
        await one.init();
        one.trackJob(job('a'));
        one.updateJobState('a', 'running', 5);
        const known = ids(one.getRecoverableJobs());
        expect(known).toContain('a');
        await one.shutdown();
        untouched();
        // A folder cannot be made way for by removing a name; the lock is another process's word and is left alone.
        if (name !== 'recovery.lock' && kind !== 'a folder') {
          expect(ids((await readIn(stateDir)).jobs)).toEqual(known);
        } else if (kind === 'a second name of a file') {
          // Nothing is ever written to the lock: whose name it is besides does not matter.
          expect(ids((await readIn(stateDir)).jobs)).toEqual(known);
        } else if (name === 'recovery.lock') {
          expect(lines.join('\n')).toMatch(/symbolic link|hard link|not a file|directory/);
        }
      }
    },
    DEADLINE,
  );

  test('a link that stands where a damaged file is set aside', async () => {
    const stateDir = openFolder();
    const { file, untouched } = victim();
    fs.writeFileSync(path.join(stateDir, SNAPSHOT), '{"pendingJobs":[');
    const now = Date.now();
    for (let ms = now; ms < now + 1500; ms += 1) fs.symlinkSync(file, path.join(stateDir, `${SNAPSHOT}.corrupt-${ms}`));
    const one = await openRecovery({ stateDir });
    one.trackJob(job('a'));
    await one.shutdown();
    untouched();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['a']);
  });
});
