import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheIn } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import { withSql } from '../support/hostile-folders.js';

const lines = consoleErrors();
const asideIn = (cacheDir) => fs.readdirSync(cacheDir).filter((name) => /^cache\.db\.corrupt-\d+$/.test(name));

async function made() {
  const cacheDir = folder();
  const cache = cacheIn(cacheDir);
  await cache.set('k', 'a value');
  await cache.close();
  return [cacheDir, path.join(cacheDir, 'cache.db')];
}

const ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT';

const CRAFTED = {
  'a trigger that changes what is stored': [
    'CREATE TRIGGER t AFTER INSERT ON changes BEGIN UPDATE entries SET value = \'"forged"\'; END',
  ],
  'a trigger that never ends': [`CREATE TRIGGER t AFTER INSERT ON entries BEGIN ${ENDLESS} count(*) FROM n; END`],
  'a view in place of the entries, which never ends': [
    'ALTER TABLE entries RENAME TO kept',
    `CREATE VIEW entries AS ${ENDLESS} i AS row, x'6b' AS key, 0 AS kind, NULL AS expires_at, 0 AS created_at,
     1 AS size, 0 AS used, 0 AS digest, 0 AS checksum, x'31' AS value FROM n`,
  ],
  'a view in place of the table that says the format': [
    'DROP TABLE meta',
    `CREATE VIEW meta AS ${ENDLESS} 1 AS schema, i AS id, 0 AS checksum FROM n WHERE i < 0`,
  ],
  'a column that is computed': [
    'DROP TABLE changes',
    `CREATE TABLE changes(generation INTEGER PRIMARY KEY, writer INTEGER, at INTEGER, size INTEGER, count INTEGER,
     used INTEGER, checksum INTEGER, keys BLOB GENERATED ALWAYS AS (zeroblob(900000000)) VIRTUAL)`,
  ],
  'a condition that is computed at every write': [
    'DROP TABLE changes',
    `CREATE TABLE changes(generation INTEGER PRIMARY KEY, writer INTEGER, at INTEGER, size INTEGER, count INTEGER,
     used INTEGER, checksum INTEGER, keys BLOB, CHECK (length(hex(zeroblob(400000000))) > 0))`,
  ],
  'an index over an expression': ['CREATE INDEX e ON entries(length(zeroblob(900000000)))'],
  'one more table': ['CREATE TABLE more(a)'],
  'one table less': ['DROP TABLE changes'],
  'a switched-on writable schema that names a table twice': [
    'PRAGMA writable_schema = ON',
    "UPDATE sqlite_schema SET sql = sql || ' ' || '/* mine */' WHERE name = 'entries'",
  ],
};

describe('A database that somebody else made', () => {
  test.each(Object.keys(CRAFTED))(
    '%s: nothing of it is run, it counts as damaged',
    async (how) => {
      const [cacheDir, file] = await made();
      withSql(file, ...CRAFTED[how]);
      lines.length = 0;
      const cache = cacheIn(cacheDir, { maxDiskSize: 1_000_000 });
      expect(await cache.get('k')).toEqual({ found: false });
      expect(await cache.set('k', 'mine')).toEqual({ success: true });
      await cache.close();
      expect(await cacheIn(cacheDir).get('k')).toEqual({ found: true, value: 'mine' });
      expect(asideIn(cacheDir)).toHaveLength(1);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/was damaged; it starts empty/);
    },
    20_000,
  );

  test('another program’s database is left as it was, byte by byte', async () => {
    const cacheDir = folder();
    const file = path.join(cacheDir, 'cache.db');
    withSql(file, 'CREATE TABLE notes(text)', "INSERT INTO notes VALUES ('precious')");
    const before = fs.readFileSync(file);
    expect(await cacheIn(cacheDir).set('k', 1)).toEqual({ success: true });
    const [aside] = asideIn(cacheDir);
    expect(fs.readFileSync(path.join(cacheDir, aside)).equals(before)).toBe(true);
  });

  test('our own, with and without the index that eviction needs, is no stranger', async () => {
    const [cacheDir] = await made();
    for (const options of [{ maxDiskSize: 1_000_000 }, {}, { maxDiskSize: 500_000 }]) {
      const cache = cacheIn(cacheDir, options);
      expect(await cache.get('k')).toEqual({ found: true, value: 'a value' });
      await cache.close();
    }
    expect(asideIn(cacheDir)).toEqual([]);
    expect(lines).toEqual([]);
  });
});
