//! What an attempt may meet while it is under way: events, the answer to its `jobs.cancel`, its timeout.

use std::borrow::Cow;

use super::job::Phase;
use super::leases::Awaits;
use super::{CancelResult, EngineEvent, Failure, JobKey, JobQueue, Outcome, Output};
use crate::clock::Now;
use crate::wire::id::JsonId;

impl JobQueue {
    /// An event goes to the job that has this id, is parked while a start is unanswered, or is nobody's.
    pub(super) fn engine_event<'a>(
        &mut self,
        id: &JsonId,
        event: EngineEvent<'a>,
        now: Now,
        out: &mut Vec<Output<'a>>,
    ) {
        match self.routes.get(id).copied() {
            _ if matches!(event, EngineEvent::Other) => {}
            Some(key) if self.table.get(key).is_some() => self.job_event(key, event, now, out),
            Some(key) => {
                event.forget(out);
                if event.is_terminal() {
                    self.end_lingering(key, out);
                }
            }
            None if self.leases.unanswered_count() > 0 => {
                let (horizon, unanswered) = (self.leases.horizon(), self.leases.unanswered_count());
                self.parking.park(id, event, horizon, unanswered, out);
            }
            None => event.forget(out),
        }
    }

    pub(super) fn job_event<'a>(
        &mut self,
        key: JobKey,
        event: EngineEvent<'a>,
        now: Now,
        out: &mut Vec<Output<'a>>,
    ) {
        match event {
            EngineEvent::Progress { percent, message } => {
                let Some(job) = self.table.get_mut(key) else { return };
                let Phase::Running(running) = &mut job.phase else { return };
                keep(&mut running.progress, percent.as_ref());
                keep(&mut running.message, message.as_ref());
                out.push(Output::Progress { ticket: job.ticket, key, percent, message });
            }
            EngineEvent::Result(data) => {
                let Some(job) = self.table.get(key) else { return };
                // "A job that ended meanwhile → false."
                if job.cancel_waits() {
                    out.push(Output::CancelAnswered { ticket: job.ticket, accepted: false });
                }
                self.end_attempt(key, out);
                self.settle(key, Outcome::Completed(data), now, out);
            }
            EngineEvent::Error(data) => {
                self.attempt_failed(key, Failure::EngineEvent(data), None, now, out);
            }
            EngineEvent::Broken { too_large } => {
                self.attempt_failed(key, Failure::Broken { too_large }, None, now, out);
            }
            EngineEvent::Other => {}
        }
    }

    pub(super) fn cancel_answered(
        &mut self,
        key: JobKey,
        reply: CancelResult,
        now: Now,
        out: &mut Vec<Output<'_>>,
    ) {
        let Some(job) = self.table.get_mut(key) else {
            let ended = reply == CancelResult::Accepted { success: true };
            let knows_id = self.leases.lingering(key).is_some_and(|it| matches!(it.awaits, Awaits::End(_)));
            if ended && knows_id {
                self.end_lingering(key, out);
            }
            return;
        };
        let Phase::Running(running) = &mut job.phase else { return };
        if !running.cancel_waits {
            return;
        }
        let accepted = reply != CancelResult::Failed;
        running.cancel_waits = false;
        out.push(Output::CancelAnswered { ticket: job.ticket, accepted });
        match reply {
            CancelResult::Failed => return,
            CancelResult::Accepted { success: true } => self.end_attempt(key, out),
            CancelResult::Accepted { success: false } => self.linger(key, now),
        }
        self.settle(key, Outcome::Failed(Failure::Cancelled), now, out);
    }

    /// Settled now; the lease stays taken until the engine is through with the job, or the grace is over.
    pub(super) fn attempt_timed_out(&mut self, key: JobKey, now: Now, out: &mut Vec<Output<'_>>) {
        let Some(job) = self.table.get(key) else { return };
        let cancel_waits = job.cancel_waits();
        if cancel_waits {
            out.push(Output::CancelAnswered { ticket: job.ticket, accepted: false });
        }
        let to_cancel = match &job.phase {
            Phase::Running(running) if !cancel_waits => Some(running.engine_id.clone()),
            _ => None,
        };
        self.linger(key, now);
        self.settle(key, Outcome::Failed(Failure::Timeout), now, out);
        if let Some(engine_id) = to_cancel {
            out.push(Output::SendCancel { key, path: key.path(), engine_id });
        }
    }
}

/// Writes over the former text, so that a job's progress costs one allocation and not one per event.
fn keep(kept: &mut Option<Vec<u8>>, text: Option<&Cow<'_, [u8]>>) {
    match text {
        Some(text) => {
            let kept = kept.get_or_insert_default();
            kept.clear();
            kept.extend_from_slice(text);
        }
        None => *kept = None,
    }
}
