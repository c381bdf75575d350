//! The rules of an engine's life one by one (contract section 3). `tests/lifecycle_model` checks them under random inputs.

use super::*;

const EXIT: Exit = Exit { code: Some(1), signal: None };
const MISSING: SpawnFailure = SpawnFailure { errno: -2 };
const RESTARTED_IN: Duration = Duration::from_secs(1);

/// The contract's defaults.
pub fn options() -> EngineOptions {
    EngineOptions {
        program: "engine".into(),
        args: Vec::new(),
        cwd: None,
        request_timeout: Some(Duration::from_secs(30)),
        startup_timeout: Some(Duration::from_secs(10)),
        auto_restart: true,
        max_restarts: Some(3),
        restart_delay: RESTARTED_IN,
        restart_backoff: 1.0,
        max_restart_delay: Some(Duration::from_secs(30)),
        restart_window: Some(Duration::from_mins(1)),
        kill_timeout: Some(Duration::from_secs(5)),
        kill_tree: true,
        health_method: Some("\"engine.health\"".into()),
        health_interval: None,
        max_message_bytes: None,
        max_pending_bytes: None,
    }
}

/// Any moment: the machine only compares.
pub fn some_moment() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "any moment will do")]
    Instant::now()
}

struct Life {
    machine: Lifecycle,
    now: Instant,
}

impl Life {
    fn new(options: &EngineOptions) -> Self {
        Self { machine: Lifecycle::new(options), now: some_moment() }
    }

    fn ready(options: &EngineOptions) -> Self {
        let mut life = Self::new(options);
        assert_eq!(life.step(Input::Start), [Output::Spawn]);
        life.become_ready();
        life
    }

    fn step(&mut self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.machine.step(input, self.now, &mut out);
        out
    }

    fn pass(&mut self, time: Duration) -> Vec<Output> {
        self.now += time;
        self.step(Input::Tick)
    }

    fn become_ready(&mut self) -> Vec<Output> {
        assert_eq!(self.step(Input::Spawned), [Output::AskHealth]);
        self.step(Input::HealthAnswered)
    }

    /// From the exit of a ready engine to the spawn of the next.
    fn crash_and_spawn(&mut self, attempt: u32) {
        assert_eq!(self.step(Input::Exited(EXIT)), [Output::Exit(EXIT)]);
        self.spawn_again(attempt);
    }

    fn spawn_again(&mut self, attempt: u32) {
        let due = self.machine.next_deadline().expect("a restart is due");
        self.now = due.checked_sub(Duration::from_nanos(1)).unwrap();
        assert_eq!(self.step(Input::Tick), []);
        self.now = due;
        assert_eq!(self.step(Input::Tick), [Output::AskEnvironment { attempt }]);
        assert_eq!(self.step(Input::Tick), []);
        assert_eq!(self.step(Input::Environment), [Output::Spawn]);
    }

    fn until_next(&self) -> Duration {
        self.machine.next_deadline().expect("something is due") - self.now
    }
}

#[test]
fn a_start_is_ready_when_the_health_request_is_answered() {
    let mut life = Life::new(&options());
    assert_eq!(life.step(Input::Start), [Output::Spawn]);
    assert!(!life.machine.is_idle() && !life.machine.is_ready());
    assert_eq!(life.step(Input::Spawned), [Output::AskHealth]);
    assert_eq!(life.machine.name(), "starting");
    assert_eq!(life.step(Input::HealthAnswered), [Output::Ready, Output::StartSettled(Ok(()))]);
    assert!(life.machine.is_ready());
    assert_eq!(life.machine.next_deadline(), None);
}

#[test]
fn without_a_health_method_it_is_ready_when_the_process_exists() {
    let mut life = Life::new(&EngineOptions { health_method: None, ..options() });
    life.step(Input::Start);
    assert_eq!(life.step(Input::Spawned), [Output::Ready, Output::StartSettled(Ok(()))]);
}

#[test]
fn a_second_start_is_refused_in_every_phase_but_idle() {
    let refused = [Output::StartSettled(Err(StartFailure::AlreadyRunning))];
    let mut life = Life::new(&options());
    life.step(Input::Start);
    assert_eq!(life.step(Input::Start), refused);
    life.step(Input::Spawned);
    assert_eq!(life.step(Input::Start), refused);
    life.step(Input::HealthAnswered);
    assert_eq!(life.step(Input::Start), refused);
    life.step(Input::Exited(EXIT));
    assert_eq!((life.machine.name(), life.step(Input::Start)), ("restarting", refused.to_vec()));
    life.pass(RESTARTED_IN);
    assert_eq!(life.step(Input::Start), refused);
    life.step(Input::Environment);
    life.become_ready();
    life.step(Input::Stop);
    assert_eq!((life.machine.name(), life.step(Input::Start)), ("stopping", refused.to_vec()));
    life.step(Input::Exited(EXIT));
    assert_eq!(life.step(Input::Start), [Output::Spawn]);
}

