//! What an app is shown: `getStatus`, `getJobs`, the counters.

use std::borrow::Cow;
use std::sync::Arc;

use super::history::Ended;
use super::job::{Job, Phase};
use super::{Input, JobKey, JobQueue, Path, Priority};
use crate::wire::id::JsonId;

/// `JobState` of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Queued, starting, or waiting for a retry.
    Pending,
    /// The engine has it.
    Running,
    /// Ended with a result.
    Done,
    /// Ended without one.
    Failed,
    /// Ended by `cancel`.
    Cancelled,
}

/// A job as `getStatus` and `getJobs` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView<'a> {
    /// The manager's id.
    pub id: Cow<'a, str>,
    /// A JSON text.
    pub type_json: &'a str,
    /// Where it stands.
    pub state: JobState,
    /// While it runs: `percent` of its latest progress event, raw JSON.
    pub progress: Option<&'a [u8]>,
    /// While it runs: `message` of its latest progress event, raw JSON.
    pub message: Option<&'a [u8]>,
    /// Running or ended: when its last attempt began to run, milliseconds since the epoch.
    pub started_at_ms: Option<u64>,
    /// Ended: when, milliseconds since the epoch.
    pub completed_at_ms: Option<u64>,
    /// Running or ended: the engine's id of its last attempt that ran.
    pub engine_id: Option<&'a JsonId>,
}

/// Whose an engine's job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A live job's, by the manager's id.
    Job(Arc<str>),
    /// A settled job's, whose lease lingers.
    Settled,
    /// Nobody's, as far as is known.
    Unknown,
}

/// The queue in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Jobs that wait for their turn.
    pub queued: usize,
    /// Jobs that wait for a retry.
    pub waiting: usize,
    /// Jobs that are starting or running.
    pub active: usize,
    /// Leases of settled jobs.
    pub lingering: usize,
    /// Text parked until its job is known, and what holds it.
    pub parked_bytes: usize,
    /// Jobs taken since the beginning.
    pub submitted: u64,
    /// Jobs that ended with a result.
    pub done: u64,
    /// Jobs that ended without one.
    pub failed: u64,
    /// Jobs that ended by `cancel`.
    pub cancelled: u64,
    /// Attempts that were followed by another.
    pub retried: u64,
}

