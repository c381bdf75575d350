//! `JobManager`'s native half.

use std::borrow::Cow;

use desktop_runtime_core::delivery::Delivery;
use desktop_runtime_core::engine::Manager;
use desktop_runtime_core::jobs::{
    CancelReply, CancelResult, Config, Data, EngineEvent, Failure, FollowedJob, Input, JobKey, JobState,
    JobView, Names, NewJob, Path, Priority, Refused, StartReply, TimeoutChoice,
};
use desktop_runtime_core::wire::id::{JsonId, RequestIds};
use napi::bindgen_prelude::{Reference, Result};
use napi_derive::napi;

use crate::engine_client::{NEVER, NativeEngine, count, duration, number};
use crate::held::{self, Held};
use crate::port::Port;
use crate::text::{BatchText, Text};

/// The options of `JobManager`, checked and with defaults filled in by the facade.
#[napi(object)]
pub struct NativeJobsOptions {
    pub concurrency: f64,
    pub default_timeout: f64,
    /// 0 unless `retryOnFailure`.
    pub retries: f64,
    pub retry_delay: f64,
    pub retry_backoff: f64,
    pub asks_before_retry: bool,
    pub max_queue_size: f64,
    pub max_completed: f64,
    pub cancel_grace: f64,
}

impl From<NativeJobsOptions> for Config {
    fn from(options: NativeJobsOptions) -> Self {
        Self {
            concurrency: count(options.concurrency),
            default_timeout: duration(options.default_timeout),
            retries: attempts(options.retries),
            retry_delay: duration(options.retry_delay).unwrap_or(NEVER),
            retry_backoff: options.retry_backoff,
            asks_before_retry: options.asks_before_retry,
            max_queue_size: count(options.max_queue_size),
            max_completed: count(options.max_completed),
            cancel_grace: duration(options.cancel_grace),
        }
    }
}

fn attempts(retries: f64) -> u32 {
    count(retries).and_then(|retries| u32::try_from(retries).ok()).unwrap_or(u32::MAX)
}

/// What `getStats()` returns.
#[napi(object)]
pub struct NativeJobsStats {
    pub queued: f64,
    pub active: f64,
    pub retrying: f64,
    pub lingering: f64,
    pub completed: f64,
    pub failed: f64,
    pub cancelled: f64,
}

/// A live job, as `follow` finds it.
#[napi(object)]
pub struct NativeFollowedJob {
    pub ticket: u32,
    pub native: bool,
    /// 0 to 2.
    pub priority: u32,
    pub running: bool,
    /// The last attempt whose `JobStarted` was put out before.
    pub started: u32,
    /// The last attempt whose `JobRetry` was put out before.
    pub retried: u32,
}

impl From<FollowedJob> for NativeFollowedJob {
    fn from(job: FollowedJob) -> Self {
        Self {
            ticket: job.ticket,
            native: job.path == Path::Native,
            priority: match job.priority {
                Priority::Low => 0,
                Priority::Normal => 1,
                Priority::High => 2,
            },
            running: job.running,
            started: job.started,
            retried: job.retried,
        }
    }
}

/// The ids of a manager's jobs, of those that were submitted without one. It outlives the manager, as promises do.
#[napi]
pub struct NativeJobIds {
    names: Held<Names>,
}

#[napi]
impl NativeJobIds {
    #[napi(constructor, catch_unwind)]
    pub fn new(jobs: Reference<NativeJobs>) -> Self {
        Self { names: Held::new(jobs.manager.names()) }
    }

    /// The id of the job that `submit` gave this key for.
    #[napi(catch_unwind)]
    pub fn id(&self, key: f64) -> String {
        self.names.id(job_key(key)).to_string()
    }
}

#[napi]
pub struct NativeJobs {
    manager: Held<Manager>,
    ids: RequestIds,
}

