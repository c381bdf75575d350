//! A job queue and what carries out its outputs: lines to the engine, items to JavaScript.
//!
//! A native job's outputs go the engine's way, in the order of its wire. A script job's outputs go to the manager's
//! own delivery, and JavaScript drives the engine.

use std::sync::Arc;
use std::time::Instant;

use crate::clock::Now;
use crate::delivery::{Delivery, Op, Value};
use crate::engine::calls::{Calls, Purpose};
use crate::engine::job_streams::{JobStreams, RawEvent, Told, Way};
use crate::engine::outbox::{Outbox, Refused};
use crate::engine::readiness::ScriptReadiness;
use crate::fault::{caught, insisted};
use crate::jobs::{
    CancelResult, Config, Data, Failure, Input, JobQueue, Outcome, Output, Path, Priority, Ticket,
};
use crate::wire::id::{JsonId, RequestIds};
use crate::wire::request;

/// Whose jobs a defect took, as JavaScript reads it.
const SCRIPT_JOBS: &[u8] = b"0";
const NATIVE_JOBS: &[u8] = b"1";
const ALL_JOBS: &[u8] = b"2";

/// Which events of a manager have listeners, as bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeardJobs(pub u32);

impl HeardJobs {
    const STARTED: u32 = 1;
    const PROGRESS: u32 = 2;
    const RETRY: u32 = 4;

    fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }
}

/// What native jobs need of their engine.
pub struct Native<'a> {
    /// The queue's number at the engine. Its items have the target behind it: 0 is the engine itself.
    pub number: u32,
    /// The way to JavaScript, in wire order.
    pub delivery: &'a Delivery,
    /// Where requests wait for their answers.
    pub calls: &'a mut Calls,
    /// Where request ids come from.
    pub ids: &'a mut RequestIds,
    /// The way to the engine, while there is one.
    pub outbox: Option<&'a Outbox>,
    /// When a request that is sent now has waited long enough.
    pub deadline: Option<Instant>,
}

impl Native<'_> {
    /// The target of the queue's items in the engine's batches.
    fn target(&self) -> u32 {
        self.number + 1
    }

    fn way(&self, now: Now) -> Way<'_> {
        Way { delivery: self.delivery, target: self.target(), now }
    }

    fn request(&mut self, purpose: Purpose, method: &str, params: &str) -> Result<(), Refused> {
        let outbox = self.outbox.ok_or(Refused::Closed)?;
        // No random numbers, no request: like a pipe that is closed, it is answered by the request's timeout.
        let id = self.ids.next().map_err(|_| Refused::Closed)?;
        self.calls.insert(id, purpose, self.deadline);
        let sent = outbox.push(|line| request::push_request(line, &id, method, Some(params)));
        if sent.is_err_and(|refused| refused.gives_back(matches!(purpose, Purpose::JobStart { .. }))) {
            self.calls.take(id);
        }
        sent
    }
}

/// A queue and its manager's delivery.
#[derive(Debug)]
pub struct AttachedQueue {
    /// The rules.
    pub queue: JobQueue,
    /// The manager's own delivery.
    pub own: Arc<Delivery>,
    /// Its heard events.
    pub heard: HeardJobs,
    /// Who gets its native jobs' events.
    pub streams: JobStreams,
    /// A step has begun and has not ended: after a panic, the queue cannot be trusted.
    pub at_work: bool,
    /// The number of the job that was submitted last.
    pub last_submitted: u64,
    config: Config,
    readiness: ScriptReadiness,
}

impl AttachedQueue {
    /// A queue whose script jobs are driven through `own`; `alone`: before an engine that is not ours.
    #[must_use]
    pub fn new(config: Config, own: Arc<Delivery>, alone: bool) -> Self {
        let queue = JobQueue::new(config.clone());
        let (heard, streams) = (HeardJobs::default(), JobStreams::default());
        Self {
            queue,
            own,
            heard,
            streams,
            at_work: false,
            last_submitted: 0,
            config,
            readiness: ScriptReadiness::new(alone),
        }
    }

