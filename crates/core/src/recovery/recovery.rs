//! The handle of one `CrashRecovery`: the jobs, and the journal that a change is appended to before the call returns.
//!
//! The lock is held for work in memory and for the caller's own append, never while another thread reads, writes or
//! syncs: those work on clones. So the event loop waits for no disk but that of its own single `write`.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::journal;
use super::notice::Notice;
use super::record::Records;
use super::seat::Holder;
use super::state::{Limits, State};
use crate::clock;
use crate::delivery::{Delivery, Op, Tenant, Value};

/// Records that wait for a disk that takes none. Past it they are forgotten, and a whole snapshot is due instead.
const MOST_BEHIND: usize = 16 * 1024 * 1024;
/// A journal that is compacted when it is longer, and twice as long as the snapshot.
const LONG_JOURNAL: u64 = 1024 * 1024;

/// The options of `CrashRecovery` that the core goes by.
#[derive(Debug, Clone)]
pub struct Options {
    /// `stateDir`
    pub folder: PathBuf,
    /// From a change to its sync; `None`: never.
    pub persist_interval: Option<Duration>,
    /// How many jobs, how often.
    pub limits: Limits,
}

/// The journal that is appended to.
#[derive(Debug)]
pub(super) struct Journal {
    pub file: Arc<File>,
    pub generation: u64,
    /// Its good part.
    pub length: u64,
    /// Its length when it was made.
    pub first_length: u64,
}

/// What the thread was asked to do.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// Write a snapshot; a `clear` is done.
    pub clears: Vec<u32>,
    /// Write the last snapshot and end.
    pub shutdowns: Vec<u32>,
    /// End, and write nothing more.
    pub leave: bool,
}

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each may be so whatever the others are")]
pub(super) struct Inner {
    pub state: State,
    /// None: changes stay in memory.
    pub journal: Option<Journal>,
    /// Whether a thread keeps the folder.
    pub is_kept: bool,
    pub wishes: Wishes,
    /// Appended to since the last sync.
    pub dirty: bool,
    /// The journal did not take a record: those after it wait in `state.records()`.
    pub behind: bool,
    /// Only a whole snapshot brings the folder up to date.
    pub snapshot_due: bool,
    /// The journal has grown long.
    pub long: bool,
    pub snapshot_length: u64,
    lines: Vec<u8>,
}

/// The tracked jobs of one `CrashRecovery`.
#[derive(Debug)]
pub struct Recovery {
    pub(super) options: Options,
    pub(super) delivery: Arc<Delivery>,
    pub(super) inner: Mutex<Inner>,
    /// The thread has something to do.
    pub(super) asked: Condvar,
    /// The thread has ended.
    pub(super) ended: Condvar,
}

impl Recovery {
    /// No jobs, no folder.
    #[must_use]
    pub fn new(options: Options, delivery: Arc<Delivery>) -> Arc<Self> {
        let inner = Mutex::default();
        Arc::new(Self { options, delivery, inner, asked: Condvar::new(), ended: Condvar::new() })
    }

    /// What it was made with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the jobs, or changes them: what is changed is appended before this returns. `None`: a defect was caught,
    /// and what was in memory is lost.
    pub fn enter<R>(&self, act: impl FnOnce(&mut State, u64) -> R) -> Option<R> {
        let now = clock::now();
        let mut inner = self.lock();
        let done = catch_unwind(AssertUnwindSafe(|| {
            let result = act(&mut inner.state, now.wall_ms);
            (result, inner.append(&self.asked))
        }));
        let Ok((result, failure)) = done else {
            self.rebuild(&mut inner);
            return None;
        };
        drop(inner);
        if let Some(error) = failure {
            self.tell(&Notice::Append(self.options.folder.clone(), error));
        }
        Some(result)
    }

    /// After a panic the jobs in memory cannot be trusted. Those in the folder can: its next reader finds them.
    pub(super) fn rebuild(&self, inner: &mut Inner) {
        tracing::error!("a defect was caught; what was pending rejects");
        let is_kept = inner.is_kept;
        *inner = Inner { is_kept, wishes: Wishes { leave: true, ..Wishes::default() }, ..Inner::default() };
        self.asked.notify_all();
        self.delivery.push(Op::Panicked, 0, 0, Value::Null);
        self.delivery.signal();
    }

    /// A line for the app's log.
    pub(super) fn tell(&self, notice: &Notice) {
        tracing::warn!("{notice}");
        self.delivery.push(Op::Log, 0, 0, Value::Text(notice.to_string().as_bytes()));
        self.delivery.signal();
    }

