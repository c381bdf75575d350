//! Everything of the runtime that is not JavaScript: the wire, the engine's supervision, the job queue, the cache, streams,
//! crash recovery.
//!
//! `wire`, `jobs` and the state machines of `engine` do no I/O and read no clock; `sys` is the only platform code.

pub mod cache;
pub mod clock;
pub mod delivery;
pub mod engine;
pub mod jobs;
pub mod recovery;
pub mod stream;
pub mod sys;
pub mod timer;
pub mod wire;
