//! The database in one file: its connection, its format, its transactions.
//!
//! Rolled forward by `SQLite`'s write-ahead log; `synchronous=NORMAL` survives any kill of the process, and may lose the
//! last transactions in a power cut. Never memory-mapped: a truncated map would end the host with SIGBUS.
//!
//! The file may be somebody else's work. Statements are constants and values are parameters; and of a schema nothing is
//! run: a file with more or other tables than ours is a damaged one.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, OpenFlags, OptionalExtension, Params, Row};

use crate::cache::failure::Failure;
use crate::cache::record::sum;
use crate::sys;

/// The format that is written here.
const SCHEMA: i64 = 1;
/// What `file` and other tools tell the format by: `NKdr` as a number, and [`SCHEMA`].
const HEADER: &str = "PRAGMA application_id=1313563762; PRAGMA user_version=1;";
/// How long a transaction waits for another process's.
const BUSY: Duration = Duration::from_secs(5);

/// Who else may use the database meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Other processes: they agree through a file of shared memory.
    Shared,
    /// Nobody: what they would agree through is kept in our memory. For a disk without space for that file.
    Alone,
}

/// An open database.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    /// Chosen when the file was made: another number means another file.
    pub id: i64,
}

const TABLES: &str = "
    CREATE TABLE meta(schema INTEGER NOT NULL, id INTEGER NOT NULL, checksum INTEGER NOT NULL);
    CREATE TABLE entries(
        row INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, expires_at INTEGER,
        created_at INTEGER NOT NULL, size INTEGER NOT NULL, used INTEGER NOT NULL, digest INTEGER NOT NULL,
        checksum INTEGER NOT NULL, value BLOB NOT NULL);
    CREATE INDEX entries_by_expiry ON entries(expires_at) WHERE expires_at IS NOT NULL;
    CREATE TABLE changes(
        generation INTEGER PRIMARY KEY, writer INTEGER NOT NULL, at INTEGER NOT NULL, size INTEGER NOT NULL,
        count INTEGER NOT NULL, used INTEGER NOT NULL, checksum INTEGER NOT NULL, keys BLOB);
";
/// Only where something is evicted from disk.
const BY_USE: &str = "CREATE INDEX IF NOT EXISTS entries_by_use ON entries(used);";
/// The same as a schema has it.
const STORED_BY_USE: &str = "CREATE INDEX entries_by_use ON entries(used)";

