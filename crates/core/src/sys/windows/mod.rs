//! Windows: one job object per engine, named pipes with overlapped I/O, waits that an event can end.
//!
//! `windows-sys` and std's `Command` instead of a crate that wraps jobs: the job must be closed by the system when the
//! app is killed (kill on close), which the known wrapper (`process-wrap`) leaves off, and everything else it would
//! bring is one call each. `Command` stays for what is hard to get right: the quoting of arguments, for batch files
//! too, and the environment block.

use std::time::Duration;

mod errno;
mod event;
mod files;
mod job;
mod pipes;
mod process;
mod program;
#[cfg(test)]
mod tests;

pub use errno::failure;
pub use event::{Trigger, Watch, trigger};
pub use files::{
    boot_id, create_private_file, create_private_folder, file_identity, is_shortage, is_writable,
    make_private, open_lock_file, open_private_file, open_to_read, real_folder, sync_folder,
};
pub use pipes::{Input, Output};
pub use process::{Process, spawn};

/// The longest time between asking an engine to end and ending it: nothing but the closed stdin asks it, and engines
/// that do not look at stdin should not keep an app's `stop()` waiting (contract section 3).
pub const LONGEST_GRACE: Option<Duration> = Some(Duration::from_secs(1));

/// Locks are a handle's here, so copies of this addon in one process shut each other out as processes do.
#[derive(Debug)]
pub struct Seat;

impl Seat {
    /// Always there.
    #[must_use]
    pub fn take(_file: (u64, u64)) -> Option<Self> {
        Some(Self)
    }
}

/// How long an unused cache keeps its files open: a folder with an open file cannot be removed here.
pub const CACHE_IDLE: Duration = Duration::from_millis(100);
