//! Doubles of std's locks and threads that ask the scheduler at each step.
//!
//! A wait with a time-out has two faces. While time stands still it never ends by itself, so that a wake-up which the
//! time-out would make up for is missed. While time passes it ends whenever the scheduler likes, as does every other
//! wait: both may happen to a real one.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError};
use std::time::Duration;

use shuttle::rand::Rng;
pub use shuttle::thread;

use crate::clock;

// A scenario's threads are all one thread of the system's, and scenarios run beside each other.
thread_local! {
    static TIME_PASSES: Cell<bool> = const { Cell::new(false) };
}

/// Whether waits may end by themselves from here on.
pub fn let_time_pass(passes: bool) {
    TIME_PASSES.set(passes);
}

fn may_end_by_itself() -> bool {
    TIME_PASSES.get() && shuttle::rand::thread_rng().gen_bool(0.3)
}

/// `std::sync::Mutex`.
#[derive(Debug, Default)]
pub struct Mutex<T>(shuttle::sync::Mutex<T>);

/// `std::sync::MutexGuard`.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    guard: shuttle::sync::MutexGuard<'a, T>,
    mutex: &'a Mutex<T>,
}

impl<T> Mutex<T> {
    /// Unlocked.
    pub const fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    /// Waits for the lock.
    ///
    /// # Errors
    /// When a holder panicked.
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let guarded = |guard| MutexGuard { guard, mutex: self };
        self.0.lock().map(guarded).map_err(|error| PoisonError::new(guarded(error.into_inner())))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// `std::sync::Condvar`.
#[derive(Debug, Default)]
pub struct Condvar(shuttle::sync::Condvar);

impl Condvar {
    /// Nobody waits.
    pub const fn new() -> Self {
        Self(shuttle::sync::Condvar::new())
    }

    /// Waits to be notified.
    ///
    /// # Errors
    /// When a holder of the lock panicked.
    pub fn wait<'a, T>(&self, held: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let mutex = held.mutex;
        if may_end_by_itself() {
            drop(held);
            thread::yield_now();
            return mutex.lock();
        }
        let guarded = |guard| MutexGuard { guard, mutex };
        self.0.wait(held.guard).map(guarded).map_err(|error| PoisonError::new(guarded(error.into_inner())))
    }

    /// Waits to be notified, or for the time to pass. The second value stands for std's, which nobody looks at.
    ///
    /// # Errors
    /// When a holder of the lock panicked.
    pub fn wait_timeout<'a, T>(
        &self,
        held: MutexGuard<'a, T>,
        time: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, ())> {
        let mutex = held.mutex;
        let waited = if may_end_by_itself() {
            drop(held);
            thread::yield_now();
            clock::advance(time);
            mutex.lock()
        } else {
            self.wait(held)
        };
        waited.map(|held| (held, ())).map_err(|error| PoisonError::new((error.into_inner(), ())))
    }

    /// Waits while the condition holds, or for the time to pass, which it does in the end if it passes at all. The second
    /// value stands for std's.
    ///
    /// # Errors
    /// None.
    pub fn wait_timeout_while<'a, T>(
        &self,
        mut held: MutexGuard<'a, T>,
        time: Duration,
        mut holds: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, ())> {
        while holds(&mut held) {
            if TIME_PASSES.get() {
                let mutex = held.mutex;
                drop(held);
                thread::yield_now();
                held = mutex.lock().unwrap_or_else(PoisonError::into_inner);
                if may_end_by_itself() {
                    clock::advance(time);
                    break;
                }
            } else {
                held = self.wait(held).unwrap_or_else(PoisonError::into_inner);
            }
        }
        Ok((held, ()))
    }

    /// Ends the wait of one.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Ends the wait of all.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}
