//! What an engine client knows, and the carrying out of what its rules ask for. Always used under the engine's lock.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use crate::clock::Now;
use crate::delivery::{Delivery, Op, Value};
use crate::engine::attached::{AttachedQueue, Native};
use crate::engine::calls::{CallRefused, Calls, Purpose};
use crate::engine::engine::Engine;
use crate::engine::health::{HealthWatch, Step};
use crate::engine::job_streams::Attachment;
use crate::engine::lifecycle::{Child, Input, Lifecycle, Output, StartFailure};
use crate::engine::options::EngineOptions;
use crate::engine::outbox::Refused;
use crate::engine::run::{self, Run};
use crate::fault::{Place, caught, go_on, insisted};
use crate::jobs;
use crate::stream::Kinds;
use crate::sys::{Exit, SpawnRequest};
use crate::wire::id::{JsonId, RequestIds};
use crate::wire::request;

/// Bytes of an engine's error that go to the log.
const LOGGED_ERROR: usize = 1024;

/// Which events of an engine have listeners, as bits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Heard(pub u32);

impl Heard {
    /// `job:progress`; the next two bits are `job:complete` and `job:error`.
    pub const JOB_PROGRESS: u32 = 1;
    /// `notification`.
    pub const NOTIFICATION: u32 = 8;
    /// `stderr`, or the log in its place.
    pub const STDERR: u32 = 16;
    /// `stdout`; unheard, its beginning goes to the log.
    pub const STDOUT: u32 = 32;

    pub fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }
}

pub struct State {
    pub options: Arc<EngineOptions>,
    pub delivery: Arc<Delivery>,
    pub lifecycle: Lifecycle,
    pub calls: Calls,
    pub ids: RequestIds,
    pub heard: Heard,
    /// Engine job ids that somebody watches with `onJobEvent` or in a stream, with what of them.
    pub watched: HashMap<JsonId, Kinds>,
    /// Streams that keep the engine's job events for replay.
    pub streams: Vec<Attachment>,
    /// The number of the last job event that streams were offered.
    pub sequence: u64,
    pub queues: Vec<Option<AttachedQueue>>,
    pub run: Option<Run>,
    /// The spawner is at work for this engine.
    pub launching: bool,
    pub health: Option<HealthWatch>,
    pub received: u64,
    pub dropped: u64,
    /// When the timer rings next.
    pub armed: Option<Instant>,
    runs: u64,
    environment: Vec<(OsString, OsString)>,
    stderr_tail: String,
    health_error_told: bool,
}

impl State {
    pub fn new(options: Arc<EngineOptions>, delivery: Arc<Delivery>) -> Self {
        Self {
            lifecycle: Lifecycle::new(&options),
            options,
            delivery,
            calls: Calls::default(),
            ids: RequestIds::new(),
            heard: Heard::default(),
            watched: HashMap::new(),
            streams: Vec::new(),
            sequence: 0,
            queues: Vec::new(),
            run: None,
            launching: false,
            health: None,
            received: 0,
            dropped: 0,
            armed: None,
            runs: 0,
            environment: Vec::new(),
            stderr_tail: String::new(),
            health_error_told: false,
        }
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        let queues = self.queues.iter().flatten().filter_map(AttachedQueue::next_deadline).min();
        let health = self.health.as_ref().map(HealthWatch::next_deadline);
        [self.lifecycle.next_deadline(), self.calls.next_deadline(), health, queues]
            .into_iter()
            .flatten()
            .min()
    }

    /// Time passed: everything that is due.
    pub fn tick(&mut self, engine: &Arc<Engine>, now: Now) {
        self.advance(engine, Input::Tick, now);
        while let Some((id, purpose)) = self.calls.expire(now.instant) {
            self.expired(id, purpose, now);
        }
        match self.health.as_mut().map(|health| health.tick(now.instant)) {
            Some(Step::Ask) => self.ask_health(Purpose::WatchHealth),
            Some(Step::Report { missed, silent_for }) => {
                tracing::warn!(missed, ?silent_for, "engine unhealthy");
                let record = json!({"missed": missed, "silentFor": millis(silent_for)});
                self.delivery.push(Op::Unhealthy, 0, 0, Value::Record(&record));
            }
            Some(Step::Rest) | None => {}
        }
        for number in 0..self.queues.len() {
            let due = self.queues[number].as_ref().and_then(AttachedQueue::next_deadline);
            if due.is_some_and(|at| at <= now.instant) {
                self.step_queue(number, jobs::Input::Tick, now);
            }
        }
    }

