//! The last events of the most recent jobs, for subscribers that come late. Pure: no clock, no lock.
//!
//! Bounds (contract section 6): [`EVENTS_PER_JOB`] of each of [`JOBS`] jobs, [`BYTES`] of text in all; an event above
//! [`EVENT_BYTES`] is not kept, a job's events are freed [`KEPT_AFTER_END`] after its end. Past a bound the oldest goes.
//!
//! An event may be kept here while it is still on its way to JavaScript. So each has its source's running number: a
//! snapshot says how far it reaches, and what comes live up to there is skipped, but for what was too large to keep.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::Write;
use std::time::{Duration, Instant};

use super::kinds::{Kinds, is_end};
use crate::wire::id::JsonId;
use crate::wire::message::JobEventKind;

/// Events kept of one job; one that was too large counts.
pub const EVENTS_PER_JOB: usize = 64;
/// Jobs whose events are kept: those that were heard of last.
pub const JOBS: usize = 256;
/// Text kept in all.
pub const BYTES: usize = 16 * 1024 * 1024;
/// The longest event that is kept.
pub const EVENT_BYTES: usize = 1024 * 1024;
/// How long a job's events outlive its end.
pub const KEPT_AFTER_END: Duration = Duration::from_mins(1);

/// The source of events that JavaScript hands in: they are not on their way to it, and need no number.
pub const BY_HAND: u32 = 0;

/// A job event, as it is offered for keeping.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// Where it comes from; [`BY_HAND`] or a number of the stream's.
    pub source: u32,
    /// Which run of the source: a job's id in another run is another job's.
    pub run: u64,
    /// Its number at its source, rising; 0: it came through JavaScript, so it is not on its way there.
    pub sequence: u64,
    /// Its type.
    pub kind: JobEventKind,
    /// Its JSON text, in pieces.
    pub pieces: &'a [&'a [u8]],
}

#[derive(Debug)]
struct Kept {
    source: u32,
    run: u64,
    sequence: u64,
    /// Over all jobs.
    arrival: u64,
    kind: JobEventKind,
    /// `None`: too large.
    text: Option<Box<[u8]>>,
}

impl Kept {
    fn len(&self) -> usize {
        self.text.as_ref().map_or(0, |text| text.len())
    }
}

/// What is kept of one job; never empty.
#[derive(Debug, Default)]
struct History {
    events: VecDeque<Kept>,
    /// The arrival of its last event.
    last: u64,
    ended: Option<Instant>,
}

impl History {
    fn bytes(&self) -> usize {
        self.events.iter().map(Kept::len).sum()
    }

    fn first(&self) -> u64 {
        self.events.front().map_or(u64::MAX, |event| event.arrival)
    }
}

/// See the module's documentation. At most [`JOBS`] entries: they are searched, not indexed.
#[derive(Debug, Default)]
pub struct Replay {
    jobs: HashMap<JsonId, History>,
    bytes: usize,
    arrivals: u64,
    /// How far each source has been heard.
    heard: BTreeMap<u32, u64>,
}

impl Replay {
    /// Keeps an event, as far as the bounds allow.
    pub fn record(&mut self, id: &JsonId, offer: &Offer<'_>, now: Instant) {
        if offer.sequence > 0 {
            self.heard.insert(offer.source, offer.sequence);
        }
        self.arrivals += 1;
        let length: usize = offer.pieces.iter().map(|piece| piece.len()).sum();
        let kept = Kept {
            source: offer.source,
            run: offer.run,
            sequence: offer.sequence,
            arrival: self.arrivals,
            kind: offer.kind,
            text: (length <= EVENT_BYTES).then(|| offer.pieces.concat().into_boxed_slice()),
        };
        self.bytes += kept.len();
        if !self.jobs.contains_key(id) {
            self.jobs.insert(id.clone(), History::default());
        }
        let Some(history) = self.jobs.get_mut(id) else { return };
        let is_of_former_run = |event: &Kept| event.source == offer.source && event.run != offer.run;
        if history.events.iter().any(is_of_former_run) {
            self.bytes -=
                history.events.iter().filter(|event| is_of_former_run(event)).map(Kept::len).sum::<usize>();
            history.events.retain(|event| !is_of_former_run(event));
            history.ended = None;
        }
        history.events.push_back(kept);
        history.last = self.arrivals;
        if is_end(offer.kind) {
            history.ended = Some(now);
        }
        if history.events.len() > EVENTS_PER_JOB
            && let Some(oldest) = history.events.pop_front()
        {
            self.bytes -= oldest.len();
        }
        self.keep_bounds();
    }

