//! The jobs, each on a thread of its own. A job begins behind the answer to its `jobs.start` and ends in exactly one
//! way, which is a `result` event, an `error` event, or a `jobs.cancel` that is answered with `success: true`.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::process;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::flag::{Flag, lock};
use crate::output::Output;
use crate::rpc::{Answer, Method, Params, caught};
use crate::{ErrorCodes, Job, JobError};

/// A job's function: its payload in, the JSON text of its result out.
pub type Function = Arc<dyn Fn(Value, &Job) -> Result<String, JobError> + Send + Sync>;

/// Ended jobs that `jobs.status`, `jobs.result` and `jobs.list` still know, and how much text their results may be.
const REMEMBERED: usize = 100;
const REMEMBERED_LENGTH: usize = 16 * 1024 * 1024;
/// How long `jobs.cancel` waits for the job's function to return, and the end of the engine for its jobs.
const GRACE: Duration = Duration::from_secs(1);

const PRIORITIES: [&str; 3] = ["low", "normal", "high"];

pub struct Jobs {
    types: Mutex<BTreeMap<String, Function>>,
    output: Arc<Output>,
    /// Ids are unique on this machine, not only in this process.
    prefix: String,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    started: u64,
    jobs: BTreeMap<u64, Arc<Record>>,
    numbers: HashMap<String, u64>,
    /// Oldest first.
    ended: VecDeque<Arc<Record>>,
    results_length: usize,
}

struct Record {
    number: u64,
    id: String,
    kind: String,
    priority: String,
    stop: Flag,
    answered: Flag,
    returned: Flag,
    /// Held while an event is written, so that none comes behind the last one.
    telling: Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    name: &'static str,
    progress: Option<f64>,
    message: String,
    started_at: Option<u64>,
    completed_at: Option<u64>,
    /// Calls of `jobs.cancel` that wait for the end: they tell of it, so that no event need.
    cancels: usize,
    outcome: Outcome,
}

#[derive(Default)]
enum Outcome {
    #[default]
    None,
    Result(String),
    Error(String),
}

/// A job as its function sees it.
#[derive(Clone)]
pub struct Running {
    record: Arc<Record>,
    output: Arc<Output>,
}

impl Jobs {
    pub fn new(output: Arc<Output>) -> Self {
        let prefix = format!("{:x}-{:x}", now_ms(), process::id());
        Self { types: Mutex::default(), output, prefix, known: Mutex::default() }
    }

    /// False: that type is there already.
    pub fn register(&self, kind: &str, function: Function) -> bool {
        lock(&self.types).insert(kind.to_owned(), function).is_none()
    }

    pub fn methods(self: &Arc<Self>) -> Vec<(&'static str, Method)> {
        let method = |body: fn(&Arc<Self>, Params) -> Result<Answer, JobError>| -> Method {
            let jobs = Arc::clone(self);
            Box::new(move |params| body(&jobs, params))
        };
        vec![
            ("jobs.start", method(Self::start)),
            ("jobs.status", method(|jobs, params| Ok(Answer::Now(jobs.find(&params)?.status())))),
            ("jobs.result", method(|jobs, params| jobs.find(&params)?.result().map(Answer::Now))),
            ("jobs.cancel", method(|jobs, params| Ok(cancel(jobs.find(&params)?)))),
            ("jobs.list", method(|jobs, _| Ok(Answer::Now(jobs.list())))),
        ]
    }

    /// Tells every job to stop, and waits for their functions, but not for long.
    pub fn stop(&self) {
        let jobs: Vec<_> = lock(&self.known).jobs.values().map(Arc::clone).collect();
        let running: Vec<_> = jobs.into_iter().filter(|job| !job.returned.is_set()).collect();
        for job in &running {
            job.stop.set();
        }
        let deadline = Instant::now() + GRACE;
        for job in running {
            job.returned.wait(deadline.saturating_duration_since(Instant::now()));
        }
    }

