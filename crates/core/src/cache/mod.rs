//! The cache: what may stay in memory, and the entries on disk (contract section 5).
//!
//! Pure: `memory` (who goes when memory is full), `key`, `record`, `stale`. Drivers: `disk` (the queue and its thread),
//! `store` (carries out a batch of commands), `database` with `rows` and `changes` (`SQLite`), `opening` (files, locks,
//! damage), `version1` (the files of version 1). Values are texts and bytes here; what they are is JavaScript's.

mod changes;
mod command;
mod database;
mod disk;
mod failure;
mod key;
mod memory;
mod opening;
mod record;
mod rows;
mod seal;
mod stale;
mod store;
mod unfetched;
mod version1;

pub use changes::Changes;
pub use command::{Answer, Command, Work};
pub use disk::{Disk, Submit};
pub use key::Key;
pub use memory::Memory;
pub use record::{Head, JSON, Record, UNDEFINED, entry_size};
pub use store::{Outcome, Store};
pub use version1::parse as parse_version1;
