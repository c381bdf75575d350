//! The time as an argument: drivers read the clocks, rules are handed a [`Now`].

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// The monotonic clock: durations and deadlines.
    pub instant: Instant,
    /// The wall clock, milliseconds since the epoch: what an app is shown (`startedAt`, `completedAt`), and what a TTL
    /// is counted by.
    pub wall_ms: u64,
}

/// This moment. For drivers: a rule takes it as an argument.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "here the time comes from")]
pub fn now() -> Now {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { instant: Instant::now(), wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX) }
}
