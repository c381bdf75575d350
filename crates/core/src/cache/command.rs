//! What the facade asks of the disk, and what it is answered.

use crate::cache::Key;
use crate::cache::record::Record;

/// One request.
#[derive(Debug, Clone)]
pub struct Command {
    /// What the answer is told by.
    pub ticket: u32,
    /// The time at which the app asked, milliseconds since the epoch: what is expired then is not there.
    pub now_ms: i64,
    /// What is asked.
    pub work: Work,
}

/// What is asked.
#[derive(Debug, Clone)]
pub enum Work {
    /// The entry of a key. `known`: memory has it, and it is asked for only if another process changed it.
    Get {
        /// The key.
        key: Key,
        /// Whether memory has an entry of the key.
        known: bool,
    },
    /// Whether there is an entry.
    Has(Key),
    /// Stores an entry.
    Set(Key, Record),
    /// Removes an entry.
    Delete(Key),
    /// The app set a value that the disk cannot take: the older one must go, and the answer is no.
    Refuse(Key),
    /// Removes all entries with a prefix, and counts distinct keys.
    Clear {
        /// `None`: all entries.
        prefix: Option<Key>,
        /// The keys that memory had.
        memory: Vec<Key>,
    },
    /// Removes expired entries, and counts distinct keys.
    Prune {
        /// The expired keys that memory had.
        memory: Vec<Key>,
    },
    /// The keys with a prefix.
    Keys(Key),
    /// Memory used these keys, in this order. Not answered.
    Touch(Vec<Key>),
    /// Everything before is written; the files are closed.
    Close,
    /// Our own: a file of version 1 was read, and moves into the database. Not answered.
    Adopt(Key),
    /// Our own: an entry was found expired. Not answered.
    Expire(Key),
    /// A test's: a defect, among the commands around it.
    Fault,
}

impl Work {
    /// Whether a write transaction is needed.
    #[must_use]
    pub fn writes(&self) -> bool {
        !matches!(self, Self::Get { .. } | Self::Has(_) | Self::Keys(_) | Self::Close)
    }

    /// The bytes that wait with the command: those that a queue of commands is bounded by.
    #[must_use]
    pub fn bytes(&self) -> usize {
        if let Self::Set(key, record) = self { key.as_bytes().len() + record.value.len() } else { 0 }
    }
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was done, or not.
    Done(bool),
    /// A `clear` or `prune`.
    Counted {
        /// Whether the disk has done its part.
        success: bool,
        /// Distinct keys.
        count: usize,
    },
    /// The keys, as the text of a JSON array.
    Keys(Vec<u8>),
    /// The entry.
    Found(Record),
    /// No entry.
    Missing,
    /// What memory has is still right.
    Unchanged,
}

impl Answer {
    /// The bytes that the answer carries.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Found(record) => record.value.len(),
            Self::Keys(text) => text.len(),
            _ => 0,
        }
    }
}
