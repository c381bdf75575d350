//! Leases of settled jobs, and whose the engine's ids are.
//!
//! An id belongs to one job, live or lingering, from its `Watch` to its `Release`.

use super::job::Phase;
use super::leases::{Awaits, Lingering};
use super::{JobKey, JobQueue, Output};
use crate::clock::Now;
use crate::wire::id::JsonId;

impl JobQueue {
    /// Gives the id to the job. False when another live job has it: two jobs cannot share their events.
    ///
    /// From a lingering job it is taken, and its lease is free: the engine gives an id anew only when the former job has
    /// ended.
    pub(super) fn claim(&mut self, id: &JsonId, key: JobKey, out: &mut Vec<Output<'_>>) -> bool {
        if let Some(&owner) = self.routes.get(id) {
            if self.table.get(owner).is_some() {
                return false;
            }
            self.end_lingering(owner, out);
        }
        self.routes.insert(id.clone(), key);
        out.push(Output::Watch { key, path: key.path(), engine_id: id.clone() });
        true
    }

    pub(super) fn release(&mut self, id: &JsonId, key: JobKey, out: &mut Vec<Output<'_>>) {
        self.routes.remove(id);
        out.push(Output::Release { key, path: key.path() });
    }

    /// Hands the lease of an active job, which settles right after this, to its grace.
    pub(super) fn linger(&mut self, key: JobKey, now: Now) {
        let Some(job) = self.table.get(key) else { return };
        let (lease, timer, awaits) = match &job.phase {
            Phase::Starting(starting) => {
                (starting.lease, starting.timer, Awaits::Answer { attempt: job.attempt })
            }
            Phase::Running(running) => (running.lease, running.timer, Awaits::End(running.engine_id.clone())),
            Phase::Queued { .. } | Phase::Asking(_) | Phase::Waiting(_) => return,
        };
        self.timers.unset(timer);
        let timer = self.timers.set(now.instant, self.config.cancel_grace, key);
        self.leases.linger(key, Lingering { lease, timer, awaits });
    }

    /// The engine is through with the job.
    pub(super) fn end_lingering(&mut self, key: JobKey, out: &mut Vec<Output<'_>>) {
        let Some(lingering) = self.leases.end_lingering(key) else { return };
        self.timers.unset(lingering.timer);
        if let Awaits::End(id) = lingering.awaits {
            self.release(&id, key, out);
        }
    }

    /// Nothing came; the lease is free. An answer that is still to come is not forgotten.
    pub(super) fn grace_over(&mut self, key: JobKey, out: &mut Vec<Output<'_>>) {
        if let Some(Lingering { awaits: Awaits::Answer { attempt }, .. }) = self.leases.lingering(key) {
            self.abandoned.add(key, *attempt);
        }
        self.end_lingering(key, out);
    }

    pub(super) fn end_all_lingering(&mut self, out: &mut Vec<Output<'_>>) {
        for key in self.leases.lingering_keys() {
            self.end_lingering(key, out);
        }
    }
}
