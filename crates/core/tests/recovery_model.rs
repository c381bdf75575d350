//! The tracked jobs against a naive twin, driven with random inputs; what the journal and the snapshot give back of them
//! after every change, after a cut anywhere, and after damage (contract section 7, architecture invariant 5).

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::HashSet;

use desktop_runtime_core::recovery::job::List;
use desktop_runtime_core::recovery::journal;
use desktop_runtime_core::recovery::snapshot::{self, Origin};
use desktop_runtime_core::recovery::state::{HandOver, Limits, State};
use desktop_runtime_core::wire::id::JsonId;
use proptest::prelude::*;
use serde_json::{Value, json};

const LIMITS: Limits = Limits { most_recovered: Some(3), most_attempts: Some(2) };

#[derive(Debug, Clone)]
enum Op {
    Track { id: u8, payload: String, running: bool },
    Update { id: u8, running: bool, progress: Option<u8> },
    Remove { id: u8 },
    HandOver { id: u8 },
    Failed { id: u8 },
    TakeBack { id: u8, was_running: bool },
    Settle { id: u8 },
    PutBack { id: u8 },
    Exited { id: u8 },
    ParkExhausted { skip: u8 },
    Unpark { id: u8 },
    Healthy,
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    let id = 0..5u8;
    prop_oneof![
        8 => (id.clone(), "[a-c\"\\\\\n{}é]{0,12}", any::<bool>())
            .prop_map(|(id, payload, running)| Op::Track { id, payload, running }),
        5 => (id.clone(), any::<bool>(), proptest::option::of(0..101u8))
            .prop_map(|(id, running, progress)| Op::Update { id, running, progress }),
        2 => id.clone().prop_map(|id| Op::Remove { id }),
        4 => id.clone().prop_map(|id| Op::HandOver { id }),
        3 => id.clone().prop_map(|id| Op::Failed { id }),
        1 => (id.clone(), any::<bool>()).prop_map(|(id, was_running)| Op::TakeBack { id, was_running }),
        1 => id.clone().prop_map(|id| Op::Settle { id }),
        2 => id.clone().prop_map(|id| Op::PutBack { id }),
        2 => id.clone().prop_map(|id| Op::Exited { id }),
        2 => id.clone().prop_map(|skip| Op::ParkExhausted { skip }),
        2 => id.prop_map(|id| Op::Unpark { id }),
        1 => Just(Op::Healthy),
        1 => Just(Op::Clear),
    ]
}

fn key(id: u8) -> JsonId {
    JsonId::from_raw(format!("\"job {id}\"").as_bytes())
}

/// A job as the twin has it.
#[derive(Debug, Clone, PartialEq)]
struct Plain {
    id: u8,
    payload: String,
    created_at: u64,
    progress: u64,
    started_at: Option<u64>,
    retries: u64,
    version: u64,
}

impl Plain {
    fn json(&self, running: bool) -> Value {
        let mut job = json!({
            "id": format!("job {}", self.id), "type": "t", "payload": {"text": self.payload}, "extra": [self.id],
            "priority": "low", "createdAt": self.created_at, "progress": self.progress, "retries": self.retries,
            "state": if running { "running" } else { "pending" },
        });
        if let Some(at) = self.started_at {
            job["startedAt"] = json!(at);
        }
        job
    }
}

/// Three plain lists.
#[derive(Debug, Default, Clone)]
struct Twin {
    lists: [Vec<Plain>; 3],
    healthy_at: u64,
    versions: u64,
}

const PENDING: usize = 0;
const RUNNING: usize = 1;
const PARKED: usize = 2;

impl Twin {
    fn find(&self, id: u8) -> Option<(usize, usize)> {
        (0..3).find_map(|list| Some((list, self.lists[list].iter().position(|job| job.id == id)?)))
    }

    fn put(&mut self, job: Plain, list: usize) {
        match self.find(job.id) {
            Some((before, at)) if before == list => self.lists[list][at] = job,
            Some((before, at)) => {
                self.lists[before].remove(at);
                self.lists[list].push(job);
            }
            None => self.lists[list].push(job),
        }
    }

    fn change(&mut self, id: u8, act: impl FnOnce(&mut Plain, usize) -> usize) {
        if let Some((list, at)) = self.find(id) {
            let mut job = self.lists[list][at].clone();
            let list = act(&mut job, list);
            self.put(job, list);
        }
    }