/// What a schema could have a reader run is off; so are the switches that would let a statement damage the file.
const SETTINGS: [(DbConfig, bool); 7] = [
    (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
    (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
    (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
];

impl Database {
    /// Opens the file, which must be there; an empty one becomes a database with this id.
    pub fn open(path: &Path, new_id: i64, by_use: bool, sharing: Sharing) -> Result<Self, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let connection = Connection::open_with_flags(path, flags)?;
        for (setting, on) in SETTINGS {
            connection.set_db_config(setting, on)?;
        }
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(48);
        let mut database = Self { connection, id: 0 };
        if sharing == Sharing::Alone {
            database.batch("PRAGMA locking_mode=EXCLUSIVE;")?;
        }
        database.prepare(path, new_id, by_use)?;
        Ok(database)
    }

    fn prepare(&mut self, path: &Path, new_id: i64, by_use: bool) -> Result<(), Failure> {
        self.batch(
            "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;",
        )?;
        let is_new = |database: &Self| -> Result<bool, Failure> {
            Ok(database.value::<i64>("SELECT count(*) FROM sqlite_schema", [])? == 0)
        };
        let is_empty = is_new(self)?;
        // SQLite reads alone what it may not write, and what has the number of a format that it cannot write.
        if self.connection.is_readonly("main")? && sys::is_writable(path) {
            return Err(damaged("the number of its format"));
        }
        if is_empty {
            // So that what a `clear` frees can go back to the system. Before anything else is written, or it has no
            // effect; and only then: on a disk without space an opening must write nothing.
            self.batch("PRAGMA auto_vacuum=INCREMENTAL;")?;
        } else {
            self.check_format()?;
        }
        let mode: String = self.value("PRAGMA journal_mode=WAL", [])?;
        if mode != "wal" {
            return Err(Failure::Unusable(format!("no write-ahead log here, but {mode}")));
        }
        self.batch("PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-4096;")?;
        if is_empty {
            self.begin(true)?;
            let outcome = is_new(self).and_then(|still| if still { self.create(new_id) } else { Ok(()) });
            self.end(outcome)?;
        }
        if is_empty {
            self.check_format()?;
        }
        if by_use { self.batch(BY_USE) } else { Ok(()) }
    }

    fn create(&self, id: i64) -> Result<(), Failure> {
        self.batch(TABLES)?;
        self.batch(HEADER)?;
        self.execute("INSERT INTO meta VALUES (?1, ?2, ?3)", (SCHEMA, id, meta_sum(SCHEMA, id)))?;
        self.first_change()
    }

    /// The header's version is one flipped bit away from any other: the table, which has a sum, decides.
    fn check_format(&mut self) -> Result<(), Failure> {
        let sql = "SELECT schema, id, checksum FROM meta";
        let (schema, id, checksum): (i64, i64, i64) = self
            .row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .ok_or_else(|| damaged("meta"))?;
        if checksum != meta_sum(schema, id) {
            return Err(damaged("meta"));
        }
        self.id = id;
        if schema > SCHEMA { Err(Failure::Newer(schema)) } else { self.check_schema() }
    }

    /// Our own tables and nothing else: triggers, views and expressions are code of whoever wrote them.
    fn check_schema(&self) -> Result<(), Failure> {
        let in_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut missing: Vec<_> = TABLES.split(';').map(in_one_line).filter(|sql| !sql.is_empty()).collect();
        self.each("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL", [], |row| {
            let sql = in_one_line(row.get_ref(0)?.as_str().map_err(|_| damaged("its schema"))?);
            match missing.iter().position(|expected| *expected == sql) {
                Some(at) => drop(missing.swap_remove(at)),
                None if sql == STORED_BY_USE => {}
                None => return Err(damaged("its schema")),
            }
            Ok(())
        })?;
        if missing.is_empty() { Ok(()) } else { Err(damaged("its schema")) }
    }

    /// Begins a transaction. One that will write begins to write at once: it sees what is there last.
    pub fn begin(&self, writes: bool) -> Result<(), Failure> {
        self.execute(if writes { "BEGIN IMMEDIATE" } else { "BEGIN" }, []).map(drop)
    }

    /// Commits what went well, takes back what did not.
    pub fn end<T>(&self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        let outcome = outcome.and_then(|value| self.execute("COMMIT", []).map(|_| value));
        if outcome.is_err() && !self.connection.is_autocommit() {
            // One that fails has ended the transaction all the same.
            let _ = self.execute("ROLLBACK", []);
        }
        outcome
    }

    /// Moves the write-ahead log into the file, so that its space can be used again.
    pub fn checkpoint(&self) {
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    /// Closing it does not move the write-ahead log into the file: it is opened again at once.
    pub fn leave_log(&self) {
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }

    /// Gives free pages back to the system when they are many, some thousand at a time.
    pub fn shrink(&self) {
        let pages = |sql| self.value::<i64>(sql, []).unwrap_or(0);
        let free = pages("PRAGMA freelist_count");
        if free > 256 && free > pages("PRAGMA page_count") / 4 {
            // Each step of the statement frees one page.
            let mut left = 32_768;
            let freed = self.connection.prepare("PRAGMA incremental_vacuum").and_then(|mut statement| {
                let mut rows = statement.query([])?;
                while left > 0 && rows.next()?.is_some() {
                    left -= 1;
                }
                Ok(())
            });
            if let Err(error) = freed {
                tracing::debug!(%error, "the cache's file was not made smaller");
            }
        }
    }

    /// Whether the whole file is sound, page by page.
    pub fn check_pages(&self) -> Result<(), Failure> {
        let verdict: String = self.value("PRAGMA integrity_check(1)", [])?;
        if verdict == "ok" { Ok(()) } else { Err(damaged(&verdict)) }
    }

    pub(super) fn batch(&self, sql: &'static str) -> Result<(), Failure> {
        Ok(self.connection.execute_batch(sql)?)
    }

    pub(super) fn prepared(&self, sql: &'static str) -> Result<CachedStatement<'_>, Failure> {
        Ok(self.connection.prepare_cached(sql)?)
    }

    pub(super) fn execute(&self, sql: &'static str, params: impl Params) -> Result<usize, Failure> {
        Ok(self.connection.prepare_cached(sql)?.execute(params)?)
    }

    pub(super) fn value<T: FromSql>(&self, sql: &'static str, params: impl Params) -> Result<T, Failure> {
        Ok(self.connection.prepare_cached(sql)?.query_row(params, |row| row.get(0))?)
    }

    pub(super) fn row<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Failure> {
        Ok(self.connection.prepare_cached(sql)?.query_row(params, read).optional()?)
    }

    /// Shows every row until `show` fails.
    pub(super) fn each(
        &self,
        sql: &'static str,
        params: impl Params,
        mut show: impl FnMut(&Row<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            show(row)?;
        }
        Ok(())
    }
}

/// The failure of something that does not fit its sum.
pub fn damaged(what: &str) -> Failure {
    Failure::Damaged(what.to_owned())
}

pub(super) fn meta_sum(schema: i64, id: i64) -> i64 {
    sum(&[schema.to_be_bytes(), id.to_be_bytes()].concat())
}
