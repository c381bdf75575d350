//! Jobs that outlive the process (contract section 7): tracked in memory, on record in a journal, compacted into a
//! snapshot that version 1 reads too.
//!
//! Pure: `job`, `state` (what becomes of the jobs), `record`, `journal` and `snapshot` (their texts), `notice` (lines for
//! the log). Drivers: `seat` (who writes in a folder), `folder` (its files), `recovery` (the handle: it appends on the
//! caller's thread) and `keeper` (the thread for everything slower).

pub mod folder;
pub mod job;
pub mod journal;
mod keeper;
pub mod notice;
pub mod record;
#[expect(clippy::module_inception, reason = "the handle is what the module is named for")]
mod recovery;
mod seat;
pub mod snapshot;
pub mod state;

pub use recovery::{Options, Recovery};