    /// Opens the folder, on a thread of its own; `RecoveryOpened` tells the end.
    pub fn open(self: &Arc<Self>) {
        let keeper = Arc::clone(self);
        let mut inner = self.lock();
        inner.wishes = Wishes::default();
        inner.is_kept = true;
        drop(inner);
        let spawned =
            thread::Builder::new().name("desktop-runtime recovery".into()).spawn(move || keeper.keep());
        if let Err(error) = spawned {
            self.lock().is_kept = false;
            self.tell(&Notice::NoThread(self.options.folder.clone(), error));
            self.delivery.push(Op::RecoveryOpened, 0, 0, Value::Json(b"false"));
            self.delivery.signal();
        }
    }

    /// Forgets every job; `RecoveryDone` with the ticket tells that the folder has, too.
    pub fn clear(&self, ticket: u32) {
        self.enter(|state, _| state.clear());
        self.ask(ticket, |wishes, ticket| wishes.clears.push(ticket));
    }

    /// Writes the last snapshot and lets the folder go; `RecoveryDone` with the ticket tells the end. Changes from here
    /// on stay in memory.
    pub fn shutdown(&self, ticket: u32) {
        self.ask(ticket, |wishes, ticket| wishes.shutdowns.push(ticket));
    }

    fn ask(&self, ticket: u32, wish: impl FnOnce(&mut Wishes, u32)) {
        let mut inner = self.lock();
        if inner.is_kept {
            wish(&mut inner.wishes, ticket);
            self.asked.notify_all();
        } else {
            drop(inner);
            self.done(&[ticket]);
        }
    }

    pub(super) fn done(&self, tickets: &[u32]) {
        for ticket in tickets {
            self.delivery.push(Op::RecoveryDone, 0, u64::from(*ticket), Value::Null);
        }
        self.delivery.signal();
    }
}

impl Inner {
    /// Appends what has changed, in one write. Gives the error of the first write that fails; further changes wait.
    fn append(&mut self, asked: &Condvar) -> Option<io::Error> {
        if self.state.records().is_empty() {
            return None;
        }
        let is_closing = self.wishes.leave || !self.wishes.shutdowns.is_empty();
        let Some(journal) = self.journal.as_mut().filter(|_| !is_closing) else {
            self.state.records().clear();
            return None;
        };
        let mut failure = None;
        if self.behind {
            if self.state.records().len() > MOST_BEHIND {
                self.state.records().clear();
                self.snapshot_due = true;
            }
        } else {
            self.lines.clear();
            journal::push_lines(&mut self.lines, journal.generation, self.state.records());
            failure = journal.write(&self.lines).err();
            self.lines.shrink_to(64 * 1024);
            if failure.is_none() {
                self.state.records().clear();
                let bound = LONG_JOURNAL.max(self.snapshot_length.saturating_mul(2));
                if journal.length > bound && !self.long {
                    self.long = true;
                    asked.notify_all();
                }
            }
            self.behind = failure.is_some();
        }
        if !self.dirty {
            self.dirty = true;
            asked.notify_all();
        }
        failure
    }

    /// The records that wait, and the journal that they wait for.
    pub(super) fn take_behind(&mut self) -> Option<(Records, Arc<File>, u64, u64)> {
        let journal = self.journal.as_ref()?;
        let records = std::mem::take(self.state.records());
        Some((records, Arc::clone(&journal.file), journal.generation, journal.length))
    }
}

impl Journal {
    /// One write. What a failed one leaves behind is cut off.
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        write_at_end(&self.file, self.length, |mut file| {
            let written = file.write(lines)?;
            if written == lines.len() {
                return Ok(());
            }
            Err(io::Error::new(io::ErrorKind::StorageFull, "the disk is full"))
        })?;
        self.length += lines.len() as u64;
        Ok(())
    }
}

/// Writes by `write`, and if that fails leaves the file as long as it was.
pub(super) fn write_at_end(
    file: &File,
    length: u64,
    write: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    write(file).inspect_err(|_| {
        // What stays behind the end all the same is overwritten by the next write.
        let _ = file.set_len(length);
        let mut file = file;
        let _ = file.seek(SeekFrom::Start(length));
    })
}

impl Holder for Recovery {
    fn give_up(&self) {
        let mut inner = self.lock();
        if inner.journal.is_some() && !inner.behind {
            inner.state.mark_stored();
        }
        inner.journal = None;
        inner.wishes.leave = true;
        self.asked.notify_all();
        while inner.is_kept {
            inner = self.ended.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Tenant for Recovery {
    fn abandon(self: Arc<Self>) {
        self.delivery.close();
        let mut inner = self.lock();
        inner.journal = None;
        inner.wishes.leave = true;
        self.asked.notify_all();
    }
}
