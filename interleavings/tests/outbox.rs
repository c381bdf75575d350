//! The way to an engine: lines joined on several threads, a pipe that is nearly always full, and the writer thread.

use std::sync::Arc;

use interleavings::exploration::{Time, explore};
use interleavings::outbox::{Outbox, Refused};
use interleavings::sync::{Condvar, Mutex, thread};
use interleavings::sys::{self, Engine};
use shuttle::rand::Rng;

const PUSHERS: u8 = 2;
const LINES: u8 = 3;
const LINE: usize = 7;
/// Less than a line and a half.
const ROOM: usize = 10;
/// Two lines.
const LIMIT: usize = 14;

/// How often the engine had taken everything.
#[derive(Default)]
struct Drained {
    times: Mutex<u64>,
    changed: Condvar,
}

impl Drained {
    fn times(&self) -> u64 {
        *self.times.lock().unwrap()
    }

    fn tell(&self) {
        *self.times.lock().unwrap() += 1;
        self.changed.notify_all();
    }

    fn wait_past(&self, before: u64) {
        let mut times = self.times.lock().unwrap();
        while *times == before {
            times = self.changed.wait(times).unwrap();
        }
    }
}

struct Peer {
    outbox: Arc<Outbox>,
    engine: Engine,
    drained: Arc<Drained>,
    writer: thread::JoinHandle<()>,
}

fn peer() -> Peer {
    let (input, engine, cancel, cancelled) = sys::pipe(ROOM);
    let outbox = Outbox::new(input, cancel, Some(LIMIT));
    let drained = Arc::new(Drained::default());
    let (writing, told) = (Arc::clone(&outbox), Arc::clone(&drained));
    let writer = thread::spawn(move || writing.run(&cancelled, || told.tell()));
    Peer { outbox, engine, drained, writer }
}

/// Pushes lines, joined or one by one. A line that is refused waits until the engine has taken everything.
fn push(outbox: &Outbox, drained: &Drained, pusher: u8) {
    for number in 0..LINES {
        loop {
            let before = drained.times();
            match outbox
                .push(|line| line.extend([pusher, number].iter().chain(&[b'x'; LINE - 3]).chain(b"\n")))
            {
                Ok(()) => break,
                Err(Refused::Full) => {
                    assert!(outbox.pending_bytes() <= LIMIT);
                    drained.wait_past(before);
                }
                Err(Refused::Closed | Refused::Ending) => return,
            }
        }
        if number + 1 == LINES || shuttle::rand::thread_rng().gen_bool(0.5) {
            outbox.flush();
        }
    }
}

fn pushers(peer: &Peer) -> Vec<thread::JoinHandle<()>> {
    let pusher = |pusher| {
        let (outbox, drained) = (Arc::clone(&peer.outbox), Arc::clone(&peer.drained));
        thread::spawn(move || push(&outbox, &drained, pusher))
    };
    (0..PUSHERS).map(pusher).collect()
}

/// The engine reads everything: whole lines, each pusher's in its order.
fn all_is_written() {
    let peer = peer();
    let pushers = pushers(&peer);
    let mut read = Vec::new();
    while read.len() < usize::from(PUSHERS) * usize::from(LINES) * LINE {
        read.extend(peer.engine.read());
    }
    let mut next = [0; PUSHERS as usize];
    for line in read.chunks(LINE) {
        assert_eq!(line[2..], *b"xxxx\n", "a line was torn");
        assert_eq!(line[1], next[usize::from(line[0])], "out of order");
        next[usize::from(line[0])] += 1;
    }
    for pusher in pushers {
        pusher.join().unwrap();
    }
    peer.outbox.close();
    peer.writer.join().unwrap();
    assert_eq!(peer.outbox.pending_bytes(), 0);
}

#[test]
fn what_was_accepted_is_written_whole_and_in_order_and_who_was_refused_is_told_when_there_is_room() {
    explore(Time::StandsStill, all_is_written);
}

#[test]
fn whatever_ends_a_wait_no_line_is_torn_or_comes_twice() {
    explore(Time::Passes, all_is_written);
}

#[test]
fn closing_releases_the_writer_thread_even_in_a_write() {
    explore(Time::StandsStill, || {
        let peer = peer();
        // Nobody reads.
        let outbox = Arc::clone(&peer.outbox);
        let pusher = thread::spawn(move || {
            for _ in 0..LINES {
                if outbox.push(|line| line.extend([b'x'; ROOM])).is_ok() {
                    outbox.flush();
                }
            }
        });
        for _ in 0..shuttle::rand::thread_rng().gen_range(0..4) {
            thread::yield_now();
        }
        peer.outbox.close();
        peer.writer.join().unwrap();
        pusher.join().unwrap();
        assert_eq!(peer.outbox.push(|line| line.push(b'x')), Err(Refused::Closed));
        assert_eq!(peer.outbox.pending_bytes(), 0);
    });
}

#[test]
fn an_engine_that_closes_its_stdin_leaves_nobody_waiting() {
    // Who waits for room waits until its exit is known, for a second at most.
    explore(Time::Passes, || {
        let peer = peer();
        let pushers = pushers(&peer);
        let _ = peer.engine.read();
        drop(peer.engine);
        for pusher in pushers {
            pusher.join().unwrap();
        }
        // The engine's exit.
        peer.outbox.close();
        peer.writer.join().unwrap();
    });
}
