//! Starts that nobody waits for any more, and whose answer may still come: the engine then runs a job for nobody, and is
//! sent `jobs.cancel` (contract section 4).

use std::collections::{HashSet, VecDeque};

use super::JobKey;

/// So many are remembered; of older ones a late answer is ignored.
pub(super) const MAX_ABANDONED: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Abandoned {
    starts: HashSet<(JobKey, u32)>,
    /// In the order they came, with some that were answered since.
    order: VecDeque<(JobKey, u32)>,
}

impl Abandoned {
    pub(super) fn add(&mut self, key: JobKey, attempt: u32) {
        if self.order.len() == MAX_ABANDONED
            && let Some(oldest) = self.order.pop_front()
        {
            self.starts.remove(&oldest);
        }
        self.order.push_back((key, attempt));
        self.starts.insert((key, attempt));
    }

    /// Whether this answer is one of theirs. The next is not.
    pub(super) fn take(&mut self, key: JobKey, attempt: u32) -> bool {
        self.starts.remove(&(key, attempt))
    }

    /// The engine is gone, and its answers with it.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_remembered_and_each_is_taken_once() {
        let mut abandoned = Abandoned::default();
        for number in 0..=MAX_ABANDONED as u64 {
            abandoned.add(JobKey(number), 1);
        }
        assert_eq!(abandoned.order.len(), MAX_ABANDONED);
        assert!(!abandoned.take(JobKey(0), 1), "the oldest is forgotten");
        assert!(abandoned.take(JobKey(1), 1));
        assert!(!abandoned.take(JobKey(1), 1));
        assert!(!abandoned.take(JobKey(2), 2), "another attempt");
    }
}