    fn start(self: &Arc<Self>, mut params: Params) -> Result<Answer, JobError> {
        let Some(Value::String(kind)) = params.remove("type") else {
            return Err(JobError::invalid("jobs.start: type must be a string"));
        };
        let priority = match params.remove("priority") {
            None | Some(Value::Null) => "normal".to_owned(),
            Some(Value::String(name)) if PRIORITIES.contains(&name.as_str()) => name,
            Some(_) => {
                let names = PRIORITIES.join(", ");
                return Err(JobError::invalid(format!("jobs.start: priority must be one of {names}")));
            }
        };
        let function = self.function(&kind)?;
        let number = {
            let mut known = lock(&self.known);
            known.started += 1;
            known.started
        };
        let id = format!("{}-{number}", self.prefix);
        let record = Arc::new(Record::new(number, id, kind, priority));

        // Started before the answer, so that a thread that cannot be had is an error there; it waits for the answer.
        let jobs = Arc::clone(self);
        let running = Running { record: Arc::clone(&record), output: Arc::clone(&self.output) };
        let payload = params.remove("payload").unwrap_or_default();
        thread::Builder::new()
            .name(record.kind.clone())
            .spawn(move || jobs.run(&running, &function, payload))?;

        let mut known = lock(&self.known);
        known.numbers.insert(record.id.clone(), number);
        known.jobs.insert(number, Arc::clone(&record));
        let answer = json!({ "jobId": record.id }).to_string();
        Ok(Answer::AndThen(answer, Box::new(move || record.answered.set())))
    }

    fn function(&self, kind: &str) -> Result<Function, JobError> {
        let types = lock(&self.types);
        types.get(kind).map(Arc::clone).ok_or_else(|| {
            let names: Vec<_> = types.keys().map(String::as_str).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            JobError::invalid(format!("Unknown job type: {kind}; this engine runs: {known}"))
        })
    }

    fn run(&self, running: &Running, function: &Function, payload: Value) {
        let record = &running.record;
        record.answered.wait_for_ever();
        let result = if record.stop.is_set() {
            Err(JobError::cancelled())
        } else {
            record.begin();
            let job = Job { running: running.clone() };
            caught(|| function(payload, &job))
        };
        self.end(running, result);
        record.returned.set();
    }

    fn end(&self, running: &Running, result: Result<String, JobError>) {
        let record = &running.record;
        let _telling = lock(&record.telling);
        let (kind, text, silent) = {
            let mut state = lock(&record.state);
            let cancelled = running.is_cancelled();
            state.name = match &result {
                _ if cancelled => "cancelled",
                Ok(_) => "done",
                Err(_) => "failed",
            };
            state.completed_at = Some(now_ms());
            match if cancelled { Err(JobError::cancelled()) } else { result } {
                Ok(text) => {
                    state.outcome = Outcome::Result(text.clone());
                    ("result", text, false)
                }
                Err(error) => {
                    state.outcome = Outcome::Error(error.text());
                    ("error", error.text(), state.cancels > 0)
                }
            }
        };
        // Before the app hears of the end, so that what it asks then is answered as it should be.
        self.remember(record, if kind == "result" { text.len() } else { 0 });
        if !silent {
            running.write(kind, &text);
        }
    }

    fn remember(&self, record: &Arc<Record>, result_length: usize) {
        let mut known = lock(&self.known);
        known.results_length += result_length;
        known.ended.push_back(Arc::clone(record));
        let oldest_first: Vec<_> = known.ended.iter().map(Arc::clone).collect();
        for old in oldest_first {
            if known.results_length <= REMEMBERED_LENGTH {
                break;
            }
            known.results_length -= old.forget_result();
        }
        if known.ended.len() > REMEMBERED
            && let Some(old) = known.ended.pop_front()
        {
            known.results_length -= old.forget_result();
            known.numbers.remove(&old.id);
            known.jobs.remove(&old.number);
        }
    }

    fn list(&self) -> String {
        let jobs: Vec<_> = lock(&self.known).jobs.values().map(Arc::clone).collect();
        Value::Array(jobs.iter().map(|job| job.info()).collect()).to_string()
    }

    fn find(&self, params: &Params) -> Result<Arc<Record>, JobError> {
        let Some(Value::String(id)) = params.get("jobId") else {
            return Err(JobError::invalid("jobId must be a string"));
        };
        let known = lock(&self.known);
        let record = known.numbers.get(id).and_then(|number| known.jobs.get(number));
        let unknown = || JobError::new(ErrorCodes::JOB_NOT_FOUND, format!("Job not found: {id}"));
        record.map(Arc::clone).ok_or_else(unknown)
    }
}

fn cancel(record: Arc<Record>) -> Answer {
    {
        let mut state = lock(&record.state);
        if state.completed_at.is_some() {
            let reason = format!("The job has ended: {}", state.name);
            return Answer::Now(json!({ "success": false, "reason": reason }).to_string());
        }
        state.cancels += 1;
        record.stop.set();
    }
    Answer::Later(Box::new(move || {
        record.returned.wait(GRACE);
        let mut state = lock(&record.state);
        if state.completed_at.is_some() {
            return Ok(json!({ "success": true }).to_string());
        }
        state.cancels -= 1;
        let reason = "The job was told to stop and runs on; an error event follows when it has stopped";
        Ok(json!({ "success": false, "reason": reason }).to_string())
    }))
}

