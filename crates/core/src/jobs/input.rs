//! What a driver tells the queue.

use std::borrow::Cow;

use super::output::{Failure, Output};
use super::{JobKey, Path};
use crate::wire::id::JsonId;

/// A value on its way from the engine to the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data<'a> {
    /// The engine gave none: `undefined`.
    Absent,
    /// A JSON text, borrowed from the input unless the queue had to keep it.
    Text(Cow<'a, [u8]>),
    /// JavaScript holds the value under this number. It comes out in `Settle` or `Retry`, or in `Forget`, once. Behind it
    /// about how many bytes of text it would be, where the queue may have to keep many.
    Held(u32, usize),
}

impl Data<'_> {
    pub(super) fn into_owned(self) -> Data<'static> {
        match self {
            Data::Absent => Data::Absent,
            Data::Text(text) => Data::Text(Cow::Owned(text.into_owned())),
            Data::Held(held, size) => Data::Held(held, size),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Data::Absent => 0,
            Data::Text(text) => text.len(),
            Data::Held(_, size) => *size,
        }
    }

    /// The value leads nowhere: whoever holds it may let go.
    pub(super) fn forget(&self, out: &mut Vec<Output<'_>>) {
        if let Data::Held(held, _) = *self {
            out.push(Output::Forget { held });
        }
    }
}

/// What an engine said about one of its jobs. All but `Progress` and `Other` end the job on the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineEvent<'a> {
    /// `progress`, with the raw JSON of its `percent` and `message`.
    Progress {
        /// As the engine gave it.
        percent: Option<Cow<'a, [u8]>>,
        /// As the engine gave it.
        message: Option<Cow<'a, [u8]>>,
    },
    /// `result`
    Result(Data<'a>),
    /// `error`
    Error(Data<'a>),
    /// A `result` or `error` whose text cannot be read (contract section 2).
    Broken {
        /// Longer than `maxMessageBytes`; else it is not JSON.
        too_large: bool,
    },
    /// `log`, `partial` and types that only the app knows: nothing for the queue.
    Other,
}

impl EngineEvent<'_> {
    pub(super) fn is_terminal(&self) -> bool {
        match self {
            EngineEvent::Result(_) | EngineEvent::Error(_) | EngineEvent::Broken { .. } => true,
            EngineEvent::Progress { .. } | EngineEvent::Other => false,
        }
    }

    pub(super) fn into_owned(self) -> EngineEvent<'static> {
        let own = |text: Cow<'_, [u8]>| Cow::Owned(text.into_owned());
        match self {
            EngineEvent::Progress { percent, message } => {
                EngineEvent::Progress { percent: percent.map(own), message: message.map(own) }
            }
            EngineEvent::Result(data) => EngineEvent::Result(data.into_owned()),
            EngineEvent::Error(data) => EngineEvent::Error(data.into_owned()),
            EngineEvent::Broken { too_large } => EngineEvent::Broken { too_large },
            EngineEvent::Other => EngineEvent::Other,
        }
    }

    /// Bytes of text, or of what JavaScript holds.
    pub(super) fn len(&self) -> usize {
        let text = |text: &Option<Cow<'_, [u8]>>| text.as_ref().map_or(0, |text| text.len());
        match self {
            EngineEvent::Progress { percent, message } => text(percent) + text(message),
            EngineEvent::Result(data) | EngineEvent::Error(data) => data.len(),
            EngineEvent::Broken { .. } | EngineEvent::Other => 0,
        }
    }

    pub(super) fn forget(&self, out: &mut Vec<Output<'_>>) {
        if let EngineEvent::Result(data) | EngineEvent::Error(data) = self {
            data.forget(out);
        }
    }
}

/// How a `jobs.start` was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartReply<'a> {
    /// The engine runs the job under this id.
    Accepted(JsonId),
    /// It does not, as far as anybody knows. After [`Failure::StartTimedOut`] an `Accepted` may still follow.
    Refused(Failure<'a>),
}

/// How a `jobs.cancel` was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelResult {
    /// A result came back.
    Accepted {
        /// Its `success`: whether the job has ended on the engine.
        success: bool,
    },
    /// An error came back, no answer came in time, or the request could not be sent.
    Failed,
}

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// Jobs of this path can start.
    EngineReady {
        /// Native: the client is ready. Script: `isReady()` said true.
        path: Path,
    },
    /// Jobs of this path cannot start.
    EngineNotReady {
        /// See `EngineReady`.
        path: Path,
    },
    /// The engine exited unasked. Neither path is ready until told so, and its job ids mean nothing any more.
    EngineExited,
    /// `stop()` was called. Neither path is ready until told so, and its job ids mean nothing any more.
    EngineStopping,
    /// A `jobs.start` was answered.
    StartAnswered {
        /// From `Start`.
        key: JobKey,
        /// From `Start`.
        attempt: u32,
        /// The answer.
        reply: StartReply<'a>,
    },
    /// A `jobs.start` was not sent, because too much waits for the engine (`BACKPRESSURE`, contract section 2). Natively a
    /// `WriterDrained` follows, and nothing starts before it; on [`Path::Script`] starts are tried again 100 ms later.
    StartBlocked {
        /// From `Start`.
        key: JobKey,
        /// From `Start`.
        attempt: u32,
    },
    /// What waited for the engine is written.
    WriterDrained,
    /// The engine spoke of one of its jobs, be it ours or not.
    Event {
        /// The engine's `jobId`.
        engine_id: &'a JsonId,
        /// What it said.
        event: EngineEvent<'a>,
    },
    /// A `jobs.cancel` was answered.
    CancelAnswered {
        /// From `SendCancel`.
        key: JobKey,
        /// The answer.
        reply: CancelResult,
    },
    /// The app's `shouldRetry` answered an `AskRetry`.
    RetryDecision {
        /// From `AskRetry`.
        key: JobKey,
        /// Its answer.
        retry: bool,
    },
    /// [`super::JobQueue::next_deadline`] has come; early and needless ones do nothing.
    Tick,
}
