//! The change log: one row for each write transaction, with the keys it touched, kept for some seconds.
//!
//! From it other processes learn what they must drop from memory. Its last row also has the totals, so that a write
//! touches no page more.

use std::collections::HashSet;

use rusqlite::Row;

use crate::cache::Key;
use crate::cache::database::{Database, damaged};
use crate::cache::failure::Failure;
use crate::cache::record::sum;

/// How long a change is kept: others look at least once a second while they use the cache.
const KEPT_MS: i64 = 10_000;
/// Bytes of keys in one row. A transaction that touched more counts as having touched everything.
const MAX_KEYS: usize = 64 * 1024;

/// The state of the database after its last write transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// How many write transactions there were.
    pub generation: i64,
    /// Bytes of all entries.
    pub size: i64,
    /// Entries.
    pub count: i64,
    /// The last number that an entry was marked as used with.
    pub used: i64,
}

/// Keys that were changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// These.
    Keys(HashSet<Key>),
    /// Any.
    All,
}

impl Default for Changes {
    fn default() -> Self {
        Self::Keys(HashSet::new())
    }
}

impl Changes {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Keys(keys) if keys.is_empty())
    }

    /// Whether the key may have changed.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        match self {
            Self::Keys(keys) => keys.contains(key),
            Self::All => true,
        }
    }

    /// Both.
    pub fn add(&mut self, more: Self) {
        match (&mut *self, more) {
            (Self::Keys(keys), Self::Keys(more)) => keys.extend(more),
            _ => *self = Self::All,
        }
    }
}

/// The keys that one transaction touches, as a row has them.
#[derive(Debug)]
pub struct Touched(Option<Vec<u8>>);

impl Touched {
    pub fn new() -> Self {
        Self(Some(Vec::new()))
    }

    pub fn add(&mut self, key: &Key) {
        if let Some(bytes) = &mut self.0 {
            bytes.extend((key.as_bytes().len() as u64).to_be_bytes());
            bytes.extend_from_slice(key.as_bytes());
            if bytes.len() > MAX_KEYS {
                self.0 = None;
            }
        }
    }

    pub fn add_all(&mut self) {
        self.0 = None;
    }
}

fn keys_of(mut bytes: &[u8]) -> Option<Vec<Key>> {
    let mut keys = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (key, rest) = rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
        keys.push(Key::from_stored(key)?);
        bytes = rest;
    }
    Some(keys)
}

struct Change {
    totals: Totals,
    writer: i64,
    at: i64,
    checksum: i64,
    keys: Option<Vec<u8>>,
}

impl Change {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let totals =
            Totals { generation: row.get(0)?, size: row.get(3)?, count: row.get(4)?, used: row.get(5)? };
        let keys = row.get(7)?;
        Ok(Self { totals, writer: row.get(1)?, at: row.get(2)?, checksum: row.get(6)?, keys })
    }

    fn sum(&self) -> i64 {
        let Totals { generation, size, count, used } = self.totals;
        let mut bytes: Vec<u8> = [generation, self.writer, self.at, size, count, used]
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect();
        bytes.push(u8::from(self.keys.is_some()));
        bytes.extend_from_slice(self.keys.as_deref().unwrap_or_default());
        sum(&bytes)
    }

    fn checked(self) -> Result<Self, Failure> {
        if self.checksum == self.sum() { Ok(self) } else { Err(damaged("changes")) }
    }

    fn write(&self, database: &Database) -> Result<(), Failure> {
        let Totals { generation, size, count, used } = self.totals;
        let sql = "INSERT INTO changes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let row = (generation, self.writer, self.at, size, count, used, self.sum(), &self.keys);
        database.execute(sql, row).map(drop)
    }
}

impl Database {
    /// What a new database begins with.
    pub(super) fn first_change(&self) -> Result<(), Failure> {
        let totals = Totals { generation: 0, size: 0, count: 0, used: 0 };
        Change { totals, writer: 0, at: 0, checksum: 0, keys: None }.write(self)
    }

    /// The state after the last write transaction.
    pub fn totals(&self) -> Result<Totals, Failure> {
        let sql = "SELECT * FROM changes ORDER BY generation DESC LIMIT 1";
        let last = self.row(sql, [], Change::read)?.ok_or_else(|| damaged("changes"))?;
        Ok(last.checked()?.totals)
    }

    /// The keys that others changed behind a generation, and nobody with this writer's number changed after them.
    pub fn changes_since(&self, generation: i64, last: i64, writer: i64) -> Result<Changes, Failure> {
        if last <= generation {
            return Ok(Changes::default());
        }
        let first: i64 = self.value("SELECT min(generation) FROM changes", [])?;
        if first > generation + 1 {
            return Ok(Changes::All);
        }
        let mut changes = HashSet::new();
        let mut all = false;
        self.each("SELECT * FROM changes WHERE generation > ?1 ORDER BY generation", [generation], |row| {
            let change = Change::read(row)?.checked()?;
            let own = change.writer == writer;
            match &change.keys {
                Some(bytes) => {
                    for key in keys_of(bytes).ok_or_else(|| damaged("changes"))? {
                        if own {
                            changes.remove(&key);
                        } else {
                            changes.insert(key);
                        }
                    }
                }
                None => all |= !own,
            }
            Ok(())
        })?;
        Ok(if all { Changes::All } else { Changes::Keys(changes) })
    }

    /// Ends a write transaction: the next generation.
    pub fn log_change(&self, totals: Totals, writer: i64, at: i64, touched: Touched) -> Result<(), Failure> {
        Change { totals, writer, at, checksum: 0, keys: touched.0 }.write(self)
    }

    /// Forgets old changes; the last one stays.
    pub fn trim_changes(&self, now_ms: i64) -> Result<(), Failure> {
        let sql =
            "DELETE FROM changes WHERE generation < (SELECT max(generation) FROM changes) AND generation <=
                   (SELECT max(generation) FROM changes WHERE at < ?1)";
        self.execute(sql, [now_ms - KEPT_MS]).map(drop)
    }
}
