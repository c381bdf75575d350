//! Events of engine jobs that nobody knows yet: a `result` may overtake the answer to its `jobs.start` (section 4).
//!
//! Parked only while a `jobs.start` is unanswered, and no longer than the starts are that were unanswered when the event
//! came: it can be about no other job. Bounded at [`MAX_PARKED_BYTES`]; past it the oldest progress goes first. Ends are
//! kept, at least as many as starts are unanswered: a job whose end was dropped would hang until its timeout.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::input::EngineEvent;
use super::leases::Lease;
use super::output::Output;
use crate::wire::id::JsonId;

/// Of texts and what holds them; only ends that may be a job's own go beyond it.
pub(super) const MAX_PARKED_BYTES: usize = 16 * 1024 * 1024;

#[derive(Debug)]
struct Parked {
    id: JsonId,
    event: EngineEvent<'static>,
    /// It may be about a lease below this.
    horizon: Lease,
    size: usize,
}

#[derive(Debug, Default)]
pub(super) struct Parking {
    next: u64,
    parked: BTreeMap<u64, Parked>,
    by_id: HashMap<JsonId, VecDeque<u64>>,
    progress: BTreeSet<u64>,
    bytes: usize,
}

impl Parking {
    /// `horizon` and `unanswered` are the leases' at this moment.
    pub(super) fn park(
        &mut self,
        id: &JsonId,
        event: EngineEvent<'_>,
        horizon: Lease,
        unanswered: usize,
        out: &mut Vec<Output<'_>>,
    ) {
        let place = self.by_id.entry(id.clone()).or_default();
        // What follows a job's end is not its own.
        if place.back().is_some_and(|last| !self.progress.contains(last)) {
            event.forget(out);
            return;
        }
        let number = self.next;
        self.next += 1;
        place.push_back(number);
        if !event.is_terminal() {
            self.progress.insert(number);
        }
        let size = event.len() + id.to_json().len() + size_of::<Parked>();
        self.bytes += size;
        self.parked.insert(number, Parked { id: id.clone(), event: event.into_owned(), horizon, size });
        self.keep_bound(unanswered, out);
    }

    fn keep_bound(&mut self, unanswered: usize, out: &mut Vec<Output<'_>>) {
        while self.bytes > MAX_PARKED_BYTES {
            let ends = self.parked.len() - self.progress.len();
            let oldest = match self.progress.first() {
                Some(&progress) => progress,
                None if ends > unanswered => match self.parked.first_key_value() {
                    Some((&end, _)) => end,
                    None => return,
                },
                None => return,
            };
            self.drop_one(oldest, out);
        }
    }

    /// All there is of this engine's job, in order; its end, if it came, is the last.
    pub(super) fn take(&mut self, id: &JsonId) -> impl Iterator<Item = EngineEvent<'static>> + use<> {
        let numbers = self.by_id.remove(id).unwrap_or_default();
        let events: Vec<_> = numbers.into_iter().filter_map(|number| self.remove(number)).collect();
        events.into_iter().map(|parked| parked.event)
    }

    /// Drops what can be about none of the starts that are still unanswered.
    pub(super) fn expire(&mut self, oldest_unanswered: Option<Lease>, out: &mut Vec<Output<'_>>) {
        while let Some((&first, parked)) = self.parked.first_key_value() {
            if oldest_unanswered.is_some_and(|oldest| oldest < parked.horizon) {
                return;
            }
            self.drop_one(first, out);
        }
    }

    fn drop_one(&mut self, number: u64, out: &mut Vec<Output<'_>>) {
        let Some(parked) = self.remove(number) else { return };
        parked.event.forget(out);
        let Some(place) = self.by_id.get_mut(&parked.id) else { return };
        // Always the front: what is dropped is the oldest of its kind, and an end stands behind all progress.
        place.pop_front();
        if place.is_empty() {
            self.by_id.remove(&parked.id);
        }
    }

    fn remove(&mut self, number: u64) -> Option<Parked> {
        let parked = self.parked.remove(&number)?;
        self.progress.remove(&number);
        self.bytes -= parked.size;
        Some(parked)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