#[test]
fn the_startup_timeout_is_the_whole_budget_from_start_on() {
    let mut life = Life::new(&options());
    life.step(Input::Start);
    // A slow spawn takes its part.
    life.now += Duration::from_secs(4);
    life.step(Input::Spawned);
    assert_eq!(life.until_next(), Duration::from_secs(6));
    assert_eq!(life.pass(Duration::from_millis(5999)), []);
    assert_eq!(life.pass(Duration::from_millis(1)), [Output::Kill]);
    // Neither an answer on its way nor time brings anything but the exit.
    assert_eq!(life.step(Input::HealthAnswered), []);
    assert_eq!(life.pass(Duration::from_secs(100)), []);
    let failed = Output::StartSettled(Err(StartFailure::TimedOut));
    assert_eq!(life.step(Input::Exited(EXIT)), [Output::Exit(EXIT), failed]);
    assert!(life.machine.is_idle());
}

#[test]
fn nothing_is_restarted_after_a_failed_start() {
    let mut life = Life::new(&options());
    life.step(Input::Start);
    let failed = |why| Output::StartSettled(Err(why));
    assert_eq!(life.step(Input::SpawnFailed(MISSING)), [failed(StartFailure::Spawn(MISSING))]);
    assert_eq!((life.machine.is_idle(), life.machine.next_deadline()), (true, None));
    life.step(Input::Start);
    life.step(Input::Spawned);
    assert_eq!(life.step(Input::Exited(EXIT)), [Output::Exit(EXIT), failed(StartFailure::Exited)]);
    assert_eq!((life.machine.is_idle(), life.machine.next_deadline()), (true, None));
}

#[test]
fn stop_terminates_and_kill_timeout_later_kills() {
    let mut life = Life::ready(&options());
    assert_eq!(life.step(Input::Stop), [Output::Terminate]);
    assert!(life.machine.is_stopping() && !life.machine.is_ready());
    assert_eq!(life.step(Input::Stop), []);
    assert_eq!(life.pass(Duration::from_millis(4999)), []);
    assert_eq!(life.pass(Duration::from_millis(1)), [Output::Kill]);
    assert_eq!((life.pass(Duration::from_secs(100)), life.machine.next_deadline()), (vec![], None));
    assert_eq!(life.step(Input::Exited(EXIT)), [Output::Exit(EXIT), Output::Stopped]);
    assert!(life.machine.is_idle());
    assert_eq!(life.step(Input::Stop), [Output::Stopped]);
}

#[test]
fn stop_during_a_spawn_waits_for_it() {
    let shutting_down = Output::StartSettled(Err(StartFailure::ShuttingDown));
    let mut life = Life::new(&options());
    life.step(Input::Start);
    assert_eq!(life.step(Input::Stop), [shutting_down]);
    assert_eq!(life.step(Input::Spawned), [Output::Terminate]);
    assert_eq!(life.step(Input::Exited(EXIT)), [Output::Exit(EXIT), Output::Stopped]);
    life.step(Input::Start);
    assert_eq!(life.step(Input::Stop), [shutting_down]);
    assert_eq!(life.step(Input::SpawnFailed(MISSING)), [Output::Stopped]);
}

#[test]
fn an_environment_that_ends_does_not_wait_for_the_gentle_end_of_what_is_being_spawned() {
    let mut life = Life::new(&options());
    assert_eq!(life.step(Input::Start), [Output::Spawn]);
    life.machine.hurry();
    assert_eq!(life.step(Input::Stop), [Output::StartSettled(Err(StartFailure::ShuttingDown))]);
    assert_eq!(life.step(Input::Spawned), [Output::Terminate]);
    assert_eq!(life.until_next(), Duration::ZERO);
    assert_eq!(life.step(Input::Tick), [Output::Kill]);
}

#[test]
fn stop_cancels_a_pending_restart() {
    let mut life = Life::ready(&options());
    life.step(Input::Exited(EXIT));
    assert_eq!(life.step(Input::Stop), [Output::Stopped]);
    assert_eq!((life.machine.next_deadline(), life.pass(Duration::from_secs(100))), (None, vec![]));

    let mut life = Life::ready(&options());
    life.step(Input::Exited(EXIT));
    life.pass(RESTARTED_IN);
    assert_eq!(life.step(Input::Stop), [Output::Stopped]);
    // The environment that was asked for comes too late.
    assert_eq!(life.step(Input::Environment), []);
    assert!(life.machine.is_idle());
}

#[test]
fn attempts_are_numbered_and_a_crash_loop_ends() {
    let mut life = Life::ready(&options());
    for attempt in 1..=3 {
        life.crash_and_spawn(attempt);
        assert_eq!(life.become_ready(), [Output::Ready, Output::Restarted { attempt }]);
    }
    let limit = Output::RestartLimit { attempts: 3 };
    assert_eq!(life.step(Input::Exited(EXIT)), [Output::Exit(EXIT), limit]);
    assert!(life.machine.is_idle());
    assert_eq!(life.machine.restarts(), 3);
    assert_eq!(life.step(Input::Start), [Output::Spawn]);
    life.become_ready();
    life.crash_and_spawn(1);
}