    fn step(&mut self, op: &Op, now: u64) {
        match op.clone() {
            Op::Track { id, payload, running } => {
                self.versions += 1;
                let started_at = running.then_some(now);
                let version = self.versions;
                let job =
                    Plain { id, payload, created_at: now, progress: 0, started_at, retries: 0, version };
                self.put(job, usize::from(running));
            }
            Op::Update { id, running, progress } => self.change(id, |job, list| {
                job.progress = progress.map_or(job.progress, u64::from);
                if running && (list != RUNNING || job.started_at.is_none()) {
                    job.started_at = Some(now);
                }
                usize::from(running)
            }),
            Op::Remove { id } => {
                if let Some((list, at)) = self.find(id) {
                    self.lists[list].remove(at);
                }
            }
            Op::HandOver { id } => self.change(id, |job, list| {
                job.retries += u64::from(list != PARKED);
                if list == PARKED { PARKED } else { PENDING }
            }),
            Op::Failed { id } => {
                self.change(id, |job, list| if job.retries >= 2 { PARKED } else { list });
            }
            Op::TakeBack { id, was_running } => self.change(id, |job, list| {
                job.retries = job.retries.saturating_sub(u64::from(!was_running));
                list
            }),
            Op::Settle { id } => self.step(&Op::Remove { id }, now),
            Op::PutBack { id } => self.change(id, |job, _| {
                job.retries += 1;
                PENDING
            }),
            Op::Exited { id } => self.change(id, |job, list| {
                job.retries += 1;
                if list == PARKED || job.retries >= 2 { PARKED } else { PENDING }
            }),
            Op::ParkExhausted { skip } => {
                for list in [PENDING, RUNNING] {
                    for job in self.lists[list].clone() {
                        if job.retries >= 2 && job.id != skip {
                            self.put(job, PARKED);
                        }
                    }
                }
            }
            Op::Unpark { id } => self.change(id, |job, list| {
                if list == PARKED {
                    job.retries = 0;
                    return PENDING;
                }
                list
            }),
            Op::Healthy => self.healthy_at = now,
            Op::Clear => self.lists = Default::default(),
        }
    }

    fn recoverable(&self) -> Vec<Value> {
        let pending = self.lists[PENDING].iter().map(|job| job.json(false));
        let running = self.lists[RUNNING].iter().map(|job| {
            let mut job = job.json(false);
            job["retries"] = json!(job["retries"].as_u64().unwrap() + 1);
            job
        });
        pending.chain(running).take(3).collect()
    }
}

/// The same in the state; hand-overs end with the version that the twin knows.
fn step(state: &mut State, twin: &Twin, op: &Op, now: u64) {
    let version = |id: u8| twin.find(id).map_or(0, |(list, at)| twin.lists[list][at].version);
    match op.clone() {
        Op::Track { id, payload, running } => {
            let text = json!({
                "id": format!("job {id}"), "type": "t", "payload": {"text": payload}, "extra": [id], "priority": "low",
                "state": if running { "running" } else { "pending" },
            });
            assert!(state.track(text.to_string().as_bytes(), false, now));
        }
        Op::Update { id, running, progress } => {
            let progress = progress.map(|progress| progress.to_string());
            state.update(&key(id), running, progress.as_deref().map(str::as_bytes), now);
        }
        Op::Remove { id } => {
            state.remove(&key(id));
        }
        Op::HandOver { id } => {
            let handed = state.hand_over(&key(id));
            let place = twin.find(id).filter(|(list, _)| *list != PARKED);
            let expected =
                place.map(|(list, _)| HandOver { version: version(id), was_running: list == RUNNING });
            assert_eq!(handed, expected);
        }
        Op::Failed { id } => {
            state.failed(&key(id), version(id), LIMITS);
        }
        Op::TakeBack { id, was_running } => {
            state.take_back(&key(id), HandOver { version: version(id), was_running });
        }
        Op::Settle { id } => {
            state.settle(&key(id), version(id) + 1);
            assert_eq!(state.retries(&key(id)).is_some(), twin.find(id).is_some(), "another version");
            state.settle(&key(id), version(id));
        }
        Op::PutBack { id } => state.put_back(&key(id)),
        Op::Exited { id } => {
            state.exited(&key(id), LIMITS);
        }
        Op::ParkExhausted { skip } => {
            state.park_exhausted(LIMITS, &HashSet::from([key(skip)]));
        }
        Op::Unpark { id } => {
            state.unpark(&key(id));
        }
        Op::Healthy => state.healthy(now),
        Op::Clear => state.clear(),
    }
}

type Shown = ([Vec<Value>; 3], u64);

fn shown(state: &State) -> Shown {
    let list = |list: List| {
        let text = |id: &JsonId| serde_json::from_slice(&state.job(id).unwrap()).unwrap();
        state.jobs(list).map(|job| text(job.id())).collect()
    };
    (List::ALL.map(list), state.healthy_at_ms().unwrap_or(0))
}

fn shown_twin(twin: &Twin) -> Shown {
    let list = |list: usize| twin.lists[list].iter().map(|job| job.json(list == RUNNING)).collect();
    ([list(0), list(1), list(2)], twin.healthy_at)
}

/// A snapshot and the journal that goes on from it, as one folder would have them.
struct Disk {
    snapshot: Vec<u8>,
    journal: Vec<u8>,
    generation: u64,
}

impl Disk {
    fn of(state: &State, generation: u64) -> Disk {
        let snapshot = snapshot::render(&state.picture(), generation);
        Disk { snapshot, journal: journal::header(generation), generation }
    }

