//! The entries: each row is checked against its sums before anything of it is believed.

use rusqlite::{CachedStatement, Row};

use crate::cache::Key;
use crate::cache::database::{Database, damaged};
use crate::cache::failure::Failure;
use crate::cache::record::{Head, JSON, Record, sum};
use crate::wire::scan;

fn head(row: &Row<'_>, key: &[u8]) -> Result<Head, Failure> {
    let head = Head {
        kind: row.get(0)?,
        expires_at: row.get(1)?,
        created_at: row.get(2)?,
        size: row.get(3)?,
        digest: row.get(4)?,
    };
    let checksum: i64 = row.get(5)?;
    if checksum == head.checksum(key) { Ok(head) } else { Err(damaged("an entry")) }
}

fn record(row: &Row<'_>, key: &[u8]) -> Result<Record, Failure> {
    let head = head(row, key)?;
    let value: Vec<u8> = row.get(6)?;
    // The batch that carries a text to JavaScript must not be broken by it.
    if head.digest != sum(&value) || (head.kind == JSON && !scan::is_json_text(&value)) {
        return Err(damaged("a value"));
    }
    Ok(Record { kind: head.kind, value, expires_at: head.expires_at, created_at: head.created_at })
}

impl Database {
    /// The entry of a key, expired or not.
    pub fn find(&self, key: &Key) -> Result<Option<Record>, Failure> {
        Prepared::new(self).find(key)
    }

    /// Bytes of the entry of a key.
    pub fn size_of(&self, key: &Key) -> Result<Option<i64>, Failure> {
        self.row("SELECT size FROM entries WHERE key = ?1", [key.as_bytes()], |row| row.get(0))
    }

    /// Removes an entry.
    pub fn remove(&self, key: &Key) -> Result<(), Failure> {
        self.execute("DELETE FROM entries WHERE key = ?1", [key.as_bytes()]).map(drop)
    }

    /// Removes all entries; says how many there were.
    pub fn remove_all(&self) -> Result<usize, Failure> {
        self.execute("DELETE FROM entries", [])
    }

    /// The keys with a prefix, and the bytes of their entries.
    pub fn keys_with(&self, prefix: &Key) -> Result<Vec<(Key, i64)>, Failure> {
        self.keys("SELECT key, size FROM entries WHERE key >= ?1 AND (?2 IS NULL OR key < ?2)", prefix)
    }

    fn keys(&self, sql: &'static str, prefix: &Key) -> Result<Vec<(Key, i64)>, Failure> {
        let mut keys = Vec::new();
        self.each(sql, (prefix.as_bytes(), prefix.behind_prefix()), |row| {
            keys.push((stored_key(row, 0)?, row.get(1)?));
            Ok(())
        })?;
        Ok(keys)
    }

    /// The keys that expired, and the bytes of their entries.
    pub fn expired_keys(&self, now_ms: i64) -> Result<Vec<(Key, i64)>, Failure> {
        let mut keys = Vec::new();
        self.each("SELECT key, size FROM entries WHERE expires_at <= ?1", [now_ms], |row| {
            keys.push((stored_key(row, 0)?, row.get(1)?));
            Ok(())
        })?;
        Ok(keys)
    }

    /// Shows the keys with a prefix that have not expired, in order.
    pub fn live_keys(&self, prefix: &Key, now_ms: i64, mut show: impl FnMut(&Key)) -> Result<(), Failure> {
        let sql = "SELECT kind, expires_at, created_at, size, digest, checksum, key FROM entries
                   WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) ORDER BY key";
        self.each(sql, (prefix.as_bytes(), prefix.behind_prefix()), |row| {
            let key = stored_key(row, 6)?;
            let head = head(row, key.as_bytes())?;
            if head.expires_at.is_none_or(|at| now_ms < at) {
                show(&key);
            }
            Ok(())
        })
    }

    /// The least recently used keys, and the bytes of their entries.
    pub fn least_used(&self) -> Result<Vec<(Key, i64)>, Failure> {
        let mut keys = Vec::new();
        self.each("SELECT key, size FROM entries ORDER BY used LIMIT 64", [], |row| {
            keys.push((stored_key(row, 0)?, row.get(1)?));
            Ok(())
        })?;
        Ok(keys)
    }

    /// Marks an entry as used.
    pub fn mark_used(&self, key: &Key, used: i64) -> Result<(), Failure> {
        self.execute("UPDATE entries SET used = ?2 WHERE key = ?1", (key.as_bytes(), used)).map(drop)
    }

    /// Whether every entry fits its sums.
    pub fn check_rows(&self) -> Result<(), Failure> {
        let sql = "SELECT kind, expires_at, created_at, size, digest, checksum, value, key FROM entries";
        self.each(sql, [], |row| record(row, stored_key(row, 7)?.as_bytes()).map(drop))
    }
}

/// What a batch does again and again: each statement is looked up once.
pub struct Prepared<'a> {
    database: &'a Database,
    find: Option<CachedStatement<'a>>,
    insert: Option<CachedStatement<'a>>,
}

/// The statement, prepared at its first use.
fn ready<'s, 'a>(
    slot: &'s mut Option<CachedStatement<'a>>,
    database: &'a Database,
    sql: &'static str,
) -> Result<&'s mut CachedStatement<'a>, Failure> {
    Ok(match slot {
        Some(statement) => statement,
        None => slot.insert(database.prepared(sql)?),
    })
}

impl<'a> Prepared<'a> {
    pub fn new(database: &'a Database) -> Self {
        Self { database, find: None, insert: None }
    }

    /// The entry of a key, expired or not.
    pub fn find(&mut self, key: &Key) -> Result<Option<Record>, Failure> {
        let sql =
            "SELECT kind, expires_at, created_at, size, digest, checksum, value FROM entries WHERE key = ?1";
        let mut rows = ready(&mut self.find, self.database, sql)?.query([key.as_bytes()])?;
        rows.next()?.map(|row| record(row, key.as_bytes())).transpose()
    }

    /// Stores an entry in place of an older one; says the bytes of that.
    pub fn put(
        &mut self,
        key: &Key,
        record: &Record,
        head: &Head,
        used: i64,
    ) -> Result<Option<i64>, Failure> {
        let insert =
            "INSERT INTO entries(key, kind, expires_at, created_at, size, used, digest, checksum, value)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(key) DO NOTHING";
        let update = "UPDATE entries SET kind = ?2, expires_at = ?3, created_at = ?4, size = ?5, used = ?6,
                      digest = ?7, checksum = ?8, value = ?9 WHERE key = ?1";
        let bytes = key.as_bytes();
        let checksum = head.checksum(bytes);
        let row = (
            bytes,
            head.kind,
            head.expires_at,
            head.created_at,
            head.size,
            used,
            head.digest,
            checksum,
            &record.value,
        );
        // Most keys are new: then this is all.
        if ready(&mut self.insert, self.database, insert)?.execute(row)? == 1 {
            return Ok(None);
        }
        let size = self.database.size_of(key)?;
        self.database.execute(update, row)?;
        Ok(size)
    }
}

fn stored_key(row: &Row<'_>, column: usize) -> Result<Key, Failure> {
    let bytes: Vec<u8> = row.get(column)?;
    Key::from_stored(&bytes).ok_or_else(|| damaged("a key"))
}
