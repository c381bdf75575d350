use desktop_runtime_core::jobs::*;

use crate::bench::{Bench, config, job, one_at_a_time};

#[test]
fn with_a_slot_free_submit_calls_jobs_start_before_it_returns() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.submit("a"), ["start a#1"]);
    assert_eq!(bench.submit("b"), ["start b#1"]);
    assert_eq!(bench.submit("c"), [""; 0], "at most `concurrency` jobs hold a slot");
}

#[test]
fn concurrency_infinity_starts_all() {
    let mut bench = Bench::new(Config { concurrency: None, ..config() });
    for id in ["a", "b", "c", "d"] {
        assert_eq!(bench.submit(id), [format!("start {id}#1")]);
    }
}

#[test]
fn strict_priority_high_normal_low_first_in_first_out_inside_one() {
    let mut bench = Bench::down(one_at_a_time());
    for (id, priority) in [
        ("l1", Priority::Low),
        ("n1", Priority::Normal),
        ("h1", Priority::High),
        ("l2", Priority::Low),
        ("n2", Priority::Normal),
        ("h2", Priority::High),
    ] {
        assert!(bench.submit_as(id, priority).is_empty());
    }
    assert_eq!(bench.listed(), ["h1", "h2", "n1", "n2", "l1", "l2"]);
    let mut started = bench.step(Input::EngineReady { path: Path::Native });
    for id in ["h1", "h2", "n1", "n2", "l1", "l2"] {
        assert_eq!(started, [format!("start {id}#1")]);
        bench.accept(id, id);
        started = bench.result(id).split_off(1);
    }
    assert_eq!(started, ["idle"]);
}

#[test]
fn jobs_wait_in_the_queue_while_the_engine_is_down_and_move_on_when_it_becomes_ready() {
    let mut bench = Bench::down(config());
    assert!(bench.submit("a").is_empty());
    assert_eq!((bench.queue.queue_len(), bench.queue.active_count()), (1, 0));
    assert_eq!(bench.step(Input::EngineReady { path: Path::Native }), ["start a#1"]);
    assert_eq!((bench.queue.queue_len(), bench.queue.active_count()), (0, 1));
    bench.step(Input::EngineNotReady { path: Path::Native });
    assert!(bench.submit("b").is_empty(), "a slot is free, the engine is not");
}

#[test]
fn the_queue_moves_on_when_a_job_ends_in_any_way() {
    type End = fn(&mut Bench) -> Vec<String>;
    let ends: [(&str, End); 5] = [
        ("result", |bench| bench.result("e")),
        ("error", |bench| bench.error("e")),
        ("broken", |bench| bench.event("e", EngineEvent::Broken { too_large: false })),
        ("cancelled", |bench| {
            bench.cancel("a");
            bench.cancelled("a", true)
        }),
        ("timeout", |bench| {
            bench.pass(300_000);
            bench.cancelled("a", true)
        }),
    ];
    for (what, end) in ends {
        let mut bench = Bench::new(one_at_a_time());
        bench.run("a", "e");
        bench.submit("b");
        assert_eq!(end(&mut bench).last().unwrap(), "start b#1", "{what}");
    }
    let mut bench = Bench::new(one_at_a_time());
    bench.submit("a");
    bench.submit("b");
    assert_eq!(bench.refuse("a"), ["a: StartError", "start b#1"]);
}

#[test]
fn a_first_whose_path_is_not_ready_holds_up_all_behind_it() {
    let mut bench = Bench::new(config());
    assert!(bench.try_submit(NewJob { path: Path::Script, ..job("s") }).unwrap().is_empty());
    assert!(bench.submit("n").is_empty());
    assert_eq!(bench.submit_as("h", Priority::High), ["start h#1"]);
    assert_eq!(bench.step(Input::EngineReady { path: Path::Script }), ["start s#1"]);
}

#[test]
fn a_job_stays_on_the_path_it_was_submitted_on() {
    let mut bench = Bench::new(config());
    bench.step(Input::EngineReady { path: Path::Script });
    bench.submit("n");
    bench.try_submit(NewJob { path: Path::Script, payload_json: None, ..job("s") }).unwrap();
    assert_eq!((bench.key("n").path(), bench.key("s").path()), (Path::Native, Path::Script));
    assert_eq!(bench.queue.start_params(bench.key("n")), Some(("\"ocr\"", Some("{}"), Priority::Normal)));
    assert_eq!(bench.queue.start_params(bench.key("s")), Some(("\"ocr\"", None, Priority::Normal)));
}

#[test]
fn a_jobs_start_that_meets_the_limit_goes_back_to_the_head_of_its_queue() {
    let mut bench = Bench::new(config());
    for id in ["a", "b", "c"] {
        bench.submit(id);
    }
    assert!(bench.block("a").is_empty());
    assert!(bench.block("b").is_empty(), "no further start");
    assert!(bench.submit_as("h", Priority::High).is_empty());
    assert_eq!(bench.listed(), ["h", "a", "b", "c"]);
    assert_eq!(bench.queue.next_deadline(), None, "an unsent attempt has no timeout");
    assert_eq!(bench.step(Input::WriterDrained), ["start h#1", "start a#1"], "it was no attempt");
}

#[test]
fn a_blocked_script_start_is_tried_again_100_ms_later() {
    let mut bench = Bench::down(config());
    bench.step(Input::EngineReady { path: Path::Script });
    bench.try_submit(NewJob { path: Path::Script, ..job("s") }).unwrap();
    bench.block("s");
    assert!(bench.pass(99).is_empty());
    assert_eq!(bench.pass(1), ["start s#1"]);
}

#[test]
fn a_blocked_start_of_a_former_engine_blocks_nothing() {
    let mut bench = Bench::new(Config { retries: 1, ..config() });
    bench.submit("a");
    let (key, attempt) = (bench.key("a"), 1);
    bench.step(Input::EngineExited);
    bench.step(Input::StartBlocked { key, attempt });
    assert_eq!(bench.step(Input::EngineReady { path: Path::Native }), ["start a#2"]);
}
