//! An engine for `@niche-knack/desktop-runtime`: the process that a desktop app starts and gives jobs to.
//!
//! ```no_run
//! use niche_knack_engine::{Engine, Job, JobError};
//!
//! fn main() -> std::io::Result<()> {
//!     let mut engine = Engine::new("1.0.0");
//!     engine.job("sum", |numbers: Vec<f64>, job: &Job| -> Result<f64, JobError> {
//!         let mut sum = 0.0;
//!         for (done, number) in numbers.iter().enumerate() {
//!             job.check()?;
//!             sum += number;
//!             job.progress(100.0 * (done + 1) as f64 / numbers.len() as f64, "adding")?;
//!         }
//!         Ok(sum)
//!     });
//!     engine.run()
//! }
//! ```
//!
//! Each job runs on a thread of its own. stdout belongs to messages: from `run` on, `println!` goes to stderr, and so
//! does what C code and child processes print.
#![deny(unsafe_code)]

mod cache;
mod encode;
mod engine;
mod error;
mod flag;
mod job;
mod jobs;
mod models;
mod output;
mod rpc;
mod sys;

pub use cache::Cache;
pub use engine::{Engine, Health, Notifier};
pub use error::{ErrorCodes, JobError};
pub use job::{Job, Level};
pub use models::{Model, ModelInfo};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
