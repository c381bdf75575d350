//! The queue's rules again, naive: every job in one vector, every question a scan, every order a sort.

use std::time::{Duration, Instant};

use desktop_runtime_core::clock::Now;
use desktop_runtime_core::jobs::*;
use desktop_runtime_core::wire::id::JsonId;

pub type Out = Output<'static>;

/// Sorts the queue: priority; those put back by an exit, the last exit first; then as they came.
type Place = (u8, u8, i64, usize);

#[derive(Clone, Debug, PartialEq)]
enum State {
    Queued,
    Starting { cancel: bool },
    Running { id: JsonId, cancel: bool },
    Asking { failure: Failure<'static>, front: Option<Place> },
    Waiting,
}

#[derive(Clone, Debug)]
struct TwinJob {
    key: JobKey,
    ticket: Ticket,
    id: String,
    rank: u8,
    timeout: Option<Duration>,
    retries: u32,
    /// Granted, and used of them.
    exits: Option<(u32, u32)>,
    /// The attempts that an exit ended, and the job was put back for.
    put_back: u32,
    attempt: u32,
    place: Place,
    state: State,
    /// The number of its last start.
    start: u64,
    alarm: Option<(Instant, u64)>,
    started: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq)]
enum Blocked {
    No,
    UntilDrained,
    Until(Instant),
}

/// A settled job whose lease is held.
#[derive(Clone, Debug)]
struct Lease {
    key: JobKey,
    start: u64,
    alarm: Option<(Instant, u64)>,
    /// The attempt whose answer is awaited, or the id whose end is.
    awaits: Result<JsonId, u32>,
}

