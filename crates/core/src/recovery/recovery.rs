//! The handle of one `CrashRecovery`: the jobs, and the journal that a change is appended to before the call returns.
//!
//! The lock is held for work in memory and for the caller's own append, never while another thread reads, writes or
//! syncs: those work on clones. So the event loop waits for no disk but that of its own single `write`.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::journal;
use super::notice::Notice;
use super::record::Records;
use super::seat::{Arrival, Holder};
use super::state::{Limits, State};
use crate::clock;
use crate::delivery::{Delivery, Op, Tenant, Value};
use crate::fault::{Faults, Place, caught, insisted};
use crate::sync::{Condvar, Mutex, MutexGuard, thread};

/// Records that wait for a disk that takes none. Past it they are forgotten, and a whole snapshot is due instead.
const MOST_BEHIND: usize = 16 * 1024 * 1024;
/// From one thread that could not be started to the next try.
const THREAD_RETRY: Duration = Duration::from_secs(1);
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
    /// Tells the thread from those before it.
    life: u64,
    pub wishes: Wishes,
    /// Appended to since the last sync.
    pub dirty: bool,
    /// The journal did not take a record: those after it wait in `state.records()`.
    pub behind: bool,
    /// Only a whole snapshot brings the folder up to date.
    pub snapshot_due: bool,
    /// The journal has grown long.
    pub long: bool,
    /// The last change that the files have, with all before it.
    pub reached: u64,
    /// The last change that a journal took.
    pub appended: u64,
    /// What the folder had is merged with what was tracked before, and that is nowhere but here yet: it is written even
    /// when the folder is to be let go.
    pub is_opening: bool,
    /// Another one of this process has taken the folder over.
    pub taken_over: bool,
    /// When a thread is tried again, after one could not be started.
    pub thread_at: Option<Instant>,
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

    /// Its faults.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        self.delivery.faults()
    }

    /// Looks at the jobs, or changes them: what is changed is appended before this returns. `None`: a defect was caught,
    /// and what was asked may be done or not.
    pub fn enter<R>(self: &Arc<Self>, act: impl FnOnce(&mut State, u64) -> R) -> Option<R> {
        let now = clock::now();
        let mut inner = self.lock();
        if inner.thread_at.is_some_and(|at| at <= now.instant) {
            // It comes to work when the lock is free again.
            let _ = self.start_thread(&mut inner, now.instant, None);
        }
        let done = caught(|| {
            self.faults().visit(Place::Lock);
            let result = act(&mut inner.state, now.wall_ms);
            self.faults().visit(Place::Append);
            (result, inner.append(&self.asked))
        });
        let Some((result, failure)) = done else {
            self.rebuild(&mut inner);
            return None;
        };
        drop(inner);
        if let Some(error) = failure {
            self.tell(&Notice::Append(self.options.folder.clone(), error));
        }
        Some(result)
    }

    /// A panic was caught outside of the lock.
    pub fn defect(&self) {
        self.rebuild(&mut self.lock());
    }

    /// After a panic: each job is whole, or is not there; the lists are made anew of them. What the journal has of the
    /// last change is not certain, so a snapshot follows: until then it takes what is changed as before.
    pub(super) fn rebuild(&self, inner: &mut Inner) {
        tracing::error!("a defect was caught; the tracked jobs are put in order");
        let mended = insisted(|| {
            self.faults().visit(Place::Rebuild);
            inner.state.mended()
        });
        if let Some(state) = mended {
            inner.state = state;
            inner.snapshot_due |= inner.behind;
            inner.long = true;
        } else {
            // The folder has them: what cannot be read here must not be written over it.
            inner.state = State::default();
            inner.is_opening = false;
            inner.journal = None;
            inner.wishes.leave = true;
        }
        self.asked.notify_all();
    }

    /// Rejects what these tickets wait for.
    pub(super) fn reject(&self, tickets: &[u32]) {
        let tickets: Vec<String> = tickets.iter().map(u32::to_string).collect();
        self.delivery.push(Op::Panicked, 0, 0, Value::Json(format!("[{}]", tickets.join(",")).as_bytes()));
        self.delivery.signal();
    }

    /// A line for the app's log.
    pub(super) fn tell(&self, notice: &Notice) {
        tracing::warn!("{notice}");
        self.delivery.push(Op::Log, 0, 0, Value::Text(notice.to_string().as_bytes()));
        self.delivery.signal();
    }

    /// Opens the folder, on a thread of its own; `RecoveryOpened` tells the end.
    ///
    /// Without a thread it is told as open at once, and the jobs stay in memory; it is told again when there is one.
    pub fn open(self: &Arc<Self>) {
        let arrival = Arrival::new(&self.options.folder);
        let mut inner = self.lock();
        inner.wishes = Wishes::default();
        inner.taken_over = false;
        inner.life = arrival.life();
        let started = self.start_thread(&mut inner, clock::now().instant, Some(arrival));
        drop(inner);
        if let Err(error) = started {
            self.tell(&Notice::NoThread(self.options.folder.clone(), error));
            self.delivery.push(Op::RecoveryOpened, 0, 0, Value::Json(b"false"));
            self.delivery.signal();
        }
    }

    fn start_thread(
        self: &Arc<Self>,
        inner: &mut Inner,
        now: Instant,
        arrival: Option<Arrival>,
    ) -> io::Result<()> {
        let keeper = Arc::clone(self);
        let life = inner.life;
        let started = thread::Builder::new()
            .name("desktop-runtime recovery".into())
            .spawn(move || caught(|| keeper.keep(life, arrival)));
        inner.is_kept = started.is_ok();
        inner.thread_at = (!inner.is_kept).then(|| now + THREAD_RETRY);
        started.map(drop)
    }

    /// Forgets every job; `RecoveryDone` with the ticket tells that the folder has, too.
    pub fn clear(self: &Arc<Self>, ticket: u32) {
        self.enter(|state, _| state.clear());
        self.ask(ticket, |wishes, ticket| wishes.clears.push(ticket));
    }

    /// Writes the last snapshot and lets the folder go; `RecoveryDone` with the ticket tells the end. Changes from here
    /// on stay in memory.
    pub fn shutdown(&self, ticket: u32) {
        self.lock().thread_at = None;
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
            self.bound_behind();
        } else {
            self.lines.clear();
            journal::push_lines(&mut self.lines, journal.generation, self.state.records());
            failure = journal.write(&self.lines).err();
            self.lines.shrink_to(64 * 1024);
            if failure.is_none() {
                self.state.records().clear();
                self.appended = self.state.last_change();
                if !self.snapshot_due {
                    self.reached = self.appended;
                }
                if self.is_newly_long() {
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

    /// What waits for the disk is bounded: past that a whole snapshot is due instead.
    pub(super) fn bound_behind(&mut self) {
        if self.state.records().len() > MOST_BEHIND {
            self.state.records().clear();
            self.snapshot_due = true;
        }
    }

    /// Whether the journal has grown long since this was asked last.
    pub(super) fn is_newly_long(&mut self) -> bool {
        let bound = LONG_JOURNAL.max(self.snapshot_length.saturating_mul(2));
        let is_long = self.journal.as_ref().is_some_and(|journal| journal.length > bound);
        is_long && !std::mem::replace(&mut self.long, true)
    }

    /// Whether the files are still to be changed.
    pub(super) fn may_write(&self) -> bool {
        self.is_opening || !self.wishes.leave
    }

    /// What the files have is whoever's took the folder over.
    pub(super) fn give_away_if_taken(&mut self) {
        if self.taken_over {
            self.state.give_away(self.reached);
        }
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
    fn give_up(&self, life: u64) {
        let mut inner = self.lock();
        if !inner.is_kept || inner.life != life {
            return;
        }
        if inner.journal.is_some() && !inner.behind && !inner.snapshot_due {
            inner.state.mark_stored();
        }
        inner.taken_over = true;
        inner.give_away_if_taken();
        inner.journal = None;
        inner.wishes.leave = true;
        self.asked.notify_all();
        // A next life may begin before this thread goes on.
        while inner.is_kept && inner.life == life {
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
