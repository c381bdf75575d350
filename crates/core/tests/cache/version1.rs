//! A folder that version 1 wrote.

use std::fs;

use desktop_runtime_core::cache::{Answer, Work};

use crate::support::{Folder, ask, delete, get, key, run, set};

fn write(folder: &Folder, name: &str, value: &str, expires_at: &str, created_at: i64) {
    let text = format!(r#"{{"value":{value},"expiresAt":{expires_at},"createdAt":{created_at}}}"#);
    fs::write(folder.file(&key(name).version1_name()), text).unwrap();
}

fn clear(folder: &Folder, prefix: Option<&str>) -> Answer {
    ask(&mut folder.store(), Work::Clear { prefix: prefix.map(key), memory: Vec::new() })
}

#[test]
fn an_entry_is_found_and_moves_into_the_database() {
    let folder = Folder::new();
    write(&folder, "user:1", r#"{ "a": 1 }"#, "null", 5);
    let mut store = folder.store();
    let answer = ask(&mut store, Work::Get { key: key("user:1"), known: false });
    let Answer::Found(record) = answer else { panic!("{answer:?}") };
    assert_eq!((record.value.as_slice(), record.created_at), (br#"{ "a": 1 }"#.as_slice(), 5));
    assert!(!folder.file(&key("user:1").version1_name()).exists());
    assert!(get(&mut folder.store(), "user:1").is_some());
}

#[test]
fn the_newer_one_wins() {
    let folder = Folder::new();
    let mut store = folder.store();
    assert!(set(&mut store, "a", "1"), "created at 1000");
    write(&folder, "a", "2", "null", 2000);
    assert_eq!(get(&mut store, "a").as_deref(), Some("2"));
    write(&folder, "a", "3", "null", 500);
    assert_eq!(get(&mut store, "a").as_deref(), Some("2"));
    assert!(!folder.file(&key("a").version1_name()).exists(), "of no use any more");
}

#[test]
fn an_expired_entry_is_a_miss_and_goes() {
    let folder = Folder::new();
    write(&folder, "a", "1", "1000", 5);
    assert_eq!(get(&mut folder.store(), "a"), None, "asked at 1000");
    assert!(!folder.file(&key("a").version1_name()).exists());
}

#[test]
fn set_and_delete_remove_it() {
    let folder = Folder::new();
    for name in ["a", "b"] {
        write(&folder, name, "1", "null", 5);
    }
    let mut store = folder.store();
    assert!(set(&mut store, "a", "2") && delete(&mut store, "b"));
    assert_eq!(folder.names().iter().filter(|name| name.contains(".json")).count(), 0);
    assert_eq!((get(&mut store, "a").as_deref(), get(&mut store, "b")), (Some("2"), None));
}

#[test]
fn clear_compares_the_replaced_prefix_and_counts_each_key_once() {
    let folder = Folder::new();
    for name in ["user:1", "user_2", "other", &format!("user:{}", "x".repeat(80))] {
        write(&folder, name, "1", "null", 5);
    }
    for foreign in ["package.json", "notes.txt", "user_1-0123456789ABCDEF.json"] {
        fs::write(folder.file(foreign), "{}").unwrap();
    }
    // In the database and as a file: one key.
    let mut store = folder.store();
    assert!(set(&mut store, "user:3", "1"));
    write(&folder, "user:3", "1", "null", 5);
    let memory = vec![key("user:1"), key("user:9")];
    let answer = ask(&mut store, Work::Clear { prefix: Some(key("user:")), memory });
    // user:1 (memory and file), user:9, user:3, the long one, and user_2, which looks alike.
    assert_eq!(answer, Answer::Counted { success: true, count: 5 });
    assert!(get(&mut store, "other").is_some());
    assert_eq!(clear(&folder, None), Answer::Counted { success: true, count: 1 });
    for foreign in ["package.json", "notes.txt", "user_1-0123456789ABCDEF.json"] {
        assert!(folder.file(foreign).exists(), "{foreign}");
    }
}

#[test]
fn a_prefix_longer_than_what_a_name_shows() {
    let folder = Folder::new();
    let long = "x".repeat(90);
    write(&folder, &format!("{long}1"), "1", "null", 5);
    assert_eq!(clear(&folder, Some(&long)), Answer::Counted { success: true, count: 1 });
}

#[test]
fn prune_reads_them_and_counts_each_key_once() {
    let folder = Folder::new();
    write(&folder, "old", "1", "500", 5);
    write(&folder, "in memory too", "1", "500", 5);
    write(&folder, "young", "1", "5000", 5);
    write(&folder, "for ever", "1", "null", 5);
    let damaged = folder.file(&key("damaged").version1_name());
    fs::write(&damaged, r#"{"value":1,"expiresAt":500,"crea"#).unwrap();
    let mut store = folder.store();
    let answer = ask(&mut store, Work::Prune { memory: vec![key("in memory too"), key("only in memory")] });
    assert_eq!(answer, Answer::Counted { success: true, count: 3 });
    assert!(get(&mut store, "young").is_some() && get(&mut store, "for ever").is_some());
    assert_eq!(get(&mut store, "damaged"), None);
    assert!(damaged.exists());
    assert!(set(&mut store, "damaged", "1"));
    assert!(!damaged.exists());
}

#[test]
fn keys_omits_those_not_yet_read() {
    let folder = Folder::new();
    write(&folder, "a", "1", "null", 5);
    let mut store = folder.store();
    assert_eq!(ask(&mut store, Work::Keys(key(""))), Answer::Keys(b"[]".to_vec()));
    get(&mut store, "a");
    assert_eq!(ask(&mut store, Work::Keys(key(""))), Answer::Keys(br#"["a"]"#.to_vec()));
}

#[test]
fn one_that_version_1_writes_while_the_database_is_open_is_found() {
    let folder = Folder::new();
    let mut store = folder.store();
    for round in 0..20 {
        let name = format!("late {round}");
        assert_eq!(get(&mut store, &name), None);
        write(&folder, &name, "1", "null", 5);
        assert!(get(&mut store, &name).is_some(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn links_and_pipes_of_such_a_name_are_left_alone() {
    let folder = Folder::new();
    let outside = Folder::new();
    write(&outside, "a", "1", "null", 5);
    let name = key("a").version1_name();
    std::os::unix::fs::symlink(outside.file(&name), folder.file(&name)).unwrap();
    let mut store = folder.store();
    assert_eq!(get(&mut store, "a"), None);
    assert_eq!(run(&mut store, vec![Work::Prune { memory: Vec::new() }], 0).lines, Vec::<String>::new());
    assert!(outside.file(&name).exists());
}
