//! `EngineClient`'s native half.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use desktop_runtime_core::delivery::{Delivery, LONGEST_TEXT};
use desktop_runtime_core::engine::{Call, CallRefused, Engine, EngineOptions, Timeout, outside_of_archive};
use desktop_runtime_core::fault::{go_on, insisted};
use desktop_runtime_core::stream::Kinds;
use desktop_runtime_core::wire::message::JobEventKind;
use napi::bindgen_prelude::Result;
use napi_derive::napi;

use crate::held::{self, Held};
use crate::port::Port;
use crate::text::BatchText;

/// Durations from here on (31 years) are no limit.
const FOREVER_MS: f64 = 1e12;
/// The same, where a delay must be a number.
pub const NEVER: Duration = Duration::from_secs(1_000_000_000);

/// A limit of the facade's: milliseconds, `Infinity` for none.
pub fn duration(ms: f64) -> Option<Duration> {
    (ms < FOREVER_MS).then(|| Duration::from_secs_f64(ms.max(0.0) / 1000.0))
}

/// A count or a size of the facade's: a number from 0 up, `Infinity` for none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked by the facade; saturates"
)]
pub fn count(number: f64) -> Option<usize> {
    number.is_finite().then_some(number as usize)
}

/// A count for JavaScript.
#[expect(clippy::cast_precision_loss, reason = "JavaScript has no other numbers; exact below 2^53")]
pub fn number(count: u64) -> f64 {
    count as f64
}

/// The options of `EngineClient`, checked and with defaults filled in by the facade.
#[napi(object)]
pub struct NativeEngineOptions {
    pub engine_path: String,
    pub args: Vec<String>,
    pub cwd: Option<String>,
    pub request_timeout: f64,
    pub startup_timeout: f64,
    pub auto_restart: bool,
    pub max_restarts: f64,
    pub restart_delay: f64,
    pub restart_backoff: f64,
    pub max_restart_delay: f64,
    pub restart_window: f64,
    pub kill_timeout: f64,
    pub kill_tree: bool,
    /// A JSON text; left out: none.
    pub health_method: Option<String>,
    pub health_interval: f64,
    pub max_message_bytes: f64,
    pub max_pending_bytes: f64,
}

impl From<NativeEngineOptions> for EngineOptions {
    fn from(options: NativeEngineOptions) -> Self {
        Self {
            program: outside_of_archive(&options.engine_path).into(),
            args: options.args.into_iter().map(OsString::from).collect(),
            cwd: options.cwd.map(PathBuf::from),
            request_timeout: duration(options.request_timeout),
            startup_timeout: duration(options.startup_timeout),
            auto_restart: options.auto_restart,
            max_restarts: count(options.max_restarts).map(|most| u32::try_from(most).unwrap_or(u32::MAX)),
            restart_delay: duration(options.restart_delay).unwrap_or(NEVER),
            restart_backoff: options.restart_backoff,
            max_restart_delay: duration(options.max_restart_delay),
            restart_window: duration(options.restart_window),
            kill_timeout: duration(options.kill_timeout),
            kill_tree: options.kill_tree,
            health_method: options.health_method.map(Into::into),
            health_interval: duration(options.health_interval).filter(|interval| !interval.is_zero()),
            max_message_bytes: Some(
                count(options.max_message_bytes).unwrap_or(LONGEST_TEXT).min(LONGEST_TEXT),
            ),
            max_pending_bytes: count(options.max_pending_bytes),
        }
    }
}

/// What `getStats()` returns.
#[napi(object)]
pub struct NativeEngineStats {
    pub pid: Option<u32>,
    pub state: String,
    pub pending_calls: f64,
    pub pending_bytes: f64,
    pub restarts: f64,
    pub uptime: f64,
    pub received: f64,
    pub dropped: f64,
}

#[napi]
pub struct NativeEngine {
    engine: Held<Arc<Engine>>,
}

/// The answer to a call: 0 taken, 1 not ready, 2 backpressure, 3 a defect was caught.
fn status(outcome: std::result::Result<(), CallRefused>) -> u32 {
    match outcome {
        Ok(()) => 0,
        Err(CallRefused::NotReady) => 1,
        Err(CallRefused::Backpressure) => 2,
        Err(CallRefused::Panicked) => 3,
    }
}

/// What `NativeEngine::calls` takes, taken apart.
fn calls_of(batch: &str) -> impl Iterator<Item = Call<'_>> + Clone {
    let mut lines = batch.split('\n');
    std::iter::from_fn(move || {
        let mut head = lines.next()?.splitn(2, ' ');
        let slot = head.next()?.parse().ok()?;
        let timeout = match head.next() {
            Some(ms) => Timeout::Own(duration(ms.parse().ok()?)),
            None => Timeout::Engine,
        };
        let method = lines.next()?;
        let params = lines.next().filter(|params| !params.is_empty());
        Some(Call { slot, method, params, timeout })
    })
}

/// Names and values in turn.
fn environment(flat: Vec<String>) -> Vec<(OsString, OsString)> {
    let mut entries = Vec::with_capacity(flat.len() / 2);
    let mut flat = flat.into_iter();
    while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
        entries.push((name.into(), value.into()));
    }
    entries
}

