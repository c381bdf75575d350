//! Unix: process groups, pipes polled together with a wake-up pipe, a watchdog for the case that the app is killed.

use std::time::Duration;

mod pipes;
mod process;
mod watchdog;

pub use pipes::{Input, Output, Trigger, Watch, trigger};
pub use process::{Process, failure, spawn};

/// The longest time between asking an engine to end and ending it; `None`: the app's `killTimeout` alone decides.
pub const LONGEST_GRACE: Option<Duration> = None;
