//! Who writes in a folder. One process at a time, by an advisory lock on `recovery.lock` that ends with the process; and
//! within this process the latest comer, who takes the folder over.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crate::{sync, sys};

/// Somebody with a folder.
pub trait Holder: Send + Sync {
    /// Another one of this process takes the folder from this life of the holder: returns once its last byte is written.
    /// Never called on an event loop.
    fn give_up(&self, life: u64);
}

/// A number for a holder's life with the folder, higher than those of all lives before.
fn next_life() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Somebody on the way to a seat. Whoever comes later waits, so that it finds what the earlier one brings along: threads
/// begin in any order.
pub struct Arrival {
    folder: PathBuf,
    life: u64,
    over: Arc<Over>,
}

#[derive(Default)]
struct Over {
    is_over: sync::Mutex<bool>,
    told: sync::Condvar,
}

/// All of this process, by the path that each has for its folder.
static ARRIVALS: Mutex<Vec<(PathBuf, u64, Arc<Over>)>> = Mutex::new(Vec::new());

impl Arrival {
    /// The begin of a life. No I/O.
    pub fn new(folder: &Path) -> Self {
        let mut arrivals = ARRIVALS.lock().unwrap_or_else(PoisonError::into_inner);
        let arrival = Self { folder: folder.to_owned(), life: next_life(), over: Arc::default() };
        arrivals.push((arrival.folder.clone(), arrival.life, Arc::clone(&arrival.over)));
        arrival
    }

    /// The number of the life.
    pub fn life(&self) -> u64 {
        self.life
    }

    /// Returns once those on the way to the same folder from before have their seats, or never will. Blocking.
    pub fn wait(&self) {
        let arrivals = ARRIVALS.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = arrivals.iter().filter(|(folder, life, _)| *life < self.life && *folder == self.folder);
        let earlier: Vec<_> = earlier.map(|(_, _, over)| Arc::clone(over)).collect();
        drop(arrivals);
        for over in earlier {
            let mut is_over = over.is_over.lock().unwrap_or_else(PoisonError::into_inner);
            while !*is_over {
                is_over = over.told.wait(is_over).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let mut arrivals = ARRIVALS.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.retain(|(_, life, _)| *life != self.life);
        drop(arrivals);
        *self.over.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.over.told.notify_all();
    }
}

/// Why a folder cannot be had.
#[derive(Debug)]
pub enum Refused {
    /// Another process has it.
    Locked,
    /// One of this process has it that came later.
    Overtaken,
    /// There is no way to ask.
    Io(io::Error),
}

#[derive(Default)]
struct Held {
    /// And the number of its life.
    holder: Option<(Weak<dyn Holder>, u64)>,
    lock: Option<File>,
}

/// The place of the one who writes in a folder.
pub struct Seat {
    lock_path: PathBuf,
    held: Mutex<Held>,
}

/// The seat of a folder, the same for all of this process. The folder must be there.
///
/// # Errors
/// The system's, for a folder that is not there.
pub fn of(folder: &Path) -> io::Result<Arc<Seat>> {
    static SEATS: OnceLock<Mutex<HashMap<PathBuf, Arc<Seat>>>> = OnceLock::new();
    let folder = fs::canonicalize(folder)?;
    let mut seats = SEATS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    seats.retain(|_, seat| Arc::strong_count(seat) > 1);
    let seat = seats.entry(folder).or_insert_with_key(|folder| {
        Arc::new(Seat { lock_path: folder.join("recovery.lock"), held: Mutex::default() })
    });
    Ok(Arc::clone(seat))
}

impl Seat {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the folder; whoever of this process has it from before gives it up first. `Ok(Some(…))`: the file system knows no
    /// locks, and the folder is had without one.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn take(&self, holder: &Arc<dyn Holder>, life: u64) -> Result<Option<io::Error>, Refused> {
        let mut held = self.held();
        while let Some((before, life_before)) = held.holder.clone() {
            if life_before == life {
                break;
            }
            if life_before > life {
                return Err(Refused::Overtaken);
            }
            // It may still ask for its seat on its way out. And it stays the holder: who else comes waits for it, too.
            drop(held);
            if let Some(before) = before.upgrade() {
                before.give_up(life_before);
            }
            held = self.held();
            if held.is_held_in(life_before) {
                held.holder = None;
            }
        }
        let mut unlockable = None;
        if !held.lock.as_ref().is_some_and(|lock| is_file_at(lock, &self.lock_path)) {
            held.lock = None;
            let file = sys::open_lock_file(&self.lock_path).map_err(Refused::Io)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(Refused::Locked),
                Err(TryLockError::Error(error)) => unlockable = Some(error),
            }
            held.lock = Some(file);
        }
        held.holder = Some((Arc::downgrade(holder), life));
        Ok(unlockable)
    }

    /// Whether the lock is still the one that other processes ask for.
    pub fn is_ours(&self) -> bool {
        self.held().lock.as_ref().is_some_and(|lock| is_file_at(lock, &self.lock_path))
    }

    /// Lets the folder go, if this life has it.
    pub fn release(&self, life: u64) {
        let mut held = self.held();
        if held.is_held_in(life) {
            // Not by closing alone: a process that is being forked from this one has the file open until it executes its
            // program, and whoever takes the folder next would meet the lock. No error counts: std unlocks twice on Windows,
            // which Wine takes for a fault.
            if let Some(lock) = &held.lock {
                let _ = lock.unlock();
            }
            *held = Held::default();
        }
    }
}

impl Held {
    fn is_held_in(&self, life: u64) -> bool {
        self.holder.as_ref().is_some_and(|(_, holding)| *holding == life)
    }
}

/// Whether an open file is still the one of that name. Where an open file cannot vanish, it is.
pub(super) fn is_file_at(file: &File, path: &Path) -> bool {
    let Ok(at_path) = fs::symlink_metadata(path) else { return false };
    let Ok(open) = file.metadata() else { return false };
    sys::file_identity(&open) == sys::file_identity(&at_path)
}

#[cfg(test)]
#[path = "seat_tests.rs"]
mod tests;
