//! Something that happens once, and that threads wait for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Default)]
pub struct Flag {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Flag {
    pub fn set(&self) {
        *lock(&self.set) = true;
        self.changed.notify_all();
    }

    pub fn is_set(&self) -> bool {
        *lock(&self.set)
    }

    /// Waits, at most so long. Whether it is set.
    pub fn wait(&self, timeout: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(lock(&self.set), timeout, |set| !*set);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub fn wait_for_ever(&self) {
        let set = lock(&self.set);
        drop(self.changed.wait_while(set, |set| !*set).unwrap_or_else(PoisonError::into_inner));
    }
}

/// A lock whose holder panicked is entered all the same: what it guards here is whole between two statements.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
