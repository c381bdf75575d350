//! Unix: process groups, pipes polled together with a wake-up pipe, a watchdog for the case that the app is killed.

use std::time::Duration;

mod files;
mod pipes;
mod process;
mod seat;
mod watchdog;

pub use files::{
    boot_id, create_private_file, create_private_folder, file_identity, is_shortage, is_writable,
    make_private, open_lock_file, open_private_file, open_to_read, real_folder, sync_folder,
};
pub use pipes::{Input, Output, Trigger, Watch, trigger};
pub use process::{Process, failure, spawn};
pub use seat::Seat;

/// The longest time between asking an engine to end and ending it; `None`: the app's `killTimeout` alone decides.
pub const LONGEST_GRACE: Option<Duration> = None;

/// How long an unused cache keeps its files open.
pub const CACHE_IDLE: Duration = Duration::from_secs(5);
