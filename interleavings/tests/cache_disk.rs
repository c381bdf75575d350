//! The cache's queue, and a thread that begins with the first command and ends when nothing comes.

use std::path::Path;
use std::sync::Arc;

use interleavings::cache::Key;
use interleavings::cache::command::{Command, Work};
use interleavings::cache::disk::{Disk, Submit};
use interleavings::cache::record::{JSON, Record};
use interleavings::delivery::{Delivery, Op, Tenant, Wake};
use interleavings::exploration::{Time, explore};
use interleavings::sync::{Mutex, thread};
use shuttle::rand::Rng;
use shuttle::sync::mpsc::{Receiver, Sender, channel};

struct Door(Mutex<Sender<()>>);

impl Wake for Door {
    fn wake(&self, _: &Arc<Delivery>) {
        let _ = self.0.lock().unwrap().send(());
    }
}

struct Cache {
    disk: Arc<Disk>,
    delivery: Arc<Delivery>,
    tokens: Receiver<()>,
}

fn cache() -> Cache {
    let (sender, tokens) = channel();
    let delivery = Delivery::new(1, Box::new(Door(Mutex::new(sender))));
    Cache { disk: Disk::new(Path::new("/nowhere"), None, Arc::clone(&delivery)), delivery, tokens }
}

fn key(text: &str) -> Key {
    Key::from_units(&text.encode_utf16().collect::<Vec<_>>())
}

fn set(text: &str) -> Work {
    Work::Set(key("a"), Record { kind: JSON, value: text.into(), expires_at: None, created_at: 1 })
}

fn get(name: &str) -> Work {
    Work::Get { key: key(name), known: false }
}

impl Cache {
    fn ask(&self, first_ticket: u32, works: Vec<Work>) {
        let command = |(ticket, work): (u32, Work)| {
            assert_eq!(self.disk.admit(&work), Submit::Taken);
            Command { ticket, now_ms: 1, work }
        };
        let mut commands = (first_ticket..).zip(works).map(command).collect();
        self.disk.submit(&mut commands);
    }

    /// The next batch that a wake-up brings: the tickets that are answered, and the values that were found.
    fn answers(&self) -> Vec<(u64, Option<String>)> {
        self.tokens.recv().unwrap();
        let Some(batch) = self.delivery.take() else { return Vec::new() };
        let items: Vec<serde_json::Value> = serde_json::from_slice(&batch).unwrap();
        let mut answers = Vec::new();
        for item in items.chunks(4) {
            let (op, ticket) = (item[0].as_u64().unwrap(), item[2].as_u64().unwrap());
            if op == Op::CacheFound as u64 {
                answers.push((ticket, Some(item[3][4].to_string())));
            } else if op == Op::CacheAllDone as u64 {
                answers.extend((ticket..ticket + item[3].as_u64().unwrap()).map(|ticket| (ticket, None)));
            } else if op == Op::CacheDone as u64 || op == Op::CacheMissing as u64 {
                answers.push((ticket, None));
            }
        }
        answers
    }
}

/// Everything is answered, in order, and a read sees the writes before it.
fn all_is_answered() {
    let cache = cache();
    let mut ticket = 0;
    let mut expected = Vec::new();
    let mut seen = Vec::new();
    for round in 0..3 {
        let value = round.to_string();
        cache.ask(ticket, vec![set(&value), get("a"), get("b")]);
        expected.extend([
            (u64::from(ticket), None),
            (u64::from(ticket) + 1, Some(value)),
            (u64::from(ticket) + 2, None),
        ]);
        ticket += 3;
        // The next are asked while these are under way, or behind them, when the thread may be about to end.
        if shuttle::rand::thread_rng().gen_bool(0.5) {
            while seen.len() < expected.len() {
                seen.extend(cache.answers());
            }
        }
    }
    while seen.len() < expected.len() {
        seen.extend(cache.answers());
    }
    assert_eq!(seen, expected);
    Arc::clone(&cache.disk).abandon();
}

#[test]
fn each_command_is_answered_once_and_in_order() {
    explore(Time::StandsStill, all_is_answered);
}

#[test]
fn a_command_that_meets_the_end_of_the_idle_thread_is_answered_all_the_same() {
    explore(Time::Passes, all_is_answered);
}

#[test]
fn abandoning_ends_the_thread_whatever_it_waits_for() {
    explore(Time::StandsStill, || {
        let cache = cache();
        // Answers that nobody takes fill the delivery; then the thread waits for space.
        let big = format!("\"{}\"", "b".repeat(700 * 1024));
        cache.ask(0, vec![set(&big), get("a"), get("a"), get("a")]);
        for _ in 0..shuttle::rand::thread_rng().gen_range(0..8) {
            thread::yield_now();
        }
        Arc::clone(&cache.disk).abandon();
        // Too late, and not answered; the thread ends all the same.
        cache.ask(9, vec![get("a")]);
    });
}
