//! The core's hand-made waits, from the very same source files, on doubles of what they stand on: locks, condition
//! variables and threads ([`sync`]), the clock ([`clock`]), the engine's stdin ([`sys`]), the cache's database
//! ([`cache`]). The tests run them under a scheduler that decides who goes on at each step: a wait that nobody ends is
//! found as a deadlock, and a schedule that fails can be run again.
//!
//! Sequentially consistent memory is assumed. The waits share nothing but what their locks guard; the atomics beside
//! them are counters that no wait depends on.

pub mod cache;
pub mod clock;
#[path = "../../crates/core/src/delivery/mod.rs"]
pub mod delivery;
pub mod exploration;
#[path = "../../crates/core/src/fault.rs"]
pub mod fault;
#[path = "../../crates/core/src/engine/outbox.rs"]
pub mod outbox;
#[path = "../../crates/core/src/recovery/mod.rs"]
pub mod recovery;
pub mod sync;
pub mod sys;
#[path = "../../crates/core/src/timer.rs"]
pub mod timer;
#[path = "../../crates/core/src/wire/mod.rs"]
pub mod wire;
