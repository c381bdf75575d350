//! A failed attempt: another one, now or later, or the end (contract section 4).

use std::time::Duration;

use super::job::{Asking, Phase, Waiting};
use super::lanes::Seat;
use super::{Config, Failure, JobKey, JobQueue, Outcome, Output};
use crate::clock::Now;

impl JobQueue {
    /// `head_seat`: its engine exited, and with a retry left it re-enters there.
    pub(super) fn attempt_failed<'a>(
        &mut self,
        key: JobKey,
        failure: Failure<'a>,
        head_seat: Option<Seat>,
        now: Now,
        out: &mut Vec<Output<'a>>,
    ) {
        let Some(job) = self.table.get_mut(key) else { return };
        let recovered = if failure == Failure::EngineExited { job.live_through_exit() } else { None };
        let again = recovered.unwrap_or_else(|| failure.may_be_retried() && job.has_retry_left());
        let (cancel_waits, ticket, attempt, priority) =
            (job.cancel_waits(), job.ticket, job.attempt, job.priority);
        self.end_attempt(key, out);
        if cancel_waits {
            // With a retry left the job would have lived on: it is removed, as any queued one.
            out.push(Output::CancelAnswered { ticket, accepted: again });
            let failure = if again {
                failure.forget(out);
                Failure::Cancelled
            } else {
                failure
            };
            self.settle(key, Outcome::Failed(failure), now, out);
        } else if !again {
            self.settle(key, Outcome::Failed(failure), now, out);
        } else if self.config.asks_before_retry && recovered.is_none() {
            let seat = self.lanes.tail_seat();
            self.lanes.wait(priority, seat, key);
            if let Some(job) = self.table.get_mut(key) {
                let kept = failure.clone().into_owned();
                job.phase = Phase::Asking(Box::new(Asking { seat, failure: kept, head_seat }));
            }
            out.push(Output::AskRetry { ticket, key, attempt, failure });
        } else {
            self.retry(key, failure, head_seat, now, out);
        }
    }

    pub(super) fn retry_decided(&mut self, key: JobKey, retry: bool, now: Now, out: &mut Vec<Output<'_>>) {
        let Some(job) = self.table.get(key) else { return };
        let Phase::Asking(asking) = &job.phase else { return };
        let (failure, head_seat) = (asking.failure.clone(), asking.head_seat);
        self.lanes.unwait(job.priority, asking.seat);
        if retry {
            self.retry(key, failure, head_seat, now, out);
        } else {
            self.settle(key, Outcome::Failed(failure), now, out);
        }
    }

    /// The job is in no lane; puts it into one.
    fn retry<'a>(
        &mut self,
        key: JobKey,
        failure: Failure<'a>,
        head_seat: Option<Seat>,
        now: Now,
        out: &mut Vec<Output<'a>>,
    ) {
        let Some(job) = self.table.get_mut(key) else { return };
        let delay = if head_seat.is_some() { Duration::ZERO } else { delay(&self.config, job.attempt) };
        self.totals.retried += 1;
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        out.push(Output::Retry { ticket: job.ticket, key, attempt: job.attempt, delay_ms, failure });
        let seat = head_seat.unwrap_or_else(|| self.lanes.tail_seat());
        if delay.is_zero() {
            job.phase = Phase::Queued { seat };
            self.lanes.queue(job.priority, seat, key);
        } else {
            let timer = self.timers.set(now.instant, Some(delay), key);
            job.phase = Phase::Waiting(Box::new(Waiting { seat, timer }));
            self.lanes.wait(job.priority, seat, key);
        }
    }

    /// The wait is over: the tail of its lane, as it is now.
    pub(super) fn retry_due(&mut self, key: JobKey) {
        let Some(job) = self.table.get_mut(key) else { return };
        let Phase::Waiting(waiting) = &job.phase else { return };
        self.lanes.unwait(job.priority, waiting.seat);
        let seat = self.lanes.tail_seat();
        job.phase = Phase::Queued { seat };
        self.lanes.queue(job.priority, seat, key);
    }
}

/// The wait after the failure of this attempt; what is past counting is the longest there is.
fn delay(config: &Config, attempt: u32) -> Duration {
    if config.retry_delay.is_zero() {
        return Duration::ZERO;
    }
    let exponent = i32::try_from(attempt - 1).unwrap_or(i32::MAX);
    let secs = config.retry_delay.as_secs_f64() * config.retry_backoff.powi(exponent);
    Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX)
}
