//! Folders of their own, and short ways to ask a store.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use desktop_runtime_core::cache::{Answer, Command, JSON, Key, Outcome, Record, Store, Work};
use desktop_runtime_core::clock;

/// A new folder, removed in the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("cache-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names in it, in order.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The files as they are now: what a kill at this moment would leave.
    pub fn copy(&self) -> Folder {
        let copy = Folder::new();
        for name in self.names() {
            fs::copy(self.file(&name), copy.file(&name)).unwrap();
        }
        copy
    }

    pub fn store(&self) -> Store {
        Store::new(self.path(), None, clock::now())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn key(text: &str) -> Key {
    Key::from_units(&text.encode_utf16().collect::<Vec<_>>())
}

pub fn text(value: &str) -> Record {
    Record { kind: JSON, value: value.as_bytes().to_vec(), expires_at: None, created_at: 1000 }
}

/// All commands, however many calls that takes.
pub fn run(store: &mut Store, works: Vec<Work>, now_ms: i64) -> Outcome {
    let commands: Vec<Command> = works.into_iter().map(|work| Command { ticket: 0, now_ms, work }).collect();
    let mut all = Outcome::default();
    while all.answers.len() < commands.len() {
        let outcome = store.run(&commands[all.answers.len()..], clock::now());
        assert!(!outcome.answers.is_empty(), "no progress");
        all.answers.extend(outcome.answers);
        all.changes.add(outcome.changes);
        all.lines.extend(outcome.lines);
    }
    all
}

pub fn ask(store: &mut Store, work: Work) -> Answer {
    run(store, vec![work], 1000).answers.pop().unwrap()
}

pub fn get(store: &mut Store, name: &str) -> Option<String> {
    match ask(store, Work::Get { key: key(name), known: false }) {
        Answer::Found(record) => Some(String::from_utf8(record.value).unwrap()),
        Answer::Missing => None,
        other => panic!("{other:?}"),
    }
}

pub fn set(store: &mut Store, name: &str, value: &str) -> bool {
    ask(store, Work::Set(key(name), text(value))) == Answer::Done(true)
}

pub fn delete(store: &mut Store, name: &str) -> bool {
    ask(store, Work::Delete(key(name))) == Answer::Done(true)
}
