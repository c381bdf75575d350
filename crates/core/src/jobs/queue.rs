//! The queue itself: what the app does to it, and the way of each input to its rule.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::abandoned::Abandoned;
use super::history::History;
use super::job::{Exits, Job, Phase, Terms};
use super::lanes::Lanes;
use super::leases::Leases;
use super::names::{Name, Names};
use super::parking::Parking;
use super::table::Table;
use super::timers::Timers;
use super::{
    Config, Failure, Input, JobKey, NewJob, Outcome, Output, Path, Refused, Stats, Ticket, TimeoutChoice,
};
use crate::clock::Now;
use crate::wire::id::JsonId;

/// Where no driver says when the engine takes more, starts are tried again after this long.
const SCRIPT_BLOCKED: Duration = Duration::from_millis(100);

/// What becomes of a `cancel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReply {
    /// No live job has this id: `false`.
    Unknown,
    /// The job was queued and is settled: `true`.
    Removed,
    /// The engine has it: `CancelAnswered` for this ticket answers everybody who was told to wait.
    Wait(Ticket),
}

/// Which paths can start jobs.
#[derive(Debug, Default)]
struct Ready {
    native: bool,
    script: bool,
}

impl Ready {
    fn path(&mut self, path: Path) -> &mut bool {
        match path {
            Path::Native => &mut self.native,
            Path::Script => &mut self.script,
        }
    }

    fn is(&self, path: Path) -> bool {
        match path {
            Path::Native => self.native,
            Path::Script => self.script,
        }
    }
}

/// What the app allows: everything, no starts, or no new jobs, or neither.
#[derive(Debug, Default)]
struct Gate {
    paused: bool,
    draining: bool,
}

/// Too much waits for the engine: nothing starts until this is over.
#[derive(Debug, Clone, Copy)]
enum Blocked {
    UntilDrained,
    UntilDrainedOr(Instant),
}

/// See the module's documentation.
#[derive(Debug)]
pub struct JobQueue {
    pub(super) config: Config,
    pub(super) table: Table,
    pub(super) names: Names,
    /// The jobs that were submitted with an id.
    pub(super) ids: HashMap<Name, JobKey>,
    pub(super) lanes: Lanes,
    pub(super) leases: Leases,
    /// Whose the engine's jobs are, live or lingering.
    pub(super) routes: HashMap<JsonId, JobKey>,
    pub(super) timers: Timers,
    pub(super) parking: Parking,
    pub(super) abandoned: Abandoned,
    pub(super) history: History,
    pub(super) totals: Stats,
    /// Of the job taken last; the next most likely has the same.
    last_terms: Arc<Terms>,
    ready: Ready,
    gate: Gate,
    blocked: Option<Blocked>,
}

