//! A queue at a workbench: inputs by name, outputs as short lines.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use desktop_runtime_core::clock::Now;
use desktop_runtime_core::jobs::*;
use desktop_runtime_core::wire::id::JsonId;

/// Where the wall clock stands at the beginning.
pub const WALL_MS: u64 = 1_000_000;

pub struct Bench {
    pub queue: JobQueue,
    begin: Instant,
    pub ms: u64,
    names: HashMap<JobKey, String>,
    keys: HashMap<String, JobKey>,
    tickets: HashMap<Ticket, String>,
    attempts: HashMap<String, u32>,
}

/// The defaults of the contract.
pub fn config() -> Config {
    Config {
        concurrency: Some(2),
        default_timeout: Some(Duration::from_mins(5)),
        retries: 0,
        retry_delay: Duration::from_secs(1),
        retry_backoff: 1.0,
        asks_before_retry: false,
        max_queue_size: None,
        max_completed: Some(1000),
        cancel_grace: Some(Duration::from_secs(5)),
    }
}

pub fn one_at_a_time() -> Config {
    Config { concurrency: Some(1), ..config() }
}

pub fn job(id: &str) -> NewJob {
    NewJob {
        id: Some(id.into()),
        ticket: 0,
        path: Path::Native,
        type_json: "\"ocr\"".into(),
        payload_json: Some("{}".into()),
        priority: Priority::Normal,
        timeout: TimeoutChoice::Default,
        retries: None,
        exits: None,
    }
}

pub fn engine_id(id: &str) -> JsonId {
    JsonId::from_raw(format!("\"{id}\"").as_bytes())
}

pub fn text(text: &str) -> Data<'static> {
    Data::Text(Cow::Owned(text.as_bytes().to_vec()))
}

pub fn progress(percent: &str) -> EngineEvent<'static> {
    let percent = Some(Cow::Owned(percent.as_bytes().to_vec()));
    EngineEvent::Progress { percent, message: Some(Cow::Borrowed(b"\"m\"")) }
}

impl Bench {
    /// A queue whose native engine is ready.
    pub fn new(config: Config) -> Self {
        let mut bench = Self::down(config);
        bench.step(Input::EngineReady { path: Path::Native });
        bench
    }

    /// A queue whose engine is not ready.
    pub fn down(config: Config) -> Self {
        Self {
            queue: JobQueue::new(config),
            begin: Instant::now(),
            ms: 0,
            names: HashMap::new(),
            keys: HashMap::new(),
            tickets: HashMap::new(),
            attempts: HashMap::new(),
        }
    }

    pub fn now(&self) -> Now {
        Now { instant: self.begin + Duration::from_millis(self.ms), wall_ms: WALL_MS + self.ms }
    }

    pub fn try_submit(&mut self, mut new: NewJob) -> Result<Vec<String>, Refused> {
        let ticket = u32::try_from(self.tickets.len()).unwrap();
        let id = new.id.as_deref().unwrap_or_default().to_string();
        new.ticket = ticket;
        let mut out = vec![];
        let key = self.queue.submit(new, self.now(), &mut out)?;
        self.names.insert(key, id.clone());
        self.keys.insert(id.clone(), key);
        self.tickets.insert(ticket, id);
        Ok(self.lines(out))
    }

    pub fn submit(&mut self, id: &str) -> Vec<String> {
        self.try_submit(job(id)).unwrap()
    }

    pub fn submit_as(&mut self, id: &str, priority: Priority) -> Vec<String> {
        self.try_submit(NewJob { priority, ..job(id) }).unwrap()
    }

    /// What `cancel` says at once, then what is to be done.
    pub fn cancel(&mut self, id: &str) -> Vec<String> {
        let mut out = vec![];
        let first = match self.queue.cancel(id, self.now(), &mut out) {
            CancelReply::Unknown => "unknown".into(),
            CancelReply::Removed => "removed".into(),
            CancelReply::Wait(ticket) => format!("wait {}", self.tickets[&ticket]),
        };
        let mut lines = self.lines(out);
        lines.insert(0, first);
        lines
    }

    pub fn resume(&mut self) -> Vec<String> {
        let mut out = vec![];
        self.queue.resume(self.now(), &mut out);
        self.lines(out)
    }

    pub fn step(&mut self, input: Input<'_>) -> Vec<String> {
        let mut out = vec![];
        self.queue.step(input, self.now(), &mut out);
        self.lines(out)
    }

    /// Time passes, and the driver wakes the queue.
    pub fn pass(&mut self, ms: u64) -> Vec<String> {
        self.ms += ms;
        self.step(Input::Tick)
    }

