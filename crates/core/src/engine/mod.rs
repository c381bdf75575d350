//! An engine: a child process that is started, watched, spoken to, stopped and restarted (contract sections 2 and 3).
//!
//! The rules are pure and stand alone: `lifecycle`, `calls`, `health`, `outbox`'s bounds, `stderr`. [`Engine`] holds
//! them under one lock, `run` has the threads, `state` and `inbound` carry out what the rules say.

#[cfg(test)]
mod allocation_tests;
mod attached;
pub mod calls;
#[expect(clippy::module_inception, reason = "the folder's main type has the folder's name")]
mod engine;
mod health;
mod inbound;
mod job_streams;
pub mod lifecycle;
mod manager;
mod options;
mod outbox;
mod path;
mod readiness;
mod run;
mod spawner;
mod state;
mod stderr;
#[cfg(test)]
mod tests;

pub use attached::HeardJobs;
pub use calls::{Call, CallRefused, Timeout};
pub use engine::{Engine, EngineStats};
pub use lifecycle::StartFailure;
pub use manager::Manager;
pub use options::EngineOptions;
pub use path::outside_of_archive;
pub use spawner::discard;
