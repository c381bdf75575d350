//! What an engine's life owes its app, as facts in place of phases: what runs, what was asked, what is due.

use std::time::{Duration, Instant};

use desktop_runtime_core::engine::EngineOptions;
use desktop_runtime_core::engine::lifecycle::{Input, Lifecycle, Output, StartFailure};
use desktop_runtime_core::sys::{Exit, SpawnFailure};

const EXIT: Exit = Exit { code: None, signal: Some(9) };
const FAILURE: SpawnFailure = SpawnFailure { errno: -2 };

/// Of a restart: which one.
type Attempt = Option<u32>;

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
        restart_delay: Duration::from_secs(1),
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

/// What may happen; what cannot happen in this world at this moment is passed over.
#[derive(Debug, Clone, Copy)]
pub enum Op {
    Start,
    Stop,
    Spawned,
    SpawnFailed,
    HealthAnswered,
    Environment,
    Exit,
    Pass {
        ms: u64,
    },
    /// Time passes to the next deadline.
    Due,
}

#[derive(Debug, Clone, Copy)]
struct Process {
    attempt: Attempt,
    ready_since: Option<Instant>,
    terminated_at: Option<Instant>,
    killed: bool,
}

struct World {
    options: EngineOptions,
    now: Instant,
    /// A spawn is under way.
    spawning: Option<Attempt>,
    /// When the start or restart under way began.
    begun: Instant,
    process: Option<Process>,
    /// `stop()` was called and has not resolved.
    stopping: bool,
    /// A restart is due.
    due: Option<(u32, Instant)>,
    asked: Option<u32>,
    /// Attempts since `start()`, or since the engine was last ready for the window.
    used: u32,
    restarts: u64,
}

impl World {
    fn new(options: EngineOptions) -> Self {
        let now = Instant::now();
        let (due, asked) = (None, None);
        Self {
            options,
            now,
            spawning: None,
            begun: now,
            process: None,
            stopping: false,
            due,
            asked,
            used: 0,
            restarts: 0,
        }
    }

    fn is_quiet(&self) -> bool {
        self.spawning.is_none() && self.process.is_none() && self.due.is_none() && self.asked.is_none()
    }

    fn deadline(&self) -> Option<Instant> {
        let Some(process) = self.process else { return self.due.map(|(_, at)| at) };
        let after = |start: Instant, limit: Option<Duration>| limit.map(|limit| start + limit);
        match process {
            Process { killed: true, .. } => None,
            Process { terminated_at: Some(at), .. } => after(at, self.options.kill_timeout),
            Process { ready_since: None, .. } => after(self.begun, self.options.startup_timeout),
            Process { .. } => None,
        }
    }

    /// The input of an operation, and what must come of it.
    fn step(&mut self, op: Op) -> Option<(Input, Vec<Output>)> {
        Some(match op {
            Op::Start => (Input::Start, self.start()),
            Op::Stop => (Input::Stop, self.stop()),
            Op::Spawned => {
                let attempt = self.spawning.take()?;
                (Input::Spawned, self.spawned(attempt))
            }
            Op::SpawnFailed => {
                let attempt = self.spawning.take()?;
                let out = if std::mem::take(&mut self.stopping) {
                    vec![Output::Stopped]
                } else {
                    self.failed(attempt, StartFailure::Spawn(FAILURE))
                };
                (Input::SpawnFailed(FAILURE), out)
            }
            Op::HealthAnswered => {
                self.options.health_method.as_ref()?;
                let process = self.process.filter(|process| process.ready_since.is_none())?;
                let over = self.stopping || process.killed;
                (Input::HealthAnswered, if over { vec![] } else { self.ready() })
            }
            Op::Environment => {
                let attempt = self.asked.take();
                let out = attempt.map(|attempt| self.spawn(Some(attempt)));
                (Input::Environment, out.into_iter().collect())
            }
            Op::Exit => {
                let process = self.process.take()?;
                (Input::Exited(EXIT), [vec![Output::Exit(EXIT)], self.exited(process)].concat())
            }
            Op::Pass { ms } => {
                self.now += Duration::from_millis(ms);
                (Input::Tick, self.tick())
            }
            Op::Due => {
                self.now = self.now.max(self.deadline()?);
                (Input::Tick, self.tick())
            }
        })
    }

    fn start(&mut self) -> Vec<Output> {
        if !self.is_quiet() {
            return vec![Output::StartSettled(Err(StartFailure::AlreadyRunning))];
        }
        self.used = 0;
        vec![self.spawn(None)]
    }

    fn spawn(&mut self, attempt: Attempt) -> Output {
        self.restarts += u64::from(attempt.is_some());
        self.spawning = Some(attempt);
        self.begun = self.now;
        Output::Spawn
    }