impl JobQueue {
    /// An empty queue; no path is ready.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            history: History::new(config.max_completed),
            config,
            table: Table::default(),
            names: Names::default(),
            ids: HashMap::new(),
            lanes: Lanes::default(),
            leases: Leases::default(),
            routes: HashMap::new(),
            timers: Timers::default(),
            parking: Parking::default(),
            abandoned: Abandoned::default(),
            totals: Stats::default(),
            last_terms: Arc::default(),
            ready: Ready::default(),
            gate: Gate::default(),
            blocked: None,
        }
    }

    /// The same without its jobs, after a defect. No key of the new jobs was an old one's, for whom answers may still come.
    #[must_use]
    pub fn emptied(&self) -> Self {
        let Gate { paused, draining } = self.gate;
        let Stats { done, failed, cancelled, .. } = self.totals;
        Self {
            table: self.table.emptied(),
            names: self.names.clone(),
            totals: Stats { done, failed, cancelled, ..Stats::default() },
            gate: Gate { paused, draining },
            ..Self::new(self.config.clone())
        }
    }

    /// Takes a job. With a lease free, its `Start` is in `out`.
    ///
    /// # Errors
    /// [`Refused`]; nothing changed.
    pub fn submit(&mut self, job: NewJob, now: Now, out: &mut Vec<Output<'_>>) -> Result<JobKey, Refused> {
        if self.gate.draining {
            return Err(Refused::Draining);
        }
        let given = job.id.as_ref().map(|id| self.names.name(id));
        if given.as_ref().is_some_and(|name| self.named(name).is_some()) {
            return Err(Refused::Duplicate);
        }
        let starts_at_once =
            self.may_start() && self.ready.is(job.path) && self.lanes.is_clear_for(job.priority);
        if !starts_at_once && self.config.max_queue_size.is_some_and(|max| self.queue_len() >= max) {
            return Err(Refused::Full);
        }
        let terms = Terms {
            type_json: job.type_json,
            timeout: match job.timeout {
                TimeoutChoice::Default => self.config.default_timeout,
                TimeoutChoice::None => None,
                TimeoutChoice::Some(timeout) => Some(timeout),
            },
            retries: job.retries.unwrap_or(self.config.retries),
        };
        if *self.last_terms != terms {
            self.last_terms = terms.into();
        }
        let seat = self.lanes.tail_seat();
        let live = Job {
            id: job.id,
            terms: self.last_terms.clone(),
            payload_json: job.payload_json,
            phase: Phase::Queued { seat },
            started: None,
            ticket: job.ticket,
            exits: job.exits.map(|granted| Box::new(Exits::new(granted))),
            excused: 0,
            attempt: 0,
            priority: job.priority,
        };
        let key = self.table.insert(job.path, live).ok_or(Refused::Full)?;
        if let Some(name) = given {
            self.ids.insert(name, key);
        }
        self.lanes.queue(job.priority, seat, key);
        self.totals.submitted += 1;
        self.start_due(now, out);
        Ok(key)
    }

    /// What its jobs are named by, when they have no ids of their own.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The live job that has this id.
    pub(super) fn find(&self, id: &str) -> Option<JobKey> {
        match self.names.key(id) {
            Some(key) => self.named(&Name::Key(key)),
            None if self.ids.is_empty() => None,
            None => self.ids.get(&Name::Text(id.into())).copied(),
        }
    }

    fn named(&self, name: &Name) -> Option<JobKey> {
        match name {
            Name::Key(key) if self.table.get(*key).is_some_and(|job| job.id.is_none()) => Some(*key),
            // An id that was given out here may come back with another job.
            _ => self.ids.get(name).copied(),
        }
    }

    /// `cancel(id)`.
    pub fn cancel(&mut self, id: &str, now: Now, out: &mut Vec<Output<'_>>) -> CancelReply {
        let Some(key) = self.find(id) else { return CancelReply::Unknown };
        let Some(job) = self.table.get_mut(key) else { return CancelReply::Unknown };
        let ticket = job.ticket;
        match &mut job.phase {
            Phase::Starting(starting) => starting.cancel_waits = true,
            Phase::Running(running) => {
                if !running.cancel_waits {
                    running.cancel_waits = true;
                    out.push(Output::SendCancel {
                        key,
                        path: key.path(),
                        engine_id: running.engine_id.clone(),
                    });
                }
            }
            Phase::Queued { .. } | Phase::Asking(_) | Phase::Waiting(_) => {
                self.leave_queue(key, out);
                self.settle(key, Outcome::Failed(Failure::Cancelled), now, out);
                self.finish(false, now, out);
                return CancelReply::Removed;
            }
        }
        CancelReply::Wait(ticket)
    }

    /// Takes in what happened.
    pub fn step<'a>(&mut self, input: Input<'a>, now: Now, out: &mut Vec<Output<'a>>) {
        let was_idle = self.is_idle();
        match input {
            Input::EngineReady { path } => *self.ready.path(path) = true,
            Input::EngineNotReady { path } => *self.ready.path(path) = false,
            Input::EngineExited => {
                self.forget_engine(out);
                self.engine_exited(now, out);
            }
            Input::EngineStopping => {
                self.forget_engine(out);
                self.engine_stopping(now, out);
            }
            Input::StartAnswered { key, attempt, reply } => {
                self.start_answered(key, attempt, reply, now, out);
            }
            Input::StartBlocked { key, attempt } => {
                if self.start_blocked(key, attempt, now, out) {
                    self.blocked = Some(match key.path() {
                        Path::Native => Blocked::UntilDrained,
                        Path::Script => Blocked::UntilDrainedOr(now.instant + SCRIPT_BLOCKED),
                    });
                }
            }
            Input::WriterDrained => self.blocked = None,
            Input::Event { engine_id, event } => self.engine_event(engine_id, event, now, out),
            Input::CancelAnswered { key, reply } => self.cancel_answered(key, reply, now, out),
            Input::RetryDecision { key, retry } => self.retry_decided(key, retry, now, out),
            Input::Tick => self.tick(now, out),
        }
        self.finish(was_idle, now, out);
    }

    /// What every change may bring about: parked events that are nobody's, free leases, an idle queue.
    fn finish(&mut self, was_idle: bool, now: Now, out: &mut Vec<Output<'_>>) {
        self.parking.expire(self.leases.oldest_unanswered(), out);
        self.start_due(now, out);
        if !was_idle && self.is_idle() {
            self.ids.shrink_to(1024);
            out.push(Output::Idle);
        }
    }

    /// No starts until [`JobQueue::resume`]; what is active goes on.
    pub fn pause(&mut self) {
        self.gate.paused = true;
    }

    /// Ends [`JobQueue::pause`] and [`JobQueue::drain`].
    pub fn resume(&mut self, now: Now, out: &mut Vec<Output<'_>>) {
        self.gate = Gate::default();
        self.start_due(now, out);
    }

    /// No new jobs until [`JobQueue::resume`]; `Idle`, or [`JobQueue::is_idle`] now, tells when all have ended.
    pub fn drain(&mut self) {
        self.gate.draining = true;
    }

    /// When a `Tick` is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let unblocked = match self.blocked {
            Some(Blocked::UntilDrainedOr(until)) => Some(until),
            Some(Blocked::UntilDrained) | None => None,
        };
        self.timers.next().into_iter().chain(unblocked).min()
    }

    fn tick(&mut self, now: Now, out: &mut Vec<Output<'_>>) {
        if matches!(self.blocked, Some(Blocked::UntilDrainedOr(until)) if until <= now.instant) {
            self.blocked = None;
        }
        while let Some(key) = self.timers.pop_due(now.instant) {
            match self.table.get(key).map(|job| &job.phase) {
                Some(Phase::Starting(_) | Phase::Running(_)) => self.attempt_timed_out(key, now, out),
                Some(Phase::Waiting(_)) => self.retry_due(key),
                Some(Phase::Queued { .. } | Phase::Asking(_)) => {}
                None => self.grace_over(key, out),
            }
        }
    }

    /// The engine's run is over: its job ids and answers mean nothing any more.
    fn forget_engine(&mut self, out: &mut Vec<Output<'_>>) {
        self.ready = Ready::default();
        self.blocked = None;
        self.abandoned.clear();
        self.end_all_lingering(out);
    }

    fn may_start(&self) -> bool {
        let free = self.config.concurrency.is_none_or(|most| self.leases.held() < most);
        free && !self.gate.paused && self.blocked.is_none()
    }

    /// Starts whose turn it is. A first that cannot start holds up all behind it, on either path: the order is strict.
    fn start_due(&mut self, now: Now, out: &mut Vec<Output<'_>>) {
        while self.may_start()
            && let Some(key) = self.lanes.first()
            && self.ready.is(key.path())
        {
            self.start(key, now, out);
        }
    }
}