    /// After a panic: an empty queue. JavaScript rejects what it had, up to the job that was submitted last: each path's
    /// jobs behind what their own way still brings. `native`: the way of the native jobs, and their target there.
    pub fn rebuild(&mut self, native: Option<(&Delivery, u32)>) {
        let fresh = || JobQueue::new(self.config.clone());
        self.queue = caught(|| self.queue.emptied()).unwrap_or_else(fresh);
        self.at_work = false;
        let tell = |to: &Delivery, target, whose: &[u8]| {
            insisted(|| to.push(Op::Panicked, target, self.last_submitted, Value::Json(whose)));
        };
        match native {
            Some((delivery, target)) => {
                tell(delivery, target, NATIVE_JOBS);
                tell(&self.own, 0, SCRIPT_JOBS);
            }
            None => tell(&self.own, 0, ALL_JOBS),
        }
        self.own.signal();
    }

    /// When [`Input::Tick`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        [self.queue.next_deadline(), self.readiness.ask_at()].into_iter().flatten().min()
    }

    /// An event of a native job, or what may be one. `raw`: its text, where it is at hand.
    pub fn hear(&mut self, input: Input<'_>, raw: Option<RawEvent<'_>>, now: Now, native: Native<'_>) {
        let raw = raw.filter(|_| !self.streams.is_empty());
        if let (Some(raw), Input::Event { engine_id, .. }) = (&raw, &input) {
            self.streams.heard(&self.queue, engine_id, raw, native.way(now));
        }
        self.step_told(input, raw, now, Some(native));
    }

    /// One step, carried out.
    pub fn step(&mut self, input: Input<'_>, now: Now, native: Option<Native<'_>>) {
        self.step_told(input, None, now, native);
    }

    fn step_told(
        &mut self,
        input: Input<'_>,
        raw: Option<RawEvent<'_>>,
        now: Now,
        native: Option<Native<'_>>,
    ) {
        let subject = if self.streams.is_empty() { None } else { self.queue.subject(&input) };
        let told = subject.map(|subject| Told::new(subject, raw));
        if self.readiness.step(&input, now.instant) {
            self.own.push(Op::AskReady, 0, 0, Value::Null);
        }
        let mut out = Vec::new();
        self.queue.step(input, now, &mut out);
        self.carry_out_told(out, told, now, native);
        self.streams.expire(&self.queue);
    }

    /// Carries out what the queue asked for.
    pub fn carry_out(&mut self, out: Vec<Output<'_>>, now: Now, native: Option<Native<'_>>) {
        self.carry_out_told(out, None, now, native);
    }

    fn carry_out_told(
        &mut self,
        out: Vec<Output<'_>>,
        mut told: Option<Told<'_>>,
        now: Now,
        mut native: Option<Native<'_>>,
    ) {
        let mut more = Vec::new();
        let mut blocked = Vec::new();
        for output in out {
            match (output, &mut native) {
                (Output::Start { key, attempt, path: Path::Native, .. }, Some(native)) => {
                    let Some((kind, payload, priority)) = self.queue.start_params(key) else { continue };
                    let params = start_params(kind, payload, priority);
                    let purpose = Purpose::JobStart { queue: native.number, key, attempt };
                    let sent = native.request(purpose, "\"jobs.start\"", &params);
                    if sent.is_err_and(|refused| refused.gives_back(true)) {
                        blocked.push((key, attempt));
                    }
                }
                (Output::SendCancel { key, path: Path::Native, engine_id }, Some(native)) => {
                    let purpose = Purpose::JobCancel { queue: native.number, key };
                    let params = cancel_params(&engine_id);
                    if native.request(purpose, "\"jobs.cancel\"", &params) == Err(Refused::Full) {
                        let reply = CancelResult::Failed;
                        self.queue.step(Input::CancelAnswered { key, reply }, now, &mut more);
                    }
                }
                (output, Some(native)) if path_of(&output) != Some(Path::Script) => {
                    if let Some(told) = &told {
                        self.streams.settling(told, &output, native.way(now));
                    }
                    push(native.delivery, native.target(), self.heard, &output);
                    if let Some(told) = &mut told {
                        self.streams.started(told, &output, native.way(now));
                    }
                }
                (output, _) => push(&self.own, 0, self.heard, &output),
            }
        }
        // The last of them goes back first, so that all keep their order.
        for (key, attempt) in blocked.into_iter().rev() {
            self.queue.step(Input::StartBlocked { key, attempt }, now, &mut more);
        }
        if !more.is_empty() {
            self.carry_out(more, now, native);
        }
        let script_waits = self.queue.next_path() == Some(Path::Script);
        self.readiness.waiting(script_waits, now.instant);
    }
}

