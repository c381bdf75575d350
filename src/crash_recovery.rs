//! `CrashRecovery`'s native half.

use std::collections::HashSet;
use std::sync::Arc;

use desktop_runtime_core::delivery::Delivery;
use desktop_runtime_core::fault::{Place, go_on};
use desktop_runtime_core::recovery::job::List;
use desktop_runtime_core::recovery::state::{HandOver, Limits, State};
use desktop_runtime_core::recovery::{Options, Recovery};
use desktop_runtime_core::wire::id::JsonId;
use napi::bindgen_prelude::Result;
use napi_derive::napi;

use crate::engine_client::{count, duration, number};
use crate::held::{self, Held};
use crate::port::Port;
use crate::text::Text;

/// The options of `CrashRecovery`, checked and with defaults filled in by the facade.
#[napi(object)]
pub struct NativeRecoveryOptions {
    /// An absolute path.
    pub state_dir: String,
    pub persist_interval: f64,
    pub max_recovered_jobs: f64,
    pub max_attempts: f64,
}

impl From<NativeRecoveryOptions> for Options {
    fn from(options: NativeRecoveryOptions) -> Self {
        let most_attempts = count(options.max_attempts);
        Self {
            folder: options.state_dir.into(),
            persist_interval: duration(options.persist_interval),
            limits: Limits {
                most_recovered: count(options.max_recovered_jobs),
                most_attempts: most_attempts.map(|most| u32::try_from(most).unwrap_or(u32::MAX)),
            },
        }
    }
}

/// What `getStats()` returns.
#[napi(object)]
pub struct NativeRecoveryStats {
    pub pending_jobs: f64,
    pub running_jobs: f64,
    pub last_health_check: Option<f64>,
}

/// A hand-over under way.
#[napi(object)]
pub struct NativeHandOver {
    pub version: f64,
    pub was_running: bool,
}

/// Ids and jobs are JSON texts.
#[napi]
pub struct NativeRecovery {
    recovery: Held<Arc<Recovery>>,
}

fn key(id: &str) -> JsonId {
    JsonId::from_raw(id.as_bytes())
}

fn keys(ids: &[String]) -> HashSet<JsonId> {
    ids.iter().map(|id| key(id)).collect()
}

#[napi]
impl NativeRecovery {
    /// `id` is what the port's `deliver` is called with.
    #[napi(constructor, catch_unwind)]
    pub fn new(port: &Port, id: u32, options: NativeRecoveryOptions) -> Self {
        let recovery = Recovery::new(options.into(), Delivery::new(id, port.waker()));
        port.adopt(&recovery);
        Self { recovery: Held::new(recovery) }
    }

    /// `RecoveryOpened` tells the end.
    #[napi(catch_unwind)]
    pub fn open(&self) {
        self.recovery.open();
    }

    /// `RecoveryDone` with the ticket tells the end.
    #[napi(catch_unwind)]
    pub fn shutdown(&self, ticket: u32) {
        self.recovery.shutdown(ticket);
    }

    /// `RecoveryDone` with the ticket tells the end.
    #[napi(catch_unwind)]
    pub fn clear(&self, ticket: u32) {
        self.recovery.clear(ticket);
    }

    /// `volatile`: the text is not all of the job. Whether the text is a job's.
    #[napi(catch_unwind)]
    pub fn track(&self, job: String, volatile: bool) -> bool {
        self.enter(|state, now_ms| state.track(job.as_bytes(), volatile, now_ms))
    }

    /// `progress` is a JSON number.
    #[napi(catch_unwind)]
    pub fn update(&self, id: String, running: bool, progress: Option<String>) {
        self.enter(|state, now_ms| {
            state.update(&key(&id), running, progress.as_deref().map(str::as_bytes), now_ms);
        });
    }

    #[napi(catch_unwind)]
    pub fn remove(&self, id: String) {
        self.enter(|state, _| state.remove(&key(&id)));
    }

    /// The engine is ready.
    #[napi(catch_unwind)]
    pub fn healthy(&self) {
        self.enter(State::healthy);
    }

