//! The job queue as a state machine: inputs and the time in, outputs out (contract section 4).
//!
//! Owns who waits, who runs, and when each job settles. Does no I/O and reads no clock: a driver carries out the outputs
//! in order, and answers `Start`, `SendCancel` and `AskRetry` with inputs. Two kinds of driver use it, one in Rust and one
//! that goes through JavaScript ([`Path`]); both may do so at once.
//!
//! Promises: each job settles exactly once; no more leases are held than `concurrency` allows; the order is strict; every
//! `cancel` that is told to wait gets one answer; no step costs more than O(log n) for each job that it moves.

mod abandoned;
mod attempt;
mod config;
mod end;
mod followed;
mod history;
mod input;
mod job;
mod lanes;
mod leases;
mod linger;
mod names;
mod output;
mod parking;
mod queue;
mod retry;
mod start;
mod table;
mod timers;
mod view;

pub use config::{Config, NewJob, Path, Priority, Refused, Ticket, TimeoutChoice};
pub use followed::FollowedJob;
pub use input::{CancelResult, Data, EngineEvent, Input, StartReply};
pub use names::Names;
pub use output::{Failure, Outcome, Output, StartedInfo};
pub use queue::{CancelReply, JobQueue};
pub use table::JobKey;
pub use view::{JobState, JobView, Owner, Stats};