    /// Of the last job with this id.
    pub fn key(&self, id: &str) -> JobKey {
        self.keys[id]
    }

    pub fn reply(&mut self, id: &str, reply: StartReply<'_>) -> Vec<String> {
        let (key, attempt) = (self.key(id), self.attempts[id]);
        self.step(Input::StartAnswered { key, attempt, reply })
    }

    pub fn accept(&mut self, id: &str, engine: &str) -> Vec<String> {
        self.reply(id, StartReply::Accepted(engine_id(engine)))
    }

    pub fn refuse(&mut self, id: &str) -> Vec<String> {
        self.reply(id, StartReply::Refused(Failure::StartError(text("no"))))
    }

    pub fn block(&mut self, id: &str) -> Vec<String> {
        let (key, attempt) = (self.key(id), self.attempts[id]);
        self.step(Input::StartBlocked { key, attempt })
    }

    /// Submits a job and has the engine accept it.
    pub fn run(&mut self, id: &str, engine: &str) {
        self.submit(id);
        self.accept(id, engine);
    }

    pub fn event(&mut self, engine: &str, event: EngineEvent<'_>) -> Vec<String> {
        self.step(Input::Event { engine_id: &engine_id(engine), event })
    }

    pub fn result(&mut self, engine: &str) -> Vec<String> {
        self.event(engine, EngineEvent::Result(text(&format!("{engine}'s"))))
    }

    pub fn error(&mut self, engine: &str) -> Vec<String> {
        self.event(engine, EngineEvent::Error(text("bad")))
    }

    pub fn cancelled(&mut self, id: &str, success: bool) -> Vec<String> {
        let reply = CancelResult::Accepted { success };
        self.step(Input::CancelAnswered { key: self.key(id), reply })
    }

    pub fn cancel_failed(&mut self, id: &str) -> Vec<String> {
        self.step(Input::CancelAnswered { key: self.key(id), reply: CancelResult::Failed })
    }

    pub fn decide(&mut self, id: &str, retry: bool) -> Vec<String> {
        self.step(Input::RetryDecision { key: self.key(id), retry })
    }

    pub fn listed(&self) -> Vec<String> {
        self.queue.jobs().map(|job| job.id.into_owned()).collect()
    }

    pub fn state(&self, id: &str) -> Option<JobState> {
        self.queue.status(id).map(|job| job.state)
    }

    /// `Watch` and `Release` are left out: they have tests of their own.
    fn lines(&mut self, out: Vec<Output<'_>>) -> Vec<String> {
        let mut lines = vec![];
        for output in out {
            let named = |ticket| self.tickets[&ticket].as_str();
            lines.push(match output {
                Output::Start { key, attempt, .. } => {
                    // A job that starts inside `submit` is new to both.
                    let id = self.names[&key].clone();
                    self.attempts.insert(id.clone(), attempt);
                    format!("start {id}#{attempt}")
                }
                Output::SendCancel { key, engine_id, .. } => {
                    format!("jobs.cancel {} {}", self.names[&key], engine_id.to_json())
                }
                Output::Watch { .. } | Output::Release { .. } => continue,
                Output::Started { ticket, engine_id, .. } => {
                    format!("job:started {} {}", named(ticket), engine_id.to_json())
                }
                Output::Progress { ticket, percent, .. } => {
                    format!("job:progress {} {}", named(ticket), String::from_utf8_lossy(&percent.unwrap()))
                }
                Output::AskRetry { ticket, attempt, .. } => {
                    format!("ask {}#{attempt}", named(ticket))
                }
                Output::Retry { ticket, attempt, delay_ms, .. } => {
                    format!("job:retry {}#{attempt} in {delay_ms}", named(ticket))
                }
                Output::CancelAnswered { ticket, accepted } => {
                    format!("cancelled {}: {accepted}", named(ticket))
                }
                Output::Settle { ticket, outcome, started, .. } => {
                    let after = started.map_or(String::new(), |it| format!(" after {}", it.duration_ms));
                    format!("{}: {}{after}", named(ticket), outcome_line(outcome))
                }
                Output::Forget { held } => format!("forget {held}"),
                Output::Idle => "idle".into(),
            });
        }
        lines
    }
}

fn outcome_line(outcome: Outcome<'_>) -> String {
    match outcome {
        Outcome::Completed(Data::Text(text)) => format!("done {}", String::from_utf8_lossy(&text)),
        Outcome::Completed(data) => format!("done {data:?}"),
        Outcome::Failed(Failure::EngineEvent(Data::Text(_))) => "EngineEvent".into(),
        Outcome::Failed(Failure::StartError(Data::Text(_))) => "StartError".into(),
        Outcome::Failed(failure) => format!("{failure:?}"),
    }
}
