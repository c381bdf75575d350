use std::borrow::Cow;

use desktop_runtime_core::jobs::*;

use crate::bench::{Bench, config, engine_id, one_at_a_time, progress};

#[test]
fn events_with_or_right_behind_the_answer_reach_the_job_in_order() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    assert_eq!(bench.accept("a", "e"), ["job:started a \"e\""]);
    assert_eq!(bench.event("e", progress("1")), ["job:progress a 1"]);
    assert_eq!(bench.event("e", progress("2")), ["job:progress a 2"]);
    bench.ms += 30;
    assert_eq!(bench.result("e"), ["a: done e's after 30", "idle"]);
}

#[test]
fn events_that_arrive_before_the_answer_are_never_lost() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    bench.submit("b");
    assert!(bench.event("eb", progress("1")).is_empty());
    assert!(bench.event("ea", progress("7")).is_empty());
    assert!(bench.result("eb").is_empty());
    assert_eq!(bench.accept("b", "eb"), ["job:started b \"eb\"", "job:progress b 1", "b: done eb's after 0"]);
    assert_eq!(bench.accept("a", "ea"), ["job:started a \"ea\"", "job:progress a 7"]);
    assert_eq!(bench.queue.stats().parked_bytes, 0);
}

#[test]
fn an_end_that_overtakes_the_answer_fails_or_retries_the_job_as_any_other() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    bench.error("e");
    assert_eq!(bench.accept("a", "e"), ["job:started a \"e\"", "a: EngineEvent after 0", "idle"]);
    let mut bench = Bench::new(Config { retries: 1, ..config() });
    bench.submit("a");
    bench.event("e", EngineEvent::Broken { too_large: true });
    assert_eq!(bench.accept("a", "e"), ["job:started a \"e\"", "job:retry a#1 in 1000"]);
}

#[test]
fn what_the_engine_says_of_jobs_that_are_not_ours_is_dropped() {
    let mut bench = Bench::new(config());
    bench.run("a", "e");
    assert!(bench.event("other", EngineEvent::Result(Data::Held(1, 0))) == ["forget 1"]);
    assert_eq!(bench.queue.stats().parked_bytes, 0, "no start is unanswered");
    bench.submit("b");
    bench.event("other", EngineEvent::Result(Data::Held(2, 0)));
    assert!(bench.queue.stats().parked_bytes > 0);
    assert_eq!(bench.accept("b", "f"), ["job:started b \"f\"", "forget 2"]);
    assert_eq!(bench.queue.stats().parked_bytes, 0);
}

#[test]
fn what_is_parked_goes_when_the_starts_that_it_may_be_about_are_answered() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    bench.result("other");
    bench.submit("b");
    let parked = bench.queue.stats().parked_bytes;
    bench.accept("a", "e");
    assert!(parked > 0);
    assert_eq!(bench.queue.stats().parked_bytes, 0, "`b` was started later");
}

#[test]
fn log_partial_and_unknown_types_are_nothing_to_the_queue() {
    let mut bench = Bench::new(config());
    bench.run("a", "e");
    bench.submit("b");
    assert!(bench.event("e", EngineEvent::Other).is_empty());
    assert!(bench.event("other", EngineEvent::Other).is_empty());
    assert_eq!(bench.queue.stats().parked_bytes, 0);
}

#[test]
fn engine_ids_are_unique_only_within_one_run() {
    let mut bench = Bench::new(Config { retries: 1, ..one_at_a_time() });
    bench.run("a", "1");
    bench.submit("b");
    bench.step(Input::EngineExited);
    assert!(bench.result("1").is_empty(), "the id was forgotten at the exit");
    assert_eq!(bench.step(Input::EngineReady { path: Path::Native }), ["start a#2"]);
    bench.accept("a", "1");
    assert_eq!(bench.result("1"), ["a: done 1's after 0", "start b#1"]);
    bench.accept("b", "1");
    assert_eq!(bench.result("1"), ["b: done 1's after 0", "idle"], "an id given anew after its job's end");
}

#[test]
fn parked_events_of_a_former_run_are_gone() {
    let mut bench = Bench::new(Config { retries: 1, ..config() });
    bench.submit("a");
    bench.result("1");
    bench.step(Input::EngineExited);
    assert_eq!(bench.step(Input::EngineReady { path: Path::Native }), ["start a#2"]);
    assert_eq!(bench.accept("a", "1"), ["job:started a \"1\""]);
}

#[test]
fn an_event_with_the_id_of_a_lingering_job_is_its_own_until_the_engine_gives_the_id_anew() {
    let mut bench = Bench::new(config());
    bench.run("a", "1");
    bench.pass(300_000);
    bench.submit("b");
    bench.event("1", progress("5"));
    assert_eq!(bench.queue.stats().lingering, 1);
    assert_eq!(bench.accept("b", "1"), ["job:started b \"1\""], "nothing of the other's");
    assert_eq!(bench.queue.stats().lingering, 0, "its job must have ended");
    assert_eq!(bench.result("1"), ["b: done 1's after 0", "idle"]);
}

#[test]
fn an_answer_with_the_id_of_a_running_job_is_a_start_error() {
    let mut bench = Bench::new(config());
    bench.run("a", "1");
    bench.submit("b");
    assert_eq!(bench.accept("b", "1"), ["b: NoJobId"]);
    assert_eq!(bench.result("1"), ["a: done 1's after 0", "idle"]);
}

#[test]
fn ids_are_compared_as_json_values() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    bench.reply("a", StartReply::Accepted(desktop_runtime_core::wire::id::JsonId::from_raw(b"1")));
    assert!(bench.result("1").is_empty(), "a string is not a number");
    let same = desktop_runtime_core::wire::id::JsonId::from_raw(b"1.0");
    let event = EngineEvent::Result(Data::Absent);
    assert_eq!(bench.step(Input::Event { engine_id: &same, event }), ["a: done Absent after 0", "idle"]);
}

#[test]
fn each_watch_has_one_release() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    let (now, key, path) = (bench.now(), bench.key("a"), Path::Native);
    let mut out = vec![];
    let reply = StartReply::Accepted(engine_id("e"));
    bench.queue.step(Input::StartAnswered { key, attempt: 1, reply }, now, &mut out);
    assert_eq!(out[0], Output::Watch { key, path, engine_id: engine_id("e") });
    out.clear();
    let id = engine_id("e");
    bench.queue.step(
        Input::Event { engine_id: &id, event: EngineEvent::Result(Data::Absent) },
        now,
        &mut out,
    );
    assert_eq!(out[0], Output::Release { key, path });
}

#[test]
fn a_payloads_text_is_not_copied_on_its_way_through() {
    let mut bench = Bench::new(config());
    bench.run("a", "e");
    let line = b"{\"text\":1}".to_vec();
    let id = engine_id("e");
    let mut out = vec![];
    let event = EngineEvent::Result(Data::Text(Cow::Borrowed(&line)));
    bench.queue.step(Input::Event { engine_id: &id, event }, bench.now(), &mut out);
    let settled = out.iter().find_map(|output| match output {
        Output::Settle { outcome: Outcome::Completed(Data::Text(Cow::Borrowed(text))), .. } => {
            Some(text.as_ptr())
        }
        _ => None,
    });
    assert_eq!(settled, Some(line.as_ptr()));
}
