//! The queue's alarms in order of their time; of one moment, in the order they were set.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::JobKey;

/// Names an alarm that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerId(Instant, u64);

/// At most one per job: its attempt's timeout, its wait for a retry, or the end of its grace.
#[derive(Debug, Default)]
pub(super) struct Timers {
    set: BTreeMap<TimerId, JobKey>,
    next: u64,
}

impl Timers {
    /// `None` without a limit, and for a moment past what the clock can name: it never comes.
    pub(super) fn set(&mut self, from: Instant, after: Option<Duration>, key: JobKey) -> Option<TimerId> {
        let id = TimerId(from.checked_add(after?)?, self.next);
        self.next += 1;
        self.set.insert(id, key);
        Some(id)
    }

    pub(super) fn unset(&mut self, id: Option<TimerId>) {
        if let Some(id) = id {
            self.set.remove(&id);
        }
    }

    pub(super) fn pop_due(&mut self, now: Instant) -> Option<JobKey> {
        let first = self.set.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.set.first_key_value().map(|(id, _)| id.0)
    }
}
