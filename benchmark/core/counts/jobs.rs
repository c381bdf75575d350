//! The job queue and the table of pending calls, when few and when many wait in them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use desktop_runtime_core::clock::{Now, now};
use desktop_runtime_core::engine::calls::{Calls, Purpose};
use desktop_runtime_core::jobs::{
    Config, Data, EngineEvent, Input, JobKey, JobQueue, NewJob, Output, Path, Priority, StartReply,
    TimeoutChoice,
};
use desktop_runtime_core::wire::id::JsonId;
use gungraun::{library_benchmark, library_benchmark_group};
use uuid::Uuid;

fn job(ticket: u32) -> NewJob {
    NewJob {
        id: None,
        ticket,
        path: Path::Native,
        type_json: "\"ocr\"".into(),
        payload_json: Some(r#"{"path":"scan-0001.png"}"#.into()),
        priority: Priority::Normal,
        timeout: TimeoutChoice::Default,
        retries: None,
        exits: None,
    }
}

struct Queued {
    queue: JobQueue,
    now: Now,
    /// Started, and not yet answered.
    started: Vec<(JobKey, u32)>,
    next: Vec<NewJob>,
}

/// A queue in which so many wait and 16 run, and as many more jobs as a bench submits.
fn queued(count: u32) -> Queued {
    let now = now();
    let mut queue = JobQueue::new(Config {
        concurrency: Some(16),
        default_timeout: Some(Duration::from_mins(5)),
        retries: 0,
        retry_delay: Duration::from_secs(1),
        retry_backoff: 1.0,
        asks_before_retry: false,
        max_queue_size: None,
        max_completed: Some(1000),
        cancel_grace: Some(Duration::from_secs(5)),
    });
    let mut out = vec![];
    queue.step(Input::EngineReady { path: Path::Native }, now, &mut out);
    for ticket in 0..count + 16 {
        queue.submit(job(ticket), now, &mut out).expect("there is room");
    }
    let started = out.iter().filter_map(start).collect();
    let next = (0..100).map(|number| job(count + 16 + number)).collect();
    Queued { queue, now, started, next }
}

fn start(output: &Output<'_>) -> Option<(JobKey, u32)> {
    match *output {
        Output::Start { key, attempt, .. } => Some((key, attempt)),
        _ => None,
    }
}

#[library_benchmark]
#[bench::at_1_k_x100(queued(1_000))]
#[bench::at_100_k_x100(queued(100_000))]
fn submit(mut queued: Queued) -> Queued {
    let mut out = vec![];
    for job in std::mem::take(&mut queued.next) {
        let _ = black_box(queued.queue.submit(job, queued.now, &mut out));
    }
    queued
}

// The reply to `jobs.start`, the result right behind it, and the start of the next job.
#[library_benchmark]
#[bench::at_1_k_x100(queued(1_000))]
#[bench::at_100_k_x100(queued(100_000))]
fn start_and_result(mut queued: Queued) -> Queued {
    let Queued { queue, now, started, .. } = &mut queued;
    for number in 0..100 {
        let mut out = vec![];
        let (key, attempt) = started.pop().expect("16 are started");
        let engine_id = JsonId::from_raw(format!("\"job-{number}\"").as_bytes());
        let reply = StartReply::Accepted(engine_id.clone());
        queue.step(Input::StartAnswered { key, attempt, reply }, *now, &mut out);
        let event = EngineEvent::Result(Data::Text(br#"{"ok":true}"#.into()));
        queue.step(Input::Event { engine_id: &engine_id, event }, *now, &mut out);
        started.extend(black_box(&out).iter().filter_map(start));
    }
    queued
}

/// A table with so many calls, and the moment that they were made.
fn pending(count: u32) -> (Calls, Instant) {
    let instant = now().instant;
    let mut calls = Calls::default();
    for slot in 0..count {
        insert(&mut calls, slot, instant);
    }
    (calls, instant)
}

fn id_of(slot: u32) -> Uuid {
    // Spread as random ids are, and the same in each run.
    Uuid::from_u128(u128::from(slot).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

fn insert(calls: &mut Calls, slot: u32, instant: Instant) {
    let purpose = Purpose::Call { slot, starts_job: false };
    let deadline = instant + Duration::from_secs(30) + Duration::from_micros(slot.into());
    calls.insert(id_of(slot), purpose, Some(deadline));
}

#[library_benchmark]
#[bench::at_10_x100(pending(10))]
#[bench::at_100_k_x100(pending(100_000))]
fn call_and_answer((mut calls, instant): (Calls, Instant)) -> Calls {
    let first = u32::try_from(calls.waiting()).expect("few");
    for slot in first..first + 100 {
        insert(&mut calls, slot, instant);
    }
    for slot in first..first + 100 {
        black_box(calls.take(id_of(slot)));
    }
    calls
}

library_benchmark_group!(name = queues, benchmarks = [submit, start_and_result, call_and_answer]);
