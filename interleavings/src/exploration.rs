//! How many schedules are tried, and how.

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, MaxSteps, Runner};

use crate::sync::{self, thread};

/// The waits that a schedule may end: none but those that somebody ends, or any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// What is not notified waits for ever.
    StandsStill,
    /// Time-outs and spurious wake-ups come as they like.
    Passes,
}

/// Schedules of each kind: `ROUNDS`, or a number that takes seconds.
#[must_use]
pub fn rounds() -> usize {
    std::env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000)
}

/// More steps than any scenario takes.
const STEPS: usize = 20_000;

/// Runs `scenario` under random schedules, and under those that preempt at few, unlikely places. Every thread has to
/// end: one that waits for ever is a deadlock.
pub fn explore(time: Time, scenario: fn()) {
    run(time, scenario, MaxSteps::FailAfter(STEPS));
}

/// The same where a thread of the core's lives as long as the process: only the scenario itself has to end.
pub fn explore_beside_an_endless_thread(scenario: fn()) {
    let scenario_and_more = move || {
        scenario();
        // Until the steps are over: what is left behind is then no deadlock.
        loop {
            thread::yield_now();
        }
    };
    run(Time::StandsStill, scenario_and_more, MaxSteps::ContinueAfter(STEPS / 40));
}

fn run(time: Time, scenario: impl Fn() + Copy + Send + Sync + 'static, max_steps: MaxSteps) {
    let begin = move || {
        sync::let_time_pass(time == Time::Passes);
        scenario();
    };
    let mut config = Config::new();
    config.max_steps = max_steps;
    Runner::new(RandomScheduler::new(rounds()), config.clone()).run(begin);
    Runner::new(PctScheduler::new(3, rounds()), config).run(begin);
}