pub struct Twin {
    config: Config,
    ready: Vec<Path>,
    paused: bool,
    draining: bool,
    blocked: Blocked,
    jobs: Vec<TwinJob>,
    leases: Vec<Lease>,
    abandoned: Vec<(JobKey, u32)>,
    parked: Vec<(JsonId, EngineEvent<'static>, u64)>,
    count: u64,
    out: Vec<Out>,
}

impl Twin {
    pub fn new(config: Config) -> Self {
        Self {
            config,
            ready: vec![],
            paused: false,
            draining: false,
            blocked: Blocked::No,
            jobs: vec![],
            leases: vec![],
            abandoned: vec![],
            parked: vec![],
            count: 0,
            out: vec![],
        }
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn at(&self, key: JobKey) -> Option<usize> {
        self.jobs.iter().position(|job| job.key == key)
    }

    pub fn held(&self) -> usize {
        self.active() + self.leases.len()
    }

    pub fn active(&self) -> usize {
        let active = |job: &&TwinJob| matches!(job.state, State::Starting { .. } | State::Running { .. });
        self.jobs.iter().filter(active).count()
    }

    pub fn lingering(&self) -> usize {
        self.leases.len()
    }

    pub fn queue_len(&self) -> usize {
        self.jobs.len() - self.active()
    }

    fn queue(&self) -> Vec<usize> {
        let mut queue: Vec<usize> =
            (0..self.jobs.len()).filter(|&at| self.jobs[at].state == State::Queued).collect();
        queue.sort_by_key(|&at| self.jobs[at].place);
        queue
    }

    fn may_start(&self) -> bool {
        let free = self.config.concurrency.is_none_or(|most| self.held() < most);
        !self.paused && self.blocked == Blocked::No && free
    }

    /// What the answer to a `submit` must be; the caller then calls `submitted`.
    pub fn would_refuse(&self, id: &str, path: Path, rank: u8) -> Option<Refused> {
        let first = self.queue().iter().all(|&at| self.jobs[at].rank > rank);
        let starts = self.may_start() && self.ready.contains(&path) && first;
        if self.draining {
            Some(Refused::Draining)
        } else if self.jobs.iter().any(|job| job.id == id) {
            Some(Refused::Duplicate)
        } else if !starts && self.config.max_queue_size.is_some_and(|max| self.queue_len() >= max) {
            Some(Refused::Full)
        } else {
            None
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a job's fields, as the harness has them")]
    pub fn submitted(
        &mut self,
        key: JobKey,
        id: &str,
        ticket: Ticket,
        rank: u8,
        timeout: Option<Duration>,
        (retries, exits): (u32, Option<u32>),
        now: Now,
    ) -> Vec<Out> {
        let place = self.tail(rank);
        self.jobs.push(TwinJob {
            key,
            ticket,
            id: id.into(),
            rank,
            timeout,
            retries,
            exits: exits.map(|exits| (exits, 0)),
            put_back: 0,
            attempt: 0,
            place,
            state: State::Queued,
            start: 0,
            alarm: None,
            started: None,
        });
        self.pump(now);
        std::mem::take(&mut self.out)
    }

    fn tail(&mut self, rank: u8) -> Place {
        (rank, 1, 0, usize::try_from(self.next()).unwrap())
    }

    fn pump(&mut self, now: Now) {
        while self.may_start() {
            let Some(&at) = self.queue().first() else { return };
            if !self.ready.contains(&self.jobs[at].key.path()) {
                return;
            }
            let (start, number) = (self.next(), self.next());
            let job = &mut self.jobs[at];
            job.attempt += 1;
            job.start = start;
            job.alarm = job.timeout.map(|timeout| (now.instant + timeout, number));
            job.state = State::Starting { cancel: false };
            self.out.push(Output::Start {
                key: job.key,
                attempt: job.attempt,
                ticket: job.ticket,
                path: job.key.path(),
            });
        }
    }

    fn finish(&mut self, was_idle: bool, now: Now) -> Vec<Out> {
        let unanswered = self.unanswered();
        let (kept, gone) = std::mem::take(&mut self.parked)
            .into_iter()
            .partition(|(_, _, at)| unanswered.iter().any(|start| start < at));
        self.parked = kept;
        for (_, event, _) in Vec::from_iter(gone) {
            self.forget_event(&event);
        }
        self.pump(now);
        if !was_idle && self.jobs.is_empty() {
            self.out.push(Output::Idle);
        }
        std::mem::take(&mut self.out)
    }

    fn unanswered(&self) -> Vec<u64> {
        let starting = self.jobs.iter().filter(|job| matches!(job.state, State::Starting { .. }));
        let lingering = self.leases.iter().filter(|lease| lease.awaits.is_err());
        starting.map(|job| job.start).chain(lingering.map(|lease| lease.start)).collect()
    }

    fn forget(&mut self, data: &Data<'static>) {
        if let Data::Held(held, _) = *data {
            self.out.push(Output::Forget { held });
        }
    }

    fn forget_event(&mut self, event: &EngineEvent<'static>) {
        if let EngineEvent::Result(data) | EngineEvent::Error(data) = event {
            self.forget(data);
        }
    }

    fn forget_failure(&mut self, failure: &Failure<'static>) {
        if let Failure::EngineEvent(data) | Failure::StartError(data) | Failure::BadPayload(data) = failure {
            self.forget(data);
        }
    }

    fn settle(&mut self, at: usize, outcome: Outcome<'static>, now: Now) {
        let job = self.jobs.remove(at);
        let started = job.started.map(|started| StartedInfo {
            duration_ms: u64::try_from((now.instant - started).as_millis()).unwrap(),
        });
        let (ticket, key) = (job.ticket, job.key);
        self.out.push(Output::Settle { ticket, key, path: key.path(), outcome, started });
    }

    fn fail(&mut self, at: usize, failure: Failure<'static>, now: Now) {
        self.settle(at, Outcome::Failed(failure), now);
    }

    pub fn cancel(&mut self, id: &str, now: Now) -> (CancelReply, Vec<Out>) {
        let Some(at) = self.jobs.iter().position(|job| job.id == id) else {
            return (CancelReply::Unknown, vec![]);
        };
        let ticket = self.jobs[at].ticket;
        let key = self.jobs[at].key;
        match self.jobs[at].state.clone() {
            State::Starting { .. } => self.jobs[at].state = State::Starting { cancel: true },
            State::Running { id, cancel } => {
                if !cancel {
                    self.out.push(Output::SendCancel { key, path: key.path(), engine_id: id.clone() });
                }
                self.jobs[at].state = State::Running { id, cancel: true };
            }
            state => {
                if let State::Asking { failure, .. } = state {
                    self.forget_failure(&failure);
                }
                self.fail(at, Failure::Cancelled, now);
                return (CancelReply::Removed, self.finish(false, now));
            }
        }
        (CancelReply::Wait(ticket), std::mem::take(&mut self.out))
    }

    pub fn follow(&mut self) -> Vec<FollowedJob> {
        let ids = self.listed().into_iter().map(|(id, _)| id);
        let mut found = vec![];
        for id in ids {
            let job = self.jobs.iter_mut().find(|job| job.id == id).unwrap();
            job.exits = Some((u32::MAX, 0));
            let active = matches!(job.state, State::Starting { .. } | State::Running { .. });
            let (started, retried) = match job.state {
                State::Starting { .. } => (job.attempt - 1, job.attempt - 1),
                State::Running { .. } | State::Asking { .. } => (job.attempt, job.attempt - 1),
                State::Queued | State::Waiting => (job.attempt, job.attempt),
            };
            let followed = FollowedJob {
                ticket: job.ticket,
                path: job.key.path(),
                priority: [Priority::High, Priority::Normal, Priority::Low][usize::from(job.rank)],
                running: matches!(job.state, State::Running { .. }),
                started,
                retried,
            };
            found.push((!active, followed));
        }
        found.sort_by_key(|(queued, _)| *queued);
        found.into_iter().map(|(_, followed)| followed).collect()
    }

    pub fn grant_exits(&mut self, id: &str, exits: u32) {
        if let Some(job) = self.jobs.iter_mut().find(|job| job.id == id)
            && let Some((granted, _)) = &mut job.exits
        {
            *granted = exits;
        }
    }

    pub fn unfollow(&mut self) {
        self.jobs.iter_mut().for_each(|job| job.exits = None);
    }

    pub fn pause(&mut self) {
        self.paused = true;
    }

    pub fn drain(&mut self) {
        self.draining = true;
    }

    pub fn resume(&mut self, now: Now) -> Vec<Out> {
        (self.paused, self.draining) = (false, false);
        self.pump(now);
        std::mem::take(&mut self.out)
    }

    pub fn step(&mut self, input: Input<'static>, now: Now) -> Vec<Out> {
        let was_idle = self.jobs.is_empty();
        match input {
            Input::EngineReady { path } => self.ready.push(path),
            Input::EngineNotReady { path } => self.ready.retain(|&other| other != path),
            Input::EngineExited => self.engine_gone(&Failure::EngineExited, now),
            Input::EngineStopping => self.engine_gone(&Failure::ShuttingDown, now),
            Input::StartAnswered { key, attempt, reply } => self.answered(key, attempt, reply, now),
            Input::StartBlocked { key, attempt } => self.start_blocked(key, attempt, now),
            Input::WriterDrained => self.blocked = Blocked::No,
            Input::Event { engine_id, event } => self.event(engine_id, event, now),
            Input::CancelAnswered { key, reply } => self.cancel_answered(key, reply, now),
            Input::RetryDecision { key, retry } => {
                if let Some(at) = self.at(key)
                    && let State::Asking { failure, front } = self.jobs[at].state.clone()
                {
                    if retry {
                        self.retry(at, failure, front, now);
                    } else {
                        self.fail(at, failure, now);
                    }
                }
            }
            Input::Tick => self.tick(now),
        }
        self.finish(was_idle, now)
    }

    fn engine_gone(&mut self, failure: &Failure<'static>, now: Now) {
        self.ready.clear();
        self.blocked = Blocked::No;
        self.abandoned.clear();
        self.leases.sort_by_key(|lease| lease.key);
        for lease in std::mem::take(&mut self.leases) {
            if lease.awaits.is_ok() {
                self.out.push(Output::Release { key: lease.key, path: lease.key.path() });
            }
        }
        let mut active: Vec<(u64, JobKey)> = vec![];
        for job in &self.jobs {
            if matches!(job.state, State::Starting { .. } | State::Running { .. }) {
                active.push((job.start, job.key));
            }
        }
        active.sort_unstable();
        let exit = -i64::try_from(self.next()).unwrap();
        for (number, (_, key)) in active.into_iter().enumerate() {
            let at = self.at(key).unwrap();
            let front = (*failure == Failure::EngineExited).then(|| (self.jobs[at].rank, 0, exit, number));
            self.attempt_failed(at, failure.clone(), front, now);
        }
    }

    fn answered(&mut self, key: JobKey, attempt: u32, reply: StartReply<'static>, now: Now) {
        let starting = |job: &TwinJob| {
            job.key == key && job.attempt == attempt && matches!(job.state, State::Starting { .. })
        };
        let job = self.jobs.iter().position(starting);
        let lease = self.leases.iter().position(|lease| lease.key == key && lease.awaits == Err(attempt));
        match (reply, job, lease) {
            (StartReply::Accepted(id), Some(at), _) => self.accepted(at, id, now),
            (StartReply::Accepted(id), None, Some(at)) => {
                if self.owner(&id).is_some() {
                    self.leases.remove(at);
                    return;
                }
                self.take_over(&id, key);
                let at = self.leases.iter().position(|lease| lease.key == key).unwrap();
                self.leases[at].awaits = Ok(id.clone());
                let mut ended = false;
                for event in self.unpark(&id) {
                    self.forget_event(&event);
                    ended |= !matches!(event, EngineEvent::Progress { .. });
                }
                if ended {
                    self.free(at);
                } else {
                    self.out.push(Output::SendCancel { key, path: key.path(), engine_id: id });
                }
            }
            (StartReply::Accepted(id), None, None) => {
                let known = self.abandoned.contains(&(key, attempt));
                self.abandoned.retain(|other| *other != (key, attempt));
                let lingers = self.leases.iter().any(|lease| lease.awaits.as_ref() == Ok(&id));
                if known && self.owner(&id).is_none() && !lingers {
                    for event in self.unpark(&id) {
                        self.forget_event(&event);
                    }
                    self.out.push(Output::SendCancel { key, path: key.path(), engine_id: id });
                }
            }
            (StartReply::Refused(failure), Some(at), _) => {
                if failure == Failure::StartTimedOut {
                    self.abandoned.push((key, attempt));
                }
                let exit = -i64::try_from(self.next()).unwrap();
                let front = (failure == Failure::EngineExited).then(|| (self.jobs[at].rank, 0, exit, 0));
                self.attempt_failed(at, failure, front, now);
            }
            (StartReply::Refused(Failure::StartTimedOut), None, _) => {}
            (StartReply::Refused(failure), None, lease) => {
                self.forget_failure(&failure);
                if let Some(at) = lease {
                    self.leases.remove(at);
                }
                self.abandoned.retain(|other| *other != (key, attempt));
            }
        }
    }

    fn accepted(&mut self, at: usize, id: JsonId, now: Now) {
        if self.owner(&id).is_some() {
            self.attempt_failed(at, Failure::NoJobId, None, now);
            return;
        }
        let (key, ticket) = (self.jobs[at].key, self.jobs[at].ticket);
        let State::Starting { cancel } = self.jobs[at].state else { unreachable!() };
        self.take_over(&id, key);
        self.jobs[at].state = State::Running { id: id.clone(), cancel };
        self.jobs[at].started = Some(now.instant);
        let path = key.path();
        let attempt = self.jobs[at].attempt;
        self.out.push(Output::Started { ticket, key, path, attempt, engine_id: id.clone() });
        for event in self.unpark(&id) {
            self.event(&id, event, now);
        }
        let running = |job: &TwinJob| job.key == key && matches!(job.state, State::Running { .. });
        if cancel && self.jobs.iter().any(running) {
            self.out.push(Output::SendCancel { key, path, engine_id: id });
        }
    }

    /// The running job that has the id.
    fn owner(&self, id: &JsonId) -> Option<usize> {
        self.jobs.iter().position(|job| matches!(&job.state, State::Running { id: other, .. } if other == id))
    }

    fn take_over(&mut self, id: &JsonId, key: JobKey) {
        if let Some(at) = self.leases.iter().position(|lease| lease.awaits.as_ref() == Ok(id)) {
            self.free(at);
        }
        self.out.push(Output::Watch { key, path: key.path(), engine_id: id.clone() });
    }

    fn free(&mut self, at: usize) {
        let lease = self.leases.remove(at);
        self.out.push(Output::Release { key: lease.key, path: lease.key.path() });
    }

    fn unpark(&mut self, id: &JsonId) -> Vec<EngineEvent<'static>> {
        let (mine, rest) = std::mem::take(&mut self.parked).into_iter().partition(|(other, ..)| other == id);
        self.parked = rest;
        Vec::from_iter(mine).into_iter().map(|(_, event, _)| event).collect()
    }

    fn start_blocked(&mut self, key: JobKey, attempt: u32, now: Now) {
        let blocked = match key.path() {
            Path::Native => Blocked::UntilDrained,
            Path::Script => Blocked::Until(now.instant + Duration::from_millis(100)),
        };
        if let Some(at) =
            self.leases.iter().position(|lease| lease.key == key && lease.awaits == Err(attempt))
        {
            self.leases.remove(at);
            self.blocked = blocked;
            return;
        }
        let Some(at) = self.at(key) else { return };
        let job = &mut self.jobs[at];
        let State::Starting { cancel } = job.state else { return };
        if job.attempt != attempt {
            return;
        }
        self.blocked = blocked;
        job.attempt -= 1;
        job.alarm = None;
        job.state = State::Queued;
        if cancel {
            let ticket = job.ticket;
            self.out.push(Output::CancelAnswered { ticket, accepted: true });
            self.fail(at, Failure::Cancelled, now);
        }
    }

    fn event(&mut self, id: &JsonId, event: EngineEvent<'static>, now: Now) {
        if let Some(at) = self.owner(id) {
            let (key, ticket) = (self.jobs[at].key, self.jobs[at].ticket);
            match event {
                EngineEvent::Progress { percent, message } => {
                    self.out.push(Output::Progress { ticket, key, percent, message });
                }
                EngineEvent::Result(data) => {
                    if matches!(self.jobs[at].state, State::Running { cancel: true, .. }) {
                        self.out.push(Output::CancelAnswered { ticket, accepted: false });
                    }
                    self.out.push(Output::Release { key, path: key.path() });
                    self.settle(at, Outcome::Completed(data), now);
                }
                EngineEvent::Error(data) => {
                    self.attempt_failed(at, Failure::EngineEvent(data), None, now);
                }
                EngineEvent::Broken { too_large } => {
                    self.attempt_failed(at, Failure::Broken { too_large }, None, now);
                }
                EngineEvent::Other => {}
            }
        } else if let Some(at) = self.leases.iter().position(|lease| lease.awaits.as_ref() == Ok(id)) {
            self.forget_event(&event);
            if !matches!(event, EngineEvent::Progress { .. } | EngineEvent::Other) {
                self.free(at);
            }
        } else if event != EngineEvent::Other {
            let ended = self
                .parked
                .iter()
                .any(|(other, event, _)| other == id && !matches!(event, EngineEvent::Progress { .. }));
            if self.unanswered().is_empty() || ended {
                self.forget_event(&event);
            } else {
                let at = self.next();
                self.parked.push((id.clone(), event, at));
            }
        }
    }

    fn attempt_failed(&mut self, at: usize, failure: Failure<'static>, front: Option<Place>, now: Now) {
        let retryable = !matches!(failure, Failure::BadPayload(_) | Failure::ShuttingDown);
        let number = self.next();
        let job = &mut self.jobs[at];
        let mut again = retryable && u64::from(job.attempt - job.put_back) <= u64::from(job.retries);
        let mut asks = self.config.asks_before_retry;
        if let (Failure::EngineExited, Some((granted, used))) = (&failure, &mut job.exits) {
            (again, asks) = (*used < *granted, false);
            *used += u32::from(again);
            job.put_back += u32::from(again);
        }
        let (key, ticket, attempt) = (job.key, job.ticket, job.attempt);
        job.alarm = None;
        let (was_running, cancel) = match job.state {
            State::Starting { cancel } => (false, cancel),
            State::Running { cancel, .. } => (true, cancel),
            _ => unreachable!(),
        };
        if was_running {
            self.out.push(Output::Release { key, path: key.path() });
        }
        if cancel {
            self.out.push(Output::CancelAnswered { ticket, accepted: again });
            if again {
                self.forget_failure(&failure);
                self.fail(at, Failure::Cancelled, now);
            } else {
                self.fail(at, failure, now);
            }
        } else if !again {
            self.fail(at, failure, now);
        } else if asks {
            self.jobs[at].place = (self.jobs[at].rank, 1, 0, usize::try_from(number).unwrap());
            self.jobs[at].state = State::Asking { failure: failure.clone(), front };
            self.out.push(Output::AskRetry { ticket, key, attempt, failure });
        } else {
            self.retry(at, failure, front, now);
        }
    }

    fn retry(&mut self, at: usize, failure: Failure<'static>, front: Option<Place>, now: Now) {
        let place = self.tail(self.jobs[at].rank);
        let number = self.next();
        let job = &mut self.jobs[at];
        let power = (1..job.attempt).fold(1.0, |power, _| power * self.config.retry_backoff);
        let delay = match front {
            Some(_) => Duration::ZERO,
            None => self.config.retry_delay.mul_f64(power),
        };
        job.place = front.unwrap_or(place);
        if delay.is_zero() {
            job.state = State::Queued;
        } else {
            job.state = State::Waiting;
            job.alarm = Some((now.instant + delay, number));
        }
        let delay_ms = u64::try_from(delay.as_millis()).unwrap();
        self.out.push(Output::Retry {
            ticket: job.ticket,
            key: job.key,
            attempt: job.attempt,
            delay_ms,
            failure,
        });
    }

    /// The job settles right after this; its lease stays.
    fn linger(&mut self, at: usize, now: Now) {
        let number = self.next();
        let job = &self.jobs[at];
        let awaits = match &job.state {
            State::Running { id, .. } => Ok(id.clone()),
            _ => Err(job.attempt),
        };
        let alarm = self.config.cancel_grace.map(|grace| (now.instant + grace, number));
        self.leases.push(Lease { key: job.key, start: job.start, alarm, awaits });
    }

    fn cancel_answered(&mut self, key: JobKey, reply: CancelResult, now: Now) {
        let Some(at) = self.at(key) else {
            let ended = reply == CancelResult::Accepted { success: true };
            if let Some(at) =
                self.leases.iter().position(|lease| ended && lease.key == key && lease.awaits.is_ok())
            {
                self.free(at);
            }
            return;
        };
        let ticket = self.jobs[at].ticket;
        let State::Running { id, cancel: true } = self.jobs[at].state.clone() else { return };
        let accepted = reply != CancelResult::Failed;
        self.out.push(Output::CancelAnswered { ticket, accepted });
        match reply {
            CancelResult::Failed => {
                self.jobs[at].state = State::Running { id, cancel: false };
                return;
            }
            CancelResult::Accepted { success: true } => {
                self.out.push(Output::Release { key, path: key.path() });
            }
            CancelResult::Accepted { success: false } => self.linger(at, now),
        }
        self.fail(at, Failure::Cancelled, now);
    }

    fn tick(&mut self, now: Now) {
        if matches!(self.blocked, Blocked::Until(until) if until <= now.instant) {
            self.blocked = Blocked::No;
        }
        loop {
            let jobs = self.jobs.iter().filter_map(|job| Some((job.alarm?, job.key)));
            let leases = self.leases.iter().filter_map(|lease| Some((lease.alarm?, lease.key)));
            let Some((_, key)) = jobs.chain(leases).filter(|((at, _), _)| *at <= now.instant).min() else {
                return;
            };
            match self.at(key) {
                Some(at) => self.job_alarm(at, now),
                None => self.grace_over(key),
            }
        }
    }

    fn job_alarm(&mut self, at: usize, now: Now) {
        let (key, ticket) = (self.jobs[at].key, self.jobs[at].ticket);
        let (cancel, send) = match self.jobs[at].state.clone() {
            State::Starting { cancel } => (cancel, None),
            State::Running { id, cancel } => (cancel, (!cancel).then_some(id)),
            _ => {
                self.jobs[at].place = self.tail(self.jobs[at].rank);
                self.jobs[at].state = State::Queued;
                self.jobs[at].alarm = None;
                return;
            }
        };
        if cancel {
            self.out.push(Output::CancelAnswered { ticket, accepted: false });
        }
        self.linger(at, now);
        self.fail(at, Failure::Timeout, now);
        if let Some(engine_id) = send {
            self.out.push(Output::SendCancel { key, path: key.path(), engine_id });
        }
    }

    fn grace_over(&mut self, key: JobKey) {
        let at = self.leases.iter().position(|lease| lease.key == key).unwrap();
        if let Err(attempt) = self.leases[at].awaits {
            self.abandoned.push((key, attempt));
            self.leases.remove(at);
        } else {
            self.free(at);
        }
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        let jobs = self.jobs.iter().filter_map(|job| job.alarm);
        let leases = self.leases.iter().filter_map(|lease| lease.alarm);
        let blocked = if let Blocked::Until(until) = self.blocked { Some(until) } else { None };
        jobs.chain(leases).map(|(at, _)| at).chain(blocked).min()
    }

    /// The ids that `getJobs` must list, in order, and whether they run.
    pub fn listed(&self) -> Vec<(String, bool)> {
        let mut jobs: Vec<&TwinJob> = self.jobs.iter().collect();
        jobs.sort_by_key(|job| match job.state {
            State::Queued => (0, u64::from(job.rank), 0, job.place),
            State::Asking { .. } | State::Waiting => (0, u64::from(job.rank), 1, job.place),
            State::Starting { .. } | State::Running { .. } => (1, job.start, 0, job.place),
        });
        let running = |job: &TwinJob| matches!(job.state, State::Running { .. });
        jobs.into_iter().map(|job| (job.id.clone(), running(job))).collect()
    }
}