    /// A JSON array of jobs; `skip`: not those.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn recoverable(&self, skip: Vec<String>) -> Text {
        let limits = self.recovery.options().limits;
        Text(self.enter(|state, _| state.recoverable(limits, &keys(&skip))))
    }

    /// A JSON array of the ids of the pending and running jobs.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn live_ids(&self) -> Text {
        Text(self.enter(|state, _| state.live_ids()))
    }

    /// A JSON array of the ids of the jobs that are for another one to hand over, who took the folder over.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn elsewhere(&self) -> Text {
        Text(self.enter(|state, _| state.elsewhere()))
    }

    /// A JSON array of jobs.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn parked(&self) -> Text {
        Text(self.enter(|state, _| state.parked()))
    }

    /// Parks the jobs that have had all their attempts; they are returned as a JSON array. `skip`: not those.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn park_exhausted(&self, skip: Vec<String>) -> Text {
        let limits = self.recovery.options().limits;
        Text(self.enter(|state, _| state.park_exhausted(limits, &keys(&skip))))
    }

    /// Whether the job was parked.
    #[napi(catch_unwind)]
    pub fn unpark(&self, id: String) -> bool {
        self.enter(|state, _| state.unpark(&key(&id)))
    }

    /// The job as it is; `null`: it is not tracked.
    #[napi(catch_unwind, ts_return_type = "string | null")]
    pub fn job(&self, id: String) -> Option<Text> {
        self.enter(|state, _| state.job(&key(&id))).map(Text)
    }

    /// Tells the job from another that is tracked under its id; `null`: it is not tracked.
    #[napi(catch_unwind, ts_return_type = "number | null")]
    pub fn version(&self, id: String) -> Option<f64> {
        self.enter(|state, _| state.version(&key(&id))).map(number)
    }

    /// The job's hand-over begins; what is returned is for what ends it. `null`: the job is gone.
    #[napi(catch_unwind, ts_return_type = "NativeHandOver | null")]
    pub fn hand_over(&self, id: String) -> Option<NativeHandOver> {
        let handed = self.enter(|state, _| state.hand_over(&key(&id)));
        handed
            .map(|HandOver { version, was_running }| NativeHandOver { version: number(version), was_running })
    }

    /// The hand-over was a success.
    #[napi(catch_unwind)]
    pub fn settle(&self, id: String, version: f64) {
        self.enter(|state, _| state.settle(&key(&id), given_out(version)));
    }

    /// The hand-over did not come about.
    #[napi(catch_unwind)]
    pub fn take_back(&self, id: String, handed: NativeHandOver) {
        let handed = HandOver { version: given_out(handed.version), was_running: handed.was_running };
        self.enter(|state, _| state.take_back(&key(&id), handed));
    }

    /// The hand-over failed. Whether that parked the job.
    #[napi(catch_unwind)]
    pub fn failed(&self, id: String, version: f64) -> bool {
        let limits = self.recovery.options().limits;
        self.enter(|state, _| state.failed(&key(&id), given_out(version), limits))
    }

    /// The manager has put the job back after its engine's exit.
    #[napi(catch_unwind)]
    pub fn put_back(&self, id: String) {
        self.enter(|state, _| state.put_back(&key(&id)));
    }

    /// How many exits of its engine the job may still survive; `null`: any number.
    #[napi(catch_unwind, ts_return_type = "number | null")]
    pub fn exits_left(&self, id: String) -> Option<u32> {
        let limits = self.recovery.options().limits;
        self.enter(|state, _| state.exits_left(&key(&id), limits))
    }

    /// The job ended with its engine. Whether that parked it.
    #[napi(catch_unwind)]
    pub fn exited(&self, id: String) -> bool {
        let limits = self.recovery.options().limits;
        self.enter(|state, _| state.exited(&key(&id), limits))
    }

    #[napi(catch_unwind)]
    pub fn stats(&self) -> NativeRecoveryStats {
        self.enter(|state, _| NativeRecoveryStats {
            pending_jobs: number(state.count(List::Pending) as u64),
            running_jobs: number(state.count(List::Running) as u64),
            last_health_check: state.healthy_at_ms().map(number),
        })
    }

    /// A panic was caught in a method of this object: its state is made anew.
    #[napi(catch_unwind)]
    pub fn panicked(&self) {
        self.recovery.defect();
    }

    /// For tests: the next `times` visits of a place panic.
    #[napi(catch_unwind, skip_typescript)]
    pub fn fault(&self, place: String, times: u32) -> Result<()> {
        self.recovery.faults().ask(held::place(&place)?, times);
        Ok(())
    }
}

impl NativeRecovery {
    /// What JavaScript asked for may not be done: it must not hear of a success.
    fn enter<R>(&self, act: impl FnOnce(&mut State, u64) -> R) -> R {
        self.recovery.faults().visit(Place::Export);
        self.recovery.enter(act).unwrap_or_else(|| go_on())
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "given out by us, below 2^53")]
fn given_out(version: f64) -> u64 {
    version as u64
}