    fn keep_bounds(&mut self) {
        if self.jobs.len() > JOBS
            && let Some(stalest) = self.job_with_least(|history| history.last)
        {
            self.drop_job(&stalest);
        }
        while self.bytes > BYTES
            && let Some(id) = self.job_with_least(History::first)
            && let Some(history) = self.jobs.get_mut(&id)
        {
            self.bytes -= history.events.pop_front().map_or(0, |oldest| oldest.len());
            if history.events.is_empty() {
                self.jobs.remove(&id);
            }
        }
    }

    fn job_with_least(&self, measure: impl Fn(&History) -> u64) -> Option<JsonId> {
        self.jobs.iter().min_by_key(|(_, history)| measure(history)).map(|(id, _)| id.clone())
    }

    fn drop_job(&mut self, id: &JsonId) {
        if let Some(history) = self.jobs.remove(id) {
            self.bytes -= history.bytes();
        }
    }

    /// A job of this id begins: what is kept of one that has ended was another's.
    pub fn begin(&mut self, id: &JsonId) {
        if self.jobs.get(id).is_some_and(|history| history.ended.is_some()) {
            self.drop_job(id);
        }
    }

    /// A source's run is over, and with it all its jobs that had not ended.
    pub fn end_run(&mut self, source: u32, now: Instant) {
        for history in self.jobs.values_mut() {
            if history.ended.is_none() && history.events.iter().any(|event| event.source == source) {
                history.ended = Some(now);
            }
        }
    }

    /// When [`Replay::expire`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.jobs.values().filter_map(|history| history.ended).min().map(|ended| ended + KEPT_AFTER_END)
    }

    /// Frees what has outlived its job's end long enough.
    pub fn expire(&mut self, now: Instant) {
        let is_due = |history: &History| history.ended.is_some_and(|ended| now >= ended + KEPT_AFTER_END);
        self.bytes -= self.jobs.values().filter(|history| is_due(history)).map(History::bytes).sum::<usize>();
        self.jobs.retain(|_, history| !is_due(history));
    }

    /// The kept events of a job, oldest first, of the types that are wanted: the text of
    /// `[[source, reach, …], [source, number, …], [event, …]]`. First how far each source has been heard, then what of
    /// that is not among the events because it was too large.
    #[must_use]
    pub fn snapshot(&self, id: &JsonId, wanted: Kinds) -> Vec<u8> {
        let kept = || {
            let history = self.jobs.get(id);
            history.into_iter().flat_map(|history| &history.events).filter(|event| wanted.has(event.kind))
        };
        let mut text = b"[[".to_vec();
        push_list(&mut text, &self.heard, |text, (source, reach)| {
            // Writing into a Vec cannot fail.
            let _ = write!(text, "{source},{reach}");
        });
        text.extend_from_slice(b"],[");
        let too_large = kept().filter(|event| event.text.is_none() && event.sequence > 0);
        push_list(&mut text, too_large, |text, event| {
            let _ = write!(text, "{},{}", event.source, event.sequence);
        });
        text.extend_from_slice(b"],[");
        push_list(&mut text, kept().filter_map(|event| event.text.as_ref()), |text, event| {
            text.extend_from_slice(event);
        });
        text.extend_from_slice(b"]]");
        text
    }

    /// Text that is kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

fn push_list<T>(
    text: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut push: impl FnMut(&mut Vec<u8>, T),
) {
    for (number, item) in items.into_iter().enumerate() {
        if number > 0 {
            text.push(b',');
        }
        push(text, item);
    }
}