#[test]
fn a_restart_that_fails_counts_and_is_tried_again() {
    let mut life = Life::ready(&options());
    life.crash_and_spawn(1);
    let failed = |why| Output::RestartFailed(why);
    assert_eq!(life.step(Input::SpawnFailed(MISSING)), [failed(StartFailure::Spawn(MISSING))]);
    life.spawn_again(2);
    life.step(Input::Spawned);
    assert_eq!(life.step(Input::Exited(EXIT)), [Output::Exit(EXIT), failed(StartFailure::Exited)]);
    life.spawn_again(3);
    life.step(Input::Spawned);
    assert_eq!(life.pass(Duration::from_secs(10)), [Output::Kill]);
    let limit = Output::RestartLimit { attempts: 3 };
    assert_eq!(life.step(Input::Exited(EXIT)), [Output::Exit(EXIT), failed(StartFailure::TimedOut), limit]);
    assert!(life.machine.is_idle());
}

#[test]
fn only_an_engine_that_was_ready_for_the_window_has_its_attempts_back() {
    let window = Duration::from_mins(1);
    let mut life = Life::ready(&options());
    life.crash_and_spawn(1);
    life.become_ready();
    life.now += window.saturating_sub(Duration::from_millis(1));
    life.crash_and_spawn(2);
    // Time without being ready does not count.
    life.now += window;
    life.become_ready();
    life.crash_and_spawn(3);
    life.become_ready();
    life.now += window;
    life.crash_and_spawn(1);
}

#[test]
fn no_restart_and_no_limit_when_they_are_off() {
    for off in [
        EngineOptions { auto_restart: false, ..options() },
        EngineOptions { max_restarts: Some(0), ..options() },
    ] {
        let mut life = Life::ready(&off);
        assert_eq!(life.step(Input::Exited(EXIT)), [Output::Exit(EXIT)]);
        assert_eq!((life.machine.is_idle(), life.machine.next_deadline()), (true, None));
    }
}

fn delays(options: &EngineOptions, count: u32) -> Vec<Duration> {
    let mut life = Life::ready(options);
    life.step(Input::Exited(EXIT));
    let mut delays = Vec::new();
    for attempt in 1..=count {
        delays.push(life.until_next());
        life.spawn_again(attempt);
        life.step(Input::SpawnFailed(MISSING));
    }
    delays
}

#[test]
fn the_delay_grows_by_the_backoff_up_to_the_longest() {
    let growing = EngineOptions { restart_backoff: 2.0, max_restarts: None, ..options() };
    let seconds = |numbers: &[u64]| numbers.iter().copied().map(Duration::from_secs).collect::<Vec<_>>();
    assert_eq!(delays(&options(), 3), seconds(&[1, 1, 1]));
    assert_eq!(delays(&growing, 7), seconds(&[1, 2, 4, 8, 16, 30, 30]));
    let bounded = EngineOptions { max_restart_delay: Some(Duration::from_secs(3)), ..growing.clone() };
    assert_eq!(delays(&bounded, 4), seconds(&[1, 2, 3, 3]));
    let unbounded = EngineOptions { max_restart_delay: None, ..growing.clone() };
    assert_eq!(delays(&unbounded, 7), seconds(&[1, 2, 4, 8, 16, 32, 64]));
    // The bound is for the growth: never shorter than the delay itself.
    let longer = EngineOptions { restart_delay: Duration::from_secs(40), ..growing };
    assert_eq!(delays(&longer, 2), seconds(&[40, 40]));
}

#[test]
fn a_delay_of_any_size_is_a_time() {
    for (delay, backoff) in [
        (1, 1e22),
        (1, f64::MAX),
        (u64::MAX / 4_000, 1.0),
        (u64::MAX / 4_000, 2.0),
        (1_000_000_000_000, 1e10),
    ] {
        let huge = EngineOptions {
            restart_delay: Duration::from_millis(delay),
            restart_backoff: backoff,
            max_restart_delay: None,
            max_restarts: None,
            ..options()
        };
        assert_eq!(delays(&huge, 3).len(), 3);
    }
}

#[test]
fn no_delay_stays_none_whatever_the_backoff() {
    let eager = EngineOptions {
        restart_delay: Duration::ZERO,
        restart_backoff: 1e200,
        max_restart_delay: None,
        max_restarts: None,
        ..options()
    };
    let mut life = Life::ready(&eager);
    life.step(Input::Exited(EXIT));
    for attempt in 1..=4 {
        assert_eq!(life.until_next(), Duration::ZERO, "attempt {attempt}");
        assert_eq!(life.step(Input::Tick), [Output::AskEnvironment { attempt }]);
        life.step(Input::Environment);
        life.step(Input::SpawnFailed(MISSING));
    }
}