    fn spawned(&mut self, attempt: Attempt) -> Vec<Output> {
        let terminated_at = self.stopping.then_some(self.now);
        self.process = Some(Process { attempt, ready_since: None, terminated_at, killed: false });
        match (self.stopping, &self.options.health_method) {
            (true, _) => vec![Output::Terminate],
            (false, Some(_)) => vec![Output::AskHealth],
            (false, None) => self.ready(),
        }
    }

    fn ready(&mut self) -> Vec<Output> {
        let process = self.process.as_mut().expect("what answers runs");
        process.ready_since = Some(self.now);
        let settled = match process.attempt {
            None => Output::StartSettled(Ok(())),
            Some(attempt) => Output::Restarted { attempt },
        };
        vec![Output::Ready, settled]
    }

    fn stop(&mut self) -> Vec<Output> {
        if self.spawning.is_none() && self.process.is_none() {
            (self.due, self.asked) = (None, None);
            return vec![Output::Stopped];
        }
        if std::mem::replace(&mut self.stopping, true) {
            return vec![];
        }
        let Some(process) = &mut self.process else {
            let owed = self.spawning == Some(None);
            return if owed { vec![Output::StartSettled(Err(StartFailure::ShuttingDown))] } else { vec![] };
        };
        let mut out = Vec::new();
        if process.attempt.is_none() && process.ready_since.is_none() {
            let why = if process.killed { StartFailure::TimedOut } else { StartFailure::ShuttingDown };
            out.push(Output::StartSettled(Err(why)));
        }
        if !process.killed {
            process.terminated_at = Some(self.now);
            out.push(Output::Terminate);
        }
        out
    }

    fn tick(&mut self) -> Vec<Output> {
        if self.deadline().is_none_or(|at| self.now < at) {
            return vec![];
        }
        if let Some(process) = &mut self.process {
            process.killed = true;
            return vec![Output::Kill];
        }
        self.asked = self.due.take().map(|(attempt, _)| attempt);
        self.asked.map(|attempt| Output::AskEnvironment { attempt }).into_iter().collect()
    }

    fn exited(&mut self, process: Process) -> Vec<Output> {
        if std::mem::take(&mut self.stopping) {
            return vec![Output::Stopped];
        }
        let Some(since) = process.ready_since else {
            let why = if process.killed { StartFailure::TimedOut } else { StartFailure::Exited };
            return self.failed(process.attempt, why);
        };
        if self.options.restart_window.is_some_and(|window| self.now - since >= window) {
            self.used = 0;
        }
        self.again()
    }

    fn failed(&mut self, attempt: Attempt, why: StartFailure) -> Vec<Output> {
        match attempt {
            None => vec![Output::StartSettled(Err(why))],
            Some(_) => [vec![Output::RestartFailed(why)], self.again()].concat(),
        }
    }

    /// Another attempt, the limit, or neither.
    fn again(&mut self) -> Vec<Output> {
        let max = self.options.max_restarts;
        if !self.options.auto_restart || max == Some(0) {
            return vec![];
        }
        if max == Some(self.used) {
            return vec![Output::RestartLimit { attempts: self.used }];
        }
        self.used += 1;
        let mut delay = self.options.restart_delay;
        for _ in 1..self.used {
            delay = delay.mul_f64(self.options.restart_backoff);
        }
        if let Some(longest) = self.options.max_restart_delay {
            delay = delay.min(longest.max(self.options.restart_delay));
        }
        self.due = Some((self.used, self.now + delay));
        vec![]
    }
}

/// Does it all to the machine and to the world, and stops in the end, whatever was under way. Both agree at every step,
/// and every start settles once.
pub fn live(options: EngineOptions, ops: impl IntoIterator<Item = Op>) {
    let mut machine = Lifecycle::new(&options);
    let mut world = World::new(options);
    let (mut started, mut settled) = (0, 0);
    for op in ops.into_iter().chain([Op::Stop, Op::SpawnFailed, Op::Exit, Op::Stop]) {
        let Some((input, expected)) = world.step(op) else { continue };
        let mut out = Vec::new();
        machine.step(input, world.now, &mut out);
        assert_eq!(out, expected, "{input:?}");
        started += usize::from(input == Input::Start);
        settled += out.iter().filter(|output| matches!(output, Output::StartSettled(_))).count();
        assert_eq!(machine.is_idle(), world.is_quiet());
        assert_eq!(machine.is_stopping(), world.stopping);
        let ready = world.process.filter(|_| !world.stopping).and_then(|process| process.ready_since);
        assert_eq!(machine.is_ready(), ready.is_some());
        assert_eq!(machine.uptime(world.now), ready.map_or(Duration::ZERO, |since| world.now - since));
        assert_eq!(machine.next_deadline(), world.deadline());
        assert_eq!(machine.restarts(), world.restarts);
    }
    assert!(machine.is_idle());
    assert_eq!(started, settled);
}
