use std::borrow::Cow;
use std::time::Duration;

use desktop_runtime_core::jobs::*;

use crate::bench::{Bench, config, job, one_at_a_time, text};

fn retrying(retries: u32) -> Config {
    Config { retries, ..one_at_a_time() }
}

#[test]
fn without_retry_on_failure_nothing_is_retried() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    assert_eq!(bench.refuse("a"), ["a: StartError", "idle"]);
    bench.run("b", "e");
    assert_eq!(bench.error("e"), ["b: EngineEvent after 0", "idle"]);
}

#[test]
fn retry_covers_start_errors() {
    for failure in [Failure::StartError(text("1")), Failure::StartTimedOut, Failure::NoJobId] {
        let mut bench = Bench::new(retrying(1));
        bench.submit("a");
        assert_eq!(bench.reply("a", StartReply::Refused(failure)), ["job:retry a#1 in 1000"]);
        assert_eq!(bench.pass(999), [""; 0]);
        assert_eq!(bench.pass(1), ["start a#2"]);
        assert_eq!(bench.refuse("a"), ["a: StartError", "idle"], "maxRetries counts retries, not attempts");
    }
}

#[test]
fn retry_covers_error_events_and_ends_that_cannot_be_read() {
    for event in [EngineEvent::Error(text("1")), EngineEvent::Broken { too_large: true }] {
        let mut bench = Bench::new(retrying(1));
        bench.run("a", "e");
        assert_eq!(bench.event("e", event), ["job:retry a#1 in 1000"]);
        assert_eq!(bench.pass(1000), ["start a#2"]);
    }
}

#[test]
fn a_payload_that_json_cannot_hold_is_a_start_error_not_retried() {
    let mut bench = Bench::new(retrying(3));
    bench.submit("a");
    let reply = StartReply::Refused(Failure::BadPayload(Data::Held(7, 0)));
    assert_eq!(bench.reply("a", reply), ["a: BadPayload(Held(7, 0))", "idle"]);
}

#[test]
fn retries_overrides_both_retry_options() {
    let mut bench = Bench::new(config());
    bench.try_submit(NewJob { retries: Some(1), ..job("a") }).unwrap();
    assert_eq!(bench.refuse("a"), ["job:retry a#1 in 1000"]);
    let mut bench = Bench::new(retrying(3));
    bench.try_submit(NewJob { retries: Some(0), ..job("a") }).unwrap();
    assert_eq!(bench.refuse("a"), ["a: StartError", "idle"]);
}

#[test]
fn while_waiting_for_a_retry_a_job_is_pending_listed_cancellable_and_holds_no_slot() {
    let mut bench = Bench::new(retrying(1));
    bench.run("a", "e");
    bench.submit("b");
    assert_eq!(bench.error("e"), ["job:retry a#1 in 1000", "start b#1"]);
    assert_eq!(bench.state("a"), Some(JobState::Pending));
    assert_eq!(bench.listed(), ["a", "b"]);
    assert_eq!(bench.cancel("a"), ["removed", "a: Cancelled after 0"]);
    bench.refuse("b");
    assert_eq!(bench.pass(1000), ["start b#2"], "the cancelled one's alarm is gone too");
}

#[test]
fn it_re_enters_at_the_tail_of_its_priority() {
    let mut bench = Bench::new(retrying(1));
    bench.submit("a");
    bench.refuse("a");
    for id in ["b", "c"] {
        bench.submit(id);
    }
    bench.submit_as("low", Priority::Low);
    assert!(bench.pass(1000).is_empty());
    bench.submit("d");
    assert_eq!(bench.listed(), ["c", "a", "d", "low", "b"]);
}

#[test]
fn retry_backoff_multiplies_each_wait_by_the_last() {
    let mut bench = Bench::new(Config { retry_backoff: 2.0, ..retrying(u32::MAX) });
    bench.submit("a");
    for (attempt, wait) in [(1, 1000), (2, 2000), (3, 4000), (4, 8000)] {
        assert_eq!(bench.refuse("a"), [format!("job:retry a#{attempt} in {wait}")]);
        assert_eq!(bench.pass(wait), [format!("start a#{}", attempt + 1)]);
    }
}

#[test]
fn a_wait_past_counting_is_no_panic() {
    let mut bench = Bench::new(Config { retry_backoff: f64::MAX, ..retrying(u32::MAX) });
    bench.submit("a");
    bench.refuse("a");
    bench.pass(1000);
    assert_eq!(bench.refuse("a"), [format!("job:retry a#2 in {}", u64::MAX)]);
    assert_eq!(bench.queue.next_deadline(), None);
    assert_eq!(bench.cancel("a"), ["removed", "a: Cancelled", "idle"]);
}

#[test]
fn retry_delay_0_re_enters_at_once() {
    let mut bench = Bench::new(Config { retry_delay: Duration::ZERO, ..retrying(1) });
    bench.submit("a");
    bench.submit("b");
    assert_eq!(bench.refuse("a"), ["job:retry a#1 in 0", "start b#1"]);
    assert_eq!(bench.refuse("b"), ["job:retry b#1 in 0", "start a#2"]);
}

