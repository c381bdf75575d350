//! The queue of one `CacheManager` to its disk thread, and the thread.
//!
//! The thread is started by the first command and ends when nothing was asked for a while, which closes the files. It
//! takes many commands at a time, and answers in their order. Bounded: past [`MAX_QUEUED`] bytes of waiting values an
//! entry is refused; what was read waits for JavaScript like everything else of the delivery, and bytes in [`Unfetched`].

use std::collections::VecDeque;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::cache::changes::Changes;
use crate::cache::command::{Answer, Command, Work};
use crate::cache::failure::Failure;
use crate::cache::record::{JSON, Record, UNDEFINED};
use crate::cache::store::{Outcome, Store};
use crate::cache::unfetched::Unfetched;
use crate::clock;
use crate::delivery::{Delivery, Op, Tenant, Value};
use crate::fault::{Faults, Place, caught, insisted};
use crate::sync::{Condvar, Mutex, MutexGuard, thread};
use crate::sys;

/// Bytes of values that may wait for the disk. When nothing waits, an entry of any size is taken.
const MAX_QUEUED: usize = 256 * 1024 * 1024;
/// How long open files go unlooked at: whoever makes removed ones anew waits until nobody has the old ones open.
const LOOK: Duration = Duration::from_secs(1);
/// Commands in one transaction.
const MAX_COMMANDS: usize = 1024;

/// Whether an entry was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submit {
    /// It will be answered.
    Taken,
    /// Too much waits already.
    Full,
}

/// How the thread's waiting ended.
enum Waited {
    Commands,
    /// Nothing was asked for [`LOOK`].
    Long,
    /// Nothing was asked for so long that the files are closed, or nothing ever will be.
    TooLong,
}

#[derive(Debug, Default)]
struct Queue {
    commands: VecDeque<Command>,
    runs: bool,
    abandoned: bool,
}

/// What the thread works with, and at.
#[derive(Debug, Default)]
struct Desk {
    store: Option<Store>,
    /// In the order in which they are answered.
    commands: VecDeque<Command>,
}

/// The disk tier's handle.
#[derive(Debug)]
pub struct Disk {
    delivery: Arc<Delivery>,
    folder: PathBuf,
    max_size: Option<u64>,
    queue: Mutex<Queue>,
    changed: Condvar,
    queued: AtomicUsize,
    /// The thread's alone, for as long as it runs.
    desk: Mutex<Desk>,
    /// Values that are no text, until JavaScript fetches them.
    unfetched: Unfetched,
    size: AtomicI64,
    count: AtomicI64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// The entries of a folder, at most `max_size` bytes of them.
    #[must_use]
    pub fn new(folder: &Path, max_size: Option<u64>, delivery: Arc<Delivery>) -> Arc<Self> {
        Arc::new(Self {
            delivery,
            folder: folder.into(),
            max_size,
            queue: Mutex::default(),
            changed: Condvar::new(),
            queued: AtomicUsize::new(0),
            desk: Mutex::default(),
            unfetched: Unfetched::default(),
            size: AtomicI64::new(0),
            count: AtomicI64::new(0),
        })
    }

    /// Takes note of a command that [`Disk::submit`] will bring.
    pub fn admit(&self, work: &Work) -> Submit {
        let bytes = work.bytes();
        let before = self.queued.load(Ordering::Relaxed);
        if bytes > 0 && before > 0 && before + bytes > MAX_QUEUED {
            return Submit::Full;
        }
        self.queued.fetch_add(bytes, Ordering::Relaxed);
        Submit::Taken
    }

    /// Brings commands that were admitted. Each is answered once; all that wait, when a defect is caught.
    pub fn submit(self: &Arc<Self>, commands: &mut Vec<Command>) {
        let mut queue = lock(&self.queue);
        let waited = !queue.commands.is_empty();
        queue.commands.extend(commands.drain(..));
        if queue.abandoned || queue.commands.is_empty() {
            return;
        }
        if queue.runs {
            // Not under the lock: the thread would wake only to wait for it. And not when it has been told already.
            drop(queue);
            if !waited {
                self.changed.notify_one();
            }
            return;
        }
        let disk = Arc::clone(self);
        let started =
            thread::Builder::new().name("desktop-runtime cache".into()).spawn(move || disk.work_guarded());
        match started {
            Ok(_) => queue.runs = true,
            Err(error) => {
                let commands = std::mem::take(&mut queue.commands);
                drop(queue);
                self.refuse(commands, &Failure::Refused(format!("no thread: {error}")));
            }
        }
    }

