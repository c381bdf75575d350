//! The jobs that ended, for `getStatus`: the latest `maxCompleted`, oldest forgotten first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::view::JobState;
use crate::wire::id::JsonId;

#[derive(Debug)]
pub(super) struct Ended {
    pub(super) type_json: Arc<str>,
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
    ended: HashMap<Arc<str>, (u64, Ended)>,
    order: BTreeMap<u64, Arc<str>>,
    next: u64,
}

impl History {
    pub(super) fn new(max: Option<usize>) -> Self {
        Self { max, ended: HashMap::new(), order: BTreeMap::new(), next: 0 }
    }

    pub(super) fn add(&mut self, id: Arc<str>, ended: Ended) {
        self.remove(&id);
        self.order.insert(self.next, id.clone());
        self.ended.insert(id, (self.next, ended));
        self.next += 1;
        if self.max.is_some_and(|max| self.order.len() > max)
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.ended.remove(&oldest);
        }
    }

    pub(super) fn remove(&mut self, id: &str) {
        if let Some((number, _)) = self.ended.remove(id) {
            self.order.remove(&number);
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<(&str, &Ended)> {
        self.ended.get_key_value(id).map(|(id, (_, ended))| (&**id, ended))
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.max);
    }
}
