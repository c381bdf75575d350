use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::cache::record::JSON;
use crate::clock;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("store-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn store(&self) -> Store {
        Store::new(&self.0, None, clock::now())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn key(text: &str) -> Key {
    Key::from_units(&text.encode_utf16().collect::<Vec<_>>())
}

fn set(name: &str, length: usize) -> Work {
    let value = format!("\"{}\"", "x".repeat(length)).into_bytes();
    Work::Set(key(name), Record { kind: JSON, value, expires_at: None, created_at: 0 })
}

fn get(name: &str) -> Work {
    Work::Get { key: key(name), known: false }
}

fn run(store: &mut Store, works: Vec<Work>) -> Outcome {
    let commands: Vec<_> = works.into_iter().map(|work| Command { ticket: 0, now_ms: 0, work }).collect();
    store.run(&commands, clock::now())
}

fn ask(store: &mut Store, work: Work) -> Answer {
    run(store, vec![work]).answers.remove(0)
}

/// No page more than the file has, as on a disk without space.
fn fill_up(store: &Store) {
    // Never below what there is.
    store.open.as_ref().unwrap().database.batch("PRAGMA max_page_count=1").unwrap();
}

fn make_space(store: &Store) {
    store.open.as_ref().unwrap().database.batch("PRAGMA max_page_count=1000000").unwrap();
}

#[test]
fn a_full_disk_refuses_what_does_not_fit_and_tells_of_it_once() {
    let folder = Folder::new();
    let mut store = folder.store();
    assert_eq!(ask(&mut store, set("a", 10)), Answer::Done(true));
    fill_up(&store);
    let outcome = run(&mut store, vec![set("big", 100_000), set("small", 1), get("a"), get("big")]);
    assert_eq!(outcome.answers[0], Answer::Done(false));
    assert_eq!(outcome.answers[1], Answer::Done(true), "what fits is stored all the same");
    assert!(matches!(outcome.answers[2], Answer::Found(_)));
    assert_eq!(outcome.answers[3], Answer::Missing);
    assert_eq!(outcome.lines.len(), 1);
    assert!(outcome.lines[0].contains("CACHE_FULL"), "{:?}", outcome.lines);

    let again = |store: &mut Store| run(store, vec![set("big", 100_000), set("bigger", 200_000)]).lines;
    assert_eq!(again(&mut store).len(), 1, "a write had succeeded: a new episode");
    assert!(again(&mut store).is_empty(), "the same one");
    make_space(&store);
    assert_eq!(ask(&mut store, set("big", 100_000)), Answer::Done(true));
    fill_up(&store);
    assert_eq!(run(&mut store, vec![set("bigger", 200_000)]).lines.len(), 1);
}

#[test]
fn on_a_full_disk_a_failed_set_does_not_leave_the_older_value() {
    let folder = Folder::new();
    let mut store = folder.store();
    assert_eq!(ask(&mut store, set("a", 10)), Answer::Done(true));
    fill_up(&store);
    assert_eq!(ask(&mut store, set("a", 100_000)), Answer::Done(false));
    assert_eq!(ask(&mut store, get("a")), Answer::Missing);
    assert_eq!(ask(&mut folder.store(), get("a")), Answer::Missing, "it was deleted");
}

#[test]
fn a_value_that_could_not_be_removed_does_not_come_back_and_goes_with_the_next_write() {
    let folder = Folder::new();
    let mut store = folder.store();
    for name in ["a", "b", "user:1", "stays"] {
        assert_eq!(ask(&mut store, set(name, 10)), Answer::Done(true));
    }
    let refuse = |store: &mut Store, work| {
        let command = Command { ticket: 0, now_ms: 0, work };
        store.refuse(&command, &Failure::Refused("the disk fails".into()), clock::now())
    };
    assert_eq!(refuse(&mut store, set("a", 1)), Answer::Done(false));
    assert_eq!(refuse(&mut store, Work::Delete(key("b"))), Answer::Done(false));
    let clear = Work::Clear { prefix: Some(key("user:")), memory: vec![key("user:1")] };
    assert_eq!(refuse(&mut store, clear), Answer::Counted { success: false, count: 1 });
    for name in ["a", "b", "user:1"] {
        assert_eq!(ask(&mut store, get(name)), Answer::Missing, "{name}");
        assert!(matches!(ask(&mut folder.store(), get(name)), Answer::Found(_)), "{name} is still there");
    }
    assert_eq!(ask(&mut store, Work::Keys(key(""))), Answer::Keys(br#"["stays"]"#.to_vec()));
    assert_eq!(ask(&mut store, set("b", 2)), Answer::Done(true));
    for name in ["a", "user:1"] {
        assert_eq!(ask(&mut folder.store(), get(name)), Answer::Missing, "{name} is gone");
    }
    assert!(matches!(ask(&mut store, get("b")), Answer::Found(_)), "set anew behind");
}

#[test]
fn a_row_under_another_key_is_damage() {
    let folder = Folder::new();
    let mut store = folder.store();
    assert_eq!(ask(&mut store, set("a", 10)), Answer::Done(true));
    let database = &store.open.as_ref().unwrap().database;
    database.execute("UPDATE entries SET key = ?1", [key("b").as_bytes()]).unwrap();
    let outcome = run(&mut store, vec![get("b")]);
    assert_eq!(outcome.answers, [Answer::Missing]);
    assert!(outcome.lines[0].contains("was damaged"), "{:?}", outcome.lines);
}

/// Flips what a sum tells of, in a row that everybody who opened the database can read.
fn spoil(store: &Store) {
    let database = &store.open.as_ref().unwrap().database;
    database.execute("UPDATE entries SET digest = digest + 1", []).unwrap();
}

#[test]
fn who_saw_the_damage_too_goes_on_in_the_database_that_another_made_anew() {
    let folder = Folder::new();
    let [mut first, mut second] = [folder.store(), folder.store()];
    assert_eq!(ask(&mut first, set("a", 10)), Answer::Done(true));
    assert_eq!(ask(&mut second, set("b", 10)), Answer::Done(true));
    spoil(&first);
    let outcome = run(&mut second, vec![get("a"), set("b", 20)]);
    assert_eq!(outcome.answers, [Answer::Missing, Answer::Done(false)], "the first one has it open");
    assert!(outcome.lines[0].contains("keeps it locked"), "{:?}", outcome.lines);
    assert_eq!(run(&mut second, vec![set("b", 30)]).answers, [Answer::Done(false)], "still");
    let outcome = run(&mut first, vec![get("a"), set("c", 10)]);
    assert_eq!(outcome.answers, [Answer::Missing, Answer::Done(true)]);
    assert!(outcome.lines[0].contains("was damaged"), "{:?}", outcome.lines);
    // The first one never lets go of it.
    let outcome = run(&mut second, vec![get("c"), set("b", 40)]);
    assert!(matches!(outcome.answers[0], Answer::Found(_)), "{outcome:?}");
    assert_eq!(outcome.answers[1], Answer::Done(true));
    assert_eq!(outcome.changes, Changes::All, "what memory has is of the old one");
    assert!(matches!(ask(&mut first, get("b")), Answer::Found(_)));
}

#[test]
fn what_seemed_to_lack_entries_is_used_again_once_it_has_them() {
    let folder = Folder::new();
    let [mut first, mut second] = [folder.store(), folder.store()];
    assert_eq!(ask(&mut second, set("a", 10)), Answer::Done(true));
    second.close(clock::now());
    assert_eq!(ask(&mut first, set("b", 10)), Answer::Done(true));
    // As when the log is removed beneath the first one, and written into the file when that one closes it.
    let open = first.open.as_ref().unwrap();
    open.seal(open.database.totals().unwrap().generation + 1);
    assert_eq!(ask(&mut second, set("a", 20)), Answer::Done(false));
    assert_eq!(ask(&mut first, set("b", 20)), Answer::Done(true), "it reaches what was sealed");
    assert_eq!(ask(&mut second, set("a", 30)), Answer::Done(true));
    assert!(matches!(ask(&mut first, get("a")), Answer::Found(_)));
}

#[test]
fn a_later_format_is_left_alone() {
    let folder = Folder::new();
    let mut store = folder.store();
    assert_eq!(ask(&mut store, set("a", 10)), Answer::Done(true));
    let database = &store.open.as_ref().unwrap().database;
    let checksum = crate::cache::database::meta_sum(2, database.id);
    database.execute("UPDATE meta SET schema = 2, checksum = ?1", [checksum]).unwrap();
    drop(store);
    let mut store = folder.store();
    let outcome = run(&mut store, vec![get("a"), set("a", 20)]);
    assert_eq!(outcome.answers, [Answer::Missing, Answer::Done(false)]);
    assert_eq!(outcome.lines.len(), 1);
    assert!(outcome.lines[0].contains("later version"), "{:?}", outcome.lines);
    assert!(
        std::fs::read_dir(&folder.0).unwrap().all(|entry| !entry
            .unwrap()
            .path()
            .to_string_lossy()
            .contains("corrupt"))
    );
}

#[test]
fn values_are_read_in_batches_of_a_bounded_size() {
    let folder = Folder::new();
    let mut store = folder.store();
    for number in 0..4 {
        assert_eq!(ask(&mut store, set(&format!("{number}"), 5_000_000)), Answer::Done(true));
    }
    let outcome = run(&mut store, (0..4).map(|number| get(&format!("{number}"))).collect());
    assert_eq!(outcome.answers.len(), 2, "the rest waits until JavaScript has taken these");
}

#[test]
fn what_a_clear_frees_goes_back_to_the_system() {
    let folder = Folder::new();
    let mut store = folder.store();
    for number in 0..10 {
        assert_eq!(ask(&mut store, set(&format!("{number}"), 1_000_000)), Answer::Done(true));
    }
    store.close(clock::now());
    let size = || std::fs::metadata(folder.0.join("cache.db")).unwrap().len();
    assert!(size() > 10_000_000);
    ask(&mut store, Work::Clear { prefix: None, memory: Vec::new() });
    store.close(clock::now());
    assert!(size() < 1_000_000, "{}", size());
}
