//! The cache's queue and its thread, before a disk that is a map.

#[path = "../../crates/core/src/cache/command.rs"]
pub mod command;
#[path = "../../crates/core/src/cache/disk.rs"]
pub mod disk;
#[path = "../../crates/core/src/cache/key.rs"]
pub mod key;
#[path = "../../crates/core/src/cache/record.rs"]
pub mod record;
pub mod store;
#[path = "../../crates/core/src/cache/unfetched.rs"]
pub mod unfetched;

pub use key::Key;

/// Why a command was not carried out.
pub mod failure {
    /// The one that the cache's thread itself can meet.
    #[derive(Debug)]
    pub enum Failure {
        /// There is no way to the disk.
        Refused(String),
    }
}

/// What other processes changed: there are none.
pub mod changes {
    use std::collections::HashSet;

    use super::Key;

    /// Keys that were changed.
    #[derive(Debug)]
    pub enum Changes {
        /// These.
        Keys(HashSet<Key>),
        /// Any.
        All,
    }

    impl Default for Changes {
        fn default() -> Self {
            Self::Keys(HashSet::new())
        }
    }

    impl Changes {
        /// Whether nothing changed.
        #[must_use]
        pub fn is_empty(&self) -> bool {
            matches!(self, Self::Keys(keys) if keys.is_empty())
        }
    }
}
