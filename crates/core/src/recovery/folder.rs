//! The files of a `stateDir`: the snapshot, the journals, what is set aside. Blocking; never called on an event loop.
//!
//! Killed anywhere, a folder reads as the state it stands for. A new snapshot comes about in this order, and after each
//! step the next start finds: (1) journal n + 1 is there, with the sums of the jobs: the old snapshot and both journals;
//! (2) appends go to n + 1, the new snapshot is beside the old one under another name: the same; (3) it has the old
//! one's name, and says n + 1: the new snapshot and journal n + 1, n does not count; (4) n is removed: the same.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::journal;
use super::notice::Notice;
use super::record::Records;
use super::seat;
use super::snapshot::{self, Origin};
use super::state::State;
use crate::sys;

const SNAPSHOT: &str = "recovery-state.json";
const ASIDE: &str = "recovery-state.json.tmp";
/// JavaScript has no whole numbers beyond.
const LAST_GENERATION: u64 = 1 << 53;

/// A folder's files.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

/// What a folder had.
#[derive(Debug)]
pub struct Found {
    /// Its jobs.
    pub state: State,
    /// No file of the folder has this generation or a later one.
    pub next_generation: u64,
    /// What to tell the app.
    pub notices: Vec<Notice>,
}

struct OldJournal {
    generation: u64,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Folder {
    /// The files of the folder at that path.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn journal_path(&self, generation: u64) -> PathBuf {
        self.path.join(format!("recovery-journal-{generation}.log"))
    }

    /// The generations of the journals in it, in order.
    fn generations(&self) -> io::Result<Vec<u64>> {
        let mut generations = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let digits =
                name.to_str().and_then(|name| name.strip_prefix("recovery-journal-")?.strip_suffix(".log"));
            let generation: Option<u64> = digits.and_then(|digits| digits.parse().ok());
            generations.extend(generation.filter(|generation| *generation < LAST_GENERATION));
        }
        generations.sort_unstable();
        Ok(generations)
    }

    /// Reads everything there is. Damage costs what it hit, and a copy of the file is kept; it is never an error.
    #[must_use]
    pub fn read(&self, now_ms: u64) -> Found {
        let mut notices = Vec::new();
        let generations = self.generations().unwrap_or_else(|error| {
            notices.push(Notice::Unreadable(self.path.clone(), error));
            Vec::new()
        });
        let mut journals = Vec::new();
        for generation in generations {
            let path = self.journal_path(generation);
            match read_file(&path) {
                Ok(Some(bytes)) => journals.push(OldJournal { generation, path, bytes }),
                Ok(None) => {}
                Err(error) => {
                    notices.push(Notice::Unreadable(path.clone(), error));
                    // The next compaction would remove it unread.
                    let _ = fs::rename(&path, free_name(&path, now_ms));
                }
            }
        }
        let readings: Vec<_> = journals.iter().map(|old| journal::read(&old.bytes, old.generation)).collect();
        let records = || readings.iter().flat_map(|reading| reading.records.iter().copied());

        let path = self.path.join(SNAPSHOT);
        let snapshot = match read_file(&path) {
            Ok(text) => text,
            Err(error) => {
                notices.push(Notice::Unreadable(path.clone(), error));
                // It must not be in the way of the next snapshot.
                let _ = fs::rename(&path, free_name(&path, now_ms));
                None
            }
        };
        let (mut state, origin) = match &snapshot {
            None => (State::default(), Origin::Ours(0)),
            Some(text) => {
                let reading = snapshot::read(text, records(), now_ms);
                if matches!(reading.origin, Origin::Damaged | Origin::DamagedVersion1) {
                    let aside = copy_aside(&path, text, now_ms);
                    notices.push(Notice::Damaged(path.clone(), aside));
                }
                if reading.skipped > 0 {
                    notices.push(Notice::Skipped(path.clone(), reading.skipped));
                }
                (reading.state, reading.origin)
            }
        };
        let first = match origin {
            Origin::Ours(generation) => generation,
            Origin::Damaged => 0,
            Origin::Version1 | Origin::DamagedVersion1 => u64::MAX,
        };
        for (old, reading) in journals.iter().zip(&readings).filter(|(old, _)| old.generation >= first) {
            let mut damaged = reading.damaged;
            for record in &reading.records {
                damaged |= !state.replay(record);
            }
            if damaged {
                let aside = copy_aside(&old.path, &old.bytes, now_ms);
                notices.push(Notice::Damaged(old.path.clone(), aside));
            }
        }
        let last = journals.last().map_or(0, |old| old.generation);
        let named = if let Origin::Ours(generation) = origin { generation } else { 0 };
        Found { state, next_generation: last.max(named) + 1, notices }
    }

    /// Makes a journal, whose first record has the sums of the jobs that the snapshot before it will hold. Gives it with
    /// its length.
    ///
    /// # Errors
    /// The system's.
    pub fn create_journal(&self, generation: u64, sums: &[u64]) -> io::Result<(File, u64)> {
        let mut records = Records::default();
        records.sums(sums);
        let mut bytes = journal::header(generation);
        journal::push_lines(&mut bytes, generation, &records);
        let path = self.journal_path(generation);
        let mut file = sys::open_private_file(&path)?;
        let written = file.set_len(0).and_then(|()| file.write_all(&bytes)).and_then(|()| file.sync_data());
        if let Err(error) = written {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok((file, bytes.len() as u64))
    }

    /// Puts a snapshot in place of the one before: both are never there by halves.
    ///
    /// # Errors
    /// The system's.
    pub fn write_snapshot(&self, text: &[u8]) -> io::Result<()> {
        let aside = self.path.join(ASIDE);
        let write = || {
            let mut file = sys::open_private_file(&aside)?;
            file.set_len(0)?;
            file.write_all(text)?;
            file.sync_all()?;
            drop(file);
            fs::rename(&aside, self.path.join(SNAPSHOT))?;
            sys::sync_folder(&self.path)
        };
        write().inspect_err(|_| {
            // A full disk needs the room.
            let _ = fs::remove_file(&aside);
        })
    }

    /// Removes the journals that a snapshot of this generation makes superfluous. One that stays does not count.
    pub fn remove_older(&self, generation: u64) {
        for old in self.generations().unwrap_or_default().into_iter().filter(|old| *old < generation) {
            let _ = fs::remove_file(self.journal_path(old));
        }
    }

    /// Whether the journal that is open, and a snapshot, are where the next start looks for them.
    #[must_use]
    pub fn has(&self, file: &File, generation: u64) -> bool {
        seat::is_file_at(file, &self.journal_path(generation))
            && fs::symlink_metadata(self.path.join(SNAPSHOT)).is_ok()
    }
}

/// A file's content; `None` when it is not there.
fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = match sys::open_to_read(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Keeps a copy of a damaged file: the file itself stays until its successor is complete.
fn copy_aside(path: &Path, bytes: &[u8], now_ms: u64) -> Option<PathBuf> {
    let aside = free_name(path, now_ms);
    let mut file = sys::open_private_file(&aside).ok()?;
    file.write_all(bytes).ok()?;
    Some(aside)
}

fn free_name(path: &Path, now_ms: u64) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let named = |ms: u64| path.with_file_name(format!("{name}.corrupt-{ms}"));
    let mut ms = now_ms;
    while fs::symlink_metadata(named(ms)).is_ok() {
        ms += 1;
    }
    named(ms)
}
