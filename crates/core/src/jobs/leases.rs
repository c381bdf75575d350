//! Concurrency slots: who holds one, since when, and what is still to be heard before it is free again.
//!
//! A lease outlives its job when the job timed out or was cancelled and the engine may still be at work on it. Such a
//! lease *lingers*: the job is settled, forgotten everywhere else, and has no ticket.

use std::collections::BTreeMap;

use super::timers::TimerId;
use super::{JobKey, Path};
use crate::wire::id::JsonId;

/// Leases in the order they were taken.
pub(super) type Lease = u64;

/// The lease of a settled job.
#[derive(Debug)]
pub(super) struct Lingering {
    pub(super) lease: Lease,
    /// When the grace is over.
    pub(super) timer: Option<TimerId>,
    pub(super) awaits: Awaits,
}

#[derive(Debug)]
pub(super) enum Awaits {
    /// The answer to the `jobs.start` of this attempt.
    Answer { attempt: u32 },
    /// The end of this job of the engine.
    End(JsonId),
}

#[derive(Debug, Default)]
pub(super) struct Leases {
    next: Lease,
    active: BTreeMap<Lease, JobKey>,
    lingering: BTreeMap<JobKey, Lingering>,
    /// Those with an unanswered `jobs.start`.
    unanswered: BTreeMap<Lease, Path>,
    unanswered_script: usize,
}

impl Leases {
    pub(super) fn take(&mut self, key: JobKey) -> Lease {
        let lease = self.next;
        self.next += 1;
        self.active.insert(lease, key);
        self.unanswered.insert(lease, key.path());
        self.unanswered_script += usize::from(key.path() == Path::Script);
        lease
    }

    pub(super) fn answered(&mut self, lease: Lease) {
        if self.unanswered.remove(&lease) == Some(Path::Script) {
            self.unanswered_script -= 1;
        }
    }

    pub(super) fn free(&mut self, lease: Lease) {
        self.answered(lease);
        self.active.remove(&lease);
    }

    /// The job settles; its lease stays.
    pub(super) fn linger(&mut self, key: JobKey, lingering: Lingering) {
        self.active.remove(&lingering.lease);
        self.lingering.insert(key, lingering);
    }

    pub(super) fn lingering(&mut self, key: JobKey) -> Option<&mut Lingering> {
        self.lingering.get_mut(&key)
    }

    pub(super) fn end_lingering(&mut self, key: JobKey) -> Option<Lingering> {
        let lingering = self.lingering.remove(&key)?;
        self.answered(lingering.lease);
        Some(lingering)
    }

    pub(super) fn lingering_keys(&self) -> Vec<JobKey> {
        self.lingering.keys().copied().collect()
    }

    /// The jobs that are starting or running, in the order they were started.
    pub(super) fn active(&self) -> impl Iterator<Item = JobKey> {
        self.active.values().copied()
    }

    pub(super) fn active_count(&self) -> usize {
        self.active.len()
    }

    pub(super) fn lingering_count(&self) -> usize {
        self.lingering.len()
    }

    pub(super) fn held(&self) -> usize {
        self.active.len() + self.lingering.len()
    }

    pub(super) fn unanswered_count(&self) -> usize {
        self.unanswered.len()
    }

    pub(super) fn awaits_answer(&self, path: Path) -> bool {
        match path {
            Path::Script => self.unanswered_script > 0,
            Path::Native => self.unanswered.len() > self.unanswered_script,
        }
    }

    pub(super) fn oldest_unanswered(&self) -> Option<Lease> {
        self.unanswered.first_key_value().map(|(&lease, _)| lease)
    }

    /// Every lease taken so far is below this.
    pub(super) fn horizon(&self) -> Lease {
        self.next
    }
}
