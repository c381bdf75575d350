//! What one process sees of another's changes, of vanished folders, of full disks.

use std::fs;

use desktop_runtime_core::cache::{Answer, Changes, Store, Work};
use desktop_runtime_core::clock::{self, Now};

use crate::support::{Folder, ask, delete, get, key, run, set, text};

fn known(name: &str) -> Work {
    Work::Get { key: key(name), known: true }
}

fn later(ms: u64) -> Now {
    let now = clock::now();
    Now { wall_ms: now.wall_ms + ms, ..now }
}

#[test]
fn what_others_changed_is_named_and_what_this_one_changed_is_not() {
    let folder = Folder::new();
    let (mut one, mut two) = (folder.store(), folder.store());
    assert!(set(&mut one, "a", "1") && set(&mut one, "b", "1"));
    assert_eq!(run(&mut one, vec![known("a")], 0).answers, [Answer::Unchanged]);
    assert!(set(&mut two, "a", "2") && delete(&mut two, "b") && set(&mut two, "c", "2"));
    let outcome = run(&mut one, vec![known("a"), known("b"), known("other")], 0);
    assert_eq!(outcome.answers, [Answer::Found(text("2")), Answer::Missing, Answer::Unchanged]);
    assert_eq!(outcome.changes, Changes::Keys([key("a"), key("b"), key("c")].into()));
    assert_eq!(run(&mut one, vec![known("a")], 0).changes, Changes::default(), "told once");
    // Changed there, then here: ours is the last.
    assert!(set(&mut two, "d", "2"));
    assert!(set(&mut one, "e", "1"));
    assert!(set(&mut two, "f", "2"));
    assert!(set(&mut one, "f", "1"));
}

#[test]
fn a_change_of_ours_behind_theirs_is_ours() {
    let folder = Folder::new();
    let (mut one, mut two) = (folder.store(), folder.store());
    assert!(set(&mut one, "a", "1"));
    assert_eq!(get(&mut two, "a").as_deref(), Some("1"));
    assert!(set(&mut one, "a", "2"));
    // Its own transaction meets the change of the other.
    let outcome = run(&mut two, vec![Work::Set(key("a"), text("3"))], 0);
    assert_eq!(outcome.changes, Changes::Keys([key("a")].into()), "told before the answer");
    assert_eq!(run(&mut two, vec![known("a")], 0).answers, [Answer::Unchanged]);
}

#[test]
fn clear_counts_as_everything() {
    let folder = Folder::new();
    let (mut one, mut two) = (folder.store(), folder.store());
    assert!(set(&mut one, "a", "1"));
    assert_eq!(run(&mut two, vec![known("a")], 0).answers, [Answer::Unchanged]);
    ask(&mut one, Work::Clear { prefix: Some(key("zzz")), memory: Vec::new() });
    assert_eq!(run(&mut two, vec![known("a")], 0).changes, Changes::All);
}

#[test]
fn a_gap_in_the_log_counts_as_everything() {
    let folder = Folder::new();
    let (mut one, mut two) = (folder.store(), folder.store());
    assert!(set(&mut one, "a", "1"));
    assert_eq!(run(&mut two, vec![known("a")], 0).answers, [Answer::Unchanged]);
    assert!(set(&mut one, "b", "1"));
    let command = |name: &str| desktop_runtime_core::cache::Command {
        ticket: 0,
        now_ms: 0,
        work: Work::Set(key(name), text("1")),
    };
    for ms in [20_000, 40_000] {
        one.run(&[command("c")], later(ms));
    }
    assert_eq!(run(&mut two, vec![known("a")], 0).changes, Changes::All);
}

#[test]
fn many_keys_in_one_transaction_count_as_everything() {
    let folder = Folder::new();
    let (mut one, mut two) = (folder.store(), folder.store());
    assert!(set(&mut two, "a", "1"));
    let sets = (0..900).map(|n| Work::Set(key(&format!("{n:0100}")), text("1"))).collect();
    run(&mut one, sets, 0);
    assert_eq!(run(&mut two, vec![known("a")], 0).changes, Changes::All);
}

