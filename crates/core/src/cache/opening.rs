//! The files of a cache folder: who may open them, which of them are still there, and what becomes of damaged ones.
//!
//! Whoever has the database open holds `cache.lock` shared; who makes it or sets it aside holds it exclusively. `SQLite`
//! locks by the process and file, and closing any descriptor of a file drops those locks: so nobody here opens
//! `cache.db` but `SQLite`, and its maker while nobody else can.
//!
//! Nor do those locks hold between two copies of `SQLite` in one process, as two copies of the addon bring them along: the
//! second would think itself the first, and truncate the shared memory that the other has mapped. So one copy at a time
//! has the database of a folder open; it has the process's seat there.
//!
//! A rollback journal beside the database would be obeyed by `SQLite`: it changes what is stored. Ours is in use only while
//! the database is made, which nobody does but under the exclusive lock: any other is removed unread.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::cache::changes::Totals;
use crate::cache::database::{Database, Sharing, damaged};
use crate::cache::failure::Failure;
use crate::cache::seal::Seal;
use crate::clock;
use crate::sys::{self, Seat};

const DATABASE: &str = "cache.db";
const LOCK: &str = "cache.lock";
/// What `SQLite` writes beside the database.
const COMPANIONS: [&str; 2] = ["cache.db-wal", "cache.db-shm"];
const ROLLBACK: &str = "cache.db-journal";

/// How long another process may hold the folder before this one goes on in memory: a little more than it keeps an
/// unused database open.
pub const LOCK_WAIT: Duration = Duration::from_secs(6);
const LOCK_STEP: Duration = Duration::from_millis(10);

type Identity = Option<(u64, u64)>;

/// The folder's lock, for as long as it is kept.
#[derive(Debug)]
struct Lock(File);

impl Lock {
    fn open(folder: &Path) -> io::Result<Self> {
        sys::open_private_file(&folder.join(LOCK)).map(Self)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Not by closing alone: a process that is being forked from this one has the file open until it executes its
        // program. No error counts: std unlocks twice on Windows, which Wine takes for a fault.
        let _ = self.0.unlock();
    }
}

/// An open database, and the files that it is in.
#[derive(Debug)]
pub struct Open {
    // Closed before the lock is given back: fields are dropped in this order.
    pub database: Database,
    _seat: Option<Seat>,
    lock: Lock,
    boot: Option<u64>,
    files: Vec<(PathBuf, Identity)>,
}

impl Open {
    /// Opens the database of a folder, and makes what is missing. A new one gets the id `new_id`. While others hold the
    /// folder it is tried again for as long as `patience`.
    pub fn new(
        folder: &Path,
        new_id: i64,
        by_use: bool,
        patience: Duration,
    ) -> Result<(Self, Totals), Failure> {
        sys::create_private_folder(folder).map_err(|error| Failure::NoFolder(error.to_string()))?;
        // SQLite follows no link at all when it is told to follow none: those above the folder are the app's wish.
        let folder = sys::real_folder(folder)?;
        let path = folder.join(DATABASE);
        let lock = Lock::open(&folder)?;
        let end = clock::now().instant + patience;
        let sitting = take_seat(&lock.0, end)?;
        make_if_missing(&folder, end, || make(&folder, new_id, by_use))?;
        wait_until(end, || locked_by(lock.0.try_lock_shared()))?;
        prepare(&folder)?;
        let before = identity(&path)?;
        // Before the totals: another process may commit, and seal, between the two.
        let boot = sys::boot_id();
        let seal = current_seal(&lock.0, boot);
        let open = |sharing| {
            let database = Database::open(&path, new_id, by_use, sharing)?;
            let totals = database.totals()?;
            check_age(&database, totals, seal)?;
            Ok((database, totals))
        };
        let (sharing, opened) = match open(Sharing::Shared) {
            // What is there can still be read.
            Err(Failure::Full(_)) => (Sharing::Alone, open(Sharing::Alone)),
            opened => (Sharing::Shared, opened),
        };
        let (database, totals) = opened?;
        let mut files = Vec::new();
        for name in [DATABASE, LOCK].iter().chain(&COMPANIONS) {
            let path = folder.join(name);
            let identity =
                if sharing == Sharing::Alone && *name == COMPANIONS[1] { None } else { identity(&path)? };
            files.push((path, identity));
        }
        let open = Self { database, _seat: sitting, lock, boot, files };
        if open.files[0].1 != before || open.files[1].1 != sys::file_identity(&open.lock.0.metadata()?) {
            return Err(Failure::Vanished);
        }
        Ok((open, totals))
    }

    /// Whether what is open is what the folder has. Nothing written to an unlinked file counts as stored.
    pub fn is_in_place(&self) -> bool {
        self.files
            .iter()
            .all(|(path, opened)| opened.is_none() || identity(path).is_ok_and(|now| now == *opened))
    }

    /// Writes down what was committed.
    pub fn seal(&self, generation: i64) {
        if let Some(boot) = self.boot {
            // Without it nothing is lost but a check.
            let _ = Seal { database: self.database.id, generation, boot }.write(&self.lock.0);
        }
    }
}

/// The database and its last generation, as they were sealed since the machine's last start.
fn current_seal(lock: &File, boot: Option<u64>) -> Option<(i64, i64)> {
    let seal = Seal::read(lock).filter(|seal| Some(seal.boot) == boot)?;
    Some((seal.database, seal.generation))
}

