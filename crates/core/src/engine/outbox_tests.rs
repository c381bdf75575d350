//! The way to an engine, with real processes at the other end (contract section 2: "Writes never block").

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::*;
use crate::clock;
use crate::sys::{self, Output, Process, SpawnRequest};

/// How long anything here may take before it counts as hung.
const DEADLINE: Duration = Duration::from_secs(20);
/// More than any pipe holds.
const BIG: usize = 4 * 1024 * 1024;

/// A process, the outbox to it, and what it says.
struct Peer {
    process: Process,
    outbox: Arc<Outbox>,
    stdout: Output,
    cancelled: Watch,
    drained: Arc<AtomicUsize>,
    _ended: Trigger,
}

impl Peer {
    fn new(program: &str, args: &[&str], limit: Option<usize>) -> Self {
        let (ended, watch) = sys::trigger().unwrap();
        let (cancel, cancelled) = sys::trigger().unwrap();
        let request = SpawnRequest {
            program: program.into(),
            args: args.iter().map(Into::into).collect(),
            cwd: None,
            env: vec![("PATH".into(), std::env::var_os("PATH").unwrap_or_default())],
            kill_tree: true,
        };
        let spawned = sys::spawn(&request, &watch).unwrap();
        let outbox = Outbox::new(spawned.stdin, cancel, limit);
        let drained = Arc::new(AtomicUsize::new(0));
        Self { process: spawned.process, outbox, stdout: spawned.stdout, cancelled, drained, _ended: ended }
    }

    /// One that says what it hears.
    fn echo(limit: Option<usize>) -> Self {
        Self::new("cat", &[], limit)
    }

    /// One that hears nothing, and whose pipe fills up.
    fn deaf(limit: Option<usize>) -> Self {
        Self::new("sleep", &["1000"], limit)
    }

    /// Starts the writer thread; what it returns is told when the thread ends.
    fn write(&self) -> std::sync::mpsc::Receiver<()> {
        let (over, ended) = channel();
        let (outbox, cancelled, drained) =
            (Arc::clone(&self.outbox), self.cancelled.clone(), Arc::clone(&self.drained));
        thread::spawn(move || {
            outbox.run(&cancelled, || {
                drained.fetch_add(1, Ordering::Relaxed);
            });
            let _ = over.send(());
        });
        ended
    }

    fn push(&self, line: &[u8]) -> Result<(), Refused> {
        self.outbox.push(|out| out.extend_from_slice(line))
    }

    fn wait_until_drained(&self) {
        wait_until("nothing is left", || self.outbox.pending_bytes() == 0);
    }

    fn hear(&mut self, count: usize) -> Vec<u8> {
        let mut heard = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        while heard.len() < count {
            match self.stdout.read(&mut buffer).unwrap() {
                0 => break,
                n => heard.extend_from_slice(&buffer[..n]),
            }
        }
        heard
    }
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let end = clock::now().instant + DEADLINE;
    while !condition() {
        assert!(clock::now().instant < end, "not in time: {what}");
        thread::park_timeout(Duration::from_millis(1));
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.outbox.close();
        self.process.kill();
        self.process.wait();
    }
}

#[test]
fn lines_arrive_whole_and_in_order_whatever_their_sizes() {
    let mut peer = Peer::echo(None);
    peer.write();
    let mut expected = Vec::new();
    let sizes = [1, 10, 1_000, 65_535, 65_536, 65_537, 200_000, 3, BIG, 7];
    for (number, size) in sizes.iter().cycle().take(40).enumerate() {
        let mut line = vec![b'a' + u8::try_from(number % 26).unwrap(); *size];
        line.push(b'\n');
        peer.push(&line).unwrap();
        if number % 3 != 0 {
            peer.outbox.flush();
        }
        expected.extend_from_slice(&line);
        // The other end must read, or both pipes fill up.
        if number % 10 == 9 {
            peer.outbox.flush();
            let heard = peer.hear(expected.len());
            assert!(heard == expected, "lines were lost, cut or mixed");
            expected.clear();
        }
    }
    // The writer takes note of what it wrote behind that, when the other end may have read it already.
    peer.wait_until_drained();
    wait_until("the writer says so", || peer.drained.load(Ordering::Relaxed) > 0);
}

#[test]
fn nothing_is_written_before_the_flush_and_small_lines_need_no_thread() {
    let mut peer = Peer::echo(None);
    for line in [b"one\n", b"two\n"] {
        peer.push(line).unwrap();
    }
    assert_eq!(peer.outbox.pending_bytes(), 8);
    peer.outbox.flush();
    assert_eq!(peer.outbox.pending_bytes(), 0);
    assert_eq!(peer.hear(8), b"one\ntwo\n");
}

#[test]
fn when_nothing_waits_a_message_of_any_size_is_accepted() {
    let mut peer = Peer::echo(Some(10));
    peer.write();
    peer.push(&vec![b'x'; BIG]).unwrap();
    peer.outbox.flush();
    // It does wait now: of this, whatever its size, nothing is taken until it is gone.
    assert_eq!(peer.push(b"more than 10 bytes\n"), Err(Refused::Full));
    assert_eq!(peer.hear(BIG).len(), BIG);
    peer.wait_until_drained();
    peer.push(&vec![b'y'; BIG]).unwrap();
    peer.outbox.flush();
    assert!(peer.hear(BIG).iter().all(|byte| *byte == b'y'));
}

