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
/// So much is read of a snapshot, and of all journals together, whatever is in it. What is longer must have something on
/// each page: ours do, at any length, and whoever may write into the folder could fill memory with a hollow file, which
/// takes no space on the disk.
const LONGEST: u64 = 1024 * 1024 * 1024;
/// No file system has smaller holes.
const PAGE: usize = 4096;
/// What is read at once of a long file.
const PIECE: usize = 256 * PAGE;

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
            // Only as we write them: `07` would be read as a second `7`.
            let generation = digits.and_then(|digits| {
                let generation = digits.parse::<u64>().ok()?;
                (generation.to_string() == digits).then_some(generation)
            });
            generations.extend(generation.filter(|generation| *generation < journal::END));
        }
        generations.sort_unstable();
        Ok(generations)
    }

    /// Reads everything there is. Damage costs what it hit, and a copy of the file is kept; it is never an error.
    ///
    /// # Errors
    /// The system's, when the process or the machine lacks what reading takes: the files are as good as before, and
    /// nothing was moved.
    pub fn read(&self, now_ms: u64) -> io::Result<Found> {
        let mut notices = Vec::new();
        let generations = unless_short(self.generations())?.unwrap_or_else(|error| {
            notices.push(Notice::Unreadable(self.path.clone(), error));
            Vec::new()
        });
        let mut journals = Vec::new();
        let mut unreadable = Vec::new();
        let mut left = LONGEST;
        for generation in generations {
            let path = self.journal_path(generation);
            match unless_short(read_file(&path, &mut left))? {
                Ok(Some(bytes)) => journals.push(OldJournal { generation, path, bytes }),
                Ok(None) => {}
                // The next compaction would remove it unread.
                Err(error) => unreadable.push((path, error)),
            }
        }
        let path = self.path.join(SNAPSHOT);
        let snapshot = match unless_short(read_file(&path, &mut { LONGEST }))? {
            Ok(text) => text,
            Err(error) => {
                // It must not be in the way of the next snapshot.
                unreadable.push((path.clone(), error));
                None
            }
        };
        for (path, error) in unreadable {
            let _ = fs::rename(&path, free_name(&path, now_ms));
            notices.push(Notice::Unreadable(path, error));
        }
        let readings: Vec<_> = journals.iter().map(|old| journal::read(&old.bytes, old.generation)).collect();
        let records = || readings.iter().flat_map(|reading| reading.records.iter().copied());

        let (mut state, origin) = match &snapshot {
            None => (State::default(), Origin::Ours(0)),
            Some(text) => {
                let reading = snapshot::read(text, records(), now_ms);
                if matches!(reading.origin, Origin::Damaged | Origin::DamagedVersion1) {
                    let aside = unless_short(copy_aside(&path, text, now_ms))?.ok();
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
                let aside = unless_short(copy_aside(&old.path, &old.bytes, now_ms))?.ok();
                notices.push(Notice::Damaged(old.path.clone(), aside));
            }
        }
        let last = journals.last().map_or(0, |old| old.generation);
        let named = if let Origin::Ours(generation) = origin { generation } else { 0 };
        Ok(Found { state, next_generation: last.max(named) + 1, notices })
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
        let mut file = sys::create_private_file(&path)?;
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
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
            let mut file = sys::create_private_file(&aside)?;
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

/// A file's content, taken out of the bytes that may still be read without a look at them; `None` when it is not there.
fn read_file(path: &Path, left: &mut u64) -> io::Result<Option<Vec<u8>>> {
    let file = match sys::open_to_read(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let is_long = length > *left;
    *left = left.saturating_sub(length);
    let mut bytes = Vec::new();
    let mut file = file.take(length);
    if !is_long {
        file.read_to_end(&mut bytes)?;
        return Ok(Some(bytes));
    }
    loop {
        let before = bytes.len();
        file.by_ref().take(PIECE as u64).read_to_end(&mut bytes)?;
        let piece = &bytes[before..];
        if piece.is_empty() {
            return Ok(Some(bytes));
        }
        if piece.chunks_exact(PAGE).any(|page| page.iter().all(|byte| *byte == 0)) {
            let why = format!("{length} bytes, and a part of them hollow, are more than is ever read");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
    }
}

/// Keeps a copy of a damaged file: the file itself stays until its successor is complete.
fn copy_aside(path: &Path, bytes: &[u8], now_ms: u64) -> io::Result<PathBuf> {
    let aside = free_name(path, now_ms);
    let mut file = sys::create_private_file(&aside)?;
    file.write_all(bytes)?;
    Ok(aside)
}

/// The outer error: nothing is wrong with the file, so it must not be taken for a bad one.
fn unless_short<T>(outcome: io::Result<T>) -> io::Result<io::Result<T>> {
    match outcome {
        Err(error) if sys::is_shortage(&error) => Err(error),
        other => Ok(other),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What `read_file` says of a file with this content, followed by a hole, when `left` bytes may be read unseen.
    fn read(name: &str, content: &[u8], hole: u64, mut left: u64) -> (io::Result<Option<Vec<u8>>>, u64) {
        let path = std::env::temp_dir().join(format!("folder-test-{name}-{}", std::process::id()));
        let mut file = sys::create_private_file(&path).unwrap();
        file.write_all(content).unwrap();
        file.set_len(content.len() as u64 + hole).unwrap();
        let outcome = read_file(&path, &mut left);
        let _ = fs::remove_file(path);
        (outcome, left)
    }

    #[test]
    fn what_is_longer_than_the_bound_is_read_when_it_is_full() {
        let content: Vec<u8> = (0..=250).cycle().take(3 * PIECE + 5).collect();
        for left in [0, 1, content.len() as u64 - 1] {
            let (outcome, left) = read("full", &content, 0, left);
            assert!(outcome.unwrap().unwrap() == content);
            assert_eq!(left, 0);
        }
    }

    #[test]
    fn a_hole_is_read_up_to_the_bound_and_not_beyond() {
        let content = vec![b'x'; PIECE + 5];
        for hole in [2 * PAGE as u64, 64 << 30] {
            let length = content.len() as u64 + hole;
            let error = read("hollow", &content, hole, length - 1).0.unwrap_err();
            assert!(error.to_string().starts_with(&length.to_string()), "{error}");
        }
        let (outcome, left) = read("short", &content, PAGE as u64, 1 << 30);
        assert_eq!(outcome.unwrap().unwrap().len(), content.len() + PAGE);
        assert_eq!(left, (1 << 30) - (content.len() + PAGE) as u64);
    }
}
