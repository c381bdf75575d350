//! The jobs that ended, for `getStatus`: the latest `maxCompleted`, oldest forgotten first.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::job::Terms;
use super::names::Name;
use super::view::JobState;
use crate::wire::id::JsonId;

#[derive(Debug)]
pub(super) struct Ended {
    pub(super) terms: Arc<Terms>,
    pub(super) state: JobState,
    /// Of its last attempt that ran.
    pub(super) started_at_ms: Option<u64>,
    pub(super) completed_at_ms: u64,
    /// Of its last attempt that ran.
    pub(super) engine_id: Option<JsonId>,
}

#[derive(Debug)]
pub(super) struct History {
    /// `None`: no limit.
    max: Option<usize>,
    ended: HashMap<Name, (u64, Ended)>,
    /// In the order they came, with some that were removed since: an id may end again.
    order: VecDeque<(u64, Name)>,
    next: u64,
}

impl History {
    pub(super) fn new(max: Option<usize>) -> Self {
        Self { max, ended: HashMap::new(), order: VecDeque::new(), next: 0 }
    }

    pub(super) fn add(&mut self, name: Name, ended: Ended) {
        if self.max == Some(0) {
            return;
        }
        self.order.push_back((self.next, name.clone()));
        self.ended.insert(name, (self.next, ended));
        self.next += 1;
        while self.max.is_some_and(|max| self.ended.len() > max) {
            let Some((number, name)) = self.order.pop_front() else { break };
            if self.is_last(number, &name) {
                self.ended.remove(&name);
            }
        }
        if self.order.len() > 2 * self.ended.len() {
            let mut order = std::mem::take(&mut self.order);
            order.retain(|(number, name)| self.is_last(*number, name));
            self.order = order;
        }
    }

    /// Whether the id has not ended again since.
    fn is_last(&self, number: u64, name: &Name) -> bool {
        self.ended.get(name).is_some_and(|(last, _)| *last == number)
    }

    pub(super) fn get(&self, name: &Name) -> Option<&Ended> {
        self.ended.get(name).map(|(_, ended)| ended)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.max);
    }
}