#[napi]
impl NativeJobs {
    /// `id` is what the port's `deliver` is called with; `engine` is the engine of the native jobs.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        port: &Port,
        id: u32,
        options: NativeJobsOptions,
        engine: Option<Reference<NativeEngine>>,
    ) -> Self {
        let own = Delivery::new(id, port.waker());
        let engine = engine.as_deref().map(NativeEngine::engine);
        let manager = Held::new(Manager::new(options.into(), own, engine));
        Self { manager, ids: RequestIds::new() }
    }

    /// The target of its native jobs' items in the engine's batches.
    #[napi(catch_unwind)]
    pub fn target(&self) -> u32 {
        self.manager.target()
    }

    /// Takes a job and returns its key, or why not: −1 duplicate, −2 full, −3 draining, −4 a defect was caught.
    /// `id`: left out, [`NativeJobIds`] has it. `kind` and `payload` are JSON texts, `priority` is 0 to 2. `timeout` and
    /// `retries`: left out, the manager's.
    /// `followed`: `grantExits` is yet to say what becomes of it when its engine exits. `order` rises from job to job.
    #[napi(catch_unwind)]
    pub fn submit(
        &self,
        ticket: u32,
        native: bool,
        id: Option<String>,
        kind: String,
        payload: Option<String>,
        priority: u32,
        timeout: Option<f64>,
        retries: Option<f64>,
        followed: bool,
        order: f64,
    ) -> f64 {
        let job = NewJob {
            id: id.map(Into::into),
            ticket,
            path: if native { Path::Native } else { Path::Script },
            type_json: kind.into(),
            payload_json: payload.map(Into::into),
            priority: match priority {
                0 => Priority::Low,
                1 => Priority::Normal,
                _ => Priority::High,
            },
            timeout: match timeout {
                None => TimeoutChoice::Default,
                Some(ms) => duration(ms).map_or(TimeoutChoice::None, TimeoutChoice::Some),
            },
            retries: retries.map(attempts),
            exits: followed.then_some(u32::MAX),
        };
        match self.manager.submit(job_key(order).0, job) {
            Some(Ok(key)) => number(key.0),
            Some(Err(Refused::Duplicate)) => -1.0,
            Some(Err(Refused::Full)) => -2.0,
            Some(Err(Refused::Draining)) => -3.0,
            None => -4.0,
        }
    }

    /// An id for a job that is not taken.
    #[napi(catch_unwind)]
    pub fn new_id(&mut self) -> String {
        self.ids.next().map_or_else(|_| String::new(), |id| id.to_string())
    }

    /// −1: no live job. −2: it was queued and is settled. Else the ticket that `CancelAnswered` will name.
    #[napi(catch_unwind)]
    pub fn cancel(&self, id: String) -> f64 {
        match self.manager.cancel(&id) {
            CancelReply::Unknown => -1.0,
            CancelReply::Removed => -2.0,
            CancelReply::Wait(ticket) => f64::from(ticket),
        }
    }

    /// What script jobs have for JavaScript, at once.
    #[napi(catch_unwind, ts_return_type = "string | null")]
    pub fn take(&self) -> Option<BatchText> {
        self.manager.take().map(BatchText)
    }

    /// The events that have listeners, as bits.
    #[napi(catch_unwind)]
    pub fn set_heard(&self, bits: u32) {
        self.manager.set_heard(bits);
    }

    /// What `isReady()` of the JavaScript engine says.
    #[napi(catch_unwind)]
    pub fn script_ready(&self, ready: bool) {
        self.manager.script_ready(ready);
    }

    /// The engine exited, and what it said before has come through JavaScript.
    #[napi(catch_unwind)]
    pub fn script_exited(&self) {
        self.manager.step(Input::EngineExited);
    }

    /// `jobs.start` was answered with this job id, a JSON text; left out: there was none.
    #[napi(catch_unwind)]
    pub fn start_accepted(&self, key: f64, attempt: u32, job_id: Option<String>) {
        let id = job_id.map(|id| JsonId::from_raw(id.as_bytes())).filter(|id| !id.is_null());
        let reply = id.map_or(StartReply::Refused(Failure::NoJobId), StartReply::Accepted);
        self.manager.step(Input::StartAnswered { key: job_key(key), attempt, reply });
    }

    /// `jobs.start` failed with the error that JavaScript holds under this number. `final`: it is not tried again.
    #[napi(catch_unwind)]
    pub fn start_failed(&self, key: f64, attempt: u32, held: u32, is_final: bool) {
        let held = Data::Held(held, 0);
        let failure = if is_final { Failure::BadPayload(held) } else { Failure::StartError(held) };
        let reply = StartReply::Refused(failure);
        self.manager.step(Input::StartAnswered { key: job_key(key), attempt, reply });
    }

    /// `jobs.start` failed because the engine is gone.
    #[napi(catch_unwind)]
    pub fn start_lost(&self, key: f64, attempt: u32) {
        let reply = StartReply::Refused(Failure::EngineExited);
        self.manager.step(Input::StartAnswered { key: job_key(key), attempt, reply });
    }

    /// `jobs.start` could not be sent now.
    #[napi(catch_unwind)]
    pub fn start_blocked(&self, key: f64, attempt: u32) {
        self.manager.step(Input::StartBlocked { key: job_key(key), attempt });
    }

    /// A `progress` event; `job_id`, `percent` and `message` are JSON texts.
    #[napi(catch_unwind)]
    pub fn progress(&self, job_id: String, percent: Option<String>, message: Option<String>) {
        let own = |text: String| Cow::Owned(text.into_bytes());
        self.event(&job_id, EngineEvent::Progress { percent: percent.map(own), message: message.map(own) });
    }

    /// A `result` or `error` event whose data JavaScript holds under this number; `size`: about how many bytes of text it
    /// would be.
    #[napi(catch_unwind)]
    pub fn ended(&self, job_id: String, success: bool, held: u32, size: u32) {
        let held = Data::Held(held, size as usize);
        self.event(&job_id, if success { EngineEvent::Result(held) } else { EngineEvent::Error(held) });
    }

    /// `jobs.cancel` was answered; `success` left out: it failed.
    #[napi(catch_unwind)]
    pub fn cancel_answered(&self, key: f64, success: Option<bool>) {
        let reply = success.map_or(CancelResult::Failed, |success| CancelResult::Accepted { success });
        self.manager.step(Input::CancelAnswered { key: job_key(key), reply });
    }

    /// `shouldRetry` answered.
    #[napi(catch_unwind)]
    pub fn retry_decided(&self, key: f64, retry: bool) {
        self.manager.step(Input::RetryDecision { key: job_key(key), retry });
    }

    #[napi(catch_unwind)]
    pub fn pause(&self) {
        self.manager.pause();
    }

    #[napi(catch_unwind)]
    pub fn resume(&self) {
        self.manager.resume();
    }

    #[napi(catch_unwind)]
    pub fn drain(&self) {
        self.manager.drain();
    }

    /// `JobStatus` as a JSON text; `null` when the job is unknown.
    #[napi(catch_unwind, ts_return_type = "string | null")]
    pub fn status(&self, id: String) -> Option<Text> {
        let text = self.manager.look(|queue| queue.status(&id).map(|view| status_text(&view)));
        text.flatten().map(Text)
    }

    /// All live jobs as a JSON text.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn jobs(&self) -> Text {
        let text = self.manager.look(|queue| {
            let mut text = vec![b'['];
            for view in queue.jobs() {
                if text.len() > 1 {
                    text.push(b',');
                }
                push_listed(&mut text, &view);
            }
            text.push(b']');
            text
        });
        Text(text.unwrap_or_else(|| b"[]".to_vec()))
    }

    /// The live jobs as somebody begins to follow them; an exit rejects none of them until `grantExits`.
    #[napi(catch_unwind)]
    pub fn follow(&self) -> Vec<NativeFollowedJob> {
        let jobs = self.manager.look(desktop_runtime_core::jobs::JobQueue::follow).unwrap_or_default();
        jobs.into_iter().map(Into::into).collect()
    }

    /// How many engine exits a followed job may live through, `Infinity` for any number.
    #[napi(catch_unwind)]
    pub fn grant_exits(&self, id: String, exits: f64) {
        self.manager.look(|queue| queue.grant_exits(&id, attempts(exits)));
    }

    /// Nobody follows the jobs any more.
    #[napi(catch_unwind)]
    pub fn unfollow(&self) {
        self.manager.look(desktop_runtime_core::jobs::JobQueue::unfollow);
    }

    /// The payload of a live native job, a JSON text; `null` when it has none.
    #[napi(catch_unwind, ts_return_type = "string | null")]
    pub fn payload(&self, id: String) -> Option<Text> {
        let text = self.manager.look(|queue| queue.payload(&id).map(|text| text.as_bytes().to_vec()));
        text.flatten().map(Text)
    }

    #[napi(catch_unwind)]
    pub fn clear_completed(&self) {
        self.manager.look(desktop_runtime_core::jobs::JobQueue::clear_completed);
    }

    #[napi(catch_unwind)]
    pub fn stats(&self) -> NativeJobsStats {
        let stats = self.manager.look(|queue| queue.stats()).unwrap_or_default();
        NativeJobsStats {
            queued: number((stats.queued + stats.waiting) as u64),
            active: number(stats.active as u64),
            retrying: number(stats.waiting as u64),
            lingering: number(stats.lingering as u64),
            completed: number(stats.done),
            failed: number(stats.failed),
            cancelled: number(stats.cancelled),
        }
    }

    /// A panic was caught in a method of this object: its state is made anew.
    #[napi(catch_unwind)]
    pub fn panicked(&self) {
        self.manager.defect();
    }

    /// For tests: the next `times` visits of a place panic.
    #[napi(catch_unwind, skip_typescript)]
    pub fn fault(&self, place: String, times: u32) -> Result<()> {
        self.manager.faults().ask(held::place(&place)?, times);
        Ok(())
    }
}