#[test]
fn lines_of_one_turn_do_not_wait_for_the_engine() {
    let mut peer = Peer::echo(Some(10));
    for _ in 0..1_000 {
        peer.push(b"7 bytes").unwrap();
    }
    peer.outbox.flush();
    assert_eq!(peer.hear(7_000).len(), 7_000);
}

#[test]
fn at_most_the_limit_waits_for_a_slow_engine() {
    let limit = 300_000;
    let peer = Peer::deaf(Some(limit));
    peer.write();
    let line = [b'x'; 1_000];
    let mut accepted = 0;
    while peer.push(&line).is_ok() {
        peer.outbox.flush();
        accepted += 1;
        assert!(accepted < 10_000, "no limit");
        assert!(peer.outbox.pending_bytes() <= limit);
    }
    assert_eq!(peer.push(&line), Err(Refused::Full));
    assert!(peer.outbox.pending_bytes() > limit - line.len());
    // Not more than the pipe holds went there.
    assert!(accepted * line.len() <= limit + 1024 * 1024);
    // A line that still fits is taken.
    let rest = limit - peer.outbox.pending_bytes();
    assert_eq!(peer.push(&vec![b'y'; rest]), Ok(()));
    assert_eq!(peer.push(b"z"), Err(Refused::Full));
}

#[test]
fn a_refused_line_leaves_no_trace() {
    let mut peer = Peer::echo(Some(10));
    peer.push(&vec![b'x'; BIG]).unwrap();
    peer.outbox.flush();
    let waits = peer.outbox.pending_bytes();
    assert_eq!(peer.push(b"refused refused\n"), Err(Refused::Full));
    assert_eq!(peer.outbox.pending_bytes(), waits);
    peer.write();
    let heard = peer.hear(BIG);
    assert!(heard.iter().all(|byte| *byte == b'x'));
    peer.wait_until_drained();
    peer.push(b"behind\n").unwrap();
    peer.outbox.flush();
    assert_eq!(peer.hear(7), b"behind\n");
}

#[test]
fn close_wakes_a_writer_that_waits_for_a_slow_engine_and_drops_what_waits() {
    let peer = Peer::deaf(None);
    let ended = peer.write();
    peer.push(&vec![b'x'; BIG]).unwrap();
    peer.outbox.flush();
    assert!(peer.outbox.pending_bytes() > 0);
    assert!(ended.recv_timeout(Duration::from_millis(50)).is_err());
    peer.outbox.close();
    ended.recv_timeout(DEADLINE).unwrap();
    assert_eq!(peer.outbox.pending_bytes(), 0);
    assert_eq!(peer.push(b"late\n"), Err(Refused::Closed));
    assert_eq!(peer.drained.load(Ordering::Relaxed), 0);
}

#[test]
fn close_ends_a_writer_that_has_nothing_to_do_and_the_engine_sees_the_end() {
    let mut peer = Peer::echo(None);
    let ended = peer.write();
    peer.push(b"last\n").unwrap();
    peer.outbox.flush();
    // Asleep by then: a writer that begins behind the close ends by itself.
    assert!(ended.recv_timeout(Duration::from_millis(50)).is_err());
    peer.outbox.close();
    ended.recv_timeout(DEADLINE).unwrap();
    // `cat` ends with its stdin, and so does what it says.
    assert_eq!(peer.hear(usize::MAX), b"last\n");
}

#[test]
fn an_engine_that_closed_its_stdin_is_told_from_one_that_is_full() {
    let mut peer = Peer::new("sh", &["-c", "exec <&-; echo closed; exec sleep 1000"], Some(10));
    peer.write();
    assert_eq!(peer.hear(7), b"closed\n");
    // A process that another test makes meanwhile holds a copy of every pipe's end until it executes its program.
    wait_until("the engine has closed its stdin", || {
        let refused = peer.push(b"lost\n").err();
        peer.outbox.flush();
        assert!(matches!(refused, None | Some(Refused::Closed)), "{refused:?}");
        refused.is_some()
    });
    assert_eq!(peer.push(b"refused\n"), Err(Refused::Closed));
    assert_eq!(peer.outbox.pending_bytes(), 0);
}

#[test]
fn an_engine_that_closes_its_stdin_while_lines_wait_ends_the_writer() {
    let peer = Peer::new("sh", &["-c", "read -r line; exec <&-; exec sleep 1000"], None);
    let ended = peer.write();
    // It closes once it has read the first line; what comes behind that is more than any pipe holds.
    peer.push(b"close\n").unwrap();
    peer.push(&vec![b'x'; BIG]).unwrap();
    peer.outbox.flush();
    ended.recv_timeout(DEADLINE).unwrap();
    assert_eq!(peer.outbox.pending_bytes(), 0);
    assert_eq!(peer.push(b"late\n"), Err(Refused::Closed));
}
