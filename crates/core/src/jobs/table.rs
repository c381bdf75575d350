//! The live jobs by key, in one block of memory: 1 000 000 queued jobs cost no map entry each.
//!
//! A key names a slot, how often the slot was used before, and the job's path. It stays below 2^53, so that JavaScript
//! can hold it as a number, and is never given twice: a slot that has run out of uses stays empty.

use super::{Path, job::Job};

const SLOT_BITS: u32 = 26;
const USE_BITS: u32 = 26;
const MAX_SLOTS: usize = 1 << SLOT_BITS;
const MAX_USES: u32 = 1 << USE_BITS;

/// Past this many slots an empty table gives its memory back.
const KEPT_SLOTS: usize = 1024;

/// The queue's own name of a job; never used twice, below 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobKey(pub u64);

impl JobKey {
    fn new(slot: usize, used: u32, path: Path) -> Self {
        let script = u64::from(path == Path::Script);
        Self((u64::from(used) << (SLOT_BITS + 1)) | ((slot as u64) << 1) | script)
    }

    fn slot(self) -> usize {
        usize::try_from((self.0 >> 1) & (MAX_SLOTS as u64 - 1)).expect("26 bits fit")
    }

    fn used(self) -> u64 {
        self.0 >> (SLOT_BITS + 1)
    }

    /// The path its job was submitted on; also told when the job is long gone.
    #[must_use]
    pub fn path(self) -> Path {
        if self.0 & 1 == 1 { Path::Script } else { Path::Native }
    }
}

#[derive(Debug)]
enum Entry {
    Job(Job),
    /// The next free slot.
    Free(Option<u32>),
}

#[derive(Debug)]
struct Slot {
    entry: Entry,
    used: u32,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<Slot>,
    free: Option<u32>,
    len: usize,
    /// The uses that a new slot begins with: more than any slot had that was given back.
    uses_given_back: u32,
}

impl Table {
    /// `None` when no key is left.
    pub(super) fn insert(&mut self, path: Path, job: Job) -> Option<JobKey> {
        let slot = match self.free {
            Some(free) => free as usize,
            None if self.slots.len() < MAX_SLOTS => {
                self.slots.push(Slot { entry: Entry::Free(None), used: self.uses_given_back });
                self.slots.len() - 1
            }
            None => return None,
        };
        let place = &mut self.slots[slot];
        if let Entry::Free(next) = place.entry {
            self.free = next;
        }
        place.entry = Entry::Job(job);
        self.len += 1;
        Some(JobKey::new(slot, place.used, path))
    }

    pub(super) fn get(&self, key: JobKey) -> Option<&Job> {
        match self.slots.get(key.slot()) {
            Some(Slot { entry: Entry::Job(job), used }) if u64::from(*used) == key.used() => Some(job),
            _ => None,
        }
    }

    pub(super) fn get_mut(&mut self, key: JobKey) -> Option<&mut Job> {
        match self.slots.get_mut(key.slot()) {
            Some(Slot { entry: Entry::Job(job), used }) if u64::from(*used) == key.used() => Some(job),
            _ => None,
        }
    }

    pub(super) fn remove(&mut self, key: JobKey) -> Option<Job> {
        self.get(key)?;
        let index = key.slot();
        let slot = &mut self.slots[index];
        slot.used += 1;
        let Entry::Job(job) = std::mem::replace(&mut slot.entry, Entry::Free(None)) else { return None };
        if slot.used < MAX_USES {
            slot.entry = Entry::Free(self.free);
            self.free = u32::try_from(index).ok();
        }
        self.len -= 1;
        if self.len == 0 && self.slots.len() > KEPT_SLOTS {
            self.give_back();
        }
        Some(job)
    }

    /// One without jobs that gives none of the keys again.
    pub(super) fn emptied(&self) -> Self {
        let most = self.slots.iter().map(|slot| slot.used.saturating_add(1)).max().unwrap_or(0);
        Self { uses_given_back: most.max(self.uses_given_back), ..Self::default() }
    }

    /// Keeps the first slots, which the usual load uses up; those behind served a burst and have seen little use.
    fn give_back(&mut self) {
        let behind = self.slots[KEPT_SLOTS..].iter().map(|slot| slot.used).max().unwrap_or(0);
        // Slots begun near the last use would be empty for good at once; rather is the memory kept.
        if behind > MAX_USES / 2 {
            return;
        }
        self.uses_given_back = behind.max(self.uses_given_back);
        self.slots.truncate(KEPT_SLOTS);
        self.slots.shrink_to_fit();
        self.free = None;
        for (index, slot) in self.slots.iter_mut().enumerate().rev().filter(|(_, slot)| slot.used < MAX_USES)
        {
            slot.entry = Entry::Free(self.free);
            self.free = u32::try_from(index).ok();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::jobs::Priority;
    use crate::jobs::job::Phase;

    fn job() -> Job {
        Job {
            id: None,
            terms: Arc::default(),
            payload_json: None,
            phase: Phase::Queued { seat: 0 },
            started: None,
            ticket: 0,
            exits: None,
            excused: 0,
            attempt: 0,
            priority: Priority::Normal,
        }
    }

    #[test]
    fn a_slot_that_has_run_out_of_uses_stays_empty() {
        let mut table = Table { uses_given_back: MAX_USES - 1, ..Table::default() };
        let last = table.insert(Path::Script, job()).unwrap();
        assert!(last.0 < 1 << 53);
        table.remove(last).unwrap();
        let next = table.insert(Path::Script, job()).unwrap();
        assert_eq!((last.slot(), next.slot()), (0, 1));
        assert!(table.get(last).is_none());
    }

    #[test]
    fn a_key_of_a_job_that_is_gone_finds_nothing() {
        let mut table = Table::default();
        let old = table.insert(Path::Native, job()).unwrap();
        table.remove(old).unwrap();
        let new = table.insert(Path::Native, job()).unwrap();
        assert_eq!(old.slot(), new.slot());
        assert!(table.get(old).is_none() && table.get_mut(old).is_none() && table.remove(old).is_none());
        assert!(table.get(new).is_some());
    }

    #[test]
    fn an_empty_table_gives_back_what_a_burst_took() {
        let mut table = Table::default();
        let burst: Vec<_> = (0..5000).map(|_| table.insert(Path::Native, job()).unwrap()).collect();
        for key in &burst {
            table.remove(*key).unwrap();
        }
        assert_eq!(table.slots.len(), KEPT_SLOTS);
        for _ in 0..5000 {
            assert!(!burst.contains(&table.insert(Path::Native, job()).unwrap()));
        }
    }
}
