//! The life of an engine as a state machine: start, health, stop, exit, restart (contract section 3).
//!
//! Inputs and the time in, outputs out; whoever drives it spawns, signals and tells the app, in the order given.

use std::time::{Duration, Instant};

use crate::engine::options::EngineOptions;
use crate::sys::{Exit, LONGEST_GRACE, SpawnFailure};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// `start()`, with the environment at hand.
    Start,
    /// The app gave the environment that [`Output::AskEnvironment`] asked for.
    Environment,
    /// The process exists.
    Spawned,
    /// The process could not be made.
    SpawnFailed(SpawnFailure),
    /// The health request was answered, with a result or with an error.
    HealthAnswered,
    /// The process was reaped and its output read.
    Exited(Exit),
    /// `stop()`.
    Stop,
    /// Time passed.
    Tick,
    /// A defect of ours was caught, and what was to be done at that moment may be undone. `Gone`, if no process exists or
    /// is being made: there will be no word of one.
    Defect(Child),
}

/// Whether there will be word of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Child {
    /// It exists, or the spawner is at work.
    Known,
    /// There is none.
    Gone,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Spawn now.
    Spawn,
    /// Ask the app for the environment as it is now: a restart is due.
    AskEnvironment {
        /// From 1.
        attempt: u32,
    },
    /// Send the health request.
    AskHealth,
    /// Close stdin and ask the engine to end.
    Terminate,
    /// End the engine.
    Kill,
    /// `ready`; calls are accepted from here.
    Ready,
    /// `restart`, behind the `ready` of a restart.
    Restarted {
        /// From 1.
        attempt: u32,
    },
    /// The promise of `start()`.
    StartSettled(Result<(), StartFailure>),
    /// `exit`; then whatever is pending rejects.
    Exit(Exit),
    /// `error`: a restart failed.
    RestartFailed(StartFailure),
    /// `error` with `RESTART_LIMIT`: no attempt is left.
    RestartLimit {
        /// How many there were.
        attempts: u32,
    },
    /// The promises of `stop()`.
    Stopped,
}

/// Why a start came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFailure {
    /// `Engine already running`.
    AlreadyRunning,
    /// The spawn error.
    Spawn(SpawnFailure),
    /// `Engine startup timeout`.
    TimedOut,
    /// `Engine process exited`.
    Exited,
    /// `Engine shutting down`.
    ShuttingDown,
    /// `INTERNAL_PANIC`.
    Defect,
}

/// Whom a start belongs to: `None` is `start()`, a number is that restart.
type Attempt = Option<u32>;

// Idle → Spawning → Starting → Ready → Waiting → Asking → Spawning …
// Every phase with a process ends by `Exited` alone; `Ending` remembers why it was asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    /// The spawner is at work. `stop`: `stop()` came meanwhile.
    Spawning {
        deadline: Option<Instant>,
        attempt: Attempt,
        then: Then,
    },
    /// The health request is unanswered.
    Starting {
        deadline: Option<Instant>,
        attempt: Attempt,
    },
    Ready {
        since: Instant,
    },
    Ending {
        why: Ending,
        kill_at: Option<Instant>,
    },
    /// A restart is due at `at`.
    Waiting {
        attempt: u32,
        at: Instant,
    },
    /// The app was asked for the environment of a restart.
    Asking {
        attempt: u32,
    },
}

/// What the process that is being made is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Start,
    /// `stop()` came meanwhile.
    Stop,
    /// A defect was caught meanwhile.
    Break,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Stop,
    StartFailed(Attempt, StartFailure),
    /// It was ready for so long when a defect was caught: as if it had exited by itself.
    Broken(Duration),
}

/// The machine.
#[derive(Debug)]
pub struct Lifecycle {
    startup_timeout: Option<Duration>,
    kill_timeout: Option<Duration>,
    policy: RestartPolicy,
    asks_health: bool,
    phase: Phase,
    /// Restarts attempted over the whole life.
    restarts: u64,
}