    /// Answers without the disk, on the caller's thread: no file is looked at.
    fn refuse(&self, mut commands: VecDeque<Command>, failure: &Failure) {
        let mut desk = lock(&self.desk);
        let new = || Store::new(&self.folder, self.max_size, clock::now());
        let outcome = desk.store.get_or_insert_with(new).refuse_unasked(commands.make_contiguous(), failure);
        self.tell(&mut commands, outcome);
    }

    /// The bytes of a value that is no text, once.
    #[must_use]
    pub fn take_binary(&self, ticket: u32) -> Option<Vec<u8>> {
        self.unfetched.take(ticket)
    }

    /// Bytes and number of the entries on disk, as last seen.
    #[must_use]
    pub fn figures(&self) -> (i64, i64) {
        (self.size.load(Ordering::Relaxed), self.count.load(Ordering::Relaxed))
    }

    fn work_guarded(&self) {
        while caught(|| self.work()).is_none() {
            insisted(|| self.begin_anew());
        }
    }

    /// Its faults.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        self.delivery.faults()
    }

    /// After a panic: what was being worked at rejects, and the files are opened anew. What waits behind it is none of
    /// the defect's.
    fn begin_anew(&self) {
        tracing::error!("a defect was caught; what was pending rejects");
        let mut desk = lock(&self.desk);
        self.faults().visit(Place::Rebuild);
        if let Some(old) = desk.store.take() {
            let stale = caught(|| old.close_for_good());
            desk.store = stale.map(|stale| Store::after(stale, &self.folder, self.max_size, clock::now()));
        }
        self.reject(&desk.commands);
        desk.commands.clear();
        drop(desk);
        // What others changed since the last look is not known any more.
        self.delivery.push(Op::CacheChanged, 0, 0, Value::Null);
        self.delivery.signal();
    }

    fn reject(&self, lost: &VecDeque<Command>) {
        self.forget_queued(lost.iter().map(|command| command.work.bytes()).sum());
        for command in lost {
            // A value of it may lie there already.
            let _ = self.unfetched.take(command.ticket);
        }
        let tickets: Vec<String> = lost.iter().map(|command| command.ticket.to_string()).collect();
        self.delivery.push(Op::Panicked, 0, 0, Value::Json(format!("[{}]", tickets.join(",")).as_bytes()));
        self.delivery.signal();
    }

    fn work(&self) {
        let mut desk = lock(&self.desk);
        let Desk { store, commands } = &mut *desk;
        let store = store.get_or_insert_with(|| Store::new(&self.folder, self.max_size, clock::now()));
        let mut idle_at = clock::now().instant + sys::CACHE_IDLE;
        loop {
            if commands.is_empty() {
                match self.wait(commands, idle_at) {
                    Waited::Commands => {}
                    Waited::Long => store.close_if_vanished(),
                    Waited::TooLong => {
                        store.close(clock::now());
                        if self.may_end() {
                            return;
                        }
                    }
                }
                continue;
            }
            self.delivery.wait_for_space();
            self.unfetched.wait_for_space();
            self.faults().visit(Place::Disk);
            let closing = commands.iter().position(|command| matches!(command.work, Work::Close));
            let outcome = if closing == Some(0) {
                store.close(clock::now());
                Outcome { answers: vec![Answer::Done(true)], ..Outcome::default() }
            } else {
                let count = closing.unwrap_or(commands.len());
                store.run(&commands.make_contiguous()[..count], clock::now())
            };
            let (size, count) = store.figures();
            self.size.store(size, Ordering::Relaxed);
            self.count.store(count, Ordering::Relaxed);
            self.tell(commands, outcome);
            idle_at = clock::now().instant + sys::CACHE_IDLE;
        }
    }

    fn forget_queued(&self, bytes: usize) {
        let less = |queued: usize| Some(queued.saturating_sub(bytes));
        // Always succeeds. After a defect it may have begun at zero again.
        let _ = self.queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Waits for commands, until `idle_at` at most.
    fn wait(&self, commands: &mut VecDeque<Command>, idle_at: Instant) -> Waited {
        let until = idle_at.min(clock::now().instant + LOOK);
        let mut queue = lock(&self.queue);
        loop {
            if queue.abandoned {
                queue.commands.clear();
                return Waited::TooLong;
            }
            if !queue.commands.is_empty() {
                let count = queue.commands.len().min(MAX_COMMANDS);
                commands.extend(queue.commands.drain(..count));
                return Waited::Commands;
            }
            let left = until.saturating_duration_since(clock::now().instant);
            if left.is_zero() {
                return if until == idle_at { Waited::TooLong } else { Waited::Long };
            }
            queue = self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn may_end(&self) -> bool {
        let mut queue = lock(&self.queue);
        queue.runs = !queue.commands.is_empty();
        !queue.runs
    }

    /// Takes out the commands that were answered, each behind its answer: in a panic each is either answered or rejected.
    fn tell(&self, commands: &mut VecDeque<Command>, outcome: Outcome) {
        let delivery = &self.delivery;
        for line in &outcome.lines {
            delivery.push(Op::Log, 0, 0, Value::Text(line.as_bytes()));
        }
        if !outcome.changes.is_empty() {
            delivery.push(Op::CacheChanged, 0, 0, Value::Json(&changed_keys(&outcome.changes)));
        }
        let answered = commands.iter().take(outcome.answers.len());
        let looked_at = answered.map(|command| command.now_ms).max().unwrap_or(0);
        delivery.push(Op::CacheLooked, 0, u64::try_from(looked_at).unwrap_or(0), Value::Null);
        let mut answers = outcome.answers.into_iter().peekable();
        while let Some(answer) = answers.next() {
            self.faults().visit(Place::Answer);
            let Some(command) = commands.front() else { break };
            let first = command.ticket;
            let mut told = 1;
            if answer == Answer::Done(true) {
                let follows = |number: u32| {
                    commands
                        .get(number as usize)
                        .is_some_and(|next| next.ticket == first.wrapping_add(number))
                };
                while follows(told) && answers.next_if_eq(&Answer::Done(true)).is_some() {
                    told += 1;
                }
            }
            if told == 1 {
                self.answer(first, answer);
            } else {
                let count = told.to_string();
                delivery.push(Op::CacheAllDone, 0, u64::from(first), Value::Json(count.as_bytes()));
            }
            let told = commands.drain(..told as usize);
            self.forget_queued(told.map(|command| command.work.bytes()).sum());
        }
        if !outcome.late_changes.is_empty() {
            delivery.push(Op::CacheChanged, 0, 0, Value::Json(&changed_keys(&outcome.late_changes)));
        }
        delivery.signal();
    }

    fn answer(&self, ticket: u32, answer: Answer) {
        let number = u64::from(ticket);
        let push = |op, value: Value<'_>| self.delivery.push(op, 0, number, value);
        match answer {
            Answer::Done(success) => push(Op::CacheDone, Value::Json(success.to_string().as_bytes())),
            Answer::Counted { success, count } => {
                push(Op::CacheDone, Value::Json(format!("[{success},{count}]").as_bytes()));
            }
            Answer::Keys(text) => push(Op::CacheDone, Value::Json(&text)),
            Answer::Missing => push(Op::CacheMissing, Value::Null),
            Answer::Unchanged => push(Op::CacheUnchanged, Value::Null),
            Answer::Found(record) => {
                let mut head = Vec::with_capacity(64);
                let expires_at = record.expires_at.map_or("null".to_owned(), |at| at.to_string());
                let Record { kind, created_at, .. } = record;
                // Writing into a Vec cannot fail.
                let _ = write!(head, "[{kind},{expires_at},{created_at},{},", record.length());
                match kind {
                    JSON => push(Op::CacheFound, Value::Pieces(&[&head, &record.value, b"]"])),
                    UNDEFINED => push(Op::CacheFound, Value::Pieces(&[&head, b"null]"])),
                    _ => {
                        self.unfetched.put(ticket, record.value);
                        push(Op::CacheFound, Value::Pieces(&[&head, b"null]"]));
                    }
                }
            }
        }
    }
}

fn changed_keys(changes: &Changes) -> Vec<u8> {
    let Changes::Keys(keys) = changes else { return b"null".to_vec() };
    let mut text = vec![b'['];
    for key in keys {
        if text.len() > 1 {
            text.push(b',');
        }
        key.push_json(&mut text);
    }
    text.push(b']');
    text
}

impl Tenant for Disk {
    fn abandon(self: Arc<Self>) {
        self.delivery.close();
        self.unfetched.close();
        lock(&self.queue).abandoned = true;
        self.changed.notify_one();
    }
}

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
