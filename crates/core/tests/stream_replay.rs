//! The replay against a slow twin that keeps a list of all events, and its bounds.

#![expect(clippy::disallowed_methods, reason = "the replay takes instants, and one must come from somewhere")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use desktop_runtime_core::stream::{
    BY_HAND, BYTES, EVENT_BYTES, EVENTS_PER_JOB, JOBS, KEPT_AFTER_END, Kinds, Offer, Replay,
};
use desktop_runtime_core::wire::id::JsonId;
use desktop_runtime_core::wire::message::JobEventKind;
use proptest::prelude::*;

const MIB: usize = 1024 * 1024;

#[derive(Debug, Clone)]
struct Event {
    job: u16,
    source: u32,
    run: u64,
    sequence: u64,
    kind: JobEventKind,
    length: usize,
}

/// A number of so many digits, and none that begins with 0.
fn text(length: usize) -> Vec<u8> {
    vec![b'7'; length]
}

fn id(job: u16) -> JsonId {
    JsonId::from_raw(job.to_string().as_bytes())
}

fn record(replay: &mut Replay, event: &Event, now: Instant) {
    let text = text(event.length);
    let (head, tail) = text.split_at(event.length / 2);
    let offer = Offer {
        source: event.source,
        run: event.run,
        sequence: event.sequence,
        kind: event.kind,
        pieces: &[head, tail],
    };
    replay.record(&id(event.job), &offer, now);
}

/// The twin: all that is kept in one list, oldest first.
#[derive(Default)]
struct Naive {
    events: Vec<Event>,
    ended: HashMap<u16, Instant>,
    last: HashMap<u16, usize>,
    heard: BTreeMap<u32, u64>,
    count: usize,
}

impl Naive {
    fn kept_length(event: &Event) -> usize {
        if event.length > EVENT_BYTES { 0 } else { event.length }
    }

    fn bytes(&self) -> usize {
        self.events.iter().map(Self::kept_length).sum()
    }

    fn jobs(&self) -> HashSet<u16> {
        self.events.iter().map(|event| event.job).collect()
    }

    fn drop_where(&mut self, goes: impl Fn(&Event) -> bool) {
        self.events.retain(|event| !goes(event));
        let left = self.jobs();
        self.ended.retain(|job, _| left.contains(job));
    }

    fn drop_first_of(&mut self, belongs: impl Fn(&Event) -> bool) {
        if let Some(at) = self.events.iter().position(belongs) {
            self.events.remove(at);
        }
        self.drop_where(|_| false);
    }

    fn record(&mut self, event: &Event, now: Instant) {
        self.count += 1;
        if event.source != BY_HAND {
            self.heard.insert(event.source, event.sequence);
        }
        let former =
            |other: &Event| other.job == event.job && other.source == event.source && other.run != event.run;
        if self.events.iter().any(former) {
            self.ended.remove(&event.job);
            self.events.retain(|other| !former(other));
        }
        self.events.push(event.clone());
        self.last.insert(event.job, self.count);
        if matches!(event.kind, JobEventKind::Result | JobEventKind::Error) {
            self.ended.insert(event.job, now);
        }
        if self.events.iter().filter(|other| other.job == event.job).count() > EVENTS_PER_JOB {
            self.drop_first_of(|other| other.job == event.job);
        }
        if self.jobs().len() > JOBS {
            let stalest =
                self.jobs().into_iter().min_by_key(|job| self.last[job]).expect("there are more than none");
            self.drop_where(|event| event.job == stalest);
        }
        while self.bytes() > BYTES {
            self.drop_first_of(|_| true);
        }
    }

    fn end_run(&mut self, source: u32, now: Instant) {
        let over: HashSet<u16> =
            self.events.iter().filter(|event| event.source == source).map(|event| event.job).collect();
        for job in over {
            self.ended.entry(job).or_insert(now);
        }
    }

    fn begin(&mut self, job: u16) {
        if self.ended.contains_key(&job) {
            self.drop_where(|event| event.job == job);
        }
    }

    fn expire(&mut self, now: Instant) {
        let over: HashSet<u16> = self
            .ended
            .iter()
            .filter(|(_, ended)| now >= **ended + KEPT_AFTER_END)
            .map(|(job, _)| *job)
            .collect();
        self.drop_where(|event| over.contains(&event.job));
    }