    fn expired(&mut self, id: uuid::Uuid, purpose: Purpose, now: Now) {
        match purpose {
            Purpose::Call { slot, starts_job } => {
                if starts_job {
                    self.calls.insert(id, Purpose::OrphanedStart, None);
                }
                tracing::warn!("a call was not answered in its time");
                self.fail_call(slot, "REQUEST_TIMEOUT");
            }
            Purpose::JobStart { queue, key, attempt } => {
                tracing::warn!("jobs.start was not answered in its time");
                self.calls.insert(id, Purpose::LateJobStart { queue, key, attempt }, None);
                let reply = jobs::StartReply::Refused(jobs::Failure::StartTimedOut);
                self.step_queue(queue as usize, jobs::Input::StartAnswered { key, attempt, reply }, now);
            }
            Purpose::JobCancel { queue, key } => {
                let reply = jobs::CancelResult::Failed;
                self.step_queue(queue as usize, jobs::Input::CancelAnswered { key, reply }, now);
            }
            // Its queue went away while it was unanswered; the answer may still come.
            Purpose::OrphanedStart => self.calls.insert(id, Purpose::OrphanedStart, None),
            Purpose::StartHealth
            | Purpose::WatchHealth
            | Purpose::LateJobStart { .. }
            | Purpose::Forgotten => {}
        }
    }

    /// Rejects a call with an error of ours.
    pub fn fail_call(&self, slot: u32, code: &str) {
        self.delivery.push(Op::Failed, 0, u64::from(slot), Value::Text(code.as_bytes()));
    }

    /// A line for the app's log.
    pub fn log(&self, line: &str) {
        self.delivery.push(Op::Log, 0, 0, Value::Text(line.as_bytes()));
    }

    /// Starts with this environment, or goes on with a restart that asked for it.
    pub fn start(
        &mut self,
        engine: &Arc<Engine>,
        input: Input,
        environment: Vec<(OsString, OsString)>,
        now: Now,
    ) {
        if input == Input::Start && self.lifecycle.is_idle() {
            // A listener of `exit` starts anew before script jobs were told of it: the new run is not theirs.
            for number in 0..self.queues.len() {
                self.step_queue(number, jobs::Input::EngineExited, now);
            }
        }
        self.environment = environment;
        self.advance(engine, input, now);
    }

    /// The process was reaped.
    pub fn exited(&mut self, engine: &Arc<Engine>, exit: Exit, stderr_tail: &str, now: Now) {
        stderr_tail.clone_into(&mut self.stderr_tail);
        self.run = None;
        self.health = None;
        self.advance(engine, Input::Exited(exit), now);
    }

    /// One step of the lifecycle, carried out.
    pub fn advance(&mut self, engine: &Arc<Engine>, input: Input, now: Now) {
        let mut out = Vec::new();
        self.lifecycle.step(input, now.instant, &mut out);
        // The step is done: each of its outputs gets its turn, whatever becomes of another.
        let mut defect = false;
        for output in out {
            defect |= caught(|| self.carry_out(engine, output, now)).is_none();
        }
        if defect {
            go_on();
        }
    }

    /// After a panic nothing that was pending can be trusted: it rejects, and the engine is ended. Its exit, which the
    /// lifecycle still learns, brings the restart. A queue that was not at work lives through it as through any exit.
    pub fn rebuild(&mut self, engine: &Arc<Engine>, now: Now) {
        tracing::error!("a defect was caught; what was pending rejects");
        let faults = self.delivery.faults();
        insisted(|| {
            faults.visit(Place::Rebuild);
            self.calls = Calls::default();
            self.delivery.push(Op::Panicked, 0, 0, Value::Null);
        });
        self.armed = None;
        if let Some(run) = &mut self.run {
            run.condemned = true;
            insisted(|| run.process.kill());
        }
        for (number, queue) in self.queues.iter_mut().enumerate() {
            let Some(queue) = queue.as_mut().filter(|queue| queue.at_work) else { continue };
            insisted(|| queue.rebuild(Some((&self.delivery, queue_target(number) + 1))));
        }
        let child = if self.run.is_some() || self.launching { Child::Known } else { Child::Gone };
        insisted(|| self.advance(engine, Input::Defect(child), now));
    }