impl Lifecycle {
    /// An engine that was never started.
    #[must_use]
    pub fn new(options: &EngineOptions) -> Self {
        let kill_timeout = match (options.kill_timeout, LONGEST_GRACE) {
            (Some(asked), Some(longest)) => Some(asked.min(longest)),
            (asked, longest) => asked.or(longest),
        };
        Self {
            startup_timeout: options.startup_timeout,
            kill_timeout,
            policy: RestartPolicy::new(options),
            asks_health: options.health_method.is_some(),
            phase: Phase::Idle,
            restarts: 0,
        }
    }

    /// From now on nobody waits for a gentle end: not for that of an engine that is being spawned either.
    pub fn hurry(&mut self) {
        self.kill_timeout = Some(Duration::ZERO);
    }

    /// Whether `start()` would be accepted.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    /// Whether calls are accepted.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready { .. })
    }

    /// Whether `stop()` was called and has not finished: no message is delivered then.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        matches!(
            self.phase,
            Phase::Ending { why: Ending::Stop, .. } | Phase::Spawning { then: Then::Stop, .. }
        )
    }

    /// The name of the phase for `getStats()`: `idle`, `starting`, `ready`, `stopping` or `restarting`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.phase {
            Phase::Idle => "idle",
            Phase::Ready { .. } => "ready",
            Phase::Spawning { then: Then::Stop, .. } | Phase::Ending { why: Ending::Stop, .. } => "stopping",
            Phase::Spawning { attempt: None, .. }
            | Phase::Starting { attempt: None, .. }
            | Phase::Ending { why: Ending::StartFailed(None, _), .. } => "starting",
            _ => "restarting",
        }
    }

    /// How many restarts were attempted since construction.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// How long the engine has been ready.
    #[must_use]
    pub fn uptime(&self, now: Instant) -> Duration {
        match self.phase {
            Phase::Ready { since } => now.saturating_duration_since(since),
            _ => Duration::ZERO,
        }
    }

    /// When the next [`Input::Tick`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Starting { deadline, .. } => deadline,
            Phase::Ending { kill_at, .. } => kill_at,
            Phase::Waiting { at, .. } => Some(at),
            // A spawn cannot be interrupted; its budget is looked at when it is done.
            _ => None,
        }
    }

    /// One step.
    pub fn step(&mut self, input: Input, now: Instant, out: &mut Vec<Output>) {
        match (self.phase, input) {
            (Phase::Idle, Input::Start) => {
                self.policy.forget();
                self.spawn(None, now, out);
            }
            (_, Input::Start) => out.push(Output::StartSettled(Err(StartFailure::AlreadyRunning))),

            (Phase::Asking { attempt }, Input::Environment) => self.spawn(Some(attempt), now, out),

            (Phase::Spawning { then: Then::Stop, .. }, Input::Spawned) => self.end(Ending::Stop, now, out),
            (Phase::Spawning { then: Then::Stop, .. }, Input::SpawnFailed(_)) => {
                self.phase = Phase::Idle;
                out.push(Output::Stopped);
            }
            (Phase::Spawning { then: Then::Break, attempt, .. }, Input::Spawned) => {
                self.kill(Ending::StartFailed(attempt, StartFailure::Defect), out);
            }
            (Phase::Spawning { then: Then::Break, attempt, .. }, Input::SpawnFailed(_)) => {
                self.start_failed(attempt, StartFailure::Defect, now, out);
            }
            (Phase::Spawning { deadline, attempt, .. }, Input::Spawned) => {
                self.phase = Phase::Starting { deadline, attempt };
                if self.asks_health {
                    out.push(Output::AskHealth);
                } else {
                    self.ready(attempt, now, out);
                }
            }
            (Phase::Spawning { attempt, .. }, Input::SpawnFailed(failure)) => {
                self.start_failed(attempt, StartFailure::Spawn(failure), now, out);
            }

            (Phase::Starting { attempt, .. }, Input::HealthAnswered) => self.ready(attempt, now, out),
            (Phase::Starting { deadline: Some(at), attempt }, Input::Tick) if now >= at => {
                // It never became ready: there is nothing to be gentle about, and `start()` must not wait longer.
                self.kill(Ending::StartFailed(attempt, StartFailure::TimedOut), out);
            }
            (Phase::Starting { attempt, .. }, Input::Exited(exit)) => {
                out.push(Output::Exit(exit));
                self.start_failed(attempt, StartFailure::Exited, now, out);
            }

            (Phase::Ready { since }, Input::Exited(exit)) => {
                out.push(Output::Exit(exit));
                self.policy.was_ready(now.saturating_duration_since(since));
                self.restart(now, out);
            }

            (Phase::Ending { why, kill_at: Some(at) }, Input::Tick) if now >= at => {
                self.kill(why, out);
            }
            (Phase::Ending { why: Ending::Stop, .. }, Input::Exited(exit)) => {
                self.phase = Phase::Idle;
                out.extend([Output::Exit(exit), Output::Stopped]);
            }
            (Phase::Ending { why: Ending::StartFailed(attempt, why), .. }, Input::Exited(exit)) => {
                out.push(Output::Exit(exit));
                self.start_failed(attempt, why, now, out);
            }
            (Phase::Ending { why: Ending::Broken(was_ready), .. }, Input::Exited(exit)) => {
                out.push(Output::Exit(exit));
                self.policy.was_ready(was_ready);
                self.restart(now, out);
            }

            (Phase::Waiting { attempt, at }, Input::Tick) if now >= at => {
                self.phase = Phase::Asking { attempt };
                out.push(Output::AskEnvironment { attempt });
            }

            (_, Input::Stop) => self.stop(now, out),
            (_, Input::Defect(child)) => self.defect(child, now, out),
            _ => {}
        }
    }

    /// From wherever the defect was met to where the next input finds its way: with a process, its end; else the exit
    /// that nobody will tell of.
    fn defect(&mut self, child: Child, now: Instant, out: &mut Vec<Output>) {
        match (self.phase, child) {
            (Phase::Idle | Phase::Waiting { .. }, _)
            | (Phase::Spawning { then: Then::Stop | Then::Break, .. }, Child::Known) => {}
            // The question may be lost: it is asked again.
            (Phase::Asking { attempt }, _) => self.phase = Phase::Waiting { attempt, at: now },
            (Phase::Spawning { deadline, attempt, then: Then::Start }, Child::Known) => {
                self.phase = Phase::Spawning { deadline, attempt, then: Then::Break };
            }
            (Phase::Starting { attempt, .. }, Child::Known) => {
                self.kill(Ending::StartFailed(attempt, StartFailure::Defect), out);
            }
            (Phase::Ready { since }, Child::Known) => {
                self.kill(Ending::Broken(now.saturating_duration_since(since)), out);
            }
            (Phase::Ending { why, .. }, Child::Known) => self.kill(why, out),
            (Phase::Spawning { .. }, Child::Gone) => {
                let nothing_to_signal = SpawnFailure { errno: 0 };
                self.defect(Child::Known, now, out);
                self.step(Input::SpawnFailed(nothing_to_signal), now, out);
            }
            (Phase::Starting { .. } | Phase::Ready { .. } | Phase::Ending { .. }, Child::Gone) => {
                self.defect(Child::Known, now, out);
                self.step(Input::Exited(Exit { code: None, signal: None }), now, out);
            }
        }
    }

    fn spawn(&mut self, attempt: Attempt, now: Instant, out: &mut Vec<Output>) {
        self.restarts += u64::from(attempt.is_some());
        let deadline = self.startup_timeout.map(|budget| now + budget);
        self.phase = Phase::Spawning { deadline, attempt, then: Then::Start };
        out.push(Output::Spawn);
    }

    fn ready(&mut self, attempt: Attempt, now: Instant, out: &mut Vec<Output>) {
        self.phase = Phase::Ready { since: now };
        out.push(Output::Ready);
        match attempt {
            None => out.push(Output::StartSettled(Ok(()))),
            Some(attempt) => out.push(Output::Restarted { attempt }),
        }
    }

    fn start_failed(&mut self, attempt: Attempt, why: StartFailure, now: Instant, out: &mut Vec<Output>) {
        if attempt.is_some() {
            out.push(Output::RestartFailed(why));
            self.restart(now, out);
        } else {
            self.phase = Phase::Idle;
            out.push(Output::StartSettled(Err(why)));
        }
    }

    fn restart(&mut self, now: Instant, out: &mut Vec<Output>) {
        match self.policy.next() {
            Next::Try { attempt, delay } => self.phase = Phase::Waiting { attempt, at: now + delay },
            Next::Never => self.phase = Phase::Idle,
            Next::Exhausted { attempts } => {
                self.phase = Phase::Idle;
                out.push(Output::RestartLimit { attempts });
            }
        }
    }

    fn end(&mut self, why: Ending, now: Instant, out: &mut Vec<Output>) {
        self.phase = Phase::Ending { why, kill_at: self.kill_timeout.map(|grace| now + grace) };
        out.push(Output::Terminate);
    }

    fn kill(&mut self, why: Ending, out: &mut Vec<Output>) {
        self.phase = Phase::Ending { why, kill_at: None };
        out.push(Output::Kill);
    }

    fn stop(&mut self, now: Instant, out: &mut Vec<Output>) {
        match self.phase {
            Phase::Idle | Phase::Waiting { .. } | Phase::Asking { .. } => {
                self.phase = Phase::Idle;
                out.push(Output::Stopped);
            }
            Phase::Spawning { deadline, attempt, then: Then::Start | Then::Break } => {
                self.phase = Phase::Spawning { deadline, attempt, then: Then::Stop };
                if attempt.is_none() {
                    out.push(Output::StartSettled(Err(StartFailure::ShuttingDown)));
                }
            }
            Phase::Starting { attempt, .. } => {
                if attempt.is_none() {
                    out.push(Output::StartSettled(Err(StartFailure::ShuttingDown)));
                }
                self.end(Ending::Stop, now, out);
            }
            Phase::Ready { .. } => self.end(Ending::Stop, now, out),
            Phase::Ending { why: Ending::StartFailed(attempt, why), kill_at } => {
                if attempt.is_none() {
                    out.push(Output::StartSettled(Err(why)));
                }
                self.phase = Phase::Ending { why: Ending::Stop, kill_at };
            }
            Phase::Ending { why: Ending::Broken(_), kill_at } => {
                self.phase = Phase::Ending { why: Ending::Stop, kill_at };
            }
            Phase::Spawning { then: Then::Stop, .. } | Phase::Ending { why: Ending::Stop, .. } => {}
        }
    }
}