#[test]
fn a_job_whose_engine_exits_rejects_at_once_without_retry_left() {
    let mut bench = Bench::new(config());
    bench.run("a", "e");
    bench.submit("b");
    bench.submit("c");
    assert_eq!(bench.step(Input::EngineExited), ["a: EngineExited after 0", "b: EngineExited"]);
    assert_eq!(bench.listed(), ["c"], "the queued one waits");
    assert_eq!(bench.step(Input::EngineReady { path: Path::Native }), ["start c#1"]);
}

#[test]
fn with_retry_left_it_goes_back_to_the_head_of_its_priority() {
    let mut bench = Bench::new(Config { retries: 1, ..config() });
    bench.run("a", "e");
    bench.submit("b");
    bench.submit("c");
    bench.submit_as("high", Priority::High);
    assert_eq!(bench.step(Input::EngineExited), ["job:retry a#1 in 0", "job:retry b#1 in 0"]);
    assert_eq!(bench.listed(), ["high", "a", "b", "c"], "in their former order");
    assert_eq!(bench.step(Input::EngineReady { path: Path::Native }), ["start high#1", "start a#2"]);
    assert_eq!(
        bench.step(Input::EngineExited),
        ["job:retry high#1 in 0", "a: EngineExited after 0"],
        "the second exit leaves `a` no retry"
    );
}

#[test]
fn nothing_starts_between_an_exit_and_the_next_ready() {
    let mut bench = Bench::new(Config { retries: 5, ..config() });
    bench.run("a", "e");
    bench.step(Input::EngineExited);
    assert!(bench.pass(10_000).is_empty());
    assert!(bench.submit("b").is_empty());
}

#[test]
fn running_jobs_at_stop_reject_and_are_not_retried_queued_ones_stay() {
    let mut bench = Bench::new(Config { retries: 3, ..config() });
    bench.run("a", "e");
    bench.submit("b");
    bench.submit("queued");
    bench.try_submit(NewJob { retries: Some(1), ..job("x") }).unwrap();
    assert_eq!(bench.step(Input::EngineStopping), ["a: ShuttingDown after 0", "b: ShuttingDown"]);
    assert_eq!(bench.listed(), ["queued", "x"]);
    assert_eq!(bench.step(Input::EngineReady { path: Path::Native }), ["start queued#1", "start x#1"]);
}

#[test]
fn should_retry_is_asked_with_the_slot_free_and_the_job_pending_and_listed() {
    let mut bench = Bench::new(Config { asks_before_retry: true, ..retrying(1) });
    bench.run("a", "e");
    bench.submit("b");
    assert_eq!(bench.error("e"), ["ask a#1", "start b#1"]);
    assert_eq!((bench.state("a"), bench.queue.queue_len()), (Some(JobState::Pending), 1));
    assert_eq!(bench.decide("a", true), ["job:retry a#1 in 1000"]);
    assert!(bench.decide("a", false).is_empty(), "answered already");
    bench.refuse("b");
    assert_eq!(bench.decide("b", false), ["b: StartError"]);
    assert_eq!(bench.pass(1000), ["start a#2"]);
    assert_eq!(bench.refuse("a"), ["a: StartError after 1000", "idle"], "none left: not asked");
}

#[test]
fn an_asked_job_is_cancellable_and_lets_go_of_its_error() {
    let mut bench = Bench::new(Config { asks_before_retry: true, ..retrying(1) });
    bench.submit("a");
    bench.reply("a", StartReply::Refused(Failure::StartError(Data::Held(3, 0))));
    assert_eq!(bench.cancel("a"), ["removed", "forget 3", "a: Cancelled", "idle"]);
    assert!(bench.decide("a", true).is_empty());
}

#[test]
fn asked_after_an_exit_they_re_enter_at_the_head_in_their_former_order() {
    let mut bench = Bench::new(Config { retries: 1, asks_before_retry: true, ..config() });
    bench.run("a", "e");
    bench.submit("b");
    bench.submit("c");
    assert_eq!(bench.step(Input::EngineExited), ["ask a#1", "ask b#1"]);
    assert_eq!(bench.decide("b", true), ["job:retry b#1 in 0"]);
    assert_eq!(bench.decide("a", true), ["job:retry a#1 in 0"]);
    assert_eq!(bench.listed(), ["a", "b", "c"]);
}

#[test]
fn the_error_that_was_borrowed_is_the_one_the_app_gets_after_the_question() {
    let mut bench = Bench::new(Config { asks_before_retry: true, ..retrying(1) });
    bench.run("a", "e");
    let now = bench.now();
    let key = bench.key("a");
    {
        let line = b"\"first\"".to_vec();
        let id = crate::bench::engine_id("e");
        let mut out = vec![];
        let data = Data::Text(Cow::Borrowed(&line));
        bench.queue.step(Input::Event { engine_id: &id, event: EngineEvent::Error(data) }, now, &mut out);
    }
    let mut out = vec![];
    bench.queue.step(Input::RetryDecision { key, retry: false }, now, &mut out);
    assert!(matches!(
        &out[0],
        Output::Settle { outcome: Outcome::Failed(Failure::EngineEvent(Data::Text(text))), .. } if **text == *b"\"first\""
    ));
}
