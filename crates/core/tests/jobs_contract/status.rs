use desktop_runtime_core::jobs::*;

use crate::bench::{Bench, WALL_MS, config, engine_id, job, one_at_a_time, progress};

#[test]
fn while_jobs_start_is_unanswered_the_job_is_pending_listed_counted_active() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    let view = bench.queue.status("a").unwrap();
    assert_eq!((view.state, view.started_at_ms, view.engine_id), (JobState::Pending, None, None));
    assert_eq!(bench.listed(), ["a"]);
    assert_eq!((bench.queue.active_count(), bench.queue.queue_len()), (1, 0));
}

#[test]
fn running_with_progress_message_started_at() {
    let mut bench = Bench::new(config());
    bench.ms = 5;
    bench.submit("a");
    bench.ms = 9;
    bench.accept("a", "e");
    bench.event("e", progress("40"));
    bench.event("e", progress("41"));
    let view = bench.queue.status("a").unwrap();
    assert_eq!(view.state, JobState::Running);
    assert_eq!((view.progress, view.message), (Some(&b"41"[..]), Some(&b"\"m\""[..])));
    assert_eq!((view.started_at_ms, view.completed_at_ms), (Some(WALL_MS + 9), None));
    assert_eq!(view.engine_id, Some(&engine_id("e")));
    assert_eq!(view.type_json, "\"ocr\"");
}

#[test]
fn ended_done_failed_cancelled_with_the_true_times() {
    let mut bench = Bench::new(Config { concurrency: None, ..config() });
    for (id, engine) in [("done", "e1"), ("failed", "e2"), ("cancelled", "e3")] {
        bench.run(id, engine);
    }
    bench.submit("never ran");
    bench.ms = 7;
    bench.result("e1");
    bench.error("e2");
    bench.cancel("cancelled");
    bench.cancelled("cancelled", true);
    bench.refuse("never ran");
    for (id, state, engine) in [
        ("done", JobState::Done, "e1"),
        ("failed", JobState::Failed, "e2"),
        ("cancelled", JobState::Cancelled, "e3"),
    ] {
        let view = bench.queue.status(id).unwrap();
        assert_eq!((&*view.id, view.state, view.engine_id), (id, state, Some(&engine_id(engine))));
        assert_eq!((view.started_at_ms, view.completed_at_ms), (Some(WALL_MS), Some(WALL_MS + 7)));
    }
    let view = bench.queue.status("never ran").unwrap();
    assert_eq!((view.state, view.started_at_ms, view.engine_id), (JobState::Failed, None, None));
    assert!(bench.listed().is_empty(), "ended jobs are not listed");
    let stats = bench.queue.stats();
    assert_eq!((stats.submitted, stats.done, stats.failed, stats.cancelled), (4, 1, 2, 1));
}

#[test]
fn a_new_attempt_begins_without_progress() {
    let mut bench = Bench::new(Config { retries: 1, ..config() });
    bench.run("a", "e");
    bench.event("e", progress("40"));
    bench.error("e");
    let pending = bench.queue.status("a").unwrap();
    assert_eq!((pending.state, pending.progress, pending.started_at_ms), (JobState::Pending, None, None));
    bench.pass(1000);
    bench.accept("a", "e2");
    let again = bench.queue.status("a").unwrap();
    assert_eq!((again.progress, again.message), (None, None));
    assert_eq!(again.started_at_ms, Some(WALL_MS + 1000));
    bench.ms += 10;
    assert_eq!(bench.result("e2"), ["a: done e2's after 10", "idle"], "of the last attempt");
}

#[test]
fn a_progress_event_without_a_message_has_none() {
    let mut bench = Bench::new(config());
    bench.run("a", "e");
    bench.event("e", progress("40"));
    bench.event("e", EngineEvent::Progress { percent: Some(b"41"[..].into()), message: None });
    let view = bench.queue.status("a").unwrap();
    assert_eq!((view.progress, view.message), (Some(&b"41"[..]), None));
}

#[test]
fn a_job_that_never_started_settles_without_job_completed() {
    let mut bench = Bench::new(config());
    bench.submit("a");
    assert_eq!(bench.refuse("a"), ["a: StartError", "idle"]);
}

#[test]
fn get_jobs_queued_then_active() {
    let mut bench = Bench::new(Config { retries: 1, ..one_at_a_time() });
    bench.submit("retrying");
    bench.refuse("retrying");
    bench.run("active", "e");
    bench.submit("queued");
    bench.submit_as("high", Priority::High);
    assert_eq!(bench.listed(), ["high", "queued", "retrying", "active"]);
}

#[test]
fn ended_jobs_are_remembered_up_to_max_completed() {
    let mut bench = Bench::new(Config { max_completed: Some(2), ..config() });
    for id in ["a", "b", "a", "c"] {
        bench.run(id, id);
        bench.result(id);
    }
    assert_eq!(bench.state("b"), None, "the oldest; `a` ended anew since");
    assert_eq!((bench.state("a"), bench.state("c")), (Some(JobState::Done), Some(JobState::Done)));
    bench.queue.clear_completed();
    assert_eq!(bench.state("a"), None);
    let mut bench = Bench::new(Config { max_completed: Some(0), ..config() });
    bench.run("a", "a");
    bench.result("a");
    assert_eq!(bench.state("a"), None);
}

#[test]
fn each_job_keeps_its_own_type() {
    let mut bench = Bench::new(config());
    for (id, type_json) in [("a", "1"), ("b", "2"), ("c", "2"), ("d", "1")] {
        bench.try_submit(NewJob { type_json: type_json.into(), ..job(id) }).unwrap();
    }
    let types: Vec<&str> = ["a", "b", "c", "d"].map(|id| bench.queue.status(id).unwrap().type_json).into();
    assert_eq!(types, ["1", "2", "2", "1"]);
    assert_eq!(bench.queue.start_params(bench.key("b")).unwrap().0, "2");
}

#[test]
fn a_key_is_never_given_twice() {
    let mut bench = Bench::down(config());
    let mut seen = std::collections::HashSet::new();
    for round in 0..3 {
        for number in 0..2000 {
            bench.try_submit(job(&number.to_string())).unwrap();
            assert!(seen.insert(bench.key(&number.to_string())), "in round {round}");
        }
        for number in 0..2000 {
            bench.cancel(&number.to_string());
        }
    }
}
