//! The time as an argument: drivers read the clocks, rules are handed a [`Now`].

use std::time::Instant;

/// One moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// The monotonic clock: durations and deadlines.
    pub instant: Instant,
    /// The wall clock, milliseconds since the epoch: what an app is shown (`startedAt`, `completedAt`).
    pub wall_ms: u64,
}