impl NativeJobs {
    /// The core's handle.
    pub fn manager(&self) -> &Manager {
        &self.manager
    }

    fn event(&self, job_id: &str, event: EngineEvent<'_>) {
        self.manager.script_event(&JsonId::from_raw(job_id.as_bytes()), event);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "given out by us, below 2^53")]
fn job_key(key: f64) -> JobKey {
    JobKey(key as u64)
}

fn state_name(state: JobState) -> &'static str {
    match state {
        JobState::Pending => "pending",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

fn push_field(text: &mut Vec<u8>, name: &str, value: Option<&[u8]>) {
    if let Some(value) = value {
        text.extend_from_slice(b",\"");
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b"\":");
        text.extend_from_slice(value);
    }
}

fn status_text(view: &JobView<'_>) -> Vec<u8> {
    let mut text = format!("{{\"state\":\"{}\"", state_name(view.state)).into_bytes();
    push_field(&mut text, "progress", view.progress);
    push_field(&mut text, "message", view.message);
    push_field(
        &mut text,
        "startedAt",
        view.started_at_ms.map(|at| at.to_string()).as_deref().map(str::as_bytes),
    );
    push_field(
        &mut text,
        "completedAt",
        view.completed_at_ms.map(|at| at.to_string()).as_deref().map(str::as_bytes),
    );
    push_field(&mut text, "engineJobId", view.engine_id.map(|id| id.to_json()).as_deref().map(str::as_bytes));
    text.push(b'}');
    text
}

fn push_listed(text: &mut Vec<u8>, view: &JobView<'_>) {
    text.extend_from_slice(b"{\"id\":");
    desktop_runtime_core::wire::request::push_json_string(text, &view.id);
    push_field(text, "type", Some(view.type_json.as_bytes()));
    push_field(text, "state", Some(format!("\"{}\"", state_name(view.state)).as_bytes()));
    push_field(text, "progress", view.progress);
    text.push(b'}');
}
