//! The health watch of a running engine (contract section 3): it reports, it never kills.

use std::time::{Duration, Instant};

/// Misses before an engine counts as unhealthy, together with [`SILENCE`] (contract section 3).
const MISSES: u32 = 3;
/// How long an engine must have written nothing; a busy engine writes (contract section 3).
const SILENCE: Duration = Duration::from_secs(30);

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Rest,
    /// Send a health request.
    Ask,
    /// Emit `unhealthy`.
    Report {
        /// Health calls without an answer in their interval.
        missed: u32,
        /// Time without any output.
        silent_for: Duration,
    },
}

/// One watch over one run of an engine.
///
/// One request is under way at most: an engine that is busy must not find a heap of them. An interval in which it
/// stays unanswered is a miss.
#[derive(Debug)]
pub struct HealthWatch {
    interval: Duration,
    due: Instant,
    unanswered: bool,
    missed: u32,
    last_output: Instant,
    reported: bool,
}

impl HealthWatch {
    /// The engine became ready.
    #[must_use]
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self {
            interval,
            due: now + interval,
            unanswered: false,
            missed: 0,
            last_output: now,
            reported: false,
        }
    }

    /// When [`HealthWatch::tick`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Instant {
        self.due
    }

    /// The engine wrote something, on stdout or stderr.
    pub fn output(&mut self, now: Instant) {
        self.last_output = now;
        self.reported = false;
    }

    /// The health request was answered.
    pub fn answered(&mut self) {
        self.unanswered = false;
        self.missed = 0;
        self.reported = false;
    }

    /// Time passed.
    pub fn tick(&mut self, now: Instant) -> Step {
        if now < self.due {
            return Step::Rest;
        }
        self.due = now + self.interval;
        if !self.unanswered {
            self.unanswered = true;
            return Step::Ask;
        }
        self.missed = self.missed.saturating_add(1);
        let silent_for = now.saturating_duration_since(self.last_output);
        if self.missed >= MISSES && silent_for >= SILENCE && !self.reported {
            self.reported = true;
            return Step::Report { missed: self.missed, silent_for };
        }
        Step::Rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MOMENT: Duration = Duration::from_nanos(1);

    /// A watch that asks every ten seconds, and its beginning.
    fn watch() -> (HealthWatch, Instant) {
        #[expect(clippy::disallowed_methods, reason = "any moment will do")]
        let start = Instant::now();
        (HealthWatch::new(10 * SECOND, start), start)
    }

    #[test]
    fn a_healthy_engine_is_asked_once_an_interval() {
        let (mut watch, start) = watch();
        for round in 1..=50 {
            let due = start + 10 * SECOND * round;
            assert_eq!(watch.next_deadline(), due);
            assert_eq!(watch.tick(start + (10 * SECOND * round).saturating_sub(MOMENT)), Step::Rest);
            assert_eq!(watch.tick(due), Step::Ask);
            watch.answered();
        }
    }

    #[test]
    fn unhealthy_after_3_missed_health_calls_and_30_s_without_any_output_once() {
        let (mut watch, start) = watch();
        assert_eq!(watch.tick(start + 10 * SECOND), Step::Ask);
        // One request is under way at most.
        assert_eq!(watch.tick(start + 20 * SECOND), Step::Rest);
        assert_eq!(watch.tick(start + 30 * SECOND), Step::Rest);
        let report = Step::Report { missed: 3, silent_for: 40 * SECOND };
        assert_eq!(watch.tick(start + 40 * SECOND), report);
        for round in 5..20 {
            assert_eq!(watch.tick(start + 10 * SECOND * round), Step::Rest);
        }
    }

    #[test]
    fn three_misses_are_not_enough_without_the_silence() {
        let (mut watch, start) = watch();
        watch.tick(start + 10 * SECOND);
        // A busy engine logs, and answers nobody.
        for round in 2..30 {
            watch.output(start + 10 * SECOND * (round - 1) + SECOND);
            assert_eq!(watch.tick(start + 10 * SECOND * round), Step::Rest);
        }
        // Then it falls silent: 30 s after its last word, not before.
        watch.output(start + 300 * SECOND + MOMENT);
        for round in 30..34 {
            assert_eq!(watch.tick(start + 10 * SECOND * round), Step::Rest);
        }
        let Step::Report { missed, silent_for } = watch.tick(start + 340 * SECOND) else {
            panic!("40 s less a moment are silence enough");
        };
        assert_eq!((missed, silent_for + MOMENT), (33, 40 * SECOND));
    }

    #[test]
    fn silence_is_not_enough_without_three_misses() {
        #[expect(clippy::disallowed_methods, reason = "any moment will do")]
        let start = Instant::now();
        let minute = 60 * SECOND;
        let mut watch = HealthWatch::new(minute, start);
        assert_eq!(watch.tick(start + minute), Step::Ask);
        assert_eq!(watch.tick(start + 2 * minute), Step::Rest);
        assert_eq!(watch.tick(start + 3 * minute), Step::Rest);
        let report = Step::Report { missed: 3, silent_for: 4 * minute };
        assert_eq!(watch.tick(start + 4 * minute), report);
    }

    #[test]
    fn an_answer_begins_the_count_anew() {
        let (mut watch, start) = watch();
        for round in 1..=3 {
            watch.tick(start + 10 * SECOND * round);
        }
        watch.answered();
        assert_eq!(watch.tick(start + 40 * SECOND), Step::Ask);
        assert_eq!(watch.tick(start + 50 * SECOND), Step::Rest);
        assert_eq!(watch.tick(start + 60 * SECOND), Step::Rest);
        assert!(matches!(watch.tick(start + 70 * SECOND), Step::Report { missed: 3, .. }));
        // And so does a report after it.
        watch.output(start + 71 * SECOND);
        watch.answered();
        assert_eq!(watch.tick(start + 80 * SECOND), Step::Ask);
        for round in 9..11 {
            assert_eq!(watch.tick(start + 10 * SECOND * round), Step::Rest);
        }
        assert!(matches!(watch.tick(start + 110 * SECOND), Step::Report { missed: 3, .. }));
    }
}
