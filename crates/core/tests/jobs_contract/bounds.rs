use std::borrow::Cow;

use desktop_runtime_core::jobs::*;

use crate::bench::{Bench, config, engine_id};

const BOUND: usize = 16 * 1024 * 1024;

fn big(size: usize) -> Data<'static> {
    Data::Text(Cow::Owned(vec![b' '; size]))
}

fn big_progress(size: usize, first: u8) -> EngineEvent<'static> {
    let mut message = vec![b' '; size];
    message[0] = first;
    EngineEvent::Progress { percent: Some(Cow::Borrowed(b"1")), message: Some(Cow::Owned(message)) }
}

#[test]
fn past_16_mib_of_parked_text_the_oldest_progress_goes_first_and_ends_are_kept() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    bench.submit("b");
    bench.event("eb", EngineEvent::Result(big(10)));
    for number in 0..40 {
        bench.event("ea", big_progress(1024 * 1024, number));
        assert!(bench.queue.stats().parked_bytes <= BOUND);
    }
    bench.event("ea", EngineEvent::Result(big(10)));
    let (now, key) = (bench.now(), bench.key("a"));
    let mut out = vec![];
    let reply = StartReply::Accepted(engine_id("ea"));
    bench.queue.step(Input::StartAnswered { key, attempt: 1, reply }, now, &mut out);
    let firsts: Vec<u8> = out
        .iter()
        .filter_map(|output| match output {
            Output::Progress { message: Some(message), .. } => Some(message[0]),
            _ => None,
        })
        .collect();
    assert_eq!(firsts, (25..40).collect::<Vec<u8>>(), "the latest, in order");
    assert!(out.iter().any(|output| matches!(output, Output::Settle { .. })));
    assert!(bench.accept("b", "eb").iter().any(|line| line.starts_with("b: done")));
}

#[test]
fn the_end_of_a_job_is_kept_however_big() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    bench.submit("b");
    bench.event("ea", EngineEvent::Result(big(BOUND + 1)));
    bench.event("eb", EngineEvent::Result(big(BOUND + 1)));
    assert!(bench.accept("a", "ea").iter().any(|line| line.starts_with("a: done")));
    assert!(bench.accept("b", "eb").iter().any(|line| line.starts_with("b: done")));
}

#[test]
fn a_flood_of_other_jobs_ends_is_bounded_too() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    for number in 0..40 {
        bench.event(&format!("e{number}"), EngineEvent::Error(big(1024 * 1024)));
        assert!(bench.queue.stats().parked_bytes <= BOUND);
    }
    let mut bench = Bench::new(config());
    bench.submit("a");
    for number in 0..200_000 {
        bench.event(&format!("e{number}"), EngineEvent::Error(Data::Absent));
    }
    assert!(bench.queue.stats().parked_bytes <= BOUND, "what holds the text counts");
}

#[test]
fn held_values_that_are_pushed_out_are_forgotten() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    bench.event("other", EngineEvent::Result(Data::Held(9, 0)));
    bench.event("other", EngineEvent::Result(Data::Held(10, 0)));
    let mut forgotten = vec![];
    for number in 0..20 {
        forgotten.extend(bench.event(&format!("e{number}"), EngineEvent::Result(big(1024 * 1024))));
    }
    assert_eq!(forgotten, ["forget 9"]);
}

#[test]
fn held_values_count_with_their_size() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    let mut forgotten = vec![];
    for number in 0..100 {
        forgotten
            .extend(bench.event(&format!("e{number}"), EngineEvent::Result(Data::Held(number, 1024 * 1024))));
        assert!(bench.queue.stats().parked_bytes <= BOUND);
    }
    assert_eq!(forgotten.len(), 100 - 15);
    assert_eq!(forgotten[0], "forget 0");
}
