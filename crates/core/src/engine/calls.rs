//! Requests that were sent and are not answered: plain data, the time passed in.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::jobs::JobKey;

/// Why a call was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallRefused {
    /// `Engine not ready`.
    NotReady,
    /// `BACKPRESSURE`.
    Backpressure,
    /// A defect of this package was caught.
    Panicked,
}

/// One of several calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// Its place in the app's table of promises.
    pub slot: u32,
    /// A JSON text.
    pub method: &'a str,
    /// A JSON text.
    pub params: Option<&'a str>,
    /// How long it waits for its answer.
    pub timeout: Timeout,
}

/// The limit of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// `requestTimeout`.
    Engine,
    /// One of its own; `None` waits for ever.
    Own(Option<Duration>),
}

/// What an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A call of the app.
    Call {
        /// Its place in the app's table of promises.
        slot: u32,
        /// A manager's `jobs.start` that goes through JavaScript: too late an answer must be sent `jobs.cancel`.
        starts_job: bool,
    },
    /// The health request of a start.
    StartHealth,
    /// A health request of the watch.
    WatchHealth,
    /// `jobs.start` of a queue.
    JobStart {
        /// The queue's number at this engine.
        queue: u32,
        /// The job.
        key: JobKey,
        /// Its attempt.
        attempt: u32,
    },
    /// `jobs.start` that took longer than a request may: its answer is still told to the queue, which cancels the job.
    LateJobStart {
        /// The queue's number at this engine.
        queue: u32,
        /// The job.
        key: JobKey,
        /// Its attempt.
        attempt: u32,
    },
    /// A `jobs.start` that nobody waits for any more: it timed out in JavaScript, or its queue is gone.
    OrphanedStart,
    /// `jobs.cancel` of a queue.
    JobCancel {
        /// The queue's number at this engine.
        queue: u32,
        /// The job.
        key: JobKey,
    },
    /// `jobs.cancel` for an orphan: nobody waits for the answer.
    Forgotten,
}

#[derive(Debug)]
struct Pending {
    purpose: Purpose,
    deadline: Option<Instant>,
}

/// The table. Each request leaves it exactly once: answered, expired, aborted or with the engine.
#[derive(Debug, Default)]
pub struct Calls {
    /// The keys are random and ours; what an engine makes up is looked for, and never kept: it cannot crowd a bucket.
    by_id: FxHashMap<Uuid, Pending>,
    deadlines: BTreeSet<(Instant, Uuid)>,
    /// The request behind each slot of [`Purpose::Call`].
    slots: Vec<Option<Uuid>>,
    waiting: usize,
}

impl Calls {
    /// A request was sent.
    pub fn insert(&mut self, id: Uuid, purpose: Purpose, deadline: Option<Instant>) {
        if let Purpose::Call { slot, .. } = purpose {
            let slot = slot as usize;
            if self.slots.len() <= slot {
                self.slots.resize(slot + 1, None);
            }
            self.slots[slot] = Some(id);
            self.waiting += 1;
        }
        if let Some(at) = deadline {
            self.deadlines.insert((at, id));
        }
        self.by_id.insert(id, Pending { purpose, deadline });
    }

    /// A request was answered, or could not be sent: what it was for, unless it is unknown.
    pub fn take(&mut self, id: Uuid) -> Option<Purpose> {
        let pending = self.by_id.remove(&id)?;
        if let Some(at) = pending.deadline {
            self.deadlines.remove(&(at, id));
        }
        if let Purpose::Call { slot, .. } = pending.purpose {
            self.slots[slot as usize] = None;
            self.waiting -= 1;
        }
        Some(pending.purpose)
    }

    /// The next request whose time is over, taken out.
    pub fn expire(&mut self, now: Instant) -> Option<(Uuid, Purpose)> {
        let &(at, id) = self.deadlines.first()?;
        if at > now {
            return None;
        }
        self.take(id).map(|purpose| (id, purpose))
    }

    /// The app no longer waits for this call. `false`: it was already answered.
    pub fn abort(&mut self, slot: u32) -> bool {
        let id = self.slots.get(slot as usize).copied().flatten();
        id.is_some_and(|id| self.take(id).is_some())
    }

    /// A queue is gone: what was started for it is nobody's, and is cancelled when its answer comes.
    pub fn disown(&mut self, queue: u32) {
        for pending in self.by_id.values_mut() {
            pending.purpose = match pending.purpose {
                Purpose::JobStart { queue: of, .. } | Purpose::LateJobStart { queue: of, .. }
                    if of == queue =>
                {
                    Purpose::OrphanedStart
                }
                Purpose::JobCancel { queue: of, .. } if of == queue => Purpose::Forgotten,
                other => other,
            };
        }
    }

    /// The engine is gone, and all answers with it.
    pub fn clear(&mut self) {
        self.by_id.clear();
        self.deadlines.clear();
        self.slots.clear();
        self.waiting = 0;
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The ids of all requests that are unanswered.
    #[cfg(test)]
    #[must_use]
    pub fn ids(&self) -> Vec<Uuid> {
        self.by_id.keys().copied().collect()
    }

    /// How many calls of the app are unanswered.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }
}

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;