impl Record {
    fn new(number: u64, id: String, kind: String, priority: String) -> Self {
        Self {
            number,
            id,
            kind,
            priority,
            stop: Flag::default(),
            answered: Flag::default(),
            returned: Flag::default(),
            telling: Mutex::default(),
            state: Mutex::new(State { name: "pending", ..State::default() }),
        }
    }

    fn begin(&self) {
        let mut state = lock(&self.state);
        state.name = "running";
        state.started_at = Some(now_ms());
    }

    fn info(&self) -> Value {
        let state = lock(&self.state);
        let mut info =
            Map::from_iter([("jobId".to_owned(), json!(self.id)), ("type".to_owned(), json!(self.kind))]);
        info.insert("state".to_owned(), json!(state.name));
        if let Some(progress) = state.progress {
            info.insert("progress".to_owned(), number(progress));
        }
        Value::Object(info)
    }

    fn status(&self) -> String {
        let state = lock(&self.state);
        let mut status = Map::from_iter([("state".to_owned(), json!(state.name))]);
        if let Some(progress) = state.progress {
            status.insert("progress".to_owned(), number(progress));
        }
        if !state.message.is_empty() {
            status.insert("message".to_owned(), json!(state.message));
        }
        for (name, time) in [("startedAt", state.started_at), ("completedAt", state.completed_at)] {
            if let Some(time) = time {
                status.insert(name.to_owned(), json!(time));
            }
        }
        Value::Object(status).to_string()
    }

    fn result(&self) -> Result<String, JobError> {
        let state = lock(&self.state);
        match &state.outcome {
            Outcome::Result(text) => Ok(format!(r#"{{"success":true,"data":{text}}}"#)),
            Outcome::Error(text) => Ok(format!(r#"{{"success":false,"error":{text}}}"#)),
            Outcome::None if state.completed_at.is_none() => {
                let message = format!("The job has not ended: {}", self.id);
                Err(JobError::new(ErrorCodes::JOB_ALREADY_RUNNING, message))
            }
            Outcome::None => {
                let message = format!("The result is no longer kept: {}", self.id);
                Err(JobError::new(ErrorCodes::JOB_NOT_FOUND, message))
            }
        }
    }

    /// How long it was.
    fn forget_result(&self) -> usize {
        let mut state = lock(&self.state);
        let Outcome::Result(text) = &state.outcome else { return 0 };
        let length = text.len();
        state.outcome = Outcome::None;
        length
    }
}

impl Running {
    pub fn id(&self) -> &str {
        &self.record.id
    }

    pub fn kind(&self) -> &str {
        &self.record.kind
    }

    pub fn priority(&self) -> &str {
        &self.record.priority
    }

    pub fn is_cancelled(&self) -> bool {
        self.record.stop.is_set()
    }

    pub fn wait(&self, timeout: Duration) -> bool {
        self.record.stop.wait(timeout)
    }

    pub fn progress(&self, percent: f64, message: &str) {
        let _telling = lock(&self.record.telling);
        {
            let mut state = lock(&self.record.state);
            if state.progress == Some(percent) && state.message == message {
                return;
            }
            if state.completed_at.is_some() || self.is_cancelled() {
                return;
            }
            state.progress = Some(percent);
            message.clone_into(&mut state.message);
        }
        let percent = number(percent);
        let data = if message.is_empty() {
            json!({ "percent": percent })
        } else {
            json!({ "percent": percent, "message": message })
        };
        self.write("progress", &data.to_string());
    }

    /// Writes an event, unless the job has ended or was cancelled.
    pub fn tell(&self, kind: &str, data: &str) {
        let _telling = lock(&self.record.telling);
        if lock(&self.record.state).completed_at.is_none() && !self.is_cancelled() {
            self.write(kind, data);
        }
    }

    fn write(&self, kind: &str, data: &str) {
        let id = &self.record.id;
        let now = now_ms();
        let event = format!(r#"{{"type":"{kind}","jobId":"{id}","timestamp":{now},"data":{data}}}"#);
        let _ = self.output.write(event);
    }
}

/// A whole number is written without a fraction, as JavaScript would.
fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 100")]
    if value.fract() == 0.0 { json!(value as i64) } else { json!(value) }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
