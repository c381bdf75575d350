//! Which jobs there are, and what becomes of them. Pure: no I/O, the time is an argument.
//!
//! Three lists, each in its own order: a job that changes its list goes to the end of the new one, one that is tracked
//! again in the same list keeps its place. Every change leaves its record behind, for the journal.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::job::{Job, List};
use super::record::{self, Record, Records};
use crate::wire::id::JsonId;

/// Removals that are remembered while no folder is open, for the jobs that `init()` may find there.
const REMOVALS: usize = 10_000;

/// The limits of `CrashRecovery`.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Jobs that one `recover()` hands over; `None`: all.
    pub most_recovered: Option<usize>,
    /// Hand-overs before a job is parked; `None`: no limit.
    pub most_attempts: Option<u32>,
}

/// A hand-over under way: what its end wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandOver {
    /// Which `track` the job came with.
    pub version: u64,
    /// It was running before: the attempt that counts is that one.
    pub was_running: bool,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    list: List,
    at: u64,
}

/// The tracked jobs.
#[derive(Debug, Default)]
pub struct State {
    places: HashMap<JsonId, Place>,
    lists: [BTreeMap<u64, Arc<Job>>; 3],
    last_place: u64,
    last_version: u64,
    last_change: u64,
    /// Up to here a folder has the changes, whoever writes there now.
    stored: u64,
    healthy_at_ms: Option<u64>,
    records: Records,
    /// Removed while no folder was open. Merging applies them to what the folder has.
    removed: HashSet<JsonId>,
    cleared: bool,
    /// Jobs that are another's to hand over, whoever took the folder. They stay visible here.
    elsewhere: HashSet<JsonId>,
}

/// What a snapshot says, as of one moment. Cheap to take: no job is copied.
#[derive(Debug)]
pub struct Picture {
    /// The jobs by list, those that JSON cannot hold left out.
    pub lists: [Vec<Arc<Job>>; 3],
    /// When the engine was ready last.
    pub healthy_at_ms: u64,
}

impl State {
    /// The same jobs in lists made anew; for after a panic, which may have left one half moved. Without its records.
    #[must_use]
    pub fn mended(&self) -> Self {
        let mut whole = Self {
            last_place: self.last_place,
            last_version: self.last_version,
            last_change: self.last_change,
            stored: self.stored,
            healthy_at_ms: self.healthy_at_ms,
            removed: self.removed.clone(),
            cleared: self.cleared,
            ..Self::default()
        };
        for list in List::ALL {
            for (at, job) in &self.lists[list as usize] {
                let place = Place { list, at: *at };
                // One that was being moved may be in two lists: the later one is where it went.
                if let Some(before) = whole.places.insert(job.id.clone(), place) {
                    whole.lists[before.list as usize].remove(&before.at);
                }
                whole.lists[list as usize].insert(*at, Arc::clone(job));
            }
        }
        whole
    }

    /// The state as of now.
    #[must_use]
    pub fn picture(&self) -> Picture {
        let lists =
            self.lists.each_ref().map(|list| list.values().filter(|job| !job.volatile).cloned().collect());
        Picture { lists, healthy_at_ms: self.healthy_at_ms.unwrap_or(0) }
    }

    /// The records of the changes so far that nobody has taken.
    pub fn records(&mut self) -> &mut Records {
        &mut self.records
    }

    /// How many jobs a list has.
    #[must_use]
    pub fn count(&self, list: List) -> usize {
        self.lists[list as usize].len()
    }

    /// The jobs of a list, in order.
    pub fn jobs(&self, list: List) -> impl Iterator<Item = &Job> {
        self.lists[list as usize].values().map(|job| &**job)
    }

    /// When the engine was ready last; 0: never; `None`: nothing was ever tracked or read.
    #[must_use]
    pub fn healthy_at_ms(&self) -> Option<u64> {
        self.healthy_at_ms
    }

    /// The state begins, if it has not: from here `healthy_at_ms` is a number.
    pub fn begin(&mut self) {
        self.healthy_at_ms.get_or_insert(0);
    }

    fn find(&self, id: &JsonId) -> Option<(Place, &Job)> {
        let place = *self.places.get(id)?;
        self.lists[place.list as usize].get(&place.at).map(|job| (place, &**job))
    }

    /// Puts a job into a list, in place of one with its id.
    fn put(&mut self, job: Job, list: List) {
        let at = match self.places.get(&job.id) {
            Some(place) if place.list == list => place.at,
            Some(place) => {
                self.lists[place.list as usize].remove(&place.at);
                self.next_place()
            }
            None => self.next_place(),
        };
        self.places.insert(job.id.clone(), Place { list, at });
        self.lists[list as usize].insert(at, Arc::new(job));
    }

