//! What the queue has a driver do, in this order.

use std::borrow::Cow;

use super::input::Data;
use super::{JobKey, Path, Ticket};
use crate::wire::id::JsonId;

/// Why a job, or one attempt of it, failed. No text: message and code are made from it at the boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure<'a> {
    /// The engine's `error` event, with its `data`.
    EngineEvent(Data<'a>),
    /// `jobs.start` was answered with this JSON-RPC error.
    StartError(Data<'a>),
    /// `jobs.start` was not answered within `requestTimeout`.
    StartTimedOut,
    /// The answer had no `jobId`, or one that another running job has.
    NoJobId,
    /// JSON cannot hold the payload; the value is JavaScript's error.
    BadPayload(Data<'a>),
    /// `Engine process exited`
    EngineExited,
    /// `Engine shutting down`
    ShuttingDown,
    /// `Job timeout`
    Timeout,
    /// `Job cancelled`
    Cancelled,
    /// The job's `result` or `error` cannot be read.
    Broken {
        /// Longer than `maxMessageBytes`; else it is not JSON.
        too_large: bool,
    },
}

impl Failure<'_> {
    /// "Retry covers start errors, `error` events and engine exits; not cancellation, not timeout" (section 4), and not
    /// a payload that JSON cannot hold. An end that cannot be read is an end like an `error` event.
    pub(super) fn may_be_retried(&self) -> bool {
        match self {
            Failure::EngineEvent(_)
            | Failure::StartError(_)
            | Failure::StartTimedOut
            | Failure::NoJobId
            | Failure::EngineExited
            | Failure::Broken { .. } => true,
            Failure::BadPayload(_) | Failure::ShuttingDown | Failure::Timeout | Failure::Cancelled => false,
        }
    }

    pub(super) fn into_owned(self) -> Failure<'static> {
        match self {
            Failure::EngineEvent(data) => Failure::EngineEvent(data.into_owned()),
            Failure::StartError(data) => Failure::StartError(data.into_owned()),
            Failure::BadPayload(data) => Failure::BadPayload(data.into_owned()),
            Failure::StartTimedOut => Failure::StartTimedOut,
            Failure::NoJobId => Failure::NoJobId,
            Failure::EngineExited => Failure::EngineExited,
            Failure::ShuttingDown => Failure::ShuttingDown,
            Failure::Timeout => Failure::Timeout,
            Failure::Cancelled => Failure::Cancelled,
            Failure::Broken { too_large } => Failure::Broken { too_large },
        }
    }

    pub(super) fn forget(&self, out: &mut Vec<Output<'_>>) {
        if let Failure::EngineEvent(data) | Failure::StartError(data) | Failure::BadPayload(data) = self {
            data.forget(out);
        }
    }
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// The promise resolves with this `data`.
    Completed(Data<'a>),
    /// The promise rejects.
    Failed(Failure<'a>),
}

/// Of a job for which `Started` was put out at least once: its `job:completed` is due right before it settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartedInfo {
    /// From its last `Started` to its end.
    pub duration_ms: u64,
}

/// What is to be done. Nothing names a ticket after its `Settle`.
#[derive(Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// Send `jobs.start`, with what [`super::JobQueue::start_params`] gives; answer with `StartAnswered` or `StartBlocked`.
    Start {
        /// The job.
        key: JobKey,
        /// From 1.
        attempt: u32,
        /// Its promise.
        ticket: Ticket,
        /// Who sends it.
        path: Path,
    },
    /// Send `jobs.cancel`; answer with `CancelAnswered`.
    SendCancel {
        /// The job; it may be settled.
        key: JobKey,
        /// Who sends it.
        path: Path,
        /// What is to be sent as `jobId`.
        engine_id: JsonId,
    },
    /// From here on events of this engine's job matter. A `Release` follows, once.
    Watch {
        /// The job; it may be settled.
        key: JobKey,
        /// Who watches.
        path: Path,
        /// The engine's id of the job.
        engine_id: JsonId,
    },
    /// Events of this job, as last named by `Watch`, no longer matter.
    Release {
        /// The job; it may be settled.
        key: JobKey,
        /// Who watched.
        path: Path,
    },
    /// `job:started`
    Started {
        /// Its promise.
        ticket: Ticket,
        /// The job.
        key: JobKey,
        /// Who started it.
        path: Path,
        /// Which attempt, from 1.
        attempt: u32,
        /// `engineJobId`
        engine_id: JsonId,
    },
    /// `job:progress`
    Progress {
        /// Its promise.
        ticket: Ticket,
        /// The job.
        key: JobKey,
        /// `progress`, raw JSON.
        percent: Option<Cow<'a, [u8]>>,
        /// `message`, raw JSON.
        message: Option<Cow<'a, [u8]>>,
    },
    /// Ask `shouldRetry(failure, attempt)`; answer with `RetryDecision`.
    AskRetry {
        /// Its promise.
        ticket: Ticket,
        /// The job.
        key: JobKey,
        /// Which attempt failed, from 1.
        attempt: u32,
        /// How. A held value comes out again, in `Settle`, `Retry` or `Forget`.
        failure: Failure<'a>,
    },
    /// `job:retry`
    Retry {
        /// Its promise.
        ticket: Ticket,
        /// The job.
        key: JobKey,
        /// Which attempt failed, from 1.
        attempt: u32,
        /// The wait before it re-enters its queue.
        delay_ms: u64,
        /// How it failed.
        failure: Failure<'a>,
    },
    /// Every `cancel` of this job that was told to wait has its answer; before the job's `Settle`, where one comes.
    CancelAnswered {
        /// The job's promise.
        ticket: Ticket,
        /// What `cancel` resolves with.
        accepted: bool,
    },
    /// The promise settles; `job:completed` right before it, where `started` is there.
    Settle {
        /// The promise.
        ticket: Ticket,
        /// The job.
        key: JobKey,
        /// Who carried it.
        path: Path,
        /// How it ended.
        outcome: Outcome<'a>,
        /// For `job:completed`.
        started: Option<StartedInfo>,
    },
    /// JavaScript may let go of the value it holds under this number: it leads nowhere.
    Forget {
        /// From [`Data::Held`].
        held: u32,
    },
    /// Nothing is queued or active any more; before this step something was. Always the last.
    Idle,
}
