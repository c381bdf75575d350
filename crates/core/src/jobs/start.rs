//! From the head of the queue to the engine's answer.

use super::job::{LastStart, Phase, Running, Starting};
use super::leases::{Awaits, Lingering};
use super::{Failure, JobKey, JobQueue, Outcome, Output, StartReply};
use crate::clock::Now;
use crate::wire::id::JsonId;

impl JobQueue {
    /// The attempt's timeout runs from here: the driver sends `jobs.start` now.
    pub(super) fn start(&mut self, key: JobKey, now: Now, out: &mut Vec<Output<'_>>) {
        let Some(job) = self.table.get_mut(key) else { return };
        let Phase::Queued { seat } = job.phase else { return };
        self.lanes.unqueue(job.priority, seat);
        job.attempt += 1;
        let lease = self.leases.take(key);
        let timer = self.timers.set(now.instant, job.terms.timeout, key);
        job.phase = Phase::Starting(Box::new(Starting { lease, timer, seat, cancel_waits: false }));
        out.push(Output::Start { key, attempt: job.attempt, ticket: job.ticket, path: key.path() });
    }

    pub(super) fn start_answered<'a>(
        &mut self,
        key: JobKey,
        attempt: u32,
        reply: StartReply<'a>,
        now: Now,
        out: &mut Vec<Output<'a>>,
    ) {
        let starting = self.table.get(key).is_some_and(|job| job.is_starting(attempt));
        match reply {
            StartReply::Accepted(id) if starting => self.accepted(key, id, now, out),
            StartReply::Accepted(id) if self.lingers_unanswered(key, attempt) => {
                self.accepted_too_late(key, id, out);
            }
            StartReply::Accepted(id) => {
                if self.abandoned.take(key, attempt) {
                    self.cancel_orphan(key, id, out);
                }
            }
            StartReply::Refused(failure) if starting => self.refused(key, failure, now, out),
            StartReply::Refused(Failure::StartTimedOut) => {} // An `Accepted` may still follow.
            StartReply::Refused(failure) => {
                failure.forget(out);
                if self.lingers_unanswered(key, attempt) {
                    self.end_lingering(key, out);
                }
                self.abandoned.take(key, attempt);
            }
        }
    }

    fn lingers_unanswered(&mut self, key: JobKey, attempt: u32) -> bool {
        matches!(
            self.leases.lingering(key),
            Some(Lingering { awaits: Awaits::Answer { attempt: awaited }, .. }) if *awaited == attempt
        )
    }

    fn accepted(&mut self, key: JobKey, id: JsonId, now: Now, out: &mut Vec<Output<'_>>) {
        if !self.claim(&id, key, out) {
            self.refused(key, Failure::NoJobId, now, out);
            return;
        }
        let Some(job) = self.table.get_mut(key) else { return };
        let Phase::Starting(starting) = &job.phase else { return };
        let (lease, timer, cancel_waits) = (starting.lease, starting.timer, starting.cancel_waits);
        self.leases.answered(lease);
        job.started = Some(Box::new(LastStart::new(now, id.clone())));
        job.phase = Phase::Running(Box::new(Running {
            lease,
            timer,
            engine_id: id.clone(),
            cancel_waits,
            progress: None,
            message: None,
        }));
        let path = key.path();
        let attempt = job.attempt;
        out.push(Output::Started { ticket: job.ticket, key, path, attempt, engine_id: id.clone() });
        for event in self.parking.take(&id) {
            self.job_event(key, event, now, out);
        }
        // Told to the engine only now: what was parked may have been its end.
        if cancel_waits && self.table.get(key).is_some_and(|job| matches!(job.phase, Phase::Running(_))) {
            out.push(Output::SendCancel { key, path, engine_id: id });
        }
    }

    /// "When the job's timeout passes first, it rejects then, and the answer is sent `jobs.cancel` when it comes."
    fn accepted_too_late(&mut self, key: JobKey, id: JsonId, out: &mut Vec<Output<'_>>) {
        if !self.claim(&id, key, out) {
            self.end_lingering(key, out);
            return;
        }
        if let Some(lingering) = self.leases.lingering(key) {
            lingering.awaits = Awaits::End(id.clone());
            let lease = lingering.lease;
            self.leases.answered(lease);
        }
        let mut ended = false;
        for event in self.parking.take(&id) {
            event.forget(out);
            ended |= event.is_terminal();
        }
        if ended {
            self.end_lingering(key, out);
        } else {
            out.push(Output::SendCancel { key, path: key.path(), engine_id: id });
        }
    }

    /// The engine began a job that nobody waits for. Unless its id is another's: then that one would be cancelled.
    fn cancel_orphan(&mut self, key: JobKey, id: JsonId, out: &mut Vec<Output<'_>>) {
        if self.routes.contains_key(&id) {
            return;
        }
        for event in self.parking.take(&id) {
            event.forget(out);
        }
        out.push(Output::SendCancel { key, path: key.path(), engine_id: id });
    }

    fn refused<'a>(&mut self, key: JobKey, failure: Failure<'a>, now: Now, out: &mut Vec<Output<'a>>) {
        if failure == Failure::StartTimedOut
            && let Some(job) = self.table.get(key)
        {
            self.abandoned.add(key, job.attempt);
        }
        // Its caller heard of the exit before the queue did.
        let head_seat = (failure == Failure::EngineExited).then(|| self.lanes.head_seat());
        self.attempt_failed(key, failure, head_seat, now, out);
    }

    /// `BACKPRESSURE`: as if it had not left its seat. False when it is none of this engine's starts.
    pub(super) fn start_blocked(
        &mut self,
        key: JobKey,
        attempt: u32,
        now: Now,
        out: &mut Vec<Output<'_>>,
    ) -> bool {
        if self.lingers_unanswered(key, attempt) {
            self.end_lingering(key, out);
            return true;
        }
        let Some(job) = self.table.get_mut(key).filter(|job| job.is_starting(attempt)) else { return false };
        let Phase::Starting(starting) = &job.phase else { return false };
        let (seat, cancel_waits) = (starting.seat, starting.cancel_waits);
        job.attempt -= 1;
        let (priority, ticket) = (job.priority, job.ticket);
        self.end_attempt(key, out);
        if cancel_waits {
            out.push(Output::CancelAnswered { ticket, accepted: true });
            self.settle(key, Outcome::Failed(Failure::Cancelled), now, out);
        } else if let Some(job) = self.table.get_mut(key) {
            job.phase = Phase::Queued { seat };
            self.lanes.queue(priority, seat, key);
        }
        true
    }
}
