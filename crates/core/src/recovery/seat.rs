//! Who writes in a folder. One process at a time, by an advisory lock on `recovery.lock` that ends with the process; and
//! within this process the latest comer, who takes the folder over.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crate::sys;

/// Somebody with a folder.
pub trait Holder: Send + Sync {
    /// Another one of this process takes the folder: returns once the last byte is written. Never called on an event
    /// loop.
    fn give_up(&self);
}

/// Why a folder cannot be had.
#[derive(Debug)]
pub enum Refused {
    /// Another process has it.
    Locked,
    /// There is no way to ask.
    Io(io::Error),
}

#[derive(Default)]
struct Held {
    holder: Option<Weak<dyn Holder>>,
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

    /// Takes the folder; whoever of this process has it gives it up first. `Ok(Some(…))`: the file system knows no
    /// locks, and the folder is had without one.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn take(&self, holder: &Arc<dyn Holder>) -> Result<Option<io::Error>, Refused> {
        let mut held = self.held();
        while let Some(before) = held.holder.take().and_then(|before| before.upgrade()) {
            if Arc::ptr_eq(&before, holder) {
                break;
            }
            // It may still ask for its seat on its way out.
            drop(held);
            before.give_up();
            held = self.held();
        }
        let mut unlockable = None;
        if !held.lock.as_ref().is_some_and(|lock| is_file_at(lock, &self.lock_path)) {
            held.lock = None;
            let file = sys::open_private_file(&self.lock_path).map_err(Refused::Io)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(Refused::Locked),
                Err(TryLockError::Error(error)) => unlockable = Some(error),
            }
            held.lock = Some(file);
        }
        held.holder = Some(Arc::downgrade(holder));
        Ok(unlockable)
    }

    /// Whether the lock is still the one that other processes ask for.
    pub fn is_ours(&self) -> bool {
        self.held().lock.as_ref().is_some_and(|lock| is_file_at(lock, &self.lock_path))
    }

    /// Lets the folder go, if this one has it.
    pub fn release(&self, holder: &Arc<dyn Holder>) {
        let mut held = self.held();
        let is_mine =
            held.holder.as_ref().is_some_and(|mine| std::ptr::addr_eq(mine.as_ptr(), Arc::as_ptr(holder)));
        if is_mine {
            *held = Held::default();
        }
    }
}

/// Whether an open file is still the one of that name. Where an open file cannot vanish, it is.
pub(super) fn is_file_at(file: &File, path: &Path) -> bool {
    let Ok(at_path) = fs::symlink_metadata(path) else { return false };
    let Ok(open) = file.metadata() else { return false };
    sys::file_identity(&open) == sys::file_identity(&at_path)
}