    fn next_place(&mut self) -> u64 {
        self.last_place += 1;
        self.last_place
    }

    fn take(&mut self, id: &JsonId) -> Option<Arc<Job>> {
        self.elsewhere.remove(id);
        let place = self.places.remove(id)?;
        self.lists[place.list as usize].remove(&place.at)
    }

    fn next_change(&mut self) -> u64 {
        self.last_change += 1;
        self.last_change
    }

    /// Changes a job and its list; what that means for the journal is one record.
    fn change(&mut self, id: &JsonId, act: impl FnOnce(&mut Job, List) -> List) -> Option<(&Job, List)> {
        let (place, job) = self.find(id)?;
        let mut job = job.clone();
        job.change = self.next_change();
        let list = act(&mut job, place.list);
        if !job.volatile {
            self.records.update(&job, list);
        }
        self.put(job, list);
        self.find(id).map(|(place, job)| (job, place.list))
    }

    /// Tracks the job of this JSON text; one of the same id is replaced. `volatile`: the text is not all of it, and it
    /// stays in memory. Whether the text is a job's.
    pub fn track(&mut self, text: &[u8], volatile: bool, now_ms: u64) -> bool {
        let Some(read) = Job::read(text, now_ms) else { return false };
        self.begin();
        self.last_version += 1;
        let mut job = read.job;
        job.version = self.last_version;
        job.change = self.next_change();
        job.volatile = volatile;
        if read.list == List::Running && job.started_at.is_none() {
            job.started_at = Some(now_ms.to_string().into_bytes().into());
        }
        // Sets that are mostly empty, and would hash the id all the same.
        for set in [&mut self.removed, &mut self.elsewhere].into_iter().filter(|set| !set.is_empty()) {
            set.remove(&job.id);
        }
        if !volatile {
            self.records.put(&job, read.list);
        } else if self.find(&job.id).is_some_and(|(_, before)| !before.volatile) {
            self.records.remove(&job.id.to_json());
        }
        self.put(job, read.list);
        true
    }

    /// A job waits again or runs; `progress` is a JSON number. Unknown ids are ignored.
    pub fn update(&mut self, id: &JsonId, running: bool, progress: Option<&[u8]>, now_ms: u64) {
        self.change(id, |job, before| {
            if let Some(progress) = progress {
                job.progress = progress.into();
            }
            if !running {
                return List::Pending;
            }
            if before != List::Running || job.started_at.is_none() {
                job.started_at = Some(now_ms.to_string().into_bytes().into());
            }
            List::Running
        });
    }

    /// A job leaves the state. Whether it was there.
    pub fn remove(&mut self, id: &JsonId) -> bool {
        let taken = self.take(id);
        if taken.as_ref().is_none_or(|job| !job.volatile) && self.removed.len() < REMOVALS {
            self.removed.insert(id.clone());
        }
        if taken.as_ref().is_some_and(|job| !job.volatile) {
            self.records.remove(&id.to_json());
        }
        taken.is_some()
    }

    /// The engine was ready.
    pub fn healthy(&mut self, at_ms: u64) {
        self.healthy_at_ms = Some(at_ms);
        self.records.healthy(at_ms);
    }

    /// Every job leaves the state.
    pub fn clear(&mut self) {
        self.places.clear();
        self.lists = Default::default();
        self.removed.clear();
        self.elsewhere.clear();
        self.cleared = true;
        self.begin();
        self.records.clear_all();
    }

    /// What `recover()` would hand over, as a JSON array: pending jobs, then running ones. `skip`: leave these out.
    #[must_use]
    pub fn recoverable(&self, limits: Limits, skip: &HashSet<JsonId>) -> Vec<u8> {
        let both = [List::Pending, List::Running].into_iter();
        let jobs = both.flat_map(|list| self.jobs(list).map(move |job| (job, list)));
        let wanted = jobs.filter(|(job, _)| !skip.contains(&job.id));
        let taken = wanted.take(limits.most_recovered.unwrap_or(usize::MAX));
        array_of(taken, |(job, list), out| job.push_recoverable(out, list))
    }

    /// The parked jobs, as a JSON array.
    #[must_use]
    pub fn parked(&self) -> Vec<u8> {
        array_of(self.jobs(List::Parked), |job, out| job.push(out, List::Parked))
    }

