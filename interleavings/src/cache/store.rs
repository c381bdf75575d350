//! The entries of a folder, in a map. Takes some of the commands that it is given, as the real one does.

use std::collections::HashMap;
use std::path::Path;

use crate::cache::Key;
use crate::cache::changes::Changes;
use crate::cache::command::{Answer, Command, Work};
use crate::cache::failure::Failure;
use crate::cache::record::Record;
use crate::clock::Now;
use crate::sync::thread;

/// What came of the first of the commands.
#[derive(Debug, Default)]
pub struct Outcome {
    /// In the order of the commands.
    pub answers: Vec<Answer>,
    /// Of other processes.
    pub changes: Changes,
    /// Of other processes.
    pub late_changes: Changes,
    /// Lines for the log.
    pub lines: Vec<String>,
}

/// The disk.
#[derive(Debug)]
pub struct Store {
    entries: HashMap<Key, Record>,
}

impl Store {
    /// No entries.
    #[must_use]
    pub fn new(_folder: &Path, _max_size: Option<u64>, _now: Now) -> Self {
        Self { entries: HashMap::new() }
    }

    /// What a defect left.
    #[must_use]
    pub fn after(entries: HashMap<Key, Record>, _folder: &Path, _max_size: Option<u64>, _now: Now) -> Self {
        Self { entries }
    }

    /// After a defect.
    #[must_use]
    pub fn close_for_good(self) -> HashMap<Key, Record> {
        self.entries
    }

    /// Nothing does.
    pub fn close_if_vanished(&mut self) {
        thread::yield_now();
    }

    /// Answers without the disk.
    pub fn refuse_unasked(&mut self, commands: &[Command], failure: &Failure) -> Outcome {
        let answers = commands.iter().map(|_| Answer::Done(false)).collect();
        Outcome { answers, lines: vec![format!("{failure:?}")], ..Outcome::default() }
    }

    /// None are told.
    #[must_use]
    pub fn figures(&self) -> (i64, i64) {
        (0, 0)
    }

    /// Carries out the first two of the commands at most.
    pub fn run(&mut self, commands: &[Command], _now: Now) -> Outcome {
        thread::yield_now();
        let answers = commands.iter().take(2).map(|command| self.answer(&command.work)).collect();
        Outcome { answers, ..Outcome::default() }
    }

    fn answer(&mut self, work: &Work) -> Answer {
        match work {
            Work::Set(key, record) => {
                self.entries.insert(key.clone(), record.clone());
                Answer::Done(true)
            }
            Work::Get { key, .. } => {
                self.entries.get(key).map_or(Answer::Missing, |record| Answer::Found(record.clone()))
            }
            _ => Answer::Done(false),
        }
    }

    /// The files are closed.
    pub fn close(&mut self, _now: Now) {
        thread::yield_now();
    }
}
