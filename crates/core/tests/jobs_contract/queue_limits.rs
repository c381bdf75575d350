use desktop_runtime_core::jobs::*;

use crate::bench::{Bench, config, job, one_at_a_time};

#[test]
fn id_of_a_live_job_rejects_duplicate_id() {
    let mut bench = Bench::new(Config { retries: 1, ..one_at_a_time() });
    bench.submit("active");
    bench.submit("queued");
    assert_eq!(bench.try_submit(job("active")), Err(Refused::Duplicate));
    assert_eq!(bench.try_submit(job("queued")), Err(Refused::Duplicate));
    bench.refuse("active");
    assert_eq!(bench.try_submit(job("active")), Err(Refused::Duplicate), "it waits for a retry");
    assert_eq!(bench.queue.stats().submitted, 2);
}

#[test]
fn the_id_of_an_ended_job_is_free_also_while_its_lease_lingers() {
    let mut bench = Bench::new(config());
    bench.run("a", "e1");
    bench.pass(300_000);
    assert_eq!(bench.state("a"), Some(JobState::Failed));
    assert_eq!(bench.submit("a"), ["start a#1"]);
    assert_eq!(bench.state("a"), Some(JobState::Pending), "the old record is replaced");
}

#[test]
fn past_max_queue_size_submit_rejects_queue_full() {
    let mut bench = Bench::new(Config { max_queue_size: Some(1), ..one_at_a_time() });
    bench.run("a", "e");
    bench.submit("b");
    assert_eq!(bench.try_submit(job("c")), Err(Refused::Full));
    bench.result("e");
    assert!(bench.try_submit(job("c")).is_ok());
}

#[test]
fn max_queue_size_refuses_no_job_that_starts_at_once() {
    let mut bench = Bench::new(Config { max_queue_size: Some(0), ..one_at_a_time() });
    assert_eq!(bench.submit("a"), ["start a#1"]);
    assert_eq!(bench.try_submit(job("b")), Err(Refused::Full));
}

#[test]
fn jobs_that_wait_for_a_retry_count_and_always_re_enter() {
    let mut bench = Bench::new(Config { max_queue_size: Some(1), retries: 1, ..one_at_a_time() });
    bench.submit("a");
    bench.submit("b");
    assert_eq!(bench.refuse("a"), ["job:retry a#1 in 1000", "start b#1"]);
    assert_eq!(bench.queue.queue_len(), 1);
    assert_eq!(bench.try_submit(job("c")), Err(Refused::Full));
    bench.refuse("b");
    assert_eq!(bench.queue.queue_len(), 2);
}

#[test]
fn pause_no_starts_resume_goes_on() {
    let mut bench = Bench::new(one_at_a_time());
    bench.run("a", "e");
    bench.submit("b");
    bench.queue.pause();
    assert_eq!(bench.result("e"), ["a: done e's after 0"], "what runs goes on");
    assert!(bench.submit("c").is_empty());
    assert_eq!(bench.resume(), ["start b#1"]);
}

#[test]
fn drain_refuses_new_jobs_until_resume() {
    let mut bench = Bench::new(one_at_a_time());
    bench.run("a", "e");
    bench.submit("b");
    bench.queue.drain();
    assert_eq!(bench.try_submit(job("c")), Err(Refused::Draining));
    assert_eq!(bench.result("e").last().unwrap(), "start b#1", "what is queued goes on");
    bench.resume();
    assert!(bench.try_submit(job("c")).is_ok());
}

#[test]
fn idle_when_nothing_is_queued_or_active() {
    let mut bench = Bench::new(one_at_a_time());
    assert!(bench.queue.is_idle());
    bench.run("a", "e");
    bench.submit("b");
    assert!(!bench.queue.is_idle());
    assert_eq!(bench.cancel("b"), ["removed", "b: Cancelled"]);
    assert_eq!(bench.result("e"), ["a: done e's after 0", "idle"]);
    assert!(bench.queue.is_idle());
    bench.queue.pause();
    bench.submit("c");
    assert_eq!(bench.cancel("c"), ["removed", "c: Cancelled", "idle"]);
}

#[test]
fn many_queued_jobs_are_cancelled_last_first() {
    let mut bench = Bench::down(config());
    let mut out = vec![];
    let now = bench.now();
    for number in 0..200_000_u32 {
        let new = NewJob { ticket: number, ..job(&number.to_string()) };
        bench.queue.submit(new, now, &mut out).unwrap();
    }
    for number in (0..200_000_u32).rev() {
        assert_eq!(bench.queue.cancel(&number.to_string(), now, &mut out), CancelReply::Removed);
    }
    assert!(bench.queue.is_idle());
    assert_eq!(out.len(), 200_001);
}
