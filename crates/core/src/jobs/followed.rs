//! What crash recovery needs of a queue (contract section 7, "With `manager`"): which jobs are live, and how many engine
//! exits each of them may live through.

use super::job::{Exits, Job, Phase};
use super::{JobKey, JobQueue, Path, Priority, Ticket};

/// A live job, and how much of its story was put out before it was looked at: outputs of attempts up to these numbers are
/// still on their way when somebody begins to listen, and are old news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowedJob {
    /// Its promise.
    pub ticket: Ticket,
    /// Who carries it.
    pub path: Path,
    /// Its place among the others.
    pub priority: Priority,
    /// Whether the engine has it.
    pub running: bool,
    /// The last attempt whose `Started` was put out; 0: none.
    pub started: u32,
    /// The last attempt whose `Retry` was put out; 0: none.
    pub retried: u32,
}

impl JobQueue {
    /// All live jobs: the active in the order they were started, then the queued in the order of their turn. An exit
    /// rejects none of them until [`JobQueue::grant_exits`] has said how many each may live through.
    pub fn follow(&mut self) -> Vec<FollowedJob> {
        let keys: Vec<JobKey> = self.leases.active().chain(self.lanes.iter()).collect();
        keys.into_iter()
            .filter_map(|key| {
                let job = self.table.get_mut(key)?;
                job.exits = Some(Box::new(Exits::new(u32::MAX)));
                Some(followed(key, job))
            })
            .collect()
    }

    /// Says how many exits a followed job may live through; those since it was followed or submitted count.
    pub fn grant_exits(&mut self, id: &str, exits: u32) {
        let Some(job) = self.find(id).and_then(|key| self.table.get_mut(key)) else { return };
        if let Some(known) = &mut job.exits {
            known.granted = exits;
        }
    }

    /// Nobody recovers the jobs any more: an exit is a failure like others.
    pub fn unfollow(&mut self) {
        let keys: Vec<JobKey> = self.leases.active().chain(self.lanes.iter()).collect();
        for key in keys {
            if let Some(job) = self.table.get_mut(key) {
                job.exits = None;
            }
        }
    }

    /// The payload of a live native job, a JSON text.
    #[must_use]
    pub fn payload(&self, id: &str) -> Option<&str> {
        self.table.get(self.find(id)?)?.payload_json.as_deref()
    }
}

fn followed(key: JobKey, job: &Job) -> FollowedJob {
    let (started, retried) = match &job.phase {
        Phase::Queued { .. } | Phase::Waiting(_) => (job.attempt, job.attempt),
        Phase::Starting(_) => (job.attempt - 1, job.attempt - 1),
        Phase::Running(_) | Phase::Asking(_) => (job.attempt, job.attempt - 1),
    };
    FollowedJob {
        ticket: job.ticket,
        path: key.path(),
        priority: job.priority,
        running: matches!(job.phase, Phase::Running(_)),
        started,
        retried,
    }
}
