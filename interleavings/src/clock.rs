//! A clock that only time-outs move.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

// A scenario's threads are all one thread of the system's, and scenarios run beside each other.
thread_local! {
    static PASSED_MS: Cell<u64> = const { Cell::new(0) };
}

/// One moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// The monotonic clock.
    pub instant: Instant,
    /// The wall clock, in milliseconds.
    pub wall_ms: u64,
}

/// This moment.
#[must_use]
pub fn now() -> Now {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let passed = PASSED_MS.get();
    let began = *BEGAN.get_or_init(Instant::now);
    Now { instant: began + Duration::from_millis(passed), wall_ms: 1_700_000_000_000 + passed }
}

/// Time passes.
pub fn advance(by: Duration) {
    let ms = u64::try_from(by.as_millis()).unwrap_or(0).max(1);
    PASSED_MS.set(PASSED_MS.get() + ms);
}