#[test]
fn who_opens_while_another_writes_finds_everything_sound() {
    let folder = Folder::new();
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = folder.store();
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                assert!(set(&mut writer, "a", "1"));
            }
        });
        let open =
            |number: i32| run(&mut folder.store(), vec![Work::Set(key(&number.to_string()), text("1"))], 0);
        let wrong = (0..300).map(open).find(|it| it.answers != [Answer::Done(true)] || !it.lines.is_empty());
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(wrong.is_none(), "{wrong:?}");
    });
}

#[test]
fn a_folder_that_vanished_is_made_anew_and_nothing_goes_into_unlinked_files() {
    let folder = Folder::new();
    let mut store = folder.store();
    assert!(set(&mut store, "a", "1"));
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(set(&mut store, "b", "1"));
    let mut other = folder.store();
    assert_eq!((get(&mut other, "a"), get(&mut other, "b").as_deref()), (None, Some("1")));
    assert_eq!(get(&mut store, "a"), None);
}

#[test]
fn a_file_that_vanished_is_made_anew() {
    for name in ["cache.db", "cache.db-wal", "cache.db-shm", "cache.lock"] {
        let folder = Folder::new();
        let mut store = folder.store();
        assert!(set(&mut store, "a", "1"));
        fs::remove_file(folder.file(name)).unwrap();
        assert!(set(&mut store, "b", "1"), "{name}");
        drop(store);
        assert_eq!(get(&mut folder.store(), "b").as_deref(), Some("1"), "{name}");
    }
}

#[test]
fn another_database_in_its_place_changes_everything() {
    let folder = Folder::new();
    let (mut one, mut two) = (folder.store(), folder.store());
    assert!(set(&mut one, "a", "1"));
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(set(&mut two, "a", "2"));
    let outcome = run(&mut one, vec![known("a")], 0);
    assert_eq!(outcome.changes, Changes::All);
    assert_eq!(outcome.answers, [Answer::Found(text("2"))]);
}

#[test]
fn in_a_new_database_of_its_own_memory_stays_right() {
    let folder = Folder::new();
    let mut store = folder.store();
    assert!(set(&mut store, "a", "1"));
    fs::remove_dir_all(folder.path()).unwrap();
    let outcome = run(&mut store, vec![known("a")], 0);
    assert_eq!((outcome.answers, outcome.changes), (vec![Answer::Unchanged], Changes::default()));
}

#[test]
fn a_file_in_place_of_the_folder_is_told_of_once_and_memory_goes_on() {
    let folder = Folder::new();
    let place = folder.file("taken");
    fs::write(&place, "").unwrap();
    let mut store = Store::new(&place, None, clock::now());
    let sets = vec![Work::Set(key("a"), text("1")), Work::Get { key: key("a"), known: false }, known("a")];
    let outcome = run(&mut store, sets, 0);
    assert_eq!(outcome.answers, [Answer::Done(false), Answer::Missing, Answer::Unchanged]);
    assert_eq!(outcome.lines.len(), 1);
    assert!(run(&mut store, vec![Work::Set(key("a"), text("1"))], 0).lines.is_empty());
    assert_eq!(fs::read(&place).unwrap(), b"");
    fs::remove_file(&place).unwrap();
    assert!(set(&mut store, "b", "1"), "tried again");
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_else_may_read_what_is_made() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let made = folder.file("below/made");
    let mut store = Store::new(&made, None, clock::now());
    assert!(set(&mut store, "a", "1"));
    let rights = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((rights(&made), rights(&folder.file("below"))), (0o700, 0o700));
    for name in ["cache.db", "cache.db-wal", "cache.db-shm", "cache.lock"] {
        assert_eq!(rights(&made.join(name)), 0o600, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn no_link_is_followed() {
    let folder = Folder::new();
    let outside = folder.file("outside");
    fs::create_dir(folder.file("cache")).unwrap();
    std::os::unix::fs::symlink(&outside, folder.file("cache/cache.db")).unwrap();
    let mut store = Store::new(&folder.file("cache"), None, clock::now());
    assert!(!set(&mut store, "a", "1"));
    assert!(!outside.exists());
}
