//! Values that are no text: they do not go through the delivery, JavaScript fetches each when it is told of it.
//!
//! Bounded: who reads more from disk waits in [`Unfetched::wait_for_space`] while more than [`MAX_UNFETCHED`] bytes wait
//! here. One batch of answers is still taken.

use std::collections::HashMap;
use std::sync::PoisonError;

use crate::sync::{Condvar, Mutex, MutexGuard};

/// Bytes that may wait for JavaScript before reading from disk stops.
const MAX_UNFETCHED: usize = 16 * 1024 * 1024;

#[derive(Debug, Default)]
struct Inner {
    values: HashMap<u32, Vec<u8>>,
    bytes: usize,
    closed: bool,
}

/// Values by ticket.
#[derive(Debug, Default)]
pub struct Unfetched {
    inner: Mutex<Inner>,
    fetched: Condvar,
}

impl Unfetched {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A value that JavaScript is about to be told of.
    pub fn put(&self, ticket: u32, value: Vec<u8>) {
        let mut inner = self.lock();
        if !inner.closed {
            inner.bytes += value.len();
            inner.values.insert(ticket, value);
        }
    }

    /// Gives a value away.
    pub fn take(&self, ticket: u32) -> Option<Vec<u8>> {
        let mut inner = self.lock();
        let value = inner.values.remove(&ticket)?;
        inner.bytes -= value.len();
        self.fetched.notify_all();
        Some(value)
    }

    /// Blocks the calling thread while JavaScript is behind.
    pub fn wait_for_space(&self) {
        let mut inner = self.lock();
        while inner.bytes > MAX_UNFETCHED {
            inner = self.fetched.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nobody will fetch what is there.
    pub fn clear(&self) {
        let mut inner = self.lock();
        inner.values.clear();
        inner.bytes = 0;
        self.fetched.notify_all();
    }

    /// Nobody will fetch anything any more.
    pub fn close(&self) {
        self.lock().closed = true;
        self.clear();
    }
}

#[cfg(test)]
#[path = "unfetched_tests.rs"]
mod tests;