/// Looks a second time at a database that seemed damaged, and if it is, moves it out of the way. Says where to; `None`:
/// it is sound, or gone. `seen` are the id and the generation that a database had already.
pub fn set_aside(folder: &Path, seen: Option<(i64, i64)>, now_ms: i64) -> Result<Option<PathBuf>, Failure> {
    let Ok(folder) = sys::real_folder(folder) else { return Ok(None) };
    let lock = lock_alone(&folder)?;
    if !exists(&folder.join(DATABASE))? {
        return Ok(None);
    }
    match look_through(&folder, &lock.0, seen) {
        Ok(()) => Ok(None),
        Err(Failure::Damaged(what)) => {
            tracing::warn!(what, "a damaged cache is set aside");
            move_away(&folder, now_ms).map(Some)
        }
        Err(other) => Err(other),
    }
}

/// Takes the database of a folder away, where a `clear` of everything finds no space for itself. Nobody else may have it
/// open.
pub fn remove(folder: &Path) -> Result<(), Failure> {
    let folder = fs::canonicalize(folder)?;
    let _lock = lock_alone(&folder)?;
    for name in [DATABASE].iter().chain(&COMPANIONS) {
        absent(fs::remove_file(folder.join(name)))?;
    }
    Ok(())
}

/// Whether the folder has a database at all.
pub fn has_database(folder: &Path) -> bool {
    exists(&folder.join(DATABASE)).unwrap_or(true)
}

/// The folder's lock, held exclusively: nobody has the database open.
fn lock_alone(folder: &Path) -> Result<Lock, Failure> {
    let lock = Lock::open(folder)?;
    if locked_by(lock.0.try_lock())? { Ok(lock) } else { Err(Failure::InUse) }
}

fn look_through(folder: &Path, lock: &File, seen: Option<(i64, i64)>) -> Result<(), Failure> {
    prepare(folder)?;
    let database = Database::open(&folder.join(DATABASE), 0, false, Sharing::Shared)?;
    let totals = database.totals()?;
    check_age(&database, totals, seen)?;
    check_age(&database, totals, current_seal(lock, sys::boot_id()))?;
    database.check_pages()?;
    database.check_rows()
}

/// A database that was further already has lost something.
pub fn check_age(database: &Database, totals: Totals, seen: Option<(i64, i64)>) -> Result<(), Failure> {
    match seen {
        Some((id, generation)) if id == database.id && totals.generation < generation => {
            Err(damaged("its last entries are missing"))
        }
        _ => Ok(()),
    }
}

fn move_away(folder: &Path, now_ms: i64) -> Result<PathBuf, Failure> {
    let target = |name: &str, number: i64| folder.join(format!("{name}.corrupt-{number}"));
    let mut number = now_ms;
    while exists(&target(DATABASE, number))? {
        number += 1;
    }
    // The database first: what a kill leaves beside a missing one is removed when it is made anew.
    fs::rename(folder.join(DATABASE), target(DATABASE, number))?;
    let [log, index] = COMPANIONS;
    absent(fs::rename(folder.join(log), target(log, number)))?;
    absent(fs::remove_file(folder.join(index)))?;
    Ok(target(DATABASE, number))
}

/// Under the exclusive lock. A log that is left beside a missing database would be played into the new one.
fn make(folder: &Path, new_id: i64, by_use: bool) -> Result<(), Failure> {
    let path = folder.join(DATABASE);
    if !exists(&path)? {
        for name in COMPANIONS {
            absent(fs::remove_file(folder.join(name)))?;
        }
        sys::create_private_file(&path)?;
    }
    prepare(folder)?;
    // What goes wrong is told by the opening that follows.
    if let Ok(database) = Database::open(&path, new_id, by_use, Sharing::Shared) {
        database.leave_log();
    }
    Ok(())
}

/// Before `SQLite` opens files by their names: they are our own files or missing.
fn prepare(folder: &Path) -> Result<(), Failure> {
    for name in [DATABASE].iter().chain(&COMPANIONS) {
        sys::make_private(&folder.join(name))
            .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
    }
    Ok(absent(fs::remove_file(folder.join(ROLLBACK)))?)
}

/// Whether there is a database; one that was never written to is none.
fn is_made(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(!metadata.is_file() || metadata.len() > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn absent(outcome: io::Result<()>) -> io::Result<()> {
    outcome.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn exists(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// By the path, never by opening the file.
fn identity(path: &Path) -> io::Result<Identity> {
    fs::symlink_metadata(path).map(|metadata| sys::file_identity(&metadata))
}

/// This process's seat at the folder, in which only one copy of the addon can sit.
fn take_seat(lock: &File, end: Instant) -> Result<Option<Seat>, Failure> {
    let Some(file) = sys::file_identity(&lock.metadata()?) else { return Ok(None) };
    let mut seat = None;
    let taken = wait_until(end, || {
        seat = Seat::take(file);
        Ok(seat.is_some())
    });
    match taken {
        Err(Failure::InUse) => Err(Failure::OtherCopy),
        taken => taken.map(|()| seat),
    }
}

/// Who waits for the lock to make the database looks again each time: those who are sooner share the folder from then on,
/// and nobody would have it alone.
fn make_if_missing(
    folder: &Path,
    end: Instant,
    make: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let path = folder.join(DATABASE);
    if is_made(&path)? {
        return Ok(());
    }
    // A file of its own: the caller's is not locked yet.
    let lock = Lock::open(folder)?;
    let mut locked = false;
    wait_until(end, || {
        locked = !is_made(&path)? && locked_by(lock.0.try_lock())?;
        Ok(locked || is_made(&path)?)
    })?;
    if locked && !is_made(&path)? { make() } else { Ok(()) }
}

fn locked_by(outcome: Result<(), TryLockError>) -> io::Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn wait_until(end: Instant, mut is_done: impl FnMut() -> io::Result<bool>) -> Result<(), Failure> {
    while !is_done()? {
        if clock::now().instant >= end {
            return Err(Failure::InUse);
        }
        thread::park_timeout(LOCK_STEP);
    }
    Ok(())
}
