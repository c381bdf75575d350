//! What the waits need of the system: the core's own files, and a pipe that is not the kernel's.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::sync::{Condvar, Mutex, MutexGuard};

#[path = "../../crates/core/src/sys/unix/files.rs"]
#[expect(dead_code, reason = "some of it is the cache's")]
mod files;

pub use files::{
    create_private_file, create_private_folder, file_identity, is_shortage, open_lock_file,
    open_private_file, open_to_read, sync_folder,
};

/// How long an unused cache keeps its files open.
pub const CACHE_IDLE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    room: usize,
    writer_is_gone: bool,
    reader_is_gone: bool,
    is_cancelled: bool,
}

#[derive(Debug, Default)]
struct Pipe {
    state: Mutex<State>,
    changed: Condvar,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

/// The write end. Dropping it closes the pipe.
#[derive(Debug)]
pub struct Input(Arc<Pipe>);

/// The engine's end.
#[derive(Debug)]
pub struct Engine(Arc<Pipe>);

/// Dropped, it ends the waiting of everyone who holds the [`Watch`].
#[derive(Debug)]
pub struct Trigger(Arc<Pipe>);

/// The waiting side of a [`Trigger`].
#[derive(Debug, Clone)]
pub struct Watch(Arc<Pipe>);

/// A pipe that holds so many bytes.
#[must_use]
pub fn pipe(room: usize) -> (Input, Engine, Trigger, Watch) {
    let pipe =
        Arc::new(Pipe { state: Mutex::new(State { room, ..State::default() }), changed: Condvar::new() });
    (Input(Arc::clone(&pipe)), Engine(Arc::clone(&pipe)), Trigger(Arc::clone(&pipe)), Watch(pipe))
}

fn put(state: &mut State, bytes: &[u8]) -> io::Result<usize> {
    if state.reader_is_gone {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    let taken = bytes.len().min(state.room - state.bytes.len());
    state.bytes.extend(&bytes[..taken]);
    Ok(taken)
}

impl Input {
    /// Writes what the pipe takes at once.
    ///
    /// # Errors
    /// `BrokenPipe`
    pub fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock();
        let taken = put(&mut state, bytes);
        drop(state);
        self.0.changed.notify_all();
        taken
    }

    /// Waits until the pipe takes some of `bytes`.
    ///
    /// # Errors
    /// `Interrupted`, `BrokenPipe`
    pub fn write(&mut self, bytes: &[u8], cancelled: &Watch) -> io::Result<usize> {
        debug_assert!(Arc::ptr_eq(&self.0, &cancelled.0));
        let mut state = self.0.lock();
        loop {
            if state.is_cancelled {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match put(&mut state, bytes)? {
                0 => state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                taken => {
                    drop(state);
                    self.0.changed.notify_all();
                    return Ok(taken);
                }
            }
        }
    }
}

impl Engine {
    /// Waits for bytes; none are the end.
    #[must_use]
    pub fn read(&self) -> Vec<u8> {
        let mut state = self.0.lock();
        while state.bytes.is_empty() && !state.writer_is_gone {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let bytes = state.bytes.drain(..).collect();
        drop(state);
        self.0.changed.notify_all();
        bytes
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.0.change(|state| state.writer_is_gone = true);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.0.change(|state| state.reader_is_gone = true);
    }
}

impl Drop for Trigger {
    fn drop(&mut self) {
        self.0.change(|state| state.is_cancelled = true);
    }
}
