//! The thread of an open folder: reads it, syncs the journal, compacts, writes again what the disk did not take, and lets
//! the folder go. Asleep without a deadline while there is nothing to do.

use std::io::{self, Write};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::folder::Folder;
use super::journal;
use super::notice::Notice;
use super::recovery::{Inner, Journal, Recovery, write_at_end};
use super::seat::{self, Arrival, Holder, Refused, Seat};
use super::snapshot;
use crate::clock;
use crate::delivery::{Op, Value};
use crate::fault::{Place, caught, insisted};
use crate::sys;

/// From one failure to the next try, at least.
const SHORTEST_RETRY: Duration = Duration::from_millis(100);

enum Task {
    /// Sync, and write again what failed.
    Tick,
    Compact,
    Clear,
    Shutdown,
    Leave,
}

/// What only the thread knows.
struct Keeper<'a> {
    recovery: &'a Recovery,
    me: Arc<dyn Holder>,
    life: u64,
    /// Until it has its seat.
    arrival: Option<Arrival>,
    folder: Folder,
    seat: Option<Arc<Seat>>,
    /// The folder was not read yet: nobody could say whose it is.
    unread: bool,
    next_generation: u64,
    /// When the next sync or retry is due.
    tick_at: Option<Instant>,
    /// A failure is told once, until the next success.
    told: bool,
    /// The folder was opened, or could not be: from here the jobs are kept, whatever else goes wrong.
    opened: bool,
    /// What waits for the task that is being done.
    waiting: Vec<u32>,
}

impl Recovery {
    /// The life of the thread.
    pub(super) fn keep(self: Arc<Self>, life: u64, arrival: Option<Arrival>) {
        let me: Arc<dyn Holder> = Arc::clone(&self) as _;
        let mut keeper = Keeper {
            recovery: &self,
            me,
            life,
            arrival,
            folder: Folder::new(self.options.folder.clone()),
            seat: None,
            unread: false,
            next_generation: 1,
            tick_at: None,
            told: false,
            opened: false,
            waiting: Vec::new(),
        };
        let mut ended = true;
        while caught(|| keeper.run()).is_none() {
            let goes_on = insisted(|| keeper.after_panic());
            if goes_on != Some(true) {
                ended = false;
                break;
            }
        }
        let seat = keeper.seat.take();
        let mut inner = self.lock();
        inner.journal = None;
        inner.state.records().clear();
        inner.give_away_if_taken();
        inner.is_kept = false;
        // Whoever took the folder over has the lock with it.
        let seat = seat.filter(|_| !inner.taken_over);
        let wishes = std::mem::take(&mut inner.wishes);
        self.ended.notify_all();
        drop(inner);
        if let Some(seat) = seat {
            caught(|| seat.release(life));
        }
        let tickets = [wishes.clears, wishes.shutdowns].concat();
        if ended {
            self.done(&tickets);
        } else {
            // Ticket 0 is the opening.
            self.reject(&[tickets, vec![0]].concat());
        }
    }
}

/// What came of asking for a folder.
enum Seating {
    Taken,
    /// The system did not say whose it is.
    Failed,
    /// Another process has it.
    Locked,
    /// One of this process has it that came later: as if it had taken the folder over.
    Overtaken,
}

