//! Everything of the runtime that is not JavaScript: the wire, the engine's supervision, the job queue, the cache, streams,
//! crash recovery.
//!
//! `wire`, `jobs` and the state machines of `engine` do no I/O and read no clock; `sys` is the only platform code.

#![deny(unsafe_code)]

pub mod cache;
pub mod clock;
pub mod delivery;
pub mod engine;
pub mod fault;
pub mod jobs;
pub mod recovery;
pub mod stream;
mod sync;
#[expect(
    unsafe_code,
    reason = "what the operating system offers beyond the safe libraries; each block says why it is sound"
)]
pub mod sys;
pub mod timer;
pub mod wire;
