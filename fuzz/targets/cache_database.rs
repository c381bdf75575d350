//! The cache's folder after damage of any file of it: each entry is a miss or exactly what was set, never an older value;
//! and the cache works again.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use desktop_runtime_core::cache::{Answer, Command, JSON, Key, Record, Store, Work};
use desktop_runtime_core::clock;
use desktop_runtime_fuzz::damage::damage;
use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

const KEYS: usize = 12;

type Files = Vec<(String, Vec<u8>)>;

fn key(number: usize) -> Key {
    Key::from_units(&format!("key:{number}").encode_utf16().collect::<Vec<_>>())
}

fn value(number: usize, round: usize) -> Vec<u8> {
    format!("\"{number}-{round}-{}\"", "v".repeat(number * 97)).into_bytes()
}

/// What the cache has of each key.
fn expected(number: usize) -> Option<Vec<u8>> {
    (number % 4 != 0).then(|| value(number, 1))
}

/// A folder of this process, in memory where the system has such a place.
fn folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    parent.join(format!("desktop-runtime-fuzz-{}", std::process::id()))
}

fn empty(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).expect("a folder can be made");
}

fn ask(store: &mut Store, work: Work) -> Answer {
    let command = Command { ticket: 0, now_ms: 1000, work };
    store.run(&[command], clock::now()).answers.pop().expect("one command, one answer")
}

fn set(store: &mut Store, number: usize, round: usize) -> bool {
    let record = Record { kind: JSON, value: value(number, round), expires_at: None, created_at: 1000 };
    ask(store, Work::Set(key(number), record)) == Answer::Done(true)
}

fn get(store: &mut Store, number: usize) -> Option<Vec<u8>> {
    match ask(store, Work::Get { key: key(number), known: false }) {
        Answer::Found(record) => {
            assert_eq!((record.kind, record.expires_at, record.created_at), (JSON, None, 1000));
            Some(record.value)
        }
        Answer::Missing => None,
        other => panic!("{other:?}"),
    }
}

/// Whether a damaged database was moved out of the way.
fn has_set_aside(folder: &Path) -> bool {
    let mut names = fs::read_dir(folder).expect("the folder can be read").filter_map(Result::ok);
    names.any(|entry| entry.file_name().to_string_lossy().starts_with("cache.db.corrupt-"))
}

/// A folder as a kill leaves it, with and without a log: entries set, set again, deleted.
fn folders() -> &'static [Files; 2] {
    static FOLDERS: OnceLock<[Files; 2]> = OnceLock::new();
    FOLDERS.get_or_init(|| [false, true].map(after_a_kill))
}

fn after_a_kill(has_log: bool) -> Files {
    let folder = folder();
    empty(&folder);
    let mut store = Store::new(&folder, None, clock::now());
    for round in 0..2 {
        for number in 0..KEYS {
            assert!(set(&mut store, number, round));
        }
        if round == 0 || !has_log {
            store.close(clock::now());
        }
    }
    for number in (0..KEYS).filter(|number| expected(*number).is_none()) {
        assert_eq!(ask(&mut store, Work::Delete(key(number))), Answer::Done(true));
    }
    if !has_log {
        store.close(clock::now());
    }
    let mut files: Files = fs::read_dir(&folder)
        .and_then(|entries| {
            entries
                .map(|entry| {
                    let entry = entry?;
                    Ok((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?))
                })
                .collect()
        })
        .expect("the folder can be read");
    files.sort();
    files
}

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    let Ok(has_log) = u.arbitrary::<bool>() else { return };
    let mut files = folders()[usize::from(has_log)].clone();
    let Ok(which) = u.arbitrary::<u8>() else { return };
    let which = usize::from(which) % files.len();
    let other = files[(which + 1) % files.len()].1.clone();
    if damage(&mut u, &mut files[which].1, &other).is_err() {
        return;
    }
    let folder = folder();
    empty(&folder);
    for (name, bytes) in &files {
        fs::write(folder.join(name), bytes).expect("a file can be written");
    }
    let mut store = Store::new(&folder, None, clock::now());
    for _ in 0..2 {
        for number in 0..KEYS {
            let got = get(&mut store, number);
            assert!(got.is_none() || got == expected(number), "{number} in {}: {got:?}", files[which].0);
        }
    }
    assert!(set(&mut store, KEYS, 0), "it works again");
    // Damage that nothing has met so far is met by what follows the set: the entry goes with the damaged file.
    if get(&mut store, KEYS).is_none() {
        assert!(has_set_aside(&folder), "nothing is lost but with a damaged file");
        assert!(set(&mut store, KEYS, 0), "it works again");
    }
    assert_eq!(get(&mut store, KEYS), Some(value(KEYS, 0)));
    drop(store);
    let _ = fs::remove_dir_all(&folder);
});
