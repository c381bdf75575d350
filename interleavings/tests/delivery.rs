//! The way to JavaScript: the wake-up edge, and readers that wait for space.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use interleavings::delivery::{Batch, Delivery, Op, Value, Wake};
use interleavings::exploration::{Time, explore};
use interleavings::sync::{Mutex, thread};
use shuttle::rand::Rng;
use shuttle::sync::mpsc::{Receiver, Sender, channel};

/// Two of these are more than what may wait.
const BIG: usize = 600 * 1024;
const READERS: u32 = 2;
const ITEMS: u64 = 3;

/// The event loop's door: a token for each wake-up.
struct Door {
    token: Mutex<Sender<()>>,
    is_woken: Arc<AtomicBool>,
}

impl Wake for Door {
    fn wake(&self, _: &Arc<Delivery>) {
        assert!(!self.is_woken.swap(true, Ordering::SeqCst), "woken twice before the next `take`");
        // The event loop of a closed environment is gone.
        let _ = self.token.lock().unwrap().send(());
    }
}

struct EventLoop {
    delivery: Arc<Delivery>,
    tokens: Receiver<()>,
    is_woken: Arc<AtomicBool>,
}

fn event_loop() -> EventLoop {
    let (sender, tokens) = channel();
    let is_woken = Arc::new(AtomicBool::new(false));
    let door = Door { token: Mutex::new(sender), is_woken: Arc::clone(&is_woken) };
    EventLoop { delivery: Delivery::new(1, Box::new(door)), tokens, is_woken }
}

impl EventLoop {
    /// Waits for a wake-up, and takes a batch as the door does.
    fn turn(&self) -> Option<Batch> {
        self.tokens.recv().unwrap();
        self.is_woken.store(false, Ordering::SeqCst);
        self.delivery.take()
    }
}

/// Target and number of each item of a batch.
fn items(batch: &[u8]) -> Vec<(u64, u64)> {
    let values: Vec<serde_json::Value> = serde_json::from_slice(batch).unwrap();
    let number = |index: usize| values[index].as_u64().unwrap();
    (0..values.len()).step_by(4).map(|at| (number(at + 1), number(at + 2))).collect()
}

/// A reader: waits for space before each group of one or two, and signals behind it.
fn read(delivery: &Arc<Delivery>, reader: u32, big: &[u8]) {
    for number in 0..ITEMS {
        if number % 2 == 0 {
            delivery.wait_for_space();
        }
        let (op, value) = match shuttle::rand::thread_rng().gen_range(0..3) {
            0 => (Op::Result, Value::Json(b"1")),
            1 => (Op::JobEvent, Value::Json(b"2")),
            _ => (Op::JobEvent, Value::Json(big)),
        };
        delivery.push(op, reader, number, value);
        if number % 2 == 1 || number + 1 == ITEMS {
            delivery.signal();
        }
    }
}

fn readers(delivery: &Arc<Delivery>) -> Vec<thread::JoinHandle<()>> {
    let big = Arc::new([b"\"".as_slice(), &vec![b'b'; BIG], b"\""].concat());
    let reader = |reader| {
        let (delivery, big) = (Arc::clone(delivery), Arc::clone(&big));
        thread::spawn(move || read(&delivery, reader, &big))
    };
    (0..READERS).map(reader).collect()
}

/// Everything comes, in each reader's order, by wake-ups alone; and from time to time all of it at once.
fn all_is_taken(takes_all: bool) {
    let event_loop = event_loop();
    let readers = readers(&event_loop.delivery);
    let mut next = [0; READERS as usize];
    while next.iter().sum::<u64>() < ITEMS * u64::from(READERS) {
        let at_once = takes_all && shuttle::rand::thread_rng().gen_bool(0.3);
        let batch = if at_once { event_loop.delivery.take_all() } else { event_loop.turn() };
        for (reader, number) in batch.as_deref().map(items).unwrap_or_default() {
            let expected = &mut next[usize::try_from(reader).unwrap()];
            assert_eq!(number, *expected, "out of order");
            *expected += 1;
        }
    }
    for reader in readers {
        reader.join().unwrap();
    }
    assert!(event_loop.delivery.is_empty());
}

#[test]
fn what_is_pushed_is_taken_in_order_by_wake_ups_that_come_at_the_edge_alone() {
    explore(Time::StandsStill, || all_is_taken(false));
}

#[test]
fn a_batch_that_is_taken_at_once_leaves_no_wake_up_out() {
    explore(Time::StandsStill, || all_is_taken(true));
}

#[test]
fn whatever_ends_a_wait_nothing_comes_twice_and_nothing_is_left_out() {
    explore(Time::Passes, || all_is_taken(true));
}

#[test]
fn closing_releases_every_reader_that_waits_for_space() {
    explore(Time::StandsStill, || {
        let event_loop = event_loop();
        let readers = readers(&event_loop.delivery);
        for _ in 0..shuttle::rand::thread_rng().gen_range(0..3) {
            thread::yield_now();
        }
        event_loop.delivery.close();
        for reader in readers {
            reader.join().unwrap();
        }
        assert!(event_loop.delivery.is_empty());
        assert_eq!(event_loop.delivery.take_all(), None);
    });
}

/// As the engine has it: what is heard, and what is pushed by it, are under one lock.
#[test]
fn an_event_behind_a_response_reaches_the_listener_that_the_response_brings() {
    explore(Time::StandsStill, || {
        let event_loop = event_loop();
        let is_heard = Arc::new(Mutex::new(false));
        let (delivery, heard) = (Arc::clone(&event_loop.delivery), Arc::clone(&is_heard));
        let reader = thread::spawn(move || {
            let push = |response, number| {
                let heard = heard.lock().unwrap();
                if response {
                    delivery.push(Op::Result, 0, number, Value::Null);
                } else {
                    delivery.push_event(*heard, Op::JobEvent, 0, number, Value::Null);
                }
            };
            push(true, 0);
            if shuttle::rand::thread_rng().gen_bool(0.5) {
                delivery.signal();
            }
            push(false, 1);
            delivery.signal();
        });
        let mut seen = Vec::new();
        while seen.len() < 2 {
            let batch = event_loop.turn();
            seen.extend(batch.as_deref().map(items).unwrap_or_default());
            // The microtasks of the response: its caller begins to listen, and only then is it too late for others.
            *is_heard.lock().unwrap() = true;
            event_loop.delivery.shut_window();
        }
        assert_eq!(seen, [(0, 0), (0, 1)]);
        reader.join().unwrap();
    });
}
