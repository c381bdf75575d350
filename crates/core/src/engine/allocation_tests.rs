//! What a message costs in memory between the bytes that were read and the batch for JavaScript.
//!
//! Invariant: a payload's text is copied at most once between the pipe and V8. Each growth of a buffer counts as a new
//! allocation here, so what was copied cannot hide.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use uuid::Uuid;

use super::calls::{Calls, Purpose};
use super::{Engine, EngineOptions, Manager};
use crate::clock;
use crate::delivery::{Batch, Delivery, Wake};
use crate::engine::state::Heard;
use crate::jobs::{Config, JobQueue, NewJob, Path, Priority, TimeoutChoice};
use crate::wire::framer::Framer;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// What may be allocated beside a payload.
const LITTLE: usize = 2 * KIB;

struct Asleep;

impl Wake for Asleep {
    fn wake(&self, _: &Arc<Delivery>) {}
}

/// An engine that runs and says nothing: what it is to have said, the test hands in.
struct Bench {
    engine: Arc<Engine>,
    framer: Framer,
    run: u64,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.engine.stop();
    }
}

fn bench() -> Bench {
    let options = EngineOptions {
        program: "cat".into(),
        args: Vec::new(),
        cwd: None,
        request_timeout: None,
        startup_timeout: None,
        auto_restart: false,
        max_restarts: Some(0),
        restart_delay: Duration::ZERO,
        restart_backoff: 1.0,
        max_restart_delay: None,
        restart_window: None,
        kill_timeout: Some(Duration::from_secs(1)),
        kill_tree: true,
        health_method: None,
        health_interval: None,
        max_message_bytes: Some(256 * MIB),
        max_pending_bytes: None,
    };
    let engine = Engine::new(options, Delivery::new(1, Box::new(Asleep)));
    assert!(engine.start(std::env::vars_os().collect()).is_some());
    let run = loop {
        // The spawner is another thread, and nothing else of it can be waited for without one more.
        if let Some(run) = engine.lock().run.as_ref().map(|run| run.id) {
            break run;
        }
        std::thread::yield_now();
    };
    // Told that it started, and that the code behind that has run: nobody is about to listen.
    drop(engine.delivery().take());
    engine.delivery().shut_window();
    Bench { engine, framer: Framer::new(Some(256 * MIB)), run }
}

impl Bench {
    /// Reads the line as the reader thread does, and takes the batch that it brings.
    fn hear(&mut self, line: &[u8]) -> Option<Batch> {
        for piece in line.chunks(64 * KIB) {
            self.framer.spare(64 * KIB)[..piece.len()].copy_from_slice(piece);
            self.framer.filled(piece.len());
            while let Some(frame) = self.framer.next() {
                self.engine.received(self.run, frame, &mut clock::now());
            }
        }
        self.engine.delivery().take()
    }

    /// What is allocated meanwhile, bytes and times, and what is handed over. The line must not be the first of its size:
    /// the frame buffer grows once.
    fn cost(&mut self, line: &[u8]) -> (AllocationInfo, Option<Batch>) {
        let mut batch = None;
        let info = measure(|| batch = self.hear(line));
        // Nobody is about to listen.
        self.engine.delivery().shut_window();
        (info, batch)
    }

    /// A call that waits, and the line that answers it.
    fn answered_call(&self, result: &str) -> Vec<u8> {
        let id = Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef);
        self.engine.lock().calls.insert(id, Purpose::Call { slot: 3, starts_job: false }, None);
        format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"result\":{result}}}\n").into_bytes()
    }
}

fn text(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes))
}

fn progress(bytes: usize) -> Vec<u8> {
    format!("{{\"jobId\":\"a\",\"type\":\"progress\",\"data\":{}}}\n", text(bytes)).into_bytes()
}

/// Once the payload, and little beside it.
fn assert_one_copy(info: AllocationInfo, payload: usize) {
    let bytes = usize::try_from(info.bytes_total).unwrap();
    assert!((payload..payload + LITTLE).contains(&bytes), "{info:?} for {payload} bytes");
}

#[test]
fn the_result_of_a_call_is_copied_once() {
    let mut bench = bench();
    for payload in [100, 10 * KIB, 300 * KIB] {
        let line = bench.answered_call(&text(payload));
        bench.hear(&line);
        let line = bench.answered_call(&text(payload));
        let (info, batch) = bench.cost(&line);
        assert_eq!(&*batch.unwrap(), format!("[0,0,3,{}]", text(payload)).as_bytes());
        assert_one_copy(info, payload);
    }
}

#[test]
fn a_small_result_does_not_keep_the_giant_line_it_came_on() {
    let mut bench = bench();
    let id = Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef);
    bench.engine.lock().calls.insert(id, Purpose::Call { slot: 3, starts_job: false }, None);
    let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"result\":1,\"pad\":{}}}\n", text(8 * MIB));
    let (info, batch) = bench.cost(line.as_bytes());
    assert_eq!(&*batch.unwrap(), b"[0,0,3,1]");
    assert!(usize::try_from(info.bytes_current).unwrap() < MIB, "{info:?}");
}