impl Keeper<'_> {
    /// What was being done rejects. Whether the thread goes on: the journal takes changes as before, and the snapshot
    /// comes with the next tick. Without an open folder, or on its way out, the next `init()` begins anew.
    fn after_panic(&mut self) -> bool {
        let mut inner = self.recovery.lock();
        self.recovery.faults().visit(Place::Rebuild);
        tracing::error!("a defect was caught; the folder is still kept");
        inner.snapshot_due = true;
        inner.long = false;
        inner.is_opening = false;
        let goes_on = self.opened && inner.wishes.shutdowns.is_empty() && !inner.wishes.leave;
        if !self.opened {
            // Half of the folder may be in: the next to open it reads all of it.
            self.recovery.rebuild(&mut inner);
        }
        drop(inner);
        self.tick_at = None;
        let waiting = std::mem::take(&mut self.waiting);
        if !waiting.is_empty() || goes_on {
            self.recovery.reject(&waiting);
        }
        goes_on
    }

    fn run(&mut self) {
        if !self.opened && !self.begin() {
            return;
        }
        loop {
            let task = self.next_task();
            self.recovery.faults().visit(Place::Keeper);
            match task {
                Task::Leave => return,
                Task::Shutdown => {
                    self.shut_down();
                    return;
                }
                Task::Clear => {
                    self.compact();
                    let waiting = std::mem::take(&mut self.waiting);
                    self.recovery.done(&waiting);
                }
                Task::Compact => self.compact(),
                Task::Tick => {
                    if !self.tick() {
                        self.recovery.delivery.push(Op::RecoveryLocked, 0, 0, Value::Null);
                        self.recovery.delivery.signal();
                        return;
                    }
                }
            }
        }
    }

    /// Whether the folder is ours to keep.
    fn begin(&mut self) -> bool {
        let locked = !self.open();
        self.opened = true;
        if locked {
            tracing::warn!("another process has the recovery state; jobs are tracked in memory");
        } else {
            tracing::debug!("recovery state open");
        }
        self.recovery.delivery.push(
            Op::RecoveryOpened,
            0,
            0,
            Value::Json(if locked { b"true" } else { b"false" }),
        );
        self.recovery.delivery.signal();
        !locked
    }

    /// Takes the folder, reads it and writes a snapshot of what it had and of what was tracked before. Whether the folder
    /// may be used: another process has it otherwise.
    fn open(&mut self) -> bool {
        self.recovery.faults().visit(Place::Opening);
        let arrival = self.arrival.take();
        if let Some(arrival) = &arrival {
            arrival.wait();
        }
        let seating = self.take_seat();
        drop(arrival);
        match seating {
            Seating::Taken => self.read(),
            // Nothing is read, moved or written that may be another process's. It is tried again.
            Seating::Failed => {
                self.unread = true;
                self.recovery.lock().snapshot_due = true;
            }
            Seating::Overtaken => self.recovery.lock().wishes.leave = true,
            Seating::Locked => return false,
        }
        true
    }

    /// Whoever cannot read yet must not write either: what is there would be lost.
    fn read(&mut self) {
        let found = match self.folder.read(clock::now().wall_ms) {
            Ok(found) => found,
            Err(error) => {
                self.unread = true;
                self.recovery.lock().snapshot_due = true;
                self.fail(&Notice::Folder(self.folder.path().to_owned(), error));
                return;
            }
        };
        self.unread = false;
        self.next_generation = found.next_generation;
        for notice in &found.notices {
            self.recovery.tell(notice);
        }
        let mut inner = self.recovery.lock();
        inner.state.merge(found.state);
        inner.state.forget_removals();
        inner.journal = None;
        inner.behind = false;
        inner.dirty = false;
        inner.long = false;
        inner.snapshot_due = true;
        inner.is_opening = true;
        drop(inner);
        self.compact();
        let mut inner = self.recovery.lock();
        inner.is_opening = false;
        // Whoever took it meanwhile reads the same files.
        inner.give_away_if_taken();
    }

    fn take_seat(&mut self) -> Seating {
        let taken = seat::of(self.folder.path()).map_err(Refused::Io).and_then(|seat| {
            let unlockable = seat.take(&self.me, self.life)?;
            self.seat = Some(seat);
            Ok(unlockable)
        });
        let folder = self.folder.path().to_owned();
        match taken {
            Ok(None) => Seating::Taken,
            Ok(Some(error)) => {
                self.recovery.tell(&Notice::NoLock(folder, error));
                Seating::Taken
            }
            Err(Refused::Locked) => Seating::Locked,
            Err(Refused::Overtaken) => Seating::Overtaken,
            Err(Refused::Io(error)) => {
                self.fail(&Notice::Folder(folder, error));
                Seating::Failed
            }
        }
    }

    fn fail(&mut self, notice: &Notice) {
        if !std::mem::replace(&mut self.told, true) {
            self.recovery.tell(notice);
        }
    }

    /// Sleeps until there is something to do.
    fn next_task(&mut self) -> Task {
        let mut inner = self.recovery.lock();
        loop {
            if inner.wishes.leave {
                return Task::Leave;
            }
            if !inner.wishes.clears.is_empty() {
                self.waiting = std::mem::take(&mut inner.wishes.clears);
                return Task::Clear;
            }
            if !inner.wishes.shutdowns.is_empty() {
                return Task::Shutdown;
            }
            if inner.long && !inner.behind && !inner.snapshot_due {
                return Task::Compact;
            }
            let asked = &self.recovery.asked;
            let Some(at) = self.tick_time(&inner) else {
                inner = asked.wait(inner).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let now = clock::now().instant;
            if at <= now {
                return Task::Tick;
            }
            inner = asked.wait_timeout(inner, at - now).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// When the next sync or retry is due; the first change after a rest sets it.
    fn tick_time(&mut self, inner: &Inner) -> Option<Instant> {
        let failing = inner.behind || inner.snapshot_due;
        if !inner.dirty && !failing {
            self.tick_at = None;
            return None;
        }
        let interval = self.recovery.options.persist_interval?;
        let wait = if failing { interval.max(SHORTEST_RETRY) } else { interval };
        let tick_at = self.tick_at.get_or_insert_with(|| clock::now().instant + wait);
        Some(*tick_at)
    }

    /// Whether no other process has taken the folder.
    fn tick(&mut self) -> bool {
        self.tick_at = None;
        let inner = self.recovery.lock();
        let open = inner.journal.as_ref().map(|journal| (Arc::clone(&journal.file), journal.generation));
        drop(inner);
        let has_lock = self.seat.as_ref().is_some_and(|seat| seat.is_ours());
        let is_there = open.as_ref().is_some_and(|(file, generation)| self.folder.has(file, *generation));
        if !has_lock || !is_there {
            if open.is_some() && !self.recovery.lock().snapshot_due {
                self.fail(&Notice::Vanished(self.folder.path().to_owned()));
            }
            // What cannot be made is told by what needs it.
            let _ = sys::create_private_folder(self.folder.path());
            if !has_lock {
                match self.take_seat() {
                    Seating::Taken => {}
                    Seating::Failed => return true,
                    Seating::Overtaken => {
                        self.recovery.lock().wishes.leave = true;
                        return true;
                    }
                    Seating::Locked => return false,
                }
            }
            if self.unread {
                self.read();
                if !self.unread {
                    // Its jobs were not there when it was told as open.
                    self.recovery.delivery.push(Op::RecoveryOpened, 0, 0, Value::Json(b"false"));
                    self.recovery.delivery.signal();
                }
                return true;
            }
            let mut inner = self.recovery.lock();
            inner.snapshot_due = true;
            if !is_there && inner.journal.take_if(|_| open.is_some()).is_some() {
                // They are in the snapshot that is due.
                inner.state.records().clear();
                inner.behind = false;
            }
        }
        if self.recovery.lock().snapshot_due {
            self.compact();
        } else {
            self.catch_up();
        }
        let mut inner = self.recovery.lock();
        let file = inner.journal.as_ref().map(|journal| Arc::clone(&journal.file));
        inner.dirty = false;
        drop(inner);
        if let Some(Err(error)) = file.map(|file| file.sync_data()) {
            let folder = self.folder.path().to_owned();
            self.fail(&Notice::Append(folder, error));
            self.recovery.lock().dirty = true;
        }
        true
    }

    /// Writes the records that the journal did not take.
    fn catch_up(&mut self) {
        loop {
            let mut inner = self.recovery.lock();
            if !inner.behind {
                return;
            }
            if inner.state.records().is_empty() {
                inner.behind = false;
                inner.reached = inner.state.last_change();
                self.told = false;
                return;
            }
            let Some((records, file, generation, length)) = inner.take_behind() else { return };
            drop(inner);
            let mut lines = Vec::new();
            journal::push_lines(&mut lines, generation, &records);
            let written = write_at_end(&file, length, |mut file| file.write_all(&lines));
            let mut inner = self.recovery.lock();
            if written.is_err() {
                inner.state.records().prepend(records);
                // Those that came meanwhile did not see these.
                inner.bound_behind();
                return;
            }
            if let Some(journal) = &mut inner.journal {
                journal.length += lines.len() as u64;
            }
            inner.is_newly_long();
        }
    }

    /// A new snapshot, and a new journal behind it.
    fn compact(&mut self) {
        match self.try_compact(false) {
            Ok(()) => self.told = false,
            Err(error) => {
                let mut inner = self.recovery.lock();
                inner.snapshot_due = true;
                let may_write = inner.may_write();
                drop(inner);
                if may_write {
                    self.fail(&Notice::Snapshot(self.folder.path().to_owned(), error));
                }
            }
        }
    }

    fn try_compact(&mut self, last: bool) -> io::Result<()> {
        if self.seat.is_none() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        if self.unread {
            return Err(io::Error::other("what is there could not be read yet"));
        }
        let inner = self.recovery.lock();
        let is_fresh = inner.journal.as_ref().is_some_and(|journal| journal.length == journal.first_length);
        // After a snapshot that failed the journal that was made for it will do: a record that is replayed over a
        // state which has it already changes nothing.
        let open = inner.journal.as_ref().filter(|_| !inner.behind && (is_fresh || inner.snapshot_due));
        let open = open.map(|journal| journal.generation);
        drop(inner);
        let generation = if let Some(generation) = open { generation } else { self.begin_journal()? };
        let mut inner = self.recovery.lock();
        if !inner.may_write() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let picture = inner.state.picture();
        let reached = inner.state.last_change();
        if last {
            inner.state.mark_stored();
        }
        inner.long = false;
        drop(inner);
        self.recovery.faults().visit(Place::Compact);
        let text = snapshot::render(&picture, generation);
        self.folder.write_snapshot(&text)?;
        self.folder.remove_older(generation);
        let mut inner = self.recovery.lock();
        inner.snapshot_length = text.len() as u64;
        inner.snapshot_due = false;
        // What was appended meanwhile is in the journal behind it.
        inner.reached = inner.reached.max(reached).max(inner.appended);
        Ok(())
    }

    /// Makes the next journal, and appends go there from now on. Gives its generation.
    fn begin_journal(&mut self) -> io::Result<u64> {
        let picture = self.recovery.lock().state.picture();
        let generation = self.next_generation;
        let (file, length) = self.folder.create_journal(generation, &snapshot::sums(&picture))?;
        self.next_generation += 1;
        let mut inner = self.recovery.lock();
        if !inner.may_write() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        // What the old journal did not take is in the snapshot to come.
        if inner.behind {
            inner.snapshot_due = true;
        }
        inner.behind = false;
        inner.state.records().clear();
        if !inner.wishes.leave {
            inner.journal = Some(Journal { file: Arc::new(file), generation, length, first_length: length });
        }
        Ok(generation)
    }

    /// The last snapshot. What it misses, should it fail, is in the journals.
    fn shut_down(&mut self) {
        if let Err(error) = self.try_compact(true) {
            let mut inner = self.recovery.lock();
            if inner.behind || inner.snapshot_due {
                inner.state.mark_changed();
            }
            let may_write = inner.may_write();
            drop(inner);
            if may_write {
                self.recovery.tell(&Notice::Snapshot(self.folder.path().to_owned(), error));
            }
        }
    }
}
