//! Whether an engine in JavaScript is ready. It may have no event that tells: while jobs wait for it, it is asked.

use std::time::{Duration, Instant};

use crate::jobs::{Input, Path};

/// The time between two questions.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// What is known of `isReady()`.
#[derive(Debug)]
pub struct ScriptReadiness {
    /// Whether there is any point in asking: an engine of ours tells by itself that it is down.
    up: bool,
    ready: bool,
    alone: bool,
    ask_at: Option<Instant>,
}

impl ScriptReadiness {
    /// `alone`: nobody tells of the engine's exits and starts.
    pub fn new(alone: bool) -> Self {
        Self { up: alone, ready: false, alone, ask_at: None }
    }

    /// When the next question is due.
    pub fn ask_at(&self) -> Option<Instant> {
        self.ask_at
    }

    /// Takes in what the queue is told; `true`: ask now.
    pub fn step(&mut self, input: &Input<'_>, now: Instant) -> bool {
        match input {
            Input::EngineReady { path: Path::Native } => self.up = true,
            Input::EngineNotReady { path: Path::Native } => self.up = self.alone,
            Input::EngineReady { path: Path::Script } => self.ready = true,
            Input::EngineNotReady { path: Path::Script } => self.ready = false,
            Input::EngineExited | Input::EngineStopping => {
                self.ready = false;
                self.up = self.alone;
            }
            Input::Tick if self.ask_at.is_some_and(|at| now >= at) => {
                self.ask_at = None;
                return true;
            }
            _ => {}
        }
        false
    }

    /// Whether script jobs wait, as of now.
    pub fn waiting(&mut self, waiting: bool, now: Instant) {
        if !waiting || self.ready || !self.up {
            self.ask_at = None;
        } else if self.ask_at.is_none() {
            self.ask_at = Some(now + ASK_AGAIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Instant {
        #[expect(clippy::disallowed_methods, reason = "any moment will do")]
        Instant::now()
    }

    #[test]
    fn an_engine_that_cannot_tell_is_asked_while_jobs_wait() {
        let start = now();
        let mut readiness = ScriptReadiness::new(true);
        readiness.waiting(true, start);
        let due = readiness.ask_at().expect("a question is due");
        assert!(!readiness.step(&Input::Tick, start));
        assert!(readiness.step(&Input::Tick, due));
        readiness.waiting(true, due);
        assert_eq!(readiness.ask_at(), Some(due + ASK_AGAIN));
        readiness.step(&Input::EngineReady { path: Path::Script }, due);
        readiness.waiting(true, due);
        assert_eq!(readiness.ask_at(), None);
    }

    #[test]
    fn nothing_is_asked_without_jobs_or_of_an_engine_that_is_known_to_be_down() {
        let start = now();
        let mut alone = ScriptReadiness::new(true);
        alone.waiting(false, start);
        assert_eq!(alone.ask_at(), None);
        let mut ours = ScriptReadiness::new(false);
        ours.waiting(true, start);
        assert_eq!(ours.ask_at(), None);
        ours.step(&Input::EngineReady { path: Path::Native }, start);
        ours.step(&Input::EngineNotReady { path: Path::Script }, start);
        ours.waiting(true, start);
        assert!(ours.ask_at().is_some());
        ours.step(&Input::EngineExited, start);
        ours.waiting(true, start);
        assert_eq!(ours.ask_at(), None);
    }
}
