//! What a queue and a job are made with: `JobManager`'s options, and `submit`'s arguments.

use std::sync::Arc;
use std::time::Duration;

/// The caller's handle of a job's promise. Dead once a `Settle` has named it; the caller may then use it again.
pub type Ticket = u32;

/// Who carries a job to the engine. A job stays on the path it was submitted on (contract section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// The engine client of this crate; job events never visit JavaScript.
    Native,
    /// JavaScript methods: a subclass, a test double, any duck-typed engine.
    Script,
}

/// Strict: a job starts before every job of a lower priority. The default is the caller's (`normal`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Priority {
    /// `low`
    Low,
    /// `normal`
    Normal,
    /// `high`
    High,
}

/// A queue's options (contract section 4); the defaults are the caller's.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many jobs may hold a lease; `None`: no limit.
    pub concurrency: Option<usize>,
    /// The timeout of each attempt of a job that names none; `None`: no limit.
    pub default_timeout: Option<Duration>,
    /// How often a failed job is tried again: `maxRetries` with `retryOnFailure`, else 0; `u32::MAX`: no limit.
    pub retries: u32,
    /// The wait before the first retry.
    pub retry_delay: Duration,
    /// The wait before retry n is `retry_delay` × `retry_backoff`^(n−1).
    pub retry_backoff: f64,
    /// The app has a `shouldRetry`: each retry waits for its [`super::Input::RetryDecision`].
    pub asks_before_retry: bool,
    /// How many jobs may wait; `None`: no limit.
    pub max_queue_size: Option<usize>,
    /// How many ended jobs are remembered; `None`: no limit.
    pub max_completed: Option<usize>,
    /// How long a settled job may hold its lease when the engine does not say that it ended; `None`: no limit.
    pub cancel_grace: Option<Duration>,
}

/// A job's own choice of timeout; the clock starts when its `jobs.start` is sent, anew for each attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutChoice {
    /// [`Config::default_timeout`].
    Default,
    /// No limit.
    None,
    /// This long.
    Some(Duration),
}

/// A job to submit.
#[derive(Debug)]
pub struct NewJob {
    /// The manager's id of the job, which no live job may have; `None`: one of [`super::Names`].
    pub id: Option<Arc<str>>,
    /// Names the job's promise in every output.
    pub ticket: Ticket,
    /// Who carries it to the engine.
    pub path: Path,
    /// `type`, a JSON text.
    pub type_json: Box<str>,
    /// `payload`, a JSON text; `None` leaves the key out. Always `None` on [`Path::Script`]: JavaScript holds it.
    pub payload_json: Option<Box<str>>,
    /// Its place among the others.
    pub priority: Priority,
    /// The timeout of each attempt.
    pub timeout: TimeoutChoice,
    /// Overrides [`Config::retries`].
    pub retries: Option<u32>,
    /// How many engine exits put it back, whatever its retries say (contract section 7); `None`: nobody recovers it, and
    /// an exit is a failure like others.
    pub exits: Option<u32>,
}

/// Why a job was not taken; nothing of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// A live job has this id: `DUPLICATE_ID`.
    Duplicate,
    /// The job would have to wait, and as many wait as may: `QUEUE_FULL`.
    Full,
    /// `drain` was called, and no `resume` since.
    Draining,
}
