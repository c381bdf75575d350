//! One run of a queue beside its twin: what may happen, done to both, and compared after each step.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use desktop_runtime_core::clock::Now;
use desktop_runtime_core::jobs::*;
use desktop_runtime_core::wire::id::JsonId;

use crate::observer::Observer;
use crate::twin::{Out, Twin};

/// What may happen; numbers pick among what there is.
#[derive(Debug, Clone)]
pub enum Op {
    Submit {
        path: Path,
        priority: Priority,
        timeout: u8,
        retries: Option<u32>,
        old_id: Option<usize>,
        exits: Option<u32>,
    },
    Follow,
    Grant {
        pick: usize,
        exits: u32,
    },
    Unfollow,
    Answer {
        pick: usize,
        stale: bool,
        kind: u8,
        id: u8,
    },
    Block {
        pick: usize,
    },
    Drained,
    Event {
        id: u8,
        kind: u8,
    },
    AnswerCancel {
        pick: usize,
        kind: u8,
    },
    Decide {
        pick: usize,
        retry: bool,
    },
    Cancel {
        pick: usize,
    },
    Ready(Path),
    NotReady(Path),
    Exit,
    Stop,
    Pass {
        ms: u64,
    },
    Pause,
    Resume,
    Drain,
}

/// A queue, its twin and its observer, in step.
pub struct Run {
    config: Config,
    queue: JobQueue,
    twin: Twin,
    observer: Observer,
    begin: Instant,
    ms: u64,
    /// Submitted ids; a job's ticket is the number of its submission.
    ids: Vec<String>,
    tickets: u32,
    held: u32,
    starts: Vec<(JobKey, u32)>,
    cancels: Vec<JobKey>,
    asks: Vec<JobKey>,
    taken: usize,
}

fn engine_id(id: u8) -> JsonId {
    JsonId::from_raw(format!("\"e{id}\"").as_bytes())
}

thread_local! {
    static IDS: RefCell<HashMap<JsonId, &'static JsonId>> = RefCell::default();
}

/// The same id for the rest of the process: inputs borrow for as long as their outputs live.
fn kept(id: &JsonId) -> &'static JsonId {
    IDS.with_borrow_mut(|ids| *ids.entry(id.clone()).or_insert_with(|| Box::leak(Box::new(id.clone()))))
}

fn picked<T: Copy>(among: &[T], pick: usize) -> Option<T> {
    (!among.is_empty()).then(|| among[among.len() - 1 - pick % among.len()])
}

fn rank(priority: Priority) -> u8 {
    match priority {
        Priority::High => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    }
}