    fn carry_out(&mut self, engine: &Arc<Engine>, output: Output, now: Now) {
        match output {
            Output::Spawn => {
                self.runs += 1;
                self.health_error_told = false;
                self.launching = true;
                let request = SpawnRequest {
                    program: self.options.program.clone(),
                    args: self.options.args.clone(),
                    cwd: self.options.cwd.clone(),
                    env: std::mem::take(&mut self.environment),
                    kill_tree: self.options.kill_tree,
                };
                if let Err(failure) = run::launch(engine, self.runs, request) {
                    self.launching = false;
                    self.advance(engine, Input::SpawnFailed(failure), now);
                }
            }
            Output::AskEnvironment { attempt } => {
                let most = self.options.max_restarts.map_or("Infinity".to_owned(), |most| most.to_string());
                tracing::info!(attempt, "engine restarts");
                self.log(&format!("[Engine] Attempting restart {attempt}/{most}"));
                self.delivery.push(Op::AskEnvironment, 0, u64::from(attempt), Value::Null);
            }
            Output::AskHealth => self.ask_health(Purpose::StartHealth),
            Output::Terminate => {
                if let Some(run) = &self.run {
                    tracing::info!(pid = run.process.pid(), "engine is asked to end");
                    // In this order an engine that ends at either always ends in the same way, and as version 1's did:
                    // by the signal.
                    run.process.terminate();
                    run.outbox.close();
                }
            }
            Output::Kill => {
                if let Some(run) = &self.run {
                    tracing::warn!(pid = run.process.pid(), "engine is killed");
                    run.process.kill();
                }
            }
            Output::Ready => {
                tracing::info!("engine ready");
                if self.options.health_method.is_some() {
                    let interval = self.options.health_interval;
                    self.health = interval.map(|interval| HealthWatch::new(interval, now.instant));
                }
                self.delivery.push(Op::Ready, 0, 0, Value::Null);
                for number in 0..self.queues.len() {
                    self.step_queue(number, jobs::Input::EngineReady { path: jobs::Path::Native }, now);
                    self.step_queue(number, jobs::Input::EngineReady { path: jobs::Path::Script }, now);
                }
            }
            Output::Restarted { attempt } => {
                self.delivery.push(Op::Restart, 0, u64::from(attempt), Value::Null);
            }
            Output::StartSettled(Ok(())) => self.delivery.push(Op::Started, 0, 0, Value::Null),
            Output::StartSettled(Err(failure)) => {
                self.delivery.push(Op::StartFailed, 0, 0, Value::Record(&failure_record(failure)));
            }
            Output::Exit(exit) => self.tell_exit(exit, now),
            Output::RestartFailed(failure) => {
                self.delivery.push(Op::Fault, 0, 0, Value::Record(&failure_record(failure)));
            }
            Output::RestartLimit { attempts } => {
                tracing::error!(attempts, "no restart left");
                let record = json!({"code": "RESTART_LIMIT", "attempts": attempts});
                self.delivery.push(Op::Fault, 0, 0, Value::Record(&record));
            }
            Output::Stopped => self.delivery.push(Op::Stopped, 0, 0, Value::Null),
        }
    }

    /// `exit` first, then whatever was pending (contract section 3).
    fn tell_exit(&mut self, exit: Exit, now: Now) {
        let tail = std::mem::take(&mut self.stderr_tail);
        let record = json!({"code": exit.code, "signal": exit.signal, "stderrTail": tail});
        self.delivery.push(Op::Exit, 0, 0, Value::Record(&record));
        self.calls.clear();
        self.delivery.push(Op::FailAll, 0, 0, Value::Text(b"ENGINE_EXITED"));
        for Attachment { stream, source } in &self.streams {
            stream.end_run(*source, now.instant);
        }
        let mut defect = false;
        for number in 0..self.queues.len() {
            defect |= caught(|| self.tell_queue_exit(number, now)).is_none();
        }
        if defect {
            go_on();
        }
    }

    fn tell_queue_exit(&mut self, number: usize, now: Now) {
        // The last events of script jobs are on their way through JavaScript: it tells of the exit behind them.
        let behind = self.queues[number].as_ref().is_some_and(|it| it.queue.has_active(jobs::Path::Script));
        if behind {
            self.step_queue(number, jobs::Input::EngineNotReady { path: jobs::Path::Native }, now);
            self.step_queue(number, jobs::Input::EngineNotReady { path: jobs::Path::Script }, now);
        } else {
            self.step_queue(number, jobs::Input::EngineExited, now);
        }
    }

