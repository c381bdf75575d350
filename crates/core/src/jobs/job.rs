//! One live job and the phases of its life.
//!
//! ```text
//! Queued   → Starting           its turn: `Start`
//! Starting → Queued             not sent after all (backpressure): its old seat
//! Starting → Running            the engine gave its id: `Started`
//! Starting, Running → Asking    failed, retries left, and the app wants to be asked: `AskRetry`
//! Starting, Running, Asking → Waiting   failed, is tried again: `Retry`; the tail of its lane when the wait is over
//! Starting, Running, Asking → Queued    its engine exited, is tried again or put back: `Retry`; the head of its lane
//! any → gone                    `Settle`; the lease of a timed-out or cancelled job may linger (`leases`)
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lanes::Seat;
use super::leases::Lease;
use super::output::Failure;
use super::timers::TimerId;
use super::{Priority, Ticket};
use crate::clock::Now;
use crate::wire::id::JsonId;

#[derive(Debug)]
pub(super) struct Job {
    /// `None`: its key's ([`super::Names`]).
    pub(super) id: Option<Arc<str>>,
    pub(super) terms: Arc<Terms>,
    pub(super) payload_json: Option<Box<str>>,
    pub(super) phase: Phase,
    /// Its last `Started`; boxed, for most queued jobs never had one.
    pub(super) started: Option<Box<LastStart>>,
    pub(super) ticket: Ticket,
    /// `None`: nobody recovers it; boxed, for the same reason.
    pub(super) exits: Option<Box<Exits>>,
    /// Attempts that its engine's exit ended, and that do not count among those that failed.
    pub(super) excused: u32,
    /// The attempt under way, or the last one; 0 before the first.
    pub(super) attempt: u32,
    pub(super) priority: Priority,
}

/// What a job was submitted under. Jobs that are submitted alike, one behind the other, share it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) type_json: Box<str>,
    /// Of each attempt.
    pub(super) timeout: Option<Duration>,
    /// `u32::MAX`: no limit.
    pub(super) retries: u32,
}

/// What an active job needs more than a queued one is boxed: a million may be queued.
#[derive(Debug)]
pub(super) enum Phase {
    Queued { seat: Seat },
    Starting(Box<Starting>),
    Running(Box<Running>),
    Asking(Box<Asking>),
    Waiting(Box<Waiting>),
}

/// `jobs.start` is out, unanswered. To the app: `pending`, active.
#[derive(Debug)]
pub(super) struct Starting {
    pub(super) lease: Lease,
    pub(super) timer: Option<TimerId>,
    /// Where it goes back to when its `jobs.start` was not sent.
    pub(super) seat: Seat,
    pub(super) cancel_waits: bool,
}

/// The engine gave its id and has not reported its end.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) lease: Lease,
    pub(super) timer: Option<TimerId>,
    pub(super) engine_id: JsonId,
    /// `jobs.cancel` is out, unanswered.
    pub(super) cancel_waits: bool,
    /// The latest `percent`, raw JSON.
    pub(super) progress: Option<Vec<u8>>,
    /// The latest `message`, raw JSON.
    pub(super) message: Option<Vec<u8>>,
}

/// Its attempt failed and the app is asked whether to try again. To the app: `pending`, queued.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) seat: Seat,
    pub(super) failure: Failure<'static>,
    /// Its engine exited: where it re-enters.
    pub(super) head_seat: Option<Seat>,
}

/// Its attempt failed, and the next one is some time away. To the app: `pending`, queued.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) seat: Seat,
    pub(super) timer: Option<TimerId>,
}

/// The engine exits that a job may live through, and those that it did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exits {
    pub(super) granted: u32,
    pub(super) used: u32,
}

impl Exits {
    pub(super) fn new(granted: u32) -> Self {
        Self { granted, used: 0 }
    }
}

/// When a job last began to run, and as what.
#[derive(Debug)]
pub(super) struct LastStart {
    pub(super) instant: Instant,
    pub(super) wall_ms: u64,
    pub(super) engine_id: JsonId,
}

impl LastStart {
    pub(super) fn new(now: Now, engine_id: JsonId) -> Self {
        Self { instant: now.instant, wall_ms: now.wall_ms, engine_id }
    }
}

impl Job {
    /// `jobs.start` of this attempt is out and unanswered.
    pub(super) fn is_starting(&self, attempt: u32) -> bool {
        self.attempt == attempt && matches!(self.phase, Phase::Starting(_))
    }

    /// Its engine exited: whether it is put back. `None`: nobody recovers it.
    pub(super) fn live_through_exit(&mut self) -> Option<bool> {
        let exits = self.exits.as_mut()?;
        let lives = exits.used < exits.granted;
        if lives {
            exits.used += 1;
            self.excused += 1;
        }
        Some(lives)
    }

    /// Whether the attempt that failed may be followed by another.
    pub(super) fn has_retry_left(&self) -> bool {
        self.terms.retries == u32::MAX || self.attempt.saturating_sub(self.excused) <= self.terms.retries
    }

    /// Whether a `cancel` of this job waits for the engine.
    pub(super) fn cancel_waits(&self) -> bool {
        match &self.phase {
            Phase::Starting(starting) => starting.cancel_waits,
            Phase::Running(running) => running.cancel_waits,
            Phase::Queued { .. } | Phase::Asking(_) | Phase::Waiting(_) => false,
        }
    }
}