#[test]
fn a_giant_result_is_not_copied_at_all() {
    let mut bench = bench();
    let line = bench.answered_call(&text(8 * MIB));
    let (info, batch) = bench.cost(&line);
    let batch = batch.unwrap();
    assert!(batch.is_known_ascii());
    assert_eq!(&*batch, format!("[0,0,3,{}]", text(8 * MIB)).as_bytes());
    // The frame buffer, which doubles and is given away: no more than it is there when the line is read.
    assert!(info.bytes_max < 3 * 8 * MIB as u64, "{info:?}");
    assert!(usize::try_from(info.bytes_current).unwrap() <= 2 * 8 * MIB + 64 * KIB, "{info:?}");
    let mut framer = Framer::new(None);
    let framing = measure(|| {
        for piece in line.chunks(64 * KIB) {
            framer.spare(64 * KIB)[..piece.len()].copy_from_slice(piece);
            framer.filled(piece.len());
        }
    });
    let beside = info.bytes_total - framing.bytes_total;
    assert!(beside < LITTLE as u64, "{beside} bytes behind the framing");
}

#[test]
fn an_event_that_is_heard_is_copied_once() {
    let mut bench = bench();
    bench.engine.set_heard(Heard::JOB_PROGRESS);
    for payload in [100, 10 * KIB, 300 * KIB] {
        bench.hear(&progress(payload));
        let (info, batch) = bench.cost(&progress(payload));
        assert!(batch.is_some());
        assert_one_copy(info, payload);
    }
}

#[test]
fn an_event_that_nobody_hears_takes_no_memory() {
    let mut bench = bench();
    for payload in [100, 300 * KIB] {
        bench.hear(&progress(payload));
        let (info, batch) = bench.cost(&progress(payload));
        assert_eq!((info.count_total, batch), (0, None));
    }
}

fn config() -> Config {
    Config {
        concurrency: Some(1),
        default_timeout: Some(Duration::from_mins(5)),
        retries: 0,
        retry_delay: Duration::from_secs(1),
        retry_backoff: 1.0,
        asks_before_retry: false,
        max_queue_size: None,
        max_completed: Some(10),
        cancel_grace: Some(Duration::from_secs(5)),
    }
}

fn job(number: u32) -> NewJob {
    NewJob {
        id: None,
        ticket: number,
        path: Path::Native,
        type_json: "\"ocr\"".into(),
        payload_json: None,
        priority: Priority::Normal,
        timeout: TimeoutChoice::Default,
        retries: None,
        exits: None,
    }
}

#[test]
fn the_result_of_a_job_is_copied_once() {
    let mut bench = bench();
    let own = Delivery::new(2, Box::new(Asleep));
    let manager = Manager::new(config(), own, Some(&bench.engine));
    let mut result_of = |number: u32, payload: usize| {
        assert!(matches!(manager.submit(u64::from(number), job(number)), Some(Ok(_))));
        let id = bench.engine.lock().calls.ids()[0];
        // Not the engine's: nothing is written, for this one would echo it.
        bench.engine.delivery().end_turn();
        let accepted = format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"result\":{{\"jobId\":{number}}}}}\n");
        bench.hear(accepted.as_bytes());
        bench.engine.delivery().shut_window();
        let data = text(payload);
        bench.cost(format!("{{\"jobId\":{number},\"type\":\"result\",\"data\":{data}}}\n").as_bytes())
    };
    result_of(0, 300 * KIB);
    for (number, payload) in [(1, 100), (2, 10 * KIB), (3, 300 * KIB)] {
        let (info, batch) = result_of(number, payload);
        assert!(batch.is_some());
        assert_one_copy(info, payload);
    }
}

/// The most that one of so many takes, wherever the tables' growth has just come to.
fn bytes_each(counts: Range<u32>, mut fill: impl FnMut(u32)) -> u64 {
    let mut most = 0;
    let mut held = 0;
    for number in 0..counts.end {
        held += measure(|| fill(number)).bytes_current;
        if number >= counts.start {
            most = most.max(held.unsigned_abs() / u64::from(number + 1));
        }
    }
    most
}

/// Of the kilobyte that a pending call may cost, JavaScript needs the larger share.
#[test]
fn a_pending_call_takes_at_most_300_bytes() {
    let mut calls = Calls::default();
    let now = clock::now().instant;
    let each = bytes_each(10_000..40_000, |slot| {
        let id = Uuid::from_u128(u128::from(slot).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let deadline = now + Duration::from_micros(u64::from(slot));
        calls.insert(id, Purpose::Call { slot, starts_job: false }, Some(deadline));
    });
    assert!(each <= 300, "{each} bytes each");
}

/// Of the 500 bytes that a queued job may cost beside its payload, JavaScript needs its share too.
#[test]
fn a_queued_job_takes_at_most_400_bytes() {
    let mut queue = JobQueue::new(config());
    let now = clock::now();
    let each = bytes_each(10_000..40_000, |number| {
        queue.submit(job(number), now, &mut Vec::new()).unwrap();
    });
    assert!(each <= 400, "{each} bytes each");
}