/// 31 years: what a clock can still add to now.
const LONGEST_DELAY: Duration = Duration::from_secs(1_000_000_000);

/// Whether and when to try again.
#[derive(Debug)]
struct RestartPolicy {
    enabled: bool,
    max: Option<u32>,
    delay: Duration,
    backoff: f64,
    longest: Option<Duration>,
    window: Option<Duration>,
    used: u32,
}

enum Next {
    Try { attempt: u32, delay: Duration },
    Never,
    Exhausted { attempts: u32 },
}

impl RestartPolicy {
    fn new(options: &EngineOptions) -> Self {
        Self {
            enabled: options.auto_restart && options.max_restarts != Some(0),
            max: options.max_restarts,
            delay: options.restart_delay,
            backoff: options.restart_backoff,
            longest: options.max_restart_delay,
            window: options.restart_window,
            used: 0,
        }
    }

    fn forget(&mut self) {
        self.used = 0;
    }

    /// Only an engine that stayed ready has earned new attempts: a crash loop must come to its end.
    fn was_ready(&mut self, how_long: Duration) {
        if self.window.is_some_and(|window| how_long >= window) {
            self.forget();
        }
    }

    fn next(&mut self) -> Next {
        if !self.enabled {
            return Next::Never;
        }
        if self.max.is_some_and(|max| self.used >= max) {
            return Next::Exhausted { attempts: self.used };
        }
        self.used = self.used.saturating_add(1);
        Next::Try { attempt: self.used, delay: self.delay_of(self.used) }
    }

    /// `delay × backoff^(n−1)`; the bound limits the growth only, it never shortens `delay` itself.
    fn delay_of(&self, attempt: u32) -> Duration {
        if self.delay.is_zero() {
            return Duration::ZERO;
        }
        let exponent = i32::try_from(attempt - 1).unwrap_or(i32::MAX);
        let grown = self.delay.as_secs_f64() * self.backoff.powi(exponent);
        let grown = Duration::try_from_secs_f64(grown).unwrap_or(LONGEST_DELAY).min(LONGEST_DELAY);
        self.longest.map_or(grown, |longest| grown.min(longest.max(self.delay)))
    }
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
