//! What an item of a batch says. `lib/delivery.js` has the same numbers; a test holds the two together.

/// The first element of an item. The comment names the number and the value that go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Op {
    /// A call's result. Number: its slot. Value: the result.
    Result = 0,
    /// A call's answer without result or error. Number: its slot.
    Empty = 1,
    /// The engine's error. Number: the call's slot. Value: the JSON-RPC error.
    Error = 2,
    /// An error of ours. Number: the call's slot. Value: its code.
    Failed = 3,
    /// All calls that wait reject. Value: the code.
    FailAll = 4,
    /// `start()` succeeded.
    Started = 5,
    /// `start()` failed. Value: the failure.
    StartFailed = 6,
    /// `stop()` is done.
    Stopped = 7,
    /// Event `ready`.
    Ready = 8,
    /// Event `exit`. Value: `{code, signal, stderrTail}`.
    Exit = 9,
    /// Event `restart`. Number: the attempt.
    Restart = 10,
    /// Event `error`. Value: the failure; with `jobId` it is a `result` or `error` event that could not be read.
    Fault = 11,
    /// Event `unhealthy`. Value: `{missed, silentFor}`.
    Unhealthy = 12,
    /// A job event of the engine. Number: 0 progress, 1 complete, 2 error, + 4 × its running number, which counts while
    /// streams are attached to the engine. Value: the event.
    JobEvent = 13,
    /// Event `notification`. Value: `{method, params?}`.
    Notification = 14,
    /// Event `request`. Number: the engine's run. Value: `{id, idText, method, params?}`, `idText` being the
    /// id's JSON text.
    Request = 15,
    /// Event `stdout`. Value: the line.
    Stdout = 16,
    /// Event `stderr`. Value: the line.
    Stderr = 17,
    /// A line for the log. Value: the text.
    Log = 18,
    /// A restart is due and needs the environment. Number: the attempt.
    AskEnvironment = 19,

    /// A job's promise resolves. Number: its ticket. Value: `[duration|null, data]`.
    JobDone = 30,
    /// A job's promise rejects. Number: its ticket. Value: `[duration|null, failure]`.
    JobFailed = 31,
    /// Event `job:started`. Number: the ticket. Value: `[engineJobId, attempt]`.
    JobStarted = 32,
    /// Event `job:progress`. Number: the ticket. Value: `{progress?, message?}`.
    JobProgress = 33,
    /// Event `job:retry`. Number: the ticket. Value: `[attempt, delay, failure]`.
    JobRetry = 34,
    /// `shouldRetry` is asked. Number: the ticket. Value: `[key, attempt, failure]`.
    AskRetry = 35,
    /// `cancel()` of a job is answered. Number: the ticket. Value: whether it was accepted.
    CancelAnswered = 36,
    /// Call `jobs.start` on the JavaScript engine. Number: the ticket. Value: `[key, attempt]`.
    StartJob = 37,
    /// Call `jobs.cancel` on the JavaScript engine. Number: the key. Value: the engine's job id.
    CancelJob = 38,
    /// The engine's events of a job matter from here. Number: the key. Value: the engine's job id.
    WatchJob = 39,
    /// The engine's events of a job are of no interest any more. Number: the key.
    ReleaseJob = 40,
    /// A held value leads nowhere. Number: the value's.
    Forget = 41,
    /// Ask the JavaScript engine whether it is ready by now.
    AskReady = 42,

    /// An event of a job, under the manager's id, for the streams that are attached to the manager. Number: its type's bit
    /// (counted from 0) + 8 × its running number. Value: the event.
    StreamEvent = 43,

    /// A defect was caught. What waits rejects with `INTERNAL_PANIC`: an engine's calls; a manager's jobs up to the
    /// number of the one submitted last (value: 0 script jobs, 1 native ones, 2 both); of a cache and of crash recovery
    /// the tickets in the value.
    Panicked = 50,

    /// Other processes changed entries. Value: their keys; null: any.
    CacheChanged = 60,
    /// Everything behind this item is as new as this. Number: milliseconds since the epoch.
    CacheLooked = 61,
    /// A cache operation is done. Number: its ticket. Value: whether it succeeded, `[success, count]`, or keys.
    CacheDone = 62,
    /// An entry. Number: the ticket. Value: `[kind, expiresAt|null, createdAt, length, value]`; bytes are fetched.
    CacheFound = 63,
    /// No entry. Number: the ticket.
    CacheMissing = 64,
    /// What memory has is still right. Number: the ticket.
    CacheUnchanged = 65,
    /// Cache operations in a row succeeded. Number: the first ticket. Value: how many tickets from there on.
    CacheAllDone = 66,
    /// `init()` has the folder. Value: whether another process has it instead. Told again when what it lacked has come.
    RecoveryOpened = 70,
    /// Another process has taken the folder meanwhile.
    RecoveryLocked = 71,
    /// `shutdown()` or `clearState()` is done. Number: its ticket.
    RecoveryDone = 72,
}

impl Op {
    /// Whether code that waits for a response runs behind this item, before the next event.
    #[must_use]
    pub fn is_response(self) -> bool {
        matches!(
            self,
            Self::Result | Self::Empty | Self::Error | Self::Failed | Self::Started | Self::StartFailed
        )
    }
}
