//! Crash recovery's journal and snapshot as a folder may show them: what was written, then damaged anywhere and by any
//! means. What is read was written; what is written anew from it reads as the same.
//!
//! Inputs are structured: changes of the state, a compaction, then the damage.

#![no_main]

use std::collections::{HashMap, HashSet};

use desktop_runtime_core::recovery::job::List;
use desktop_runtime_core::recovery::journal;
use desktop_runtime_core::recovery::record::Records;
use desktop_runtime_core::recovery::snapshot::{self, Origin};
use desktop_runtime_core::recovery::state::{Limits, State};
use desktop_runtime_core::wire::id::JsonId;
use desktop_runtime_fuzz::damage::damage;
use desktop_runtime_fuzz::json;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { most_recovered: Some(3), most_attempts: Some(2) };

/// Payloads that look like what stands around them.
const PAYLOADS: [&str; 8] = [
    "1",
    "null",
    r#"{"id":"no","type":"t","payload":1,"priority":"low","state":"pending","progress":0,"createdAt":1,"retries":0}"#,
    r#""\n0000002e 51b4c1f0a7e2d903 D\"job 0\"""#,
    "[ \n{},\n{\"id\":\"job 1\"}\n]",
    r#""é😀\ud800""#,
    r#"{"__proto__":{"id":"no"},"pendingJobs":[{}]}"#,
    r#"",\"sha256\":\"""#,
];

fn key(id: u8) -> JsonId {
    JsonId::from_raw(format!("\"job {id}\"").as_bytes())
}

/// The folder, and what was ever written into it.
struct Folder {
    state: State,
    generation: u64,
    snapshot: Vec<u8>,
    journal: Vec<u8>,
    /// The records of this journal.
    written: Vec<Vec<u8>>,
    /// Each job's texts, without what recovery itself changes.
    jobs: HashMap<JsonId, HashSet<String>>,
    now_ms: u64,
}

impl Folder {
    fn new(generation: u64) -> Self {
        let (state, now_ms) = (State::default(), 1000);
        let (snapshot, journal) = (Vec::new(), Vec::new());
        let mut folder =
            Self { state, generation, snapshot, journal, written: Vec::new(), jobs: HashMap::new(), now_ms };
        folder.compact();
        folder
    }

    /// As `Folder::create_journal` and `write_snapshot` do it.
    fn compact(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        self.journal = journal::header(self.generation);
        self.written.clear();
        let picture = self.state.picture();
        let mut sums = Records::default();
        sums.sums(&snapshot::sums(&picture));
        self.append(&sums);
        self.snapshot = snapshot::render(&picture, self.generation);
    }

    fn append(&mut self, records: &Records) {
        journal::push_lines(&mut self.journal, self.generation, records);
        self.written.extend(records.iter().map(<[u8]>::to_vec));
    }

    fn change(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        self.now_ms += 1;
        let now = self.now_ms;
        let id = u.arbitrary::<u8>()? % 6;
        let state = &mut self.state;
        match u.arbitrary::<u8>()? % 16 {
            0..=3 => {
                let payload = *u.choose(&PAYLOADS)?;
                let running = if u.arbitrary()? { "running" } else { "pending" };
                let text = format!(
                    r#"{{"id":"job {id}","type":"t","payload":{payload},"extra":[{id}],"state":"{running}"}}"#
                );
                assert!(state.track(text.as_bytes(), false, now));
                let text = state.job(&key(id)).expect("it is tracked");
                self.jobs.entry(key(id)).or_default().insert(fixed(&text));
            }
            4 | 5 => {
                let progress = ["0", "7.5", "1e2"][usize::from(u.arbitrary::<u8>()? % 3)];
                state.update(
                    &key(id),
                    u.arbitrary()?,
                    u.arbitrary::<bool>()?.then_some(progress.as_bytes()),
                    now,
                );
            }
            6 => drop(state.remove(&key(id))),
            7 => drop(state.hand_over(&key(id))),
            8 => drop(state.failed(&key(id), state.version(&key(id)).unwrap_or(0), LIMITS)),
            9 => state.put_back(&key(id)),
            10 => drop(state.exited(&key(id), LIMITS)),
            11 => drop(state.park_exhausted(LIMITS, &HashSet::from([key(id)]))),
            12 => drop(state.unpark(&key(id))),
            13 => state.healthy(now),
            14 => state.clear(),
            _ => {
                state.records().clear();
                self.compact();
            }
        }
        let records = self.state.records().clone();
        self.state.records().clear();
        self.append(&records);
        Ok(())
    }