fn text(text: &'static str) -> Cow<'static, [u8]> {
    Cow::Borrowed(text.as_bytes())
}

impl Run {
    pub fn new(config: Config) -> Self {
        Self {
            queue: JobQueue::new(config.clone()),
            twin: Twin::new(config.clone()),
            config,
            observer: Observer::default(),
            begin: Instant::now(),
            ms: 0,
            ids: vec![],
            tickets: 0,
            held: 0,
            starts: vec![],
            cancels: vec![],
            asks: vec![],
            taken: 0,
        }
    }

    fn now(&self) -> Now {
        Now { instant: self.begin + Duration::from_millis(self.ms), wall_ms: 1_000_000 + self.ms }
    }

    fn data(&mut self, held: bool) -> Data<'static> {
        if !held {
            return Data::Text(text("{}"));
        }
        self.held += 1;
        self.observer.gave(self.held);
        Data::Held(self.held, 0)
    }

    fn step(&mut self, input: impl Fn() -> Input<'static>) {
        let mut out = vec![];
        self.queue.step(input(), self.now(), &mut out);
        let expected = self.twin.step(input(), self.now());
        assert_eq!(out, expected);
        self.check(&out);
    }

    fn check(&mut self, out: &[Out]) {
        for output in out {
            match output {
                Output::Start { key, attempt, .. } => self.starts.push((*key, *attempt)),
                Output::SendCancel { key, .. } => self.cancels.push(*key),
                Output::AskRetry { key, .. } => self.asks.push(*key),
                _ => {}
            }
        }
        self.observer.sees(out, &self.queue);
        let stats = self.queue.stats();
        let held = stats.active + stats.lingering;
        assert!(self.config.concurrency.is_none_or(|most| held <= most), "more leases than may be");
        assert_eq!(
            (stats.active, stats.lingering, self.queue.queue_len(), held),
            (self.twin.active(), self.twin.lingering(), self.twin.queue_len(), self.twin.held())
        );
        let listed = self.queue.jobs().map(|job| (job.id.into_owned(), job.state == JobState::Running));
        assert_eq!(listed.collect::<Vec<_>>(), self.twin.listed());
        assert_eq!(self.queue.next_deadline(), self.twin.next_deadline());
        if stats.active == 0 && stats.lingering == 0 {
            assert_eq!(stats.parked_bytes, 0, "nothing is parked while no start is unanswered");
        }
    }

    fn submit(
        &mut self,
        path: Path,
        priority: Priority,
        timeout: u8,
        retries: Option<u32>,
        old: Option<usize>,
        exits: Option<u32>,
    ) {
        let old = old.and_then(|old| self.ids.iter().rev().nth(old).cloned());
        // Every other new one gets its id from the queue.
        let given = old.or_else(|| self.tickets.is_multiple_of(2).then(|| format!("job {}", self.tickets)));
        let ticket = self.tickets;
        self.tickets += 1;
        let choice = match timeout {
            0 => TimeoutChoice::None,
            1 => TimeoutChoice::Some(Duration::from_millis(60)),
            _ => TimeoutChoice::Default,
        };
        let after = match choice {
            TimeoutChoice::Default => self.config.default_timeout,
            TimeoutChoice::None => None,
            TimeoutChoice::Some(after) => Some(after),
        };
        let job = NewJob {
            id: given.as_deref().map(Into::into),
            ticket,
            path,
            type_json: "\"t\"".into(),
            payload_json: (path == Path::Native).then(|| "{}".into()),
            priority,
            timeout: choice,
            retries,
            exits,
        };
        let known = given.as_deref().unwrap_or("new");
        let refused = self.twin.would_refuse(known, path, rank(priority));
        let now = self.now();
        let mut out = vec![];
        match self.queue.submit(job, now, &mut out) {
            Err(why) => {
                assert_eq!(Some(why), refused);
                assert!(out.is_empty());
            }
            Ok(key) => {
                assert_eq!(None, refused);
                let id = self.queue.id(key).unwrap().to_string();
                assert!(given.is_none_or(|given| given == id));
                assert_eq!(key.path(), path);
                assert!(key.0 < 1 << 53);
                self.taken += 1;
                self.observer.submitted(ticket);
                self.ids.push(id.clone());
                let retries = retries.unwrap_or(self.config.retries);
                let expected =
                    self.twin.submitted(key, &id, ticket, rank(priority), after, (retries, exits), now);
                assert_eq!(out, expected);
                self.check(&out);
            }
        }
    }

    fn cancel(&mut self, id: &str) {
        let now = self.now();
        let mut out = vec![];
        let reply = self.queue.cancel(id, now, &mut out);
        let (expected_reply, expected) = self.twin.cancel(id, now);
        assert_eq!((reply, &out), (expected_reply, &expected));
        if let CancelReply::Wait(ticket) = reply {
            self.observer.told_to_wait(ticket);
        }
        self.check(&out);
    }

    fn answer(&mut self, pick: usize, stale: bool, kind: u8, id: u8) {
        let Some((key, attempt)) = picked(&self.starts, pick) else { return };
        let attempt = attempt - u32::from(stale);
        let reply = match kind {
            0 => StartReply::Refused(Failure::StartError(self.data(false))),
            1 => StartReply::Refused(Failure::StartError(self.data(true))),
            2 => StartReply::Refused(Failure::StartTimedOut),
            3 => StartReply::Refused(Failure::NoJobId),
            4 => StartReply::Refused(Failure::BadPayload(self.data(true))),
            5 => StartReply::Refused(Failure::EngineExited),
            _ => StartReply::Accepted(engine_id(id)),
        };
        self.step(|| Input::StartAnswered { key, attempt, reply: reply.clone() });
    }

    fn event(&mut self, id: &JsonId, kind: u8) {
        let event = match kind {
            0 => EngineEvent::Result(self.data(false)),
            1 => EngineEvent::Result(self.data(true)),
            2 => EngineEvent::Error(self.data(false)),
            3 => EngineEvent::Error(self.data(true)),
            4 => EngineEvent::Broken { too_large: true },
            5 => EngineEvent::Other,
            _ => EngineEvent::Progress { percent: Some(text("7")), message: None },
        };
        let engine_id = kept(id);
        self.step(|| Input::Event { engine_id, event: event.clone() });
    }

    fn tick(&mut self) {
        self.step(|| Input::Tick);
        let due = self.queue.next_deadline();
        assert!(due.is_none_or(|due| due > self.now().instant), "nothing is due after a tick");
    }

    /// Does it to both and compares.
    pub fn apply(&mut self, op: &Op) {
        match *op {
            Op::Submit { path, priority, timeout, retries, old_id, exits } => {
                self.submit(path, priority, timeout, retries, old_id, exits);
            }
            Op::Follow => assert_eq!(self.queue.follow(), self.twin.follow()),
            Op::Grant { pick, exits } => {
                if let Some(id) = self.ids.iter().rev().nth(pick) {
                    self.queue.grant_exits(id, exits);
                    self.twin.grant_exits(id, exits);
                }
            }
            Op::Unfollow => {
                self.queue.unfollow();
                self.twin.unfollow();
            }
            Op::Answer { pick, stale, kind, id } => self.answer(pick, stale, kind, id),
            Op::Block { pick } => {
                if let Some((key, attempt)) = picked(&self.starts, pick) {
                    self.step(|| Input::StartBlocked { key, attempt });
                }
            }
            Op::Drained => self.step(|| Input::WriterDrained),
            Op::Event { id, kind } => self.event(&engine_id(id), kind),
            Op::AnswerCancel { pick, kind } => {
                let reply = match kind {
                    0 => CancelResult::Accepted { success: true },
                    1 => CancelResult::Accepted { success: false },
                    _ => CancelResult::Failed,
                };
                if let Some(key) = picked(&self.cancels, pick) {
                    self.step(|| Input::CancelAnswered { key, reply });
                }
            }
            Op::Decide { pick, retry } => {
                if let Some(key) = picked(&self.asks, pick) {
                    self.step(|| Input::RetryDecision { key, retry });
                }
            }
            Op::Cancel { pick } => {
                if let Some(id) = self.ids.iter().rev().nth(pick).cloned() {
                    self.cancel(&id);
                }
            }
            Op::Ready(path) => self.step(|| Input::EngineReady { path }),
            Op::NotReady(path) => self.step(|| Input::EngineNotReady { path }),
            Op::Exit => self.step(|| Input::EngineExited),
            Op::Stop => self.step(|| Input::EngineStopping),
            Op::Pass { ms } => {
                self.ms += ms;
                self.tick();
            }
            Op::Pause => {
                self.queue.pause();
                self.twin.pause();
            }
            Op::Resume => {
                let mut out = vec![];
                self.queue.resume(self.now(), &mut out);
                assert_eq!(out, self.twin.resume(self.now()));
                self.check(&out);
            }
            Op::Drain => {
                self.queue.drain();
                self.twin.drain();
            }
        }
    }

    /// The engine answers everything and all deadlines pass: every job settles.
    pub fn finish(&mut self) {
        self.apply(&Op::Resume);
        self.apply(&Op::Ready(Path::Native));
        self.apply(&Op::Ready(Path::Script));
        let mut fresh = 100;
        for _ in 0..1000 {
            if self.queue.is_idle() && self.queue.stats().lingering == 0 {
                break;
            }
            self.apply(&Op::Drained);
            for key in std::mem::take(&mut self.asks) {
                self.step(|| Input::RetryDecision { key, retry: true });
            }
            for (key, attempt) in std::mem::take(&mut self.starts) {
                fresh += 1;
                let id = JsonId::from_raw(format!("{fresh}").as_bytes());
                self.step(|| Input::StartAnswered { key, attempt, reply: StartReply::Accepted(id.clone()) });
            }
            for id in self.observer.watched.values().cloned().collect::<Vec<_>>() {
                self.event(&id, 0);
            }
            self.ms += 100;
            self.tick();
        }
        self.observer.is_through();
        let stats = self.queue.stats();
        assert!(self.queue.is_idle());
        assert_eq!(
            (stats.active, stats.lingering, stats.parked_bytes, self.queue.jobs().count()),
            (0, 0, 0, 0)
        );
        assert_eq!(self.observer.settled, self.taken, "every job settles exactly once");
        assert_eq!(stats.done + stats.failed + stats.cancelled, self.taken as u64);
    }
}