#[napi]
impl NativeEngine {
    /// `id` is what the port's `deliver` is called with.
    #[napi(constructor, catch_unwind)]
    pub fn new(port: &Port, id: u32, options: NativeEngineOptions) -> Self {
        let engine = Engine::new(options.into(), Delivery::new(id, port.waker()));
        port.adopt(&engine);
        Self { engine: Held::new(engine) }
    }

    #[napi(catch_unwind)]
    pub fn start(&self, env: Vec<String>) {
        self.engine.start(environment(env)).unwrap_or_else(|| go_on());
    }

    #[napi(catch_unwind)]
    pub fn restart(&self, env: Vec<String>) {
        self.engine.restart(environment(env));
    }

    /// Returns what had not been delivered.
    #[napi(catch_unwind, ts_return_type = "string | null")]
    pub fn stop(&self) -> Option<BatchText> {
        // Whoever stops an engine must get it stopped.
        insisted(|| self.engine.stop()).flatten().map(BatchText)
    }

    #[napi(catch_unwind)]
    pub fn is_idle(&self) -> bool {
        self.engine.is_idle()
    }

    /// Nothing runs, and nothing waits for JavaScript.
    #[napi(catch_unwind)]
    pub fn is_quiet(&self) -> bool {
        self.engine.is_idle() && self.engine.delivery().is_empty()
    }

    /// `method` and `params` are JSON texts, `timeout` is in milliseconds.
    #[napi(catch_unwind)]
    pub fn call(
        &self,
        slot: u32,
        method: String,
        params: Option<String>,
        timeout: f64,
        starts_job: bool,
    ) -> u32 {
        status(self.engine.call(slot, &method, params.as_deref(), duration(timeout), starts_job))
    }

    /// The calls of a turn. Each is three lines: its slot, and a timeout in milliseconds if it has one of its own; the method;
    /// the params, or nothing. Returns slots and statuses of those that were not sent.
    #[napi(catch_unwind, ts_return_type = "Array<number> | null")]
    pub fn calls(&self, batch: String, ends_turn: bool) -> Option<Vec<u32>> {
        let refused = self.engine.calls(calls_of(&batch));
        if ends_turn {
            self.engine.end_turn();
        }
        if refused.is_empty() {
            return None;
        }
        Some(refused.into_iter().flat_map(|(slot, why)| [slot, status(Err(why))]).collect())
    }

    #[napi(catch_unwind)]
    pub fn abort(&self, slot: u32) -> bool {
        self.engine.abort(slot)
    }

    #[napi(catch_unwind)]
    pub fn notify(&self, method: String, params: Option<String>) -> u32 {
        status(self.engine.notify(&method, params.as_deref()))
    }

    #[napi(catch_unwind)]
    pub fn respond(&self, run: u32, id: String, result: String) -> u32 {
        status(self.engine.respond(run.into(), &id, &result))
    }

    #[napi(catch_unwind)]
    pub fn fail(&self, run: u32, id: String, code: String, message: String, data: Option<String>) -> u32 {
        status(self.engine.respond_error(run.into(), &id, &code, &message, data.as_deref()))
    }

    /// Behind all calls of a turn: writes them.
    #[napi(catch_unwind)]
    pub fn end_turn(&self) {
        self.engine.end_turn();
    }

    /// Behind all code that an answer set going.
    #[napi(catch_unwind)]
    pub fn end_answers(&self) {
        self.engine.delivery().shut_window();
    }

    /// The events that have listeners, as bits.
    #[napi(catch_unwind)]
    pub fn set_heard(&self, bits: u32) {
        self.engine.set_heard(bits);
    }

    /// Which types of a job's events are watched, as bits. `job_id` is a JSON text.
    #[napi(catch_unwind)]
    pub fn watch(&self, job_id: String, kinds: u32) {
        self.engine.watch(&job_id, Kinds::from_bits(kinds));
    }

    /// A job event that the app emitted. `kind`: its `type`; `job_id`, `data` and the whole `event` are JSON texts.
    #[napi(catch_unwind)]
    pub fn inject(&self, kind: String, job_id: String, data: Option<String>, event: Option<String>) {
        let kind = match kind.as_str() {
            "progress" => JobEventKind::Progress,
            "log" => JobEventKind::Log,
            "partial" => JobEventKind::Partial,
            "result" => JobEventKind::Result,
            "error" => JobEventKind::Error,
            _ => JobEventKind::Other,
        };
        self.engine.inject(kind, &job_id, data.as_deref(), event.as_deref());
    }

    #[napi(catch_unwind)]
    pub fn stats(&self) -> NativeEngineStats {
        let stats = self.engine.stats();
        NativeEngineStats {
            pid: stats.pid,
            state: stats.state.to_owned(),
            pending_calls: number(stats.pending_calls as u64),
            pending_bytes: number(stats.pending_bytes as u64),
            restarts: number(stats.restarts),
            uptime: number(stats.uptime_ms),
            received: number(stats.received),
            dropped: number(stats.dropped),
        }
    }

    /// A panic was caught in a method of this object: its state is made anew.
    #[napi(catch_unwind)]
    pub fn panicked(&self) {
        self.engine.defect();
    }

    /// For tests: the next `times` visits of a place panic.
    #[napi(catch_unwind, skip_typescript)]
    pub fn fault(&self, place: String, times: u32) -> Result<()> {
        self.engine.faults().ask(held::place(&place)?, times);
        Ok(())
    }
}

impl NativeEngine {
    /// The core's handle.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }
}