    /// The ids of the pending and running jobs, as a JSON array.
    #[must_use]
    pub fn live_ids(&self) -> Vec<u8> {
        let jobs = [List::Pending, List::Running].into_iter().flat_map(|list| self.jobs(list));
        array_of(jobs, |job, out| out.extend_from_slice(job.id.to_json().as_bytes()))
    }

    /// How often a job was handed over or put back; `None`: it is not tracked.
    #[must_use]
    pub fn retries(&self, id: &JsonId) -> Option<u32> {
        self.find(id).map(|(_, job)| job.retries)
    }

    /// A job, as a JSON text.
    #[must_use]
    pub fn job(&self, id: &JsonId) -> Option<Vec<u8>> {
        let (place, job) = self.find(id)?;
        let mut out = Vec::new();
        job.push(&mut out, place.list);
        Some(out)
    }

    /// Parks the jobs that have had all their attempts; gives them as a JSON array. `skip`: leave these alone.
    pub fn park_exhausted(&mut self, limits: Limits, skip: &HashSet<JsonId>) -> Vec<u8> {
        let Some(most) = limits.most_attempts else { return b"[]".to_vec() };
        let both = [List::Pending, List::Running].into_iter().flat_map(|list| self.jobs(list));
        let exhausted = both.filter(|job| job.retries >= most && !skip.contains(&job.id));
        let ids: Vec<JsonId> = exhausted.map(|job| job.id.clone()).collect();
        for id in &ids {
            self.change(id, |_, _| List::Parked);
        }
        array_of(ids.iter().filter_map(|id| self.find(id)), |(place, job), out| job.push(out, place.list))
    }

    /// A job is about to be handed over: from here it is pending with a retry more, even if that ends the process.
    /// `None`: the job is gone, parked, or another's.
    pub fn hand_over(&mut self, id: &JsonId) -> Option<HandOver> {
        let (place, _) = self.find(id).filter(|(place, _)| place.list != List::Parked)?;
        if self.elsewhere.contains(id) {
            return None;
        }
        let was_running = place.list == List::Running;
        let handed = self.change(id, |job, _| {
            job.retries = job.retries.saturating_add(1);
            List::Pending
        });
        handed.map(|(job, _)| HandOver { version: job.version, was_running })
    }

    /// Tells a job from another that is tracked under its id later.
    #[must_use]
    pub fn version(&self, id: &JsonId) -> Option<u64> {
        self.find(id).map(|(_, job)| job.version)
    }

    /// The hand-over was a success: the job leaves the state, unless it was tracked anew meanwhile.
    pub fn settle(&mut self, id: &JsonId, version: u64) {
        if self.find(id).is_some_and(|(_, job)| job.version == version) {
            self.remove(id);
        }
    }

    /// The hand-over did not come about: it does not count.
    pub fn take_back(&mut self, id: &JsonId, handed: HandOver) {
        let is_same = self.find(id).is_some_and(|(_, job)| job.version == handed.version);
        if is_same && !handed.was_running {
            self.change(id, |job, list| {
                job.retries = job.retries.saturating_sub(1);
                list
            });
        }
    }

    /// The hand-over failed: the job stays, or is parked after its last attempt. Whether it was parked.
    pub fn failed(&mut self, id: &JsonId, version: u64, limits: Limits) -> bool {
        let found = self.find(id).filter(|(place, job)| job.version == version && place.list != List::Parked);
        let Some((_, job)) = found else { return false };
        let is_exhausted = limits.most_attempts.is_some_and(|most| job.retries >= most);
        if is_exhausted {
            self.change(id, |_, _| List::Parked);
        }
        is_exhausted
    }

    /// The engine exited under a job of the manager's, which waits there again.
    pub fn put_back(&mut self, id: &JsonId) {
        self.change(id, |job, _| {
            job.retries = job.retries.saturating_add(1);
            List::Pending
        });
    }

    /// How many more exits of its engine a job of the manager's may survive.
    #[must_use]
    pub fn exits_left(&self, id: &JsonId, limits: Limits) -> Option<u32> {
        let most = limits.most_attempts?;
        Some(most.saturating_sub(1).saturating_sub(self.retries(id).unwrap_or(0)))
    }

    /// A job of the manager's ended with its engine. Whether it was parked.
    pub fn exited(&mut self, id: &JsonId, limits: Limits) -> bool {
        let changed = self.change(id, |job, list| {
            job.retries = job.retries.saturating_add(1);
            let exhausted = limits.most_attempts.is_some_and(|most| job.retries >= most);
            match (list, exhausted) {
                (List::Parked, _) | (_, true) => List::Parked,
                _ => List::Pending,
            }
        });
        changed.is_some_and(|(_, list)| list == List::Parked)
    }

