//! What the hand-made waits stand on. `interleavings/` builds them on doubles of these, and tries their orders.

pub use std::sync::{Condvar, Mutex, MutexGuard};
pub use std::thread;
