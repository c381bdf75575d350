//! What must hold whatever the rules are: judged by the outputs alone.

use std::collections::{HashMap, HashSet};

use desktop_runtime_core::jobs::*;
use desktop_runtime_core::wire::id::JsonId;

use crate::twin::Out;

#[derive(Default)]
pub struct Observer {
    live: HashSet<Ticket>,
    /// Told to wait for the answer to their `cancel`.
    waiting: HashSet<Ticket>,
    held: HashSet<u32>,
    pub watched: HashMap<JobKey, JsonId>,
    pub settled: usize,
}

impl Observer {
    pub fn submitted(&mut self, ticket: Ticket) {
        assert!(self.live.insert(ticket));
    }

    pub fn told_to_wait(&mut self, ticket: Ticket) {
        assert!(self.live.contains(&ticket));
        self.waiting.insert(ticket);
    }

    pub fn gave(&mut self, held: u32) {
        assert!(self.held.insert(held));
    }

    fn handed_back(&mut self, data: &Data<'_>) {
        if let Data::Held(held, _) = data {
            assert!(self.held.remove(held), "a held value comes out once");
        }
    }

    fn failure(&mut self, failure: &Failure<'_>) {
        if let Failure::EngineEvent(data) | Failure::StartError(data) | Failure::BadPayload(data) = failure {
            self.handed_back(data);
        }
    }

    pub fn sees(&mut self, outputs: &[Out], queue: &JobQueue) {
        for (at, output) in outputs.iter().enumerate() {
            match output {
                Output::Start { ticket, .. }
                | Output::Started { ticket, .. }
                | Output::Progress { ticket, .. }
                | Output::AskRetry { ticket, .. } => assert!(self.live.contains(ticket)),
                Output::Retry { ticket, failure, .. } => {
                    assert!(self.live.contains(ticket));
                    self.failure(failure);
                }
                Output::CancelAnswered { ticket, .. } => {
                    assert!(self.live.contains(ticket));
                    assert!(self.waiting.remove(ticket), "one answer to those who wait");
                }
                Output::Settle { ticket, outcome, .. } => {
                    assert!(self.live.remove(ticket), "settles once");
                    assert!(!self.waiting.contains(ticket), "a cancel that waits is answered first");
                    self.settled += 1;
                    match outcome {
                        Outcome::Completed(data) => self.handed_back(data),
                        Outcome::Failed(failure) => self.failure(failure),
                    }
                }
                Output::Watch { key, engine_id, .. } => {
                    assert!(self.watched.insert(*key, engine_id.clone()).is_none());
                }
                Output::Release { key, .. } => assert!(self.watched.remove(key).is_some()),
                Output::Forget { held } => self.handed_back(&Data::Held(*held, 0)),
                Output::Idle => assert!(at + 1 == outputs.len() && self.live.is_empty()),
                Output::SendCancel { .. } => {}
            }
        }
        assert_eq!(queue.is_idle(), self.live.is_empty());
        assert_eq!(queue.queue_len() + queue.active_count(), self.live.len());
        let ids: HashSet<&JsonId> = self.watched.values().collect();
        assert_eq!(ids.len(), self.watched.len(), "an id belongs to one job");
    }

    /// Everything is over: nothing may be left.
    pub fn is_through(&self) {
        assert!(self.live.is_empty() && self.waiting.is_empty());
        assert!(self.held.is_empty(), "held for ever: {:?}", self.held);
        assert!(self.watched.is_empty());
    }
}