    /// A parked job waits again, with all its attempts. Whether it was parked.
    pub fn unpark(&mut self, id: &JsonId) -> bool {
        if self.find(id).is_none_or(|(place, _)| place.list != List::Parked) {
            return false;
        }
        self.change(id, |job, _| {
            job.retries = 0;
            List::Pending
        });
        true
    }

    /// Does what a record says, leaving none of its own. Whether it is a record.
    pub fn replay(&mut self, text: &[u8]) -> bool {
        let Some(record) = record::read(text) else { return false };
        match record {
            Record::Put { list, job } => {
                let Some(read) = Job::read(job, 0) else { return false };
                self.put(read.job, list);
            }
            Record::Update { list, retries, progress, started_at, id } => {
                let Some((_, job)) = self.find(&JsonId::from_raw(id)) else { return true };
                let mut job = job.clone();
                job.retries = retries;
                job.progress = progress.into();
                job.started_at = started_at.map(Into::into);
                self.put(job, list);
            }
            Record::Remove { id } => {
                self.take(&JsonId::from_raw(id));
            }
            Record::Clear => {
                self.places.clear();
                self.lists = Default::default();
            }
            Record::Healthy { at_ms } => self.healthy_at_ms = Some(at_ms),
            Record::Sums(_) => {}
        }
        true
    }

    /// Adds a job as it was read; for snapshots.
    pub(super) fn add(&mut self, job: Job, list: List) {
        self.put(job, list);
    }

    /// When the engine was ready last, as it was read; for snapshots.
    pub(super) fn set_healthy(&mut self, at_ms: u64) {
        self.healthy_at_ms = Some(at_ms);
    }

    /// Takes over what a folder has. What was changed here since the folder was last open wins: jobs of the same id,
    /// removals, `clear`. The folder's jobs come first.
    pub fn merge(&mut self, mut folder: State) {
        if self.cleared {
            folder.places.clear();
            folder.lists = Default::default();
        }
        for id in &self.removed {
            folder.take(id);
        }
        for list in List::ALL {
            for job in std::mem::take(&mut self.lists[list as usize]).into_values() {
                // What was stored and not changed since is for the folder to say: another process may have ended it.
                if (job.change > self.stored && !self.elsewhere.contains(&job.id)) || job.volatile {
                    folder.put(Arc::unwrap_or_clone(job), list);
                } else if let Some(place) = folder.places.get(&job.id)
                    && let Some(same) = folder.lists[place.list as usize].get_mut(&place.at)
                {
                    // A hand-over that is under way ends it.
                    Arc::make_mut(same).version = job.version;
                }
            }
        }
        folder.healthy_at_ms = self.healthy_at_ms.max(folder.healthy_at_ms);
        folder.begin();
        (folder.last_version, folder.last_change) = (self.last_version, self.last_change);
        *self = folder;
    }

    /// The number of the last change.
    #[must_use]
    pub fn last_change(&self) -> u64 {
        self.last_change
    }

    /// The folder is another's from here, and with it the jobs that its files have: those not changed since `reached`.
    pub fn give_away(&mut self, reached: u64) {
        let stored = |job: &&Arc<Job>| !job.volatile && job.change <= reached;
        let given = self.lists.iter().flat_map(BTreeMap::values).filter(stored).map(|job| job.id.clone());
        self.elsewhere.extend(given);
    }

    /// The ids of the jobs that are another's to hand over, as a JSON array.
    #[must_use]
    pub fn elsewhere(&self) -> Vec<u8> {
        array_of(self.elsewhere.iter(), |id, out| out.extend_from_slice(id.to_json().as_bytes()))
    }

    /// The folder has everything: what is not changed from here on need not win over it.
    pub fn mark_stored(&mut self) {
        self.stored = self.last_change;
        self.forget_removals();
    }

    /// The folder may lack something after all: what was changed wins over it.
    pub fn mark_changed(&mut self) {
        self.stored = 0;
    }

    /// A folder is open, so removals are on record there.
    pub fn forget_removals(&mut self) {
        self.removed = HashSet::new();
        self.cleared = false;
    }
}

fn array_of<T>(items: impl Iterator<Item = T>, push: impl Fn(T, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![b'['];
    for item in items {
        if out.len() > 1 {
            out.push(b',');
        }
        push(item, &mut out);
    }
    out.push(b']');
    out
}
