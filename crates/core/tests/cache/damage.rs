//! Bytes that are flipped, cut or missing: a miss or the right value, never a wrong or an older one, never a panic; and
//! afterwards the cache works.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

use desktop_runtime_core::cache::{Answer, Work};

use crate::support::{Folder, delete, get, key, set};

const KEYS: u64 = 120;

/// Small numbers that look random, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn value(number: u64, round: u64) -> String {
    format!("\"{number}-{round}-{}\"", "v".repeat(usize::try_from(number * 37 % 900).unwrap()))
}

/// A folder as a kill leaves it: entries set, set again, deleted; a part in the log, if there is one.
fn after_a_kill(has_log: bool) -> (Folder, HashMap<String, Option<String>>) {
    let folder = Folder::new();
    let mut store = folder.store();
    let mut expected = HashMap::new();
    for round in 0..3 {
        for number in 0..KEYS {
            let name = format!("key:{number}");
            if round == 2 && number % 5 == 0 {
                assert!(delete(&mut store, &name));
                expected.insert(name, None);
            } else if round == 0 || number % 3 != 0 {
                assert!(set(&mut store, &name, &value(number, round)));
                expected.insert(name, Some(value(number, round)));
            }
        }
        if round == 1 || !has_log {
            store.close(desktop_runtime_core::clock::now());
        }
    }
    (folder.copy(), expected)
}

/// Opens a folder as the next process does, and looks at everything twice.
fn examine(folder: &Folder, expected: &HashMap<String, Option<String>>, what: &str) {
    let mut store = folder.store();
    for _ in 0..2 {
        for (name, right) in expected {
            let got = get(&mut store, name);
            assert!(got.is_none() || got == *right, "{what}: {name} is {got:?}, not {right:?}");
        }
    }
    assert!(set(&mut store, "after", "1"), "{what}: it works again");
    assert_eq!(get(&mut store, "after").as_deref(), Some("1"), "{what}");
}

fn write_at(mut file: &File, bytes: &[u8], at: u64) {
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

fn damage(folder: &Folder, file: &str, random: &mut Random) -> String {
    let path = folder.file(file);
    let length = fs::metadata(&path).unwrap().len();
    let handle = OpenOptions::new().write(true).read(true).open(&path).unwrap();
    let at = random.below(length);
    match random.below(4) {
        0 => {
            handle.set_len(at).unwrap();
            format!("{file} cut at {at}")
        }
        1 => {
            let bytes: Vec<u8> = (0..64).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
            let count = usize::try_from((length - at).min(64)).unwrap();
            write_at(&handle, &bytes[..count], at);
            format!("{count} bytes of {file} overwritten at {at}")
        }
        _ => {
            let byte = fs::read(&path).unwrap()[usize::try_from(at).unwrap()];
            let bit = random.below(8);
            write_at(&handle, &[byte ^ 1 << bit], at);
            format!("bit {bit} of byte {at} of {file} flipped")
        }
    }
}

fn rounds() -> u64 {
    std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(150)
}

#[test]
fn a_damaged_database_gives_a_miss_or_the_right_value() {
    let (folder, expected) = after_a_kill(false);
    let mut random = Random(1);
    for _ in 0..rounds() {
        let copy = folder.copy();
        let what = damage(&copy, "cache.db", &mut random);
        examine(&copy, &expected, &what);
    }
}

#[test]
fn a_damaged_log_brings_no_older_value_back() {
    let (folder, expected) = after_a_kill(true);
    assert!(fs::metadata(folder.file("cache.db-wal")).unwrap().len() > 0);
    let mut random = Random(2);
    for _ in 0..rounds() {
        let copy = folder.copy();
        let what = damage(&copy, "cache.db-wal", &mut random);
        examine(&copy, &expected, &what);
    }
}

#[test]
fn what_a_kill_leaves_is_all_there() {
    for has_log in [false, true] {
        let (folder, expected) = after_a_kill(has_log);
        let mut store = folder.store();
        for (name, right) in &expected {
            assert_eq!(get(&mut store, name), *right, "{name}");
        }
        assert!(folder.names().iter().all(|name| !name.contains("corrupt")));
    }
}

#[test]
fn a_file_that_is_no_database_is_set_aside_and_told_of_once() {
    let folder = Folder::new();
    fs::write(folder.file("cache.db"), "no database, but long enough to be read as one ".repeat(100))
        .unwrap();
    let mut store = folder.store();
    let command = |name: &str| Work::Get { key: key(name), known: false };
    let outcome = crate::support::run(&mut store, vec![command("a"), command("b")], 0);
    assert_eq!(outcome.answers, [Answer::Missing, Answer::Missing]);
    assert_eq!(outcome.lines.len(), 1, "{:?}", outcome.lines);
    assert!(outcome.lines[0].contains("corrupt"), "{:?}", outcome.lines);
    assert!(crate::support::run(&mut store, vec![command("a")], 0).lines.is_empty());
    let aside: Vec<_> =
        folder.names().into_iter().filter(|name| name.starts_with("cache.db.corrupt-")).collect();
    assert_eq!(aside.len(), 1);
    assert!(fs::read_to_string(folder.file(&aside[0])).unwrap().starts_with("no database"));
}

#[test]
fn a_write_that_meets_damage_is_done_on_the_new_database() {
    let folder = Folder::new();
    fs::write(folder.file("cache.db"), "x".repeat(5000)).unwrap();
    let mut store = folder.store();
    assert!(set(&mut store, "a", "1"));
    assert_eq!(get(&mut folder.store(), "a").as_deref(), Some("1"));
}

#[test]
fn while_another_process_has_it_open_a_damaged_database_stays_and_memory_goes_on() {
    let folder = Folder::new();
    let mut other = folder.store();
    assert!(set(&mut other, "a", &format!("\"{}\"", "long".repeat(5000))));
    other.close(desktop_runtime_core::clock::now());
    assert!(set(&mut other, "b", "1"));
    // Into the value's pages, which only its reader meets.
    let bytes = fs::read(folder.file("cache.db")).unwrap();
    let at = bytes.windows(8).rposition(|window| window == b"longlong").unwrap();
    write_at(&OpenOptions::new().write(true).open(folder.file("cache.db")).unwrap(), b"wrong", at as u64);

    let mut store = folder.store();
    assert_eq!(get(&mut store, "a"), None);
    assert!(!set(&mut store, "c", "1"), "it is not stored, and not said to be");
    assert_eq!(get(&mut other, "b").as_deref(), Some("1"));
    other.close(desktop_runtime_core::clock::now());
    assert!(set(&mut store, "c", "2"), "tried again once the other let go");
    assert!(folder.names().iter().any(|name| name.starts_with("cache.db.corrupt-")));
    assert_eq!(get(&mut other, "b"), None);
    assert_eq!(get(&mut other, "c").as_deref(), Some("2"));
}