    fn read(&self, journal_length: usize) -> State {
        let reading = snapshot::read(&self.snapshot, std::iter::empty(), 0);
        assert_eq!((reading.origin, reading.skipped), (Origin::Ours(self.generation), 0));
        let mut state = reading.state;
        let journal = journal::read(&self.journal[..journal_length], self.generation);
        assert!(!journal.damaged);
        for record in journal.records {
            assert!(state.replay(record));
        }
        assert!(state.records().is_empty(), "a replay leaves nothing to write");
        state
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_any_changes_memory_and_folder_agree_with_the_twin(
        ops in prop::collection::vec(op(), 1..60),
        compact_at in 0..60usize,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 20),
    ) {
        let mut state = State::default();
        let mut twin = Twin::default();
        let mut disk = Disk::of(&state, 1);
        // What each length of the journal stands for.
        let mut history = vec![(disk.journal.len(), shown(&state))];
        for (at, op) in ops.iter().enumerate() {
            let now = 1000 + at as u64;
            step(&mut state, &twin, op, now);
            twin.step(op, now);
            prop_assert_eq!(shown(&state), shown_twin(&twin), "{:?}", op);
            let recoverable: Vec<Value> =
                serde_json::from_slice(&state.recoverable(LIMITS, &HashSet::new())).unwrap();
            prop_assert_eq!(recoverable, twin.recoverable());

            let records = state.records().clone();
            state.records().clear();
            journal::push_lines(&mut disk.journal, disk.generation, &records);
            prop_assert_eq!(shown(&disk.read(disk.journal.len())), shown(&state), "{:?}", op);
            if at == compact_at {
                disk = Disk::of(&state, disk.generation + 1);
                history.clear();
            }
            history.push((disk.journal.len(), shown(&state)));
        }
        for cut in cuts {
            let length = cut.index(disk.journal.len() + 1);
            let found = shown(&disk.read(length));
            let whole = history.iter().rev().find(|(end, _)| *end <= length).map(|(_, state)| state);
            let next = history.iter().find(|(end, _)| *end > length).map(|(_, state)| state);
            let first = &history[0].1;
            // Several records may belong to one change, and a cut may fall between them; a record without its line
            // break is complete.
            let between = ops.iter().any(|op| matches!(op, Op::ParkExhausted { .. }));
            prop_assert!(Some(&found) == whole || Some(&found) == next || found == *first || between);
        }
    }

    #[test]
    fn a_journal_replayed_over_a_state_that_has_its_records_changes_no_job(
        ops in prop::collection::vec(op(), 1..60),
        from in any::<prop::sample::Index>(),
    ) {
        let from = from.index(ops.len());
        let (mut state, twin) = (State::default(), &mut Twin::default());
        let mut journal = journal::header(1);
        for (at, op) in ops.iter().enumerate() {
            step(&mut state, twin, op, at as u64);
            twin.step(op, at as u64);
            if at >= from {
                journal::push_lines(&mut journal, 1, state.records());
            }
            state.records().clear();
        }
        let sorted = |state: &State| {
            let (mut lists, at) = shown(state);
            for list in &mut lists {
                list.sort_by_key(|job| job["id"].to_string());
            }
            (lists, at)
        };
        let before = sorted(&state);
        for record in journal::read(&journal, 1).records {
            state.replay(record);
        }
        prop_assert_eq!(sorted(&state), before);
    }

    #[test]
    fn damage_of_the_journal_costs_records_and_makes_none_up(
        ops in prop::collection::vec(op(), 1..40),
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
        length in 1..60usize,
    ) {
        let (mut state, twin) = (State::default(), &mut Twin::default());
        let mut written: Vec<Vec<u8>> = Vec::new();
        let mut journal = journal::header(3);
        for (at, op) in ops.iter().enumerate() {
            step(&mut state, twin, op, at as u64);
            twin.step(op, at as u64);
            journal::push_lines(&mut journal, 3, state.records());
            written.extend(state.records().iter().map(<[u8]>::to_vec));
            state.records().clear();
        }
        let at = at.index(journal.len());
        let end = (at + length).min(journal.len());
        journal[at..end].iter_mut().for_each(|byte| *byte ^= flip);
        let reading = journal::read(&journal, 3);
        let mut rest = written.iter();
        for record in &reading.records {
            prop_assert!(rest.any(|known| known == record), "in order, and none that was not written");
        }
        let lines = journal[at..end].iter().filter(|byte| **byte ^ flip == b'\n').count() + 1;
        prop_assert!(reading.records.len() + lines + 1 >= written.len());
    }
}

#[test]
fn a_hand_over_ends_its_job_also_when_the_folder_was_opened_anew_meanwhile() {
    let mut state = State::default();
    let job = r#"{"id":"a","type":"t","payload":1,"priority":"normal"}"#;
    assert!(state.track(job.as_bytes(), false, 1));
    let id = JsonId::from_raw(b"\"a\"");
    let handed = state.hand_over(&id).expect("it is tracked");
    let mut folder = State::default();
    for record in state.records().iter() {
        assert!(folder.replay(record));
    }
    state.mark_stored();
    state.merge(folder);
    assert_eq!(state.count(List::Pending), 1);
    state.settle(&id, handed.version);
    assert_eq!(state.count(List::Pending), 0);
}
