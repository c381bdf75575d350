use desktop_runtime_core::jobs::*;

use crate::bench::{Bench, config, one_at_a_time, progress};

#[test]
fn cancel_of_a_queued_job_removes_it_and_is_true() {
    let mut bench = Bench::new(one_at_a_time());
    for id in ["a", "b", "c"] {
        bench.submit(id);
    }
    assert_eq!(bench.cancel("b"), ["removed", "b: Cancelled"]);
    assert_eq!(bench.listed(), ["c", "a"]);
    assert_eq!(bench.refuse("a"), ["a: StartError", "start c#1"]);
}

#[test]
fn unknown_or_ended_is_false() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.cancel("nobody"), ["unknown"]);
    bench.run("a", "e");
    bench.result("e");
    assert_eq!(bench.cancel("a"), ["unknown"]);
    bench.run("b", "f");
    bench.pass(300_000);
    assert_eq!(bench.cancel("b"), ["unknown"], "settled, though its lease lingers");
}

#[test]
fn running_any_answer_is_true_and_later_events_are_dropped() {
    for success in [true, false] {
        let mut bench = Bench::new(config());
        bench.run("a", "e");
        assert_eq!(bench.cancel("a"), ["wait a", "jobs.cancel a \"e\""]);
        assert_eq!(bench.event("e", progress("5")), ["job:progress a 5"], "not cancelled yet");
        assert_eq!(bench.cancelled("a", success), ["cancelled a: true", "a: Cancelled after 0", "idle"]);
        assert!(bench.event("e", progress("6")).is_empty());
        assert!(bench.result("e").is_empty());
        assert_eq!(bench.state("a"), Some(JobState::Cancelled));
    }
}

#[test]
fn after_success_false_the_slot_stays_taken_until_the_job_ends() {
    let mut bench = Bench::new(one_at_a_time());
    bench.run("a", "e");
    bench.submit("b");
    bench.cancel("a");
    assert_eq!(bench.cancelled("a", false), ["cancelled a: true", "a: Cancelled after 0"]);
    assert_eq!(bench.queue.active_count(), 0);
    assert!(bench.event("e", progress("5")).is_empty());
    assert_eq!(bench.error("e"), ["start b#1"]);
}

#[test]
fn after_success_false_the_slot_stays_taken_for_cancel_grace() {
    let mut bench = Bench::new(one_at_a_time());
    bench.run("a", "e");
    bench.submit("b");
    bench.cancel("a");
    bench.cancelled("a", false);
    assert!(bench.pass(4999).is_empty());
    assert_eq!(bench.pass(1), ["start b#1"]);
}

#[test]
fn cancel_grace_infinity_waits_for_the_end() {
    let mut bench = Bench::new(Config { cancel_grace: None, ..one_at_a_time() });
    bench.run("a", "e");
    bench.submit("b");
    bench.cancel("a");
    bench.cancelled("a", false);
    assert_eq!(bench.queue.next_deadline(), None);
    assert!(bench.pass(u64::from(u32::MAX)).is_empty());
    assert_eq!(bench.result("e"), ["start b#1"]);
}

#[test]
fn a_jobs_cancel_that_fails_is_false_and_the_job_goes_on() {
    let mut bench = Bench::new(config());
    bench.run("a", "e");
    bench.cancel("a");
    assert_eq!(bench.cancel_failed("a"), ["cancelled a: false"]);
    assert_eq!(bench.cancel("a"), ["wait a", "jobs.cancel a \"e\""], "it may be tried again");
    assert_eq!(bench.result("e"), ["cancelled a: false", "a: done e's after 0", "idle"]);
}

#[test]
fn a_job_that_ended_meanwhile_is_false() {
    let mut bench = Bench::new(config());
    bench.run("a", "e");
    bench.cancel("a");
    assert_eq!(bench.result("e"), ["cancelled a: false", "a: done e's after 0", "idle"]);
    assert!(bench.cancelled("a", true).is_empty());
    bench.run("b", "f");
    bench.cancel("b");
    assert_eq!(bench.error("f"), ["cancelled b: false", "b: EngineEvent after 0", "idle"]);
}

#[test]
fn an_attempt_that_fails_while_a_cancel_waits_is_not_retried() {
    let mut bench = Bench::new(Config { retries: 1, asks_before_retry: true, ..config() });
    bench.run("a", "e");
    bench.cancel("a");
    assert_eq!(bench.error("e"), ["cancelled a: true", "a: Cancelled after 0", "idle"]);
}

#[test]
fn concurrent_cancels_share_one_answer() {
    let mut bench = Bench::new(config());
    bench.run("a", "e");
    assert_eq!(bench.cancel("a"), ["wait a", "jobs.cancel a \"e\""]);
    assert_eq!(bench.cancel("a"), ["wait a"]);
    assert_eq!(bench.cancelled("a", true), ["cancelled a: true", "a: Cancelled after 0", "idle"]);
}

#[test]
fn while_jobs_start_is_unanswered_cancel_waits_for_the_answer_then_cancels() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    assert_eq!(bench.cancel("a"), ["wait a"]);
    assert_eq!(bench.cancel("a"), ["wait a"]);
    assert_eq!(bench.accept("a", "e"), ["job:started a \"e\"", "jobs.cancel a \"e\""]);
    assert_eq!(bench.cancelled("a", true), ["cancelled a: true", "a: Cancelled after 0", "idle"]);
}

#[test]
fn a_job_that_ended_before_its_answer_is_not_sent_jobs_cancel() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    bench.cancel("a");
    bench.result("e");
    assert_eq!(
        bench.accept("a", "e"),
        ["job:started a \"e\"", "cancelled a: false", "a: done e's after 0", "idle"]
    );
}

#[test]
fn a_start_that_fails_while_a_cancel_waits() {
    let mut bench = Bench::new(Config { retries: 1, ..config() });
    bench.submit("a");
    bench.cancel("a");
    assert_eq!(bench.refuse("a"), ["cancelled a: true", "a: Cancelled", "idle"], "retry left: removed");
    let mut bench = Bench::new(config());
    bench.submit("a");
    bench.cancel("a");
    assert_eq!(bench.refuse("a"), ["cancelled a: false", "a: StartError", "idle"], "none left");
}

#[test]
fn a_start_that_was_not_sent_while_a_cancel_waits_is_removed() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    bench.cancel("a");
    assert_eq!(bench.block("a"), ["cancelled a: true", "a: Cancelled", "idle"]);
}

#[test]
fn an_exit_or_stop_while_a_cancel_waits() {
    let mut bench = Bench::new(Config { retries: 1, ..config() });
    bench.run("a", "e");
    bench.cancel("a");
    assert_eq!(bench.step(Input::EngineExited), ["cancelled a: true", "a: Cancelled after 0", "idle"]);
    let mut bench = Bench::new(config());
    bench.run("a", "e");
    bench.cancel("a");
    assert_eq!(bench.step(Input::EngineExited), ["cancelled a: false", "a: EngineExited after 0", "idle"]);
    let mut bench = Bench::new(Config { retries: 1, ..config() });
    bench.submit("a");
    bench.cancel("a");
    assert_eq!(bench.step(Input::EngineStopping), ["cancelled a: false", "a: ShuttingDown", "idle"]);
}