    fn snapshot(&self, job: u16, wanted: Kinds) -> Vec<u8> {
        let own: Vec<&Event> =
            self.events.iter().filter(|event| event.job == job && wanted.has(event.kind)).collect();
        let pairs = |pairs: Vec<(u32, u64)>| {
            pairs.iter().map(|(a, b)| format!("{a},{b}")).collect::<Vec<_>>().join(",")
        };
        let heard = pairs(self.heard.iter().map(|(source, reach)| (*source, *reach)).collect());
        let large = own.iter().filter(|event| event.length > EVENT_BYTES && event.source != BY_HAND);
        let large = pairs(large.map(|event| (event.source, event.sequence)).collect());
        let kept = own.iter().filter(|event| event.length <= EVENT_BYTES);
        let kept = kept.map(|event| text(event.length)).collect::<Vec<_>>().join(&b","[..]);
        [b"[[", heard.as_bytes(), b"],[", large.as_bytes(), b"],[", &kept, b"]]"].concat()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Event(Event),
    EndRun(u32),
    Begin(u16),
    Wait(u64),
}

fn kind() -> impl Strategy<Value = JobEventKind> {
    prop_oneof![
        4 => Just(JobEventKind::Progress),
        1 => Just(JobEventKind::Log),
        2 => Just(JobEventKind::Partial),
        1 => Just(JobEventKind::Result),
        1 => Just(JobEventKind::Error),
        1 => Just(JobEventKind::Other),
    ]
}

/// Few jobs with many events, many jobs with few, and texts from nothing to too much.
fn step() -> impl Strategy<Value = Step> {
    let job = || prop_oneof![3 => 0u16..4, 2 => 0u16..400];
    let length = prop_oneof![
        20 => 1usize..60,
        2 => Just(EVENT_BYTES),
        2 => 300_000..EVENT_BYTES,
        1 => EVENT_BYTES + 1..EVENT_BYTES + 3,
    ];
    let event = (job(), 0u32..3, 0u64..2, kind(), length).prop_map(|(job, source, run, kind, length)| {
        Step::Event(Event {
            job,
            source,
            run: if source == BY_HAND { 0 } else { run },
            sequence: 0,
            kind,
            length,
        })
    });
    prop_oneof![
        60 => event,
        1 => (1u32..3).prop_map(Step::EndRun),
        2 => job().prop_map(Step::Begin),
        2 => (0u64..70_000).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_keeps_what_a_list_of_all_events_would(
        steps in proptest::collection::vec(step(), 1..1200),
        wanted in 0u32..64,
    ) {
        let mut now = Instant::now();
        let (mut replay, mut naive) = (Replay::default(), Naive::default());
        let mut sequence = 0;
        for step in steps {
            match step {
                Step::Event(mut event) => {
                    sequence += 1;
                    event.sequence = if event.source == BY_HAND { 0 } else { sequence };
                    record(&mut replay, &event, now);
                    naive.record(&event, now);
                }
                Step::EndRun(source) => {
                    replay.end_run(source, now);
                    naive.end_run(source, now);
                }
                Step::Begin(job) => {
                    replay.begin(&id(job));
                    naive.begin(job);
                }
                Step::Wait(ms) => {
                    now += Duration::from_millis(ms);
                    replay.expire(now);
                    naive.expire(now);
                }
            }
            prop_assert!(replay.bytes() <= BYTES);
            prop_assert_eq!(replay.bytes(), naive.bytes());
        }
        let due = naive.ended.values().min().map(|ended| *ended + KEPT_AFTER_END);
        prop_assert_eq!(replay.next_deadline(), due);
        for job in 0..400 {
            for kinds in [Kinds::ALL, Kinds::from_bits(wanted)] {
                let same = replay.snapshot(&id(job), kinds) == naive.snapshot(job, kinds);
                prop_assert!(same, "job {} differs", job);
            }
        }
    }
}

fn event(job: u16, sequence: u64, kind: JobEventKind, length: usize) -> Event {
    Event { job, source: 1, run: 0, sequence, kind, length }
}

fn kept(replay: &Replay, job: u16) -> String {
    String::from_utf8_lossy(&replay.snapshot(&id(job), Kinds::ALL)).into_owned()
}

#[test]
fn the_figures_are_the_contracts() {
    assert_eq!((EVENTS_PER_JOB, JOBS, BYTES, EVENT_BYTES), (64, 256, 16 * MIB, MIB));
    assert_eq!(KEPT_AFTER_END, Duration::from_mins(1));
}

#[test]
fn the_last_64_events_of_a_job() {
    let (mut replay, now) = (Replay::default(), Instant::now());
    for number in 1..=65 {
        record(&mut replay, &event(1, number, JobEventKind::Progress, usize::try_from(number).unwrap()), now);
    }
    let text = kept(&replay, 1);
    assert!(text.starts_with("[[1,65],[],[77,777,"), "{}", &text[..40]);
    assert_eq!(replay.bytes(), (2..=65).sum::<usize>());
}

#[test]
fn of_the_256_jobs_that_were_heard_of_last() {
    let (mut replay, now) = (Replay::default(), Instant::now());
    for job in 0..256 {
        record(&mut replay, &event(job, u64::from(job), JobEventKind::Progress, 1), now);
    }
    record(&mut replay, &event(0, 300, JobEventKind::Progress, 1), now);
    record(&mut replay, &event(999, 301, JobEventKind::Progress, 1), now);
    assert_eq!(kept(&replay, 0), "[[1,301],[],[7,7]]");
    assert_eq!(kept(&replay, 1), "[[1,301],[],[]]", "the stalest went");
    assert_eq!(kept(&replay, 2), "[[1,301],[],[7]]");
    assert_eq!(kept(&replay, 999), "[[1,301],[],[7]]");
}

#[test]
fn at_most_16_mib_of_text_in_all_the_oldest_out_first_and_none_above_1_mib() {
    let (mut replay, now) = (Replay::default(), Instant::now());
    record(&mut replay, &event(1, 1, JobEventKind::Progress, MIB), now);
    record(&mut replay, &event(2, 2, JobEventKind::Result, MIB + 1), now);
    assert_eq!(replay.bytes(), MIB);
    assert_eq!(kept(&replay, 2), "[[1,2],[1,2],[]]", "how far it reaches, and what is missing");
    for number in 3..18 {
        record(&mut replay, &event(3, number, JobEventKind::Progress, MIB), now);
    }
    assert_eq!(replay.bytes(), 16 * MIB);
    record(&mut replay, &event(4, 18, JobEventKind::Progress, 1), now);
    assert_eq!(replay.bytes(), 15 * MIB + 1);
    assert_eq!(kept(&replay, 1), "[[1,18],[],[]]");
    assert_eq!(kept(&replay, 4), "[[1,18],[],[7]]");
}

#[test]
fn freed_60_s_after_the_jobs_end_or_its_runs() {
    let (mut replay, now) = (Replay::default(), Instant::now());
    let second = Duration::from_secs(1);
    record(&mut replay, &event(1, 1, JobEventKind::Progress, 1), now);
    record(&mut replay, &event(2, 2, JobEventKind::Progress, 1), now);
    assert_eq!(replay.next_deadline(), None);
    record(&mut replay, &event(1, 3, JobEventKind::Error, 1), now + second);
    replay.end_run(1, now + 5 * second);
    assert_eq!(replay.next_deadline(), Some(now + 61 * second));
    replay.expire(now + Duration::from_millis(60_999));
    assert_eq!(kept(&replay, 1), "[[1,3],[],[7,7]]");
    replay.expire(now + 61 * second);
    assert_eq!(kept(&replay, 1), "[[1,3],[],[]]");
    assert_eq!(replay.next_deadline(), Some(now + 65 * second));
    replay.expire(now + 65 * second);
    assert_eq!((replay.bytes(), replay.next_deadline()), (0, None));
}

#[test]
fn a_job_of_another_run_of_the_engine_is_another_job() {
    let (mut replay, now) = (Replay::default(), Instant::now());
    record(&mut replay, &event(1, 1, JobEventKind::Result, 1), now);
    record(&mut replay, &Event { run: 1, ..event(1, 2, JobEventKind::Progress, 2) }, now);
    assert_eq!(kept(&replay, 1), "[[1,2],[],[77]]");
    assert_eq!(replay.next_deadline(), None, "it has not ended");
}
