//! The ends of attempts and of jobs.

use super::history::Ended;
use super::job::Phase;
use super::names::Name;
use super::view::JobState;
use super::{Failure, JobKey, JobQueue, Outcome, Output, StartedInfo};
use crate::clock::Now;

impl JobQueue {
    /// Takes back what an attempt holds: timer, lease, the engine's id. The job's next phase, or its end, follows.
    pub(super) fn end_attempt(&mut self, key: JobKey, out: &mut Vec<Output<'_>>) {
        let Some(job) = self.table.get(key) else { return };
        match &job.phase {
            Phase::Starting(starting) => {
                self.timers.unset(starting.timer);
                self.leases.free(starting.lease);
            }
            Phase::Running(running) => {
                self.timers.unset(running.timer);
                self.leases.free(running.lease);
                let id = running.engine_id.clone();
                self.release(&id, key, out);
            }
            Phase::Queued { .. } | Phase::Asking(_) | Phase::Waiting(_) => {}
        }
    }

    /// Takes a job out of the lanes, whatever it waits for there. Its end follows.
    pub(super) fn leave_queue(&mut self, key: JobKey, out: &mut Vec<Output<'_>>) {
        let Some(job) = self.table.get(key) else { return };
        match &job.phase {
            Phase::Queued { seat } => self.lanes.unqueue(job.priority, *seat),
            Phase::Asking(asking) => {
                self.lanes.unwait(job.priority, asking.seat);
                asking.failure.forget(out);
            }
            Phase::Waiting(waiting) => {
                self.lanes.unwait(job.priority, waiting.seat);
                self.timers.unset(waiting.timer);
            }
            Phase::Starting(_) | Phase::Running(_) => {}
        }
    }

    /// The job is in no lane and holds nothing, or lingers: here is its only end.
    pub(super) fn settle<'a>(
        &mut self,
        key: JobKey,
        outcome: Outcome<'a>,
        now: Now,
        out: &mut Vec<Output<'a>>,
    ) {
        let Some(job) = self.table.remove(key) else { return };
        let name = job.id.as_ref().map_or(Name::Key(key), |id| self.names.name(id));
        if job.id.is_some() {
            self.ids.remove(&name);
        }
        let (state, total) = match &outcome {
            Outcome::Completed(_) => (JobState::Done, &mut self.totals.done),
            Outcome::Failed(Failure::Cancelled) => (JobState::Cancelled, &mut self.totals.cancelled),
            Outcome::Failed(_) => (JobState::Failed, &mut self.totals.failed),
        };
        *total += 1;
        let started = job.started.as_ref().map(|started| {
            let ran = now.instant.saturating_duration_since(started.instant);
            StartedInfo { duration_ms: u64::try_from(ran.as_millis()).unwrap_or(u64::MAX) }
        });
        out.push(Output::Settle { ticket: job.ticket, key, path: key.path(), outcome, started });
        let (started_at_ms, engine_id) =
            job.started.map_or((None, None), |started| (Some(started.wall_ms), Some(started.engine_id)));
        self.history.add(
            name,
            Ended { terms: job.terms, state, started_at_ms, completed_at_ms: now.wall_ms, engine_id },
        );
    }

    /// "A job whose engine exits: with retry left" (or, for crash recovery, an exit left) "it goes back to the head of its priority" (several in the order they
    /// were started), "otherwise it rejects at once".
    pub(super) fn engine_exited(&mut self, now: Now, out: &mut Vec<Output<'_>>) {
        let active: Vec<JobKey> = self.leases.active().collect();
        let seats = self.lanes.head_seats(active.len());
        for (key, seat) in active.into_iter().zip(seats) {
            self.attempt_failed(key, Failure::EngineExited, Some(seat), now, out);
        }
    }

    /// "`Engine shutting down` (running jobs at `stop()`, not retried)"; "queued jobs outlive `stop()`".
    pub(super) fn engine_stopping(&mut self, now: Now, out: &mut Vec<Output<'_>>) {
        for key in self.leases.active().collect::<Vec<_>>() {
            self.attempt_failed(key, Failure::ShuttingDown, None, now, out);
        }
    }
}