/// Which way an output goes; `None`: it concerns no single job.
fn path_of(output: &Output<'_>) -> Option<Path> {
    match output {
        Output::Start { key, .. }
        | Output::SendCancel { key, .. }
        | Output::Watch { key, .. }
        | Output::Release { key, .. }
        | Output::Started { key, .. }
        | Output::Progress { key, .. }
        | Output::AskRetry { key, .. }
        | Output::Retry { key, .. }
        | Output::Settle { key, .. } => Some(key.path()),
        Output::Forget { .. } => Some(Path::Script),
        Output::CancelAnswered { .. } | Output::Idle => None,
    }
}

/// `jobs.start` carries exactly `{type, payload, priority}` (contract section 2).
fn start_params(kind: &str, payload: Option<&str>, priority: Priority) -> String {
    let priority = match priority {
        Priority::Low => "low",
        Priority::Normal => "normal",
        Priority::High => "high",
    };
    match payload {
        Some(payload) => format!(r#"{{"type":{kind},"payload":{payload},"priority":"{priority}"}}"#),
        None => format!(r#"{{"type":{kind},"priority":"{priority}"}}"#),
    }
}

/// `jobs.cancel` carries exactly `{jobId}` (contract section 2).
#[must_use]
pub fn cancel_params(engine_id: &JsonId) -> String {
    format!(r#"{{"jobId":{}}}"#, engine_id.to_json())
}

fn push(to: &Delivery, target: u32, heard: HeardJobs, output: &Output<'_>) {
    match output {
        Output::Settle { ticket, outcome, started, .. } => {
            let duration =
                started.as_ref().map_or("null".to_owned(), |started| started.duration_ms.to_string());
            settle(to, target, *ticket, &duration, outcome);
        }
        Output::Started { ticket, attempt, engine_id, .. } => {
            let value = format!("[{},{attempt}]", engine_id.to_json());
            let value = Value::Json(value.as_bytes());
            to.push_event(heard.has(HeardJobs::STARTED), Op::JobStarted, target, u64::from(*ticket), value);
        }
        Output::Progress { ticket, percent, message, .. } => {
            let mut record = Vec::with_capacity(64);
            record.push(b'{');
            if let Some(percent) = percent {
                record.extend_from_slice(b"\"progress\":");
                record.extend_from_slice(percent);
            }
            if let Some(message) = message {
                record.extend_from_slice(if percent.is_some() { b",\"message\":" } else { b"\"message\":" });
                record.extend_from_slice(message);
            }
            record.push(b'}');
            let value = Value::Json(&record);
            to.push_event(heard.has(HeardJobs::PROGRESS), Op::JobProgress, target, u64::from(*ticket), value);
        }
        Output::Retry { ticket, attempt, delay_ms, failure, .. } => {
            let value = format!("[{attempt},{delay_ms},{}]", failure_json(failure));
            let value = Value::Json(value.as_bytes());
            let is_heard = heard.has(HeardJobs::RETRY);
            if !to.push_event(is_heard, Op::JobRetry, target, u64::from(*ticket), value)
                && let Failure::EngineEvent(Data::Held(held, _)) | Failure::StartError(Data::Held(held, _)) =
                    failure
            {
                // Nobody else gives it back.
                to.push(Op::Forget, target, u64::from(*held), Value::Null);
            }
        }
        Output::AskRetry { ticket, key, attempt, failure, .. } => {
            let value = format!("[{},{attempt},{}]", key.0, failure_json(failure));
            to.push(Op::AskRetry, target, u64::from(*ticket), Value::Json(value.as_bytes()));
        }
        Output::CancelAnswered { ticket, accepted, .. } => {
            let value = Value::Json(if *accepted { b"true" } else { b"false" });
            to.push(Op::CancelAnswered, target, u64::from(*ticket), value);
        }
        Output::Start { key, attempt, ticket, .. } => {
            let value = format!("[{},{attempt}]", key.0);
            to.push(Op::StartJob, target, u64::from(*ticket), Value::Json(value.as_bytes()));
        }
        Output::SendCancel { key, engine_id, .. } => {
            to.push(Op::CancelJob, target, key.0, Value::Json(engine_id.to_json().as_bytes()));
        }
        Output::Watch { key, path: Path::Script, engine_id } => {
            to.push(Op::WatchJob, target, key.0, Value::Json(engine_id.to_json().as_bytes()));
        }
        Output::Release { key, path: Path::Script } => {
            to.push(Op::ReleaseJob, target, key.0, Value::Null);
        }
        Output::Forget { held } => to.push(Op::Forget, target, u64::from(*held), Value::Null),
        // A native job's events come through the queue anyway. And JavaScript counts its promises: for the app a job is
        // under way until its end was delivered.
        Output::Watch { .. } | Output::Release { .. } | Output::Idle => {}
    }
}

fn settle(to: &Delivery, target: u32, ticket: Ticket, duration: &str, outcome: &Outcome<'_>) {
    let ticket = u64::from(ticket);
    let duration = duration.as_bytes();
    match outcome {
        Outcome::Completed(Data::Text(data)) => {
            to.push(Op::JobDone, target, ticket, Value::Pieces(&[b"[", duration, b",", data, b"]"]));
        }
        Outcome::Completed(Data::Absent) => {
            to.push(Op::JobDone, target, ticket, Value::Pieces(&[b"[", duration, b"]"]));
        }
        Outcome::Completed(Data::Held(held, _)) => {
            let held = held.to_string();
            to.push(
                Op::JobDone,
                target,
                ticket,
                Value::Pieces(&[b"[", duration, b",null,", held.as_bytes(), b"]"]),
            );
        }
        Outcome::Failed(failure) => {
            let failure = failure_json(failure);
            to.push(
                Op::JobFailed,
                target,
                ticket,
                Value::Pieces(&[b"[", duration, b",", failure.as_bytes(), b"]"]),
            );
        }
    }
}

/// A failure as JavaScript reads it: `{"event": data}`, `{"start": error}`, `{"held": number}` or `{"code": name}`.
fn failure_json(failure: &Failure<'_>) -> String {
    let (name, data) = match failure {
        Failure::EngineEvent(data) => ("event", data),
        Failure::StartError(data) | Failure::BadPayload(data) => ("start", data),
        other => return format!("{{\"code\":\"{}\"}}", code_of(other)),
    };
    match data {
        Data::Text(text) => format!("{{\"{name}\":{}}}", String::from_utf8_lossy(text)),
        Data::Held(held, _) => format!("{{\"held\":{held}}}"),
        Data::Absent => "{}".to_owned(),
    }
}

fn code_of(failure: &Failure<'_>) -> &'static str {
    match failure {
        Failure::EngineEvent(_) | Failure::StartError(_) | Failure::BadPayload(_) => "INTERNAL_ERROR",
        Failure::StartTimedOut => "REQUEST_TIMEOUT",
        Failure::NoJobId => "NO_JOB_ID",
        Failure::EngineExited => "ENGINE_EXITED",
        Failure::ShuttingDown => "SHUTTING_DOWN",
        Failure::Timeout => "JOB_TIMEOUT",
        Failure::Cancelled => "JOB_CANCELLED",
        Failure::Broken { too_large: true } => "MESSAGE_TOO_LARGE",
        Failure::Broken { too_large: false } => "PARSE_ERROR",
    }
}
