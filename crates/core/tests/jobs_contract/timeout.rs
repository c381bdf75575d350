use std::time::Duration;

use desktop_runtime_core::jobs::*;

use crate::bench::{Bench, config, job, one_at_a_time};

#[test]
fn each_attempts_timeout_runs_from_the_sending_of_its_jobs_start() {
    let mut bench = Bench::new(Config { retries: 1, ..one_at_a_time() });
    bench.run("a", "e");
    bench.submit("b");
    assert!(bench.pass(299_000).is_empty());
    assert_eq!(bench.error("e"), ["job:retry a#1 in 1000", "start b#1"]);
    bench.result("nobody");
    bench.refuse("b");
    assert_eq!(bench.pass(1000), ["start a#2",].map(String::from).to_vec());
    bench.accept("a", "e2");
    assert!(bench.pass(299_999).iter().all(|line| !line.starts_with("a:")));
    assert_eq!(bench.pass(1)[0], "a: Timeout after 300000");
}

#[test]
fn a_queued_job_does_not_time_out() {
    let mut bench = Bench::down(config());
    bench.submit("a");
    assert_eq!(bench.queue.next_deadline(), None);
    assert!(bench.pass(1_000_000).is_empty());
}

#[test]
fn timeout_option_and_infinity() {
    let mut bench = Bench::new(config());
    bench.try_submit(NewJob { timeout: TimeoutChoice::Some(Duration::from_millis(10)), ..job("a") }).unwrap();
    bench.try_submit(NewJob { timeout: TimeoutChoice::None, ..job("b") }).unwrap();
    assert_eq!(bench.pass(10), ["a: Timeout"]);
    assert!(bench.pass(10_000_000).is_empty());
    bench.try_submit(NewJob { timeout: TimeoutChoice::Some(Duration::MAX), ..job("c") }).unwrap();
    assert_eq!(bench.queue.next_deadline(), None);
}

#[test]
fn a_timed_out_job_rejects_at_its_timeout_and_is_sent_jobs_cancel() {
    let mut bench = Bench::new(Config { retries: 5, ..one_at_a_time() });
    bench.run("a", "e");
    bench.submit("b");
    assert_eq!(bench.queue.next_deadline(), Some(bench.now().instant + Duration::from_mins(5)));
    assert!(bench.pass(299_999).is_empty());
    assert_eq!(bench.pass(1), ["a: Timeout after 300000", "jobs.cancel a \"e\""], "not retried");
    assert_eq!(bench.queue.active_count(), 0);
}

#[test]
fn its_slot_stays_taken_until_the_job_ends_on_the_engine_or_success_true_or_cancel_grace() {
    type End = fn(&mut Bench) -> Vec<String>;
    let ends: [(&str, End); 5] = [
        ("result", |bench| bench.result("e")),
        ("error", |bench| bench.error("e")),
        ("broken", |bench| bench.event("e", EngineEvent::Broken { too_large: false })),
        ("success", |bench| bench.cancelled("a", true)),
        ("grace", |bench| {
            assert!(bench.pass(4999).is_empty());
            bench.pass(1)
        }),
    ];
    for (what, end) in ends {
        let mut bench = Bench::new(one_at_a_time());
        bench.run("a", "e");
        bench.submit("b");
        bench.pass(300_000);
        assert!(bench.cancelled("a", false).is_empty());
        assert!(bench.cancel_failed("a").is_empty());
        assert_eq!(end(&mut bench), ["start b#1"], "{what}");
    }
}

#[test]
fn when_the_timeout_passes_before_the_answer_it_rejects_then_and_the_answer_is_sent_jobs_cancel() {
    let mut bench = Bench::new(one_at_a_time());
    bench.submit("a");
    bench.submit("b");
    assert_eq!(bench.pass(300_000), ["a: Timeout"]);
    assert_eq!(bench.accept("a", "e"), ["jobs.cancel a \"e\""]);
    assert_eq!(bench.cancelled("a", true), ["start b#1"]);
}

#[test]
fn also_when_the_answer_comes_after_the_grace() {
    let mut bench = Bench::new(one_at_a_time());
    bench.submit("a");
    bench.pass(300_000);
    bench.pass(5000);
    assert_eq!(bench.accept("a", "e"), ["jobs.cancel a \"e\""]);
    assert!(bench.accept("a", "e").is_empty(), "once");
}

#[test]
fn an_answer_that_says_no_frees_the_slot_of_a_timed_out_start() {
    let mut bench = Bench::new(one_at_a_time());
    bench.submit("a");
    bench.submit("b");
    bench.pass(300_000);
    assert!(bench.reply("a", StartReply::Refused(Failure::StartTimedOut)).is_empty(), "no answer at all");
    assert_eq!(bench.refuse("a"), ["start b#1"]);
}

#[test]
fn a_timed_out_start_whose_job_ended_before_the_answer_is_not_sent_jobs_cancel() {
    let mut bench = Bench::new(one_at_a_time());
    bench.submit("a");
    bench.submit("b");
    bench.pass(300_000);
    bench.result("e");
    assert_eq!(bench.accept("a", "e"), ["start b#1"]);
}

#[test]
fn an_answer_later_than_request_timeout_is_sent_jobs_cancel() {
    let mut bench = Bench::new(Config { retries: 1, ..config() });
    bench.submit("a");
    let key = bench.key("a");
    bench.reply("a", StartReply::Refused(Failure::StartTimedOut));
    bench.pass(1000);
    bench.accept("a", "second");
    let reply = StartReply::Accepted(crate::bench::engine_id("first"));
    assert_eq!(bench.step(Input::StartAnswered { key, attempt: 1, reply }), ["jobs.cancel a \"first\""]);
    assert!(bench.cancelled("a", true).is_empty(), "that was about the first attempt");
    assert_eq!(bench.result("second"), ["a: done second's after 0", "idle"]);
}

#[test]
fn a_late_answer_with_the_id_of_another_job_does_not_cancel_that() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    bench.reply("a", StartReply::Refused(Failure::StartTimedOut));
    bench.run("b", "e");
    assert!(bench.accept("a", "e").is_empty());
}

#[test]
fn an_answer_from_before_an_exit_is_nobodys() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    bench.reply("a", StartReply::Refused(Failure::StartTimedOut));
    bench.step(Input::EngineExited);
    assert!(bench.accept("a", "e").is_empty());
}

#[test]
fn a_timeout_during_a_cancel_is_a_timeout_and_the_cancel_is_not_sent_twice() {
    let mut bench = Bench::new(one_at_a_time());
    bench.run("a", "e");
    bench.cancel("a");
    bench.submit("b");
    assert_eq!(bench.pass(300_000), ["cancelled a: false", "a: Timeout after 300000"]);
    assert_eq!(bench.cancelled("a", true), ["start b#1"]);
    let mut bench = Bench::new(one_at_a_time());
    bench.submit("a");
    bench.cancel("a");
    assert_eq!(bench.pass(300_000), ["cancelled a: false", "a: Timeout", "idle"]);
    assert_eq!(bench.accept("a", "e"), ["jobs.cancel a \"e\""]);
}

#[test]
fn an_exit_frees_the_slots_of_timed_out_jobs() {
    let mut bench = Bench::new(one_at_a_time());
    bench.run("a", "e");
    bench.submit("b");
    bench.pass(300_000);
    bench.step(Input::EngineExited);
    assert_eq!(bench.step(Input::EngineReady { path: Path::Native }), ["start b#1"]);
}
