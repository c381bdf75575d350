//! Who waits, and in which order: one lane per priority, first in first out, with places in front of the first.
//!
//! A place is a number that is never given twice, so a job finds its old place again, and leaves from the middle in
//! O(log n).

use std::collections::BTreeMap;

use super::{JobKey, Priority};

/// A place in a lane; a lower one starts earlier.
pub(super) type Seat = i64;

#[derive(Debug, Default)]
struct Lane {
    queued: BTreeMap<Seat, JobKey>,
    /// Waiting for a retry, or for the word of the app: counted and listed, not startable.
    waiting: BTreeMap<Seat, JobKey>,
}

#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_rank: [Lane; 3],
    /// The next seat behind all others; from 0 up.
    tail: Seat,
    /// The foremost seat given so far; from 0 down.
    head: Seat,
    queued: usize,
    waiting: usize,
}

impl Lanes {
    /// A seat behind all others.
    pub(super) fn tail_seat(&mut self) -> Seat {
        self.tail += 1;
        self.tail - 1
    }

    /// As many seats in front of all others; the first is the foremost.
    pub(super) fn head_seats(&mut self, count: usize) -> impl Iterator<Item = Seat> + use<> {
        let end = self.head;
        self.head -= Seat::try_from(count).expect("no more jobs than memory holds");
        self.head..end
    }

    /// A seat in front of all others.
    pub(super) fn head_seat(&mut self) -> Seat {
        self.head -= 1;
        self.head
    }

    pub(super) fn queue(&mut self, priority: Priority, seat: Seat, key: JobKey) {
        self.by_rank[rank(priority)].queued.insert(seat, key);
        self.queued += 1;
    }

    pub(super) fn unqueue(&mut self, priority: Priority, seat: Seat) {
        self.by_rank[rank(priority)].queued.remove(&seat);
        self.queued -= 1;
    }

    pub(super) fn wait(&mut self, priority: Priority, seat: Seat, key: JobKey) {
        self.by_rank[rank(priority)].waiting.insert(seat, key);
        self.waiting += 1;
    }

    pub(super) fn unwait(&mut self, priority: Priority, seat: Seat) {
        self.by_rank[rank(priority)].waiting.remove(&seat);
        self.waiting -= 1;
    }

    /// Whose turn it is.
    pub(super) fn first(&self) -> Option<JobKey> {
        self.by_rank.iter().find_map(|lane| lane.queued.first_key_value()).map(|(_, &key)| key)
    }

    /// Nobody is queued who would start before a new job of this priority.
    pub(super) fn is_clear_for(&self, priority: Priority) -> bool {
        self.by_rank[..=rank(priority)].iter().all(|lane| lane.queued.is_empty())
    }

    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// By priority; in one, the queued in order, then the waiting, who will re-enter behind them.
    pub(super) fn iter(&self) -> impl Iterator<Item = JobKey> {
        self.by_rank.iter().flat_map(|lane| lane.queued.values().chain(lane.waiting.values()).copied())
    }
}

fn rank(priority: Priority) -> usize {
    match priority {
        Priority::High => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    }
}