    /// What a start finds in the folder.
    fn read(&self) -> State {
        let reading = journal::read(&self.journal, self.generation);
        assert!(!reading.damaged && reading.records == self.written, "what was written is read");
        let snapshot = snapshot::read(&self.snapshot, reading.records.iter().copied(), 0);
        assert_eq!((snapshot.origin, snapshot.skipped), (Origin::Ours(self.generation), 0));
        let mut state = snapshot.state;
        assert!(reading.records.iter().all(|record| state.replay(record)));
        assert!(state.records().is_empty(), "a replay leaves nothing to write");
        state
    }
}

/// A job's text without what recovery changes.
fn fixed(text: &[u8]) -> String {
    let Some(json::Value::Object(members)) = json::parse(text) else { panic!("{}", text.escape_ascii()) };
    let own = ["state", "progress", "startedAt", "retries"];
    let kept = members.into_iter().filter(|(name, _)| !own.iter().any(|own| json::is(name, own)));
    format!("{:?}", kept.collect::<Vec<_>>())
}

/// The state as a snapshot, which must read as itself.
fn rewritten(state: &State) -> Vec<u8> {
    let text = snapshot::render(&state.picture(), 7);
    assert!(json::parse(&text).is_some(), "{}", text.escape_ascii());
    for array in [state.recoverable(LIMITS, &HashSet::new()), state.parked(), state.live_ids()] {
        assert!(json::parse(&array).is_some(), "{}", array.escape_ascii());
    }
    let again = snapshot::read(&text, std::iter::empty(), 0);
    assert_eq!((again.origin, again.skipped), (Origin::Ours(7), 0), "{}", text.escape_ascii());
    assert_eq!(snapshot::render(&again.state.picture(), 7), text, "what was rewritten reads as the same");
    text
}

fn drive(u: &mut Unstructured<'_>) -> Result<()> {
    let mut folder = Folder::new(u.arbitrary::<u8>()?.into());
    for _ in 0..u.arbitrary::<u8>()? % 40 {
        folder.change(u)?;
    }
    let whole = rewritten(&folder.state);
    assert_eq!(rewritten(&folder.read()), whole, "what memory has is on disk");

    damage(u, &mut folder.journal, &folder.snapshot)?;
    let intact = folder.snapshot.clone();
    if u.arbitrary()? {
        damage(u, &mut folder.snapshot, &folder.journal)?;
    }
    let reading = journal::read(&folder.journal, folder.generation);
    for record in &reading.records {
        assert!(folder.written.iter().any(|written| written == record), "made up: {}", record.escape_ascii());
    }
    let snapshot = snapshot::read(&folder.snapshot, reading.records.iter().copied(), 0);
    let vouched = reading.records.iter().any(|record| record.first() == Some(&b'S'));
    // Without the sums what has the shape of a job is taken; and damage may make the layout version 1's.
    let trusted = folder.snapshot == intact || snapshot.origin == Origin::Damaged && vouched;
    let mut state = snapshot.state;
    assert!(reading.records.iter().all(|record| state.replay(record)), "each record is one of ours");
    if trusted {
        for list in List::ALL {
            for job in state.jobs(list) {
                let text = state.job(job.id()).expect("it is listed");
                let known = folder.jobs.get(job.id()).is_some_and(|texts| texts.contains(&fixed(&text)));
                assert!(known, "no job that was not written: {}", text.escape_ascii());
            }
        }
    }
    rewritten(&state);

    // The next process goes on from what it has read.
    let mut next = Folder { state, ..Folder::new(folder.generation) };
    next.compact();
    for _ in 0..u.arbitrary::<u8>()? % 8 {
        next.change(u)?;
    }
    assert_eq!(rewritten(&next.read()), rewritten(&next.state));
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    // An input that ends early has said all it has to say.
    let _ = drive(&mut Unstructured::new(data));
});