impl JobQueue {
    /// `getStatus`: a live job, or an ended one that is remembered.
    #[must_use]
    pub fn status(&self, id: &str) -> Option<JobView<'_>> {
        if let Some(key) = self.find(id) {
            return self.table.get(key).map(|job| self.live(key, job));
        }
        let id: Arc<str> = id.into();
        let record = self.history.get(&self.names.name(&id))?;
        Some(ended(id.to_string(), record))
    }

    /// `getJobs`: the queued in the order of their turn, each lane's with those that wait for a retry behind; then the
    /// active in the order they were started.
    pub fn jobs(&self) -> impl Iterator<Item = JobView<'_>> {
        let keys = self.lanes.iter().chain(self.leases.active());
        keys.filter_map(|key| self.table.get(key).map(|job| self.live(key, job)))
    }

    /// `getQueueLength`: jobs that wait, for their turn or for a retry.
    #[must_use]
    pub fn queue_len(&self) -> usize {
        self.lanes.queued() + self.lanes.waiting()
    }

    /// Whether events that come this path may be about this engine's job: it is a job's of the path, or may be that of a
    /// job whose start is unanswered. Both paths may bring the events of one engine; a job hears those of its own.
    #[must_use]
    pub fn wants(&self, engine_id: &JsonId, path: Path) -> bool {
        match self.routes.get(engine_id) {
            Some(owner) => owner.path() == path,
            None => self.leases.awaits_answer(path),
        }
    }

    /// Whose an engine's job is, as of now.
    #[must_use]
    pub fn owner(&self, engine_id: &JsonId) -> Owner {
        match self.routes.get(engine_id).map(|&key| self.id(key)) {
            Some(Some(id)) => Owner::Job(id),
            Some(None) => Owner::Settled,
            None => Owner::Unknown,
        }
    }

    /// The id of a live job.
    #[must_use]
    pub fn id(&self, key: JobKey) -> Option<Arc<str>> {
        let job = self.table.get(key)?;
        Some(job.id.clone().unwrap_or_else(|| self.names.id(key).to_string().into()))
    }

    fn live<'a>(&self, key: JobKey, job: &'a Job) -> JobView<'a> {
        let id = match &job.id {
            Some(id) => Cow::Borrowed(&**id),
            None => Cow::Owned(self.names.id(key).to_string()),
        };
        live(id, job)
    }

    /// The live job that an input is about: its key, and the manager's id.
    #[must_use]
    pub fn subject(&self, input: &Input<'_>) -> Option<(JobKey, Arc<str>)> {
        let key = match input {
            Input::StartAnswered { key, .. } | Input::RetryDecision { key, .. } => *key,
            Input::Event { engine_id, .. } => *self.routes.get(engine_id)?,
            _ => return None,
        };
        Some((key, self.id(key)?))
    }

    /// The oldest `jobs.start` without an answer, and a number above all that were sent so far.
    #[must_use]
    pub fn unanswered_starts(&self) -> (Option<u64>, u64) {
        (self.leases.oldest_unanswered(), self.leases.horizon())
    }

    /// Whether a job of this path is starting or running.
    #[must_use]
    pub fn has_active(&self, path: Path) -> bool {
        self.leases.active().any(|key| key.path() == path)
    }

    /// The path of the job whose turn is next.
    #[must_use]
    pub fn next_path(&self) -> Option<Path> {
        self.lanes.first().map(JobKey::path)
    }

    /// `getActiveCount`: jobs that are starting or running; a settled job's lease is not counted.
    #[must_use]
    pub fn active_count(&self) -> usize {
        self.leases.active_count()
    }

    /// Nothing is queued or active.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.table.is_empty()
    }

    /// `getStats`.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            queued: self.lanes.queued(),
            waiting: self.lanes.waiting(),
            active: self.leases.active_count(),
            lingering: self.leases.lingering_count(),
            parked_bytes: self.parking.bytes(),
            ..self.totals
        }
    }

    /// What `jobs.start` of a live job is sent with: `type` and `payload` as JSON texts, and `priority`.
    #[must_use]
    pub fn start_params(&self, key: JobKey) -> Option<(&str, Option<&str>, Priority)> {
        let job = self.table.get(key)?;
        Some((&job.terms.type_json, job.payload_json.as_deref(), job.priority))
    }

    /// `clearCompleted`.
    pub fn clear_completed(&mut self) {
        self.history.clear();
    }
}

fn live<'a>(id: Cow<'a, str>, job: &'a Job) -> JobView<'a> {
    let pending = JobView {
        id,
        type_json: &job.terms.type_json,
        state: JobState::Pending,
        progress: None,
        message: None,
        started_at_ms: None,
        completed_at_ms: None,
        engine_id: None,
    };
    match &job.phase {
        Phase::Running(running) => JobView {
            state: JobState::Running,
            progress: running.progress.as_deref(),
            message: running.message.as_deref(),
            started_at_ms: job.started.as_ref().map(|started| started.wall_ms),
            engine_id: Some(&running.engine_id),
            ..pending
        },
        Phase::Queued { .. } | Phase::Starting(_) | Phase::Asking(_) | Phase::Waiting(_) => pending,
    }
}

fn ended(id: String, record: &Ended) -> JobView<'_> {
    JobView {
        id: Cow::Owned(id),
        type_json: &record.terms.type_json,
        state: record.state,
        progress: None,
        message: None,
        started_at_ms: record.started_at_ms,
        completed_at_ms: Some(record.completed_at_ms),
        engine_id: record.engine_id.as_ref(),
    }
}
