//! The files of a folder at every step of a compaction, as a kill would leave them.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use desktop_runtime_core::recovery::folder::{Folder, Found};
use desktop_runtime_core::recovery::job::List;
use desktop_runtime_core::recovery::journal;
use desktop_runtime_core::recovery::notice::Notice;
use desktop_runtime_core::recovery::snapshot;
use desktop_runtime_core::recovery::state::State;
use desktop_runtime_core::wire::id::JsonId;

/// A folder of its own, removed at the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("recovery-folder-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Place(path)
    }

    fn folder(&self) -> Folder {
        Folder::new(self.0.clone())
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn snapshot(&self) -> PathBuf {
        self.0.join("recovery-state.json")
    }

    fn journal(&self, generation: u64) -> PathBuf {
        self.0.join(format!("recovery-journal-{generation}.log"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A state, and the journal that its changes go to.
struct Running {
    state: State,
    journal: File,
    generation: u64,
}

impl Running {
    fn begin(place: &Place, mut state: State, generation: u64) -> Running {
        let sums = snapshot::sums(&state.picture());
        let (journal, _) = place.folder().create_journal(generation, &sums).unwrap();
        state.records().clear();
        Running { state, journal, generation }
    }

    fn append(&mut self) {
        let mut lines = Vec::new();
        journal::push_lines(&mut lines, self.generation, self.state.records());
        self.journal.write_all(&lines).unwrap();
        self.state.records().clear();
    }

    fn track(&mut self, id: &str) {
        let text = format!(r#"{{"id":"{id}","type":"t","payload":{{"for":"{id}"}}}}"#);
        assert!(self.state.track(text.as_bytes(), false, 5));
        self.append();
    }

    fn remove(&mut self, id: &str) {
        self.state.remove(&JsonId::from_raw(format!("\"{id}\"").as_bytes()));
        self.append();
    }
}

fn shown(state: &State) -> Vec<String> {
    let jobs = List::ALL.into_iter().flat_map(|list| state.jobs(list).map(move |job| (job, list)));
    jobs.map(|(job, list)| {
        let mut text = Vec::new();
        job.push(&mut text, list);
        format!("{list:?} {}", String::from_utf8_lossy(&text))
    })
    .collect()
}

fn read(place: &Place) -> Found {
    place.folder().read(9).unwrap()
}

fn assert_reads_as(place: &Place, state: &State, step: &str) {
    let found = read(place);
    assert_eq!(shown(&found.state), shown(state), "{step}: {:?}", place.names());
    assert!(found.notices.is_empty(), "{step}: {:?}", found.notices);
}

#[test]
fn killed_behind_any_step_of_a_compaction_the_folder_reads_as_its_state() {
    let place = Place::new();
    let mut old = Running::begin(&place, State::default(), 1);
    old.track("a");
    assert_reads_as(&place, &old.state, "before the first snapshot");
    place.folder().write_snapshot(&snapshot::render(&old.state.picture(), 1)).unwrap();
    old.track("b");
    old.remove("a");
    assert_reads_as(&place, &old.state, "in between");

    // Journal 2 is there, and the last change before the switch still goes to journal 1.
    let (journal, _) = place.folder().create_journal(2, &snapshot::sums(&old.state.picture())).unwrap();
    assert_reads_as(&place, &old.state, "journal 2 begun");
    old.track("c");
    assert_reads_as(&place, &old.state, "a change behind its sums");
    let text = snapshot::render(&old.state.picture(), 2);

    let mut new = Running { state: old.state, journal, generation: 2 };
    new.track("d");
    new.remove("b");
    assert_reads_as(&place, &new.state, "appends go to journal 2");
    fs::write(place.0.join("recovery-state.json.tmp"), &text[..text.len() / 2]).unwrap();
    assert_reads_as(&place, &new.state, "half of the snapshot beside the old one");
    place.folder().write_snapshot(&text).unwrap();
    assert_eq!(place.names(), ["recovery-journal-1.log", "recovery-journal-2.log", "recovery-state.json"]);
    assert_reads_as(&place, &new.state, "the snapshot in place");
    assert_eq!(read(&place).next_generation, 3);
    place.folder().remove_older(2);
    assert_eq!(place.names(), ["recovery-journal-2.log", "recovery-state.json"]);
    assert_reads_as(&place, &new.state, "journal 1 removed");
}

#[test]
fn a_snapshot_written_late_for_its_journal_reads_as_the_same_jobs() {
    // The snapshot failed at first; when it came about, the journal had records that it has, too.
    let place = Place::new();
    let mut running = Running::begin(&place, State::default(), 1);
    running.track("a");
    running.track("b");
    running.remove("a");
    place.folder().write_snapshot(&snapshot::render(&running.state.picture(), 1)).unwrap();
    running.track("c");
    assert_reads_as(&place, &running.state, "late");
}

#[test]
fn a_journal_older_than_its_snapshot_does_not_count() {
    // What the disk did not take of it is in the snapshot alone: that `old` was removed.
    let place = Place::new();
    let mut old = Running::begin(&place, State::default(), 1);
    old.track("old");
    old.track("kept");
    old.state.remove(&JsonId::from_raw(br#""old""#));
    let new = Running::begin(&place, old.state, 2);
    place.folder().write_snapshot(&snapshot::render(&new.state.picture(), 2)).unwrap();
    assert_eq!(place.names(), ["recovery-journal-1.log", "recovery-journal-2.log", "recovery-state.json"]);
    assert_reads_as(&place, &new.state, "journal 1 is still there");
}

#[test]
fn with_a_snapshot_of_version_1_no_journal_counts() {
    let place = Place::new();
    let mut running = Running::begin(&place, State::default(), 4);
    running.track("ours");
    let version_1 = r#"{
  "engineVersion": "",
  "lastHealthCheck": 12,
  "pendingJobs": [
    { "id": "theirs", "type": "t", "payload": null, "priority": "normal" }
  ],
  "runningJobs": []
}"#;
    for text in [version_1, &version_1[..version_1.len() - 30]] {
        fs::write(place.snapshot(), text).unwrap();
        let found = read(&place);
        assert!(shown(&found.state).iter().all(|job| job.contains("theirs")), "{:?}", shown(&found.state));
        assert_eq!(found.next_generation, 5, "its number is taken all the same");
    }
}

#[test]
fn a_damaged_journal_is_copied_aside_and_told_of_once() {
    let place = Place::new();
    let mut running = Running::begin(&place, State::default(), 1);
    for id in ["a", "b", "c"] {
        running.track(id);
    }
    let mut bytes = fs::read(place.journal(1)).unwrap();
    let at = String::from_utf8_lossy(&bytes).find(r#"{"for":"b"}"#).unwrap();
    bytes[at + 8] ^= 1;
    fs::write(place.journal(1), &bytes).unwrap();
    let found = read(&place);
    assert_eq!(found.state.count(List::Pending), 2);
    let [Notice::Damaged(file, Some(aside))] = found.notices.as_slice() else {
        panic!("{:?}", found.notices);
    };
    assert_eq!(*file, place.journal(1));
    assert_eq!(fs::read(aside).unwrap(), bytes);
}

#[test]
fn a_damaged_snapshot_gives_what_its_journal_vouches_for_and_the_journal_counts() {
    let place = Place::new();
    let mut first = Running::begin(&place, State::default(), 1);
    for id in ["a", "b", "c"] {
        first.track(id);
    }
    let text = snapshot::render(&first.state.picture(), 2);
    let mut running = Running::begin(&place, first.state, 2);
    place.folder().write_snapshot(&text).unwrap();
    place.folder().remove_older(2);
    running.track("d");
    running.remove("a");
    let at = String::from_utf8_lossy(&text).find(r#"{"for":"b"}"#).unwrap();
    // A fault that JSON does not show.
    let mut bytes = text.clone();
    bytes[at + 8] = b'x';
    fs::write(place.snapshot(), &bytes).unwrap();
    running.remove("b");
    let found = read(&place);
    assert_eq!(shown(&found.state), shown(&running.state));
    assert!(matches!(found.notices.as_slice(), [Notice::Damaged(_, Some(_))]), "{:?}", found.notices);
    assert!(place.snapshot().exists(), "until the next one is complete");
}

fn is_aside(path: &Path) -> bool {
    path.to_string_lossy().contains(".corrupt-")
}

#[test]
fn a_snapshot_that_is_no_file_is_moved_out_of_the_way() {
    let place = Place::new();
    fs::create_dir(place.snapshot()).unwrap();
    let found = read(&place);
    assert!(matches!(found.notices.as_slice(), [Notice::Unreadable(..)]), "{:?}", found.notices);
    place.folder().write_snapshot(b"{}").unwrap();
    assert_eq!(fs::read(place.snapshot()).unwrap(), b"{}");
    assert!(place.names().iter().any(|name| is_aside(Path::new(name))));
}

#[test]
fn a_second_copy_set_aside_in_the_same_millisecond_has_a_name_of_its_own() {
    let place = Place::new();
    fs::write(place.snapshot(), "not JSON").unwrap();
    read(&place);
    read(&place);
    assert_eq!(place.names().iter().filter(|name| is_aside(Path::new(name))).count(), 2);
}