    /// `stop()`: nothing is delivered from here but the exit.
    pub fn stop(&mut self, engine: &Arc<Engine>, now: Now) {
        self.calls.clear();
        self.health = None;
        for number in 0..self.queues.len() {
            self.step_queue(number, jobs::Input::EngineStopping, now);
        }
        self.advance(engine, Input::Stop, now);
    }

    /// The first error that a health request is answered with is logged; the engine is alive all the same.
    pub fn health_error(&mut self, error: &[u8]) {
        if !self.health_error_told {
            self.health_error_told = true;
            let [message, code] = crate::wire::scan::object_fields(error, ["message", "code"]);
            // Its words or its number, and never its data.
            let shown = message.or(code).unwrap_or(error);
            let shown = if shown.first().is_some_and(|first| b"[{".contains(first)) {
                "no message".into()
            } else {
                String::from_utf8_lossy(&shown[..shown.len().min(LOGGED_ERROR)])
            };
            self.log(&format!(
                "[Engine] The health request was answered with an error, the engine counts as alive: {shown}"
            ));
        }
    }

    fn ask_health(&mut self, purpose: Purpose) {
        let options = Arc::clone(&self.options);
        let Some(method) = options.health_method.as_deref() else { return };
        // A start has a budget of its own; the watch counts intervals.
        let _ = self.request(purpose, method, None, None);
    }

    /// Sends a call of the app.
    pub fn call(
        &mut self,
        purpose: Purpose,
        method: &str,
        params: Option<&str>,
        deadline: Option<Instant>,
    ) -> Result<(), CallRefused> {
        if !self.lifecycle.is_ready() {
            return Err(CallRefused::NotReady);
        }
        let starts_job = matches!(purpose, Purpose::Call { starts_job: true, .. });
        match self.request(purpose, method, params, deadline) {
            Err(refused) if refused.gives_back(starts_job) => Err(CallRefused::Backpressure),
            // An engine that closed its stdin hears nothing any more: the call waits for its exit or its timeout.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Sends a request.
    pub fn request(
        &mut self,
        purpose: Purpose,
        method: &str,
        params: Option<&str>,
        deadline: Option<Instant>,
    ) -> Result<(), Refused> {
        let Some(run) = &self.run else { return Err(Refused::Closed) };
        let Ok(id) = self.ids.next() else { return Err(Refused::Closed) };
        self.calls.insert(id, purpose, deadline);
        let sent = run.outbox.push(|line| request::push_request(line, &id, method, params));
        let starts_job = matches!(purpose, Purpose::Call { starts_job: true, .. });
        if sent.is_err_and(|refused| refused.gives_back(starts_job)) {
            self.calls.take(id);
        }
        sent
    }

    /// One step of a queue, carried out.
    pub fn step_queue(&mut self, number: usize, input: jobs::Input<'_>, now: Now) {
        self.with_queue(number, now, |queue, native| queue.step(input, now, Some(native)));
    }

    /// A queue together with what its native jobs need.
    pub fn with_queue<R>(
        &mut self,
        number: usize,
        now: Now,
        act: impl FnOnce(&mut AttachedQueue, Native<'_>) -> R,
    ) -> Option<R> {
        let queue = self.queues.get_mut(number)?.as_mut()?;
        let native = Native {
            number: queue_target(number),
            delivery: &self.delivery,
            calls: &mut self.calls,
            ids: &mut self.ids,
            outbox: self.run.as_ref().map(|run| run.outbox.as_ref()),
            deadline: self.options.request_timeout.map(|timeout| now.instant + timeout),
        };
        queue.at_work = true;
        queue.own.faults().visit(Place::Queue);
        let done = act(queue, native);
        queue.at_work = false;
        queue.own.signal();
        Some(done)
    }
}

/// A queue's number in the table and in [`Purpose`].
pub fn queue_target(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn failure_record(failure: StartFailure) -> serde_json::Value {
    match failure {
        StartFailure::AlreadyRunning => json!({"code": "ALREADY_RUNNING"}),
        StartFailure::Spawn(failure) => json!({"errno": failure.errno}),
        StartFailure::TimedOut => json!({"code": "STARTUP_TIMEOUT"}),
        StartFailure::Exited => json!({"code": "ENGINE_EXITED"}),
        StartFailure::ShuttingDown => json!({"code": "SHUTTING_DOWN"}),
        StartFailure::Defect => json!({"code": "INTERNAL_PANIC"}),
    }
}

/// Whole milliseconds.
pub fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
