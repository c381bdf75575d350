use desktop_runtime_core::jobs::*;

use crate::bench::{Bench, config, job, one_at_a_time};

fn recovered(id: &str, exits: u32) -> NewJob {
    NewJob { exits: Some(exits), ..job(id) }
}

fn ready(bench: &mut Bench) -> Vec<String> {
    bench.step(Input::EngineReady { path: Path::Native })
}

#[test]
fn an_exit_puts_a_running_and_a_starting_job_back_while_it_has_exits_left() {
    let mut bench = Bench::new(config());
    bench.try_submit(recovered("a", 1)).unwrap();
    bench.accept("a", "e");
    bench.try_submit(recovered("b", 1)).unwrap();
    bench.submit("c");
    assert_eq!(bench.step(Input::EngineExited), ["job:retry a#1 in 0", "job:retry b#1 in 0"]);
    assert_eq!(bench.listed(), ["a", "b", "c"], "at the head, in their former order");
    assert_eq!(ready(&mut bench), ["start a#2", "start b#2"]);
    assert_eq!(bench.step(Input::EngineExited), ["a: EngineExited after 0", "b: EngineExited"]);
}

#[test]
fn it_goes_back_to_the_head_of_its_own_priority() {
    let mut bench = Bench::new(one_at_a_time());
    bench.try_submit(NewJob { priority: Priority::Low, ..recovered("a", 1) }).unwrap();
    bench.submit("b");
    bench.submit_as("c", Priority::Low);
    bench.step(Input::EngineExited);
    assert_eq!(bench.listed(), ["b", "a", "c"]);
}

#[test]
fn exits_count_whatever_retries_and_should_retry_say() {
    let asked = Config { asks_before_retry: true, retries: 5, ..one_at_a_time() };
    let mut bench = Bench::new(asked);
    bench.try_submit(recovered("a", 1)).unwrap();
    assert_eq!(bench.step(Input::EngineExited), ["job:retry a#1 in 0"], "not asked");
    ready(&mut bench);
    assert_eq!(bench.step(Input::EngineExited), ["a: EngineExited", "idle"], "retries are for failures");
}

#[test]
fn an_exit_that_it_lives_through_takes_none_of_its_retries() {
    let mut bench = Bench::new(one_at_a_time());
    bench.try_submit(NewJob { retries: Some(1), ..recovered("a", 2) }).unwrap();
    for _ in 0..2 {
        bench.step(Input::EngineExited);
        ready(&mut bench);
    }
    assert_eq!(bench.refuse("a"), ["job:retry a#3 in 1000"]);
    bench.pass(1000);
    assert_eq!(bench.refuse("a"), ["a: StartError", "idle"]);
}

#[test]
fn a_cancel_that_waits_at_the_exit_removes_the_job() {
    let mut bench = Bench::new(one_at_a_time());
    bench.try_submit(recovered("a", 1)).unwrap();
    bench.accept("a", "e");
    bench.cancel("a");
    assert_eq!(bench.step(Input::EngineExited), ["cancelled a: true", "a: Cancelled after 0", "idle"]);
}

#[test]
fn stop_rejects_it_all_the_same() {
    let mut bench = Bench::new(one_at_a_time());
    bench.try_submit(recovered("a", 9)).unwrap();
    assert_eq!(bench.step(Input::EngineStopping), ["a: ShuttingDown", "idle"]);
}

#[test]
fn a_start_that_fails_because_the_engine_is_gone_is_an_exit() {
    let mut bench = Bench::new(one_at_a_time());
    bench.try_submit(NewJob { path: Path::Script, ..recovered("a", 1) }).unwrap();
    bench.step(Input::EngineReady { path: Path::Script });
    bench.submit("b");
    bench.step(Input::EngineNotReady { path: Path::Script });
    let lost = bench.reply("a", StartReply::Refused(Failure::EngineExited));
    assert_eq!(lost, ["job:retry a#1 in 0"]);
    assert_eq!(bench.listed(), ["a", "b"]);
    assert!(bench.step(Input::EngineExited).is_empty(), "and counts once");
    assert_eq!(bench.step(Input::EngineReady { path: Path::Script }), ["start a#2"]);
    assert_eq!(bench.reply("a", StartReply::Refused(Failure::EngineExited))[0], "a: EngineExited");
}

#[test]
fn to_follow_lists_the_live_jobs_with_what_is_old_news() {
    let mut bench = Bench::new(Config { asks_before_retry: true, retries: 9, ..config() });
    bench.run("asking", "e1");
    bench.error("e1");
    bench.run("running", "e2");
    bench.submit("starting");
    bench.submit_as("queued", Priority::High);
    bench.step(Input::EngineExited);
    bench.decide("running", true);
    bench.decide("starting", true);
    ready(&mut bench);
    bench.accept("queued", "e3");
    let followed = bench.queue.follow();
    let seen: Vec<_> = followed.iter().map(|it| (it.ticket, it.running, it.started, it.retried)).collect();
    // Tickets are given in order: asking 0, running 1, starting 2, queued 3.
    assert_eq!(seen, [(3, true, 1, 0), (1, false, 1, 1), (2, false, 1, 1), (0, false, 1, 0)]);
    assert_eq!(followed[0].priority, Priority::High);
}

#[test]
fn until_exits_are_granted_an_exit_rejects_no_followed_job_and_counts() {
    let mut bench = Bench::new(one_at_a_time());
    bench.submit("a");
    bench.queue.follow();
    assert_eq!(bench.step(Input::EngineExited), ["job:retry a#1 in 0"]);
    bench.queue.grant_exits("a", 1);
    bench.queue.grant_exits("unknown", 1);
    ready(&mut bench);
    assert_eq!(bench.step(Input::EngineExited), ["a: EngineExited", "idle"]);
}

#[test]
fn without_a_follower_an_exit_is_a_failure_like_others() {
    let mut bench = Bench::new(Config { retries: 1, ..one_at_a_time() });
    bench.try_submit(recovered("a", 9)).unwrap();
    bench.queue.unfollow();
    bench.queue.grant_exits("a", 9);
    assert_eq!(bench.step(Input::EngineExited), ["job:retry a#1 in 0"]);
    ready(&mut bench);
    assert_eq!(bench.step(Input::EngineExited), ["a: EngineExited", "idle"]);
}

#[test]
fn the_payload_of_a_live_native_job_can_be_read_again() {
    let mut bench = Bench::new(one_at_a_time());
    bench.submit("a");
    bench.try_submit(NewJob { path: Path::Script, payload_json: None, ..job("b") }).unwrap();
    assert_eq!(bench.queue.payload("a"), Some("{}"));
    assert_eq!(bench.queue.payload("b"), None);
    assert_eq!(bench.queue.payload("c"), None);
    bench.refuse("a");
    assert_eq!(bench.queue.payload("a"), None);
}
