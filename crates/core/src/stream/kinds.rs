//! Which types of job events somebody wants, as bits. `lib/event-types.js` has the same numbers.

use crate::wire::message::JobEventKind;

/// A set of event types.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// Every type.
    pub const ALL: Self = Self(63);
    /// No type.
    pub const NONE: Self = Self(0);

    /// The set that JavaScript gave as bits; unknown bits do not count.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self(u8::try_from(bits & u32::from(Self::ALL.0)).unwrap_or(Self::ALL.0))
    }

    /// The set of one.
    #[must_use]
    pub fn of(kind: JobEventKind) -> Self {
        Self(1 << number_of(kind))
    }

    /// Whether events of this type are in it.
    #[must_use]
    pub fn has(self, kind: JobEventKind) -> bool {
        self.0 & Self::of(kind).0 != 0
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The one type in a set that JavaScript gave; with none or several of them, the first or the last of all.
    #[must_use]
    pub fn kind(self) -> JobEventKind {
        KINDS.into_iter().find(|&kind| self.has(kind)).unwrap_or(JobEventKind::Other)
    }
}

const KINDS: [JobEventKind; 6] = [
    JobEventKind::Progress,
    JobEventKind::Log,
    JobEventKind::Partial,
    JobEventKind::Result,
    JobEventKind::Error,
    JobEventKind::Other,
];

/// The bit of a type, counted from 0.
#[must_use]
pub fn number_of(kind: JobEventKind) -> u64 {
    match kind {
        JobEventKind::Progress => 0,
        JobEventKind::Log => 1,
        JobEventKind::Partial => 2,
        JobEventKind::Result => 3,
        JobEventKind::Error => 4,
        JobEventKind::Other => 5,
    }
}

/// Whether events of this type end their job.
#[must_use]
pub fn is_end(kind: JobEventKind) -> bool {
    matches!(kind, JobEventKind::Result | JobEventKind::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_bit_of_its_own() {
        for (number, kind) in (0..).zip(KINDS) {
            assert_eq!(number_of(kind), number);
            assert_eq!(Kinds::of(kind).kind(), kind);
            assert_eq!(Kinds::from_bits(1 << number), Kinds::of(kind));
            assert!(Kinds::ALL.has(kind) && !Kinds::NONE.has(kind));
            assert_eq!(KINDS.into_iter().filter(|&other| Kinds::of(kind).has(other)).count(), 1);
        }
        assert!(Kinds::from_bits(64).is_empty());
    }
}
